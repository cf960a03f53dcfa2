//! Policies: set, read, removed, explained, and obeyed by what is delivered.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ErrorKind, PolicyAction};
use serde_json::json;
use support::{
    ACME, GLOBEX, World, alert,
    delivering::{deliver, one_incident, world},
    is,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_read_replaced_and_removed() {
    let world = World::new().await;
    let policies = world.client.policies();
    is(&policies.set(ACME, "{}").await.unwrap_err(), ErrorKind::NotFound, "no account");
    world.added(ACME).await;
    is(&policies.get(ACME).await.unwrap_err(), ErrorKind::NotFound, "no policy");
    is(&policies.remove(ACME).await.unwrap_err(), ErrorKind::NotFound, "nothing to remove");
    let first = r#"{ "otherwise": { "impact": 1 } }"#;
    policies.set(ACME, first).await.unwrap();
    let read = world.another_client().await.policies().get(ACME).await.unwrap();
    assert_eq!((read.customer_id.as_str(), read.document.as_str()), (ACME, first));
    for wrong in ["", "[]", "{", r#"{"otherwise": {"short_description": "{{ titel }}"}}"#] {
        is(&policies.set(ACME, wrong).await.unwrap_err(), ErrorKind::InvalidInput, wrong);
    }
    assert_eq!(policies.get(ACME).await.unwrap().document, first, "a refused policy changes nothing");
    policies.set(ACME, "{}").await.unwrap();
    assert_eq!(policies.get(ACME).await.unwrap().document, "{}");
    policies.remove(ACME).await.unwrap();
    is(&policies.get(ACME).await.unwrap_err(), ErrorKind::NotFound, "removed");
    policies.set(ACME, "{}").await.unwrap();
    world.client.accounts().remove(ACME).await.unwrap();
    world.added(ACME).await;
    is(&policies.get(ACME).await.unwrap_err(), ErrorKind::NotFound, "gone with its account");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_follows_the_policy_of_the_account_or_the_one_that_is_tried() {
    let world = World::new().await;
    world.added(ACME).await;
    world.added(GLOBEX).await;
    let (policies, another) = (world.client.policies(), world.another_client().await);
    let action = async |customer: &str, document: Option<&str>| {
        policies.explain(alert(customer, "a1"), None, document).await.unwrap().action
    };
    assert_eq!(action(ACME, None).await, PolicyAction::Incident);
    let ignore = r#"{"otherwise": {"action": "ignore"}}"#;
    assert_eq!(action(ACME, Some(ignore)).await, PolicyAction::Ignore, "only tried");
    assert_eq!(action(ACME, None).await, PolicyAction::Incident);
    // Set by somebody else, and seen at once.
    another.policies().set(ACME, ignore).await.unwrap();
    assert_eq!(action(ACME, None).await, PolicyAction::Ignore);
    assert_eq!(action(GLOBEX, None).await, PolicyAction::Incident, "another account's");
    another.policies().set(ACME, "{}").await.unwrap();
    assert_eq!(action(ACME, None).await, PolicyAction::Incident);
    another.policies().set(ACME, ignore).await.unwrap();
    another.policies().remove(ACME).await.unwrap();
    assert_eq!(action(ACME, None).await, PolicyAction::Incident);
    is(&policies.explain(alert(ACME, "a1"), None, Some("[]")).await.unwrap_err(), ErrorKind::InvalidInput, "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_looks_as_its_policy_says() {
    let world = world().await;
    let policy = json!({"rules": [{"name": "r", "when": {"source": "test"}, "then": {
        "impact": 1, "urgency": 3, "category": "network",
        "short_description": "[{{ severity | upper }}] {{ title }}\u{202e}",
        "description": "{{ component | default('no component', true) }}"}}]});
    let mut submitted = alert(ACME, "a1");
    submitted.source = "test".into();
    submitted.title = "<b>{{ id }}</b>".into();
    world.client.policies().set(ACME, &policy.to_string()).await.unwrap();
    let delivery = world.client.alerts().submit(submitted).await.unwrap();
    let row = one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), "by policy");
    let severity = format!("{:?}", delivery.alert.severity).to_uppercase();
    assert_eq!(row["short_description"], format!("[{severity}] <b>{{{{ id }}}}</b>"), "cleaned, and no template");
    assert!(row["description"].contains("account acmecorp0001"), "where it comes from always stands there");
    assert_eq!((row["impact"].as_str(), row["urgency"].as_str(), row["category"].as_str()), ("1", "3", "network"));
}
