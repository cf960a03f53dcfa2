//! The control API, as a runner in another language uses it.

use serde_json::{Value, json};

use crate::support::{Rig, send};
use itsm_simulator::seed;

struct Control<'a> {
    rig: &'a Rig,
    url: String,
}

impl Control<'_> {
    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.rig.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let reply = send(if body.is_null() { request } else { request.json(&body) }).await;
        (reply.status, reply.json())
    }

    async fn fine(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, value) = self.call(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {value}");
        value
    }
}

#[tokio::test]
async fn faults_requests_and_clock_are_steered_over_http() {
    let rig = Rig::start().await;
    let control = Control { rig: &rig, url: rig.sim.control_url() };
    control
        .fine(
            "POST",
            "/faults",
            json!({"on": "dev1", "route": "token", "fault": "fail_times", "times": 2, "status": 503}),
        )
        .await;
    control
        .fine("POST", "/faults", json!([{"on": "citrix", "fault": "throttle", "times": null, "retry_after_s": 9}]))
        .await;
    for (body, word) in [
        (json!({"on": "dev1", "fault": "no_such"}), "unknown variant"),
        (json!({"on": "dev9", "fault": "cut"}), "neither citrix nor an instance"),
        (json!({"fault": "cut"}), "missing field"),
        (json!({"on": "dev1", "fault": "cut", "retry_after": 1}), "unknown parameter retry_after"),
    ] {
        let (status, answer) = control.call("POST", "/faults", body).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
    let password = seed::find_user("svc.citrix").unwrap().password;
    assert_eq!(send(rig.password_call("svc.citrix", password)).await.status, 503);
    assert_eq!(control.fine("GET", "/faults", Value::Null).await["faults"][0]["times"], 1);
    control.fine("DELETE", "/faults", Value::Null).await;
    rig.grant("svc.citrix").await;
    let token = rig.citrix_token(&seed::ACME).await;
    let log = control.fine("GET", "/requests", Value::Null).await;
    let entries = log["requests"].as_array().unwrap();
    assert_eq!(
        (entries[0]["fault"].clone(), entries[0]["status"].clone(), entries[0]["route"].clone()),
        (json!("fail_times"), json!(503), json!("token"))
    );
    assert_eq!(
        (entries[1]["grant_type"].clone(), entries[1]["user"].clone()),
        (json!("password"), json!("svc.citrix"))
    );
    assert_eq!(
        (entries[2]["customer"].clone(), entries[2]["system"].clone()),
        (json!("acmecorp0001"), json!("citrix"))
    );
    let text = log.to_string();
    for secret in
        [password, seed::ACME.client_secret, seed::oauth_clients("dev1")[0].client_secret.as_str(), token.as_str()]
    {
        assert!(!text.contains(secret));
    }
    control.fine("DELETE", "/requests", Value::Null).await;
    assert_eq!(control.fine("GET", "/requests", Value::Null).await["requests"], json!([]));
    control.fine("POST", "/clock", json!({"advance_s": 3700})).await;
    assert_eq!(send(rig.daas("/acmecorp0001/serviceStates", "", &token)).await.status, 401);
    assert!((control.fine("GET", "/clock", Value::Null).await["offset_s"].as_f64().unwrap() - 3700.0).abs() < 1e-6);
    control.fine("POST", "/reset", Value::Null).await;
    assert!(control.fine("GET", "/clock", Value::Null).await["offset_s"].as_f64().unwrap() < 1.0);
}

#[tokio::test]
async fn instances_users_clients_and_tokens_are_steered_over_http() {
    let rig = Rig::start().await;
    let control = Control { rig: &rig, url: rig.sim.control_url() };
    let added = control
        .fine(
            "POST",
            "/instances",
            json!({"name": "dev2", "profile": "zboot-zurich", "switches": {"connector_version": "22.2.0"}}),
        )
        .await;
    assert!(added["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let rows = control.fine("GET", "/instances/dev2/tables/sys_store_app?scope=x_cion_citrix_it_s", Value::Null).await;
    assert_eq!((rows["count"].clone(), rows["rows"][0]["version"].clone()), (json!(1), json!("22.2.0")));
    assert_eq!(control.call("POST", "/instances", json!({"name": "dev2"})).await.0, 400);
    let changed = control
        .fine("PATCH", "/instances/dev2", json!({"connector_version": null, "orchestration_active": false}))
        .await;
    assert_eq!(changed["orchestration_active"], false);
    let rows = control.fine("GET", "/instances/dev2/tables/sys_store_app", Value::Null).await;
    assert_eq!(rows["count"], 0);
    assert!(
        control.call("PATCH", "/instances/dev2", json!({"no_such": 1})).await.1["error"]
            .as_str()
            .unwrap()
            .contains("no_such")
    );
    let grant = rig.grant("svc.citrix").await;
    let user =
        control.fine("PATCH", "/instances/dev1/users/svc.citrix", json!({"password": "new", "roles": ["itil"]})).await;
    assert!(user.get("user_password").is_none());
    assert_eq!(send(rig.password_call("svc.citrix", "new")).await.status, 200);
    let spoiled =
        control.fine("POST", "/instances/dev1/tokens/revoke", json!({"refresh": true, "user": "svc.citrix"})).await;
    assert_eq!(spoiled["count"], 1);
    assert_eq!(send(rig.get("/api/now/table/incident", grant["access_token"].as_str().unwrap())).await.status, 200);
    assert_eq!(send(rig.refresh_call(grant["refresh_token"].as_str().unwrap())).await.status, 401);
    let log = control.fine("GET", "/instances/dev1/syslog", Value::Null).await;
    assert!(log["entries"][0]["message"].as_str().unwrap().contains("refresh token revoked"));
    let client = seed::oauth_clients("dev1")[0].client_id.clone();
    let shown = control
        .fine("PATCH", &format!("/instances/dev1/oauth_clients/{client}"), json!({"client_secret": "other"}))
        .await;
    assert!(shown.get("client_secret").is_none());
    assert_eq!(send(rig.password_call("svc.citrix", "new")).await.status, 401);
    let put = control
        .fine("POST", "/instances/dev1/tables/incident", json!({"correlation_id": "c-1", "short_description": "put"}))
        .await;
    let rows = control.fine("GET", "/instances/dev1/tables/incident?correlation_id=c-1", Value::Null).await;
    assert_eq!(rows["rows"][0]["sys_id"], put["sys_id"]);
}

#[tokio::test]
async fn accounts_are_steered_over_http() {
    let rig = Rig::start().await;
    let control = Control { rig: &rig, url: rig.sim.control_url() };
    let token = rig.citrix_token(&seed::ACME).await;
    assert_eq!(control.fine("POST", "/accounts/acmecorp0001/tokens/expire", Value::Null).await["count"], 1);
    assert_eq!(send(rig.daas("/acmecorp0001/serviceStates", "", &token)).await.status, 401);
    let change = json!({"client_secret": "rotated", "service_states": {"itsm": "Expired"}, "sites": [{"name": "one", "edition": "Premium"}], "frozen": true, "thaw_polls": 0});
    let shown = control.fine("PATCH", "/accounts/acmecorp0001", change).await;
    assert!(!shown.to_string().contains("rotated"));
    assert_eq!((shown["sites"][0]["name"].clone(), shown["frozen"].clone()), (json!("one"), json!(true)));
    assert_eq!(send(rig.citrix_token_call("acmecorp0001", &seed::ACME.client_id(), "rotated")).await.status, 200);
    assert_eq!(control.call("PATCH", "/accounts/acmecorp0001", json!({"nothing": 1})).await.0, 400);
    assert_eq!(control.call("PATCH", "/accounts/nobody", json!({})).await.0, 400);
    assert_eq!(control.fine("PATCH", "/citrix", json!({"token_lifetime_s": 60})).await["token_lifetime_s"], 60);
    assert_eq!(control.fine("GET", "/", Value::Null).await["citrix_url"], rig.citrix.as_str());
}

#[tokio::test]
async fn a_web_page_cannot_steer_the_simulator() {
    let rig = Rig::start().await;
    let reply =
        send(rig.http.post(format!("{}/stop", rig.sim.control_url())).header("origin", "https://example.org")).await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn two_instances_share_nothing() {
    let rig = Rig::start().await;
    let url = rig.sim.add_instance(itsm_simulator::InstanceOptions::new("dev2")).await.unwrap();
    let token = rig.token("svc.citrix").await;
    assert_eq!(send(rig.http.get(format!("{url}/api/now/table/incident")).bearer_auth(&token)).await.status, 401);
    let (one, other) = (seed::oauth_clients("dev1"), seed::oauth_clients("dev2"));
    assert!(one.iter().all(|client| other.iter().all(|there| client.client_id != there.client_id
        && client.client_secret != there.client_secret
        && client.redirect_url != there.redirect_url)));
}
