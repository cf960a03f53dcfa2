//! The consent against a certified OAuth server that is not ours. `tests/run oidc` installs it and runs this; the
//! usual run of the Rust tests leaves it out, because it needs Node.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ConnectionStatus, Error, ErrorKind, EventKind};
use support::{
    ACME, is,
    oidc::{ALICE, Form, Person, Proof, REDIRECT, SECOND_REDIRECT, parameter, put, with_form},
};

/// Longer than an access token lives there, shorter than anything else.
const HALF_AN_HOUR: u64 = 1900;
const HUNDRED_DAYS: u64 = 8_640_000;

/// A change of a request, and what has to come of it.
type Case = (&'static str, ErrorKind, fn(&mut Form));

fn change(form: &mut Form, name: &str, by: impl FnOnce(&str) -> String) {
    let value = form.iter().find(|(found, _)| found == name).map(|(_, value)| by(value));
    put(form, name, value.as_deref());
}

/// The value with its last character exchanged.
fn other_end(value: &str) -> String {
    let (rest, last) = value.split_at(value.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

fn flipped(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect()
}

fn twice(form: &mut Form, name: &str) {
    let again = form.iter().find(|(found, _)| found == name).unwrap().clone();
    form.push(again);
}

fn reason(error: &Error) -> &str {
    error.context("reason").unwrap_or("")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_client_registers_renews_and_leaves_nothing_alive() {
    let proof = Proof::new().await;
    for client_id in ["public-still", "public-rotating", "secret-still", "secret-rotating"] {
        let done = proof.registered(client_id).await;
        assert_eq!(done.user_name.as_deref(), Some(ALICE), "{client_id}");
        proof.read().await.unwrap();
        assert_eq!(proof.living().await, 2, "{client_id}: one access token, one refresh token");
        for _ in 0..3 {
            proof.pass(HALF_AN_HOUR).await;
            let calls = proof.hands.calls();
            proof.read().await.unwrap();
            assert_eq!(proof.hands.calls(), calls + 1, "{client_id}: one exchange");
        }
        let seen = proof.hands.wire.seen().into_iter();
        let refresh_tokens =
            seen.filter(|seen| seen.name == "refresh_token" && seen.origin == proof.provider.issuer).count();
        proof.hands.wire.forget();
        let rotated = client_id.ends_with("rotating");
        assert_eq!(refresh_tokens, if rotated { 4 } else { 1 }, "{client_id}: rotation is what the server says it is");
        let left = proof.client.registrations().unregister(ACME, &proof.provider.instance).await.unwrap();
        assert!(left.complete, "{client_id}: {left:?}");
        assert_eq!(proof.living().await, 0, "{client_id}: the server takes none of the tokens any more");
        assert_eq!(proof.refusals().await, [""; 0], "{client_id}: nothing was refused on the way");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_takes_the_answer_at_a_port_that_was_free() {
    let proof = Proof::new().await;
    let mut request = proof.request("public-rotating");
    for (person, kind) in [
        (Person::Leaves, Some(ErrorKind::ConsentDenied)),
        (Person::Denies(ALICE), Some(ErrorKind::ConsentDenied)),
        (Person::Allows(ALICE), None),
    ] {
        // Native clients are known with their path and any port (RFC 8252 section 7.3).
        request.redirect_url = Some("http://127.0.0.1:0/callback".to_owned());
        let begun = proof.client.registrations().listen(request.clone()).await.unwrap();
        let callback = proof.visit(&begun.authorization_url, person).await;
        let page = proof.browser().get(&callback).await;
        let outcome = proof.client.registrations().wait_for(&begun.flow_id, None).await;
        assert_eq!(outcome.as_ref().err().map(Error::kind), kind, "{person:?}: {outcome:?}");
        let title = if kind.is_none() { "Registered" } else { "Not allowed" };
        assert!(page.body.contains(&format!("<h1>{title}</h1>")), "{person:?}: {}", page.body);
    }
    proof.read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_exchange_gets_nothing_and_changes_nothing() {
    use ErrorKind::{PrerequisiteMissing, Unauthorized};
    let cases: &[Case] = &[
        ("no verifier", Unauthorized, |form| put(form, "code_verifier", None)),
        ("an empty verifier", Unauthorized, |form| put(form, "code_verifier", Some(""))),
        ("another verifier", Unauthorized, |form| put(form, "code_verifier", Some(&"v".repeat(43)))),
        ("a verifier with another end", Unauthorized, |form| change(form, "code_verifier", other_end)),
        ("a verifier in other letters", Unauthorized, |form| change(form, "code_verifier", flipped)),
        ("a verifier cut short", PrerequisiteMissing, |form| change(form, "code_verifier", |v| v[..42].to_owned())),
        ("an endless verifier", PrerequisiteMissing, |form| put(form, "code_verifier", Some(&"v".repeat(129)))),
        ("a verifier with a blank", PrerequisiteMissing, |form| change(form, "code_verifier", |v| format!("{v} "))),
        ("two verifiers", PrerequisiteMissing, |form| twice(form, "code_verifier")),
        ("no code", PrerequisiteMissing, |form| put(form, "code", None)),
        ("an empty code", PrerequisiteMissing, |form| put(form, "code", Some(""))),
        ("a code cut short", Unauthorized, |form| change(form, "code", |v| v[1..].to_owned())),
        ("a code with another end", Unauthorized, |form| change(form, "code", other_end)),
        ("a code in other letters", Unauthorized, |form| change(form, "code", flipped)),
        ("a code with a blank", Unauthorized, |form| change(form, "code", |v| format!("{v} "))),
        ("two codes", PrerequisiteMissing, |form| twice(form, "code")),
        ("no redirect URL", PrerequisiteMissing, |form| put(form, "redirect_uri", None)),
        ("another redirect URL", Unauthorized, |form| put(form, "redirect_uri", Some(SECOND_REDIRECT))),
        ("a redirect URL with a slash", Unauthorized, |form| put(form, "redirect_uri", Some(&format!("{REDIRECT}/")))),
        ("another port", Unauthorized, |form| put(form, "redirect_uri", Some("http://127.0.0.1:8/callback"))),
        ("another scheme", Unauthorized, |form| put(form, "redirect_uri", Some("https://127.0.0.1:7/callback"))),
        ("another host", Unauthorized, |form| put(form, "redirect_uri", Some("http://localhost:7/callback"))),
        ("no client", PrerequisiteMissing, |form| put(form, "client_id", None)),
        ("a client nobody knows", Unauthorized, |form| put(form, "client_id", Some("nobody"))),
        ("another client", Unauthorized, |form| put(form, "client_id", Some("another"))),
        ("another client with its secret", Unauthorized, |form| {
            put(form, "client_id", Some("another"));
            put(form, "client_secret", Some("another-secret-0123456789-0123456789"));
        }),
        ("a public client", Unauthorized, |form| {
            put(form, "client_id", Some("public-still"));
            put(form, "client_secret", None);
        }),
        ("no secret", Unauthorized, |form| put(form, "client_secret", None)),
        ("an empty secret", Unauthorized, |form| put(form, "client_secret", Some(""))),
        ("another secret", Unauthorized, |form| {
            put(form, "client_secret", Some("another-secret-0123456789-0123456789"))
        }),
        ("a secret with another end", Unauthorized, |form| change(form, "client_secret", other_end)),
        ("two secrets", PrerequisiteMissing, |form| twice(form, "client_secret")),
        ("no grant type", PrerequisiteMissing, |form| put(form, "grant_type", None)),
        ("an unknown grant type", PrerequisiteMissing, |form| put(form, "grant_type", Some("magic"))),
        ("the password grant", PrerequisiteMissing, |form| put(form, "grant_type", Some("password"))),
        ("the code as a refresh token", Unauthorized, |form| {
            change(form, "code", str::to_owned);
            let code = form.iter().find(|(name, _)| name == "code").unwrap().1.clone();
            put(form, "grant_type", Some("refresh_token"));
            put(form, "refresh_token", Some(&code));
        }),
    ];
    let proof = Proof::new().await;
    for (about, kind, spoil) in cases {
        let callback = proof.came_back("secret-still", Person::Allows(ALICE)).await;
        proof.hands.change(spoil);
        let calls = proof.hands.calls();
        let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
        is(&error, *kind, about);
        assert_eq!(proof.hands.calls(), calls + 1, "{about}: it is sent once");
        assert_eq!(proof.refusals().await.len(), 1, "{about}: the server refused it");
        proof.hands.leave_alone();
        let again = proof.client.registrations().complete(&callback, None).await.unwrap_err();
        assert_eq!((again.kind(), reason(&again)), (ErrorKind::FlowExpired, "used"), "{about}");
        assert_eq!(proof.hands.calls(), calls + 1, "{about}: a code is never sent twice");
        let state = proof.state().await;
        assert_eq!((state["connections"].as_array().unwrap().len(), &state["revocations"]), (0, &0.into()), "{about}");
    }
    assert_eq!(proof.living().await, 0);
    println!("{} cases", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_refresh_is_proof_only_when_the_server_refuses_the_grant_or_the_client() {
    use ErrorKind::{Forbidden, PrerequisiteMissing, Unauthorized};
    let cases: &[Case] = &[
        ("an unknown refresh token", Unauthorized, |form| put(form, "refresh_token", Some(&"r".repeat(43)))),
        ("a refresh token with another end", Unauthorized, |form| change(form, "refresh_token", other_end)),
        ("a refresh token cut short", Unauthorized, |form| change(form, "refresh_token", |v| v[1..].to_owned())),
        ("a client nobody knows", Unauthorized, |form| put(form, "client_id", Some("nobody"))),
        ("another client with its secret", Unauthorized, |form| {
            put(form, "client_id", Some("another"));
            put(form, "client_secret", Some("another-secret-0123456789-0123456789"));
        }),
        ("another secret", Unauthorized, |form| {
            put(form, "client_secret", Some("another-secret-0123456789-0123456789"))
        }),
        ("no secret", Unauthorized, |form| put(form, "client_secret", None)),
        ("no refresh token", PrerequisiteMissing, |form| put(form, "refresh_token", None)),
        ("an empty refresh token", PrerequisiteMissing, |form| put(form, "refresh_token", Some(""))),
        ("two refresh tokens", PrerequisiteMissing, |form| twice(form, "refresh_token")),
        ("no client", PrerequisiteMissing, |form| put(form, "client_id", None)),
        ("no grant type", PrerequisiteMissing, |form| put(form, "grant_type", None)),
        ("an unknown grant type", PrerequisiteMissing, |form| put(form, "grant_type", Some("magic"))),
        ("the code grant without a code", PrerequisiteMissing, |form| {
            put(form, "grant_type", Some("authorization_code"))
        }),
        ("a scope that was not granted", Forbidden, |form| put(form, "scope", Some("table_api and_more"))),
    ];
    let proof = Proof::new().await;
    proof.registered("secret-still").await;
    for (about, kind, spoil) in cases {
        proof.pass(HALF_AN_HOUR).await;
        proof.hands.change(spoil);
        let calls = proof.hands.calls();
        let error = proof.read_with_patience().await.unwrap_err();
        assert_eq!(error.kind(), *kind, "{about}: {error:?}");
        proof.hands.leave_alone();
        let (status, sent) = (proof.status().await, proof.hands.calls() - calls);
        if *kind == Unauthorized {
            assert_eq!((status, sent), (ConnectionStatus::Unauthorized, 2), "{about}: refused twice, then it is true");
            proof.read().await.unwrap_err();
            assert_eq!(proof.hands.calls() - calls, 2, "{about}: never sent again by itself");
            proof.registered("secret-still").await;
        } else {
            assert_eq!((status, sent), (ConnectionStatus::Registered, 1), "{about}: no word about the grant");
            proof.clock.advance(std::time::Duration::from_secs(60));
        }
        proof.read().await.unwrap_or_else(|error| panic!("after {about}: {error:?}"));
    }
    println!("{} cases", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_authorization_request_ends_in_an_error_of_its_own() {
    use ErrorKind::{ConsentDenied, FlowExpired, Forbidden, InvalidInput, PrerequisiteMissing, Protocol, Unauthorized};
    let cases: &[Case] = &[
        ("no response type", PrerequisiteMissing, |form| put(form, "response_type", None)),
        ("an implicit token", InvalidInput, |form| put(form, "response_type", Some("token"))),
        ("a hybrid answer", InvalidInput, |form| put(form, "response_type", Some("code id_token"))),
        ("no challenge", PrerequisiteMissing, |form| {
            put(form, "code_challenge", None);
            put(form, "code_challenge_method", None);
        }),
        ("a challenge in the open", PrerequisiteMissing, |form| put(form, "code_challenge_method", Some("plain"))),
        ("a challenge without a method", PrerequisiteMissing, |form| put(form, "code_challenge_method", None)),
        ("a challenge cut short", PrerequisiteMissing, |form| change(form, "code_challenge", |v| v[1..].to_owned())),
        ("somebody else's challenge", Unauthorized, |form| put(form, "code_challenge", Some(&"c".repeat(43)))),
        ("a client nobody knows", InvalidInput, |form| put(form, "client_id", Some("nobody"))),
        ("no client", InvalidInput, |form| put(form, "client_id", None)),
        ("another client of the server", Unauthorized, |form| put(form, "client_id", Some("another"))),
        ("a redirect URL nobody entered", InvalidInput, |form| {
            put(form, "redirect_uri", Some("https://elsewhere.example/callback"));
        }),
        ("a redirect URL with a longer path", InvalidInput, |form| change(form, "redirect_uri", |v| format!("{v}/x"))),
        ("a redirect URL with user info", InvalidInput, |form| {
            put(form, "redirect_uri", Some("http://127.0.0.1:7@elsewhere.example/callback"));
        }),
        ("no redirect URL", InvalidInput, |form| put(form, "redirect_uri", None)),
        ("the client's other redirect URL", InvalidInput, |form| put(form, "redirect_uri", Some(SECOND_REDIRECT))),
        ("no state", InvalidInput, |form| put(form, "state", None)),
        ("a state with another end", FlowExpired, |form| change(form, "state", other_end)),
        ("a state of somebody else", FlowExpired, |form| put(form, "state", Some(&"s".repeat(75)))),
        ("two states", InvalidInput, |form| twice(form, "state")),
        ("an unknown scope", Forbidden, |form| put(form, "scope", Some("table_api everything"))),
        ("no page for the person", ConsentDenied, |form| put(form, "prompt", Some("none"))),
        ("an unknown prompt", PrerequisiteMissing, |form| put(form, "prompt", Some("please"))),
        ("an answer in the fragment", InvalidInput, |form| put(form, "response_mode", Some("fragment"))),
        ("an answer in a form", InvalidInput, |form| put(form, "response_mode", Some("form_post"))),
        ("an unknown response mode", Protocol, |form| put(form, "response_mode", Some("pigeon"))),
        ("a request object", Protocol, |form| put(form, "request", Some("e30.e30."))),
        ("an address of a request object", Protocol, |form| {
            put(form, "request_uri", Some("https://elsewhere.example/request"));
        }),
    ];
    let proof = Proof::new().await;
    for (about, kind, spoil) in cases {
        let begun = proof.client.registrations().authorize(proof.request("secret-still")).await.unwrap();
        let callback = proof.visit(&with_form(&begun.authorization_url, spoil), Person::Allows(ALICE)).await;
        let outcome = proof.client.registrations().complete(&callback, None).await;
        let error = outcome.err().unwrap_or_else(|| panic!("{about}: it was accepted: {callback}"));
        is(&error, *kind, &format!("{about}: {callback}"));
        assert_eq!(proof.state().await["connections"].as_array().unwrap().len(), 0, "{about}");
    }
    assert_eq!(proof.living().await, 0, "nobody got a token");
    println!("{} cases", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_callback_is_refused_and_the_true_one_still_counts() {
    use ErrorKind::{FlowExpired, InvalidInput};
    // What the server sent is only known at run time; `{}` stands for it.
    let cases: &[(&str, ErrorKind, &str, fn(&mut Form))] = &[
        ("no issuer", FlowExpired, "issuer", |form| put(form, "iss", None)),
        ("an empty issuer", FlowExpired, "issuer", |form| put(form, "iss", Some(""))),
        ("another issuer", FlowExpired, "issuer", |form| put(form, "iss", Some("https://elsewhere.example"))),
        ("an issuer with a slash", FlowExpired, "issuer", |form| change(form, "iss", |v| format!("{v}/"))),
        ("an issuer with another scheme", FlowExpired, "issuer", |form| {
            change(form, "iss", |v| v.replace("http:", "https:"))
        }),
        ("an issuer with another port", FlowExpired, "issuer", |form| change(form, "iss", |v| format!("{v}0"))),
        ("an issuer with another name", FlowExpired, "issuer", |form| {
            change(form, "iss", |v| v.replace("127.0.0.1", "localhost"))
        }),
        ("an issuer with a path", FlowExpired, "issuer", |form| change(form, "iss", |v| format!("{v}/auth"))),
        ("an issuer with user info", FlowExpired, "issuer", |form| change(form, "iss", |v| v.replace("//", "//me@"))),
        ("two issuers", InvalidInput, "callback", |form| twice(form, "iss")),
        ("two issuers, one of them another", InvalidInput, "callback", |form| {
            form.push(("iss".into(), "https://elsewhere.example".into()));
        }),
        ("no state", InvalidInput, "callback", |form| put(form, "state", None)),
        ("a state with another end", FlowExpired, "state", |form| change(form, "state", other_end)),
        ("a state in other letters", FlowExpired, "", |form| change(form, "state", flipped)),
        ("a state cut short", FlowExpired, "state", |form| change(form, "state", |v| v[..74].to_owned())),
        ("no code", InvalidInput, "callback", |form| put(form, "code", None)),
        ("two codes", InvalidInput, "callback", |form| twice(form, "code")),
        ("an error beside the code", InvalidInput, "callback", |form| put(form, "error", Some("access_denied"))),
        ("an error without an issuer", FlowExpired, "issuer", |form| {
            put(form, "code", None);
            put(form, "iss", None);
            put(form, "error", Some("access_denied"));
        }),
    ];
    let proof = Proof::new().await;
    let callback = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    assert_eq!(parameter(&callback, "iss"), Some(proof.provider.issuer.clone()), "the server names itself");
    for (about, kind, why, spoil) in cases {
        let error = proof.client.registrations().complete(&with_form(&callback, spoil), None).await.unwrap_err();
        is(&error, *kind, about);
        assert!(why.is_empty() || reason(&error) == *why, "{about}: {error:?}");
    }
    assert_eq!((proof.hands.calls(), proof.living().await), (0, 0), "no code was sent anywhere");
    proof.client.registrations().complete(&callback, None).await.unwrap();
    proof.read().await.unwrap();
    println!("{} cases", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_allow_it_is_believed() {
    let proof = Proof::new().await;
    for client_id in ["public-still", "secret-still"] {
        for person in [Person::Leaves, Person::Denies(ALICE)] {
            let callback = proof.came_back(client_id, person).await;
            let about = format!("{person:?} at {client_id}: {callback}");
            let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
            is(&error, ErrorKind::ConsentDenied, &about);
            assert_eq!(error.context("error"), Some("access_denied"), "{about}");
            let again = proof.client.registrations().complete(&callback, None).await.unwrap_err();
            assert_eq!((again.kind(), reason(&again)), (ErrorKind::FlowExpired, "used"), "{about}");
        }
    }
    assert_eq!(proof.hands.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_the_server_knows_otherwise_are_told() {
    let proof = Proof::new().await;
    // It wants something signed with the secret; the adapter sends the secret itself, always.
    let callback = proof.came_back("signed-still", Person::Allows(ALICE)).await;
    let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "a client that has to sign");
    // Without a refresh token the grant ends with the access token; then a person has to come back.
    proof.registered("once-still").await;
    proof.read().await.unwrap();
    proof.pass(HALF_AN_HOUR).await;
    let error = proof.read_with_patience().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_the_configured_one_is_not_believed() {
    // Without a configured issuer it has to be the instance itself.
    let proof = Proof::made(|server, _| server.issuer = None).await;
    let callback = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
    assert_eq!((error.kind(), reason(&error)), (ErrorKind::FlowExpired, "issuer"), "{error:?}");
    drop(proof);
    let proof = Proof::made(|server, _| server.issuer = Some("https://login.example".into())).await;
    let callback = proof.came_back("secret-still", Person::Denies(ALICE)).await;
    let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
    assert_eq!((error.kind(), reason(&error)), (ErrorKind::FlowExpired, "issuer"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_was_refused_is_told_and_made_later() {
    let proof = Proof::new().await;
    for (about, query) in [("a client nobody knows", "nobody"), ("no token", "")] {
        proof.registered("secret-still").await;
        proof.hands.change_revocations(move |form| match query {
            "" => put(form, "token", None),
            client => put(form, "client_id", Some(client)),
        });
        let left = proof.client.registrations().unregister(ACME, &proof.provider.instance).await.unwrap();
        assert!(!left.complete && left.failure.is_some(), "{about}: {left:?}");
        assert_eq!(proof.living().await, 2, "{about}: the server takes them still");
        assert!(!proof.events.messages(EventKind::RevocationFailed).is_empty(), "{about}");
        proof.hands.leave_alone();
        proof.registered("secret-still").await;
        proof.client.registrations().check(ACME, &proof.provider.instance).await.unwrap();
        assert_eq!(proof.living().await, 2, "{about}: only the new ones are left");
        proof.client.registrations().unregister(ACME, &proof.provider.instance).await.unwrap();
        assert_eq!(proof.living().await, 0, "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_ends_in_time() {
    let proof = Proof::new().await;
    // The code, there.
    let callback = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    proof.pass_there(61).await;
    let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "an old code");
    assert!(proof.refusals().await[0].contains("expired"));
    // The flow, here, although the server's code still counts.
    let begun = proof.client.registrations().authorize(proof.request("secret-still")).await.unwrap();
    proof.pass(601).await;
    let callback = proof.visit(&begun.authorization_url, Person::Allows(ALICE)).await;
    let error = proof.client.registrations().complete(&callback, None).await.unwrap_err();
    assert_eq!((error.kind(), reason(&error)), (ErrorKind::FlowExpired, "time"), "{error:?}");
    assert_eq!(proof.living().await, 0);
    // The access token, there only: our clock lags behind, so that the API is the one who says it.
    proof.registered("secret-rotating").await;
    let calls = proof.hands.calls();
    proof.pass_there(HALF_AN_HOUR).await;
    proof.read().await.unwrap();
    assert_eq!(proof.hands.calls(), calls + 1, "one exchange, one repetition");
    // The refresh token.
    proof.pass_there(HUNDRED_DAYS).await;
    let error = proof.read_with_patience().await.unwrap_err();
    assert_eq!((error.kind(), proof.status().await), (ErrorKind::Unauthorized, ConnectionStatus::Unauthorized));
    assert!(proof.refusals().await.iter().all(|refused| refused.starts_with("invalid_grant")));
    assert_eq!(proof.events.messages(EventKind::Unauthorized).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_used_again_costs_the_first_grant_and_that_is_told() {
    let proof = Proof::new().await;
    let first = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    proof.client.registrations().complete(&first, None).await.unwrap();
    proof.read().await.unwrap();
    let exchanged = proof.hands.last();
    // Somebody puts the used code into a new flow of the same registration (RFC 9700 section 4.5).
    let second = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    let code = parameter(&first, "code");
    let injected = with_form(&second, |form| put(form, "code", code.as_deref()));
    let error = proof.client.registrations().complete(&injected, None).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "a used code");
    proof.read().await.unwrap();
    // Somebody has the whole exchange and makes it again. The server ends the grant then, as RFC 6749 section 4.1.2
    // asks it to; the next use finds out, with proof.
    let form: Vec<(&str, &str)> = exchanged.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let replayed = proof.browser().post(&format!("{}/token", proof.provider.issuer), &form).await;
    assert_eq!(replayed.status, 400, "{}", replayed.body);
    let error = proof.read_with_patience().await.unwrap_err();
    assert_eq!((error.kind(), proof.status().await), (ErrorKind::Unauthorized, ConnectionStatus::Unauthorized));
    proof.registered("secret-still").await;
    proof.read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_another_flow_is_of_no_use() {
    let proof = Proof::new().await;
    let attackers = proof.came_back("secret-still", Person::Allows("mallory")).await;
    let own = proof.came_back("secret-still", Person::Allows(ALICE)).await;
    let code = parameter(&attackers, "code");
    let injected = with_form(&own, |form| put(form, "code", code.as_deref()));
    let error = proof.client.registrations().complete(&injected, None).await.unwrap_err();
    is(&error, ErrorKind::Unauthorized, "mallory's code in alice's flow");
    assert_eq!(
        proof.refusals().await,
        ["invalid_grant: code_verifier does not match code_challenge"],
        "the verifier is what stops it"
    );
    assert_eq!(proof.living().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_and_a_consent_taken_back_lead_to_unauthorized_with_proof() {
    let proof = Proof::new().await;
    proof.registered("public-rotating").await;
    let stolen = proof.hands.wire.seen().into_iter().rfind(|seen| seen.name == "refresh_token").unwrap().value;
    let form = [("grant_type", "refresh_token"), ("client_id", "public-rotating"), ("refresh_token", &stolen)];
    let thief = proof.browser().post(&format!("{}/token", proof.provider.issuer), &form).await;
    assert_eq!(thief.status, 200, "{}", thief.body);
    proof.pass(HALF_AN_HOUR).await;
    let error = proof.read_with_patience().await.unwrap_err();
    assert_eq!((error.kind(), proof.status().await), (ErrorKind::Unauthorized, ConnectionStatus::Unauthorized));
    assert!(proof.refusals().await[0].contains("already used"));
    assert_eq!(proof.living().await, 0, "the thief's tokens ended, too");

    proof.registered("secret-still").await;
    proof.take_back().await;
    let error = proof.read_with_patience().await.unwrap_err();
    assert_eq!((error.kind(), proof.status().await), (ErrorKind::Unauthorized, ConnectionStatus::Unauthorized));
    proof.registered("secret-still").await;
    proof.read().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_at_the_end_of_a_token_rotate_it_once() {
    let proof = Proof::new().await;
    proof.registered("public-rotating").await;
    for round in 1..=5 {
        proof.pass(HALF_AN_HOUR).await;
        let calls = proof.hands.calls();
        let reads = (0..100).map(|_| proof.read());
        for outcome in futures_util::future::join_all(reads).await {
            outcome.unwrap();
        }
        assert_eq!(proof.hands.calls(), calls + 1, "round {round}");
    }
    assert_eq!(proof.refusals().await.iter().filter(|refused| refused.starts_with("invalid_grant")).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_made_good_where_tokens_stay_and_ends_with_proof_where_they_rotate() {
    let proof = Proof::new().await;
    for (client_id, status) in
        [("secret-still", ConnectionStatus::Registered), ("secret-rotating", ConnectionStatus::Unauthorized)]
    {
        proof.registered(client_id).await;
        proof.pass(HALF_AN_HOUR).await;
        proof.hands.lose_answer();
        let error = proof.read().await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Unauthorized, "{client_id}: a lost answer proves nothing: {error:?}");
        assert_eq!(proof.status().await, ConnectionStatus::Registered, "{client_id}");
        proof.clock.advance(std::time::Duration::from_secs(60));
        let outcome = proof.read_with_patience().await;
        assert_eq!(
            (outcome.is_ok(), proof.status().await),
            (status == ConnectionStatus::Registered, status),
            "{client_id}"
        );
    }
}
