//! Registering with a user account: a person signs in at the instance and clicks Allow.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use itsm_adapter::{
    Authorize, Client, ConnectionStatus, ErrorKind, EventKind, GrantKind, OpenBrowser, ReauthenticateServiceAccount,
    RegisterServiceAccount, Secret,
};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use serde_json::json;
use support::{
    ACME, DEV1, World,
    browser::{Browser, Page},
    is, password, until,
};
use tokio::task::JoinHandle;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_clicks_allow_and_the_account_is_registered() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    assert!(begun.authorization_url.starts_with(&format!("{}/oauth_auth.do?", world.url())), "{begun:?}");
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    assert!(callback.starts_with(&begun.redirect_url), "{callback}");

    let done = world.client.registrations().complete(&callback, None).await.unwrap();
    assert_eq!(done.user_name.as_deref(), Some("svc.citrix"));
    assert_eq!(done.previous_user_name, None);
    assert_eq!(done.connection.status, ConnectionStatus::Registered);
    let grant = done.connection.grant.unwrap();
    assert_eq!((grant.kind, grant.user_name.as_str()), (GrantKind::UserAccount, "svc.citrix"));
    assert!(matches!(grant.days_left, Some(99 | 100)), "{grant:?}");
    assert_eq!(done.connection.endpoint.unwrap().redirect_url, Some(begun.redirect_url));
    world.reads(ACME, "registered by consent").await;
    assert_eq!(world.state().await["revocations"], 0, "nothing is left in hand");
}

/// A browser of a person who allows at once, opened by the adapter itself.
struct Willing {
    browser: Browser,
    seen: Mutex<Vec<JoinHandle<Page>>>,
}

impl OpenBrowser for Willing {
    fn open(&self, url: &str) -> std::io::Result<()> {
        let (mut browser, url) = (self.browser.clone(), url.to_owned());
        let visit = tokio::runtime::Handle::current().spawn(async move {
            let callback = browser.allow(&url, "svc.citrix").await;
            browser.get(&callback).await
        });
        self.seen.lock().unwrap().push(visit);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_one_call_opens_the_browser_and_registers() {
    let world = World::new().await;
    world.added(ACME).await;
    // Instances that take the first registered URL do not know a free port; they know this one.
    let redirect = free_redirect();
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": redirect})).unwrap();
    let willing = Arc::new(Willing { browser: world.browser(), seen: Mutex::default() });
    let client = Client::builder().config(world.config()).browser(willing.clone()).open().await.unwrap();
    let request = Authorize { redirect_url: Some(redirect), ..world.authorize(ACME) };
    let done = client.registrations().authorize_in_browser(request, Some(30_000)).await.unwrap();
    assert_eq!(done.user_name.as_deref(), Some("svc.citrix"));
    let visit = willing.seen.lock().unwrap().pop().unwrap();
    let page = visit.await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<h1>Registered</h1>") && page.body.contains("svc.citrix"), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

/// A loopback address that nobody listens on just now.
fn free_redirect() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/callback")
}

/// A link is enough: what the registration has is used again.
fn again(world: &World) -> Authorize {
    Authorize { customer_id: ACME.into(), instance_url: world.url(), ..Authorize::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_re_authenticates_with_nothing_but_a_link() {
    // Half a minute is a sixth of a second here, and no call runs out of time because of that.
    let world = World::made(&[DEV1], 180, |config| config.total_timeout = Duration::from_secs(7200)).await;
    world.consented(ACME, "svc.citrix").await;
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
    // The person's refresh token is refused: once more after half a minute, and then it is proven.
    let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Unauthorized);
    assert_eq!(world.grants("refresh_token"), 2, "the rule of proof");

    let begun = world.client.registrations().authorize(again(&world)).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    // Another process finishes what this one began.
    let another = Client::builder().config(world.config()).clock(Arc::new(world.clock.clone())).open().await.unwrap();
    let done = another.registrations().complete(&callback, None).await.unwrap();
    assert_eq!((done.connection.status, done.previous_user_name), (ConnectionStatus::Registered, None));
    world.reads(ACME, "re-authenticated").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_takes_over_only_where_that_is_allowed_and_it_is_told() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    let old = world.token("refresh_token");
    let begun = world.client.registrations().authorize(again(&world)).await.unwrap();
    // The browser is signed in there as somebody else already: nobody is asked for a name.
    let mut browser = world.browser();
    let consent = browser.sign_in(&begun.authorization_url, "svc.second").await;
    let callback = browser.decide(&consent, "authorize").await;
    let error = world.client.registrations().complete(&callback, None).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "another person");
    assert_eq!(error.context("user_name"), Some("svc.second"));
    assert_eq!(error.context("previous_user_name"), Some("svc.citrix"));
    assert!(world.renews(&old, &world.request(ACME)).await, "the grant in use is gone");
    assert!(
        !world.renews(&world.token("refresh_token"), &world.request(ACME)).await || world.token("refresh_token") == old
    );

    let allowing = Authorize { allow_another_user: true, ..again(&world) };
    let begun = world.client.registrations().authorize(allowing).await.unwrap();
    let callback = browser.allow(&begun.authorization_url, "nobody is asked").await;
    let done = world.client.registrations().complete(&callback, None).await.unwrap();
    assert_eq!(done.user_name.as_deref(), Some("svc.second"));
    assert_eq!(done.previous_user_name.as_deref(), Some("svc.citrix"));
    assert!(!world.renews(&old, &world.request(ACME)).await, "the old grant is revoked");
    let told = world.events.all().into_iter().rfind(|event| event.kind == EventKind::Reauthenticated).unwrap();
    assert_eq!(told.detail["user_name"], "svc.second");
    assert_eq!(told.detail["previous_user_name"], "svc.citrix");
    let signed_in = world.events.messages(EventKind::Progress);
    assert!(signed_in.iter().any(|message| message.starts_with("svc.second has signed in")), "{signed_in:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_gives_way_to_a_person_and_the_other_way_round() {
    let world = World::new().await;
    world.registered(ACME).await;
    let begun = world.client.registrations().authorize(Authorize {
        client_id: None,
        client_secret: None,
        ..world.authorize(ACME)
    });
    let callback = world.browser().allow(&begun.await.unwrap().authorization_url, "svc.second").await;
    let done = world.client.registrations().complete(&callback, None).await.unwrap();
    assert_eq!(done.connection.grant.unwrap().kind, GrantKind::UserAccount);
    assert_eq!(done.previous_user_name.as_deref(), Some("svc.citrix"));
    world.reads(ACME, "by consent").await;

    let back = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        user_name: Some("svc.citrix".into()),
        password: Some(support::password("svc.citrix")),
        ..ReauthenticateServiceAccount::default()
    };
    let connection = world.client.registrations().reauthenticate(back).await.unwrap();
    assert_eq!(connection.grant.unwrap().kind, GrantKind::ServiceAccount);
    world.reads(ACME, "by password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_client_needs_no_secret() {
    let world = World::new().await;
    world.added(ACME).await;
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"public_client": "true"})).unwrap();
    let request = Authorize { client_secret: None, ..world.authorize(ACME) };
    let begun = world.client.registrations().authorize(request).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    world.client.registrations().complete(&callback, None).await.unwrap();
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.reads(ACME, "refreshed without a secret").await;
    assert_eq!(world.grants("refresh_token"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_uses_its_first_redirect_url_is_found_out() {
    let world = World::new().await;
    world.added(ACME).await;
    let client_id = world.request(ACME).client_id;
    let elsewhere = "http://127.0.0.1:9/elsewhere";
    for (mode, urls) in [("use_first", elsewhere.to_owned()), ("refuse", elsewhere.to_owned())] {
        world.simulator.patch_instance(DEV1, &json!({"redirect_mismatch": mode})).unwrap();
        world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": urls})).unwrap();
        let begun = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
        let mut browser = world.browser();
        let page = browser.sign_in(&begun.authorization_url, "svc.citrix").await;
        if mode == "refuse" {
            assert!(page.body.contains("Invalid redirect_uri"), "{}", page.body);
            continue;
        }
        let callback = browser.decide(&page, "authorize").await;
        assert!(callback.starts_with(elsewhere), "{callback}");
        let error = world.client.registrations().complete(&callback, None).await.unwrap_err();
        assert_eq!(error.context("reason"), Some("redirect"), "{error:?}");
    }
    // Several are registered, ours among them.
    let own = world.authorize(ACME).redirect_url.unwrap();
    let urls = format!("{elsewhere},{own}");
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": urls})).unwrap();
    world.consented(ACME, "svc.citrix").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_endpoint_secret_takes_over_without_a_gap_and_without_a_person() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    let registrations = world.client.registrations();
    let (client_id, new) = (world.request(ACME).client_id, Secret::from("SnSecret.rotated&+%1"));
    let error = registrations.update_endpoint_secret(ACME, &world.url(), &new).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "not the secret yet");
    world.reads(ACME, "the old secret").await;
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Registered);

    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"client_secret": new.expose()})).unwrap();
    let before = world.connection(ACME).await.grant.unwrap();
    let connection = registrations.update_endpoint_secret(ACME, &world.url(), &new).await.unwrap();
    let after = connection.grant.unwrap();
    assert_eq!((after.granted_at, after.expires_at), (before.granted_at, before.expires_at), "the wall does not move");
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.reads(ACME, "renewed with the new secret").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_flow_that_is_secret_is_stored_or_told_in_the_clear() {
    let world = World::new().await;
    world.added(ACME).await;
    let session = Secret::from("browser-session-value-1234");
    let request = Authorize { session: Some(session.clone()), ..world.authorize(ACME) };
    let printed = format!("{request:?}");
    let begun = world.client.registrations().authorize(request).await.unwrap();
    let url: url::Url = begun.authorization_url.parse().unwrap();
    let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    assert!(url.query_pairs().any(|pair| pair == ("code_challenge_method".into(), "S256".into())));
    assert!(state.len() - 32 == 43, "256 bits besides the id");
    let secrets = [&state[32..], session.expose(), world.request(ACME).client_secret.expose()].map(str::to_owned);
    for secret in &secrets {
        assert!(!printed.contains(secret));
        for file in std::fs::read_dir(world.folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "in the database: {secret}");
        }
        assert!(!format!("{:?}", world.events.all()).contains(secret), "in an event: {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_moves_to_the_new_address_of_its_instance_in_one_step() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.consented(ACME, "svc.citrix").await;
    let old = world.token("refresh_token");
    let registrations = world.client.registrations();
    // What fails there leaves it here.
    let wrong = RegisterServiceAccount { password: "wrong".into(), ..world.request_at(ACME, "dev2") };
    is(&registrations.relocate(&world.url(), wrong).await.unwrap_err(), ErrorKind::Unauthorized, "a wrong password");
    let same = registrations.relocate(&world.url(), world.request(ACME)).await.unwrap_err();
    is(&same, ErrorKind::InvalidInput, "the same address");
    world.reads(ACME, "where it was").await;

    let request = Authorize { moves_from: Some(world.url()), ..world.authorize_at(ACME, "dev2") };
    let begun = registrations.authorize(request).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.second").await;
    let error = registrations.complete(&callback, None).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "another person than at the old address");

    let connection = registrations.relocate(&world.url(), world.request_at(ACME, "dev2")).await.unwrap();
    assert_eq!(connection.instance_id.as_str(), world.url_of("dev2"));
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unregistered);
    assert!(!world.renews(&old, &world.request(ACME)).await, "the old grant is alive");
    world.simulator.clear_requests();
    world.reads(ACME, "at the new address").await;
    assert_eq!(world.asked("table")[0].instance.as_deref(), Some("dev2"));
    let kinds: Vec<EventKind> = world.events.all().iter().map(|event| event.kind).collect();
    assert!(kinds.ends_with(&[EventKind::Unregistered, EventKind::Registered]), "{kinds:?}");

    // And back, by consent.
    let back = Authorize { moves_from: Some(world.url_of("dev2")), ..world.authorize(ACME) };
    let begun = registrations.authorize(back).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    let done = registrations.complete(&callback, None).await.unwrap();
    assert_eq!((done.connection.instance_id.as_str(), done.previous_user_name), (world.url().as_str(), None));
    assert_eq!(world.state().await["revocations"], 0);
}

/// The new secret is on its way when somebody else gives the registration another user: that one stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_endpoint_secret_does_not_undo_what_was_stored_meanwhile() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (late, secret) = (world.another_client().await, world.request(ACME).client_secret);
    world.simulator.clear_requests();
    let slow = Fault::new(DEV1, FaultKind::Slow).route("token").grant_type("password").with("delay_ms", 600);
    world.simulator.fault(slow);
    let (client, url) = (world.client.clone(), world.url());
    let changing =
        tokio::spawn(async move { client.registrations().update_endpoint_secret(ACME, &url, &secret).await });
    until("the new secret on its way", || world.asked("token").iter().any(|asked| asked.fault.is_some())).await;
    let second = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        user_name: Some("svc.second".into()),
        password: Some(password("svc.second")),
        ..ReauthenticateServiceAccount::default()
    };
    late.registrations().reauthenticate(second).await.unwrap();
    let error = changing.await.unwrap().unwrap_err();
    is(&error, ErrorKind::Unavailable, "replaced meanwhile");
    assert!(error.is_retryable());
    assert_eq!(world.connection(ACME).await.grant.unwrap().user_name, "svc.second");
    world.reads(ACME, "with what somebody else has stored").await;
    assert_eq!(world.state().await["revocations"], 0, "the tokens of the other user are not left behind");
}
