//! What is done with is removed when its time is over, what goes on stays, and an alert that comes back long after is
//! not taken for the one before.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use itsm_adapter::{
    Alert, AlertState, Client, Config, Delivery, DeliveryStatus, Event, EventKind, Retention, RunOptions,
    store::{Change, Store as _},
};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, alert,
    delivering::{INSERT, LOOK_UP, one_incident},
    until,
};

const DAY: Duration = Duration::from_secs(86_400);
const UPDATE: &str = "table:incident:update";

fn lasting(config: &mut Config) {
    config.total_timeout = Duration::from_secs(60);
    config.retention.deliveries = Some(DAY * 90);
    config.retention.events = Some(DAY * 400);
}

async fn world() -> World {
    let world = World::made(&[DEV1], 20, lasting).await;
    world.registered(ACME).await;
    world
}

/// The alert tells this, and a worker does what is to be done.
async fn tell(world: &World, id: &str, state: AlertState) -> Delivery {
    let told = Alert { state, ..alert(ACME, id) };
    let delivery = world.client.alerts().submit(told).await.unwrap();
    drain(&world.client).await;
    world.client.alerts().get(delivery.id.as_str()).await.unwrap()
}

/// Works, removes what is over if that is due, and ends.
async fn drain(client: &Client) {
    client.alerts().drain(RunOptions::default()).await.unwrap();
}

/// So many days go by, and a worker comes.
async fn later(world: &World, days: u32) {
    world.clock.advance(DAY * days);
    drain(&world.client).await;
}

/// Ids of the alerts whose deliveries are there.
async fn kept(world: &World) -> Vec<String> {
    let page = world.client.alerts().list(None, &[], None, Some(1000)).await.unwrap();
    page.items.into_iter().map(|delivery| delivery.alert.id).collect()
}

fn removals(world: &World) -> Vec<Event> {
    world.events.all().into_iter().filter(|event| event.kind == EventKind::Forgotten).collect()
}

/// What a person does to an incident, past every rule.
fn by_hand(world: &World, key: &str, state: &str) {
    let mut row = world.incidents(key).remove(0);
    row.insert("state".to_owned(), state.to_owned());
    world.simulator.put_record(DEV1, "incident", &row);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_goes_when_its_time_is_over_and_an_event_says_so() {
    let world = world().await;
    let done = tell(&world, "done", AlertState::Raised).await;
    tell(&world, "done", AlertState::Ended).await;
    later(&world, 89).await;
    assert_eq!(kept(&world).await, ["done"], "a day too early");
    assert!(removals(&world).is_empty());
    later(&world, 2).await;
    assert!(kept(&world).await.is_empty());
    let lag = world.client.alerts().lag(None).await.unwrap();
    assert_eq!((lag.delivered, lag.lanes.len()), (0, 0), "it is not counted any more");
    let [removed] = &removals(&world)[..] else { panic!("one event: {:?}", removals(&world)) };
    assert_eq!(removed.customer_id.as_ref().unwrap().as_str(), ACME);
    assert_eq!(removed.detail["deliveries"], "1");
    let log = world.client.events().list(Some(ACME), None, Some(1000)).await.unwrap().items;
    assert_eq!(log.last(), Some(removed), "in the log as well");
    assert!(world.client.alerts().get(done.id.as_str()).await.is_err());
    assert_eq!(world.incidents(&done.correlation_id).len(), 1, "the incident is the instance's");
}

/// The trap: the key and the record id are made of the alert, and the instance has an incident that carries them.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_comes_back_after_it_was_forgotten_gets_an_incident_of_its_own() {
    for (chosen, fault) in
        [(false, None), (true, None), (false, Some(FaultKind::CutAfter)), (true, Some(FaultKind::Cut))]
    {
        let about = format!("record ids of ours: {chosen}, {fault:?}");
        let world = world().await;
        if chosen {
            world.simulator.patch_instance(DEV1, &json!({"client_sys_id": "honoured"})).unwrap();
            world.client.registrations().probe(ACME).await.unwrap();
        }
        let first = tell(&world, "a1", AlertState::Raised).await;
        let number = first.incident.clone().unwrap().number;
        tell(&world, "a1", AlertState::Ended).await;
        later(&world, 91).await;
        assert!(kept(&world).await.is_empty(), "{about}");
        world.simulator.fault(Fault::new(DEV1, fault.unwrap_or(FaultKind::Slow)).route(INSERT));
        let second = tell(&world, "a1", AlertState::Raised).await;
        assert_ne!(second.correlation_id, first.correlation_id, "{about}");
        let row = one_incident(&world, &second, &about);
        assert_ne!(row["number"], number, "{about}");
        assert_eq!(row["state"], "1", "{about}: it is open");
        assert_eq!(world.incidents(&first.correlation_id)[0]["state"], "6", "{about}: and the first one stays closed");
        let notes = world.simulator.records(DEV1, "sys_journal_field");
        assert!(
            notes.iter().any(|note| note["element_id"] == row["sys_id"] && note["value"].contains(&number)),
            "{about}"
        );
        // And once more, with the trace of a trace.
        tell(&world, "a1", AlertState::Ended).await;
        later(&world, 91).await;
        let third = tell(&world, "a1", AlertState::Raised).await;
        one_incident(&world, &third, &about);
        assert_ne!(third.correlation_id, second.correlation_id, "{about}");
        // A life that goes on counts from there.
        by_hand(&world, &third.correlation_id, "7");
        tell(&world, "a1", AlertState::Ended).await;
        let fourth = tell(&world, "a1", AlertState::Raised).await;
        one_incident(&world, &fourth, &about);
        assert_ne!(fourth.correlation_id, third.correlation_id, "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_of_today_decides_about_an_alert_that_was_forgotten() {
    let world = world().await;
    tell(&world, "a1", AlertState::Raised).await;
    tell(&world, "a1", AlertState::Ended).await;
    later(&world, 91).await;
    world.client.policies().set(ACME, r#"{"otherwise": {"action": "ignore"}}"#).await.unwrap();
    assert_eq!(tell(&world, "a1", AlertState::Raised).await.status, DeliveryStatus::Ignored);
    // What was never made again is forgotten again, and what is known of the first incident with it is not lost.
    later(&world, 91).await;
    assert!(kept(&world).await.is_empty());
    world.client.policies().remove(ACME).await.unwrap();
    let back = tell(&world, "a1", AlertState::Raised).await;
    one_incident(&world, &back, "after all");
    assert_eq!(
        world
            .simulator
            .records(DEV1, "incident")
            .iter()
            .filter(|row| row["correlation_id"].starts_with(&back.correlation_id))
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_open_keeps_its_delivery_until_the_instance_says_that_it_is_over() {
    let world = world().await;
    for (id, state) in [("open", "2"), ("resolved", "6"), ("closed", "7"), ("cancelled", "8")] {
        let delivery = tell(&world, id, AlertState::Raised).await;
        by_hand(&world, &delivery.correlation_id, state);
    }
    let archived = tell(&world, "archived", AlertState::Raised).await;
    world.simulator.remove_record(DEV1, "incident", &archived.incident.unwrap().sys_id);
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route(LOOK_UP).always());
    later(&world, 91).await;
    assert_eq!(kept(&world).await.len(), 5, "nobody says anything");
    world.simulator.clear_faults();
    world.simulator.clear_requests();
    later(&world, 1).await;
    assert_eq!(kept(&world).await, ["open"]);
    assert_eq!(world.asked(LOOK_UP).len(), 1, "one question for all of them");
    // It is still the same alert, with the same incident.
    tell(&world, "open", AlertState::Ended).await;
    assert_eq!((world.asked(UPDATE).len(), world.asked(INSERT).len()), (1, 0));
    later(&world, 91).await;
    assert!(kept(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_registered_may_come_back_and_one_that_was_removed_does_not() {
    let world = world().await;
    let first = tell(&world, "open", AlertState::Raised).await;
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    later(&world, 91).await;
    assert_eq!(kept(&world).await, ["open"], "nobody can ask");
    world.client.connections().disconnect(ACME, &world.url()).await.unwrap();
    world.client.accounts().remove(ACME).await.unwrap();
    later(&world, 2).await;
    assert!(kept(&world).await.is_empty(), "nobody ever will");
    // Should it be added again all the same, its alerts are not taken for those of its former life.
    world.registered(ACME).await;
    let again = tell(&world, "open", AlertState::Raised).await;
    one_incident(&world, &again, "added again");
    assert_ne!(again.correlation_id, first.correlation_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_stays_however_old_it_is() {
    let world = World::made(&[DEV1], 20, |config| {
        lasting(config);
        config.retention.dead_letters = None;
    })
    .await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    world.client.alerts().submit(alert(GLOBEX, "of nobody")).await.unwrap();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(INSERT).always());
    let dead = world.client.alerts().submit(alert(ACME, "dead")).await.unwrap();
    world.client.alerts().drain(RunOptions { max_attempts: Some(1), ..RunOptions::default() }).await.unwrap();
    assert_eq!(world.client.alerts().get(dead.id.as_str()).await.unwrap().status, DeliveryStatus::Dead);
    world.simulator.clear_faults();
    later(&world, 4000).await;
    assert_eq!(kept(&world).await, ["of nobody", "dead"]);
    let replayed = world.client.alerts().replay(dead.id.as_str()).await.unwrap();
    drain(&world.client).await;
    one_incident(&world, &world.client.alerts().get(replayed.id.as_str()).await.unwrap(), "replayed");
    // Whoever wants them gone says so.
    let mut config = world.config();
    lasting(&mut config);
    config.retention = Retention { dead_letters: Some(DAY * 10), ..config.retention };
    let client = Client::builder().config(config).clock(Arc::new(world.clock.clone())).open().await.unwrap();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(INSERT).always());
    let dead = client.alerts().submit(alert(ACME, "dead again")).await.unwrap();
    client.alerts().drain(RunOptions { max_attempts: Some(1), ..RunOptions::default() }).await.unwrap();
    world.clock.advance(DAY * 11);
    drain(&client).await;
    assert!(client.alerts().get(dead.id.as_str()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_takes_in_others_keeps_its_parent_and_whom_it_counts() {
    let world = World::made(&[DEV1], 20, |config| {
        lasting(config);
        config.retention.deliveries = Some(DAY * 2);
    })
    .await;
    world.registered(ACME).await;
    let policy = json!({"otherwise": {"group": {"by": ["source"], "window_s": 604_800}}}).to_string();
    world.client.policies().set(ACME, &policy).await.unwrap();
    let parent = tell(&world, "first", AlertState::Raised).await;
    assert_eq!(tell(&world, "second", AlertState::Raised).await.status, DeliveryStatus::Grouped);
    by_hand(&world, &parent.correlation_id, "7");
    later(&world, 5).await;
    assert_eq!(kept(&world).await, ["first", "second"], "the group is open for a week");
    let third = tell(&world, "third", AlertState::Raised).await;
    assert_eq!(third.status, DeliveryStatus::Grouped, "and takes in others");
    later(&world, 3).await;
    assert!(kept(&world).await.is_empty(), "all of them are over");
    let fourth = tell(&world, "fourth", AlertState::Raised).await;
    one_incident(&world, &fourth, "a group of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_loses_its_beginning_and_readers_go_on() {
    let world = world().await;
    tell(&world, "a1", AlertState::Raised).await;
    let before = world.client.events().list(None, None, Some(1000)).await.unwrap().items;
    later(&world, 399).await;
    let first = async || world.client.events().list(None, None, Some(1)).await.unwrap().items.remove(0);
    assert_eq!(first().await.sequence, before[0].sequence, "a day too early");
    later(&world, 2).await;
    assert!(first().await.sequence > before.last().unwrap().sequence, "all of that day are gone");
    let removed = removals(&world).pop().unwrap();
    assert_eq!(removed.detail["events"], before.len().to_string());
    let cursor = before[0].sequence.to_string();
    let after = world.client.events().list(None, Some(&cursor), Some(1000)).await.unwrap().items;
    assert_eq!(after.last(), Some(&removed), "a reader that was in the middle goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn much_is_removed_in_small_commits_once_a_day_by_one_of_many() {
    let world = world().await;
    let alerts = (0..450).map(|number| Alert { state: AlertState::Ended, ..alert(ACME, &format!("{number:03}")) });
    world.client.alerts().submit_many(alerts.collect()).await.unwrap();
    world.clock.advance(DAY * 91);
    let mut config = world.config();
    lasting(&mut config);
    let builder = Client::builder().config(config).clock(Arc::new(world.clock.clone()));
    let other = builder.observer(world.events.clone()).open().await.unwrap();
    let options = RunOptions { poll_interval_ms: Some(10), ..RunOptions::default() };
    let workers =
        [world.client.alerts().run(options.clone()).await.unwrap(), other.alerts().run(options).await.unwrap()];
    let counts = || removals(&world).iter().map(|event| event.detail["deliveries"].clone()).collect::<Vec<_>>();
    until("the last page", || counts().len() == 3).await;
    assert_eq!(counts(), ["200", "200", "50"]);
    assert!(kept(&world).await.is_empty());
    // What has become old since waits for the next day.
    let late = Alert { state: AlertState::Ended, ..alert(ACME, "late") };
    world.client.alerts().submit(late).await.unwrap();
    let store = world.store();
    let lease = store.acquire("retention", "us", world_now(&world), world_now(&world)).await.unwrap();
    assert!(lease.is_none(), "nobody begins again on the same day");
    world.clock.advance(DAY * 92);
    until("the next removal", || counts().len() == 4).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
}

/// What comes in the very moment of the removal either keeps its delivery there, or begins it anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_comes_while_its_delivery_is_removed_is_not_lost() {
    let world = World::made(&[DEV1], 20, lasting).await;
    world.added(ACME).await;
    let store = world.store();
    let (mut removed, mut kept) = (0, 0);
    for number in 0..300 {
        let ended = Alert { state: AlertState::Ended, ..alert(ACME, &number.to_string()) };
        let before = world.client.alerts().submit(ended).await.unwrap();
        let row = store.delivery(&before.id).await.unwrap().unwrap();
        let removal = Change::RemoveDelivery { id: before.id.clone(), version: row.version, trace: None };
        let (client, raised) = (world.client.clone(), alert(ACME, &number.to_string()));
        let telling = tokio::spawn(async move { client.alerts().submit(raised).await.unwrap() });
        // From nearly at once to too late, and at the end too late for certain.
        for _ in 0..number {
            tokio::task::yield_now().await;
        }
        while number == 299 && !telling.is_finished() {
            tokio::task::yield_now().await;
        }
        let was_removed = store.commit(vec![removal]).await.is_ok();
        let told = telling.await.unwrap();
        let there = store.delivery(&told.id).await.unwrap();
        assert!(there.is_some(), "{number}: what was acknowledged is there");
        if told.id == before.id {
            kept += 1;
            assert!(!was_removed && store.last_step(&told.id).await.unwrap().is_some(), "{number}");
        } else {
            removed += 1;
            assert!(was_removed && told.status == DeliveryStatus::Pending, "{number}: {told:?}");
        }
    }
    assert!(removed > 0 && kept > 0, "both happen: {removed}, {kept}");
}

fn world_now(world: &World) -> chrono::DateTime<chrono::Utc> {
    itsm_adapter::clock::Clock::now(&world.clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_set_to_end_everything_is_kept_for_ever() {
    let world = World::made(&[DEV1], 20, |config| {
        lasting(config);
        config.retention = Retention { deliveries: None, dead_letters: None, events: None };
    })
    .await;
    world.registered(ACME).await;
    tell(&world, "a1", AlertState::Raised).await;
    tell(&world, "a1", AlertState::Ended).await;
    later(&world, 10_000).await;
    assert_eq!(kept(&world).await, ["a1"]);
    assert!(removals(&world).is_empty());
}
