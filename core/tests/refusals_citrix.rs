//! What Citrix Cloud can answer while an account is added or connected: ten envelopes, redirects, a site that
//! sleeps. Each ends in the kind that says what to do, and nothing is saved.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{ErrorKind, EventKind, UpdateAccount};
use itsm_simulator::{Fault, FaultKind, seed};
use serde_json::json;
use support::{ACME, DEV1, World, add, is, stranger::Stranger};

fn fault(kind: FaultKind, route: &str) -> Fault {
    Fault::new("citrix", kind).route(route).always()
}

/// Makes the call, and checks that its error is of this kind and that nothing at all was saved.
async fn connect_fails(world: &World, kind: ErrorKind, about: &str) -> itsm_adapter::Error {
    let before = world.state().await;
    let error = world.client.connections().connect(world.connect_to(ACME, DEV1)).await.unwrap_err();
    is(&error, kind, about);
    assert_eq!(world.state().await, before, "{about}");
    world.simulator.clear_faults();
    world.clock.advance(Duration::from_secs(61));
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_ten_envelopes_ends_in_its_kind() {
    use ErrorKind::{Forbidden, IllegalState, InvalidInput, NotFound, Protocol, Throttled, Unauthorized, Unavailable};
    let world = World::new().await;
    world.added(ACME).await;
    for (envelope, status, kind) in [
        ("E1", 400, InvalidInput),
        ("E1", 401, Unauthorized),
        ("E1", 403, Forbidden),
        ("E1", 404, NotFound),
        ("E1", 409, IllegalState),
        ("E1", 429, Throttled),
        ("E1", 501, Protocol),
        ("E1", 503, Unavailable),
        ("E2", 401, Unauthorized),
        ("E2", 406, Protocol),
        ("E3", 401, Unauthorized),
        ("E4", 500, Unavailable),
        ("E5", 429, Throttled),
        ("E6", 400, InvalidInput),
        ("E7", 400, InvalidInput),
        ("E8", 403, Forbidden),
        ("E9", 400, InvalidInput),
        ("E10", 502, Unavailable),
        ("E10", 503, Unavailable),
    ] {
        let about = format!("{envelope} with {status}");
        world.simulator.clear_requests();
        world
            .simulator
            .fault(fault(FaultKind::Envelope, "service_states").with("kind", envelope).with("status", status));
        let error = connect_fails(&world, kind, &about).await;
        assert_eq!(error.context("status"), Some(status.to_string().as_str()), "{about}: {error:?}");
        let id = error.transaction_id().unwrap_or_else(|| panic!("{about}: no transaction id"));
        let is_known =
            |id: &str| world.simulator.requests().iter().any(|request| request.transaction_id.as_deref() == Some(id));
        assert!(is_known(id), "{about}: {id} is no transaction of Citrix Cloud");
        if kind == Unauthorized {
            assert_eq!(world.asked("service_states").len(), 2, "{about}: one renewal, one repetition");
        }
    }
    world.connected_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_answer_at_all_ends_in_its_kind_too() {
    use ErrorKind::{NotFound, Protocol, Timeout, Unavailable};
    let world = World::new().await;
    world.added(ACME).await;
    for (what, route, kind) in [
        (FaultKind::Html, "service_states", Protocol),
        (FaultKind::Garbage, "service_states", Protocol),
        (FaultKind::WrongContentType, "service_states", Protocol),
        (FaultKind::BigBody, "service_states", Protocol),
        (FaultKind::Cut, "service_states", Unavailable),
        (FaultKind::Hang, "service_states", Timeout),
        (FaultKind::HtmlError, "sites:get", Unavailable),
        (FaultKind::Html, "sites:list", Protocol),
        (FaultKind::Accepted, "sites:list", Protocol),
        (FaultKind::FailTimes, "sites:list", Unavailable),
    ] {
        world.simulator.fault(fault(what, route).with("bytes", 20 << 20));
        connect_fails(&world, kind, &format!("{what:?} at {route}")).await;
    }
    world.simulator.fault(fault(FaultKind::FailTimes, "sites:get").with("status", 404));
    connect_fails(&world, NotFound, "a site that is gone").await;
    world.connected_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_added_when_its_secure_client_gets_no_token() {
    use ErrorKind::{InvalidInput, Protocol, Throttled, Timeout, Unauthorized, Unavailable};
    let world = World::new().await;
    let empty = world.state().await;
    for (what, kind) in [
        (Some(FaultKind::Html), Protocol),
        (Some(FaultKind::HtmlError), Unavailable),
        (Some(FaultKind::Throttle), Throttled),
        (Some(FaultKind::FailTimes), Unavailable),
        (Some(FaultKind::Cut), Unavailable),
        (Some(FaultKind::CutAfter), Unavailable),
        (Some(FaultKind::Hang), Timeout),
        (Some(FaultKind::Garbage), Protocol),
        (Some(FaultKind::ErrorIn200), Unauthorized),
        (Some(FaultKind::Redirect), InvalidInput),
        (None, Unauthorized),
    ] {
        let about = format!("{what:?}");
        let mut request = add(ACME);
        match what {
            Some(what) => world.simulator.fault(fault(what, "token")),
            None => request.client_secret = "wrong".into(),
        }
        world.simulator.clear_requests();
        let error = world.client.accounts().add(request).await.unwrap_err();
        is(&error, kind, &about);
        assert!(error.transaction_id().is_some(), "{about}: ours at least");
        assert_eq!(world.asked("token").len(), 1, "{about}: a secret is never sent twice by itself");
        assert_eq!(world.state().await, empty, "{about}");
        world.simulator.clear_faults();
        world.clock.advance(Duration::from_secs(61));
    }
    world.added(ACME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_tried_before_it_replaces_the_old_one() {
    let world = World::new().await;
    world.added(ACME).await;
    let before = world.state().await;
    let wrong =
        UpdateAccount { customer_id: ACME.into(), client_secret: Some("wrong".into()), ..UpdateAccount::default() };
    let error = world.client.accounts().update(wrong).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "a wrong secret");
    assert_eq!(world.state().await, before);
    world.simulator.patch_account(ACME, &json!({"client_secret": "CtxSecretRotated+9/8=="})).unwrap();
    let right = Some("CtxSecretRotated+9/8==".into());
    let update = UpdateAccount { customer_id: ACME.into(), client_secret: right, ..UpdateAccount::default() };
    world.client.accounts().update(update).await.unwrap();
    world.simulator.expire_account_tokens(ACME);
    world.client.accounts().entitlement(ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_foreign_host_gets_neither_token_nor_secret() {
    let world = World::new().await;
    let stranger = Stranger::listening();
    let own = world.simulator.citrix_url();
    let port = own.rsplit(':').next().unwrap();
    let away = [
        stranger.url("/"),
        stranger.url("/cvad/manage/Sites"),
        format!("//127.0.0.1:{}/x", stranger.port()),
        format!("http://localhost:{port}@127.0.0.1:{}/", stranger.port()),
        format!("http://127.0.0.1:{}/", stranger.port()),
        "https://api-eu.cloud.com.evil.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "not an address".to_owned(),
        String::new(),
    ];
    for location in &away {
        world.simulator.fault(fault(FaultKind::Redirect, "token").with("location", location.as_str()));
        let error = world.client.accounts().add(add(ACME)).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, location);
        assert!(error.info().remedy.contains("environment"), "the region is what helps: {error:?}");
        world.simulator.clear_faults();
    }
    world.added(ACME).await;
    for location in &away {
        for route in ["service_states", "sites:list", "sites:get"] {
            world.simulator.fault(fault(FaultKind::Redirect, route).with("location", location.as_str()));
            connect_fails(&world, ErrorKind::Protocol, &format!("{route} to {location}")).await;
        }
    }
    stranger.heard_nothing("a redirect");
    world.connected_again().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_within_citrix_keeps_the_path_and_is_followed_once() {
    let world = World::new().await;
    world.added(ACME).await;
    let inside = format!("{}/internal/r/elsewhere", world.simulator.citrix_url());
    world
        .simulator
        .fault(Fault::new("citrix", FaultKind::Redirect).route("service_states").with("location", inside.as_str()));
    world.connected_again().await;
    assert!(world.asked("unknown").is_empty(), "the internal path of the redirect was asked");
    world.simulator.fault(fault(FaultKind::Redirect, "service_states").with("location", inside.as_str()));
    let error = world.client.accounts().entitlement(ACME).await.unwrap_err();
    is(&error, ErrorKind::Protocol, "from region to region");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_site_is_woken_with_progress() {
    let world = World::new().await;
    let stark = seed::STARK.customer_id;
    let connection = world.connected(stark).await;
    assert_eq!(connection.customer_id.as_str(), stark);
    let progress = world.events.messages(EventKind::Progress);
    assert!(progress.first().is_some_and(|first| first.contains("asleep")), "{progress:?}");
    assert!(progress.last().is_some_and(|last| last.contains("awake")), "{progress:?}");
    assert_eq!(world.asked("activation").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_site_that_does_not_wake_is_unavailable_and_says_so() {
    let world = World::new().await;
    world.added(ACME).await;
    world.simulator.patch_account(ACME, &json!({"thaw_polls": 1_000_000, "frozen": true})).unwrap();
    let error = connect_fails(&world, ErrorKind::Unavailable, "frozen for ever").await;
    assert_eq!(error.context("site"), Some("frozen"));
    assert!(error.transaction_id().is_some() && error.is_retryable(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_the_subscription_is_not_entitled_and_hears_what_was_found() {
    let world = World::new().await;
    for (account, found) in [(seed::INITECH, "not_onboarded"), (seed::UMBRELLA, "Advanced")] {
        let customer = account.customer_id;
        world.added(customer).await;
        let error = world.client.connections().connect(world.connect_to(customer, DEV1)).await.unwrap_err();
        is(&error, ErrorKind::NotEntitled, customer);
        let said = serde_json::to_string(&error.info()).unwrap();
        assert!(said.to_lowercase().replace('_', "").contains(&found.to_lowercase().replace('_', "")), "{said}");
        let mut request = world.request(ACME);
        request.customer_id = customer.into();
        let error = world.client.registrations().register(request).await.unwrap_err();
        is(&error, ErrorKind::NotEntitled, customer);
    }
    assert!(world.asked("token").iter().all(|asked| asked.instance.is_none()), "no instance was asked");
    assert_eq!(world.state().await["connections"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cloud_gives_its_token_in_its_own_form() {
    let world = World::new().await;
    for account in [seed::ACME, seed::GLOBEX, seed::HOOLI, seed::WAYNE, seed::GOV] {
        world.connected(account.customer_id).await;
    }
    assert_eq!(world.asked("token:legacy").len(), 1, "the government cloud knows the older form only");
}

impl World {
    async fn connected_again(&self) {
        self.client.connections().connect(self.connect_to(ACME, DEV1)).await.unwrap();
    }
}
