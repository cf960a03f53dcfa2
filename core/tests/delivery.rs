//! From an alert to its incident: what makes an alert the same alert, what the incident looks like, what an instance
//! refuses, and what cannot be an alert.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{DeliveryStatus, ErrorKind, EventKind, Severity};
use itsm_simulator::{Fault, FaultKind, Record};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, alert,
    delivering::{INSERT, deliver, one_incident, submitted, world},
    is,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_value_becomes_an_incident_with_its_key() {
    let world = world().await;
    let delivery = submitted(&world, "a1").await;
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Pending, 0));
    let delivered = deliver(&world.client, &delivery).await.unwrap();
    assert_eq!(delivered.attempts, 1);
    let row = one_incident(&world, &delivered, "a value");
    assert_eq!(row["short_description"], "Connector offline");
    assert_eq!((row["priority"].as_str(), row["sys_created_by"].as_str()), ("3", "svc.citrix"));
    assert!(row["description"].contains("EDGE01") && row["description"].contains(ACME), "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_body_becomes_an_incident_and_the_same_body_again_is_the_same() {
    let world = world().await;
    let body = include_bytes!("../../examples/quickstart/notification.json");
    let first = world.client.alerts().submit_webhook(body, None, None, None).await.unwrap().unwrap();
    let delivered = deliver(&world.client, &first).await.unwrap();
    let again = world.client.alerts().submit_webhook(body, None, None, None).await.unwrap().unwrap();
    assert_eq!(again, delivered, "the repetition is known");
    assert_eq!(deliver(&world.client, &again).await.unwrap(), delivered);
    one_incident(&world, &delivered, "a webhook");
    assert_eq!(world.client.alerts().list(None, &[], None, None).await.unwrap().items, [delivered]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_known_by_account_source_and_id_and_by_nothing_else() {
    let world = world().await;
    world.added(GLOBEX).await;
    let first = submitted(&world, "a1").await;
    let mut same = alert(ACME, "a1");
    same.title = "Another title".into();
    same.severity = Severity::Critical;
    assert_eq!(world.client.alerts().submit(same).await.unwrap(), first);
    let mut others = vec![first];
    let mut source = alert(ACME, "a1");
    source.source = "citrix_cloud".into();
    for other in [alert(ACME, "a2"), alert(GLOBEX, "a1"), source] {
        others.push(world.client.alerts().submit(other).await.unwrap());
    }
    let mut keys: Vec<&str> = others.iter().map(|delivery| delivery.correlation_id.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_submit_the_same_alert_at_once_get_one_delivery() {
    let world = world().await;
    let another = world.another_client().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let client = if number % 2 == 0 { world.client.clone() } else { another.clone() };
        tasks.spawn(async move { client.alerts().submit(alert(ACME, "same")).await.unwrap().id });
    }
    let mut ids = tasks.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let log = world.client.events().list(None, None, None).await.unwrap().items;
    assert_eq!(log.iter().filter(|event| event.kind == EventKind::DeliveryAccepted).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_that_the_instance_refuses_is_told_and_can_be_delivered_later() {
    let world = world().await;
    let delivery = submitted(&world, "a1").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(INSERT));
    is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::Forbidden, "403");
    world.simulator.fault(Fault::new(DEV1, FaultKind::Throttle).route(INSERT).with("retry_after_s", 30));
    is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::Throttled, "429");
    let waiting = world.client.alerts().list(Some(ACME), &[DeliveryStatus::Pending], None, None).await.unwrap().items;
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].failure.is_some() && world.incidents(&delivery.correlation_id).is_empty());
    world.clock.advance(Duration::from_secs(31));
    one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), "later");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_waits_until_its_account_is_registered() {
    let world = World::new().await;
    world.connected(ACME).await;
    let delivery = submitted(&world, "early").await;
    is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::IllegalState, "not registered");
    assert!(world.asked(INSERT).is_empty());
    world.client.registrations().register(world.request(ACME)).await.unwrap();
    one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), "registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_arrives_as_text() {
    let world = world().await;
    let mut hostile = alert(ACME, "x^NQactive=true^ORDERBYnumber\r\nX-Evil: 1");
    hostile.title = "\u{202e}gpj.exe\u{0}<script>alert(1)</script>\r\n=HYPERLINK(\"http://evil.example\")".into();
    hostile.description = "javascript:gs.getUserID()^NQ\u{7}\u{1b}[31m\u{2066}".repeat(500);
    hostile.component = Some("a\u{200f}b".into());
    let delivery = world.client.alerts().submit(hostile).await.unwrap();
    world.simulator.fault(Fault::new(DEV1, FaultKind::CutAfter).route(INSERT));
    let delivered = deliver(&world.client, &delivery).await.unwrap();
    let row = one_incident(&world, &delivered, "hostile text");
    assert_eq!(row["short_description"], "gpj.exe<script>alert(1)</script> =HYPERLINK(\"http://evil.example\")");
    assert!(row["description"].chars().count() <= 4000);
    for bad in ['\u{202e}', '\u{2066}', '\u{200f}', '\0', '\u{7}', '\u{1b}', '\r'] {
        assert!(!row.values().any(|value| value.contains(bad)), "{bad:?} in {row:?}");
    }
    let other = Record::from([("correlation_id".to_owned(), "untouched".to_owned())]);
    world.simulator.put_record(DEV1, "incident", &other);
    assert_eq!(world.incidents("untouched").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_alert_is_refused_and_not_stored() {
    let world = world().await;
    let bad = |change: fn(&mut itsm_adapter::Alert)| {
        let mut alert = alert(ACME, "a1");
        change(&mut alert);
        alert
    };
    for wrong in [
        bad(|alert| alert.id = " ".into()),
        bad(|alert| alert.id = "x".repeat(513)),
        bad(|alert| alert.title = String::new()),
        bad(|alert| alert.source = String::new()),
        bad(|alert| alert.description = "x".repeat(2 << 20)),
        bad(|alert| alert.customer_id = "acme/../globex".into()),
    ] {
        let error = world.client.alerts().submit(wrong).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, "submit");
    }
    for body in [&b""[..], b"{}", b"[]", b"\xff\xfe", json!({"CustomerId": ACME}).to_string().as_bytes()] {
        let error = world.client.alerts().submit_webhook(body, None, None, None).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, "submit_webhook");
    }
    assert_eq!(world.state().await["deliveries"], json!([]));
}
