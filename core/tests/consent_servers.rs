//! Authorization servers that mean harm, or cannot help it: the token endpoint as a program of our own.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use itsm_adapter::{Authorize, Client, ErrorKind, OauthServer};
use serde_json::json;
use support::{ACME, DEV1, World, is, stranger::Stranger};
use tokio::net::TcpListener;

/// How the token endpoint answers.
#[derive(Debug, Clone)]
enum Manner {
    /// This status, type and body.
    Says(u16, &'static str, String),
    /// Sent on to there.
    Sends(u16, String),
    /// This many bytes of JSON.
    Floods(usize),
    /// Never.
    Silent,
    /// The head, and then a byte now and then.
    Drips,
    /// Hangs up in the middle.
    Breaks,
}

/// What the endpoint was told.
#[derive(Debug, Clone)]
struct Heard {
    path: String,
    headers: HeaderMap,
    form: String,
}

#[derive(Clone)]
struct Server {
    url: String,
    manner: Arc<Mutex<Manner>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            manner: Arc::new(Mutex::new(Manner::Silent)),
            heard: Arc::default(),
        };
        let app = Router::new()
            .route("/token", post(Self::answer))
            .route("/revoke", post(Self::answer))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    async fn answer(State(own): State<Self>, uri: axum::http::Uri, headers: HeaderMap, form: String) -> Response {
        own.heard.lock().unwrap().push(Heard { path: uri.path().to_owned(), headers, form });
        let manner = own.manner.lock().unwrap().clone();
        match manner {
            Manner::Says(status, kind, body) => {
                (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body).into_response()
            }
            Manner::Sends(status, to) => {
                (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, to)]).into_response()
            }
            Manner::Floods(bytes) => {
                let body = format!("{{\"access_token\":\"{}\",\"token_type\":\"Bearer\"}}", "a".repeat(bytes));
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            Manner::Silent => pending().await,
            Manner::Drips => {
                let drops = futures_util::stream::unfold((), |()| async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
                });
                ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(drops)).into_response()
            }
            Manner::Breaks => {
                let broken = futures_util::stream::iter([
                    Ok(Bytes::from_static(b"{\"access_token\":\"abc")),
                    Err(std::io::Error::other("gone")),
                ]);
                ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(broken)).into_response()
            }
        }
    }

    fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
        self.heard.lock().unwrap().clear();
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

/// A client whose instance has its token endpoint at that server, and a callback that is good for it.
async fn pointed_at(world: &World, server: &Server) -> Client {
    let mut config = world.config();
    config.attempt_timeout = Duration::from_millis(600);
    config.oauth_servers = vec![OauthServer {
        instance_url: Some(world.url()),
        token_url: Some(format!("{}/token", server.url)),
        revocation_url: Some(format!("{}/revoke", server.url)),
        ..OauthServer::default()
    }];
    Client::open(config).await.unwrap()
}

async fn callback(world: &World, client: &Client) -> String {
    let begun = client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    world.browser().allow(&begun.authorization_url, "svc.citrix").await
}

fn token(more: &serde_json::Value) -> String {
    let mut answer = json!({"access_token": "a-token-of-nobody", "token_type": "Bearer", "expires_in": 1800});
    for (name, value) in more.as_object().unwrap() {
        answer[name] = value.clone();
    }
    answer.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_token_endpoint_answers_nothing_is_saved_and_nothing_is_sent_twice() {
    const JSON: &str = "application/json";
    let world = World::new().await;
    world.connected(ACME).await;
    let server = Server::start().await;
    let stranger = Stranger::listening();
    let client = pointed_at(&world, &server).await;
    let says = |status: u16, body: &str| Manner::Says(status, JSON, body.to_owned());
    let cases = [
        ("a page", Manner::Says(200, "text/html", "<html>Log in</html>".into()), ErrorKind::Protocol),
        ("a page with 503", Manner::Says(503, "text/html", "<html>down</html>".into()), ErrorKind::Unavailable),
        ("no JSON", says(200, "hello"), ErrorKind::Protocol),
        ("nothing", says(200, ""), ErrorKind::Protocol),
        ("an empty object", says(200, "{}"), ErrorKind::Protocol),
        ("a list", says(200, "[]"), ErrorKind::Protocol),
        ("null", says(200, "null"), ErrorKind::Protocol),
        ("no token", says(200, r#"{"token_type":"Bearer"}"#), ErrorKind::Protocol),
        ("no type", says(200, r#"{"access_token":"a"}"#), ErrorKind::Protocol),
        ("a token that is a number", says(200, r#"{"access_token":1,"token_type":"Bearer"}"#), ErrorKind::Protocol),
        ("half an answer", says(200, r#"{"access_token":"a","token_ty"#), ErrorKind::Protocol),
        ("a token with a line break", says(200, &token(&json!({"access_token": "a\r\nX: y"}))), ErrorKind::Protocol),
        ("a life that is a word", says(200, &token(&json!({"expires_in": "soon"}))), ErrorKind::Protocol),
        ("a life that is negative", says(200, &token(&json!({"expires_in": -1}))), ErrorKind::Protocol),
        ("an error with 200", says(200, r#"{"error":"server_error"}"#), ErrorKind::Unavailable),
        ("200 levels", says(200, &format!("{}{}", "[".repeat(200), "]".repeat(200))), ErrorKind::Protocol),
        ("invalid_grant", says(400, r#"{"error":"invalid_grant"}"#), ErrorKind::Unauthorized),
        ("invalid_client", says(401, r#"{"error":"invalid_client"}"#), ErrorKind::Unauthorized),
        ("access_denied", says(401, r#"{"error":"access_denied"}"#), ErrorKind::Unauthorized),
        ("401 without a word", says(401, ""), ErrorKind::Unauthorized),
        ("403", says(403, r#"{"error":"access_denied"}"#), ErrorKind::Unauthorized),
        ("404", says(404, r#"{"error":"x"}"#), ErrorKind::Protocol),
        ("429", says(429, "{}"), ErrorKind::Throttled),
        ("500", says(500, r#"{"error":"server_error"}"#), ErrorKind::Unavailable),
        ("204", says(204, ""), ErrorKind::Protocol),
        ("sent on with 302", Manner::Sends(302, stranger.url("/token")), ErrorKind::Protocol),
        ("sent on with 307", Manner::Sends(307, stranger.url("/token")), ErrorKind::Protocol),
        ("sent on with 308", Manner::Sends(308, stranger.url("/token")), ErrorKind::Protocol),
        ("10 MB", Manner::Floods(10 * 1024 * 1024), ErrorKind::Protocol),
        ("20 MB", Manner::Floods(20 * 1024 * 1024), ErrorKind::Protocol),
        ("silence", Manner::Silent, ErrorKind::Timeout),
        ("drop by drop", Manner::Drips, ErrorKind::Timeout),
        ("the end in the middle", Manner::Breaks, ErrorKind::Unavailable),
    ];
    let before = world.state().await;
    for (about, manner, kind) in cases {
        let callback = callback(&world, &client).await;
        server.behaves(manner);
        let error = client.registrations().complete(&callback, None).await.expect_err(about);
        is(&error, kind, about);
        world.clock.advance(Duration::from_secs(61));
        let calls = server.heard().into_iter().filter(|heard| heard.path == "/token").count();
        assert_eq!(calls, 1, "{about}: a code was sent {calls} times");
        let again = client.registrations().complete(&callback, None).await.unwrap_err();
        assert_eq!(again.context("reason"), Some("used"), "{about}: {again:?}");
        let mut after = world.state().await;
        after["revocations"] = before["revocations"].clone();
        assert_eq!(after, before, "{about}");
    }
    stranger.heard_nothing("a token endpoint that sends us on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_request_is_what_the_rules_ask_for() {
    let world = World::new().await;
    world.added(ACME).await;
    let server = Server::start().await;
    let client = pointed_at(&world, &server).await;
    let callback = callback(&world, &client).await;
    server.behaves(Manner::Says(400, "application/json", r#"{"error":"invalid_grant"}"#.into()));
    client.registrations().complete(&callback, None).await.unwrap_err();
    let heard = server.heard().remove(0);
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(heard.form.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let asked = world.authorize(ACME);
    assert_eq!(field("grant_type"), Some("authorization_code"));
    assert_eq!(field("redirect_uri"), asked.redirect_url.as_deref());
    assert_eq!(field("client_id"), asked.client_id.as_deref());
    assert_eq!(field("client_secret"), asked.client_secret.as_ref().map(itsm_adapter::Secret::expose));
    assert_eq!(field("code_verifier").map(str::len), Some(43));
    assert!(field("code").is_some_and(|code| callback.contains(code)));
    assert_eq!(heard.headers.get(header::CONTENT_TYPE).unwrap(), "application/x-www-form-urlencoded");
    for header in ["cookie", "authorization", "referer"] {
        assert!(heard.headers.get(header).is_none(), "{header} was sent along");
    }
}

/// The code goes to the token URL that was fixed when the flow began, whatever is configured by then (T1).
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_setting_does_not_take_a_code_elsewhere() {
    let world = World::new().await;
    world.added(ACME).await;
    let server = Server::start().await;
    let callback = callback(&world, &world.client).await;
    let client = pointed_at(&world, &server).await;
    let done = client.registrations().complete(&callback, None).await.unwrap();
    assert_eq!(done.connection.instance_id.as_str(), world.url());
    assert!(server.heard().is_empty(), "{:?}", server.heard());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_set_has_to_be_named_and_one_that_was_seen_too() {
    let world = World::new().await;
    world.added(ACME).await;
    let mut config = world.config();
    let issuer = Some("https://issuer.example".to_owned());
    config.oauth_servers = vec![OauthServer { issuer, ..OauthServer::default() }];
    let strict = Client::open(config).await.unwrap();
    let answer = callback(&world, &strict).await;
    for (about, callback) in [
        ("none", answer.clone()),
        ("the instance", format!("{answer}&iss={}", world.url())),
        ("nearly", format!("{answer}&iss=https://issuer.example/")),
    ] {
        let error = strict.registrations().complete(&callback, None).await.expect_err(about);
        assert_eq!((error.kind(), error.context("reason")), (ErrorKind::FlowExpired, Some("issuer")), "{about}");
    }
    strict.registrations().complete(&format!("{answer}&iss=https://issuer.example"), None).await.unwrap();

    // Nothing is set here, and yet it has named itself once.
    let again = Authorize { client_id: None, client_secret: None, ..world.authorize(ACME) };
    let begun = world.client.registrations().authorize(again).await.unwrap();
    let silent = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    let error = world.client.registrations().complete(&silent, None).await.unwrap_err();
    assert_eq!(error.context("reason"), Some("issuer"), "{error:?}");
    let named = format!("{silent}&iss={}", world.url());
    world.client.registrations().complete(&named, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_servers_that_may_not_be_called_are_refused_at_the_start() {
    let world = World::with(&[DEV1], 1).await;
    for (about, url) in [
        ("in the clear", "http://issuer.example/token"),
        ("user info", "https://me:pw@issuer.example/token"),
        ("a fragment", "https://issuer.example/token#x"),
        ("another scheme", "file:///etc/passwd"),
        ("a host that looks like a path", "//issuer.example/token"),
        ("a backslash", "\\\\issuer.example\\token"),
    ] {
        for place in 0..3 {
            let given = |own: usize| (own == place).then(|| url.to_owned());
            let mut config = world.config();
            config.oauth_servers = vec![OauthServer {
                authorization_url: given(0),
                token_url: given(1),
                revocation_url: given(2),
                ..OauthServer::default()
            }];
            let error = Client::open(config).await.expect_err(about);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{about}");
        }
    }
}
