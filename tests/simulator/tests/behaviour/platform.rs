//! Notifications, webhooks, Monitor, administrators.

use itsm_simulator::seed;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{Rig, send};

fn notification() -> Value {
    json!({
        "destinationAdmin": "*", "component": "Citrix Cloud", "createdDate": "2026-02-11T08:20:17Z", "eventId": "8d7b2a3e-0000-4000-8000-000000000001",
        "severity": "Warning", "priority": "High", "content": [{"languageTag": "en-US", "title": "Connector offline", "description": "No answer."}],
    })
}

fn post(rig: &Rig, path: &str, token: &str, body: &Value) -> reqwest::RequestBuilder {
    rig.http
        .post(format!("{}{path}", rig.citrix))
        .header("authorization", format!("CwsAuth Bearer={token}"))
        .header("citrix-customerid", "acmecorp0001")
        .json(body)
}

#[tokio::test]
async fn notifications_are_echoed_and_listed_in_pages() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    for path in ["/acmecorp0001/notifications/items", "/notifications/"] {
        let echo = send(post(&rig, path, &token, &notification())).await;
        assert_eq!(echo.status, 200, "{}", echo.text);
        assert_eq!(
            (echo.json()["categories"].clone(), echo.json()["suppressEmail"].clone()),
            (Value::Null, json!(false))
        );
        assert!(echo.json()["content"][0]["detailUri"].is_null());
    }
    for _ in 0..149 {
        rig.sim.notify("acmecorp0001", &notification()).unwrap();
    }
    let first = send(rig.daas("/acmecorp0001/notifications", "", &token)).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 100);
    let next = first["continuationToken"].as_str().unwrap();
    let second =
        send(rig.daas(&format!("/acmecorp0001/notifications?continuationToken={next}"), "", &token)).await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), second["continuationToken"].clone()), (51, Value::Null));
    assert_eq!(second["items"][0]["title"], "Connector offline");
    let incomplete = send(post(&rig, "/notifications/", &token, &json!({"component": "x"}))).await;
    assert_eq!(
        (incomplete.status, incomplete.json()["type"].clone()),
        (400, json!("https://errors-api.cloud.com/common/missing"))
    );
}

/// The next callback: as it came, and its body.
async fn called(listener: &TcpListener) -> (String, Value) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = Vec::new();
    let mut chunk = [0_u8; 4096];
    while !String::from_utf8_lossy(&text).contains("TimeStamp") {
        let read = stream.read(&mut chunk).await.unwrap();
        text.extend_from_slice(&chunk[..read]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let text = String::from_utf8(text).unwrap();
    let callback = serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    (text, callback)
}

#[tokio::test]
async fn a_removal_tells_what_there_was_before_it() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let body = json!({"description": "x", "url": url, "changeType": "*", "eventType": "*"});
    send(post(&rig, "/acmecorp0001/subscriptions", &token, &body)).await;
    let text = |value: &Value| value.as_str().map(|text| serde_json::from_str::<Value>(text).unwrap());
    for (change, before, after) in [
        ("Create", None, Some(json!({"EventId": "8d7b"}))),
        ("Update", None, Some(json!({"EventId": "8d7b"}))),
        ("Delete", Some(json!({"EventId": "8d7b"})), None),
    ] {
        rig.sim.publish("acmecorp0001", "Notifications", change, &json!({"EventId": "8d7b"}));
        let (_, callback) = called(&listener).await;
        assert_eq!((text(&callback["BeforeChange"]), text(&callback["AfterChange"])), (before, after), "{change}");
    }
}

#[tokio::test]
async fn a_subscription_is_called_back_with_its_header() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let body = json!({
        "description": "itsm bridge", "url": format!("http://{}/hook?x=1", listener.local_addr().unwrap()), "authHeaders": "Basic dXNlcjpwdw==",
        "changeType": "*", "eventType": "Notifications",
    });
    let made = send(post(&rig, "/acmecorp0001/subscriptions", &token, &body)).await.json();
    assert_eq!(made["subscriptionType"], "Webhook");
    assert!(made["eTag"].as_str().unwrap().starts_with("W/"));
    send(post(&rig, "/notifications/", &token, &notification())).await;
    let (text, callback) = called(&listener).await;
    assert!(text.starts_with("POST /hook?x=1 HTTP/1.1"));
    assert!(text.to_ascii_lowercase().contains("authorization: basic dxnlcjpwdw=="));
    assert_eq!(
        (callback["Type"].clone(), callback["ChangeType"].clone(), callback["BeforeChange"].clone()),
        (json!("Notifications"), json!("Create"), Value::Null)
    );
    let after: Value = serde_json::from_str(callback["AfterChange"].as_str().unwrap()).unwrap();
    assert_eq!(
        (after["Severity"].clone(), after["Priority"].clone(), after["Content"][0]["Title"].clone()),
        (json!(2), json!(2), json!("Connector offline"))
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        send(rig.daas("/acmecorp0001/subscriptions", "", &token)).await.json()["items"].as_array().unwrap().len(),
        1
    );
    let gone = rig
        .http
        .delete(format!("{}/acmecorp0001/subscriptions/{id}", rig.citrix))
        .header("authorization", format!("CwsAuth Bearer={token}"));
    assert_eq!(send(gone).await.status, 200);
    assert_eq!(send(rig.daas(&format!("/acmecorp0001/subscriptions/{id}"), "", &token)).await.status, 404);
}

#[tokio::test]
async fn monitor_gives_pages_of_a_hundred_and_one_query_at_a_time() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    rig.sim.patch_account("acmecorp0001", &json!({"alerts": 230, "monitor_query_ms": 0})).unwrap();
    let mut path = "/monitorodata/Notifications?$orderby=ModifiedDate&$count=true".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = send(rig.daas(&path, "acmecorp0001", &token)).await.json();
        sizes.push(page["value"].as_array().unwrap().len());
        match page["@odata.nextLink"].as_str() {
            Some(link) => link.strip_prefix(&rig.citrix).unwrap().clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(sizes, [100, 100, 30]);
    let since = (rig.sim.now() - chrono::TimeDelta::minutes(30)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let recent = send(rig.daas(
        &format!(
            "/monitorodata/Notifications?$filter=ModifiedDate gt {since} and LifecycleState eq 1&$top=2&$select=Id"
        ),
        "acmecorp0001",
        &token,
    ))
    .await
    .json();
    assert_eq!(recent["value"].as_array().unwrap().len(), 2);
    assert_eq!(recent["value"][0].as_object().unwrap().len(), 1);
    rig.sim.fault(itsm_simulator::Fault::new("citrix", itsm_simulator::FaultKind::Hang).route("monitor"));
    let hanging = tokio::spawn(rig.daas("/monitorodata/Notifications", "acmecorp0001", &token).send());
    let before = rig.sim.requests().len();
    while rig.sim.requests().len() == before || rig.sim.requests().last().unwrap().fault.is_none() {
        tokio::task::yield_now().await;
    }
    let second = send(rig.daas("/monitorodata/Notifications", "acmecorp0001", &token)).await;
    assert_eq!((second.status, second.header("retry-after")), (429, "1"));
    let other = rig.citrix_token(&seed::GLOBEX).await;
    assert_eq!(send(rig.daas("/monitorodata/Notifications", "globexcorp02", &other)).await.status, 200);
    hanging.abort();
    assert_eq!(send(rig.daas("/monitorodata/Nothing", "globexcorp02", &other)).await.status, 404);
}

#[tokio::test]
async fn monitor_expands_what_an_alert_points_to_and_refuses_what_there_is_not() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let ask = async |query: &str| {
        send(rig.daas(&format!("/monitorodata/Notifications?{query}"), "acmecorp0001", &token)).await
    };
    let plain = ask("$top=1").await.json();
    assert!(plain["value"][0].get("NotificationRule").is_none());
    let alert = ask("$expand=NotificationRule, NotificationTarget&$top=1").await.json()["value"][0].clone();
    assert_eq!(alert["NotificationRule"]["Id"], alert["NotificationRuleId"]);
    assert_eq!(alert["NotificationRule"]["NotificationRuleGroupId"], 1);
    assert_eq!(alert["NotificationTarget"]["Id"], alert["NotificationTargetId"]);
    let targets = send(rig.daas("/monitorodata/NotificationTargets", "acmecorp0001", &token)).await.json();
    assert!(targets["value"].as_array().unwrap().contains(&alert["NotificationTarget"]));
    assert_eq!(ask("$expand=NotificationLogs").await.json()["value"][0]["NotificationLogs"], json!([]));
    for wrong in ["$expand=Colour", "$expand=NotificationRule,Colour", "$orderby=Colour", "$filter=Id", "$apply=x"] {
        assert_eq!(ask(wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn monitor_compares_a_property_with_what_it_can_hold_only() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let ask = async |query: &str| {
        send(rig.daas(&format!("/monitorodata/Notifications?{query}"), "acmecorp0001", &token)).await
    };
    let all = ask("$orderby=ModifiedDate").await.json()["value"].as_array().unwrap().clone();
    let (id, modified) = (all[1]["Id"].as_str().unwrap(), all[1]["ModifiedDate"].as_str().unwrap());
    for (filter, count) in [
        (format!("ModifiedDate ge {modified}"), 2),
        (format!("ModifiedDate lt {modified}"), 1),
        (format!("Id eq {id}"), 1),
        ("LastReannouncementTime eq null".to_owned(), 3),
        (format!("LastReannouncementTime ge {modified}"), 0),
        (format!("LastReannouncementTime lt {modified}"), 0),
        ("LifecycleState eq 1 and NotificationPriority ne 0".to_owned(), 1),
        ("ScopeEntities ne 'x'".to_owned(), 3),
    ] {
        let found = ask(&format!("$filter={filter}")).await.json();
        assert_eq!(found["value"].as_array().unwrap().len(), count, "{filter}");
    }
    for wrong in [
        format!("$filter=ModifiedDate ge '{modified}'"),
        format!("$filter=Colour eq {modified}"),
        format!("$filter=Id eq '{id}'"),
        "$filter=ModifiedDate ge yesterday".to_owned(),
        "$filter=ModifiedDate ge 2026-02-11".to_owned(),
        "$filter=LifecycleState eq active".to_owned(),
        "$filter=ScopeEntities eq x".to_owned(),
        "$select=Id,Colour".to_owned(),
        "$orderby=ModifiedDate up".to_owned(),
    ] {
        assert_eq!(ask(&wrong).await.status, 400, "{wrong}");
    }
    rig.sim.patch_account("acmecorp0001", &json!({"alerts": 0})).unwrap();
    assert_eq!(ask("$orderby=Colour").await.status, 400, "also where there is nothing to be sorted");
}

#[tokio::test]
async fn administrators_fail_in_their_own_form() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let all = send(rig.daas("/administrators/", "acmecorp0001", &token)).await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    let principals = send(rig.daas("/administrators?type=ServicePrincipal", "acmecorp0001", &token)).await.json();
    assert_eq!(
        (principals["items"][0]["userId"].clone(), principals["items"][0]["accessType"].clone()),
        (json!(seed::ACME.client_id()), json!("Full"))
    );
    let wrong = send(rig.daas("/administrators?type=Nobody", "acmecorp0001", &token)).await;
    assert_eq!((wrong.status, wrong.header("content-type")), (400, "application/problem+json"));
    let refused = send(rig.daas("/administrators", "acmecorp0001", "none")).await;
    assert_eq!((refused.status, refused.json()["status"].clone()), (401, json!(401)));
    let delete = || {
        rig.http
            .delete(format!("{}/administrators/none", rig.citrix))
            .header("authorization", format!("CwsAuth Bearer={token}"))
            .header("citrix-customerid", "acmecorp0001")
    };
    for status in [404, 500, 400] {
        rig.sim.patch_citrix(&json!({"missing_delete_status": status})).unwrap();
        assert_eq!(send(delete()).await.status, status);
    }
    assert_eq!(send(rig.daas("/resourcelocations/none", "acmecorp0001", &token)).await.status, 204);
}
