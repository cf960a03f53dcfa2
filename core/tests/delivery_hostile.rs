//! Text that somebody has thought about, through the worker: it arrives as text, or is refused with a reason.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{Alert, DeliveryStatus, ErrorKind, RunOptions};
use serde_json::json;
use support::{ACME, DEV1, World, alert, delivering::world, is};

/// What the instance has of the only alert.
async fn delivered(world: &World, hostile: Alert) -> (String, String) {
    let delivery = world.client.alerts().submit(hostile).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let delivery = world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Delivered, "{delivery:?}");
    let row = world.incidents(&delivery.correlation_id).remove(0);
    let incident = delivery.incident.unwrap();
    assert_eq!(incident.short_description, row["short_description"], "it is shown as it is stored");
    (row["short_description"].clone(), row["description"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_stored_and_shown_as_data() {
    let world = world().await;
    // A policy that makes texts from the alert must not read the alert as a template.
    let texts = json!({"short_description": "{{ title }}", "description": "{{ description }}"});
    world.client.policies().set(ACME, &json!({"otherwise": texts}).to_string()).await.unwrap();
    let long = "x".repeat(1024 * 1024);
    for (number, (text, shown)) in [
        ("a^b^ORactive=true^NQstate=1", None),
        ("javascript:gs.deleteAll('incident')", None),
        ("<script>alert(1)</script><b>&amp;", None),
        ("{{ 7 * 7 }} {% include 'x' %} ${jndi:ldap://x} #{x} [code]<a>[/code]", None),
        ("'; DROP TABLE deliveries; -- \" \\ %s %n", None),
        ("\u{1f525}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} e\u{301}\u{301}\u{301}", None),
        ("\u{202e}gnp.exe\u{202c} \u{5d0}\u{5d1} \u{200f}x", Some("gnp.exe \u{5d0}\u{5d1} x")),
        ("a\u{0}b\u{7}c\u{1b}[31m\u{9b}d", Some("abc[31md")),
        (&long, Some("xxxxxxxxxx")),
    ]
    .into_iter()
    .enumerate()
    {
        let title: String = text.chars().take(150).collect();
        let hostile = Alert { title, description: text.to_owned(), ..alert(ACME, &number.to_string()) };
        let (short, description) = delivered(&world, hostile).await;
        let expected = shown.unwrap_or(text);
        assert!(short.starts_with(expected), "{short:?}");
        assert!(description.starts_with(expected), "{description:?}");
        assert!(description.contains("From Citrix Cloud account") && description.chars().count() <= 4000);
    }
    let made = world.simulator.records(DEV1, "incident").into_iter();
    assert_eq!(made.filter(|row| row["correlation_id"].starts_with("citrix-")).count(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_with_a_reason_and_nothing_of_it_stays() {
    let world = world().await;
    let ten_mb = "x".repeat(10 * 1024 * 1024);
    for (about, hostile) in [
        ("title", Alert { title: ten_mb.clone(), ..alert(ACME, "1") }),
        ("description", Alert { description: ten_mb.clone(), ..alert(ACME, "1") }),
        ("id", alert(ACME, &ten_mb)),
        ("source", Alert { source: ten_mb.clone(), ..alert(ACME, "1") }),
        ("component", Alert { component: Some(ten_mb.clone()), ..alert(ACME, "1") }),
        ("fields", Alert { fields: [("a".to_owned(), ten_mb.clone())].into(), ..alert(ACME, "1") }),
    ] {
        let error = world.client.alerts().submit(hostile).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, about);
        assert!(error.message().contains(about) && error.message().len() < 300, "{}", error.message());
    }
    // Half of a pair that JSON can write and text cannot hold.
    let body =
        |target: &str| format!(r#"{{"policy_name": "p", "condition": "c", "state": "Active", "target": "{target}"}}"#);
    for half in [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"x\ud83dx"] {
        let text = body(half);
        let error = world.client.alerts().submit_mapped(ACME, text.as_bytes(), None, None, None).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, half);
    }
    let lag = world.client.alerts().lag(None).await.unwrap();
    assert_eq!((lag.pending, lag.oldest_age_ms), (0, None));
    let whole = body(r"\ud83d\ude00");
    let taken = world.client.alerts().submit_mapped(ACME, whole.as_bytes(), None, None, None).await.unwrap().unwrap();
    assert_eq!(taken.alert.target.as_deref(), Some("\u{1f600}"));
}

/// Everything that an alert says beside its texts ends up in a key, a policy or the note of its origin.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_lead_to_one_incident_each() {
    let world = world().await;
    for (number, name) in
        ["a^b", "javascript:x", "\u{202e}", "\u{0}", "{{ id }}", "a~1", "\u{1f525}"].iter().enumerate()
    {
        let mut hostile = alert(ACME, name);
        hostile.source = format!("{name} s");
        (hostile.policy, hostile.target) = (Some((*name).into()), Some((*name).into()));
        (hostile.component, hostile.category) = (Some((*name).into()), Some((*name).into()));
        hostile.fields.insert((*name).into(), (*name).into());
        delivered(&world, hostile.clone()).await;
        world.client.alerts().submit(hostile).await.unwrap();
        world.client.alerts().drain(RunOptions::default()).await.unwrap();
        let lag = world.client.alerts().lag(None).await.unwrap();
        assert_eq!((lag.delivered, lag.pending + lag.dead), (i64::try_from(number).unwrap() + 1, 0), "{name:?}");
    }
}
