//! The worker: what it must withstand. The instance counts its incidents, not our client.
//!
//! With `ITSM_LONG=1` the mix of faults is tried on 10,000 alerts.

#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeMap, time::Duration};

use itsm_adapter::{AlertState, Client, DeliveryStatus, ErrorKind, EventKind, RunOptions, Severity};
use itsm_simulator::{Fault, FaultKind, Record};
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World, alert,
    delivering::{INSERT, LOOK_UP, submitted, world},
    is, until,
};

/// A world whose clock is fast, and whose calls nevertheless have the machine's time.
async fn hurried(instances: &[&str]) -> World {
    let world = World::made(instances, 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    world
}

/// A world whose clock stands, so that no claim ends by itself.
async fn standing() -> World {
    let world = World::with(&[DEV1], 0).await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    world
}

async fn submit(client: &Client, numbers: std::ops::Range<usize>) {
    let alerts = numbers.map(|number| alert(ACME, &format!("a{number}"))).collect();
    client.alerts().submit_many(alerts).await.unwrap();
}

/// How many incidents each key has on the instance.
fn made(world: &World) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for row in world.simulator.records(DEV1, "incident") {
        if row["correlation_id"].starts_with("citrix-") {
            *made.entry(row["correlation_id"].clone()).or_default() += 1;
        }
    }
    made
}

/// Fails unless each of so many alerts has exactly one incident, and the adapter says so.
async fn exactly_one_each(world: &World, alerts: usize, about: &str) {
    let made = made(world);
    let doubled = made.values().filter(|count| **count > 1).count();
    assert_eq!((made.len(), doubled), (alerts, 0), "{about}: incidents, doubled");
    let lag = world.client.alerts().lag(None).await.unwrap();
    let told = usize::try_from(lag.delivered).unwrap();
    assert_eq!((told, lag.pending, lag.unknown, lag.dead), (alerts, 0, 0, 0), "{about}: {lag:?}");
}

fn is_long() -> bool {
    std::env::var("ITSM_LONG").is_ok_and(|long| long == "1")
}

/// The oldest delivery is the first to be tried again: it may meet more of the faults than a worker has patience for.
fn patient() -> RunOptions {
    RunOptions { max_attempts: Some(1000), ..RunOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_of_faults_loses_nothing_and_doubles_nothing() {
    let world = hurried(&[DEV1]).await;
    let alerts = if is_long() { 10_000 } else { 200 };
    mixed(&world, alerts).await;
    let lag = world.client.alerts().drain(patient()).await.unwrap();
    assert_eq!(lag.oldest_age_ms, None, "{lag:?}");
    exactly_one_each(&world, alerts, "the mix").await;
    let hit = world.asked(INSERT).iter().filter(|request| request.fault.is_some()).count();
    assert_eq!(hit, alerts / 10 * 6, "every fault met an insert");
}

/// So many alerts, and a fault for six of ten.
async fn mixed(world: &World, alerts: usize) {
    submit(&world.client, 0..alerts).await;
    for _ in 0..alerts / 10 {
        for fault in [
            Fault::new(DEV1, FaultKind::CutAfter),
            Fault::new(DEV1, FaultKind::CreatedThenHtml),
            Fault::new(DEV1, FaultKind::FailTimes).with("status", 503),
            Fault::new(DEV1, FaultKind::Html),
            // Turned away for a second, by a limit that an hour does not use up.
            Fault::new(DEV1, FaultKind::Throttle).with("retry_after_s", 1).with("limit", 1_000_000),
            Fault::new(DEV1, FaultKind::CreatedThenSlow).with("delay_ms", 2500),
        ] {
            world.simulator.fault(fault.route(INSERT));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn query_rules_that_forbid_ranges_and_sorting_change_nothing() {
    let world = hurried(&[DEV1]).await;
    let denied = ["correlation_id", "sys_created_on", "sys_id", "number"].map(|field| format!("incident.{field}"));
    world.simulator.patch_instance(DEV1, &json!({"range_denied": denied})).unwrap();
    mixed(&world, 100).await;
    world.client.alerts().drain(patient()).await.unwrap();
    exactly_one_each(&world, 100, "ranges forbidden").await;
    assert!(world.asked(LOOK_UP).iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_condition_is_dropped_nothing_is_made_twice_and_the_others_go_on() {
    let world = hurried(&[DEV1]).await;
    world.simulator.patch_instance(DEV1, &json!({"conditions_dropped": ["incident.correlation_id"]})).unwrap();
    // Two alerts of ten leave nothing to be looked up.
    mixed(&world, 100).await;
    let worker =
        world.client.alerts().run(RunOptions { max_attempts: Some(1000), ..RunOptions::default() }).await.unwrap();
    let lag = async || world.client.alerts().lag(None).await.unwrap();
    while lag().await.pending > 0 || lag().await.delivered < 40 {
        tokio::task::yield_now().await;
    }
    let broken = lag().await;
    assert!(broken.unknown > 0 && broken.dead == 0, "{broken:?}");
    assert!(made(&world).values().all(|count| *count == 1));
    world.simulator.patch_instance(DEV1, &json!({"conditions_dropped": []})).unwrap();
    world.clock.advance(Duration::from_secs(600));
    while lag().await.delivered < 100 {
        tokio::task::yield_now().await;
    }
    worker.stop().await.unwrap();
    exactly_one_each(&world, 100, "a condition was dropped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_looked_up_is_a_dead_letter_and_a_replay_looks_first() {
    for what in [FaultKind::CutAfter, FaultKind::Cut] {
        let world = hurried(&[DEV1]).await;
        world.simulator.patch_instance(DEV1, &json!({"conditions_dropped": ["incident.correlation_id"]})).unwrap();
        world.simulator.put_record(DEV1, "incident", &Record::from([("number".to_owned(), "INC9".to_owned())]));
        let delivery = submitted(&world, "hidden").await;
        world.simulator.fault(Fault::new(DEV1, what).route(INSERT));
        let options = RunOptions { max_attempts: Some(3), ..RunOptions::default() };
        let lag = world.client.alerts().drain(options.clone()).await.unwrap();
        assert_eq!((lag.dead, world.asked(INSERT).len()), (1, 1), "{what:?}: {lag:?}");
        let dead = world.client.alerts().get(delivery.id.as_str()).await.unwrap();
        assert!(dead.failure.unwrap().contains("not known"));
        // Whoever replays it too early is told the same.
        world.client.alerts().replay(delivery.id.as_str()).await.unwrap();
        let lag = world.client.alerts().drain(options).await.unwrap();
        assert_eq!((lag.dead, world.asked(INSERT).len()), (1, 1), "{what:?}: {lag:?}");
        world.simulator.patch_instance(DEV1, &json!({"conditions_dropped": []})).unwrap();
        world.client.alerts().replay(delivery.id.as_str()).await.unwrap();
        world.client.alerts().drain(RunOptions::default()).await.unwrap();
        exactly_one_each(&world, 1, &format!("{what:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_delivers_what_comes_and_stops_cleanly() {
    let world = hurried(&[DEV1]).await;
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    for number in 0..20 {
        submitted(&world, &number.to_string()).await;
    }
    until("all incidents", || made(&world).len() == 20).await;
    worker.stop().await.unwrap();
    worker.stop().await.unwrap();
    exactly_one_each(&world, 20, "a running worker").await;
    submitted(&world, "later").await;
    let lag = world.client.alerts().lag(Some(ACME)).await.unwrap();
    assert_eq!((lag.pending, lag.delivered, lag.lanes.len()), (1, 20, 2), "{lag:?}");
    assert!(lag.oldest_age_ms.is_some());
    for wrong in [
        RunOptions { concurrency: Some(0), ..RunOptions::default() },
        RunOptions { max_attempts: Some(0), ..RunOptions::default() },
    ] {
        is(&world.client.alerts().run(wrong).await.unwrap_err(), ErrorKind::InvalidInput, "options");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_in_hand() {
    let world = hurried(&[DEV1]).await;
    submitted(&world, "slow").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route(INSERT).with("delay_ms", 300));
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    until("the insert", || !world.asked(INSERT).is_empty()).await;
    worker.stop().await.unwrap();
    exactly_one_each(&world, 1, "stopped in the middle").await;
    assert!(world.asked(LOOK_UP).is_empty(), "its answer was waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_another_worker_has_done_the_last_one() {
    let world = World::with(&[DEV1], 1).await;
    world.registered(ACME).await;
    submitted(&world, "slow").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route(INSERT).with("delay_ms", 500));
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    until("the insert", || !world.asked(INSERT).is_empty()).await;
    // The claim of the other one lasts for 13 s.
    let drained =
        tokio::time::timeout(Duration::from_secs(8), world.client.alerts().drain(RunOptions::default())).await;
    assert_eq!(drained.unwrap().unwrap().delivered, 1);
    worker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_ahead_is_given_back_at_a_stop() {
    let world = standing().await;
    submit(&world.client, 0..20).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route(INSERT).with("delay_ms", 300).always());
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    until("the first inserts", || world.asked(INSERT).len() >= 4).await;
    worker.stop().await.unwrap();
    let begun = made(&world).len();
    assert!(begun < 20, "only what was begun is finished");
    world.simulator.clear_faults();
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    until("all incidents", || made(&world).len() == 20).await;
    worker.stop().await.unwrap();
    exactly_one_each(&world, 20, "after the stop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_ahead_of_its_place_is_taken_back_at_a_stop() {
    let world = standing().await;
    let eight = || RunOptions { concurrency: Some(8), ..RunOptions::default() };
    let worker = world.client.alerts().run(eight()).await.unwrap();
    submit(&world.client, 0..40).await;
    until("a full window", || made(&world).len() == 40).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route(INSERT).with("delay_ms", 1000).always());
    submit(&world.client, 40..70).await;
    // Eight are sent; two more are written down as begun, and wait for a place.
    while world.client.alerts().lag(None).await.unwrap().unknown < 10 {
        tokio::task::yield_now().await;
    }
    until("eight requests", || world.asked(INSERT).len() >= 48).await;
    worker.stop().await.unwrap();
    let lag = world.client.alerts().lag(None).await.unwrap();
    assert!((48..70).contains(&lag.delivered), "what was sent is finished: {lag:?}");
    assert_eq!((lag.unknown, lag.pending), (0, 70 - lag.delivered), "what was not is taken back: {lag:?}");
    let pending = world.client.alerts().list(None, &[DeliveryStatus::Pending], None, None).await.unwrap().items;
    assert!(pending.iter().all(|delivery| delivery.attempts == 0 && delivery.instance_id.is_none()), "{pending:?}");
    world.simulator.clear_faults();
    world.client.alerts().drain(eight()).await.unwrap();
    exactly_one_each(&world, 70, "after the stop").await;
    let all = world.client.alerts().list(None, &[DeliveryStatus::Delivered], None, None).await.unwrap().items;
    assert!(all.iter().all(|delivery| delivery.attempts == 1), "what was not sent does not count");
    assert!(world.asked(LOOK_UP).is_empty(), "nothing was in doubt");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_alert_a_thousand_times_at_once_is_one_incident() {
    let world = hurried(&[DEV1]).await;
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    let alerts = (0..1000).map(|_| alert(ACME, "same")).collect();
    let taken = world.client.alerts().submit_many(alerts).await.unwrap();
    assert!(taken.iter().all(|delivery| delivery.id == taken[0].id));
    until("the incident", || made(&world).len() == 1).await;
    worker.stop().await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    exactly_one_each(&world, 1, "the same alert").await;
    assert_eq!(world.asked(INSERT).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn severe_alerts_go_first() {
    let world = hurried(&[DEV1]).await;
    for (id, severity) in
        [("i", Severity::Information), ("w", Severity::Warning), ("c", Severity::Critical), ("e", Severity::Error)]
    {
        let mut one = alert(ACME, id);
        (one.severity, one.title) = (severity, id.to_owned());
        world.client.alerts().submit(one).await.unwrap();
    }
    world.client.alerts().drain(RunOptions { concurrency: Some(1), ..RunOptions::default() }).await.unwrap();
    let mut rows = world.simulator.records(DEV1, "incident");
    rows.retain(|row| row["correlation_id"].starts_with("citrix-"));
    rows.sort_by(|a, b| a["number"].cmp(&b["number"]));
    let order: Vec<_> = rows.iter().map(|row| row["short_description"].as_str()).collect();
    assert_eq!(order, ["c", "e", "w", "i"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_instance_never_takes_is_a_dead_letter_that_can_be_replayed() {
    let world = hurried(&[DEV1]).await;
    world.simulator.patch_instance(DEV1, &json!({"mandatory": ["assignment_group"]})).unwrap();
    let delivery = submitted(&world, "demanding").await;
    let lag = world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.dead, lag.pending), (1, 0));
    let dead = world.client.alerts().list(None, &[DeliveryStatus::Dead], None, None).await.unwrap().items;
    let why = dead[0].failure.as_deref().unwrap();
    assert!(why.contains("Assignment group") && why.contains("mandatory"), "the field is named: {why}");
    assert_eq!(world.asked(INSERT).len(), 1, "it is not tried in vain");
    assert_eq!(world.events.messages(EventKind::DeliveryFailed).len(), 1);
    world.simulator.patch_instance(DEV1, &json!({"mandatory": []})).unwrap();
    let replayed = world.client.alerts().replay(delivery.id.as_str()).await.unwrap();
    assert_eq!((replayed.status, replayed.attempts, replayed.failure), (DeliveryStatus::Pending, 0, None));
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    exactly_one_each(&world, 1, "replayed").await;
    is(&world.client.alerts().replay("nothing").await.unwrap_err(), ErrorKind::NotFound, "replay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_again_and_again_is_dead_after_its_budget() {
    let world = hurried(&[DEV1]).await;
    submitted(&world, "forbidden").await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(INSERT).always());
    let options = RunOptions { max_attempts: Some(3), ..RunOptions::default() };
    let lag = world.client.alerts().drain(options).await.unwrap();
    assert_eq!((lag.dead, world.asked(INSERT).len()), (1, 3), "{lag:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_instance_delays_no_other() {
    let world = hurried(&[DEV1, "dev2"]).await;
    world.added(GLOBEX).await;
    world.client.registrations().register(world.request_at(GLOBEX, "dev2")).await.unwrap();
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route("any").always());
    for number in 0..50 {
        for customer in [ACME, GLOBEX] {
            world.client.alerts().submit(alert(customer, &number.to_string())).await.unwrap();
        }
    }
    let began = std::time::Instant::now();
    let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
    let healthy = || {
        let rows = world.simulator.records("dev2", "incident");
        rows.iter().filter(|row| row["correlation_id"].starts_with("citrix-")).count()
    };
    until("the healthy instance's incidents", || healthy() == 50).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    worker.stop().await.unwrap();
    let lag = world.client.alerts().lag(Some(ACME)).await.unwrap();
    assert_eq!((lag.pending + lag.unknown, lag.delivered), (50, 0));
    world.simulator.clear_faults();
    world.clock.advance(Duration::from_secs(300));
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!(made(&world).values().copied().collect::<Vec<_>>(), [1; 50]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_asks_for_time_gets_it_from_the_whole_lane() {
    let world = world().await;
    submit(&world.client, 0..40).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Throttle).route(INSERT).with("retry_after_s", 3600));
    let one_by_one = RunOptions { concurrency: Some(1), ..RunOptions::default() };
    let worker = world.client.alerts().run(one_by_one).await.unwrap();
    let waiting =
        async || world.client.alerts().list(None, &[DeliveryStatus::Pending], None, None).await.unwrap().items;
    while waiting().await.iter().all(|delivery| delivery.failure.is_none()) {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_secs(3000));
    world.read(ACME).await.unwrap_err();
    assert_eq!(world.asked(INSERT).len(), 1, "Retry-After is never undercut");
    world.clock.advance(Duration::from_secs(700));
    until("all incidents", || made(&world).len() == 40).await;
    worker.stop().await.unwrap();
    exactly_one_each(&world, 40, "after the pause").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_comes_before_everything_else_makes_nothing_until_the_alert_comes_back() {
    let world = hurried(&[DEV1]).await;
    let mut ended = alert(ACME, "late");
    ended.state = AlertState::Ended;
    let taken = world.client.alerts().submit(ended.clone()).await.unwrap();
    assert_eq!(taken.status, DeliveryStatus::Ignored);
    world.client.alerts().submit(ended).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    assert!(made(&world).is_empty());
    world.client.alerts().submit(alert(ACME, "late")).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    exactly_one_each(&world, 1, "raised after its end").await;
    // The same, delivered by hand.
    let mut ended = alert(ACME, "by hand");
    ended.state = AlertState::Ended;
    let delivery = world.client.alerts().submit(ended).await.unwrap();
    world.client.alerts().submit(alert(ACME, "by hand")).await.unwrap();
    let delivered = world.client.alerts().deliver(delivery.id.as_str()).await.unwrap();
    assert_eq!(delivered.status, DeliveryStatus::Delivered);
    exactly_one_each(&world, 2, "raised after its end, by hand").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_gives_up_on_an_instance_that_stays_down_and_leaves_nothing_behind_lost() {
    let world = hurried(&[DEV1]).await;
    submit(&world.client, 0..5).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Cut).route("any").always());
    let options = RunOptions { give_up_after_ms: Some(30_000), ..RunOptions::default() };
    let lag = world.client.alerts().drain(options).await.unwrap();
    assert_eq!((lag.pending + lag.unknown, lag.delivered, lag.dead), (5, 0, 0), "{lag:?}");
    world.simulator.clear_faults();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    exactly_one_each(&world, 5, "after the instance came back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hourly_limit_is_used_up_and_never_overrun() {
    let world = World::made(&[DEV1], 1, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    for number in 0..1000 {
        let mut one = alert(ACME, &format!("a{number}"));
        one.severity = if number % 10 == 0 { Severity::Critical } else { Severity::Warning };
        world.client.alerts().submit(one).await.unwrap();
    }
    world.simulator.clear_requests();
    world.simulator.patch_instance(DEV1, &json!({"rate_limit_per_hour": 100})).unwrap();
    let mut before = 0;
    for hour in 1..=11 {
        let worker = world.client.alerts().run(RunOptions::default()).await.unwrap();
        // Until all that the hour allows is used up; tokens are asked for too.
        let is_quiet = async || {
            let asked: Vec<_> = world.simulator.requests().into_iter().filter(|one| one.instance.is_some()).collect();
            // The first hour's allowance was begun before.
            let is_used_up = asked.len() >= 100 || asked.iter().any(|request| request.status == Some(429));
            let lag = world.client.alerts().lag(None).await.unwrap();
            lag.unknown == 0 && (lag.pending == 0 || is_used_up)
        };
        let quiet = async {
            while !is_quiet().await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), quiet).await.unwrap_or_else(|_| panic!("stuck in hour {hour}"));
        // Time must not jump while something is in hand: who is told to wait an hour, and hears it an hour later, waits
        // for two.
        worker.stop().await.unwrap();
        let made = made(&world).len();
        assert!(made - before >= 95 || made == 1000, "hour {hour}: {} of 100", made - before);
        let refused = world.asked("table").iter().filter(|request| request.status == Some(429)).count();
        assert!(hour == 1 || refused == 0, "hour {hour}: {refused} refused");
        if hour == 1 {
            let severe = world.client.alerts().list(None, &[DeliveryStatus::Pending], None, Some(1000)).await.unwrap();
            let left = severe.items.iter().filter(|one| one.alert.severity == Severity::Critical).count();
            assert!(left <= 5, "the most severe first: {left} of 100 are left");
        }
        before = made;
        world.simulator.clear_requests();
        let hour = Duration::from_secs(3700);
        world.simulator.advance(hour);
        world.clock.advance(hour);
    }
    exactly_one_each(&world, 1000, "eleven hours later").await;
}
