//! The listener on a desk: who may come, what is shown, and how it ends.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use itsm_adapter::{Authorization, Authorize, Client, ConnectionStatus, ErrorKind, OpenBrowser};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, DEV1, World, is, until};
use url::Url;

/// Begins with a listener on a free port, which the instance knows from now on.
async fn listening(world: &World) -> Authorization {
    let request = Authorize { redirect_url: None, ..world.authorize(ACME) };
    let begun = world.client.registrations().listen(request).await.unwrap();
    known(world, &begun.redirect_url);
    begun
}

fn known(world: &World, redirect_url: &str) {
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": redirect_url})).unwrap();
}

/// Sends these bytes to the listener, and gives back what comes.
async fn raw(begun: &Authorization, text: String) -> String {
    let url: Url = begun.redirect_url.parse().unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0];
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
    .unwrap()
}

fn authority(begun: &Authorization) -> String {
    let url: Url = begun.redirect_url.parse().unwrap();
    url.authority().to_owned()
}

fn request(method: &str, target: &str, host: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_turned_away_and_the_person_is_still_waited_for() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = listening(&world).await;
    let url: Url = begun.redirect_url.parse().unwrap();
    assert_eq!(url.host_str(), Some("127.0.0.1"));
    assert!(url.path().len() > "/callback/".len() + 20, "a path that nobody guesses: {url}");
    let (path, host) = (url.path().to_owned(), authority(&begun));
    let port = url.port().unwrap();
    let other_state = "0".repeat(75);
    for (about, text, status) in [
        ("the icon", request("GET", "/favicon.ico", &host), 404),
        ("the root", request("GET", "/", &host), 404),
        ("a path below", request("GET", &format!("{path}/x?code=a&state={other_state}"), &host), 404),
        ("another name for this address", request("GET", &path, &format!("evil.example:{port}")), 421),
        ("the name of loopback", request("GET", &path, &format!("localhost:{port}")), 421),
        ("the name without the port", request("GET", &path, "127.0.0.1"), 421),
        ("no name", format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"), 421),
        ("a proxy's request", request("GET", &format!("http://evil.example{path}"), "evil.example"), 421),
        ("POST", request("POST", &path, &host), 405),
        ("HEAD", request("HEAD", &path, &host), 405),
        ("OPTIONS", request("OPTIONS", &path, &host), 405),
        ("no parameters", request("GET", &path, &host), 400),
        ("a forged state", request("GET", &format!("{path}?code=a&state={other_state}"), &host), 400),
        ("a forged refusal", request("GET", &format!("{path}?error=access_denied&state={other_state}"), &host), 400),
        ("a state twice", request("GET", &format!("{path}?code=a&state=a&state=b"), &host), 400),
        ("no HTTP", "\u{16}\u{3}\u{1}hello\r\n\r\n".to_owned(), 400),
        ("a head of 64 KB", format!("GET {path}?x={} HTTP/1.1\r\nHost: {host}\r\n\r\n", "y".repeat(65_536)), 431),
    ] {
        let answer = raw(&begun, text).await;
        let got = answer.split(' ').nth(1).unwrap_or("nothing").to_owned();
        // What cannot be read at all may end without an answer.
        assert!(got == status.to_string() || (status == 431 && got != "200"), "{about}: {got} for {status}: {answer}");
        if [404, 421, 405].contains(&status) {
            assert!(answer.ends_with("\r\n\r\n"), "{about}: told something: {answer}");
            assert!(answer.contains("default-src 'none'"), "{about}: {answer}");
        }
        assert!(!answer.contains("Location"), "{about}: sent on to somewhere: {answer}");
    }
    let forwarded = format!(
        "GET {path}?code=a&state={other_state} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {host}\r\n\
         Forwarded: host={host}\r\nConnection: close\r\n\r\n"
    );
    assert!(raw(&begun, forwarded).await.starts_with("HTTP/1.1 421"), "a forwarded name counts");
    assert_eq!(world.asked("token").iter().filter(|asked| asked.instance.is_some()).count(), 0);

    let mut browser = world.browser();
    let callback = browser.allow(&begun.authorization_url, "svc.citrix").await;
    let page = browser.get(&callback).await;
    assert!(page.body.contains("<h1>Registered</h1>"), "{}", page.body);
    let done = world.client.registrations().wait_for(&begun.flow_id, Some(20_000)).await.unwrap();
    assert_eq!(done.connection.status, ConnectionStatus::Registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_and_a_reload_are_shown_the_same_outcome_and_cost_one_exchange() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = listening(&world).await;
    let mut browser = world.browser();
    let consent = browser.sign_in(&begun.authorization_url, "svc.citrix").await;
    let (first, second) =
        (browser.decide(&consent, "authorize").await, browser.clone().decide(&consent, "authorize").await);
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (one, two) = tokio::join!(one.get(&first), two.get(&second));
    let reloaded = browser.get(&first).await;
    for page in [one, two, reloaded] {
        assert_eq!(page.status, 200);
        assert!(page.body.contains("<h1>Registered</h1>"), "{}", page.body);
    }
    assert_eq!(world.grants("authorization_code"), 1);
    world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap();
    world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_failure_have_pages_of_their_own() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = listening(&world).await;
    let mut browser = world.browser();
    let consent = browser.sign_in(&begun.authorization_url, "svc.citrix").await;
    let callback = browser.decide(&consent, "deny").await;
    let page = browser.get(&callback).await;
    assert!(page.body.contains("<h1>Not allowed</h1>"), "{}", page.body);
    let error = world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap_err();
    is(&error, ErrorKind::ConsentDenied, "Deny");

    let begun = listening(&world).await;
    let callback = browser.allow(&begun.authorization_url, "svc.citrix").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("token").always());
    let page = browser.get(&callback).await;
    assert!(page.body.contains("<h1>Not registered</h1>") && page.body.contains("not available"), "{}", page.body);
    let error = world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap_err();
    is(&error, ErrorKind::Unavailable, "an endpoint that is down");
    assert!(world.client.connections().get(ACME, &world.url()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_comes_back_is_not_waited_for_for_ever() {
    let world = World::with(&[DEV1], 0).await;
    world.added(ACME).await;
    let registrations = world.client.registrations();
    let begun = listening(&world).await;
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    let (client, flow_id) = (world.client.clone(), begun.flow_id.clone());
    let waiting = tokio::spawn(async move { client.registrations().wait_for(&flow_id, Some(60_000)).await });
    while !waiting.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    is(&waiting.await.unwrap().unwrap_err(), ErrorKind::Timeout, "nobody came");
    // The listener is gone, the flow is used up, and what comes late comes to nothing.
    assert!(closed(&begun).await, "it still listens");
    let late = registrations.complete(&callback, None).await.unwrap_err();
    is(&late, ErrorKind::FlowExpired, "too late");
    is(&registrations.wait_for(&begun.flow_id, None).await.unwrap_err(), ErrorKind::NotFound, "no listener");
}

/// Whether nobody listens there any more, now or soon.
async fn closed(begun: &Authorization) -> bool {
    let url: Url = begun.redirect_url.parse().unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0];
    let gone = async { until("the end of the listener", || TcpStream::connect(address).is_err()).await };
    tokio::time::timeout(Duration::from_secs(10), gone).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_a_given_up_flow_and_a_closed_client_end_their_listeners() {
    let world = World::new().await;
    world.added(ACME).await;
    let cancelled = listening(&world).await;
    let (client, flow_id) = (world.client.clone(), cancelled.flow_id.clone());
    let waiting = tokio::spawn(async move { client.registrations().wait_for(&flow_id, None).await });
    tokio::task::yield_now().await;
    let callback = world.browser().allow(&cancelled.authorization_url, "svc.citrix").await;
    waiting.abort();
    drop(waiting.await);
    assert!(closed(&cancelled).await, "after a cancelled call");
    let late = world.client.registrations().complete(&callback, None).await.unwrap_err();
    is(&late, ErrorKind::FlowExpired, "after a cancelled call");

    let given_up = listening(&world).await;
    world.client.registrations().abandon(&given_up.flow_id).await.unwrap();
    assert!(closed(&given_up).await, "given up");

    let left = listening(&world).await;
    world.client.close();
    assert!(closed(&left).await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_listener_finishes_its_flow_whoever_else_has_the_callback() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = listening(&world).await;
    let mut browser = world.browser();
    let callback = browser.allow(&begun.authorization_url, "svc.citrix").await;
    let error = world.another_client().await.registrations().complete(&callback, None).await.unwrap_err();
    assert_eq!((error.kind(), error.context("reason")), (ErrorKind::FlowExpired, Some("session")));
    browser.get(&callback).await;
    world.client.registrations().wait_for(&begun.flow_id, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_takes_loopback_addresses_only() {
    let world = World::new().await;
    world.added(ACME).await;
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("http://127.0.0.1:{}/callback", occupied.local_addr().unwrap().port());
    for (redirect, kind) in [
        ("http://0.0.0.0:9999/callback", ErrorKind::InvalidInput),
        ("http://localhost:9999/callback", ErrorKind::InvalidInput),
        ("https://127.0.0.1:9999/callback", ErrorKind::InvalidInput),
        ("http://10.0.0.1:9999/callback", ErrorKind::InvalidInput),
        ("http://adapter.example/callback", ErrorKind::InvalidInput),
        ("http://[::]:9999/callback", ErrorKind::InvalidInput),
        ("nothing", ErrorKind::InvalidInput),
        (&taken, ErrorKind::Unavailable),
    ] {
        let request = Authorize { redirect_url: Some(redirect.into()), ..world.authorize(ACME) };
        let error = world.client.registrations().listen(request).await.expect_err(redirect);
        is(&error, kind, redirect);
    }
    let tied = Authorize { redirect_url: None, session: Some("mine".into()), ..world.authorize(ACME) };
    is(&world.client.registrations().listen(tied).await.unwrap_err(), ErrorKind::InvalidInput, "a session");
    let six = Authorize { redirect_url: Some("http://[::1]:0/callback".into()), ..world.authorize(ACME) };
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        let begun = world.client.registrations().listen(six).await.unwrap();
        assert!(begun.redirect_url.starts_with("http://[::1]:"), "{begun:?}");
    }
}

/// A machine without a browser.
struct Browserless;

impl OpenBrowser for Browserless {
    fn open(&self, _url: &str) -> std::io::Result<()> {
        Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no browser"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_browser_the_call_says_so_and_leaves_nothing() {
    let world = World::new().await;
    world.added(ACME).await;
    let client = Client::builder().config(world.config()).browser(Arc::new(Browserless)).open().await.unwrap();
    let request = Authorize { redirect_url: None, ..world.authorize(ACME) };
    let error = client.registrations().authorize_in_browser(request, None).await.unwrap_err();
    is(&error, ErrorKind::Unavailable, "no browser");
    assert!(error.info().remedy.contains("by hand"), "{error:?}");
}
