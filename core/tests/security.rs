//! Rows of the security table that are best shown from outside: where calls may go, what may be in them, and how
//! much of an answer is read. SECURITY.md names each test with its row.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use itsm_adapter::{
    AddAccount, CheckName, CheckOutcome, Client, Environment, ErrorKind, Query, ReauthenticateServiceAccount, Record,
    RegisterServiceAccount, Secret, UpdateAccount,
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, is, password,
    wire::{DropsConditions, LookingOn},
};

/// T8: what goes to an instance is the token of that account for that instance.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_never_acts_with_the_token_of_another() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    let second = RegisterServiceAccount {
        user_name: "svc.second".into(),
        password: password("svc.second"),
        ..world.request_at(GLOBEX, "dev2")
    };
    world.client.registrations().register(second).await.unwrap();
    world.simulator.clear_requests();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let client = world.client.clone();
        let customer = if number % 2 == 0 { ACME } else { GLOBEX };
        tasks.spawn(async move { support::read(&client, customer).await.unwrap() });
    }
    tasks.join_all().await;
    let pairs = world.asked("table").into_iter().map(|asked| (asked.instance.unwrap(), asked.user.unwrap()));
    let (first, second): (Vec<_>, Vec<_>) = pairs.partition(|(instance, _)| instance == DEV1);
    assert_eq!((first.len(), second.len()), (30, 30));
    assert!(first.iter().all(|(_, user)| user == "svc.citrix") && second.iter().all(|(_, user)| user == "svc.second"));
}

/// T8: nor where both are registered with the same instance.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_at_one_instance_keep_their_tokens_apart() {
    let world = World::with(&[DEV1], 1).await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    let request = world.request(GLOBEX);
    let second = RegisterServiceAccount { user_name: "svc.second".into(), password: password("svc.second"), ..request };
    world.client.registrations().register(second).await.unwrap();
    for round in ["with the first tokens", "with renewed ones"] {
        world.simulator.clear_requests();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let client = world.client.clone();
            let customer = if number % 2 == 0 { ACME } else { GLOBEX };
            tasks.spawn(async move { support::read(&client, customer).await.unwrap() });
        }
        tasks.join_all().await;
        let users: Vec<_> = world.asked("table").into_iter().map(|asked| asked.user.unwrap()).collect();
        let of = |user: &str| users.iter().filter(|each| *each == user).count();
        assert_eq!((of("svc.citrix"), of("svc.second"), users.len()), (20, 20, 40), "{round}");
        world.clock.advance(std::time::Duration::from_secs(3600));
    }
}

/// T10: what a caller looks for stays a value, whatever stands in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_cannot_leave_its_condition() {
    let world = World::new().await;
    world.registered(ACME).await;
    let hostile = [
        "x^NQactive=true",
        "x^ORnumberISNOTEMPTY",
        "^",
        "x^^NQsys_id!=1",
        "x^EQ^ORDERBYnumber",
        "x&sysparm_limit=1",
        "x%5ENQ",
    ];
    for key in hostile.into_iter().chain(["innocent"]) {
        let record = json!({"short_description": "x", "correlation_id": key});
        world.client.records().insert::<Record>(ACME, "incident", &record, &["sys_id"]).await.unwrap();
    }
    for key in hostile {
        let query = Query::new().equals("correlation_id", key).unwrap();
        let found: Vec<Record> =
            world.client.records().query(ACME, "incident", &query, &["correlation_id"], 100).await.unwrap();
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        assert_eq!(found[0]["correlation_id"], key);
    }
    let script = Query::new().equals("sys_id", "javascript:gs.getUserID()").unwrap_err();
    assert_eq!(script.kind(), ErrorKind::InvalidInput);
}

/// T11: rows of somebody else are no answer to "which roles do I hold", and other applications none to "is the
/// connector installed".
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_drops_conditions_is_not_believed() {
    let world = World::new().await;
    world.added(ACME).await;
    let show = json!({"hide_role_tables": false, "connector_version": null});
    world.simulator.patch_instance(DEV1, &show).unwrap();
    let other = Record::from([("scope".to_owned(), "x_other".to_owned()), ("version".to_owned(), "1.0".to_owned())]);
    for table in ["sys_store_app", "sys_scope"] {
        world.simulator.put_record(DEV1, table, &other);
    }
    let as_admin =
        RegisterServiceAccount { user_name: "admin".into(), password: password("admin"), ..world.request(ACME) };
    let error = world.client.registrations().register(as_admin.clone()).await.unwrap_err();
    is(&error, ErrorKind::PrerequisiteMissing, "an honest answer");

    let outcome = |report: itsm_adapter::TestReport, name| {
        report.checks.into_iter().find(|check| check.name == name).unwrap().outcome
    };
    let config = || Client::builder().config(world.config());
    let broken = DropsConditions::of(&["/sys_user_has_role"], world.wire.clone());
    let client = config().transport(Arc::new(broken)).open().await.unwrap();
    let report = client.registrations().test(world.request(ACME)).await.unwrap();
    assert_eq!(outcome(report, CheckName::ConnectorRole), CheckOutcome::Unknown);
    let broken = DropsConditions::of(&["/sys_store_app", "/sys_scope"], world.wire.clone());
    let client = config().transport(Arc::new(broken)).open().await.unwrap();
    let report = client.registrations().test(as_admin).await.unwrap();
    assert_eq!(outcome(report, CheckName::Connector), CheckOutcome::Unknown);
}

/// T12: no argument can end a line of a request.
#[tokio::test(flavor = "multi_thread")]
async fn line_breaks_in_arguments_are_refused_and_nothing_is_sent() {
    let world = World::new().await;
    world.registered(ACME).await;
    let before = world.state().await;
    world.simulator.clear_requests();
    let client = &world.client;
    for tail in ["\r\nX-Evil: 1", "\nX-Evil: 1", "\r", "\0", "\u{7f}"] {
        let evil = |text: &str| format!("{text}{tail}x");
        let add = |change: fn(&mut AddAccount, String)| {
            let mut request = AddAccount {
                customer_id: "newcorp".into(),
                environment: Environment::Us,
                client_id: "id".into(),
                client_secret: "secret".into(),
                name: None,
            };
            change(&mut request, evil("v"));
            client.accounts().add(request)
        };
        let register = |change: fn(&mut RegisterServiceAccount, String)| {
            let mut request = world.request(ACME);
            change(&mut request, evil("v"));
            client.registrations().register(request)
        };
        let secret = || Some(Secret::from(evil("v")));
        let update = UpdateAccount { customer_id: ACME.into(), client_secret: secret(), ..UpdateAccount::default() };
        let again = ReauthenticateServiceAccount {
            customer_id: ACME.into(),
            instance_url: world.url(),
            password: secret(),
            ..ReauthenticateServiceAccount::default()
        };
        let (table, id, url) = (evil("incident"), evil(&"0".repeat(31)), evil("https://dev1.service-now.com"));
        let field = evil("number");
        for (what, error) in [
            ("customer id", add(|request, evil| request.customer_id = evil).await.unwrap_err()),
            ("client id of an account", add(|request, evil| request.client_id = evil).await.unwrap_err()),
            (
                "client secret of an account",
                add(|request, evil| request.client_secret = evil.into()).await.unwrap_err(),
            ),
            ("new secret", client.accounts().update(update).await.unwrap_err()),
            ("instance URL", client.instances().get(&url).await.unwrap_err()),
            ("instance URL to register", register(|request, evil| request.instance_url += &evil).await.unwrap_err()),
            ("client id", register(|request, evil| request.client_id = evil).await.unwrap_err()),
            ("client secret", register(|request, evil| request.client_secret = evil.into()).await.unwrap_err()),
            ("user", register(|request, evil| request.user_name = evil).await.unwrap_err()),
            ("password", register(|request, evil| request.password = evil.into()).await.unwrap_err()),
            ("new password", client.registrations().reauthenticate(again).await.unwrap_err()),
            ("table", client.records().get::<Record>(ACME, &table, &"0".repeat(32), &[]).await.unwrap_err()),
            ("id", client.records().get::<Record>(ACME, "incident", &id, &[]).await.unwrap_err()),
            (
                "field",
                client.records().query::<Record>(ACME, "incident", &Query::new(), &[&field], 1).await.unwrap_err(),
            ),
            ("value", Query::new().equals("number", &evil("v")).unwrap_err()),
            ("query field", Query::new().equals(&field, "v").unwrap_err()),
            ("webhook id", client.webhooks().remove(ACME, &evil("1")).await.unwrap_err()),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{what} with {tail:?}: {error:?}");
            assert!(!error.to_string().contains(char::is_control), "{what}: repeated in {error:?}");
        }
    }
    for upwards in ["", ".", "..", "../subscriptions", "%2e%2e", "a?b"] {
        is(&client.webhooks().remove(ACME, upwards).await.unwrap_err(), ErrorKind::InvalidInput, upwards);
    }
    assert!(world.simulator.requests().is_empty(), "{:?}", world.simulator.requests());
    assert_eq!(world.state().await, before);
}

/// Puts another body in place of every list.
#[derive(Debug)]
struct Answers {
    inner: LookingOn,
    body: Bytes,
}

#[async_trait]
impl Transport for Answers {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let is_list = request.url.path().ends_with("/incident");
        let mut response = self.inner.send(request).await?;
        if is_list {
            response.body = self.body.clone();
        }
        Ok(response)
    }
}

/// T13: an answer costs no more than its bounds, whatever it claims to be.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_beyond_the_bounds_is_given_up() {
    let world = World::new().await;
    world.registered(ACME).await;
    for (what, kind) in [
        (Fault::new(DEV1, FaultKind::BigBody).with("bytes", 20 << 20), ErrorKind::Protocol),
        (Fault::new(DEV1, FaultKind::GzipBomb).with("bytes", 20 << 20), ErrorKind::Protocol),
        (Fault::new(DEV1, FaultKind::Drip).with("delay_ms", 500), ErrorKind::Timeout),
        (Fault::new(DEV1, FaultKind::Hang), ErrorKind::Timeout),
    ] {
        let about = format!("{:?}", what.fault);
        world.simulator.fault(what.route("table").always());
        let started = std::time::Instant::now();
        is(&world.read(ACME).await.unwrap_err(), kind, &about);
        assert!(started.elapsed() < Duration::from_secs(10), "{about}: took {:?}", started.elapsed());
        world.simulator.clear_faults();
    }
    for (what, body) in [
        ("a deep list", format!("{{\"result\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))),
        ("a deep object", format!("{{\"result\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000))),
        ("a deep list without an end", "[".repeat(1_000_000)),
        ("a deep list below a text", format!("{{\"a\":\"]}}\",\"result\":{}", "[".repeat(100_000))),
        ("a number without an end", format!("{{\"result\":{}}}", "9".repeat(1_000_000))),
    ] {
        let answers = Answers { inner: world.wire.clone(), body: body.into() };
        let client = Client::builder().config(world.config()).transport(Arc::new(answers)).open().await.unwrap();
        is(&support::read(&client, ACME).await.unwrap_err(), ErrorKind::Protocol, what);
    }
    world.reads(ACME, "afterwards").await;
}

/// T13: a walk over a table asks for bounded pages.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_million_rows_is_not_asked_for() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    for size in [0, 10_001, 1_000_000, u32::MAX] {
        let mut pages = world.client.records().pages::<Record>(ACME, "incident", Query::new(), &[], size);
        is(&pages.next().await.unwrap_err(), ErrorKind::InvalidInput, "pages");
        let limit = Some(size);
        is(&world.client.accounts().list(None, limit).await.unwrap_err(), ErrorKind::InvalidInput, "accounts");
        is(&world.client.events().list(None, None, limit).await.unwrap_err(), ErrorKind::InvalidInput, "events");
    }
    assert!(world.simulator.requests().is_empty());
}

/// T17: a callback is taken only with the webhook's own authorization, and once.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_without_the_webhooks_authorization_is_forbidden() {
    let world = World::new().await;
    world.added(ACME).await;
    let body = include_bytes!("../../examples/quickstart/notification.json");
    let expected = Secret::from("Basic Q2FsbGJhY2tTZWNyZXQ6dGhhdCBpcyBsb25n");
    let own = expected.expose().to_owned();
    for given in [
        None,
        Some(""),
        Some("Basic"),
        Some(&own[..own.len() - 1]),
        Some(&own.to_lowercase()[..]),
        Some(&format!("{own} ")[..]),
    ] {
        let error = world.client.alerts().submit_webhook(body, given, Some(&expected), None).await.unwrap_err();
        is(&error, ErrorKind::Forbidden, &format!("{given:?}"));
    }
    let nothing = Secret::default();
    for given in [None, Some("")] {
        let error = world.client.alerts().submit_webhook(body, given, Some(&nothing), None).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, "a secret that was not set opens nothing");
    }
    assert_eq!(world.state().await["deliveries"], json!([]));
    for _ in 0..3 {
        world.client.alerts().submit_webhook(body, Some(&own), Some(&expected), None).await.unwrap().unwrap();
    }
    assert_eq!(world.state().await["deliveries"].as_array().unwrap().len(), 1, "a replay is the same delivery");
}

/// T17: nor does a callback that is sent again open what has ended since.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_sent_again_after_the_end_changes_nothing() {
    let world = World::new().await;
    world.registered(ACME).await;
    let notification = json!({"PublishNotificationId": "p1", "Severity": 3, "Content": [{"Title": "t"}]}).to_string();
    let callback = |change: &str, at: &str| {
        let text = |is_there: bool| is_there.then_some(&notification);
        let (before, after) = (text(change == "Delete"), text(change != "Delete"));
        let body = json!({
            "CustomerId": ACME, "Type": "Notifications", "ChangeType": change, "BeforeChange": before,
            "AfterChange": after, "TimeStamp": at,
        });
        body.to_string()
    };
    let raised = callback("Create", "2026-02-11T08:20:18Z");
    let expected = Secret::from("Basic Q2FsbGJhY2tTZWNyZXQ6dGhhdCBpcyBsb25n");
    let given = Some(expected.expose());
    let alerts = world.client.alerts();
    let steps = [&raised, &callback("Delete", "2026-02-11T09:00:00Z"), &raised];
    for body in steps {
        alerts.submit_webhook(body.as_bytes(), given, Some(&expected), None).await.unwrap().unwrap();
        let lag = alerts.drain(itsm_adapter::RunOptions::default()).await.unwrap();
        assert_eq!((lag.pending, lag.delivered, lag.dead), (0, 1, 0));
    }
    let incidents = world.simulator.records(DEV1, "incident");
    let made: Vec<_> = incidents.iter().filter(|row| row["correlation_id"].starts_with("citrix-")).collect();
    assert_eq!(made.iter().map(|row| row["state"].as_str()).collect::<Vec<_>>(), ["6"], "resolved, and it stays so");
    // What happens anew says so by its time.
    let anew = callback("Create", "2026-02-12T10:00:00Z");
    alerts.submit_webhook(anew.as_bytes(), given, Some(&expected), None).await.unwrap().unwrap();
    alerts.drain(itsm_adapter::RunOptions::default()).await.unwrap();
    let incidents = world.simulator.records(DEV1, "incident");
    let open = incidents.iter().filter(|row| row["correlation_id"].starts_with("citrix-") && row["state"] != "6");
    assert_eq!(open.count(), 1);
}

/// T8: a webhook speaks for the account that it was made for, whatever its body says.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_names_another_account_than_its_webhooks_is_forbidden() {
    let world = World::new().await;
    for account in [ACME, GLOBEX] {
        world.added(account).await;
    }
    let own = "Basic Q2FsbGJhY2tTZWNyZXQ6dGhhdCBpcyBsb25n";
    let expected = Secret::from(own);
    let callback = |customer: &str, kind: &str| {
        let after = json!({"PublishNotificationId": "p1", "Severity": 3, "Content": [{"Title": "t"}]}).to_string();
        let body = json!({"CustomerId": customer, "Type": kind, "ChangeType": "Create", "AfterChange": after});
        body.to_string()
    };
    let submit = async |body: String, bound_to: Option<&str>| {
        world.client.alerts().submit_webhook(body.as_bytes(), Some(own), Some(&expected), bound_to).await
    };
    let before = world.state().await;
    for named in [GLOBEX, "nobody", "", "not an id", &ACME.to_uppercase(), &format!("{ACME}2")] {
        for kind in ["Notifications", "Administrator"] {
            let error = submit(callback(named, kind), Some(ACME)).await.unwrap_err();
            is(&error, ErrorKind::Forbidden, &format!("{named}: {kind}"));
        }
    }
    let error = submit(callback(ACME, "Notifications"), Some("not an id")).await.unwrap_err();
    is(&error, ErrorKind::InvalidInput, "the account that it is bound to");
    assert_eq!(world.state().await, before, "nothing has changed");
    let taken = submit(callback(ACME, "Notifications"), Some(ACME)).await.unwrap().unwrap();
    assert_eq!(taken.customer_id.as_str(), ACME);
    let unbound = submit(callback(GLOBEX, "Notifications"), None).await.unwrap().unwrap();
    assert_eq!(unbound.customer_id.as_str(), GLOBEX);
}
