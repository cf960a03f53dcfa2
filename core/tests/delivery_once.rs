//! Exactly one incident where the instance honours record ids of ours, ignores or refuses them, and where inserts go
//! together: the same faults as for single inserts. The instance counts, not our client.
//!
//! 200 alerts each, 10,000 with `ITSM_LONG=1`.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use itsm_adapter::{
    Alert, AlertState, ChosenSysId, Client, DeliveryStatus, ErrorKind, RunOptions,
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::{Fault, FaultKind, Record};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, alert,
    delivering::{INSERT, LOOK_UP, deliver, one_incident, submitted},
    is, until,
    wire::LookingOn,
};

const BATCH: &str = "batch";
/// An answer that comes after nobody waits for it any more.
const SLOW: Duration = Duration::from_secs(1);

/// A world whose clock is fast, and whose calls nevertheless have the machine's time.
async fn hurried() -> World {
    let world = World::made(&[DEV1], 20, |config| {
        config.total_timeout = Duration::from_secs(60);
        config.attempt_timeout = SLOW / 2;
    })
    .await;
    world.registered(ACME).await;
    world
}

/// The same, probed, with the instance as the switch says.
async fn probed(client_sys_id: &str) -> World {
    let world = hurried().await;
    world.simulator.patch_instance(DEV1, &json!({"client_sys_id": client_sys_id})).unwrap();
    let found = world.client.registrations().probe(ACME).await.unwrap().chosen_sys_id;
    assert_eq!(json!(found), json!(client_sys_id));
    world.simulator.clear_requests();
    world
}

fn many() -> usize {
    if std::env::var("ITSM_LONG").is_ok_and(|long| long == "1") { 10_000 } else { 200 }
}

async fn submit(client: &Client, numbers: std::ops::Range<usize>) {
    let alerts: Vec<_> = numbers.map(|number| alert(ACME, &format!("a{number}"))).collect();
    client.alerts().submit_many(alerts).await.unwrap();
}

fn batches_of(size: u32) -> RunOptions {
    RunOptions { batch_size: Some(size), ..RunOptions::default() }
}

/// The oldest delivery is the first to be tried again: it may meet more of the faults than a worker has patience for.
fn patient(size: u32) -> RunOptions {
    RunOptions { max_attempts: Some(1000), ..batches_of(size) }
}

fn incidents(world: &World) -> Vec<Record> {
    let mut rows = world.simulator.records(DEV1, "incident");
    rows.retain(|row| row["correlation_id"].starts_with("citrix-") && !row["correlation_id"].contains("probe"));
    rows
}

/// Fails unless each of so many alerts has exactly one incident, and the adapter says so.
async fn exactly_one_each(world: &World, alerts: usize, about: &str) {
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for row in incidents(world) {
        *made.entry(row["correlation_id"].clone()).or_default() += 1;
    }
    let doubled = made.values().filter(|count| **count > 1).count();
    let lag = world.client.alerts().lag(None).await.unwrap();
    assert_eq!((made.len(), doubled), (alerts, 0), "{about}: incidents, doubled; {lag:?}");
    let told = usize::try_from(lag.delivered).unwrap();
    assert_eq!((told, lag.pending, lag.unknown, lag.dead), (alerts, 0, 0, 0), "{about}: {lag:?}");
}

/// The six faults of the table, on so many requests each, of one of these routes.
fn faults(world: &World, route: &str, each: usize) -> usize {
    for _ in 0..each {
        for fault in [
            Fault::new(DEV1, FaultKind::CutAfter),
            Fault::new(DEV1, FaultKind::CreatedThenHtml),
            Fault::new(DEV1, FaultKind::FailTimes).with("status", 503),
            Fault::new(DEV1, FaultKind::Html),
            // Turned away for a second, by a limit that an hour does not use up.
            Fault::new(DEV1, FaultKind::Throttle).with("retry_after_s", 1).with("limit", 1_000_000),
            Fault::new(DEV1, FaultKind::CreatedThenSlow).with("delay_ms", u64::try_from(SLOW.as_millis()).unwrap()),
        ] {
            world.simulator.fault(fault.route(route));
        }
    }
    each * 6
}

fn met(world: &World, route: &str) -> usize {
    world.asked(route).iter().filter(|request| request.fault.is_some()).count()
}

async fn a_mix_of_faults(client_sys_id: &str) {
    let world = probed(client_sys_id).await;
    submit(&world.client, 0..many()).await;
    let hit = faults(&world, INSERT, many() / 10);
    world.client.alerts().drain(patient(1)).await.unwrap();
    exactly_one_each(&world, many(), client_sys_id).await;
    assert_eq!(met(&world, INSERT), hit, "{client_sys_id}: every fault met an insert");
    let refused = world.asked(INSERT).iter().filter(|request| request.status == Some(403)).count();
    assert_eq!(refused, 0, "{client_sys_id}: none was sent where it is refused, and none was doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_faults_doubles_nothing_where_record_ids_are_honoured() {
    a_mix_of_faults("honoured").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_faults_doubles_nothing_where_record_ids_are_ignored() {
    a_mix_of_faults("ignored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_faults_doubles_nothing_where_record_ids_are_refused() {
    a_mix_of_faults("refused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_faults_doubles_nothing_where_inserts_go_together() {
    for client_sys_id in ["honoured", "ignored", "refused"] {
        let world = probed(client_sys_id).await;
        submit(&world.client, 0..many()).await;
        // Six of ten requests, each with ten alerts that are sent for the first time.
        let hit = faults(&world, BATCH, many() / 10 / 10);
        let lag = world.client.alerts().drain(patient(10)).await.unwrap();
        assert_eq!(lag.oldest_age_ms, None, "{lag:?}");
        exactly_one_each(&world, many(), client_sys_id).await;
        assert_eq!(met(&world, BATCH), hit, "{client_sys_id}: every fault met a request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_together_is_one_request_and_each_part_has_its_own_outcome() {
    let world = hurried().await;
    world.simulator.clear_requests();
    submit(&world.client, 0..100).await;
    world.client.alerts().drain(batches_of(100)).await.unwrap();
    exactly_one_each(&world, 100, "a hundred").await;
    assert_eq!((world.asked(BATCH).len(), world.asked(INSERT).len()), (1, 0));
    // What the instance did not get to is looked up: some of it was done all the same, some was not.
    for (round, ran) in [(1, true), (2, false)] {
        world.simulator.clear_requests();
        world.simulator.patch_instance(DEV1, &json!({"batch_unserviced": 3, "batch_unserviced_run": ran})).unwrap();
        submit(&world.client, round * 100..round * 100 + 10).await;
        let draining = world.client.clone();
        let drained = tokio::spawn(async move { draining.alerts().drain(batches_of(10)).await });
        until("the look-ups", || world.asked(LOOK_UP).len() >= 3).await;
        world.simulator.patch_instance(DEV1, &json!({"batch_unserviced": 0})).unwrap();
        drained.await.unwrap().unwrap();
        exactly_one_each(&world, 100 + round * 10, &format!("unserviced, run: {ran}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_refused_is_dead_and_the_others_are_delivered() {
    let world = hurried().await;
    world.simulator.patch_instance(DEV1, &json!({"mandatory": ["assignment_group"]})).unwrap();
    let groups = world.simulator.records(DEV1, "sys_user_group");
    let group = groups.first().map_or_else(|| "a".repeat(32), |row| row["sys_id"].clone());
    let then = json!({"assignment_group": group});
    let policy = json!({"rules": [{"name": "g", "when": {"severity": "error"}, "then": then}]});
    world.client.policies().set(ACME, &policy.to_string()).await.unwrap();
    let mut alerts: Vec<_> = (0..5).map(|number| alert(ACME, &number.to_string())).collect();
    let mut odd = alert(ACME, "odd");
    odd.severity = itsm_adapter::Severity::Critical;
    alerts.push(odd);
    world.client.alerts().submit_many(alerts).await.unwrap();
    let lag = world.client.alerts().drain(batches_of(10)).await.unwrap();
    assert_eq!((lag.delivered, lag.dead, lag.pending, lag.unknown), (5, 1, 0, 0), "{lag:?}");
    assert_eq!((world.asked(BATCH).len(), incidents(&world).len()), (1, 5));
    let dead = world.client.alerts().list(None, &[DeliveryStatus::Dead], None, None).await.unwrap().items;
    assert!(dead[0].failure.as_deref().unwrap().contains("Assignment group"), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_token_is_renewed_once_for_all_that_go_together() {
    let world = hurried().await;
    world.simulator.clear_requests();
    submit(&world.client, 0..20).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route(BATCH));
    world.client.alerts().drain(batches_of(20)).await.unwrap();
    exactly_one_each(&world, 20, "one 401").await;
    assert_eq!((world.asked("token").len(), world.asked(BATCH).len(), world.asked(INSERT).len()), (1, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_takes_no_such_request_gets_single_ones() {
    let world = hurried().await;
    world.simulator.clear_requests();
    submit(&world.client, 0..20).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(BATCH).always());
    world.client.alerts().drain(batches_of(20)).await.unwrap();
    exactly_one_each(&world, 20, "no batches").await;
    assert_eq!((world.asked(BATCH).len(), world.asked(INSERT).len()), (1, 20));
    for wrong in [0, 101] {
        let refused = world.client.alerts().run(batches_of(wrong)).await.unwrap_err();
        is(&refused, ErrorKind::InvalidInput, "options");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_later_states_keep_apart_where_inserts_go_together() {
    let world = hurried().await;
    world.added(GLOBEX).await;
    world.client.registrations().register(world.request(GLOBEX)).await.unwrap();
    world.simulator.clear_requests();
    for number in 0..10 {
        for customer in [ACME, GLOBEX] {
            let one = alert(customer, &number.to_string());
            world.client.alerts().submit(one.clone()).await.unwrap();
            world.client.alerts().submit(Alert { state: AlertState::Ended, ..one }).await.unwrap();
        }
    }
    world.client.alerts().drain(RunOptions { concurrency: Some(2), ..batches_of(10) }).await.unwrap();
    exactly_one_each(&world, 20, "two accounts").await;
    assert!(incidents(&world).iter().all(|row| row["state"] == "6"), "all have ended");
    assert_eq!(world.asked(BATCH).len(), 2, "one request for each account");
}

/// A network that hands every insert over twice, and the second answer back.
#[derive(Debug)]
struct Stutters {
    wire: LookingOn,
    inserts: AtomicUsize,
}

#[async_trait]
impl Transport for Stutters {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let path = request.url.path();
        if request.method == http::Method::POST && (path.ends_with("/incident") || path.ends_with("/batch")) {
            self.inserts.fetch_add(1, Ordering::Relaxed);
            self.wire.send(request.clone()).await?;
        }
        self.wire.send(request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_arrives_twice_makes_one_incident_where_record_ids_are_honoured() {
    for duplicate in [403, 400, 409, 500] {
        for size in [1, 10] {
            let about = format!("{duplicate} {size}");
            let world = probed("honoured").await;
            world.simulator.patch_instance(DEV1, &json!({"duplicate_sys_id_status": duplicate})).unwrap();
            let wire = Arc::new(Stutters { wire: world.wire.clone(), inserts: AtomicUsize::new(0) });
            let mut config = world.config();
            config.total_timeout = Duration::from_secs(60);
            let builder = Client::builder().config(config).transport(wire.clone());
            let client = builder.clock(Arc::new(world.clock.clone())).open().await.unwrap();
            submit(&world.client, 0..10).await;
            client.alerts().drain(batches_of(size)).await.unwrap();
            exactly_one_each(&world, 10, &about).await;
            assert_eq!(wire.inserts.load(Ordering::Relaxed), if size == 1 { 10 } else { 1 }, "{about}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_whose_key_somebody_took_away_is_still_known_by_its_record_id() {
    let world = probed("honoured").await;
    let delivery = submitted(&world, "kept").await;
    let delivered = deliver(&world.client, &delivery).await.unwrap();
    let made = one_incident(&world, &delivered, "made");
    // Somebody clears the key, and the adapter's memory is lost: the alert comes again, to another store.
    let sys_id = made["sys_id"].clone();
    let cleared =
        Record::from([("sys_id".to_owned(), sys_id.clone()), ("correlation_id".to_owned(), "theirs".to_owned())]);
    world.simulator.put_record(DEV1, "incident", &cleared);
    let folder = tempfile::tempdir().unwrap();
    let config = support::config(&world.simulator.citrix_url(), folder.path().join("new.db"));
    let client = Client::builder().config(config).clock(Arc::new(world.clock.clone())).open().await.unwrap();
    client.accounts().add(support::add(ACME)).await.unwrap();
    client.registrations().register(world.request(ACME)).await.unwrap();
    client.registrations().probe(ACME).await.unwrap();
    let again = client.alerts().submit(alert(ACME, "kept")).await.unwrap();
    let again = deliver(&client, &again).await.unwrap();
    assert_eq!(again.incident.unwrap().sys_id, sys_id);
    assert!(world.incidents(&delivered.correlation_id).is_empty(), "no second one was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_changes_its_mind_about_record_ids_is_believed() {
    let world = probed("honoured").await;
    for (mind, inserts) in [("refused", 2), ("ignored", 1)] {
        world.simulator.patch_instance(DEV1, &json!({"client_sys_id": "honoured"})).unwrap();
        world.client.registrations().probe(ACME).await.unwrap();
        world.simulator.clear_requests();
        world.simulator.patch_instance(DEV1, &json!({"client_sys_id": mind})).unwrap();
        let delivery = submitted(&world, mind).await;
        one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), mind);
        assert_eq!(world.asked(INSERT).len(), inserts, "{mind}");
        let next = submitted(&world, &format!("after {mind}")).await;
        one_incident(&world, &deliver(&world.client, &next).await.unwrap(), mind);
        assert_eq!(world.asked(INSERT).len(), inserts + 1, "{mind}: none is sent any more");
    }
    let report = world.client.registrations().probe(ACME).await.unwrap();
    assert_eq!(report.chosen_sys_id, ChosenSysId::Ignored);
}
