//! Alerts that are fetched: none is lost, none comes twice, whatever becomes of the answers and of the processes.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use itsm_adapter::{
    AlertSource, AlertState, Client, Delivery, Error, ErrorKind, Severity, SweepReport,
    store::{Change, Put, Store},
};
use itsm_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use support::{ACME, GLOBEX, World, is, wire::NeverEnds};

const MONITOR: &str = "monitor";
const LIST: &str = "notifications:list";

async fn poll(client: &Client, source: AlertSource) -> Result<SweepReport, Error> {
    client.sources().poll(ACME, source, Some(Utc::now() - TimeDelta::hours(2))).await
}

async fn monitored(world: &World) -> SweepReport {
    poll(&world.client, AlertSource::Monitor).await.unwrap()
}

async fn noticed(world: &World) -> SweepReport {
    poll(&world.client, AlertSource::CitrixCloud).await.unwrap()
}

fn counts(report: &SweepReport) -> (i64, i64, i64) {
    (report.accepted, report.changed, report.duplicates)
}

async fn deliveries(world: &World) -> Vec<Delivery> {
    world.client.alerts().list(Some(ACME), &[], None, Some(1000)).await.unwrap().items
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Monitor has these alerts: a number that makes the id, and when it changed, in seconds before now.
fn has(world: &World, alerts: &[(usize, i64)]) {
    let made: Vec<Value> = alerts.iter().map(|(number, age)| changed(*number, *age)).collect();
    world.simulator.patch_account(ACME, &json!({"alerts": made})).unwrap();
}

fn changed(number: usize, age: i64) -> Value {
    let at = stamp(Utc::now() - TimeDelta::seconds(age));
    json!({"Id": format!("00000000-0000-4000-8000-{number:012}"), "ModifiedDate": at, "CreatedDate": at, "NotificationRuleId": 42, "NotificationTargetId": 7, "NotificationPriority": 0})
}

fn notify(world: &World, title: &str, change: &Value) {
    let mut body = json!({
        "destinationAdmin": "*", "component": "Citrix Cloud", "createdDate": stamp(Utc::now()), "eventId": "same-for-all",
        "severity": "Error", "priority": "High", "content": [{"languageTag": "en-US", "title": title, "description": "x"}],
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    world.simulator.notify(ACME, &body).unwrap();
}

async fn added() -> World {
    let world = World::new().await;
    world.added(ACME).await;
    has(&world, &[]);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_monitor_are_read_page_by_page_and_once() {
    let world = added().await;
    let all: Vec<(usize, i64)> = (0..250).map(|number| (number, 3000 - i64::try_from(number).unwrap())).collect();
    has(&world, &all);
    let first = monitored(&world).await;
    assert!(first.looked && counts(&first) == (250, 0, first.read - 250) && first.unreadable == 0, "{first:?}");
    let second = monitored(&world).await;
    assert_eq!((second.accepted, second.changed), (0, 0), "{second:?}");
    assert_eq!(deliveries(&world).await.len(), 250);
    let delivery = deliveries(&world).await.remove(0);
    let alert = delivery.alert;
    assert_eq!((alert.source.as_str(), alert.title.as_str()), ("monitor", "Condition 42: VDA-7"));
    assert_eq!((alert.policy.as_deref(), alert.target.as_deref()), (Some("Site policy"), Some("VDA-7")));
    assert_eq!((alert.severity, alert.state), (Severity::Critical, AlertState::Raised));
    assert!(world.asked(MONITOR).iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_alerts_of_one_instant_than_a_page_holds_are_all_read() {
    let world = added().await;
    let at = stamp(Utc::now() - TimeDelta::seconds(600));
    let mut made: Vec<Value> = (0..350).map(|number| changed(number, 600)).collect();
    for alert in &mut made[..320] {
        alert["ModifiedDate"] = json!(at);
    }
    world.simulator.patch_account(ACME, &json!({"alerts": made})).unwrap();
    assert_eq!(monitored(&world).await.accepted, 350);
    assert_eq!(counts(&monitored(&world).await).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_monitor_that_never_ends_is_given_up_and_what_it_held_is_kept() {
    let world = added().await;
    has(&world, &[(1, 600), (2, 600)]);
    let builder = Client::builder().config(world.config()).transport(Arc::new(NeverEnds(world.wire.clone())));
    let client = builder.clock(Arc::new(world.clock.clone())).open().await.unwrap();
    // The first look has come further than where it began; the second one has not.
    assert_eq!(poll(&client, AlertSource::Monitor).await.unwrap().accepted, 2);
    let pages = world.asked(MONITOR).len();
    assert!((500..600).contains(&pages), "{pages} pages");
    is(&poll(&client, AlertSource::Monitor).await.unwrap_err(), ErrorKind::Protocol, "for ever");
    assert_eq!(monitored(&world).await.accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn later_states_are_told_and_an_end_that_nobody_knows_is_not() {
    let world = added().await;
    let same = changed(2, 400);
    world.simulator.patch_account(ACME, &json!({"alerts": [changed(1, 500), same]})).unwrap();
    assert_eq!(counts(&monitored(&world).await), (2, 0, 0));
    let mut announced = changed(1, 300);
    announced["LastReannouncementTime"] = json!(stamp(Utc::now()));
    let mut over = changed(3, 200);
    over["LifecycleState"] = json!(3);
    world.simulator.patch_account(ACME, &json!({"alerts": [announced, same, over]})).unwrap();
    let report = monitored(&world).await;
    assert_eq!((report.accepted, report.changed), (0, 1), "{report:?}");
    assert_eq!(deliveries(&world).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_goes_on_is_no_news() {
    let world = added().await;
    let began = stamp(Utc::now() - TimeDelta::seconds(900));
    for (look, age) in [600, 300, 0].into_iter().enumerate() {
        let mut alert = changed(1, age);
        alert["FirstTimeConditionTrue"] = json!(began);
        alert["LastTimeConditionTrue"] = alert["ModifiedDate"].clone();
        world.simulator.patch_account(ACME, &json!({"alerts": [alert]})).unwrap();
        let report = monitored(&world).await;
        let told = if look == 0 { (1, 0, 0) } else { (0, 0, 1) };
        assert_eq!(counts(&report), told, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_arrives_late_with_an_older_date_is_read() {
    let world = added().await;
    has(&world, &[(1, 100)]);
    assert_eq!(monitored(&world).await.accepted, 1);
    has(&world, &[(1, 100), (2, 500)]);
    assert_eq!(monitored(&world).await.accepted, 1, "older than the resume point by less than ten minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_before_the_resume_point_moves_submits_nothing_twice() {
    let world = added().await;
    has(&world, &[(0, 3000)]);
    notify(&world, "first", &json!({}));
    monitored(&world).await;
    noticed(&world).await;
    let store = world.store();
    let customer = itsm_adapter::CustomerId::parse(ACME).unwrap();
    let mut before = Vec::new();
    for source in ["monitor", "citrix_cloud"] {
        before.push(store.resume_point(&customer, source).await.unwrap().unwrap().value);
    }
    has(&world, &(0..150).map(|number| (number, 2000)).collect::<Vec<_>>());
    for number in 0..150 {
        notify(&world, &format!("title {number}"), &json!({}));
    }
    assert_eq!(monitored(&world).await.accepted, 149);
    assert_eq!(noticed(&world).await.accepted, 150);
    for value in before {
        let now = store.resume_point(&customer, &value.source).await.unwrap().unwrap();
        let put = Put { value, sealed: None, replaces: Some(now.version) };
        store.commit(vec![Change::ResumePoint(put)]).await.unwrap();
    }
    let (monitor, cloud) = (monitored(&world).await, noticed(&world).await);
    assert_eq!((monitor.accepted, cloud.accepted), (0, 0), "{monitor:?} {cloud:?}");
    assert!(monitor.duplicates >= 149 && cloud.duplicates >= 150, "{monitor:?} {cloud:?}");
    assert_eq!(deliveries(&world).await.len(), 150 + 151);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_an_answer_the_next_look_reads_what_is_missing() {
    for what in [
        FaultKind::Cut,
        FaultKind::CutAfter,
        FaultKind::FailTimes,
        FaultKind::HtmlError,
        FaultKind::Html,
        FaultKind::Truncate,
        FaultKind::Garbage,
        FaultKind::Stray401,
        FaultKind::Frozen,
    ] {
        let world = added().await;
        has(&world, &(0..250).map(|number| (number, 3000 - i64::try_from(number).unwrap())).collect::<Vec<_>>());
        for number in 0..150 {
            notify(&world, &format!("title {number}"), &json!({}));
        }
        for (route, source, all) in [(MONITOR, AlertSource::Monitor, 250), (LIST, AlertSource::CitrixCloud, 150)] {
            let about = format!("{what:?} {source:?}");
            // Each page once, and the repetition of its call.
            world.simulator.fault(Fault::new("citrix", what).route(route).times(3));
            let mut accepted = 0;
            for _ in 0..8 {
                match poll(&world.client, source).await {
                    Ok(report) => accepted += report.accepted,
                    Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{about}: {error:?}"),
                }
            }
            assert!(accepted <= all, "{about}");
            let name = if source == AlertSource::Monitor { "monitor" } else { "citrix_cloud" };
            let held = deliveries(&world).await.into_iter().filter(|delivery| delivery.alert.source == name).count();
            assert_eq!(i64::try_from(held).unwrap(), all, "{about}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_citrix_asks_for_is_kept() {
    let world = added().await;
    has(&world, &[(1, 100)]);
    world.simulator.fault(Fault::new("citrix", FaultKind::Throttle).route(MONITOR).with("retry_after_s", 600));
    let error = poll(&world.client, AlertSource::Monitor).await.unwrap_err();
    is(&error, ErrorKind::Throttled, "429");
    assert!(error.is_retryable());
    let error = poll(&world.client, AlertSource::Monitor).await.unwrap_err();
    is(&error, ErrorKind::Throttled, "still");
    assert_eq!(world.asked(MONITOR).len(), 1, "nothing is asked before the time is over");
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(monitored(&world).await.accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_never_ask_monitor_at_once() {
    let world = added().await;
    has(&world, &(0..300).map(|number| (number, 3000 - i64::try_from(number).unwrap())).collect::<Vec<_>>());
    let another = world.another_client().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = if number % 2 == 0 { world.client.clone() } else { another.clone() };
        tasks.spawn(async move { poll(&client, AlertSource::Monitor).await.unwrap() });
    }
    let reports = tasks.join_all().await;
    assert_eq!(reports.iter().map(|report| report.accepted).sum::<i64>(), 300, "{reports:?}");
    assert!(reports.iter().any(|report| !report.looked), "{reports:?}");
    assert!(world.asked(MONITOR).iter().all(|request| request.status == Some(200)), "a second query at once is a 429");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_given_up_does_not_keep_the_next_one_waiting() {
    let world = added().await;
    has(&world, &[(1, 100)]);
    world.simulator.fault(Fault::new("citrix", FaultKind::Hang).route(MONITOR));
    let client = world.client.clone();
    let given_up = tokio::spawn(async move { poll(&client, AlertSource::Monitor).await });
    support::until("the query", || !world.asked(MONITOR).is_empty()).await;
    given_up.abort();
    let _ = given_up.await;
    // The lease is given back by a task of its own.
    let mut report = monitored(&world).await;
    while !report.looked {
        tokio::task::yield_now().await;
        report = monitored(&world).await;
    }
    assert_eq!(report.accepted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_are_told_apart_by_what_they_say() {
    let world = added().await;
    let old = stamp(Utc::now() - TimeDelta::days(30));
    notify(&world, "from last month", &json!({"createdDate": old}));
    let now = stamp(Utc::now());
    for number in 0..120 {
        notify(&world, &format!("title {number}"), &json!({"createdDate": now}));
    }
    // The same once more: by the sender's id alone all of them would be one.
    notify(&world, "title 7", &json!({"createdDate": now}));
    let first = noticed(&world).await;
    assert_eq!((first.read, first.accepted, first.duplicates), (122, 120, 2), "{first:?}");
    assert_eq!(counts(&noticed(&world).await), (0, 0, 122));
    // Whatever date a new one claims.
    notify(&world, "backdated", &json!({"createdDate": old}));
    notify(&world, "undated", &json!({"createdDate": "yesterday"}));
    assert_eq!(noticed(&world).await.accepted, 2);
    let alert = deliveries(&world).await.pop().unwrap().alert;
    assert_eq!((alert.severity, alert.priority.as_deref()), (Severity::Error, Some("high")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_cannot_be_read_from_the_future_on() {
    let world = added().await;
    has(&world, &[(1, 100)]);
    for source in [AlertSource::Monitor, AlertSource::CitrixCloud] {
        let since = Some(Utc::now() + TimeDelta::hours(1));
        let error = world.client.sources().poll(ACME, source, since).await.unwrap_err();
        is(&error, ErrorKind::InvalidInput, "an hour ahead");
    }
    assert_eq!((world.asked(MONITOR).len(), world.asked(LIST).len()), (0, 0));
    // Of a clock that is a little fast.
    let since = Some(Utc::now() + TimeDelta::minutes(1));
    let report = world.client.sources().poll(ACME, AlertSource::Monitor, since).await.unwrap();
    assert!(report.resumes_at.unwrap() <= Utc::now(), "{report:?}");
    has(&world, &[(2, 0)]);
    assert_eq!(counts(&monitored(&world).await), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_dated_in_the_future_hides_none_before_it() {
    let world = added().await;
    has(&world, &[(1, -7200)]);
    assert_eq!(counts(&monitored(&world).await), (1, 0, 0));
    has(&world, &[(1, -7200), (2, 0)]);
    assert_eq!(counts(&monitored(&world).await), (1, 0, 1));
    // As it may have been written down before.
    let (store, customer) = (world.store(), itsm_adapter::CustomerId::parse(ACME).unwrap());
    let row = store.resume_point(&customer, "monitor").await.unwrap().unwrap();
    let (mut value, replaces) = (row.value, Some(row.version));
    value.position = json!({"since": stamp(Utc::now() + TimeDelta::days(9)), "seen": {}}).to_string();
    store.commit(vec![Change::ResumePoint(Put { value, sealed: None, replaces })]).await.unwrap();
    has(&world, &[(3, 0)]);
    assert_eq!(counts(&monitored(&world).await), (1, 0, 0));
}

fn dismiss(world: &World, titles: &[&str]) {
    world.simulator.patch_account(ACME, &json!({"dismissed": titles})).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_list_lacks_for_once_is_not_news_when_it_is_back() {
    let world = added().await;
    let old = stamp(Utc::now() - TimeDelta::days(30));
    for title in ["old", "older"] {
        notify(&world, title, &json!({"createdDate": old}));
    }
    assert_eq!(counts(&noticed(&world).await), (0, 0, 2));
    notify(&world, "new", &json!({}));
    assert_eq!(counts(&noticed(&world).await), (1, 0, 2));
    for lacking in [&["old"][..], &["old", "older", "new"]] {
        dismiss(&world, lacking);
        assert_eq!(counts(&noticed(&world).await), (0, 0, 3 - i64::try_from(lacking.len()).unwrap()));
        dismiss(&world, &[]);
        assert_eq!(counts(&noticed(&world).await), (0, 0, 3), "{lacking:?} came back");
    }
    // Longer than Citrix keeps anything.
    dismiss(&world, &["old"]);
    world.clock.advance(Duration::from_secs(91 * 24 * 3600));
    assert_eq!(counts(&noticed(&world).await), (0, 0, 2));
    dismiss(&world, &[]);
    assert_eq!(counts(&noticed(&world).await), (1, 0, 2), "whatever it says by now, it is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_remembered_without_its_instant_stays_remembered() {
    let world = added().await;
    notify(&world, "old", &json!({"createdDate": stamp(Utc::now() - TimeDelta::days(30))}));
    assert_eq!(counts(&noticed(&world).await), (0, 0, 1));
    let (store, customer) = (world.store(), itsm_adapter::CustomerId::parse(ACME).unwrap());
    let row = store.resume_point(&customer, "citrix_cloud").await.unwrap().unwrap();
    let (mut value, replaces) = (row.value, Some(row.version));
    let mut position: Value = serde_json::from_str(&value.position).unwrap();
    let seen = position["seen"].as_object_mut().unwrap();
    assert_eq!(seen.len(), 1);
    seen.values_mut().for_each(|second| *second = json!(0));
    value.position = position.to_string();
    store.commit(vec![Change::ResumePoint(Put { value, sealed: None, replaces })]).await.unwrap();
    dismiss(&world, &["old"]);
    assert_eq!(counts(&noticed(&world).await), (0, 0, 0));
    dismiss(&world, &[]);
    assert_eq!(counts(&noticed(&world).await), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_needs_its_account() {
    let world = added().await;
    for source in [AlertSource::Monitor, AlertSource::CitrixCloud] {
        let error = world.client.sources().poll(GLOBEX, source, None).await.unwrap_err();
        is(&error, ErrorKind::NotFound, "no account");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_at_any_moment_keeps_nobody_from_looking() {
    // The clock stands, so a lease that is not given back stays.
    let world = World::with(&[], 0).await;
    world.added(ACME).await;
    for at in 0..300 {
        let _ = tokio::time::timeout(Duration::from_micros(10 * at), poll(&world.client, AlertSource::Monitor)).await;
    }
    let looked = async {
        while !monitored(&world).await.looked {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), looked).await.is_ok(), "the lease is held by nobody");
}
