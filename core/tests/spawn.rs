//! Every operation may be spawned on a runtime of many threads, and the client used from anywhere. What is not
//! `Send` any more does not compile here.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use itsm_adapter::{
    Authorize, CheckAll, Client, ClientBuilder, Config, Connect, Error, ErrorInfo, Event, Observer, Query,
    ReauthenticateServiceAccount, Record, RegisterServiceAccount, Secret, UpdateAccount, store::Store,
    transport::Transport,
};
use support::{ACME, World, add, alert};

fn may_be_sent<T: Send>(value: T) -> T {
    value
}

fn may_be_shared<T: Send + Sync + 'static>() {}

#[test]
fn what_is_handed_around_may_be_shared_between_threads() {
    may_be_shared::<Client>();
    may_be_shared::<Config>();
    may_be_shared::<Secret>();
    may_be_shared::<Query>();
    may_be_shared::<Error>();
    may_be_shared::<ErrorInfo>();
    may_be_shared::<Event>();
    may_be_shared::<Arc<dyn Observer>>();
    may_be_shared::<Arc<dyn Store>>();
    may_be_shared::<Arc<dyn Transport>>();
    drop(may_be_sent(ClientBuilder::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_may_be_spawned() {
    let world = World::new().await;
    let (client, url) = (world.client.clone(), world.url());
    let (register, connect) = (world.request(ACME), world.connect_to(ACME, support::DEV1));
    // A task of another thread; the operations are made into futures of it and dropped, but for the first.
    let made = tokio::spawn(async move {
        let count = client.accounts().list(None, None).await.unwrap().items.len();
        drop(may_be_sent(client.accounts().add(add(ACME))));
        drop(may_be_sent(client.accounts().update(UpdateAccount::default())));
        drop(may_be_sent(client.accounts().get(ACME)));
        drop(may_be_sent(client.accounts().test(ACME)));
        drop(may_be_sent(client.accounts().entitlement(ACME)));
        drop(may_be_sent(client.accounts().remove(ACME)));
        drop(may_be_sent(client.instances().get(&url)));
        drop(may_be_sent(client.instances().list(None, None)));
        drop(may_be_sent(client.connections().connect(connect)));
        drop(may_be_sent(client.connections().test(Connect::default())));
        drop(may_be_sent(client.connections().get(ACME, &url)));
        drop(may_be_sent(client.connections().list(None, None, None)));
        drop(may_be_sent(client.connections().disconnect(ACME, &url)));
        drop(may_be_sent(client.registrations().register(register)));
        drop(may_be_sent(client.registrations().test(RegisterServiceAccount::default())));
        drop(may_be_sent(client.registrations().reauthenticate(ReauthenticateServiceAccount::default())));
        drop(may_be_sent(client.registrations().unregister(ACME, &url)));
        drop(may_be_sent(client.registrations().check(ACME, &url)));
        drop(may_be_sent(client.registrations().authorize(Authorize::default())));
        drop(may_be_sent(client.registrations().complete("", None)));
        drop(may_be_sent(client.registrations().abandon("1")));
        drop(may_be_sent(client.registrations().listen(Authorize::default())));
        drop(may_be_sent(client.registrations().wait_for("1", None)));
        drop(may_be_sent(client.registrations().authorize_in_browser(Authorize::default(), None)));
        drop(may_be_sent(client.registrations().check_all(CheckAll::default())));
        drop(may_be_sent(client.registrations().update_endpoint_secret(ACME, &url, &Secret::from("s"))));
        drop(may_be_sent(client.registrations().relocate(&url, RegisterServiceAccount::default())));
        drop(may_be_sent(client.alerts().submit(alert(ACME, "1"))));
        drop(may_be_sent(client.alerts().submit_webhook(b"", None, None, None)));
        drop(may_be_sent(client.alerts().deliver("1")));
        drop(may_be_sent(client.alerts().get("1")));
        drop(may_be_sent(client.alerts().list(None, &[], None, None)));
        drop(may_be_sent(client.events().list(None, None, None)));
        drop(may_be_sent(client.records().get::<Record>(ACME, "incident", "1", &[])));
        drop(may_be_sent(client.records().query::<Record>(ACME, "incident", &Query::new(), &[], 1)));
        drop(may_be_sent(client.records().insert::<Record>(ACME, "incident", &Record::new(), &[])));
        drop(may_be_sent(client.records().update::<Record>(ACME, "incident", "1", &Record::new(), &[])));
        drop(may_be_sent(client.records().pages::<Record>(ACME, "incident", Query::new(), &[], 1).next()));
        drop(may_be_sent(client.rotate_key(None)));
        drop(may_be_sent(Client::open(Config::default())));
        drop(may_be_sent(Client::from_env()));
        drop(may_be_sent(Client::builder().open()));
        count
    });
    assert_eq!(made.await.unwrap(), 0);
    assert!(world.simulator.requests().is_empty(), "an operation that is not awaited does nothing");
    assert_eq!(world.state().await["accounts"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_client_refuses_everything_and_ends_what_is_under_way() {
    let world = World::new().await;
    world.registered(ACME).await;
    let hang = itsm_simulator::Fault::new(support::DEV1, itsm_simulator::FaultKind::Hang).route("table");
    world.simulator.fault(hang);
    let (client, waiting) = (world.client.clone(), world.client.clone());
    let reading = tokio::spawn(async move { support::read(&waiting, ACME).await });
    support::until("the read under way", || world.simulator.requests().iter().any(|asked| asked.fault.is_some())).await;
    client.close();
    assert_eq!(reading.await.unwrap().unwrap_err().kind(), itsm_adapter::ErrorKind::Cancelled);
    support::is(&world.read(ACME).await.unwrap_err(), itsm_adapter::ErrorKind::IllegalState, "closed");
    support::read(&world.another_client().await, ACME).await.unwrap();
}
