//! A process that is killed during a probe leaves its record open on the instance: the next probe closes it.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_simulator::{Fault, FaultKind, Record};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World,
    child::{self, Other, Scene},
    delivering::{INSERT, LOOK_UP},
    until,
};

/// Longer than a probe takes.
const LATER: Duration = Duration::from_secs(1860);

/// Not a test of its own: a process that probes.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((_, scene)) = child::part() else { return };
    let _ = child::client(&scene).await.registrations().probe(ACME).await;
}

fn states(world: &World, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let rows = world.simulator.records(DEV1, "incident").into_iter();
    rows.filter(|row| wanted(&row["correlation_id"])).map(|row| row["state"].clone()).collect()
}

/// States of all that was made for probes, the open ones first.
fn probed(world: &World) -> Vec<String> {
    let mut states = states(world, |key| key.starts_with("citrix-probe-"));
    states.sort();
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_probe_left_open_is_closed_by_the_next_one_of_its_account() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    world.client.registrations().register(world.request(GLOBEX)).await.unwrap();
    let asked = world.asked(LOOK_UP).len();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route(LOOK_UP));
    let mut other = Other::start("probe", &Scene::of(&world, 0));
    until("the look-up of the other process", || world.asked(LOOK_UP).len() > asked).await;
    other.kill();
    tokio::task::spawn_blocking(move || other.finish()).await.unwrap();
    world.simulator.clear_faults();
    assert_eq!(probed(&world), ["1"], "left open");

    let probe = async |customer| {
        let report = world.client.registrations().probe(customer).await.unwrap();
        assert!(report.is_closed, "{report:?}");
    };
    world.simulator.advance(LATER / 2);
    probe(ACME).await;
    assert_eq!(probed(&world), ["1", "8"], "it might still be under way");
    world.simulator.advance(LATER);
    probe(GLOBEX).await;
    assert_eq!(probed(&world), ["1", "8", "8"], "another account's");
    probe(ACME).await;
    assert_eq!(probed(&world), ["8"; 4]);
    // What is closed is not closed again.
    world.simulator.clear_requests();
    world.simulator.advance(LATER);
    probe(ACME).await;
    assert_eq!(world.asked("table:incident:update").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_answers_with_other_records_or_refuses_the_question_loses_nothing() {
    let world = World::new().await;
    world.registered(ACME).await;
    for key in ["", "of somebody else", "citrix-0123"] {
        world.simulator.put_record(DEV1, "incident", &Record::from([("correlation_id".to_owned(), key.to_owned())]));
    }
    let others = || states(&world, |key| !key.starts_with("citrix-probe-"));
    let before = others();
    world.simulator.advance(LATER);
    for switches in [
        json!({"conditions_dropped": ["incident.correlation_id", "incident.active"]}),
        json!({"conditions_dropped": [], "range_denied": ["incident.correlation_id"]}),
    ] {
        world.simulator.patch_instance(DEV1, &switches).unwrap();
        let report = world.client.registrations().probe(ACME).await.unwrap();
        assert!(report.is_closed, "{switches}: {report:?}");
        assert_eq!(others(), before, "{switches}");
    }
    assert!(!world.asked(INSERT).is_empty());
}
