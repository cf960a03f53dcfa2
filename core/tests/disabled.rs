//! T7: one switch that stops whatever is sent for an account, in every process, and loses nothing.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use itsm_adapter::{
    Alert, AlertSource, Client, ConnectionStatus, DeliveryStatus, Error, ErrorKind, EventKind,
    ReauthenticateServiceAccount, RunOptions, Severity, UpdateAccount,
};
use support::{ACME, DEV1, GLOBEX, World, alert, is, until};

fn renamed(name: Option<&str>) -> UpdateAccount {
    UpdateAccount { customer_id: ACME.into(), name: name.map(str::to_owned), ..UpdateAccount::default() }
}

fn is_disabled<T: std::fmt::Debug>(outcome: Result<T, Error>, what: &str) {
    let error = outcome.unwrap_err();
    is(&error, ErrorKind::IllegalState, what);
    assert_eq!(error.context("account"), Some("disabled"), "{what}: {error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_for_a_disabled_account_and_everything_goes_on_afterwards() {
    let world = World::with(&[DEV1], 1).await;
    world.registered(ACME).await;
    world.registered(GLOBEX).await;
    let begun = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    let account = world.client.accounts().disable(ACME).await.unwrap();
    assert!(account.is_disabled);
    world.simulator.clear_requests();

    let (accounts, registrations) = (world.client.accounts(), world.client.registrations());
    is_disabled(world.read(ACME).await, "a read");
    let secret = UpdateAccount { client_secret: Some("another".into()), ..renamed(None) };
    is_disabled(accounts.update(secret).await, "another secret");
    accounts.update(renamed(Some("Acme"))).await.unwrap();
    is_disabled(accounts.entitlement(ACME).await, "entitlement");
    is_disabled(registrations.check(ACME, &world.url()).await, "a check");
    is_disabled(registrations.test(world.request(ACME)).await, "a test");
    is_disabled(registrations.authorize(world.authorize(ACME)).await, "a consent");
    is_disabled(registrations.complete(&callback, None).await, "a callback");
    let again = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        ..ReauthenticateServiceAccount::default()
    };
    is_disabled(registrations.reauthenticate(again).await, "a re-authentication");
    let secret = world.request(ACME).client_secret;
    is_disabled(registrations.update_endpoint_secret(ACME, &world.url(), &secret).await, "a new secret");
    is_disabled(world.client.sources().poll(ACME, AlertSource::CitrixCloud, None).await, "a poll");
    is_disabled(world.client.webhooks().list(ACME).await, "the webhooks");
    assert!(!accounts.test(ACME).await.unwrap().passed);
    assert_eq!(world.simulator.requests().len(), 0, "nothing was sent");

    world.reads(GLOBEX, "of the other account").await;
    assert!(!world.client.accounts().enable(ACME).await.unwrap().is_disabled);
    world.reads(ACME, "after it").await;
    world.client.registrations().complete(&callback, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_stops_within_five_seconds() {
    let world = World::with(&[DEV1], 0).await;
    world.registered(ACME).await;
    let other = Client::builder().config(world.config()).clock(Arc::new(world.clock.clone())).open().await.unwrap();
    support::read(&other, ACME).await.unwrap();
    world.client.accounts().disable(ACME).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    is_disabled(support::read(&other, ACME).await, "with a token that the other process has in hand");
    world.client.accounts().enable(ACME).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    support::read(&other, ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_a_registration_works_while_it_is_disabled() {
    let world = World::with(&[DEV1], 1).await;
    world.registered(ACME).await;
    world.client.accounts().disable(ACME).await.unwrap();
    let token = world.token("access_token");
    assert!(world.client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    assert!(!world.accepts(&token).await);
    let connection = world.client.connections().get(ACME, &world.url()).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Unregistered);
    assert!(world.client.connections().disconnect(ACME, &world.url()).await.unwrap().complete);
    world.client.accounts().remove(ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_a_disabled_account_wait_and_others_do_not() {
    let world = World::with(&[DEV1], 1).await;
    world.registered(ACME).await;
    world.registered(GLOBEX).await;
    world.client.accounts().disable(ACME).await.unwrap();
    let alerts = world.client.alerts();
    alerts.submit(alert(ACME, "waits")).await.unwrap();
    let options = RunOptions { max_attempts: Some(1), poll_interval_ms: Some(10), ..RunOptions::default() };
    let worker = alerts.run(options).await.unwrap();
    let done = || world.events.messages(EventKind::DeliveryDone).len();
    for number in 1..=20 {
        alerts.submit(alert(GLOBEX, &format!("goes {number}"))).await.unwrap();
        until("the other account's", || done() == number).await;
    }
    let waiting = alerts.lag(Some(ACME)).await.unwrap();
    assert_eq!((waiting.pending, waiting.dead, waiting.delivered), (1, 0, 0));
    world.client.accounts().enable(ACME).await.unwrap();
    until("the one that waits", || done() == 21).await;
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_disabled_accounts_delay_nobody_else_at_their_instance() {
    let world = World::with(&[DEV1], 1).await;
    let alerts = world.client.alerts();
    let disabled = [ACME, "hoolicorp005", "waynecorp007", "govcorp00008", "tyrellcorp09", "cyberdyne010"];
    for customer in disabled {
        world.registered(customer).await;
        world.client.accounts().disable(customer).await.unwrap();
    }
    world.registered(GLOBEX).await;
    let urgent = |customer: &str, id: usize| Alert { severity: Severity::Critical, ..alert(customer, &id.to_string()) };
    for customer in disabled {
        alerts.submit_many((0..20).map(|id| urgent(customer, id)).collect()).await.unwrap();
    }
    let worker = alerts.run(RunOptions::default()).await.unwrap();
    let rests = async |customer: &str| {
        let waiting = alerts.list(Some(customer), &[DeliveryStatus::Pending], None, None).await.unwrap().items;
        waiting.iter().filter(|delivery| delivery.failure.is_some()).count() >= 5
    };
    let all_rest = async {
        for customer in disabled {
            while !rests(customer).await {
                tokio::task::yield_now().await;
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), all_rest).await;
    assert!(in_time.is_ok(), "each of them is tried until it rests by itself");
    let began = std::time::Instant::now();
    for number in 1..=10 {
        alerts.submit(alert(GLOBEX, &number.to_string())).await.unwrap();
        until("the healthy account's", || world.events.messages(EventKind::DeliveryDone).len() == number).await;
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    worker.stop().await.unwrap();
}
