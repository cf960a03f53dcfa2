//! Everything that can go wrong on the way to a registration, as one table: each row ends in the kind that says
//! what to do, the state is what it was, and a registration that was there before goes on working.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ConnectionStatus, ErrorKind, ReauthenticateServiceAccount, RegisterServiceAccount};
use itsm_simulator::{Fault, FaultKind, TokenKind, seed};
use serde_json::json;
use std::time::Duration;
use support::{ACME, DEV1, World, is, password};

/// One thing that goes wrong at the instance.
struct Row {
    name: &'static str,
    arrange: fn(&World),
    request: fn(&mut RegisterServiceAccount),
    kind: ErrorKind,
    /// Names and values that the error must hold.
    says: &'static [(&'static str, &'static str)],
    /// Whether an answer came that carries a transaction id.
    has_id: bool,
}

const NOTHING: fn(&World) = |_| {};
const AS_IT_IS: fn(&mut RegisterServiceAccount) = |_| {};

fn user(name: &str) -> impl Fn(&mut RegisterServiceAccount) {
    move |request| {
        request.user_name = name.into();
        request.password = password(name);
    }
}

fn fault(kind: FaultKind, route: &str) -> Fault {
    Fault::new(DEV1, kind).route(route).always()
}

const fn row(name: &'static str, arrange: fn(&World), kind: ErrorKind) -> Row {
    Row { name, arrange, request: AS_IT_IS, kind, says: &[], has_id: true }
}

impl Row {
    const fn asking(self, request: fn(&mut RegisterServiceAccount)) -> Self {
        Self { request, ..self }
    }

    const fn says(self, says: &'static [(&'static str, &'static str)]) -> Self {
        Self { says, ..self }
    }

    /// No answer of the instance itself: the edge answered, or nobody.
    const fn without_id(self) -> Self {
        Self { has_id: false, ..self }
    }
}

const CREDENTIALS: &[(&str, &str)] = &[("refused", "credentials"), ("status", "401")];

fn credentials() -> Vec<Row> {
    use ErrorKind::Unauthorized;
    vec![
        row("wrong client secret", NOTHING, Unauthorized)
            .asking(|r| r.client_secret = "wrong".into())
            .says(CREDENTIALS),
        row("unknown client", NOTHING, Unauthorized).asking(|r| r.client_id = "0".repeat(32)).says(CREDENTIALS),
        row("wrong password", NOTHING, Unauthorized).asking(|r| r.password = "wrong".into()).says(CREDENTIALS),
        row("locked account", NOTHING, Unauthorized).asking(|r| user("svc.locked")(r)).says(CREDENTIALS),
        row("inactive account", NOTHING, Unauthorized).asking(|r| user("svc.inactive")(r)).says(CREDENTIALS),
        row("password needs reset", NOTHING, Unauthorized).asking(|r| user("svc.reset")(r)).says(CREDENTIALS),
        row("password grant disabled", |w| switch(w, &json!({"ropc_disabled": true})), Unauthorized).says(CREDENTIALS),
        row("inactive OAuth client", |w| client_active(w, false), Unauthorized).says(CREDENTIALS),
        row(
            "an error in a 200 of the token endpoint",
            |w| w.simulator.fault(fault(FaultKind::ErrorIn200, "token")),
            Unauthorized,
        ),
    ]
}

fn rights() -> Vec<Row> {
    use ErrorKind::{Forbidden, PrerequisiteMissing};
    vec![
        row("scope restriction", |w| switch(w, &json!({"scope_restricted": true})), Forbidden)
            .says(&[("missing", "scope"), ("status", "403")]),
        row("connector role missing", |w| switch(w, &json!({"hide_role_tables": false})), Forbidden)
            .asking(|r| user("svc.norole")(r))
            .says(&[("missing", "role"), ("role", "x_cion_citrix_it_s.ctx_itsm_admin")])
            .without_id(),
        row("no right to write incidents", only_connector_role, Forbidden)
            .asking(|r| user("svc.limited")(r))
            .says(&[("missing", "role"), ("role", "incident_manager")])
            .without_id(),
        row("connector not installed", |w| switch(w, &json!({"connector_version": null})), PrerequisiteMissing)
            .asking(|r| user("admin")(r))
            .without_id(),
        row("connector not active", |w| switch(w, &json!({"connector_active": false})), PrerequisiteMissing)
            .asking(|r| user("admin")(r))
            .without_id(),
    ]
}

fn answers() -> Vec<Row> {
    use ErrorKind::{Protocol, Throttled, Timeout, Unavailable};
    macro_rules! with {
        ($kind:ident, $route:literal $(, $name:literal = $value:expr)*) => {
            |w: &World| w.simulator.fault(fault(FaultKind::$kind, $route)$(.with($name, $value))*)
        };
    }
    vec![
        row("a login page from the token endpoint", with!(Html, "token"), Protocol).without_id(),
        row("a login page from the API", with!(Html, "table"), Protocol).says(&[("health", "unexpected")]).without_id(),
        row("hibernating at the token endpoint", with!(Hibernating, "token"), Unavailable)
            .says(&[("health", "hibernating")])
            .without_id(),
        row("hibernating at the API", with!(Hibernating, "current_user"), Unavailable)
            .says(&[("health", "hibernating")])
            .without_id(),
        row("429 with Retry-After at the token endpoint", with!(Throttle, "token", "retry_after_s" = 30), Throttled),
        row("429 with Retry-After at the API", with!(Throttle, "table", "retry_after_s" = 30), Throttled),
        row("429 without Retry-After at the token endpoint", with!(Semaphore, "token"), Throttled),
        row("429 without Retry-After at the API", with!(Semaphore, "table"), Throttled),
        row("500 quota", with!(Quota, "table"), Unavailable),
        row("500", with!(FailTimes, "table"), Unavailable),
        row("500 at the token endpoint", with!(FailTimes, "token"), Unavailable),
        row("503 of the edge", with!(HtmlError, "table", "status" = 503), Unavailable).without_id(),
        row("a 200 that breaks off, not JSON", with!(Truncate, "table", "variant" = "invalid"), Protocol),
        row("a 200 that breaks off, with an error in it", truncated_roles, Unavailable),
        row("a 200 whose connection breaks", with!(Truncate, "table", "variant" = "cut"), Unavailable).without_id(),
        row("an error in a 200", with!(ErrorIn200, "table"), Unavailable),
        row("202 at the API", with!(Accepted, "table"), Unavailable),
        row("202 at the token endpoint", with!(Accepted, "token"), Unavailable),
        row("reset by the token endpoint", with!(Cut, "token"), Unavailable).without_id(),
        row("reset by the token endpoint after its work", with!(CutAfter, "token"), Unavailable).without_id(),
        row("reset by the API", with!(Cut, "current_user"), Unavailable).without_id(),
        row("no answer of the token endpoint", with!(Hang, "token"), Timeout).without_id(),
        row("no answer of the API", with!(Hang, "current_user"), Timeout).without_id(),
        row("noise", with!(Garbage, "table"), Protocol),
        row("JSON under another content type", with!(WrongContentType, "table"), Protocol),
        row("a compressed bomb", with!(GzipBomb, "table", "bytes" = 20 << 20), Protocol).without_id(),
        row("a body without an end", with!(BigBody, "table", "bytes" = 20 << 20), Protocol).without_id(),
    ]
}

fn switch(world: &World, change: &serde_json::Value) {
    world.simulator.patch_instance(DEV1, change).unwrap();
}

fn client_active(world: &World, active: bool) {
    for client in seed::oauth_clients(DEV1) {
        world.simulator.patch_oauth_client(DEV1, &client.client_id, &json!({"active": active})).unwrap();
    }
}

fn only_connector_role(world: &World) {
    switch(world, &json!({"hide_role_tables": false}));
    world.simulator.patch_user(DEV1, "svc.limited", &json!({"roles": [seed::CONNECTOR_ADMIN]})).unwrap();
}

/// The list of roles has many rows: it can break off between two of them.
fn truncated_roles(world: &World) {
    switch(world, &json!({"hide_role_tables": false}));
    let broken = fault(FaultKind::Truncate, "table:sys_user_has_role").with("variant", "valid");
    world.simulator.fault(broken);
}

/// Back to what the instance was before a row, and past every wait that it asked for.
fn undo(world: &World) {
    world.simulator.clear_faults();
    switch(
        world,
        &json!({
            "ropc_disabled": false, "scope_restricted": false, "hide_role_tables": true,
            "connector_version": "22.6.0", "connector_active": true,
        }),
    );
    client_active(world, true);
    world.clock.advance(Duration::from_secs(61));
}

fn all_rows() -> Vec<Row> {
    [credentials(), rights(), answers()].into_iter().flatten().collect()
}

/// The error as its row wants it.
fn judge(world: &World, row: &Row, error: &itsm_adapter::Error, about: &str) {
    is(error, row.kind, about);
    for (name, value) in row.says {
        assert_eq!(error.context(name), Some(*value), "{about}: {error:?}");
    }
    // The instance's own id where it sent one. A failed call without it names the id that went out; what was read
    // out of good answers belongs to no single call.
    if row.has_id {
        let id = error.transaction_id().unwrap_or_else(|| panic!("{about}: {error:?}"));
        let known = world.simulator.requests().iter().any(|request| request.transaction_id.as_deref() == Some(id));
        assert!(known, "{about}: {id} is no transaction of the instance");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_registration_that_fails_leaves_the_connection_as_it_was() {
    let world = World::new().await;
    world.connected(ACME).await;
    let before = without_revocations(world.state().await);
    for row in all_rows() {
        (row.arrange)(&world);
        world.simulator.clear_requests();
        let mut request = world.request(ACME);
        (row.request)(&mut request);
        let error = world.client.registrations().register(request).await.unwrap_err();
        judge(&world, &row, &error, row.name);
        assert!(world.grants("password") <= 1, "{}: the password was sent more than once (T16)", row.name);
        assert_eq!(without_revocations(world.state().await), before, "{}", row.name);
        undo(&world);
    }
    world.client.registrations().register(world.request(ACME)).await.unwrap();
    // Tokens that could not be revoked at once were kept for that, and nothing else.
    world.clock.advance(Duration::from_secs(601));
    world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert_eq!(world.state().await["revocations"], 0);
}

fn without_revocations(mut state: serde_json::Value) -> serde_json::Value {
    state.as_object_mut().unwrap().remove("revocations");
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_goes_on_working_when_another_attempt_fails() {
    let world = World::new().await;
    world.registered(ACME).await;
    for row in all_rows() {
        let before = world.state().await;
        (row.arrange)(&world);
        let mut request = world.request(ACME);
        (row.request)(&mut request);
        let again = ReauthenticateServiceAccount {
            customer_id: request.customer_id.clone(),
            instance_url: request.instance_url.clone(),
            client_id: Some(request.client_id.clone()),
            client_secret: Some(request.client_secret.clone()),
            user_name: Some(request.user_name.clone()),
            password: Some(request.password.clone()),
        };
        let error = world.client.registrations().register(request).await.unwrap_err();
        judge(&world, &row, &error, row.name);
        world.clock.advance(Duration::from_secs(61));
        let error = world.client.registrations().reauthenticate(again).await.unwrap_err();
        judge(&world, &row, &error, row.name);
        assert_eq!(world.state().await, before, "{}", row.name);
        undo(&world);
        world.reads(ACME, row.name).await;
    }
    // Not because of a new grant: the token of the first one is still the one in use.
    assert_eq!(world.state().await["revocations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broken_answer_of_the_instance_makes_a_registration_unauthorized() {
    let world = World::new().await;
    world.registered(ACME).await;
    for row in answers() {
        (row.arrange)(&world);
        world.simulator.expire_tokens(DEV1, TokenKind::Access, None);
        let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
        assert_eq!(connection.status, ConnectionStatus::Registered, "{}", row.name);
        undo(&world);
        world.reads(ACME, row.name).await;
    }
}
