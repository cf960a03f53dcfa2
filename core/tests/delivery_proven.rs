//! "Not there" is believed only from an instance that finds what is there.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ErrorKind, RunOptions};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{
    ACME, DEV1, World,
    delivering::{INSERT, LOOK_UP, deliver, one_incident, submitted, world},
    is,
};

const READ: &str = "table:incident:get";

/// The question for keys is not answered with other records, but with none: as if nothing were there.
fn blind(world: &World, is_so: bool) {
    let dropped = if is_so { json!(["incident.correlation_id"]) } else { json!([]) };
    let switches = json!({"invalid_query_returns_no_rows": is_so, "conditions_dropped": dropped});
    world.simulator.patch_instance(DEV1, &switches).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_finds_nothing_whatever_is_asked_makes_no_second_incident() {
    for (what, made) in [(FaultKind::CutAfter, 1), (FaultKind::Cut, 0)] {
        let world = world().await;
        let before = submitted(&world, "before").await;
        deliver(&world.client, &before).await.unwrap();
        // Somebody else goes on after this process, and knows only what is stored.
        let other = world.another_client().await;
        blind(&world, true);
        for (number, client) in [&world.client, &other].into_iter().enumerate() {
            let about = format!("{what:?}, client {number}");
            let delivery = submitted(&world, &about).await;
            world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
            world.simulator.clear_requests();
            for _ in 0..3 {
                let error = deliver(client, &delivery).await.unwrap_err();
                is(&error, ErrorKind::OutcomeUnknown, &about);
                assert_eq!(error.context("look_up"), Some("broken"), "{about}: {error:?}");
            }
            assert_eq!(
                (world.incidents(&delivery.correlation_id).len(), world.asked(INSERT).len()),
                (made, 1),
                "{about}"
            );
        }
        blind(&world, false);
        world.client.alerts().drain(RunOptions::default()).await.unwrap();
        for delivery in world.client.alerts().list(Some(ACME), &[], None, None).await.unwrap().items {
            one_incident(&world, &delivery, "it sees again");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_costs_no_request_and_an_archived_incident_is_none() {
    let world = world().await;
    let first = deliver(&world.client, &submitted(&world, "first").await).await.unwrap();
    for archived in [false, true] {
        if archived {
            assert!(world.simulator.remove_record(DEV1, "incident", &first.incident.as_ref().unwrap().sys_id));
        }
        world.simulator.clear_requests();
        let delivery = submitted(&world, &format!("archived: {archived}")).await;
        world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route(INSERT));
        one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), "looked for, and made");
        assert_eq!(
            (world.asked(INSERT).len(), world.asked(READ).len()),
            (2, usize::from(archived)),
            "archived: {archived}"
        );
        assert!(world.asked(LOOK_UP).iter().all(|asked| asked.status == Some(200)));
    }
}
