//! Webhooks: subscribed through Citrix Cloud, and their callbacks taken.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use itsm_adapter::{AlertState, Client, CreateWebhook, ErrorKind, Secret};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, World, is, until};

const CREATE: &str = "subscriptions:create";
const AUTHORIZATION: &str = "Basic aHVudGVyMjpjYWxsYmFjaw==";

fn request(url: &str) -> CreateWebhook {
    CreateWebhook {
        customer_id: ACME.into(),
        url: url.into(),
        authorization: Some(AUTHORIZATION.into()),
        ..CreateWebhook::default()
    }
}

/// A receiver that hands every callback to the client, and keeps what came of it.
async fn receiver(client: Client) -> (String, Arc<Mutex<Vec<String>>>) {
    type Seen = Arc<Mutex<Vec<String>>>;
    let seen = Seen::default();
    let take = async |State((client, seen)): State<(Client, Seen)>, headers: HeaderMap, body: Bytes| {
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
        let expected = Secret::from(AUTHORIZATION);
        let taken = client.alerts().submit_webhook(&body, authorization, Some(&expected), Some(ACME)).await;
        let what = taken.map_or_else(
            |error| error.kind().to_string(),
            |delivery| match delivery {
                Some(delivery) => delivery.alert.title,
                None => "nothing".to_owned(),
            },
        );
        seen.lock().unwrap().push(what);
    };
    let app = Router::new().route("/citrix", post(take)).with_state((client, seen.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/citrix", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_called_listed_and_removed() {
    let world = World::new().await;
    world.added(ACME).await;
    let (url, seen) = receiver(world.client.clone()).await;
    let made = world.client.webhooks().create(request(&url)).await.unwrap();
    assert_eq!(
        (made.url.as_str(), made.event_type.as_str(), made.change_type.as_str()),
        (url.as_str(), "Notifications", "*")
    );
    assert_eq!(world.client.webhooks().list(ACME).await.unwrap(), std::slice::from_ref(&made));
    let body = json!({"component": "Citrix Cloud", "severity": "Error", "priority": "Urgent", "eventId": "e",
        "content": [{"languageTag": "en-US", "title": "Connector offline", "description": "EDGE01"}]});
    world.simulator.notify(ACME, &body).unwrap();
    until("the callback", || !seen.lock().unwrap().is_empty()).await;
    assert_eq!(*seen.lock().unwrap(), ["Connector offline"]);
    let taken = world.client.alerts().list(Some(ACME), &[], None, None).await.unwrap().items.remove(0);
    assert_eq!(taken.alert.priority.as_deref(), Some("urgent"));
    for _ in 0..2 {
        world.client.webhooks().remove(ACME, &made.id).await.unwrap();
    }
    assert!(world.client.webhooks().list(ACME).await.unwrap().is_empty());
    let shown = format!("{made:?} {:?}", world.client.events().list(None, None, None).await.unwrap());
    assert!(!shown.contains("aHVudGVyMjpjYWxsYmFjaw"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_makes_one_webhook_all_the_same() {
    let world = World::new().await;
    world.added(ACME).await;
    let url = "https://bridge.example.org/citrix";
    for what in [FaultKind::CutAfter, FaultKind::CreatedThenHtml, FaultKind::Truncate] {
        let before = world.client.webhooks().list(ACME).await.unwrap().len();
        world.simulator.fault(Fault::new("citrix", what).route(CREATE));
        let made =
            world.client.webhooks().create(request(url)).await.unwrap_or_else(|error| panic!("{what:?}: {error:?}"));
        let there = world.client.webhooks().list(ACME).await.unwrap();
        assert!(there.len() == before + 1 && there.contains(&made), "{what:?}: {there:?}");
    }
    for (what, kind) in [
        (FaultKind::Cut, ErrorKind::OutcomeUnknown),
        (FaultKind::HtmlError, ErrorKind::OutcomeUnknown),
        (FaultKind::Stray403, ErrorKind::Forbidden),
    ] {
        world.simulator.fault(Fault::new("citrix", what).route(CREATE));
        let error = world.client.webhooks().create(request(url)).await.unwrap_err();
        is(&error, kind, &format!("{what:?}"));
    }
    assert_eq!(world.client.webhooks().list(ACME).await.unwrap().len(), 3, "nothing is made behind an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_webhook_goes_to_no_insecure_place() {
    let world = World::new().await;
    world.added(ACME).await;
    for url in [
        "",
        "bridge.example.org",
        "http://bridge.example.org/citrix",
        "ftp://bridge.example.org/",
        "https://user:pw@bridge.example.org/",
        "https://bridge.example.org/#x",
        "http://127.0.0.1.example.org/",
    ] {
        let error = world.client.webhooks().create(request(url)).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, url);
    }
    let hostile = CreateWebhook { authorization: Some("Basic x\r\nX-Evil: 1".into()), ..request("https://a.example/") };
    is(&world.client.webhooks().create(hostile).await.unwrap_err(), ErrorKind::InvalidInput, "a line break");
    assert!(world.asked(CREATE).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_notification_belong_to_its_delivery_and_unknown_ends_to_none() {
    let world = World::new().await;
    world.added(ACME).await;
    let after =
        json!({"PublishNotificationId": "p1", "Severity": 3, "Priority": 1, "Content": [{"Title": "t"}]}).to_string();
    let callback = |change: &str, before: Option<&str>, after: Option<&str>| {
        json!({"CustomerId": ACME, "Type": "Notifications", "ChangeType": change, "BeforeChange": before, "AfterChange": after})
            .to_string()
    };
    let submit =
        async |body: String| world.client.alerts().submit_webhook(body.as_bytes(), None, None, None).await.unwrap();
    assert!(submit(callback("Delete", Some(&after), None)).await.is_none(), "the end of what nobody knows");
    let made = submit(callback("Create", None, Some(&after))).await.unwrap();
    assert_eq!((made.alert.state, made.alert.priority.as_deref()), (AlertState::Raised, Some("low")));
    assert_eq!(submit(callback("Update", Some(&after), Some(&after))).await.unwrap().id, made.id);
    assert_eq!(submit(callback("Delete", Some(&after), None)).await.unwrap().id, made.id);
    for odd in [callback("Update", None, None), callback("Update", None, Some("[]")), callback("Delete", None, None)] {
        assert!(submit(odd.clone()).await.is_none(), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_form_is_taken_through_its_mapping() {
    let world = World::new().await;
    world.added(ACME).await;
    let alerts = world.client.alerts();
    let secret = Secret::from(AUTHORIZATION);
    let body = json!({"key": 7, "text": "CPU is high", "how_bad": "critical"}).to_string();
    let mapping = json!({"source": "own", "id": ["/key"], "title": ["/text"], "severity": ["/how_bad"]}).to_string();
    let submit =
        |sent: Option<&'static str>| alerts.submit_mapped(ACME, body.as_bytes(), Some(&mapping), sent, Some(&secret));
    for wrong in [None, Some(""), Some("Basic x")] {
        is(&submit(wrong).await.unwrap_err(), ErrorKind::Forbidden, "authorization");
    }
    let made = submit(Some(AUTHORIZATION)).await.unwrap().unwrap();
    assert_eq!(
        (made.alert.source.as_str(), made.alert.id.as_str(), made.alert.title.as_str()),
        ("own", "7", "CPU is high")
    );
    let error = alerts.submit_mapped(ACME, b"{}", None, None, None).await.unwrap_err();
    is(&error, ErrorKind::InvalidInput, "nothing in it");
    let error = alerts.submit_mapped("nobody", body.as_bytes(), Some(&mapping), None, None).await.unwrap_err();
    is(&error, ErrorKind::NotFound, "no account");
}
