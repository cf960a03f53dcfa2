//! Health is not status: what an instance can be without the registration losing anything, and the proof it takes
//! to call one unauthorized. A refused password is never tried again by itself.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{ConnectionStatus, ErrorKind, EventKind, InstanceHealth, ReauthenticateServiceAccount};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use serde_json::json;
use support::{ACME, DEV1, World, alert, is, until};

const ROTATED: &str = "SnPassword.rotated&Zp4+%";

/// Somebody changes the password at the instance, and ends all sessions.
fn lose_the_password(world: &World) {
    world.simulator.patch_user(DEV1, "svc.citrix", &json!({"password": ROTATED})).unwrap();
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
}

fn with_password(world: &World, password: &str) -> ReauthenticateServiceAccount {
    ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        password: Some(password.into()),
        ..ReauthenticateServiceAccount::default()
    }
}

fn failed_attempts(world: &World) -> String {
    let users = world.simulator.records(DEV1, "sys_user");
    users.iter().find(|user| user["user_name"] == "svc.citrix").unwrap()["failed_attempts"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_instance_and_the_status_stays() {
    let world = World::new().await;
    world.registered(ACME).await;
    for (what, health) in [
        (FaultKind::Hibernating, InstanceHealth::Hibernating),
        (FaultKind::Html, InstanceHealth::Unexpected),
        (FaultKind::HtmlError, InstanceHealth::Unavailable),
        (FaultKind::Cut, InstanceHealth::Unavailable),
        (FaultKind::Semaphore, InstanceHealth::Throttled),
        (FaultKind::Garbage, InstanceHealth::Unexpected),
    ] {
        let told = world.events.messages(EventKind::HealthChanged).len();
        world.simulator.fault(Fault::new(DEV1, what).always());
        for _ in 0..2 {
            let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
            assert_eq!((connection.status, connection.health), (ConnectionStatus::Registered, health), "{what:?}");
            assert!(!connection.last_test.unwrap().passed, "{what:?}");
        }
        assert_eq!(world.events.messages(EventKind::HealthChanged).len(), told + 1, "{what:?}: told once");
        let instance = world.client.instances().get(&world.url()).await.unwrap();
        assert!(instance.health_detail.is_some_and(|detail| !detail.is_empty()), "{what:?}");

        world.simulator.clear_faults();
        world.clock.advance(Duration::from_secs(61));
        let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
        assert_eq!(connection.health, InstanceHealth::Available, "{what:?}");
        assert!(connection.last_test.unwrap().passed, "{what:?}");
        assert_eq!(world.events.messages(EventKind::HealthChanged).len(), told + 2, "{what:?}: told when it is over");
    }
    // It answers as before, and when it did is known all the same, to the minute.
    let seen = async || world.client.instances().get(&world.url()).await.unwrap().health_at.unwrap();
    let before = seen().await;
    world.clock.advance(Duration::from_secs(600));
    world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert!(seen().await - before >= chrono::TimeDelta::minutes(10));
    assert!(world.events.messages(EventKind::Unauthorized).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_grant_is_unauthorized_and_nothing_is_sent_with_it_again() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    lose_the_password(&world);
    let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Unauthorized);
    assert_eq!(connection.health, InstanceHealth::Available, "an instance that refuses is there");
    assert_eq!((world.grants("refresh_token"), world.grants("password")), (1, 1));
    assert_eq!(world.events.messages(EventKind::Unauthorized).len(), 1);

    let delivery = world.client.alerts().submit(alert(ACME, "waits")).await.unwrap();
    let another = world.another_client().await;
    for days in [0, 1, 60] {
        world.clock.advance(Duration::from_secs(days * 86_400));
        is(&world.read(ACME).await.unwrap_err(), ErrorKind::Unauthorized, "a read");
        is(&support::read(&another, ACME).await.unwrap_err(), ErrorKind::Unauthorized, "another process");
        let deliver = world.client.alerts().deliver(delivery.id.as_str()).await;
        is(&deliver.unwrap_err(), ErrorKind::Unauthorized, "a delivery");
        let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
        assert_eq!(connection.status, ConnectionStatus::Unauthorized);
    }
    assert_eq!((world.grants("refresh_token"), world.grants("password")), (1, 1), "no further try by itself (T16)");
    assert_eq!(failed_attempts(&world), "1", "the account is far from being locked");
    assert_eq!(world.events.messages(EventKind::Unauthorized).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_of_a_refused_grant_cost_one_try() {
    let world = World::new().await;
    world.registered(ACME).await;
    lose_the_password(&world);
    world.simulator.clear_requests();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = world.client.clone();
        callers.spawn(async move { support::read(&client, ACME).await.unwrap_err().kind() });
    }
    let kinds = callers.join_all().await;
    assert!(kinds.iter().all(|kind| *kind == ErrorKind::Unauthorized), "{kinds:?}");
    assert_eq!((world.grants("password"), failed_attempts(&world).as_str()), (1, "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthorized_registration_comes_back_with_the_right_password_only() {
    let world = World::new().await;
    world.registered(ACME).await;
    lose_the_password(&world);
    world.client.registrations().check(ACME, &world.url()).await.unwrap();
    let before = world.state().await;
    let error = world.client.registrations().reauthenticate(with_password(&world, "wrong")).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "a wrong password");
    assert_eq!(world.state().await, before);
    let connection = world.client.registrations().reauthenticate(with_password(&world, ROTATED)).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Registered);
    world.reads(ACME, "with the new password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthorized_registration_can_be_ended() {
    let world = World::new().await;
    world.registered(ACME).await;
    lose_the_password(&world);
    world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert!(world.client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unregistered);
}

/// The proof: what was refused must still be what is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_comes_after_the_credentials_were_replaced_changes_nothing() {
    let world = World::new().await;
    world.registered(ACME).await;
    lose_the_password(&world);
    world.simulator.clear_requests();
    // The old password is on its way when somebody else gives the new one.
    world
        .simulator
        .fault(Fault::new(DEV1, FaultKind::Slow).route("token").grant_type("password").with("delay_ms", 400));
    let (client, late) = (world.client.clone(), world.another_client().await);
    let reading = tokio::spawn(async move { support::read(&client, ACME).await });
    until("the old password on its way", || world.asked("token").iter().any(|asked| asked.fault.is_some())).await;
    late.registrations().reauthenticate(with_password(&world, ROTATED)).await.unwrap();
    if let Err(error) = reading.await.unwrap() {
        assert!(error.is_retryable(), "{error:?}");
    }
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Registered);
    assert!(world.events.messages(EventKind::Unauthorized).is_empty());
    world.clock.advance(Duration::from_secs(2));
    world.reads(ACME, "with what somebody else has stored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_401_leads_to_one_renewal_and_one_repetition() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route("table"));
    world.reads(ACME, "after a stray 401").await;
    assert_eq!((world.asked("table").len(), world.asked("token").len()), (2, 1));

    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route("table").always());
    is(&world.read(ACME).await.unwrap_err(), ErrorKind::Unauthorized, "a 401 that stays");
    assert_eq!((world.asked("table").len(), world.asked("token").len()), (2, 1), "it does not go round in circles");
    world.simulator.clear_faults();
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Registered, "the API's word is no proof");
    world.reads(ACME, "when it is over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_that_met_a_401_is_made_once() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route("table:incident:insert"));
    let record = json!({"short_description": "x", "correlation_id": "after-401"});
    let made = world.client.records().insert::<itsm_adapter::Record>(ACME, "incident", &record, &["sys_id"]).await;
    assert!(made.is_ok(), "{made:?}");
    assert_eq!(world.incidents("after-401").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_heals_itself_by_the_cheapest_means() {
    let world = World::new().await;
    world.registered(ACME).await;
    for (what, kind, refreshes, passwords) in [
        ("expired", TokenKind::Access, 1, 0),
        ("revoked", TokenKind::Access, 1, 0),
        ("all revoked", TokenKind::Both, 1, 1),
    ] {
        world.simulator.clear_requests();
        match what {
            "expired" => world.simulator.expire_tokens(DEV1, kind, None),
            _ => world.simulator.revoke_tokens(DEV1, kind, None),
        };
        world.reads(ACME, what).await;
        assert_eq!((world.grants("refresh_token"), world.grants("password")), (refreshes, passwords), "{what}");
    }
    assert!(world.events.messages(EventKind::Unauthorized).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_renews_itself_before_the_wall_of_its_refresh_token() {
    let world = World::new().await;
    let before = world.registered(ACME).await.grant.unwrap();
    let months = Duration::from_secs(99 * 86_400 + 43_200);
    world.simulator.advance(months);
    world.clock.advance(months);
    assert_eq!(world.connection(ACME).await.grant.unwrap().days_left, Some(0));
    world.simulator.clear_requests();
    world.reads(ACME, "half a day before the wall").await;
    assert_eq!((world.grants("refresh_token"), world.grants("password")), (0, 1));
    let after = world.connection(ACME).await.grant.unwrap();
    assert!(after.expires_at > before.expires_at, "a new grant, a new wall");
    assert_eq!(after.days_left, Some(99));
}

/// Somebody else with the same client and user ends the token in the middle of the test.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_whose_new_token_is_revoked_meanwhile_gets_another_one_once() {
    let world = World::new().await;
    world.connected(ACME).await;
    for route in ["current_user", "table:incident:list"] {
        world.simulator.clear_requests();
        world.simulator.fault(Fault::new(DEV1, FaultKind::Revoke).route(route));
        let connection = world.client.registrations().register(world.request(ACME)).await.unwrap();
        assert_eq!(connection.status, ConnectionStatus::Registered, "{route}");
        assert_eq!(world.grants("password"), 2, "{route}");
        world.reads(ACME, route).await;
    }
    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).route("current_user").always());
    let error = world.client.registrations().register(world.request(ACME)).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "rejected for ever");
    assert_eq!(world.grants("password"), 2, "it does not go round in circles");
}
