//! Answers of an instance that need more than a row of a table: waits that it asks for, writes whose answer is lost,
//! rights that it hides, redirects.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{CheckName, CheckOutcome, ErrorKind, RegisterServiceAccount, Retry};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, DEV1, GLOBEX, World, is, password, stranger::Stranger};

fn as_admin(request: RegisterServiceAccount) -> RegisterServiceAccount {
    RegisterServiceAccount { user_name: "admin".into(), password: password("admin"), ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_the_instance_asks_for_is_told_and_kept() {
    let world = World::new().await;
    world.connected(ACME).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Throttle).route("token").with("retry_after_s", 30));
    let error = world.client.registrations().register(world.request(ACME)).await.unwrap_err();
    assert_eq!(error.retry_advice(), Retry::After(Duration::from_secs(30)), "{error:?}");
    let asked = world.asked("token").len();
    let error = world.client.registrations().register(world.request(ACME)).await.unwrap_err();
    is(&error, ErrorKind::Throttled, "while the pause lasts");
    assert_eq!(world.asked("token").len(), asked, "nothing is sent while the pause lasts");
    world.clock.advance(Duration::from_secs(31));
    world.client.registrations().register(world.request(ACME)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_repeated_after_a_full_queue_and_a_write_after_a_429() {
    let world = World::new().await;
    world.registered(ACME).await;
    for kind in [FaultKind::Semaphore, FaultKind::HtmlError, FaultKind::Cut, FaultKind::Accepted] {
        world.simulator.fault(Fault::new(DEV1, kind).route("table:incident:list"));
        world.reads(ACME, &kind.name()).await;
    }
    world.simulator.fault(Fault::new(DEV1, FaultKind::Semaphore).route("table:incident:insert"));
    let record = json!({"short_description": "once", "correlation_id": "once"});
    let made: itsm_adapter::Record =
        world.client.records().insert(ACME, "incident", &record, &["sys_id"]).await.unwrap();
    assert!(made.contains_key("sys_id"));
    assert_eq!(world.incidents("once").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_an_unknown_outcome_and_is_not_repeated() {
    let world = World::new().await;
    world.registered(ACME).await;
    for (kind, rows) in [
        (FaultKind::Cut, 0),
        (FaultKind::CutAfter, 1),
        (FaultKind::CreatedThenHtml, 1),
        (FaultKind::Accepted, 0),
        (FaultKind::Truncate, 1),
        (FaultKind::Quota, 0),
        (FaultKind::ErrorIn200, 0),
        (FaultKind::Html, 0),
        (FaultKind::Redirect, 0),
    ] {
        let name = kind.name();
        world.simulator.clear_requests();
        world.simulator.fault(Fault::new(DEV1, kind).route("table:incident:insert"));
        let record = json!({"short_description": "x", "correlation_id": name});
        let made = world.client.records().insert::<itsm_adapter::Record>(ACME, "incident", &record, &["sys_id"]).await;
        is(&made.unwrap_err(), ErrorKind::OutcomeUnknown, &name);
        assert_eq!(world.incidents(&name).len(), rows, "{name}");
        assert_eq!(world.asked("table:incident:insert").len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_role_tables_are_an_unknown_answer_and_the_save_succeeds() {
    let world = World::new().await;
    let connection = world.registered(ACME).await;
    let report = connection.last_test.unwrap();
    assert!(report.passed);
    for name in [CheckName::Connector, CheckName::ConnectorRole, CheckName::IncidentRight] {
        let check = report.checks.iter().find(|check| check.name == name).unwrap();
        assert_eq!(check.outcome, CheckOutcome::Unknown, "{check:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_passes_with_the_advice_to_use_less() {
    let world = World::new().await;
    world.added(ACME).await;
    let request = as_admin(world.request(ACME));
    let report = world.client.registrations().register(request).await.unwrap().last_test.unwrap();
    let check = report.checks.iter().find(|check| check.name == CheckName::ConnectorRole).unwrap();
    assert_eq!(check.outcome, CheckOutcome::Pass);
    assert!(check.remedy.contains("administrator"), "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_account_on_an_old_connector_is_refused_with_its_version() {
    let world = World::new().await;
    world.simulator.patch_instance(DEV1, &json!({"connector_version": "21.1.0"})).unwrap();
    world.added(ACME).await;
    let request = as_admin(world.request(ACME));
    world.client.registrations().register(request).await.unwrap();
    world.added(GLOBEX).await;
    let before = world.state().await["connections"].clone();
    let connect = world.client.connections().connect(world.connect_to(GLOBEX, DEV1)).await.unwrap_err();
    is(&connect, ErrorKind::PrerequisiteMissing, "connect");
    assert_eq!(connect.context("connector_version"), Some("21.1.0"));
    assert_eq!(connect.context("occupied_by"), Some(ACME));
    let request = as_admin(world.request(GLOBEX));
    let register = world.client.registrations().register(request).await.unwrap_err();
    is(&register, ErrorKind::PrerequisiteMissing, "register");
    assert_eq!(register.context("occupied_by"), Some(ACME));
    assert_eq!(world.state().await["connections"], before);
    world.reads(ACME, "the account that was there first").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_the_instance_is_not_followed_and_nothing_is_sent_there() {
    let world = World::new().await;
    world.registered(ACME).await;
    let stranger = Stranger::listening();
    for (route, status) in [("token", 307), ("current_user", 302), ("table", 308), ("revoke", 307)] {
        let away = Fault::new(DEV1, FaultKind::Redirect).route(route).always();
        world.simulator.fault(away.with("location", stranger.url("/take")).with("status", status));
        let about = format!("{status} at {route}");
        if route == "revoke" {
            let ended = world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
            assert!(!ended.complete, "{about}");
        } else {
            let error = world.client.registrations().register(world.request(ACME)).await.unwrap_err();
            is(&error, ErrorKind::Protocol, &about);
        }
        world.simulator.clear_faults();
        stranger.heard_nothing(&about);
    }
}
