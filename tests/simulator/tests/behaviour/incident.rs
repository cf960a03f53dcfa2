//! Rules of the incident table.

use itsm_simulator::{InstanceOptions, Options, Profile};
use serde_json::json;

use crate::support::{Rig, send};

#[tokio::test]
async fn an_almost_empty_insert_gets_the_defaults() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let record = rig.incident(&token, &json!({"priority": "1"})).await;
    for (field, value) in [
        ("state", "1"),
        ("incident_state", "1"),
        ("impact", "3"),
        ("urgency", "3"),
        ("priority", "5"),
        ("category", "inquiry"),
        ("approval", "not requested"),
        ("made_sla", "true"),
        ("active", "true"),
        ("sys_class_name", "incident"),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert!(record["number"].as_str().unwrap().starts_with("INC00"));
    let next = rig.incident(&token, &json!({"impact": "1", "urgency": "2"})).await;
    assert_eq!(next["priority"], "2");
    assert!(next["number"].as_str() > record["number"].as_str());
}

#[tokio::test]
async fn resolving_needs_code_and_notes_by_label() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let id = rig.incident(&token, &json!({})).await["sys_id"].as_str().unwrap().to_owned();
    let path = format!("/api/now/table/incident/{id}");
    let refused = send(rig.patch(&path, &token, &json!({"state": "6", "close_notes": "done"}))).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["error"]["detail"],
        "Data Policy Exception: The following fields are mandatory: Resolution code"
    );
    let resolved =
        send(rig.patch(&path, &token, &json!({"state": "6", "close_code": "Unheard of", "close_notes": "done"})))
            .await
            .json();
    assert_eq!(resolved["result"]["close_code"], "Unheard of", "an unknown choice is stored as it is");
    assert_eq!(resolved["result"]["incident_state"], "6");
    assert!(resolved["result"]["resolved_by"]["value"].is_string());
    assert_eq!(
        send(rig.patch(&path, &token, &json!({"state": "7"}))).await.status,
        403,
        "closing is for administrators"
    );
    let admin = rig.token("admin").await;
    let closed = send(rig.patch(&path, &admin, &json!({"state": "7"}))).await.json();
    assert_eq!(closed["result"]["active"], "false");
    assert_eq!(
        send(rig.patch(&path, &token, &json!({"short_description": "late"}))).await.status,
        403,
        "closed is read-only"
    );
}

#[tokio::test]
async fn close_codes_belong_to_the_generation() {
    let mut options = Options::default();
    options.instances.push(InstanceOptions::with_profile("old", Profile::UpgradedVancouver));
    let rig = Rig::with(options).await;
    let codes = |instance: &str| -> Vec<String> {
        rig.sim
            .records(instance, "sys_choice")
            .into_iter()
            .filter(|row| row["element"] == "close_code")
            .map(|row| row["value"].clone())
            .collect()
    };
    assert!(codes("dev1").contains(&"Solution provided".to_owned()));
    assert!(codes("old").contains(&"Solved (Permanently)".to_owned()));
    let token = rig.token("svc.citrix").await;
    let list = send(rig.get("/api/now/table/sys_choice?sysparm_query=name=incident^element=close_code^inactive=false&sysparm_fields=value,label", &token)).await;
    assert_eq!(list.json()["result"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_parent_takes_its_children_along() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let parent = rig.incident(&token, &json!({})).await["sys_id"].as_str().unwrap().to_owned();
    let child = rig.incident(&token, &json!({"parent_incident": parent})).await["sys_id"].as_str().unwrap().to_owned();
    let change = json!({"state": "6", "close_code": "Solution provided", "close_notes": "done"});
    assert_eq!(send(rig.patch(&format!("/api/now/table/incident/{parent}"), &token, &change)).await.status, 200);
    let row = rig.sim.records("dev1", "incident").into_iter().find(|row| row["sys_id"] == child).unwrap();
    assert_eq!((row["state"].as_str(), row["close_notes"].as_str()), ("6", "done"));
}

#[tokio::test]
async fn a_callers_comment_takes_the_incident_off_hold() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let record = rig.incident(&token, &json!({"caller_id": "svc.citrix", "state": "3", "hold_reason": "1"})).await;
    let path = format!("/api/now/table/incident/{}", record["sys_id"].as_str().unwrap());
    let noted = send(rig.patch(&path, &token, &json!({"work_notes": "still waiting"}))).await.json();
    assert_eq!(noted["result"]["state"], "3");
    let answered = send(rig.patch(&path, &token, &json!({"comments": "here it is"}))).await.json();
    assert_eq!(
        (answered["result"]["state"].clone(), answered["result"]["hold_reason"].clone()),
        (json!("2"), json!(""))
    );
}
