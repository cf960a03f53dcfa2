//! Accounts that leave an instance, and accounts in trouble: what they leave behind ends, and nobody else waits for it.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use itsm_adapter::{
    Alert, AlertState, Client, ConnectionStatus, CustomerId, Delivery, DeliveryStatus, EventKind,
    RegisterServiceAccount, RunOptions, Severity,
    clock::Clock,
    store::{Change, Put, Sealed, Store},
};
use itsm_simulator::{Fault, FaultKind, Record, TokenKind};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, alert,
    delivering::{INSERT, deliver, submitted},
};

const DEV2: &str = "dev2";

/// Two instances; ACME at the first one, GLOBEX at the second.
async fn world() -> World {
    let world = World::made(&[DEV1, DEV2], 20, |config| {
        config.total_timeout = Duration::from_secs(60);
        config.instance_hosts.hosts.push("localhost".to_owned());
    })
    .await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    world.client.registrations().register(world.request_at(GLOBEX, DEV2)).await.unwrap();
    world.simulator.clear_requests();
    world
}

async fn moved(world: &World, from: &str, to: RegisterServiceAccount) {
    world.client.registrations().relocate(from, to).await.unwrap();
    world.simulator.clear_requests();
}

async fn tell(world: &World, state: AlertState, title: &str) -> Delivery {
    let told = Alert { state, title: title.into(), ..alert(ACME, "a1") };
    let delivery = world.client.alerts().submit(told).await.unwrap();
    drained(world, &delivery).await
}

async fn drained(world: &World, delivery: &Delivery) -> Delivery {
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    world.client.alerts().get(delivery.id.as_str()).await.unwrap()
}

fn incidents_at(world: &World, instance: &str) -> Vec<Record> {
    let mut rows = world.simulator.records(instance, "incident");
    rows.retain(|row| row["correlation_id"].starts_with("citrix-"));
    rows.sort_by(|a, b| a["number"].cmp(&b["number"]));
    rows
}

fn asked_of(world: &World, instance: &str) -> usize {
    world.simulator.requests().iter().filter(|request| request.instance.as_deref() == Some(instance)).count()
}

/// An attempt was sent to the first instance, and its answer, like every one after it, was lost.
async fn unknown_at_dev1(world: &World, was_made: bool) -> Delivery {
    let delivery = submitted(world, "a1").await;
    let what = if was_made { FaultKind::CutAfter } else { FaultKind::Cut };
    world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
    world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route("table:incident:list").always());
    deliver(&world.client, &delivery).await.unwrap_err();
    let left = world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    assert_eq!(left.status, DeliveryStatus::Unknown);
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_left_at_the_old_instance_is_a_dead_letter_that_a_person_may_replay() {
    for was_made in [true, false] {
        let world = world().await;
        let unknown = unknown_at_dev1(&world, was_made).await;
        moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
        let dead = drained(&world, &unknown).await;
        assert_eq!((dead.status, incidents_at(&world, DEV2).len()), (DeliveryStatus::Dead, 0));
        let why = dead.failure.unwrap();
        assert!(why.contains("stays unknown") && why.contains(&world.url()), "{why}");
        assert_eq!(asked_of(&world, DEV1), 0, "an instance that the account has left is not asked");
        assert_eq!(world.events.messages(EventKind::DeliveryFailed).len(), 1);
        world.client.alerts().replay(dead.id.as_str()).await.unwrap();
        let replayed = drained(&world, &unknown).await;
        assert_eq!((replayed.status, incidents_at(&world, DEV2).len()), (DeliveryStatus::Delivered, 1));
        assert_eq!(replayed.instance_id.unwrap().as_str(), world.url_of(DEV2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_replays_when_the_account_is_back_gets_no_second_incident() {
    for was_made in [true, false] {
        let world = world().await;
        let unknown = unknown_at_dev1(&world, was_made).await;
        moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
        assert_eq!(drained(&world, &unknown).await.status, DeliveryStatus::Dead);
        world.simulator.clear_faults();
        moved(&world, &world.url_of(DEV2), world.request(ACME)).await;
        world.client.alerts().replay(unknown.id.as_str()).await.unwrap();
        let delivered = drained(&world, &unknown).await;
        assert_eq!(
            (delivered.status, delivered.instance_id.unwrap().as_str()),
            (DeliveryStatus::Delivered, &*world.url())
        );
        assert_eq!(incidents_at(&world, DEV1).len(), 1, "made before: {was_made}");
        assert_eq!(world.asked(INSERT).len(), usize::from(!was_made));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_elsewhere_does_not_make_forgotten_what_was_left() {
    let refused = |kind: FaultKind| Fault::new(DEV2, kind).route(INSERT).always();
    for (fault, most, status) in [
        (refused(FaultKind::Stray403), 1, DeliveryStatus::Dead),
        (refused(FaultKind::Throttle).with("retry_after_s", 1), 1000, DeliveryStatus::Pending),
    ] {
        let world = world().await;
        let unknown = unknown_at_dev1(&world, true).await;
        moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
        assert_eq!(drained(&world, &unknown).await.status, DeliveryStatus::Dead);
        world.client.alerts().replay(unknown.id.as_str()).await.unwrap();
        world.simulator.fault(fault);
        let impatient =
            RunOptions { max_attempts: Some(most), give_up_after_ms: Some(20_000), ..RunOptions::default() };
        world.client.alerts().drain(impatient).await.unwrap();
        let elsewhere = world.client.alerts().get(unknown.id.as_str()).await.unwrap();
        assert_eq!((elsewhere.status, incidents_at(&world, DEV2).len()), (status, 0), "{elsewhere:?}");
        assert!(elsewhere.attempts > 0);
        world.simulator.clear_faults();
        world.clock.advance(Duration::from_secs(10));
        moved(&world, &world.url_of(DEV2), world.request(ACME)).await;
        world.client.alerts().replay(unknown.id.as_str()).await.unwrap();
        let delivered = drained(&world, &unknown).await;
        assert_eq!(delivered.status, DeliveryStatus::Delivered, "{delivered:?}");
        assert_eq!(incidents_at(&world, DEV1).len(), 1, "after {status:?} elsewhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_whose_incident_stays_behind_ends_or_goes_on_in_a_linked_one() {
    let world = world().await;
    let first = tell(&world, AlertState::Raised, "It broke").await.incident.unwrap();
    moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
    let went_on = tell(&world, AlertState::Changed, "It is worse").await;
    let rows = incidents_at(&world, DEV2);
    assert_eq!((went_on.status, rows.len()), (DeliveryStatus::Delivered, 1));
    assert_eq!(went_on.instance_id.unwrap().as_str(), world.url_of(DEV2));
    let notes = world.simulator.records(DEV2, "sys_journal_field");
    let link = format!("{} at {}", first.number, world.url());
    assert!(notes.iter().any(|note| note["value"].contains(&link)), "{notes:?}");
    tell(&world, AlertState::Ended, "It is over").await;
    assert_eq!(incidents_at(&world, DEV2)[0]["state"], "6", "the new one is the alert's own");

    moved(&world, &world.url_of(DEV2), world.request(ACME)).await;
    tell(&world, AlertState::Raised, "It is back").await;
    assert_eq!(incidents_at(&world, DEV1).len(), 2);
    moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
    let ended = tell(&world, AlertState::Ended, "It is over").await;
    let told = world.events.messages(EventKind::DeliveryFailed);
    assert!(told.len() == 1 && told[0].contains("was not told"), "{told:?}");
    assert_eq!((ended.failure.as_ref(), incidents_at(&world, DEV2).len()), (Some(&told[0]), 1));
    assert_eq!(asked_of(&world, DEV1), 0);
}

/// The same instance under another name: its records are there, and tell.
#[tokio::test(flavor = "multi_thread")]
async fn at_the_new_address_of_the_same_instance_the_work_goes_on() {
    let world = world().await;
    let elsewhere = world.url().replace("127.0.0.1", "localhost");
    let to = RegisterServiceAccount { instance_url: elsewhere.clone(), ..world.request(ACME) };
    let known = submitted(&world, "known").await;
    drained(&world, &known).await;
    let unknown = unknown_at_dev1(&world, true).await;
    world.simulator.clear_faults();
    moved(&world, &world.url(), to).await;
    let found = drained(&world, &unknown).await;
    assert_eq!((found.status, found.instance_id.unwrap().as_str()), (DeliveryStatus::Delivered, elsewhere.as_str()));
    let ended = Alert { state: AlertState::Ended, ..alert(ACME, "known") };
    world.client.alerts().submit(ended).await.unwrap();
    let ended = drained(&world, &known).await;
    assert_eq!((ended.instance_id.unwrap().as_str(), ended.incident.unwrap().state.as_str()), (&*elsewhere, "6"));
    assert_eq!((incidents_at(&world, DEV1).len(), world.asked(INSERT).len()), (2, 0));
    assert!(world.events.messages(EventKind::DeliveryFailed).is_empty());
}

/// Fifty outcomes that cannot be found out any more, and as many alerts of somebody who has nothing to do with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_elsewhere_does_not_slow_the_lane_of_the_others() {
    let world = world().await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route("table:incident").always());
    for number in 0..50 {
        let mut severe = alert(ACME, &number.to_string());
        severe.severity = Severity::Critical;
        let delivery = world.client.alerts().submit(severe).await.unwrap();
        deliver(&world.client, &delivery).await.unwrap_err();
    }
    assert_eq!(world.client.alerts().lag(Some(ACME)).await.unwrap().unknown, 50);
    moved(&world, &world.url(), world.request_at(ACME, DEV2)).await;
    for number in 0..50 {
        world.client.alerts().submit(alert(GLOBEX, &number.to_string())).await.unwrap();
    }
    let began = world.clock.now();
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    let took = world.clock.now() - began;
    assert_eq!((lag.pending, lag.unknown, lag.dead, lag.delivered), (0, 0, 50, 50), "{lag:?}");
    assert_eq!(asked_of(&world, DEV1), 0);
    assert!(took < TimeDelta::seconds(300), "{took}: the lane has rested");
}

/// Both accounts at one instance; what is stored of one of them cannot be opened any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_grant_does_not_serve_pauses_alone() {
    let world = world().await;
    moved(&world, &world.url_of(DEV2), world.request(GLOBEX)).await;
    let store = world.store();
    let (acme, instance) = (CustomerId::parse(ACME).unwrap(), world.connection(ACME).await.instance_id);
    let good = store.connection(&acme, &instance).await.unwrap().unwrap();
    let seal = async |sealed: Option<Sealed>| {
        let present = store.connection(&acme, &instance).await.unwrap().unwrap();
        let put = Put { value: present.value, sealed, replaces: Some(present.version) };
        store.commit(vec![Change::Connection(put)]).await.unwrap();
    };
    seal(Some(Sealed::from_parts("another".into(), vec![0; 64]))).await;
    // One that has never had the token in hand.
    let builder = Client::builder().config(world.config()).clock(Arc::new(world.clock.clone()));
    let client = builder.open().await.unwrap();
    for number in 0..100 {
        let severe = Alert { severity: Severity::Critical, ..alert(ACME, &number.to_string()) };
        client.alerts().submit(severe).await.unwrap();
        client.alerts().submit(alert(GLOBEX, &number.to_string())).await.unwrap();
    }
    let of = async |customer| client.alerts().lag(Some(customer)).await.unwrap();
    let began = world.clock.now();
    let worker = client.alerts().run(RunOptions::default()).await.unwrap();
    while of(GLOBEX).await.delivered < 100 {
        tokio::task::yield_now().await;
    }
    let took = world.clock.now() - began;
    assert!(took < TimeDelta::seconds(300), "{took}: the other account waited");
    let acme = of(ACME).await;
    assert_eq!((acme.pending, acme.dead), (100, 0), "nothing of it is given up: {acme:?}");
    seal(good.sealed).await;
    world.clock.advance(Duration::from_secs(600));
    while of(ACME).await.delivered < 100 {
        tokio::task::yield_now().await;
    }
    worker.stop().await.unwrap();
    assert_eq!(incidents_at(&world, DEV1).len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_does_not_wait_for_an_account_that_is_unauthorized_by_now() {
    let world = world().await;
    submitted(&world, "a1").await;
    world.client.alerts().submit(alert(GLOBEX, "g1")).await.unwrap();
    world.simulator.patch_user(DEV1, "svc.citrix", &json!({"locked_out": true})).unwrap();
    world.simulator.expire_tokens(DEV1, TokenKind::Both, None);
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unauthorized);
    assert_eq!((lag.pending + lag.unknown, lag.delivered), (1, 1), "{lag:?}");
}
