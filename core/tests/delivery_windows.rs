//! Policies as time goes by: what was ignored or held is decided anew, and what comes back is decided as what comes.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use itsm_adapter::{Alert, AlertState, Delivery, DeliveryStatus, EventKind, RunOptions, Severity};
use itsm_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use support::{ACME, DEV1, World, alert, delivering::incidents, until};

/// The window of these tests: from an hour ago to an hour ahead.
fn window(does: &str) -> Value {
    let time = |minutes| (Utc::now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M").to_string();
    let once = json!([{"from": time(-60), "until": time(60)}]);
    json!({"maintenance": [{"name": "weekend", "time_zone": "UTC", "once": once, "then": does}]})
}

async fn world(policy: Value) -> World {
    let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    world.client.policies().set(ACME, &policy.to_string()).await.unwrap();
    world
}

fn states(world: &World) -> Vec<String> {
    incidents(world).into_iter().map(|row| row["state"].clone()).collect()
}

fn notes(world: &World) -> Vec<String> {
    world.simulator.records(DEV1, "sys_journal_field").into_iter().map(|note| note["value"].clone()).collect()
}

fn in_state(state: AlertState) -> Alert {
    Alert { state, ..alert(ACME, "a1") }
}

async fn tell(world: &World, alert: Alert) -> Delivery {
    let delivery = world.client.alerts().submit(alert).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    world.client.alerts().get(delivery.id.as_str()).await.unwrap()
}

/// Past the end of the window.
fn later(world: &World) {
    world.clock.advance(Duration::from_secs(2 * 3600));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_window_ignored_is_an_incident_when_it_is_raised_after_it() {
    for ended_meanwhile in [true, false] {
        let world = world(window("ignore")).await;
        assert_eq!(tell(&world, in_state(AlertState::Raised)).await.status, DeliveryStatus::Ignored);
        if ended_meanwhile {
            assert_eq!(tell(&world, in_state(AlertState::Ended)).await.status, DeliveryStatus::Ignored);
        }
        later(&world);
        let delivery = tell(&world, in_state(AlertState::Raised)).await;
        assert_eq!(delivery.status, DeliveryStatus::Delivered, "ended meanwhile: {ended_meanwhile}");
        assert_eq!(states(&world), ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_in_the_window_that_held_it_makes_no_incident() {
    let world = world(window("hold")).await;
    let alerts = world.client.alerts();
    let (held, stays) = (in_state(AlertState::Raised), alert(ACME, "stays"));
    let delivery = alerts.submit(held).await.unwrap();
    let other = alerts.submit(stays).await.unwrap();
    let worker = alerts.run(RunOptions::default()).await.unwrap();
    let now = async |of: &Delivery| world.client.alerts().get(of.id.as_str()).await.unwrap();
    while now(&delivery).await.failure.is_none() || now(&other).await.failure.is_none() {
        tokio::task::yield_now().await;
    }
    for state in [AlertState::Changed, AlertState::Ended] {
        alerts.submit(in_state(state)).await.unwrap();
    }
    later(&world);
    until("the other alert's incident", || states(&world) == ["1"]).await;
    worker.stop().await.unwrap();
    alerts.drain(RunOptions::default()).await.unwrap();
    let over = now(&delivery).await;
    assert_eq!((over.status, over.incident.is_none()), (DeliveryStatus::Ignored, true), "{over:?}");
    assert!(over.failure.unwrap().contains("window"), "and says why");
    assert_eq!(states(&world), ["1"]);
    // It comes again, and nothing holds it now.
    assert_eq!(tell(&world, in_state(AlertState::Raised)).await.status, DeliveryStatus::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_in_a_window_is_held_or_ignored_as_what_comes() {
    for (does, ends_in_it, at_the_end) in [("hold", false, "2"), ("hold", true, "6"), ("ignore", false, "6")] {
        let world = world(json!({})).await;
        tell(&world, in_state(AlertState::Raised)).await;
        tell(&world, in_state(AlertState::Ended)).await;
        assert_eq!(states(&world), ["6"]);
        world.client.policies().set(ACME, &window(does).to_string()).await.unwrap();
        let (alerts, before) = (world.client.alerts(), notes(&world).len());
        let delivery = alerts.submit(in_state(AlertState::Raised)).await.unwrap();
        let worker = alerts.run(RunOptions::default()).await.unwrap();
        let decided = async || match does {
            "hold" => alerts.get(delivery.id.as_str()).await.unwrap().failure.is_some(),
            _ => world.events.messages(EventKind::DeliveryUpdated).iter().any(|said| said.contains("nothing is made")),
        };
        while !decided().await {
            tokio::task::yield_now().await;
        }
        assert_eq!((states(&world), notes(&world).len()), (vec!["6".to_owned()], before), "{does}");
        if ends_in_it {
            alerts.submit(in_state(AlertState::Ended)).await.unwrap();
        }
        later(&world);
        worker.stop().await.unwrap();
        alerts.drain(RunOptions::default()).await.unwrap();
        assert_eq!(states(&world), [at_the_end], "{does}, ends in it: {ends_in_it}");
        assert_eq!(notes(&world).len() > before, at_the_end == "2", "{does}: told only when it is opened again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gets_worse_is_told_at_once() {
    let world = world(json!({})).await;
    let at = |severity, title: &str| Alert { severity, title: title.into(), ..in_state(AlertState::Changed) };
    tell(&world, Alert { severity: Severity::Warning, ..in_state(AlertState::Raised) }).await;
    tell(&world, at(Severity::Warning, "first note")).await;
    tell(&world, at(Severity::Warning, "too early")).await;
    tell(&world, at(Severity::Critical, "worse")).await;
    tell(&world, at(Severity::Critical, "as bad as before")).await;
    let notes = notes(&world);
    let told = |text: &str| notes.iter().any(|note| note.contains(text));
    assert!(told("first note") && told("worse"), "{notes:?}");
    assert!(!told("too early") && !told("as bad as before"), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_told_again_word_for_word_opens_nothing() {
    let world = world(json!({})).await;
    let day = |day: u32| DateTime::from_timestamp(1_760_000_000 + i64::from(day) * 86_400, 0);
    let (raised, changed) = (
        Alert { raised_at: day(1), ..in_state(AlertState::Raised) },
        Alert { raised_at: day(2), title: "worse".into(), ..in_state(AlertState::Changed) },
    );
    for alert in [&raised, &changed, &in_state(AlertState::Ended)] {
        tell(&world, alert.clone()).await;
    }
    for again in [&raised, &changed] {
        tell(&world, again.clone()).await;
        assert_eq!(states(&world), ["6"], "{again:?}");
    }
    tell(&world, Alert { raised_at: day(3), ..raised }).await;
    assert_eq!(states(&world), ["2"], "another time is another occasion");
}

fn of_a_storm(number: usize, state: AlertState) -> Alert {
    let mut one = alert(ACME, &format!("s{number}"));
    (one.state, one.policy) = (state, Some("Machine failures".into()));
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn children_go_on_when_their_parents_alert_ends() {
    let world = world(json!({"otherwise": {"group": {"by": ["policy"], "window_s": 3600, "children": true}}})).await;
    for number in 0..3 {
        tell(&world, of_a_storm(number, AlertState::Raised)).await;
    }
    tell(&world, of_a_storm(0, AlertState::Ended)).await;
    assert_eq!(states(&world), ["6", "1", "1"]);
    tell(&world, of_a_storm(1, AlertState::Ended)).await;
    assert_eq!(states(&world), ["6", "6", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_says_for_how_many_it_stands() {
    let world = world(json!({"otherwise": {"group": {"by": ["policy"], "window_s": 3600}}})).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route("table:incident:insert").always());
    let alerts = (0..4).map(|number| of_a_storm(number, AlertState::Raised)).collect();
    world.client.alerts().submit_many(alerts).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let page = world.client.alerts().list(None, &[], None, None).await.unwrap();
    let dead: Vec<_> = page.items.iter().filter(|one| one.status == DeliveryStatus::Dead).collect();
    assert_eq!(dead.len(), 1, "{:?}", page.items);
    assert!(dead[0].failure.as_ref().unwrap().contains("stands for 4 alerts"), "{:?}", dead[0]);
    world.simulator.clear_faults();
    world.client.alerts().replay(dead[0].id.as_str()).await.unwrap();
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.delivered, lag.grouped, lag.dead), (1, 3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_comes_to_nothing_is_the_alerts_own() {
    let world = world(json!({"otherwise": {"short_description": "{{ component }}"}})).await;
    tell(&world, in_state(AlertState::Raised)).await;
    let blank = Alert { title: "\u{202e}\u{200e}".into(), ..alert(ACME, "blank") };
    tell(&world, blank).await;
    let rows = incidents(&world);
    assert_eq!(rows[0]["short_description"], alert(ACME, "a1").title);
    assert_eq!(rows[1]["short_description"], "Citrix alert");
}
