//! Plug-ins, the connector, its installation, batches and import sets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use itsm_simulator::seed;
use serde_json::{Value, json};

use crate::support::{Rig, send};

#[tokio::test]
async fn the_connector_can_be_absent_older_inactive_and_installed() {
    let rig = Rig::start().await;
    let admin = rig.token("admin").await;
    let app = || rig.get("/api/now/table/sys_store_app?sysparm_query=scope=x_cion_citrix_it_s", &admin);
    rig.sim.patch_instance("dev1", &json!({"connector_version": "22.2.0", "connector_active": false})).unwrap();
    let row = send(app()).await.json()["result"][0].clone();
    assert_eq!(
        (row["version"].clone(), row["update_available"].clone(), row["active"].clone()),
        (json!("22.2.0"), json!("true"), json!("false"))
    );
    rig.sim.patch_instance("dev1", &json!({"connector_version": null, "connector_active": true})).unwrap();
    assert_eq!(send(app()).await.json()["result"], json!([]));
    assert_eq!(send(rig.get("/api/now/table/x_cion_citrix_it_s_citrix_customers", &admin)).await.status, 400);
    let token = rig.token("svc.citrix").await;
    let install = |token: &str| {
        rig.post(
            &format!("/api/sn_cicd/app_repo/install?sys_id={}&version=22.6.0", seed::CONNECTOR_APP),
            token,
            &json!({}),
        )
    };
    assert_eq!(send(install(&token)).await.status, 403);
    let begun = send(install(&admin)).await.json()["result"].clone();
    assert_eq!(begun["status"], "0");
    let path = format!("/api/sn_cicd/progress/{}", begun["links"]["progress"]["id"].as_str().unwrap());
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(send(rig.get(&path, &admin)).await.json()["result"]["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["1", "2", "2"]);
    assert_eq!(send(app()).await.json()["result"][0]["version"], "22.6.0");
    assert_eq!(send(rig.get("/api/now/table/x_cion_citrix_it_s_citrix_customers", &token)).await.status, 200);
    rig.sim.patch_instance("dev1", &json!({"cicd_end": "failed", "cicd_conflict": true})).unwrap();
    let failing = send(install(&admin)).await.json();
    assert_eq!(send(install(&admin)).await.status, 409);
    let path = format!("/api/sn_cicd/progress/{}", failing["result"]["links"]["progress"]["id"].as_str().unwrap());
    send(rig.get(&path, &admin)).await;
    assert_eq!(send(rig.get(&path, &admin)).await.json()["result"]["status"], "3");
    rig.sim.patch_instance("dev1", &json!({"cicd_active": false})).unwrap();
    assert_eq!(send(install(&admin)).await.status, 405);
}

#[tokio::test]
async fn a_second_operation_waits_for_the_first() {
    let rig = Rig::start().await;
    let admin = rig.token("admin").await;
    let mut paths = Vec::new();
    for _ in 0..2 {
        let begun = send(rig.post("/api/sn_cicd/plugin/x/activate", &admin, &json!({}))).await.json();
        paths.push(format!("/api/sn_cicd/progress/{}", begun["result"]["links"]["progress"]["id"].as_str().unwrap()));
    }
    let mut seen = Vec::new();
    for n in [1, 0, 1, 1, 0] {
        let status = send(rig.get(&paths[n], &admin)).await.json()["result"]["status"].as_str().unwrap().to_owned();
        seen.push(status);
    }
    assert_eq!(seen, ["0", "2", "1", "2", "2"]);
}

#[tokio::test]
async fn orchestration_and_the_build_are_for_administrators_to_see() {
    let rig = Rig::start().await;
    let admin = rig.token("admin").await;
    let plugin =
        || rig.get("/api/now/table/v_plugin?sysparm_query=id=com.snc.runbook_automation&sysparm_fields=active", &admin);
    assert_eq!(send(plugin()).await.json()["result"][0]["active"], "active");
    rig.sim.patch_instance("dev1", &json!({"orchestration_active": false})).unwrap();
    assert_eq!(send(plugin()).await.json()["result"][0]["active"], "inactive");
    let build =
        send(rig.get("/api/now/table/sys_properties?sysparm_query=name=glide.buildname&sysparm_fields=value", &admin))
            .await
            .json();
    assert_eq!(build["result"][0]["value"], "Australia");
    let roles = send(rig.get(
        &format!(
            "/api/global/user_role_inheritance?user_sysid={}",
            seed::find_user("svc.citrix").unwrap().sys_id("dev1")
        ),
        &admin,
    ))
    .await
    .json();
    assert!(roles["result"]["from_role"].as_array().unwrap().contains(&json!("/incident_manager/itil")));
}

fn item(id: &str, method: &str, url: &str, body: &Value) -> Value {
    json!({
        "id": id, "method": method, "url": url, "exclude_response_headers": true,
        "headers": [{"name": "Content-Type", "value": "application/json"}, {"name": "Accept", "value": "application/json"}],
        "body": STANDARD.encode(body.to_string()),
    })
}

#[tokio::test]
async fn a_batch_runs_its_items_apart() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let batch = json!({"batch_request_id": 17, "rest_requests": [
        item("1", "POST", "/api/now/table/incident", &json!({"short_description": "a"})),
        item("2", "POST", "/api/now/table/incident", &json!({"state": "6"})),
        item("3", "GET", "/api/now/table/incident?sysparm_query=active=true,x", &Value::Null),
        item("4", "GET", "/api/now/table/incident?sysparm_limit=1", &Value::Null),
    ]});
    let reply = send(rig.post("/api/now/v1/batch", &token, &batch)).await.json();
    assert_eq!(reply["batch_request_id"], "17");
    let codes: Vec<u64> =
        reply["serviced_requests"].as_array().unwrap().iter().map(|one| one["status_code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [201, 403, 400, 200]);
    let first: Value =
        serde_json::from_slice(&STANDARD.decode(reply["serviced_requests"][0]["body"].as_str().unwrap()).unwrap())
            .unwrap();
    assert_eq!(first["result"]["short_description"], "a");
    rig.sim.patch_instance("dev1", &json!({"batch_unserviced": 3, "batch_unserviced_run": true})).unwrap();
    let reply = send(rig.post("/api/now/v1/batch", &token, &batch)).await.json();
    assert_eq!(reply["unserviced_requests"], json!(["2", "3", "4"]));
    assert_eq!(rig.sim.records("dev1", "incident").len(), 2);
}

#[tokio::test]
async fn an_import_error_is_a_201() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let send_row = |body: Value| rig.post("/api/now/import/u_imp_incident", &token, &body);
    let first = send(send_row(json!({"u_correlation_id": "k", "u_short_description": "a"}))).await;
    assert_eq!((first.status, first.json()["result"][0]["status"].clone()), (201, json!("inserted")));
    let second = send(send_row(json!({"u_correlation_id": "k", "u_short_description": "b"}))).await.json();
    assert_eq!(
        (second["result"][0]["status"].clone(), second["result"][0]["sys_id"].clone()),
        (json!("updated"), first.json()["result"][0]["sys_id"].clone())
    );
    let failed = send(send_row(json!({"u_state": "6"}))).await;
    assert_eq!((failed.status, failed.json()["result"][0]["status"].clone()), (201, json!("error")));
    assert_eq!(rig.sim.records("dev1", "incident").len(), 1);
}

#[tokio::test]
async fn counts_come_as_strings() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    for urgency in ["1", "1", "2"] {
        rig.incident(&token, &json!({"urgency": urgency})).await;
    }
    let all = send(rig.get("/api/now/stats/incident?sysparm_count=true", &token)).await.json();
    assert_eq!(all["result"]["stats"]["count"], "3");
    let grouped =
        send(rig.get("/api/now/stats/incident?sysparm_count=true&sysparm_group_by=urgency", &token)).await.json();
    assert_eq!(
        grouped["result"][0],
        json!({"stats": {"count": "2"}, "groupby_fields": [{"field": "urgency", "value": "1"}]})
    );
}
