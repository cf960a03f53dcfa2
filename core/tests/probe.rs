//! The probe: what it finds out about an instance, what it leaves behind, and what is done with what it learned.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use itsm_adapter::{
    ChosenSysId, Client, CustomerId, DeliveryStatus, ErrorKind, EventKind, LookUp, ProbeReport, RunOptions,
    store::Store as _,
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::{Fault, FaultKind, Record};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, add,
    delivering::{INSERT, LOOK_UP, deliver, one_incident, submitted, world},
    is, until,
    wire::{DropsConditions, LookingOn},
};

/// What the probes have made so far.
fn probed(world: &World) -> Vec<Record> {
    let mut rows = world.simulator.records(DEV1, "incident");
    rows.retain(|row| row["correlation_id"].starts_with("citrix-probe-"));
    rows
}

/// Fails unless all that was made for probes is over.
fn nothing_is_left_open(world: &World, made: usize, about: &str) {
    let states: Vec<_> = probed(world).iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, vec!["8"; made], "{about}");
}

async fn stored(world: &World) -> Option<ProbeReport> {
    let connection = world.connection(ACME).await;
    world.store().probe(&connection.customer_id, &connection.instance_id).await.unwrap().map(|row| row.value)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_tells_what_becomes_of_a_record_id_and_leaves_nothing_open() {
    let world = world().await;
    for (switches, expected, made) in [
        (json!({"client_sys_id": "honoured"}), ChosenSysId::Honoured, 1),
        (json!({"client_sys_id": "honoured", "duplicate_sys_id_status": 400}), ChosenSysId::Honoured, 1),
        (json!({"duplicate_sys_id_status": 500}), ChosenSysId::Unknown, 1),
        (json!({"duplicate_sys_id_status": 403, "admin_only_sys_fields": true}), ChosenSysId::Ignored, 1),
        (json!({"admin_only_sys_fields": false, "client_sys_id": "ignored"}), ChosenSysId::Ignored, 1),
        (json!({"client_sys_id": "refused"}), ChosenSysId::Refused, 1),
    ] {
        let about = switches.to_string();
        world.simulator.patch_instance(DEV1, &switches).unwrap();
        let before = probed(&world).len();
        let report = world.client.registrations().probe(ACME).await.unwrap();
        assert_eq!((report.chosen_sys_id, report.look_up), (expected, LookUp::Works), "{about}: {report:?}");
        assert!(report.is_closed, "{about}: {report:?}");
        nothing_is_left_open(&world, before + made, &about);
        assert!(probed(&world).iter().any(|row| row["number"] == report.incident_number), "{about}");
        assert_eq!(stored(&world).await, Some(report), "{about}");
    }
    assert!(world.events.messages(EventKind::LookUpBroken).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_may_not_cancel_resolves_and_one_that_may_do_neither_says_so() {
    let world = world().await;
    // A list of states without the usual words, so that there is nothing to cancel by.
    for row in world.simulator.records(DEV1, "sys_choice") {
        if row["element"] == "state" && row["label"] == "Canceled" {
            let renamed =
                Record::from([("sys_id".to_owned(), row["sys_id"].clone()), ("label".to_owned(), "Void".to_owned())]);
            world.simulator.put_record(DEV1, "sys_choice", &renamed).unwrap();
        }
    }
    let report = world.client.registrations().probe(ACME).await.unwrap();
    assert!(report.is_closed && report.closed_seen.contains("resolved"), "{report:?}");
    let row = probed(&world).swap_remove(0);
    assert_eq!((row["state"].as_str(), row["close_code"].as_str()), ("6", "Solution provided"));
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route("table:incident:update").always());
    let report = world.client.registrations().probe(ACME).await.unwrap();
    assert!(!report.is_closed && report.closed_seen.contains(&report.incident_number), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_fails_half_way_closes_what_it_made_and_learns_nothing() {
    let world = world().await;
    for (fault, kind, made) in [
        (Fault::new(DEV1, FaultKind::CutAfter).route(INSERT), ErrorKind::Unavailable, 1),
        (Fault::new(DEV1, FaultKind::HtmlError).route(LOOK_UP).times(2), ErrorKind::Unavailable, 1),
        (Fault::new(DEV1, FaultKind::Stray403).route(INSERT).times(2), ErrorKind::Forbidden, 0),
    ] {
        let about = format!("{:?}", fault.fault);
        let before = probed(&world).len();
        world.simulator.fault(fault);
        is(&world.client.registrations().probe(ACME).await.unwrap_err(), kind, &about);
        nothing_is_left_open(&world, before + made, &about);
        assert_eq!(stored(&world).await, None, "{about}");
        world.simulator.clear_faults();
    }
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    is(&world.client.registrations().probe(ACME).await.unwrap_err(), ErrorKind::IllegalState, "not registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_look_ups_are_broken_it_is_said_and_nothing_is_inserted_until_they_work() {
    let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    let row = Record::from([("correlation_id".to_owned(), "of somebody else".to_owned())]);
    world.simulator.put_record(DEV1, "incident", &row);
    let broken = Arc::new(DropsConditions::of(&["/incident"], world.wire.clone()));
    let builder = Client::builder().config(world.config()).transport(broken).clock(Arc::new(world.clock.clone()));
    let client = builder.observer(world.events.clone()).open().await.unwrap();
    let report = client.registrations().probe(ACME).await.unwrap();
    assert_eq!(report.look_up, LookUp::Broken, "{report:?}");
    nothing_is_left_open(&world, 1, "a broken look-up");
    assert_eq!(world.events.messages(EventKind::LookUpBroken).len(), 1);
    world.simulator.clear_requests();
    let delivery = submitted(&world, "blind").await;
    is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::PrerequisiteMissing, "by hand");
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    let now = async || world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    assert_eq!((now().await.status, world.asked(INSERT).len()), (DeliveryStatus::Pending, 0));
    assert!(now().await.failure.unwrap().contains("look-ups"), "it says why it waits");
    let store = world.store();
    let waits_until = async || store.delivery(&delivery.id).await.unwrap().unwrap().value.not_before;
    let first = waits_until().await;
    world.clock.advance(Duration::from_secs(600));
    while waits_until().await == first {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.asked(INSERT).len(), 0, "it waits on");
    let report = world.client.registrations().probe(ACME).await.unwrap();
    assert_eq!(report.look_up, LookUp::Works);
    world.clock.advance(Duration::from_secs(600));
    until("the incident", || world.incidents(&delivery.correlation_id).len() == 1).await;
    worker.stop().await.unwrap();
    one_incident(&world, &now().await, "after the probe");
}

/// An instance whose user may write incidents and not see them.
#[derive(Debug)]
struct Hides(LookingOn);

#[async_trait]
impl Transport for Hides {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let hidden = request.method == http::Method::GET && request.url.path().ends_with("/incident");
        let mut response = self.0.send(request).await?;
        if hidden {
            response.body = r#"{"result":[]}"#.into();
        }
        Ok(response)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_hides_what_was_made_or_refuses_look_ups_has_broken_ones() {
    let world = world().await;
    let clock = Arc::new(world.clock.clone());
    let builder = Client::builder().config(world.config()).transport(Arc::new(Hides(world.wire.clone()))).clock(clock);
    let report = builder.open().await.unwrap().registrations().probe(ACME).await.unwrap();
    assert!(report.look_up == LookUp::Broken && report.look_up_seen.contains("did not find"), "{report:?}");
    nothing_is_left_open(&world, 1, "hidden");
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(LOOK_UP).always());
    let report = world.client.registrations().probe(ACME).await.unwrap();
    assert!(report.look_up == LookUp::Broken && report.look_up_seen.contains("refuses"), "{report:?}");
    nothing_is_left_open(&world, 2, "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_learned_goes_with_the_user_and_with_the_connection() {
    let world = world().await;
    world.client.registrations().probe(ACME).await.unwrap();
    world.client.registrations().register(world.request(ACME)).await.unwrap();
    assert!(stored(&world).await.is_some(), "the same user again");
    let mut other = world.request(ACME);
    (other.user_name, other.password) = ("svc.second".into(), support::password("svc.second"));
    world.client.registrations().register(other).await.unwrap();
    assert_eq!(stored(&world).await, None, "another user");
    world.client.registrations().probe(ACME).await.unwrap();
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert_eq!(stored(&world).await, None, "nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_setting_every_registration_is_probed_and_daily_by_a_worker() {
    let world = World::made(&[DEV1], 1, |config| config.probe = true).await;
    world.registered(ACME).await;
    assert_eq!(probed(&world).len(), 1, "at registration");
    world.client.accounts().add(add(GLOBEX)).await.unwrap();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(INSERT).times(2));
    world.client.registrations().register(world.request(GLOBEX)).await.unwrap();
    assert_eq!(probed(&world).len(), 1, "a probe that does not work fails no registration");
    let said = world.events.messages(EventKind::Progress);
    assert!(said.iter().any(|text| text.contains("probe did not work")), "{said:?}");
    let options = RunOptions { poll_interval_ms: Some(10), ..RunOptions::default() };
    let mut config = world.config();
    config.probe = true;
    let builder = Client::builder().config(config).clock(Arc::new(world.clock.clone()));
    let two = [world.client.clone(), builder.open().await.unwrap()];
    let mut workers = Vec::new();
    for client in &two {
        workers.push(client.alerts().run(options.clone()).await.unwrap());
    }
    let store = world.store();
    let (globex, instance) = (CustomerId::parse(GLOBEX).unwrap(), world.connection(GLOBEX).await.instance_id);
    while store.probe(&globex, &instance).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(probed(&world).len(), 2, "the one that is due, by one of the two");
    world.clock.advance(Duration::from_secs(25 * 3600));
    until("the next day's", || probed(&world).len() == 4).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    nothing_is_left_open(&world, 4, "all days");
    let quiet = World::new().await;
    quiet.registered(ACME).await;
    let worker = quiet.client.alerts().run(options).await.unwrap();
    submitted(&quiet, "one").await;
    until("an incident", || !quiet.simulator.records(DEV1, "incident").is_empty()).await;
    worker.stop().await.unwrap();
    assert!(probed(&quiet).is_empty(), "without the setting nothing is probed");
}
