//! Tokens that wait to be revoked: each is somebody's, at one instance, and only as long as it lives.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{
    CheckAll, CustomerId, ErrorKind, EventKind, InstanceId,
    store::{Change, PendingRevocation, Put, Sealed, Store},
};
use itsm_simulator::{Fault, FaultKind};
use support::{ACME, DEV1, World, is, until};

const DEV2: &str = "dev2";
const DAY: Duration = Duration::from_secs(86_400);

/// An account whose tokens at the first instance could not be revoked.
async fn left_behind(world: &World) {
    world.registered(ACME).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("revoke").always());
    assert!(!world.client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    world.simulator.clear_requests();
}

fn asked_at(world: &World, instance: &str, route: &str) -> usize {
    world.asked(route).iter().filter(|request| request.instance.as_deref() == Some(instance)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_at_one_instance_is_no_failure_of_another() {
    let world = World::with(&[DEV1, DEV2], 1).await;
    left_behind(&world).await;
    let registrations = world.client.registrations();
    registrations.register(world.request_at(ACME, DEV2)).await.unwrap();
    registrations.check(ACME, &world.url_of(DEV2)).await.unwrap();
    let revocation = registrations.unregister(ACME, &world.url_of(DEV2)).await.unwrap();
    assert!(revocation.complete, "{revocation:?}");
    assert_eq!(asked_at(&world, DEV1, "revoke"), 0, "nobody had to wait for the other one");
    assert_eq!(world.state().await["revocations"], 1);
    // Also where there is no registration any more.
    world.simulator.clear_faults();
    let error = registrations.check(ACME, &world.url()).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "a check without a registration");
    assert_eq!(world.state().await["revocations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_that_waits_holds_up_no_new_one() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    let old = |number: usize| {
        let value = PendingRevocation {
            id: number.to_string(),
            customer_id: CustomerId::parse(ACME).unwrap(),
            instance_id: InstanceId::parse("https://gone.example.com").unwrap(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            in_hand_until: None,
            ends_at: None,
        };
        let sealed = Some(Sealed::from_parts("0123456789abcdef".into(), vec![0; 64]));
        Change::Revocation(Put { value, sealed, replaces: None })
    };
    world.store().commit((0..1001).map(old).collect()).await.unwrap();
    let revocation = world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert!(revocation.complete, "{revocation:?}");
    assert!(!world.accepts(&token).await, "it is revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_by_itself_is_given_up_and_told() {
    let world = World::new().await;
    left_behind(&world).await;
    let check_all = || world.client.registrations().check_all(CheckAll::default());
    world.clock.advance(DAY * 99);
    check_all().await.unwrap();
    assert_eq!(world.state().await["revocations"], 1, "its refresh token lives");
    world.clock.advance(DAY * 2);
    check_all().await.unwrap();
    assert_eq!(world.state().await["revocations"], 0);
    let log = world.client.events().list(Some(ACME), None, Some(1000)).await.unwrap().items;
    let told = log.iter().filter(|event| event.kind == EventKind::RevocationFailed);
    assert_eq!(told.filter(|event| event.detail.contains_key("tokens")).count(), 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_open_is_given_up_at_its_end_too() {
    let world = World::new().await;
    left_behind(&world).await;
    let row = world.store().revocations(None, 10).await.unwrap().remove(0);
    let sealed = Some(Sealed::from_parts("0123456789abcdef".into(), vec![0; 64]));
    let put = Put { value: row.value, sealed, replaces: Some(row.version) };
    world.store().commit(vec![Change::Revocation(put)]).await.unwrap();
    for (after, waiting) in [(DAY * 99, 1), (DAY * 2, 0)] {
        world.clock.advance(after);
        world.client.registrations().check_all(CheckAll::default()).await.unwrap();
        assert_eq!(world.state().await["revocations"], waiting);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_does_not_wait_for_an_instance_that_takes_no_revocations() {
    let patient = |config: &mut itsm_adapter::Config| {
        config.attempt_timeout = Duration::from_secs(60);
        config.total_timeout = Duration::from_secs(120);
    };
    let world = World::made(&[DEV1, DEV2], 1, patient).await;
    left_behind(&world).await;
    world.client.registrations().register(world.request_at(ACME, DEV2)).await.unwrap();
    world.simulator.clear_faults();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route("revoke").always());
    let client = world.client.clone();
    let sweep = tokio::spawn(async move { client.registrations().check_all(CheckAll::default()).await });
    until("the check at the other instance", || {
        world.events.messages(EventKind::Progress).iter().any(|message| message.starts_with("1 of 1"))
    })
    .await;
    assert!(!sweep.is_finished());
    sweep.abort();
}
