//! Policies at work: storms that make one incident, maintenance windows that hold, alerts that are nobody's business.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use itsm_adapter::{Alert, AlertState, DeliveryStatus, RunOptions};
use serde_json::{Value, json};
use support::{
    ACME, DEV1, World, alert,
    delivering::{incidents, submitted},
    until,
};

async fn world(policy: Value) -> World {
    let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    world.client.policies().set(ACME, &policy.to_string()).await.unwrap();
    world.simulator.clear_requests();
    world
}

fn of_a_storm(number: usize) -> Alert {
    let mut one = alert(ACME, &format!("s{number}"));
    (one.policy, one.target) = (Some("Machine failures".into()), Some("Delivery group 7".into()));
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_alerts_of_one_cause_are_one_incident_and_few_calls() {
    let world = world(json!({"otherwise": {"group": {"by": ["policy", "target"], "window_s": 3600}}})).await;
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    for thousand in 0..10 {
        let alerts = (0..1000).map(|number| of_a_storm(thousand * 1000 + number)).collect();
        world.client.alerts().submit_many(alerts).await.unwrap();
    }
    worker.stop().await.unwrap();
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.delivered, lag.grouped, lag.pending, lag.dead), (1, 9_999, 0, 0), "{lag:?}");
    assert_eq!(incidents(&world).len(), 1);
    let calls = world.simulator.requests().len();
    assert!(calls <= 20, "{calls} calls");
    let notes = world.simulator.records(DEV1, "sys_journal_field");
    assert!(notes.iter().any(|note| note["value"].contains("alerts of the same cause")), "{notes:?}");
    // Another cause, and the same cause after the window, are other incidents.
    let mut other = of_a_storm(0);
    (other.id, other.target) = ("other".into(), Some("Delivery group 8".into()));
    world.client.alerts().submit(other).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    world.client.alerts().submit(of_a_storm(10_000)).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(incidents(&world).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn by_choice_each_alert_of_a_storm_is_a_child() {
    let group = json!({"by": ["policy", "target"], "window_s": 3600, "children": true});
    let world = world(json!({"otherwise": {"group": group}})).await;
    world.client.alerts().submit_many((0..10).map(of_a_storm).collect()).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let rows = incidents(&world);
    let parents: Vec<_> = rows.iter().filter(|row| row["parent"].is_empty()).collect();
    assert_eq!((rows.len(), parents.len()), (10, 1));
    let children = rows.iter().filter(|row| row["parent"] == parents[0]["sys_id"]).count();
    assert_eq!(children, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_ignores_makes_nothing_and_says_why() {
    let world =
        world(json!({"rules": [{"name": "noise", "when": {"source": "monitor"}, "then": {"action": "ignore"}}]})).await;
    let delivery = submitted(&world, "noise").await;
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.ignored, incidents(&world).len()), (1, 0));
    let ignored = world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    assert!(ignored.failure.unwrap().contains("noise"), "the rule is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maintenance_window_holds_until_its_end() {
    let time = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M").to_string();
    let window = json!({"name": "weekend", "time_zone": "UTC", "once": [{"from": time(-60), "until": time(60)}]});
    let world = world(json!({"maintenance": [window]})).await;
    let delivery = submitted(&world, "held").await;
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    let now = async || world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    while now().await.failure.is_none() {
        tokio::task::yield_now().await;
    }
    let held = now().await;
    assert_eq!((held.status, incidents(&world).len()), (DeliveryStatus::Pending, 0));
    assert!(held.failure.unwrap().contains("weekend"), "the window is named");
    world.clock.advance(Duration::from_secs(2 * 3600));
    until("the incident", || incidents(&world).len() == 1).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn by_policy_an_alert_that_comes_back_makes_a_linked_new_incident() {
    let world =
        world(json!({"otherwise": {"when_raised_again": "new_incident", "work_note": "Look at {{ title }}."}})).await;
    for state in [AlertState::Raised, AlertState::Ended, AlertState::Raised] {
        world.client.alerts().submit(Alert { state, ..alert(ACME, "a1") }).await.unwrap();
        world.client.alerts().drain(RunOptions::default()).await.unwrap();
    }
    let rows = incidents(&world);
    assert_eq!((rows.len(), rows[0]["state"].as_str(), rows[1]["state"].as_str()), (2, "6", "1"));
    let notes = world.simulator.records(DEV1, "sys_journal_field");
    for text in [rows[0]["number"].as_str(), "Look at Connector offline."] {
        assert!(notes.iter().any(|note| note["value"].contains(text)), "{text}: {notes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_that_is_over_and_comes_back_is_not_lost() {
    let world = world(json!({"otherwise": {"group": {"by": ["policy", "target"], "window_s": 36_000}}})).await;
    let tell = async |number, state| {
        world.client.alerts().submit(Alert { state, ..of_a_storm(number) }).await.unwrap();
        world.client.alerts().drain(RunOptions::default()).await.unwrap()
    };
    for number in 0..3 {
        tell(number, AlertState::Raised).await;
    }
    // One that is counted ends, and is back while the storm goes on.
    for state in [AlertState::Ended, AlertState::Raised] {
        let lag = tell(2, state).await;
        assert_eq!((lag.delivered, lag.grouped, incidents(&world).len()), (1, 2, 1), "{state:?}: {lag:?}");
    }
    // The incident ends with its own alert, and says for whom it stood.
    tell(0, AlertState::Ended).await;
    assert_eq!(incidents(&world)[0]["state"], "6");
    let notes = world.simulator.records(DEV1, "sys_journal_field");
    assert!(notes.iter().any(|note| note["value"].contains("stood for 4 alerts")), "{notes:?}");
    // What comes after that is not counted in what is over, although the window is still open.
    tell(2, AlertState::Ended).await;
    let lag = tell(2, AlertState::Raised).await;
    assert_eq!((lag.delivered, lag.grouped, incidents(&world).len()), (2, 1, 2), "{lag:?}");
    assert_eq!((incidents(&world)[1]["state"].as_str(), lag.pending), ("1", 0));
}
