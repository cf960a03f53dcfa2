//! Exactly one incident, whatever becomes of the answer: lost, late, broken, or never heard because the process that
//! asked was killed.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use itsm_adapter::{Client, DeliveryStatus, ErrorKind, EventKind};
use itsm_simulator::{Fault, FaultKind, Record};
use support::{
    ACME, DEV1, World,
    child::{self, Other, Scene},
    clock::TestClock,
    delivering::{INSERT, LOOK_UP, deliver, one_incident, submitted, world},
    is, until,
    wire::DropsConditions,
};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_answer_there_is_exactly_one_incident() {
    let world = world().await;
    for (what, was_made) in [
        (FaultKind::Cut, false),
        (FaultKind::CutAfter, true),
        (FaultKind::CreatedThenHtml, true),
        (FaultKind::Accepted, false),
        (FaultKind::Html, false),
        (FaultKind::Hibernating, false),
        (FaultKind::Truncate, true),
        (FaultKind::ErrorIn200, false),
        (FaultKind::Quota, false),
        (FaultKind::FailTimes, false),
        (FaultKind::HtmlError, false),
        (FaultKind::Garbage, false),
        (FaultKind::Redirect, false),
        (FaultKind::WrongContentType, true),
        (FaultKind::Hang, false),
    ] {
        let about = format!("{what:?}");
        world.simulator.clear_requests();
        let delivery = submitted(&world, &about).await;
        world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
        let delivered = deliver(&world.client, &delivery).await.unwrap_or_else(|error| panic!("{about}: {error:?}"));
        one_incident(&world, &delivered, &about);
        let inserts = if was_made { 1 } else { 2 };
        assert_eq!(world.asked(INSERT).len(), inserts, "{about}");
        assert!(!world.asked(LOOK_UP).is_empty(), "{about}: nothing is repeated without looking first");
    }
    assert_eq!(world.events.messages(EventKind::DeliveryDone).len(), 15);
}

/// The instance works on after the adapter has stopped waiting: the row comes late, and is waited for as long as
/// it can come, counted from when the request was really sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_comes_late_is_waited_for() {
    let world = World::made(&[DEV1], 100, |config| {
        config.total_timeout = Duration::from_secs(60);
        config.transaction_limit = Duration::from_secs(60);
    })
    .await;
    world.registered(ACME).await;
    for (about, wait) in [("sent at once", None), ("sent at the end of a pause", Some(50))] {
        world.simulator.clear_requests();
        let delivery = submitted(&world, about).await;
        if let Some(wait) = wait {
            world.simulator.fault(Fault::new(DEV1, FaultKind::Throttle).route(INSERT).with("retry_after_s", wait));
        }
        world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route(INSERT));
        let (client, waiting) = (world.client.clone(), delivery.clone());
        let delivering = tokio::spawn(async move { deliver(&client, &waiting).await });
        until("a look-up", || !world.asked(LOOK_UP).is_empty()).await;
        let late = Record::from([
            ("correlation_id".to_owned(), delivery.correlation_id.clone()),
            ("number".to_owned(), "INC9".to_owned()),
        ]);
        world.simulator.put_record(DEV1, "incident", &late);
        let delivered = delivering.await.unwrap().unwrap_or_else(|error| panic!("{about}: {error:?}"));
        one_incident(&world, &delivered, about);
        assert_eq!(world.asked(INSERT).len(), 1 + usize::from(wait.is_some()), "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_meets_a_rejected_token_renews_it_once() {
    let world = world().await;
    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route(INSERT));
    let delivery = submitted(&world, "401").await;
    one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), "one 401");
    assert_eq!((world.asked("token").len(), world.asked(INSERT).len()), (1, 2));
    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route(INSERT).always());
    let delivery = submitted(&world, "401 for ever").await;
    is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::Unauthorized, "401 for ever");
    assert_eq!((world.asked("token").len(), world.asked(INSERT).len()), (1, 2));
    let waiting = world.client.alerts().get(delivery.id.as_str()).await.unwrap();
    assert!(waiting.status == DeliveryStatus::Pending && waiting.failure.is_some(), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_answers_with_other_incidents_is_no_answer() {
    let world = world().await;
    for number in 0..3 {
        let row = Record::from([("correlation_id".to_owned(), format!("of somebody else {number}"))]);
        world.simulator.put_record(DEV1, "incident", &row);
    }
    let broken = Arc::new(DropsConditions::of(&["/incident"], world.wire.clone()));
    let builder = Client::builder().config(world.config()).transport(broken).clock(Arc::new(world.clock.clone()));
    let client = builder.open().await.unwrap();
    for (what, rows) in [(FaultKind::CutAfter, 1), (FaultKind::Cut, 0)] {
        let about = format!("{what:?}");
        world.simulator.clear_requests();
        let delivery = submitted(&world, &about).await;
        world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
        for _ in 0..3 {
            let error = deliver(&client, &delivery).await.unwrap_err();
            is(&error, ErrorKind::OutcomeUnknown, &about);
            assert_eq!(error.context("correlation_id"), Some(delivery.correlation_id.as_str()), "{about}");
            assert_eq!(client.alerts().get(delivery.id.as_str()).await.unwrap().status, DeliveryStatus::Unknown);
        }
        assert_eq!(world.asked(INSERT).len(), 1, "{about}: a second insert on no proof");
        assert_eq!(world.incidents(&delivery.correlation_id).len(), rows, "{about}");
        one_incident(&world, &deliver(&world.client, &delivery).await.unwrap(), &about);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_fails_leaves_the_outcome_unknown_and_makes_no_second_incident() {
    let world = world().await;
    for what in [FaultKind::HtmlError, FaultKind::Html, FaultKind::Stray403, FaultKind::Truncate, FaultKind::Hang] {
        let about = format!("{what:?}");
        world.simulator.clear_requests();
        let delivery = submitted(&world, &about).await;
        world.simulator.fault(Fault::new(DEV1, FaultKind::CutAfter).route(INSERT));
        world.simulator.fault(Fault::new(DEV1, what).route(LOOK_UP).always());
        is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::OutcomeUnknown, &about);
        is(&deliver(&world.client, &delivery).await.unwrap_err(), ErrorKind::OutcomeUnknown, &about);
        world.simulator.clear_faults();
        let delivered = deliver(&world.client, &delivery).await.unwrap();
        one_incident(&world, &delivered, &about);
        assert_eq!(world.asked(INSERT).len(), 1, "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_incidents_with_the_key_the_oldest_counts() {
    let world = world().await;
    let delivery = submitted(&world, "twice").await;
    let mut ids = Vec::new();
    for made in ["2026-03-01 10:00:00", "2026-01-01 10:00:00", "2026-02-01 10:00:00"] {
        let row = [("correlation_id", delivery.correlation_id.as_str()), ("sys_created_on", made)];
        let row: Record = row.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ids.push(world.simulator.put_record(DEV1, "incident", &row).unwrap());
    }
    world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route(INSERT));
    let delivered = deliver(&world.client, &delivery).await.unwrap();
    assert_eq!(delivered.incident.unwrap().sys_id, ids[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_that_deliver_the_same_alert_at_once_make_one_incident() {
    let world = world().await;
    let builder = Client::builder().config(world.config()).clock(Arc::new(world.clock.clone()));
    let another = builder.open().await.unwrap();
    for what in [None, Some(FaultKind::CutAfter), Some(FaultKind::Cut)] {
        let about = format!("{what:?}");
        let delivery = submitted(&world, &about).await;
        if let Some(what) = what {
            world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (client, delivery) = (if number % 2 == 0 { &world.client } else { &another }.clone(), delivery.clone());
            tasks.spawn(async move { deliver(&client, &delivery).await.unwrap() });
        }
        for delivered in tasks.join_all().await {
            one_incident(&world, &delivered, &about);
        }
    }
}

/// Not a test of its own: what the started process does.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((id, scene)) = child::part() else { return };
    let _ = child::client(&scene).await.alerts().deliver(&id).await;
    child::say("not killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_the_insert_and_the_commit_leaves_one_incident() {
    let world = world().await;
    for what in [FaultKind::CreatedThenSlow, FaultKind::Hang] {
        for round in 0..5 {
            let about = format!("{what:?} {round}");
            world.simulator.clear_requests();
            let delivery = submitted(&world, &about).await;
            world.simulator.fault(Fault::new(DEV1, what).route(INSERT).with("delay_ms", 60_000));
            let mut other = Other::start(delivery.id.as_str(), &Scene::of(&world, 0));
            let made = || what == FaultKind::Hang || !world.incidents(&delivery.correlation_id).is_empty();
            until(&about, || world.asked(INSERT).len() == 1 && made()).await;
            other.kill();
            drop(other);
            // After the lease of the dead process. The time that the instance may be working is waited for again.
            let clock = TestClock::new(4);
            clock.advance(Duration::from_secs(60));
            let client = Client::builder().config(world.config()).clock(Arc::new(clock)).open().await.unwrap();
            one_incident(&world, &deliver(&client, &delivery).await.unwrap(), &about);
        }
    }
}
