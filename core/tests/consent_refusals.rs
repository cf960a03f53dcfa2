//! What must not get through: forged, foreign, late, repeated and half callbacks, in tables. Nothing changes, the error
//! says why, and the true callback still works afterwards where the flow was not used up.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use chrono::TimeDelta;
use itsm_adapter::{Authorize, ConnectionStatus, ErrorKind, Secret};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use serde_json::json;
use support::{ACME, DEV1, GLOBEX, World, is, until};

/// A callback that is altered, and what is said of it: kind and reason.
type Case = (&'static str, String, ErrorKind, &'static str);

/// What goes wrong at the instance after the person has allowed it.
type Spoil<'a> = Box<dyn Fn() + 'a>;

const INPUT: ErrorKind = ErrorKind::InvalidInput;
const EXPIRED: ErrorKind = ErrorKind::FlowExpired;

/// The parts of a true callback.
struct True {
    redirect: String,
    code: String,
    state: String,
}

impl True {
    fn of(callback: &str) -> Self {
        let url: url::Url = callback.parse().unwrap();
        let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let redirect = callback.split('?').next().unwrap().to_owned();
        Self { redirect, code: get("code"), state: get("state") }
    }

    fn at(&self, place: &str) -> String {
        format!("{place}?code={}&state={}", self.code, self.state)
    }

    fn with_state(&self, state: &str) -> String {
        format!("{}?code={}&state={state}", self.redirect, self.code)
    }

    fn and(&self, more: &str) -> String {
        format!("{}&{more}", self.at(&self.redirect))
    }
}

async fn begun(world: &World, request: Authorize) -> String {
    let begun = world.client.registrations().authorize(request).await.unwrap();
    world.browser().allow(&begun.authorization_url, "svc.citrix").await
}

/// Every case is refused as it says, sends nothing to the instance, and changes nothing.
async fn refused(world: &World, session: Option<&Secret>, cases: Vec<Case>) -> usize {
    let before = world.state().await;
    let (tokens, codes) = (world.asked("token").len(), cases.len());
    for (about, callback, kind, reason) in cases {
        let error = world.client.registrations().complete(&callback, session).await.unwrap_err();
        is(&error, kind, about);
        assert_eq!(error.context("reason"), Some(reason), "{about}: {error:?}");
    }
    assert_eq!(world.state().await, before, "a refused callback has changed something");
    assert_eq!(world.asked("token").len(), tokens, "a refused callback was taken to the token endpoint");
    codes
}

#[allow(clippy::too_many_lines)] // four tables
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_answer_to_us_is_refused_and_the_true_one_still_works() {
    let world = World::new().await;
    world.added(ACME).await;
    let callback = begun(&world, world.authorize(ACME)).await;
    let own = True::of(&callback);
    let (redirect, code, state) = (&own.redirect, &own.code, &own.state);
    let half: Vec<Case> = [
        ("nothing", String::new()),
        ("no URL", "code and state".into()),
        ("a path", callback.strip_prefix("http://127.0.0.1:8719").unwrap().into()),
        ("no query", redirect.clone()),
        ("no code", format!("{redirect}?state={state}")),
        ("an empty code", format!("{redirect}?code=&state={state}")),
        ("no state", format!("{redirect}?code={code}")),
        ("an empty state", format!("{redirect}?code={code}&state=")),
        ("a code twice", own.and("code=other")),
        ("the same code twice", own.and(&format!("code={code}"))),
        ("a state twice", own.and(&format!("state={}", "x".repeat(75)))),
        ("the same state twice", own.and(&format!("state={state}"))),
        ("a state hidden by encoding", own.and(&format!("%73tate={state}"))),
        ("an issuer twice", own.and("iss=a&iss=b")),
        ("an error twice", format!("{redirect}?error=a&error=b&state={state}")),
        ("a description twice", format!("{redirect}?error=a&error_description=b&error_description=c&state={state}")),
        ("a code and an error", own.and("error=access_denied")),
        ("an empty error", format!("{redirect}?error=&state={state}")),
        ("a fragment", format!("{callback}#more")),
        ("everything in the fragment", format!("{redirect}#code={code}&state={state}")),
        ("a line break", format!("{redirect}?code={code}\n&state={state}")),
        ("a blank", format!("{redirect}?code={code} &state={state}")),
        ("a backslash", format!("{}\\@evil.example", own.at(redirect))),
        ("a NUL", format!("{callback}\0")),
        ("17 KB", own.and(&"x".repeat(17 * 1024))),
    ]
    .map(|(about, callback)| (about, callback, INPUT, "callback"))
    .into();
    let elsewhere: Vec<Case> = [
        ("another host", "http://evil.example:8719/callback/dev1/1"),
        ("a host that begins the same", "http://127.0.0.1.evil.example:8719/callback/dev1/1"),
        ("another port", "http://127.0.0.1:8720/callback/dev1/1"),
        ("no port", "http://127.0.0.1/callback/dev1/1"),
        ("https for http", "https://127.0.0.1:8719/callback/dev1/1"),
        ("the other loopback", "http://[::1]:8719/callback/dev1/1"),
        ("the name of loopback", "http://localhost:8719/callback/dev1/1"),
        ("another address of loopback", "http://127.0.0.2:8719/callback/dev1/1"),
        ("another path", "http://127.0.0.1:8719/callback/dev1/3"),
        ("the path of another registration", "http://127.0.0.1:8719/callback/dev1/2"),
        ("the path of another instance", "http://127.0.0.1:8719/callback/dev2/1"),
        ("a path below", "http://127.0.0.1:8719/callback/dev1/1/more"),
        ("a path above", "http://127.0.0.1:8719/callback/dev1"),
        ("a slash more", "http://127.0.0.1:8719/callback/dev1/1/"),
        ("a slash twice", "http://127.0.0.1:8719//callback/dev1/1"),
        ("a path in capitals", "http://127.0.0.1:8719/Callback/dev1/1"),
        ("an encoded path", "http://127.0.0.1:8719/callback/dev1/%31"),
        ("user info", "http://me@127.0.0.1:8719/callback/dev1/1"),
        ("the address as user info", "http://127.0.0.1:8719@evil.example/callback/dev1/1"),
        ("a script", "javascript:alert(1)"),
        ("a file", "file:///callback/dev1/1"),
        ("data", "data:text/html,callback"),
    ]
    .map(|(about, place)| (about, own.at(place), INPUT, "redirect"))
    .into();
    let flipped = |at: usize| {
        let mut state = state.clone().into_bytes();
        state[at] = if state[at] == b'a' { b'b' } else { b'a' };
        String::from_utf8(state).unwrap()
    };
    let forged: Vec<Case> = [
        ("a state too short", "abc".into(), "state"),
        ("a state too long", format!("{state}a"), "state"),
        ("a state without its end", state[..74].into(), "state"),
        ("a blank after the state", format!("{state}%20"), "state"),
        ("a NUL in the state", format!("{}%00", &state[..74]), "state"),
        ("bytes that are no text", "%FF%FE".repeat(37), "state"),
        ("a character across the seam", format!("{}%C3%A4{}", &state[..31], &state[33..]), "state"),
        ("another alphabet", format!("{}!", &state[..74]), "state"),
        ("the last character changed", flipped(74), "state"),
        ("the first secret character changed", flipped(32), "state"),
        ("the id alone, and guessing", format!("{}{}", &state[..32], "A".repeat(43)), "state"),
        ("another id", flipped(0), "unknown"),
        ("capitals", state.to_uppercase(), "unknown"),
        ("a state that nobody sent", "f".repeat(75), "unknown"),
        ("a way out of the table", format!("{}{}", "..%2F..%2Fetc%2Fpasswd", "A".repeat(60)), "state"),
        ("a statement", format!("'%20OR%20'1'='1{}", "A".repeat(61)), "state"),
    ]
    .map(|(about, state, reason)| (about, own.with_state(&state), EXPIRED, reason))
    .into();
    let issued: Vec<Case> = [
        ("an issuer from elsewhere", "https%3A%2F%2Fevil.example".to_owned()),
        ("an empty issuer", String::new()),
        ("an issuer with a slash more", format!("{}/", world.url())),
        ("an issuer with another scheme", world.url().replace("http:", "https:")),
        ("an issuer in capitals", world.url().to_uppercase()),
    ]
    .map(|(about, issuer)| (about, own.and(&format!("iss={issuer}")), EXPIRED, "issuer"))
    .into();
    let mut count = 0;
    for cases in [half, elsewhere, forged, issued] {
        count += refused(&world, None, cases).await;
    }
    let session = Secret::from("a session that nobody began with");
    count += refused(&world, Some(&session), vec![("a session more", callback.clone(), EXPIRED, "session")]).await;
    assert_eq!(count, 69);

    let named = format!("{callback}&iss={}", world.url());
    let done = world.client.registrations().complete(&format!(" {named}\n").replace('\n', ""), None).await.unwrap();
    assert_eq!(done.connection.status, ConnectionStatus::Registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_belongs_to_the_session_that_began_it() {
    let world = World::new().await;
    world.added(ACME).await;
    let session = Secret::from("browser-session-1");
    let request = Authorize { session: Some(session.clone()), ..world.authorize(ACME) };
    let callback = begun(&world, request).await;
    for (about, other) in [
        ("no session", None),
        ("another one", Some("browser-session-2")),
        ("the beginning of it", Some("browser-session")),
        ("nothing in it", Some("")),
    ] {
        let other = other.map(Secret::from);
        refused(&world, other.as_ref(), vec![(about, callback.clone(), EXPIRED, "session")]).await;
    }
    world.client.registrations().complete(&callback, Some(&session)).await.unwrap();
}

/// Mix-up (T1): two registrations, two flows, and the answers swapped.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_one_flow_never_serves_another() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.added(ACME).await;
    world.added(GLOBEX).await;
    let own = True::of(&begun(&world, world.authorize(ACME)).await);
    let other = True::of(&begun(&world, world.authorize_at(GLOBEX, "dev2")).await);
    let cases = vec![
        ("the state of the other at our address", own.with_state(&other.state), INPUT, "redirect"),
        ("our state at the address of the other", own.at(&other.redirect), INPUT, "redirect"),
    ];
    refused(&world, None, cases).await;
    // The code of the other instance in our flow: it goes to our instance alone, which does not know it.
    world.simulator.clear_requests();
    let crossed = format!("{}?code={}&state={}", own.redirect, other.code, own.state);
    let error = world.client.registrations().complete(&crossed, None).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "the code of the other instance");
    let asked: Vec<_> = world.asked("token").into_iter().filter_map(|asked| asked.instance).collect();
    assert_eq!(asked, [DEV1], "a code went to another instance than the one of its flow");
    let done = world.client.registrations().complete(&other.at(&other.redirect), None).await.unwrap();
    assert_eq!(done.connection.instance_id.as_str(), world.url_of("dev2"));
    assert!(world.client.connections().get(ACME, &world.url()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_url_belongs_to_one_registration() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.added(ACME).await;
    world.added(GLOBEX).await;
    let stolen = |customer: &str, instance: &str| Authorize {
        redirect_url: world.authorize(ACME).redirect_url,
        ..world.authorize_at(customer, instance)
    };
    let pending = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    for (about, request) in [
        ("another account, a flow under way", stolen(GLOBEX, DEV1)),
        ("another instance, a flow under way", stolen(GLOBEX, "dev2")),
    ] {
        let error = world.client.registrations().authorize(request).await.unwrap_err();
        is(&error, INPUT, about);
        assert_eq!(error.context("taken_by"), Some(ACME), "{about}: {error:?}");
    }
    let callback = world.browser().allow(&pending.authorization_url, "svc.citrix").await;
    world.client.registrations().complete(&callback, None).await.unwrap();
    world.clock.advance(Duration::from_secs(3600));
    let error = world.client.registrations().authorize(stolen(GLOBEX, "dev2")).await.unwrap_err();
    is(&error, INPUT, "a registration that holds it");
    assert_eq!(error.context("taken_at"), Some(world.url().as_str()), "{error:?}");
    // It is free again when the registration has ended.
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    world.client.registrations().authorize(stolen(GLOBEX, "dev2")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_ends_after_ten_minutes_whichever_way_the_clock_is_set() {
    let world = World::with(&[DEV1], 0).await;
    world.added(ACME).await;
    for (about, jump) in [
        ("ten minutes", TimeDelta::minutes(10)),
        ("a day later", TimeDelta::days(1)),
        ("a day earlier", TimeDelta::days(-1)),
    ] {
        let callback = begun(&world, world.authorize(ACME)).await;
        world.clock.jump(jump);
        refused(&world, None, vec![(about, callback, EXPIRED, "time")]).await;
        world.clock.jump(-jump);
    }
    let callback = begun(&world, world.authorize(ACME)).await;
    world.clock.jump(TimeDelta::seconds(599));
    world.client.registrations().complete(&callback, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_used_once() {
    let world = World::new().await;
    world.added(ACME).await;
    let registrations = world.client.registrations();
    let given_up = registrations.authorize(world.authorize(ACME)).await.unwrap();
    let given_up_answer = world.browser().allow(&given_up.authorization_url, "svc.citrix").await;
    registrations.abandon(&given_up.flow_id).await.unwrap();
    registrations.abandon(&given_up.flow_id).await.unwrap();
    is(&registrations.abandon("nobody's").await.unwrap_err(), ErrorKind::NotFound, "a flow of nobody");

    let denied = registrations.authorize(world.authorize(ACME)).await.unwrap();
    let mut browser = world.browser();
    let consent = browser.sign_in(&denied.authorization_url, "svc.citrix").await;
    let no = browser.decide(&consent, "deny").await;
    is(&registrations.complete(&no, None).await.unwrap_err(), ErrorKind::ConsentDenied, "Deny");

    let wrong = True::of(&begun(&world, world.authorize(ACME)).await);
    let tampered = format!("{}?code=x{}&state={}", wrong.redirect, wrong.code, wrong.state);
    is(&registrations.complete(&tampered, None).await.unwrap_err(), ErrorKind::Unauthorized, "a tampered code");

    let callback = begun(&world, world.authorize(ACME)).await;
    registrations.complete(&callback, None).await.unwrap();
    let late = begun(&world, world.authorize(ACME)).await;
    registrations.unregister(ACME, &world.url()).await.unwrap();
    let changed_mind = wrong.at(&wrong.redirect);
    let cases = [
        ("given up", given_up_answer),
        ("denied before", no),
        ("answered with a tampered code before", changed_mind),
        ("finished before", callback),
        ("the registration was ended meanwhile", late),
    ];
    refused(&world, None, cases.map(|(about, callback)| (about, callback, EXPIRED, "used")).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_instance_answers_through_the_browser_becomes_a_typed_error() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    for (error, kind) in [
        ("access_denied", ErrorKind::ConsentDenied),
        ("consent_required", ErrorKind::ConsentDenied),
        ("login_required", ErrorKind::ConsentDenied),
        ("interaction_required", ErrorKind::ConsentDenied),
        ("server_error", ErrorKind::Unavailable),
        ("temporarily_unavailable", ErrorKind::Unavailable),
        ("invalid_scope", ErrorKind::Forbidden),
        ("unauthorized_client", ErrorKind::PrerequisiteMissing),
        ("unsupported_response_type", ErrorKind::PrerequisiteMissing),
        ("invalid_request", ErrorKind::PrerequisiteMissing),
        ("something_else", ErrorKind::Protocol),
        ("%3Cscript%3E%0d%0aX:%20y", ErrorKind::Protocol),
    ] {
        let request = Authorize { client_id: None, client_secret: None, redirect_url: None, ..world.authorize(ACME) };
        let own = True::of(&begun(&world, request).await);
        let before = world.state().await;
        let answer = format!("{}?error={error}&error_description=%1b%5bwhy&state={}", own.redirect, own.state);
        let refused = world.client.registrations().complete(&answer, None).await.unwrap_err();
        is(&refused, kind, error);
        assert!(!refused.to_string().chars().any(char::is_control), "{refused:?}");
        assert_eq!(world.state().await, before, "{error}");
        world.reads(ACME, error).await;
    }
}

/// The code is good for us, and yet: the token endpoint refuses it, or the test after it fails. The grant in use stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_leads_to_nothing_leaves_the_grant_in_use_working() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    let client_id = world.request(ACME).client_id;
    let users = |change: serde_json::Value| {
        let world = &world;
        move || drop(world.simulator.patch_user(DEV1, "svc.second", &change).unwrap())
    };
    let switch = |change: serde_json::Value| {
        let world = &world;
        move || drop(world.simulator.patch_instance(DEV1, &change).unwrap())
    };
    let fault = |what: FaultKind, route: &'static str| {
        let world = &world;
        move || world.simulator.fault(Fault::new(DEV1, what).route(route).always())
    };
    let cases: Vec<(&str, &str, Spoil<'_>, ErrorKind)> = vec![
        ("a wrong secret", "svc.citrix", Box::new(|| ()), ErrorKind::Unauthorized),
        (
            "the code was too old",
            "svc.citrix",
            Box::new(|| world.simulator.advance(Duration::from_secs(3600))),
            ErrorKind::Unauthorized,
        ),
        (
            "the person was locked out",
            "svc.second",
            Box::new(users(json!({"locked_out": true}))),
            ErrorKind::Unauthorized,
        ),
        ("another person", "svc.limited", Box::new(|| ()), ErrorKind::IllegalState),
        (
            "the client is restricted to scopes",
            "svc.citrix",
            Box::new(switch(json!({"scope_restricted": true}))),
            ErrorKind::Forbidden,
        ),
        (
            "the token endpoint is down",
            "svc.citrix",
            Box::new(fault(FaultKind::FailTimes, "token")),
            ErrorKind::Unavailable,
        ),
        (
            "the token endpoint throttles",
            "svc.citrix",
            Box::new(fault(FaultKind::Throttle, "token")),
            ErrorKind::Throttled,
        ),
        (
            "the token endpoint answers a page",
            "svc.citrix",
            Box::new(fault(FaultKind::Html, "token")),
            ErrorKind::Protocol,
        ),
        (
            "the token endpoint never answers",
            "svc.citrix",
            Box::new(fault(FaultKind::Hang, "token")),
            ErrorKind::Timeout,
        ),
        ("the token endpoint hangs up", "svc.citrix", Box::new(fault(FaultKind::Cut, "token")), ErrorKind::Unavailable),
        ("the API is down", "svc.citrix", Box::new(fault(FaultKind::FailTimes, "table")), ErrorKind::Unavailable),
        ("the API answers a page", "svc.citrix", Box::new(fault(FaultKind::Html, "current_user")), ErrorKind::Protocol),
        (
            "the instance hibernates",
            "svc.citrix",
            Box::new(fault(FaultKind::Hibernating, "table")),
            ErrorKind::Unavailable,
        ),
    ];
    for (about, user, spoil, kind) in cases {
        let mut request = world.authorize(ACME);
        if about == "a wrong secret" {
            request.client_secret = Some("not the secret".into());
        }
        let flow = world.client.registrations().authorize(request).await.unwrap();
        let callback = world.browser().allow(&flow.authorization_url, user).await;
        let before = world.client.connections().get(ACME, &world.url()).await.unwrap();
        spoil();
        let error = world.client.registrations().complete(&callback, None).await.expect_err(about);
        is(&error, kind, about);
        world.simulator.clear_faults();
        world.simulator.patch_instance(DEV1, &json!({"scope_restricted": false})).unwrap();
        world.simulator.patch_user(DEV1, "svc.second", &json!({"locked_out": false})).unwrap();
        let after = world.client.connections().get(ACME, &world.url()).await.unwrap();
        assert_eq!((after.status, &after.grant), (before.status, &before.grant), "{about}");
        world.clock.advance(Duration::from_secs(61));
        world.reads(ACME, about).await;
        assert_eq!(world.state().await["revocations"], 0, "{about}: something is left in hand");
        assert_eq!(after.endpoint.unwrap().client_id, client_id, "{about}");
    }
    // Tokens that were tried and not saved are dead at the instance.
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.reads(ACME, "renewed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.added(ACME).await;
    world.simulator.clear_requests();
    let good = || world.authorize(ACME);
    let redirect = |url: &str| Authorize { redirect_url: Some(url.to_owned()), ..good() };
    let at = |url: &str| Authorize { instance_url: url.to_owned(), ..good() };
    let before = world.state().await;
    for (about, request, kind) in [
        ("an unknown account", Authorize { customer_id: "nobody".into(), ..good() }, ErrorKind::NotFound),
        ("an account with a line break", Authorize { customer_id: "a\r\nb".into(), ..good() }, INPUT),
        ("no client id", Authorize { client_id: None, ..good() }, INPUT),
        ("a client id with a line break", Authorize { client_id: Some("a\nb".into()), ..good() }, INPUT),
        ("an empty secret", Authorize { client_secret: Some("".into()), ..good() }, INPUT),
        ("an empty session", Authorize { session: Some("".into()), ..good() }, INPUT),
        ("no redirect URL", Authorize { redirect_url: None, ..good() }, INPUT),
        ("an empty redirect URL", redirect(""), INPUT),
        ("a redirect in the clear", redirect("http://adapter.example/callback"), INPUT),
        ("a redirect to a private address", redirect("http://10.0.0.1/callback"), INPUT),
        ("a redirect to a script", redirect("javascript:alert(1)"), INPUT),
        ("a redirect to an app", redirect("myapp://callback"), INPUT),
        ("a redirect with user info", redirect("https://me:pw@adapter.example/callback"), INPUT),
        ("a redirect with a query", redirect("https://adapter.example/callback?next=/"), INPUT),
        ("a redirect with a fragment", redirect("https://adapter.example/callback#x"), INPUT),
        ("a redirect with a blank", redirect("https://adapter.example/call back"), INPUT),
        ("a redirect with a backslash", redirect("https://adapter.example\\@evil.example/"), INPUT),
        ("a redirect with a line break", redirect("https://adapter.example/\r\nX: y"), INPUT),
        ("a redirect without a host", redirect("https://"), INPUT),
        ("a redirect of 3 KB", redirect(&format!("https://adapter.example/{}", "x".repeat(3000))), INPUT),
        ("a host that is no instance", at("https://evil.example"), INPUT),
        ("a private instance that is not named", at("https://10.0.0.1"), INPUT),
        ("the metadata service", at("http://169.254.169.254"), INPUT),
        ("an instance with user info", at("https://dev1.service-now.com@evil.example"), INPUT),
        ("an instance with a path", at(&format!("{}/oauth_auth.do", world.url())), INPUT),
    ] {
        let error = world.client.registrations().authorize(request).await.expect_err(about);
        is(&error, kind, about);
    }
    assert_eq!(world.state().await, before);
    assert!(world.simulator.requests().is_empty(), "somebody was asked");

    world.consented(ACME, "svc.citrix").await;
    let error = world.client.registrations().authorize(world.authorize_at(ACME, "dev2")).await.unwrap_err();
    is(&error, ErrorKind::AlreadyRegistered, "held by another instance");
    assert_eq!(error.context("held_by"), Some(world.url().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_under_way_does_not_bring_back_a_registration_that_was_ended() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    let callback = begun(&world, world.authorize(ACME)).await;
    let late = world.another_client().await;
    world.simulator.clear_requests();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", 600));
    let client = world.client.clone();
    let finishing = tokio::spawn(async move { client.registrations().complete(&callback, None).await });
    until("the code on its way", || !world.asked("token").is_empty()).await;
    late.registrations().unregister(ACME, &world.url()).await.unwrap();
    is(&finishing.await.unwrap().unwrap_err(), ErrorKind::IllegalState, "ended meanwhile");
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unregistered);
    assert!(!world.accepts(&world.token("access_token")).await, "its token is alive");
    assert_eq!(world.state().await["revocations"], 0);
}
