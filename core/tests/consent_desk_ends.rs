//! How waiting on a desk ends: in time, too late, twice, and by giving up.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    future::Future,
    pin::{Pin, pin},
    task::Poll,
};

use itsm_adapter::{Authorization, Authorize, ConnectionStatus, ErrorKind};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, DEV1, World};

/// A world whose instance knows a loopback address that is free just now.
async fn on_a_desk() -> (World, Authorize) {
    let world = World::new().await;
    world.added(ACME).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let redirect = format!("http://127.0.0.1:{port}/callback");
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": redirect})).unwrap();
    let request = Authorize { redirect_url: Some(redirect), ..world.authorize(ACME) };
    (world, request)
}

/// Sets the future going.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

async fn listening(world: &World, request: &Authorize) -> (Authorization, String) {
    let begun = world.client.registrations().listen(request.clone()).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    (begun, callback)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_in_time_counts_although_the_exchange_ends_after_it() {
    let (world, request) = on_a_desk().await;
    let (begun, callback) = listening(&world, &request).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", 300));
    let mut browser = world.browser();
    let visit = tokio::spawn(async move { browser.get(&callback).await });
    support::until("the exchange", || world.grants("authorization_code") == 1).await;
    let done = world.client.registrations().wait_for(&begun.flow_id, Some(1)).await.unwrap();
    assert_eq!(done.connection.status, ConnectionStatus::Registered);
    assert!(visit.await.unwrap().body.contains("<h1>Registered</h1>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_end_what_a_callback_has_begun() {
    let (world, request) = on_a_desk().await;
    let (begun, callback) = listening(&world, &request).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", 300));
    let mut browser = world.browser();
    let visit = tokio::spawn(async move { browser.get(&callback).await });
    support::until("the exchange", || world.grants("authorization_code") == 1).await;
    {
        let mut waiting = pin!(world.client.registrations().wait_for(&begun.flow_id, None));
        assert!(is_pending(waiting.as_mut()).await);
    }
    assert!(visit.await.unwrap().body.contains("<h1>Registered</h1>"));
    world.reads(ACME, "finished without its caller").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_and_the_address_is_free_again() {
    let (world, request) = on_a_desk().await;
    for _ in 0..3 {
        let (begun, callback) = listening(&world, &request).await;
        let error = world.client.registrations().wait_for(&begun.flow_id, Some(0)).await.unwrap_err();
        support::is(&error, ErrorKind::Timeout, "nobody came");
        let late = world.client.registrations().complete(&callback, None).await.unwrap_err();
        support::is(&late, ErrorKind::FlowExpired, "the flow is used up");
    }
    assert_eq!(world.grants("authorization_code"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_refuses_can_begin_again_at_once_at_the_same_address() {
    let (world, request) = on_a_desk().await;
    for _ in 0..3 {
        let begun = world.client.registrations().listen(request.clone()).await.unwrap();
        let mut browser = world.browser();
        let consent = browser.sign_in(&begun.authorization_url, "svc.citrix").await;
        let callback = browser.decide(&consent, "deny").await;
        let page = browser.get(&callback).await;
        assert!(page.body.contains("<h1>Not allowed</h1>"), "{}", page.body);
        let error = world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap_err();
        support::is(&error, ErrorKind::ConsentDenied, "denied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_that_is_given_up_ends_whoever_waits_for_it() {
    let (world, request) = on_a_desk().await;
    let (begun, _) = listening(&world, &request).await;
    let mut waiting = pin!(world.client.registrations().wait_for(&begun.flow_id, None));
    assert!(is_pending(waiting.as_mut()).await);
    world.client.registrations().abandon(&begun.flow_id).await.unwrap();
    let error = waiting.await.unwrap_err();
    support::is(&error, ErrorKind::Cancelled, "given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_callbacks_at_once_make_one_exchange_and_both_are_told() {
    let (world, request) = on_a_desk().await;
    let (begun, first) = listening(&world, &request).await;
    let second = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    assert_ne!(first, second, "two codes of one flow");
    let (mut one, mut other) = (world.browser(), world.browser());
    let (one, other) = tokio::join!(one.get(&first), other.get(&second));
    for page in [one, other] {
        assert!(page.body.contains("<h1>Registered</h1>"), "{}", page.body);
    }
    assert_eq!(world.grants("authorization_code"), 1);
    world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap();
}
