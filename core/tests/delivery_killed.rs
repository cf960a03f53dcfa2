//! Workers that are killed at any moment, and workers that are frozen past their claim: nothing is lost, nothing is
//! doubled, and the states of an alert keep their order.
//!
//! The random part kills 300 times, or 2,000 times with `ITSM_LONG=1`; over 20,000 alerts. In code that is
//! built for debugging, which would take minutes over them, 60 times over 1,000.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeMap,
    process::Command,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use itsm_adapter::{Alert, AlertState, Client, DeliveryStatus, RunOptions, store::Store};
use itsm_simulator::{Fault, FaultKind};
use support::{
    ACME, DEV1, World,
    actor::{self, Dice},
    alert,
    child::{self, Other, Scene},
    clock::TestClock,
    delivering::{INSERT, LOOK_UP, one_incident, submitted},
    until,
};

/// Before an incident is changed it is read.
const READ: &str = "table:incident:get";
const UPDATE: &str = "table:incident:update";

/// Later than any claim of the processes before.
const LATER: Duration = Duration::from_secs(20);

/// A client whose clock is ahead by this many claims.
async fn client(config: itsm_adapter::Config, number: u64) -> Client {
    let clock = TestClock::new(1);
    clock.advance(LATER * u32::try_from(number).unwrap());
    Client::builder().config(config).clock(Arc::new(clock)).open().await.unwrap()
}

/// Not a test of its own: a worker, until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((part, scene)) = child::part() else { return };
    let client = client(support::config(&scene.citrix_url, scene.database.clone()), scene.number).await;
    if part == "stops" {
        client.observe(actor::stop_at_commit());
    }
    let options = RunOptions { concurrency: Some(if part == "one" { 1 } else { 16 }), ..RunOptions::default() };
    let worker = client.alerts().run(options).await.unwrap();
    child::say("works");
    worker.ended().await.unwrap();
}

fn is_long() -> bool {
    std::env::var("ITSM_LONG").is_ok_and(|long| long == "1")
}

/// What an incident of this alert must show in the end: the states that it went through, and whether it is over.
fn states(number: u64) -> (&'static [AlertState], bool) {
    use AlertState::{Ended, Raised};
    match number % 8 {
        0 | 4 => (&[Raised, Ended], true),
        2 => (&[Raised, Ended, Raised], false),
        6 => (&[Raised, Ended, Raised, Ended], true),
        _ => (&[Raised], false),
    }
}

async fn submit(world: &World, numbers: std::ops::Range<u64>) {
    let all = numbers.flat_map(|number| {
        let one = alert(ACME, &format!("a{number}"));
        states(number).0.iter().map(move |state| Alert { state: *state, ..one.clone() })
    });
    world.client.alerts().submit_many(all.collect()).await.unwrap();
}

/// One in five of the next requests meets something.
fn trouble(world: &World, dice: &mut Dice, upcoming: u64) {
    world.simulator.clear_faults();
    for _ in 0..upcoming / 5 {
        let kind =
            [FaultKind::CutAfter, FaultKind::Cut, FaultKind::CreatedThenHtml, FaultKind::HtmlError, FaultKind::Html];
        let kind = dice.pick(&kind);
        let skip = u32::try_from(dice.roll(upcoming)).unwrap();
        world.simulator.fault(Fault::new(DEV1, kind).route("table:incident").skip(skip));
    }
}

/// A worker starts and is killed; where is drawn. Tells whether it was at work.
async fn kill(world: &World, dice: &mut Dice, number: u64) -> bool {
    const POINTS: [(&str, FaultKind); 7] = [
        // Before and after the instance has made the row, looked it up, changed it, and issued a token.
        (INSERT, FaultKind::Hang),
        (INSERT, FaultKind::CreatedThenSlow),
        (LOOK_UP, FaultKind::Hang),
        (UPDATE, FaultKind::Hang),
        (UPDATE, FaultKind::CreatedThenSlow),
        (READ, FaultKind::Hang),
        // Right after a commit; no fault at all.
        ("", FaultKind::Hang),
    ];
    world.simulator.clear_requests();
    let requests = || world.simulator.requests();
    if dice.roll(3) > 0 {
        let mut other = Other::start("many", &Scene::of(world, number));
        assert_eq!(other.next().as_deref(), Some("works"));
        let enough = usize::try_from(dice.roll(200)).unwrap();
        // What is left may be less than that.
        let mut stalled = (0, Instant::now());
        while requests().len() < enough && stalled.1.elapsed() < Duration::from_millis(100) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let seen = requests().len();
            if seen > stalled.0 {
                stalled = (seen, Instant::now());
            }
        }
        let moment = Instant::now() + Duration::from_micros(dice.roll(3000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        other.kill();
    } else {
        let (route, kind) = dice.pick(&POINTS);
        let mut other = Other::start(if route.is_empty() { "stops" } else { "many" }, &Scene::of(world, number));
        if route.is_empty() {
            while other.next().unwrap() != "committed" {}
        } else {
            let skip = u32::try_from(dice.roll(5)).unwrap();
            world.simulator.fault(Fault::new(DEV1, kind).route(route).skip(skip).with("delay_ms", 60_000));
            let patience = Instant::now() + Duration::from_secs(1);
            let is_there = || requests().iter().any(|asked| asked.route == route && asked.fault.is_some());
            while !is_there() && Instant::now() < patience {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        other.kill();
    }
    !requests().is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_killed_at_any_moment_lose_nothing_and_double_nothing() {
    let (kills, alerts) = match (is_long(), cfg!(debug_assertions)) {
        (true, _) => (2000, 20_000),
        (false, false) => (300, 20_000),
        (false, true) => (60, 1000),
    };
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut dice = Dice::new(start);
    let world = World::new().await;
    world.registered(ACME).await;
    let (mut submitted, mut hit, mut claims) = (0, 0, 0);
    for round in 0..kills {
        // Some alerts are over before, or while, or after somebody works on them.
        let next = alerts * (round + 1) / kills;
        submit(&world, submitted..next).await;
        submitted = next;
        trouble(&world, &mut dice, 100);
        claims += 1;
        hit += u64::from(kill(&world, &mut dice, claims).await);
        // What is unknown waits for the longest time of a request, and nobody lives so long here but this one.
        if round % 20 == 19 || round + 1 == kills {
            trouble(&world, &mut dice, (alerts / 4).min(2000));
            claims = rest(&world, claims + 1).await;
        }
    }
    assert!(hit > kills / 2, "start {start}: only {hit} kills hit a worker at work");
    let lag = world.client.alerts().lag(None).await.unwrap();
    let told = (u64::try_from(lag.delivered).unwrap(), lag.pending + lag.unknown + lag.dead);
    assert_eq!(told, (alerts, 0), "start {start}: {lag:?}");
    let mut made: BTreeMap<String, Vec<itsm_simulator::Record>> = BTreeMap::new();
    for row in world.simulator.records(DEV1, "incident") {
        if row["correlation_id"].starts_with("citrix-") {
            made.entry(row["correlation_id"].clone()).or_default().push(row);
        }
    }
    let doubled = made.values().filter(|rows| rows.len() > 1).count();
    assert_eq!((u64::try_from(made.len()).unwrap(), doubled), (alerts, 0), "start {start}: incidents, doubled");
    let store = world.store();
    let customer = itsm_adapter::CustomerId::parse(ACME).unwrap();
    for number in 0..alerts {
        let delivery = store.delivery_of(&customer, "monitor", &format!("a{number}")).await.unwrap().unwrap();
        let shown = &made[&delivery.value.delivery.correlation_id][0]["state"];
        assert_eq!(shown == "6", states(number).1, "start {start}: a{number} ended in state {shown}");
    }
}

/// Delivers all that waits, in hurried time, so many claims later than the first; gives back how many have passed then.
async fn rest(world: &World, claims: u64) -> u64 {
    const SPEED: u32 = 10;
    let began = Instant::now();
    let clock = TestClock::new(SPEED);
    clock.advance(LATER * u32::try_from(claims).unwrap());
    let mut config = world.config();
    config.total_timeout = Duration::from_secs(20);
    config.attempt_timeout *= SPEED;
    let last = Client::builder().config(config).clock(Arc::new(clock)).open().await.unwrap();
    let lag = last.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.pending, lag.unknown, lag.dead), (0, 0, 0), "{lag:?}");
    claims + 3 + (began.elapsed() * SPEED).as_secs() / LATER.as_secs()
}

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// A worker is frozen with a request on its way; its claim passes on, another one finishes the work, and the first
/// one wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_frozen_past_its_claim_and_wakes_up_doubles_nothing() {
    let world = World::new().await;
    world.registered(ACME).await;
    for (round, arrives) in [(0, true), (1, false)] {
        world.simulator.clear_requests();
        let about = format!("the request arrives: {arrives}");
        let delivery = submitted(&world, &about).await;
        // Its answer takes longer than the freeze lets it wait; the row is there before, or never.
        let slow = if arrives { FaultKind::CreatedThenSlow } else { FaultKind::Hang };
        world.simulator.fault(Fault::new(DEV1, slow).route(INSERT).with("delay_ms", 1000));
        let mut frozen = Other::start("one", &Scene::of(&world, 3 * round));
        assert_eq!(frozen.next().as_deref(), Some("works"));
        until("the insert", || world.asked(INSERT).iter().any(|asked| asked.fault.is_some())).await;
        signal("-STOP", frozen.id());
        let other = client(world.config(), 3 * round + 1).await;
        other.alerts().drain(RunOptions::default()).await.unwrap();
        let delivered = other.alerts().get(delivery.id.as_str()).await.unwrap();
        one_incident(&world, &delivered, &about);
        let inserts = world.asked(INSERT).len();
        signal("-CONT", frozen.id());
        // The frozen one goes on: it delivers what comes next, and leaves alone what is done.
        let next = submitted(&world, &format!("{about}, next")).await;
        until("the next incident", || world.incidents(&next.correlation_id).len() == 1).await;
        drop(frozen);
        assert_eq!(world.asked(INSERT).len(), inserts + 1, "{about}");
        let after = other.alerts().get(delivery.id.as_str()).await.unwrap();
        assert_eq!(after, delivered, "{about}: the late worker wrote nothing");
        assert_eq!(after.status, DeliveryStatus::Delivered);
        one_incident(&world, &after, &about);
        other.alerts().drain(RunOptions::default()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_on_one_store_share_the_work() {
    let world = World::new().await;
    world.registered(ACME).await;
    let alerts = (0..200).map(|number| alert(ACME, &number.to_string())).collect();
    world.client.alerts().submit_many(alerts).await.unwrap();
    let others: Vec<_> = (0..3).map(|_| Other::start("many", &Scene::of(&world, 0))).collect();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    drop(others);
    let last = client(world.config(), 1).await;
    last.alerts().drain(RunOptions::default()).await.unwrap();
    let rows = world.simulator.records(DEV1, "incident");
    let mut keys: Vec<_> =
        rows.iter().map(|row| &row["correlation_id"]).filter(|key| key.starts_with("citrix-")).collect();
    assert_eq!(keys.len(), 200);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 200, "none is doubled");
}
