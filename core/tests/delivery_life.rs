//! An incident's life after its creation, and the rule that a person's changes stay.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{Alert, AlertState, Delivery, DeliveryStatus, EventKind, RunOptions, Severity};
use itsm_simulator::{Fault, FaultKind, InstanceOptions, Profile, Record};
use serde_json::json;
use support::{
    ACME, DEV1, World, alert,
    delivering::{incidents, submitted},
};

const UPDATE: &str = "table:incident:update";

async fn world() -> World {
    let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    world
}

/// The alert tells this, and the worker does what is to be done.
async fn tell(world: &World, state: AlertState, title: &str) -> Delivery {
    let changed = Alert { state, title: title.into(), ..alert(ACME, "a1") };
    let delivery = world.client.alerts().submit(changed).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    world.client.alerts().get(delivery.id.as_str()).await.unwrap()
}

/// Work notes on the instance, in any order.
fn notes(world: &World) -> Vec<String> {
    let rows = world.simulator.records(DEV1, "sys_journal_field").into_iter();
    rows.filter(|row| row["element"] == "work_notes").map(|row| row["value"].clone()).collect()
}

/// What a person does to an incident, past every rule.
fn by_hand(world: &World, incident: &Record, changes: &[(&str, &str)]) {
    let mut row = incident.clone();
    row.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    world.simulator.put_record(DEV1, "incident", &row);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_opened_noted_and_resolved() {
    let world = world().await;
    let opened = tell(&world, AlertState::Raised, "It broke").await;
    assert_eq!(opened.status, DeliveryStatus::Delivered);
    tell(&world, AlertState::Changed, "It is worse").await;
    assert!(notes(&world).iter().any(|note| note.contains("It is worse")), "{:?}", notes(&world));
    let resolved = tell(&world, AlertState::Ended, "It is over").await;
    let row = &incidents(&world)[0];
    assert_eq!((row["state"].as_str(), row["close_code"].as_str()), ("6", "Solution provided"));
    assert_eq!(resolved.incident.unwrap().state, "6", "the state is read back");
    assert_eq!((incidents(&world).len(), world.asked(UPDATE).len()), (1, 2));
    assert_eq!(world.events.messages(EventKind::DeliveryUpdated).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_close_code_comes_from_the_list_of_the_instances_generation() {
    let world = World::made(&[], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.simulator.add_instance(InstanceOptions::with_profile(DEV1, Profile::UpgradedVancouver)).await.unwrap();
    world.registered(ACME).await;
    tell(&world, AlertState::Raised, "It broke").await;
    tell(&world, AlertState::Ended, "It is over").await;
    let row = &incidents(&world)[0];
    assert_eq!((row["state"].as_str(), row["close_code"].as_str()), ("6", "Solved (Permanently)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_told_again_and_again_is_noted_now_and_then() {
    let world = world().await;
    tell(&world, AlertState::Raised, "It broke").await;
    for number in 0..50 {
        let again = Alert { title: format!("Again {number}"), ..alert(ACME, "a1") };
        world.client.alerts().submit(again).await.unwrap();
    }
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(world.asked(UPDATE).len(), 1, "one note, and the rest is counted");
    world.clock.advance(Duration::from_secs(1000));
    tell(&world, AlertState::Raised, "The last time").await;
    let last = notes(&world).into_iter().find(|note| note.contains("The last time")).unwrap();
    assert!(last.contains("49 times more"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_flaps_a_hundred_times_is_one_incident_that_is_resolved_at_the_end() {
    let world = world().await;
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    for number in 0..100 {
        for state in [AlertState::Raised, AlertState::Ended] {
            let flap = Alert { state, title: format!("{state:?} {number}"), ..alert(ACME, "a1") };
            world.client.alerts().submit(flap).await.unwrap();
        }
    }
    worker.stop().await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let rows = incidents(&world);
    assert_eq!((rows.len(), rows[0]["state"].as_str()), (1, "6"));
    assert!(notes(&world).iter().any(|note| note.contains("Ended 99")), "the last state is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_did_stays() {
    for (state, about) in [("6", "resolved"), ("7", "closed"), ("8", "cancelled")] {
        let world = world().await;
        tell(&world, AlertState::Raised, "It broke").await;
        let row = incidents(&world).remove(0);
        by_hand(&world, &row, &[("state", state), ("close_code", "User error"), ("close_notes", "Nothing to see.")]);
        tell(&world, AlertState::Ended, "It is over").await;
        let after = incidents(&world).remove(0);
        let kept = |name: &str| after[name].clone();
        assert_eq!((kept("state"), kept("close_code")), (state.into(), "User error".into()), "{about}");
        assert!(world.asked(UPDATE).is_empty(), "{about}: nothing was sent");
        // It comes back: the person's word about the first one stands, so there is a second one.
        let back = tell(&world, AlertState::Raised, "It broke again").await;
        let rows = incidents(&world);
        assert_eq!((rows.len(), rows[0]["state"].as_str(), rows[1]["state"].as_str()), (2, state, "1"), "{about}");
        assert_eq!(back.incident.unwrap().number, rows[1]["number"], "{about}");
        assert!(notes(&world).iter().any(|note| note.contains(&rows[0]["number"])), "{about}: it names the first");
        tell(&world, AlertState::Ended, "It is over again").await;
        assert_eq!(incidents(&world)[1]["state"], "6", "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_the_adapter_resolved_is_opened_again() {
    let world = world().await;
    tell(&world, AlertState::Raised, "It broke").await;
    tell(&world, AlertState::Ended, "It is over").await;
    tell(&world, AlertState::Raised, "It broke again").await;
    let rows = incidents(&world);
    assert_eq!((rows.len(), rows[0]["state"].as_str()), (1, "2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_resolution_resolves_once() {
    for what in [FaultKind::CutAfter, FaultKind::CreatedThenHtml, FaultKind::Cut, FaultKind::Html] {
        let world = world().await;
        tell(&world, AlertState::Raised, "It broke").await;
        world.simulator.fault(Fault::new(DEV1, what).route(UPDATE));
        tell(&world, AlertState::Ended, "It is over").await;
        assert_eq!(incidents(&world)[0]["state"], "6", "{what:?}");
        let told = notes(&world).iter().filter(|note| note.contains("It is over")).count();
        assert_eq!(told, 1, "{what:?}");
        tell(&world, AlertState::Raised, "It is back").await;
        assert_eq!((incidents(&world).len(), incidents(&world)[0]["state"].as_str()), (1, "2"), "{what:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_whose_answer_is_lost_is_never_written_twice() {
    let world = world().await;
    tell(&world, AlertState::Raised, "It broke").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::CutAfter).route(UPDATE));
    tell(&world, AlertState::Changed, "It is worse").await;
    assert_eq!(notes(&world).iter().filter(|note| note.contains("It is worse")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_the_instance_refuses_is_given_up_and_told() {
    let world = world().await;
    tell(&world, AlertState::Raised, "It broke").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(UPDATE).always());
    let told = tell(&world, AlertState::Changed, "It is worse").await;
    assert!(told.failure.is_some() && told.status == DeliveryStatus::Delivered, "{told:?}");
    assert_eq!(world.events.messages(EventKind::DeliveryFailed).len(), 1);
    world.simulator.clear_faults();
    world.simulator.patch_instance(DEV1, &json!({"close_needs_admin": true})).unwrap();
    tell(&world, AlertState::Ended, "It is over").await;
    assert_eq!(incidents(&world)[0]["state"], "6", "the next state is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_instance_use_up_no_step() {
    let world = world().await;
    let delivery = tell(&world, AlertState::Raised, "It broke").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).with("status", 503).always());
    world.client.alerts().submit(Alert { state: AlertState::Ended, ..delivery.alert }).await.unwrap();
    let two = |give_up_after_ms| RunOptions { max_attempts: Some(2), give_up_after_ms, ..RunOptions::default() };
    let asked = world.simulator.requests().len();
    world.client.alerts().drain(two(Some(60_000))).await.unwrap();
    assert!(world.simulator.requests().len() >= asked + 4, "it was tried twice at the least");
    world.simulator.clear_faults();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(UPDATE));
    world.clock.advance(Duration::from_secs(300));
    world.client.alerts().drain(two(None)).await.unwrap();
    assert_eq!(incidents(&world)[0]["state"], "6", "one refusal is not two");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_met_does_not_count_against_the_next_incident() {
    let world = world().await;
    tell(&world, AlertState::Raised, "It broke").await;
    by_hand(&world, &incidents(&world)[0], &[("state", "7")]);
    tell(&world, AlertState::Ended, "It is over").await;
    for route in ["table:incident:get", "table:incident:insert"] {
        world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(route));
    }
    world.client.alerts().submit(alert(ACME, "a1")).await.unwrap();
    let two = RunOptions { max_attempts: Some(2), ..RunOptions::default() };
    world.client.alerts().drain(two).await.unwrap();
    assert_eq!(incidents(&world).len(), 2, "one refusal of each is not two");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_incidents_with_one_key_the_younger_becomes_a_child() {
    let world = world().await;
    let delivery = submitted(&world, "twice").await;
    for made in ["2026-02-01 10:00:00", "2026-01-01 10:00:00"] {
        let row = [("correlation_id", delivery.correlation_id.as_str()), ("sys_created_on", made), ("state", "1")];
        let row = row.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        world.simulator.put_record(DEV1, "incident", &row);
    }
    world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route("table:incident:insert"));
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let rows = incidents(&world);
    let oldest = rows.iter().find(|row| row["sys_created_on"].starts_with("2026-01")).unwrap();
    let other = rows.iter().find(|row| row["sys_created_on"].starts_with("2026-02")).unwrap();
    assert_eq!((rows.len(), &other["parent_incident"]), (2, &oldest["sys_id"]));
    assert_eq!(world.events.messages(EventKind::DeliveryDuplicated).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_alert_that_gets_worse_is_decided_as_it_is_now() {
    let world = world().await;
    let policy = json!({"rules": [{"name": "noise", "when": {"severity": "warning"}, "then": {"action": "ignore"}}]});
    world.client.policies().set(ACME, &policy.to_string()).await.unwrap();
    let mild = Alert { severity: Severity::Warning, ..alert(ACME, "a1") };
    let id = world.client.alerts().submit(mild.clone()).await.unwrap().id;
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(world.client.alerts().get(id.as_str()).await.unwrap().status, DeliveryStatus::Ignored);
    let worse = Alert { severity: Severity::Critical, state: AlertState::Changed, title: "It is worse".into(), ..mild };
    world.client.alerts().submit(worse).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(world.client.alerts().get(id.as_str()).await.unwrap().status, DeliveryStatus::Delivered);
    assert_eq!(incidents(&world)[0]["short_description"], "It is worse");
}
