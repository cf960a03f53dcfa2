//! Delivering with the durable outbox in front: against posting without one, and against the disk that makes it durable.

use std::{
    fs::File,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use futures_util::{StreamExt, future::join_all, stream};
use itsm_adapter::{
    Alert, AlertState, Client, CustomerId, DeliveryStatus, Event, EventKind, Observer, RunOptions, Severity, Worker,
    store::{Change, Claim, Claimed, Put, SqliteStore, Store, Wanted},
};
use tokio::sync::Notify;

use crate::{
    INCIDENT, TURNS,
    measure::{Pair, Row, median},
    plain::Plain,
    stub::Stub,
    world::{self, World},
};

/// Callers that submit, and requests in flight.
const TOGETHER: usize = HANDS as usize;
const HANDS: u32 = 64;

/// Counts what is delivered.
#[derive(Default)]
struct Done {
    count: AtomicUsize,
    more: Notify,
}

impl Observer for Done {
    fn on_event(&self, event: &Event) {
        if event.kind == EventKind::DeliveryDone {
            self.count.fetch_add(1, Ordering::Relaxed);
            self.more.notify_one();
        }
    }
}

impl Done {
    async fn reach(&self, count: usize) {
        while self.count.load(Ordering::Relaxed) < count {
            self.more.notified().await;
        }
    }
}

/// A registered client with a worker, and alerts that nobody has submitted yet.
struct Outbox {
    world: World,
    done: Arc<Done>,
    next: AtomicUsize,
    _worker: Worker,
}

impl Outbox {
    async fn new(stub: &Stub) -> Self {
        let world = World::new(stub).await;
        let done = Arc::new(Done::default());
        world.client.observe(Arc::<Done>::clone(&done));
        let options = RunOptions { concurrency: Some(HANDS), ..RunOptions::default() };
        let worker = world.client.alerts().run(options).await.unwrap();
        Self { world, done, next: AtomicUsize::new(0), _worker: worker }
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    fn alert(&self) -> Alert {
        alert(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Submits so many, and waits until each is an incident.
    async fn deliver(&self, count: usize) {
        let alerts: Vec<Alert> = (0..count).map(|_| self.alert()).collect();
        self.client().alerts().submit_many(alerts).await.unwrap();
        self.done.reach(self.next.load(Ordering::Relaxed)).await;
    }
}

pub(crate) fn alert(number: usize) -> Alert {
    Alert {
        customer_id: world::ACCOUNT.into(),
        source: "monitor".into(),
        id: format!("alert-{number:08}"),
        title: INCIDENT.short_description.into(),
        description: INCIDENT.description.into(),
        severity: Severity::Error,
        state: AlertState::Raised,
        priority: None,
        category: Some("Cloud Connector".into()),
        policy: None,
        target: None,
        component: Some("EDGE01".into()),
        raised_at: None,
        fields: std::collections::HashMap::default(),
    }
}

/// Submitted, claimed, journalled, sent and settled, against posting alone.
pub(crate) async fn rate() {
    let stub = Stub::start(Duration::ZERO);
    let outbox = Outbox::new(&stub).await;
    let plain = Plain::new(stub.url()).await;
    let count = 2_000;
    let pair =
        Pair::run(TURNS, async || outbox.deliver(count).await, async || plain.insert(&INCIDENT, count, TOGETHER).await)
            .await;
    let name = format!("delivered, {TOGETHER} in flight");
    Row::new(&format!("{name}: rate"), "reqwest, nothing durable").aim("≥ 0.50").spread(&pair.rates()).show();
    Row::new(&format!("{name}: CPU"), "reqwest, nothing durable").spread(&pair.cpu()).show();
}

pub(crate) async fn latency() {
    let stub = Stub::start(Duration::from_millis(50));
    let outbox = Outbox::new(&stub).await;
    let count = TOGETHER * 60;
    for (name, warm) in [("first", false), ("warm", true)] {
        let started = Instant::now();
        outbox.deliver(count).await;
        let rate = count as f64 / started.elapsed().as_secs_f64();
        let name = format!("delivered at 50 ms, 64 in flight, {name}");
        let row = Row::new(&name, "the bound 64 / 50 ms").aim(if warm { "≥ 0.95" } else { "" });
        row.value(rate / (TOGETHER as f64 / 0.050)).show();
    }
}

/// How long one flush of this disk takes: what makes one commit durable, alone.
struct Floor {
    file: File,
}

impl Floor {
    fn new(folder: &std::path::Path) -> Self {
        Self { file: File::create(folder.join("floor")).unwrap() }
    }

    /// Appends two pages and flushes them, so many times.
    fn flush(&mut self, times: usize) -> Vec<f64> {
        let pages = [7_u8; 8192];
        let once = |_| {
            let started = Instant::now();
            self.file.write_all(&pages).unwrap();
            self.file.sync_data().unwrap();
            started.elapsed().as_secs_f64()
        };
        (0..times).map(once).collect()
    }
}

/// 64 callers submit, each waiting for its own before the next.
pub(crate) async fn submits() {
    let stub = Stub::start(Duration::ZERO);
    let world = World::new(&stub).await;
    let folder = tempfile::tempdir().unwrap();
    let mut floor = Floor::new(folder.path());
    let next = AtomicUsize::new(0);
    let (mut ratios, mut tails) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        let mut flush = floor.flush(100);
        let each = 40;
        let started = Instant::now();
        let callers = (0..TOGETHER).map(|_| async {
            let mut waits = Vec::with_capacity(each);
            for _ in 0..each {
                let started = Instant::now();
                world.client.alerts().submit(alert(next.fetch_add(1, Ordering::Relaxed))).await.unwrap();
                waits.push(started.elapsed().as_secs_f64());
            }
            waits
        });
        let mut waits: Vec<f64> = join_all(callers).await.into_iter().flatten().collect();
        let rate = waits.len() as f64 / started.elapsed().as_secs_f64();
        flush.extend(floor.flush(100));
        let mean = flush.iter().sum::<f64>() / flush.len() as f64;
        waits.sort_by(f64::total_cmp);
        if turn > 0 {
            ratios.push(rate * mean);
            tails.push(waits[waits.len() * 99 / 100] / median(&mut flush));
        }
    }
    let mut flush: Vec<f64> = floor.flush(200).into_iter().map(|seconds| seconds * 1e6).collect();
    Row::new("one flush of this disk, alone", "").text(&format!("{:.0} µs", median(&mut flush))).show();
    Row::new("durable submits, 64 callers: rate", "one flush each").aim("≥ 5").spread(&ratios).show();
    Row::new("durable submits, 64 callers: p99", "one flush").aim("≤ 4").spread(&tails).show();
}

/// Submitted, claimed, journalled and settled, in groups of 64, without an instance.
pub(crate) async fn lives() {
    let stub = Stub::start(Duration::ZERO);
    let world = World::new(&stub).await;
    let store = SqliteStore::open(world.database()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut floor = Floor::new(folder.path());
    let mut number = 0;
    let mut ratios = Vec::new();
    for _ in 0..TURNS {
        let mut flush = floor.flush(50);
        let (started, groups) = (Instant::now(), 20);
        for _ in 0..groups {
            let alerts = (number..number + TOGETHER).map(alert).collect();
            number += TOGETHER;
            world.client.alerts().submit_many(alerts).await.unwrap();
            let claimed = store.claim(claim(HANDS)).await.unwrap();
            assert_eq!(claimed.len(), TOGETHER);
            join_all(claimed.into_iter().map(|claimed| live(&store, claimed))).await;
        }
        let rate = (groups * TOGETHER) as f64 / started.elapsed().as_secs_f64();
        flush.extend(floor.flush(50));
        ratios.push(rate * flush.iter().sum::<f64>() / flush.len() as f64);
    }
    Row::new("whole lives, in groups of 64: rate", "one flush each").aim("≥ 4").spread(&ratios).show();
}

pub(crate) fn claim(limit: u32) -> Claim {
    let customers = vec![CustomerId::parse(world::ACCOUNT).unwrap()];
    let now = Utc::now();
    Claim { wanted: Wanted::Ready { customers, limit }, owner: "bench".into(), now, until: now + TimeDelta::minutes(2) }
}

/// What the worker writes for one delivery: its attempt, then its end.
async fn live(store: &SqliteStore, claimed: Claimed) {
    let mut record = claimed.row.value;
    record.delivery.status = DeliveryStatus::Unknown;
    record.delivery.attempts += 1;
    record.claimed_until = Some(Utc::now() + TimeDelta::minutes(2));
    let put = Put { value: record.clone(), sealed: None, replaces: Some(claimed.row.version) };
    let begun = store.commit(vec![Change::Delivery(put.into())]).await.unwrap();
    record.delivery.status = DeliveryStatus::Delivered;
    record.claimed_until = None;
    let put = Put { value: record, sealed: None, replaces: Some(begun.version) };
    store.commit(vec![Change::Delivery(put.into())]).await.unwrap();
}

/// From the call of submit until the adapter knows the incident, with nothing else to do.
pub(crate) async fn idle() {
    let stub = Stub::start(Duration::ZERO);
    let outbox = Outbox::new(&stub).await;
    let plain = Plain::new(stub.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut floor = Floor::new(folder.path());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        let started = Instant::now();
        outbox.client().alerts().submit(outbox.alert()).await.unwrap();
        outbox.done.reach(outbox.next.load(Ordering::Relaxed)).await;
        ours.push(started.elapsed().as_secs_f64() * 1e3);
        let started = Instant::now();
        plain.insert(&INCIDENT, 1, 1).await;
        theirs.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let mut flush: Vec<f64> = floor.flush(200).into_iter().map(|seconds| seconds * 1e3).collect();
    let (own, middle) = (median(&mut theirs), median(&mut ours));
    let tail = ours[ours.len() * 99 / 100];
    let text =
        format!("p99 {:.2} ms more, median {:.2} ms; one flush {:.2} ms", tail - own, middle - own, median(&mut flush));
    Row::new("submit to incident, idle", "the instance's own answer").aim("≤ 5 ms").text(&text).show();
}

/// One delivery after the other in flight, for tools that count instructions.
pub(crate) async fn alone(stub: &Stub, count: usize) {
    let outbox = Outbox::new(stub).await;
    let groups = stream::iter(0..count.div_ceil(1000));
    groups.for_each(async |_| outbox.deliver(1000).await).await;
}
