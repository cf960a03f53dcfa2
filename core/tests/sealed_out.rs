//! Secrets that do not open any more hold nobody: whatever enters credentials again, or ends, works without them.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{
    Client, ConnectionStatus, ErrorKind, EventKind, ReauthenticateServiceAccount, Secret, UpdateAccount,
};
use itsm_simulator::{Fault, FaultKind, seed};
use support::{ACME, DEV1, World, is, password};

const ANOTHER_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A registration by service account, and a client whose key is another than the one that sealed it.
async fn locked_out() -> (World, Client) {
    let world = World::new().await;
    world.registered(ACME).await;
    let client = with_another_key(&world).await;
    is(&support::read(&client, ACME).await.unwrap_err(), ErrorKind::Sealed, "a read");
    (world, client)
}

async fn with_another_key(world: &World) -> Client {
    let mut config = world.config();
    config.key = Some(Secret::from(ANOTHER_KEY));
    let builder = Client::builder().config(config).observer(world.events.clone());
    builder.open().await.unwrap()
}

fn told_what_is_lost(world: &World, kind: EventKind) {
    let all = world.events.all();
    let event = all.iter().rfind(|event| event.kind == kind).unwrap();
    assert_eq!(event.detail.get("tokens_before").map(String::as_str), Some("not_revoked"), "{event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_again_replaces_what_does_not_open() {
    let (world, client) = locked_out().await;
    client.registrations().register(world.request(ACME)).await.unwrap();
    support::read(&client, ACME).await.unwrap();
    told_what_is_lost(&world, EventKind::Reauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn re_authenticating_needs_what_is_stored_only_where_something_is_left_out() {
    let (world, client) = locked_out().await;
    let mut request = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        password: Some(password("svc.citrix")),
        ..ReauthenticateServiceAccount::default()
    };
    let error = client.registrations().reauthenticate(request.clone()).await.unwrap_err();
    is(&error, ErrorKind::Sealed, "without the secret of the endpoint");
    request.client_secret = Some(world.request(ACME).client_secret);
    client.registrations().reauthenticate(request).await.unwrap();
    support::read(&client, ACME).await.unwrap();
    told_what_is_lost(&world, EventKind::Reauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_test_is_told_as_what_it_is() {
    let (world, client) = locked_out().await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("token").always());
    let error = client.registrations().register(world.request(ACME)).await.unwrap_err();
    is(&error, ErrorKind::Unavailable, "an instance that is down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_replaces_what_does_not_open() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    let client = with_another_key(&world).await;
    let nothing_given = itsm_adapter::Authorize { client_id: None, client_secret: None, ..world.authorize(ACME) };
    let error = client.registrations().authorize(nothing_given).await.unwrap_err();
    is(&error, ErrorKind::Sealed, "the stored client is wanted");
    let begun = client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    client.registrations().complete(&callback, None).await.unwrap();
    support::read(&client, ACME).await.unwrap();
    told_what_is_lost(&world, EventKind::Reauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_ends_though_its_tokens_cannot_be_revoked() {
    let (world, client) = locked_out().await;
    let revocation = client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert!(!revocation.complete && revocation.failure.is_some(), "{revocation:?}");
    told_what_is_lost(&world, EventKind::Unregistered);
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unregistered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_though_its_tokens_cannot_be_revoked() {
    let (world, client) = locked_out().await;
    let revocation = client.connections().disconnect(ACME, &world.url()).await.unwrap();
    assert!(!revocation.complete && revocation.failure.is_some(), "{revocation:?}");
    told_what_is_lost(&world, EventKind::Disconnected);
    client.accounts().remove(ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_takes_a_new_secret_in_place_of_one_that_does_not_open() {
    let (_world, client) = locked_out().await;
    is(&client.accounts().test(ACME).await.unwrap_err(), ErrorKind::Sealed, "a test");
    client.accounts().disable(ACME).await.unwrap();
    client.accounts().enable(ACME).await.unwrap();
    let client_secret = Some(seed::find_account(ACME).unwrap().client_secret.into());
    let request = UpdateAccount { customer_id: ACME.into(), client_secret, ..UpdateAccount::default() };
    client.accounts().update(request).await.unwrap();
    assert!(client.accounts().test(ACME).await.unwrap().passed);
}
