//! The life of a consent: warned of before its wall, renewed once however many ask, never lost by a stray answer.

#![allow(clippy::unwrap_used)]

mod support;

use std::{path::PathBuf, time::Duration};

use chrono::TimeDelta;
use itsm_adapter::{
    Authorize, CheckAll, Client, ConnectionStatus, ErrorKind, Event, EventKind, InstanceHealth, OauthServer,
};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World,
    actor::Dice,
    child::{self, Other, Scene},
    read, until,
};
use tokio::task::JoinSet;

const DAY: Duration = Duration::from_secs(86_400);

/// Both clocks, here and there.
fn pass(world: &World, time: Duration) {
    world.clock.advance(time);
    world.simulator.advance(time);
}

async fn log(client: &Client) -> Vec<Event> {
    let (mut all, mut after): (Vec<Event>, Option<String>) = (Vec::new(), None);
    loop {
        let page = client.events().list(Some(ACME), after.as_deref(), Some(1000)).await.unwrap();
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

fn warned(log: &[Event]) -> Vec<String> {
    let warnings = log.iter().filter(|event| event.kind == EventKind::GrantExpiring);
    warnings.map(|event| event.detail["distance"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_is_warned_of_once_at_each_distance_and_a_restart_does_not_repeat_it() {
    let world = World::with(&[DEV1], 0).await;
    world.consented(ACME, "svc.citrix").await;
    let url = world.url();
    let check = || world.client.registrations().check(ACME, &url);
    let expected: [(u64, &[&str]); 7] = [
        (69, &[]),
        (2, &["30"]),
        (10, &["30"]),
        (6, &["30", "14"]),
        // Nobody looked for twelve days: the nearest distance counts, the ones before are not told any more.
        (12, &["30", "14", "1"]),
        (0, &["30", "14", "1"]),
        (0, &["30", "14", "1"]),
    ];
    let mut passed = 0;
    for (days, distances) in expected {
        pass(&world, DAY * u32::try_from(days).unwrap());
        passed += days;
        let connection = check().await.unwrap();
        assert_eq!(connection.grant.unwrap().days_left, Some(i32::try_from(100 - passed).unwrap()), "day {passed}");
        assert_eq!(warned(&log(&world.client).await), distances, "day {passed}");
    }
    let again = world.another_client().await;
    let _ = again.registrations().check(ACME, &world.url()).await.unwrap();
    assert_eq!(warned(&log(&world.client).await).len(), 3, "a restart has told it again");

    // A new consent begins from the start.
    let link = Authorize { customer_id: ACME.into(), instance_url: world.url(), ..Authorize::default() };
    let begun = world.client.registrations().authorize(link).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    world.simulator.patch_instance(DEV1, &json!({"regrant_resets_expiry": true})).unwrap();
    let done = world.client.registrations().complete(&callback, None).await.unwrap();
    assert!(done.connection.grant.unwrap().days_left >= Some(99));
    pass(&world, DAY * 75);
    check().await.unwrap();
    assert_eq!(warned(&log(&world.client).await), ["30", "14", "1", "30"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_renews_itself_before_the_wall_and_is_not_warned_of() {
    let world = World::with(&[DEV1], 0).await;
    world.registered(ACME).await;
    for _ in 0..5 {
        pass(&world, DAY * 33);
        world.client.registrations().check(ACME, &world.url()).await.unwrap();
        world.reads(ACME, "a service account").await;
    }
    let log = log(&world.client).await;
    assert!(warned(&log).is_empty());
    assert!(!log.iter().any(|event| event.kind == EventKind::Unauthorized), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clocks_are_set_per_instance_and_an_answer_that_says_counts() {
    let made = World::made(&[DEV1], 0, |config| {
        config.oauth_servers =
            vec![OauthServer { refresh_token_lifespan_s: Some(40 * 86_400), ..OauthServer::default() }];
    });
    let world = made.await;
    let done = world.consented(ACME, "svc.citrix").await;
    assert_eq!(done.connection.grant.unwrap().days_left, Some(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_refused_in_mid_use_costs_one_renewal_and_one_repetition() {
    let world = World::new().await;
    world.consented(ACME, "svc.citrix").await;
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.simulator.clear_requests();
    world.reads(ACME, "in mid-use").await;
    assert_eq!((world.grants("refresh_token"), world.asked("table").len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_a_day_ends_nothing() {
    let world = World::with(&[DEV1], 0).await;
    world.consented(ACME, "svc.citrix").await;
    for jump in [TimeDelta::days(1), TimeDelta::days(-1), TimeDelta::days(-1), TimeDelta::days(1)] {
        world.clock.jump(jump);
        world.reads(ACME, &format!("after {jump}")).await;
        let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
        assert_eq!(connection.status, ConnectionStatus::Registered, "{jump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_checks_all_tells_its_progress_and_says_what_is_wrong_with_each() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.consented(ACME, "svc.citrix").await;
    world.added(GLOBEX).await;
    world.client.registrations().register(world.request_at(GLOBEX, "dev2")).await.unwrap();
    let sweep = |request: CheckAll| world.client.registrations().check_all(request);
    let summary = sweep(CheckAll::default()).await.unwrap();
    assert_eq!((summary.healthy, summary.unhealthy, summary.unauthorized, summary.failed), (2, 0, 0, 0));
    assert_eq!(summary.items.len(), 2);
    assert!(matches!(summary.items[0].days_left, Some(99 | 100)));
    let progress = world.events.messages(EventKind::Progress);
    assert!(progress.contains(&"2 of 2 registrations are checked.".to_owned()), "{progress:?}");

    world.simulator.fault(Fault::new(DEV1, FaultKind::Hibernating).always());
    world.simulator.patch_user("dev2", "svc.citrix", &json!({"password": "SnPassword.other&1"})).unwrap();
    world.simulator.revoke_tokens("dev2", TokenKind::Both, None);
    let summary = sweep(CheckAll { concurrency: Some(1), ..CheckAll::default() }).await.unwrap();
    assert_eq!((summary.healthy, summary.unhealthy, summary.unauthorized, summary.failed), (0, 1, 1, 0));
    assert_eq!(summary.items[0].health, InstanceHealth::Hibernating);
    let one = sweep(CheckAll { customer_id: Some(GLOBEX.into()), concurrency: None }).await.unwrap();
    assert_eq!((one.items.len(), one.unauthorized), (1, 1));
    for concurrency in [0, 257] {
        let refused = sweep(CheckAll { concurrency: Some(concurrency), ..CheckAll::default() }).await.unwrap_err();
        support::is(&refused, ErrorKind::InvalidInput, "concurrency");
    }
}

/// Twenty-four hours, in steps of a quarter, with whatever may happen to an instance. Every change of the status is in
/// the log, nothing is called unauthorized that is not proven, and a consent that was really revoked is.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_trouble_is_explained_by_the_event_log() {
    const FAULTS: [FaultKind; 8] = [
        FaultKind::Throttle,
        FaultKind::Semaphore,
        FaultKind::FailTimes,
        FaultKind::Hibernating,
        FaultKind::Html,
        FaultKind::HtmlError,
        FaultKind::Cut,
        FaultKind::Garbage,
    ];
    for seed in 1..=3 {
        // The clock is moved under calls that wait on it; none of them may run out of time because of that.
        let made = World::made(&[DEV1], 0, |config| config.total_timeout = Duration::from_secs(7200));
        let world = made.await;
        let mut dice = Dice::new(seed);
        world.consented(ACME, "svc.citrix").await;
        let mut revoked = 0;
        for step in 0..96 {
            pass(&world, Duration::from_secs(900));
            match dice.roll(10) {
                0 => drop(world.simulator.revoke_tokens(DEV1, TokenKind::Access, None)),
                1..=5 => {
                    let route = dice.pick(&["token", "table", "current_user", "any"]);
                    let times = u32::try_from(dice.roll(4)).unwrap() + 1;
                    world.simulator.fault(Fault::new(DEV1, dice.pick(&FAULTS)).route(route).times(times));
                }
                6 if step % 24 == 0 => {
                    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
                    revoked += 1;
                }
                _ => {}
            }
            let about = format!("seed {seed}, step {step}");
            let (client, url) = (world.client.clone(), world.url());
            let mut check = tokio::spawn(async move { client.registrations().check(ACME, &url).await });
            // Whoever waits on the clock is woken: back-off, and the second try of a refused token.
            let connection = loop {
                tokio::select! {
                    done = &mut check => break done.unwrap().unwrap_or_else(|error| panic!("{about}: {error:?}")),
                    () = tokio::time::sleep(Duration::from_millis(5)) => world.clock.advance(Duration::from_millis(500)),
                }
            };
            world.simulator.clear_faults();
            if connection.status == ConnectionStatus::Unauthorized {
                assert!(revoked > 0, "{about}: unauthorized, and nobody has revoked anything");
                revoked = 0;
                let link = Authorize { customer_id: ACME.into(), instance_url: world.url(), ..Authorize::default() };
                let begun = world.client.registrations().authorize(link).await.unwrap();
                let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
                world.client.registrations().complete(&callback, None).await.unwrap();
            }
        }
        let mut status = "none".to_owned();
        for event in log(&world.client).await {
            if let (Some(from), Some(to)) = (event.detail.get("from"), event.detail.get("to")) {
                assert_eq!(*from, status, "seed {seed}: the log has a gap at {event:?}");
                status.clone_from(to);
            }
        }
        assert_eq!(status, "registered", "seed {seed}");
        pass(&world, Duration::from_secs(3600));
        world.reads(ACME, "after the day").await;
    }
}

/// Not a test of its own: what the started processes do.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((_, scene)) = child::part() else { return };
    let client = child::client(&scene).await;
    child::say("ready");
    let signal = signal(&scene.database);
    until("the signal", || signal.exists()).await;
    let mut callers = JoinSet::new();
    for _ in 0..500 {
        let client = client.clone();
        callers.spawn(async move { read(&client, ACME).await.is_err() });
    }
    child::say(format!("{} failed", callers.join_all().await.into_iter().filter(|failed| *failed).count()));
}

fn signal(database: &std::path::Path) -> PathBuf {
    database.with_extension("go")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_in_two_processes_at_the_moment_of_expiry_cost_one_exchange_each_at_the_most() {
    let world = World::new().await;
    world.simulator.patch_instance(DEV1, &json!({"rotate_refresh_tokens": true})).unwrap();
    world.consented(ACME, "svc.citrix").await;
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.simulator.clear_requests();
    let mut others: Vec<Other> = (0..2).map(|number| Other::start("storm", &Scene::of(&world, number))).collect();
    for other in &mut others {
        assert_eq!(other.next().as_deref(), Some("ready"));
    }
    std::fs::write(signal(&world.database()), "").unwrap();
    for other in others {
        let finished = tokio::task::spawn_blocking(move || other.finish()).await.unwrap();
        assert_eq!(finished, (vec!["0 failed".to_owned()], true));
    }
    let calls = world.asked("token");
    assert!((1..=2).contains(&calls.len()), "{} exchanges", calls.len());
    assert!(calls.iter().all(|call| call.status == Some(200)), "a refresh was refused: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_nothing_can_renew_ends_when_it_is_refused_after_its_time() {
    let world = World::with(&[DEV1], 0).await;
    world.added(ACME).await;
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"public_client": "true"})).unwrap();
    world.simulator.patch_instance(DEV1, &json!({"public_clients_get_refresh_token": false})).unwrap();
    let request = Authorize { client_secret: None, ..world.authorize(ACME) };
    let begun = world.client.registrations().authorize(request).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    world.client.registrations().complete(&callback, None).await.unwrap();
    let status = async || world.client.registrations().check(ACME, &world.url()).await.map(|checked| checked.status);

    // Near its end, and after it by a clock that is wrong, it still serves.
    pass(&world, Duration::from_secs(1795));
    world.reads(ACME, "shortly before the end").await;
    world.clock.jump(TimeDelta::days(1));
    world.reads(ACME, "by a clock that is ahead").await;
    world.clock.jump(TimeDelta::days(-1));

    // One refusal before its time is no proof.
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray401).times(1));
    assert_eq!(status().await.unwrap(), ConnectionStatus::Registered);

    pass(&world, Duration::from_secs(10));
    assert_eq!(status().await.unwrap(), ConnectionStatus::Unauthorized);
    let told = world.events.messages(EventKind::Unauthorized);
    assert_eq!(told.len(), 1, "{told:?}");
}
