//! What the adapter costs, as ratios against programs that do the same without it.
//!
//! `cargo bench -p itsm-adapter --bench cost [-- NAME…]` prints one row per measurement. Client and stub server
//! are two processes on two cores; ours and theirs take turns within one run, because machines drift. `--stub` serves
//! alone, `--plain URL` works for the benches of the languages.

// A program that measures may stop when something is not as it expects.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod alone;
mod batch;
mod delivery;
mod measure;
mod plain;
mod policy;
mod state;
mod stub;
mod waiting;
mod world;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use itsm_adapter::{Client, Query, clock::ManualClock};
use serde::{Deserialize, Serialize};

use crate::{
    measure::{Pair, Row, median},
    plain::Plain,
    stub::Stub,
    world::World,
};

/// Turns of each side in a comparison.
const TURNS: usize = 15;

/// The body of every insert.
#[derive(Serialize, Clone)]
struct Incident {
    short_description: &'static str,
    description: &'static str,
    impact: &'static str,
    urgency: &'static str,
    correlation_id: &'static str,
}

const INCIDENT: Incident = Incident {
    short_description: "Cloud Connector EDGE01 is offline",
    description: "The Cloud Connector EDGE01 in the resource location Headquarters has not been heard of for 15 minutes.",
    impact: "2",
    urgency: "2",
    correlation_id: "citrix-0123456789abcdef0123456789abcdef01234567",
};

/// What is read back of an insert, and of a listed record.
#[derive(Deserialize)]
struct Made {
    sys_id: String,
    number: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|argument| argument == "--stub") {
        return stub::serve();
    }
    measure::pin(0);
    let chosen = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let [mode, url] = arguments.as_slice()
        && mode == "--plain"
    {
        return runtime.block_on(plain::work(url));
    }
    runtime.block_on(async {
        if let [alone, what, side, count] = arguments.as_slice()
            && alone == "alone"
        {
            return alone::run(what, side, count.parse().unwrap()).await;
        }
        measure::head();
        if chosen("insert") {
            inserts(1, 2_000).await;
            inserts(64, 20_000).await;
        }
        if chosen("latency") {
            latency().await;
        }
        if chosen("batch") {
            batch::together().await;
        }
        if chosen("list") {
            listing().await;
        }
        if chosen("token") {
            tokens().await;
        }
        if chosen("policy") {
            policy::decisions();
        }
        if chosen("state") {
            state::commits().await;
        }
        if chosen("delivered") {
            delivery::rate().await;
        }
        if chosen("delivered-latency") {
            delivery::latency().await;
        }
        if chosen("submits") {
            delivery::submits().await;
        }
        if chosen("lives") {
            delivery::lives().await;
        }
        if chosen("idle") {
            delivery::idle().await;
        }
        if chosen("waiting") {
            waiting::waiting().await;
        }
        if chosen("accounts") {
            state::many_accounts().await;
        }
    });
}

async fn inserts(in_flight: usize, count: usize) {
    let stub = Stub::start(Duration::ZERO);
    let world = World::new(&stub).await;
    let plain = Plain::new(stub.url()).await;
    let pair = Pair::run(
        TURNS,
        async || insert_ours(&world.client, count, in_flight).await,
        async || plain.insert(&INCIDENT, count, in_flight).await,
    )
    .await;
    let name = format!("inserts, {in_flight} in flight");
    Row::new(&format!("{name}: rate"), "reqwest + oauth2").aim("≥ 0.90").spread(&pair.rates()).show();
    Row::new(&format!("{name}: CPU"), "reqwest + oauth2").aim("≤ 1.30").spread(&pair.cpu()).show();
}

async fn insert_ours(client: &Client, count: usize, in_flight: usize) {
    let work = stream::iter(0..count).map(|_| async {
        let made: Made =
            client.records().insert(world::ACCOUNT, "incident", &INCIDENT, &["sys_id", "number"]).await.unwrap();
        assert!(!made.sys_id.is_empty() && !made.number.is_empty());
    });
    work.buffer_unordered(in_flight).collect::<Vec<()>>().await;
}

async fn latency() {
    let stub = Stub::start(Duration::from_millis(50));
    let world = World::new(&stub).await;
    let plain = Plain::new(stub.url()).await;
    let (count, bound) = (64 * 60, 64.0 / 0.050);
    insert_ours(&world.client, 64, 64).await;
    let started = std::time::Instant::now();
    insert_ours(&world.client, count, 64).await;
    let ours = count as f64 / started.elapsed().as_secs_f64();
    plain.insert(&INCIDENT, 64, 64).await;
    let started = std::time::Instant::now();
    plain.insert(&INCIDENT, count, 64).await;
    let theirs = count as f64 / started.elapsed().as_secs_f64();
    Row::new("inserts at 50 ms, 64 in flight", "the bound 64 / 50 ms").aim("≥ 0.95").value(ours / bound).show();
    Row::new("the same, reqwest + oauth2", "the bound 64 / 50 ms").value(theirs / bound).show();
}

async fn listing() {
    let stub = Stub::start(Duration::ZERO);
    let world = World::new(&stub).await;
    let plain = Plain::new(stub.url()).await;
    let pair = Pair::run(
        TURNS,
        async || list_ours(&world.client).await,
        async || assert_eq!(plain.list(1000).await, stub::RECORDS),
    )
    .await;
    Row::new("listing 100,000 records: rate", "reqwest + serde").aim("≥ 0.90").spread(&pair.rates()).show();
    Row::new("listing 100,000 records: memory", "").text(&format!("peak {} MB", measure::peak_mb())).show();
}

async fn list_ours(client: &Client) {
    let mut pages = client.records().pages::<Made>(world::ACCOUNT, "incident", Query::new(), &[], 1000);
    let mut seen = 0;
    while let Some(page) = pages.next().await.unwrap() {
        seen += page.len();
    }
    assert_eq!(seen, stub::RECORDS);
}

async fn tokens() {
    let stub = Stub::start(Duration::ZERO);
    let world = World::new(&stub).await;
    // What a call pays for its token when nothing has to be asked: everything but the request itself.
    let rounds = 200_000_u32;
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            world.client.touch_token(world::ACCOUNT).await.unwrap();
        }
        times.push(started.elapsed().as_secs_f64() / f64::from(rounds) * 1e6);
    }
    Row::new("token from cache", "").aim("< 1 µs").text(&format!("{:.2} µs", median(&mut times))).show();

    for (name, status) in [("expired token", 200), ("answer 429", 429), ("answer 500", 500)] {
        let clock = ManualClock::new(chrono::Utc::now());
        let world = World::with_clock(&stub, Arc::new(clock.clone())).await;
        stub.token_status(status).await;
        clock.advance(Duration::from_secs(3600));
        stub.token_requests().await;
        let client = Arc::new(world.client);
        let callers = stream::iter(0..200).map(|_| {
            let client = Arc::clone(&client);
            async move { client.touch_token(world::ACCOUNT).await.is_ok() }
        });
        let served: usize =
            callers.buffer_unordered(200).collect::<Vec<bool>>().await.into_iter().map(usize::from).sum();
        let asked = stub.token_requests().await;
        stub.token_status(200).await;
        assert_eq!(served, if status == 200 { 200 } else { 0 });
        Row::new(&format!("200 callers, {name}: requests"), "").aim("= 1").text(&asked.to_string()).show();
    }
}
