//! Instances that are down, in virtual time: the others do not notice, and nothing is asked too often, kept in memory,
//! lost or doubled.
//!
//! 1,500 alerts wait for the instance that is down for a day; 100,000 with `ITSM_LONG=1`.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};

use itsm_adapter::{
    RunOptions,
    store::{MemoryStore, SqliteStore},
};
use itsm_simulator::seed;
use support::{
    ACME, DEV1, alert,
    network::{Life, Weather},
    stage::Stage,
};
use tokio::time::{Instant, sleep};

/// Alerts that wait for each of ten instances.
const EACH: usize = 60;
/// What the memory of a process may grow by while it waits.
const MOST_KB: u64 = 64 * 1024;

/// One story at a time: memory is measured.
static TOLD: Mutex<()> = Mutex::new(());

fn in_virtual_time<T>(story: impl Future<Output = T>) -> T {
    let _alone = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story)
}

/// Ten instances with one account each, of which the first has this weather. How many incidents the nine have after
/// this time; without one, how long it takes until they have all.
async fn nine(first: Weather, within: Option<Duration>) -> (usize, Duration) {
    let names: Vec<String> = (0..10).map(|number| format!("i{number}")).collect();
    let places: Vec<_> =
        seed::ACCOUNTS.iter().map(|one| one.customer_id).zip(names.iter().map(String::as_str)).collect();
    let (stage, user) = Stage::with(7, Arc::new(MemoryStore::default()), false, &places).await;
    for (customer, _) in &places {
        let alerts = (0..EACH).map(|number| alert(customer, &number.to_string())).collect();
        user.alerts().submit_many(alerts).await.unwrap();
    }
    stage.sky.set_at(&stage.sky.simulator.instance_url("i0").unwrap(), first);
    let client = stage.machine("w0").client(&Life::new(None)).await;
    let _worker = client.alerts().run(RunOptions::default()).await.unwrap();
    let made = || names[1..].iter().map(|instance| stage.incidents_at(instance).len()).sum();
    let began = Instant::now();
    while made() < EACH * 9 && within.is_none_or(|within| began.elapsed() < within) {
        sleep(Duration::from_millis(10)).await;
    }
    (made(), began.elapsed())
}

#[test]
fn nine_instances_do_not_notice_that_the_tenth_is_dead() {
    let (all, usual) = in_virtual_time(nine(Weather::default(), None));
    assert_eq!(all, EACH * 9);
    for (about, dead) in [
        ("it does not answer", Weather { lost: 100, ..Weather::default() }),
        ("it breaks every connection", Weather { cut: 100, ..Weather::default() }),
        ("its gateway answers", Weather { page: 100, ..Weather::default() }),
        ("it refuses everything", Weather { refused: 100, ..Weather::default() }),
    ] {
        let (made, took) = in_virtual_time(nine(dead, Some(usual)));
        println!("{about}: {made} of {all} in {took:?} of {usual:?}");
        assert!(made * 100 >= all * 95, "{about}: {made} of {all} incidents in {usual:?}");
    }
}

/// Resident memory of this process.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn an_instance_that_is_down_for_a_day_is_asked_seldom_and_gets_everything_once() {
    let many = if std::env::var("ITSM_LONG").is_ok_and(|long| long == "1") { 100_000 } else { 1_500 };
    in_virtual_time(async {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("adapter.db")).unwrap();
        let (stage, user) = Stage::with(7, Arc::new(store), true, &[(ACME, DEV1)]).await;
        let machine = stage.machine("w0");
        machine.parted.store(true, Ordering::Relaxed);
        let (before, memory) = (stage.sky.trace().len(), resident_kb());
        let client = machine.client(&Life::new(None)).await;
        let options = RunOptions { poll_interval_ms: Some(60_000), ..RunOptions::default() };
        let worker = client.alerts().run(options).await.unwrap();
        for part in 0..many / 500 {
            let alerts = (0..500).map(|number| alert(ACME, &format!("a{}", part * 500 + number))).collect();
            user.alerts().submit_many(alerts).await.unwrap();
        }
        sleep(Duration::from_secs(24 * 3600)).await;
        let asked = stage.sky.trace().len() - before;
        assert!((100..=8640).contains(&asked), "{asked} requests in a day: more than 0.1 a second");
        let lag = user.alerts().lag(None).await.unwrap();
        assert_eq!((lag.pending + lag.unknown, lag.dead), (i64::try_from(many).unwrap(), 0), "{lag:?}");
        let grown = resident_kb().zip(memory).map(|(after, before)| after.saturating_sub(before));
        assert!(grown.is_none_or(|grown| grown <= MOST_KB), "{grown:?} KB more");
        machine.parted.store(false, Ordering::Relaxed);
        let until = Instant::now() + Duration::from_secs(3 * 3600);
        while !stage.is_done().await {
            assert!(Instant::now() < until, "three hours later it is not drained");
            sleep(Duration::from_secs(5)).await;
        }
        worker.stop().await.unwrap();
        println!("{many} waited: {asked} requests in a day, {grown:?} KB more");
        let made = stage.incidents();
        assert!(made.len() == many && made.values().all(|rows| rows.len() == 1), "{} incidents", made.len());
    });
}
