//! A hundred alerts delivered in one request, with their journal, against a hundred single calls one after another.

use std::time::{Duration, Instant};

use itsm_adapter::{Alert, RunOptions};
use serde_json::json;

use crate::{
    insert_ours,
    measure::Row,
    stub::Stub,
    world::{ACCOUNT, World},
};

const TOGETHER: usize = 100;
const TURNS: usize = 5;

pub(crate) async fn together() {
    let stub = Stub::start(Duration::from_millis(50));
    let world = World::new(&stub).await;
    // One turn to warm up.
    deliver(&world, 0).await;
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for turn in 1..=TURNS {
        let ours = deliver(&world, turn).await;
        let started = Instant::now();
        insert_ours(&world.client, TOGETHER, 1).await;
        ratios.push(started.elapsed().as_secs_f64() / ours.as_secs_f64());
        times.push(ours.as_secs_f64() * 1e3);
    }
    Row::new("100 alerts in one request at 50 ms", "100 single calls").aim("≥ 80").spread(&ratios).show();
    let text = format!("{:.0} ms", crate::measure::median(&mut times));
    Row::new("… from the outbox to the last commit", "").text(&text).show();
}

/// How long it takes to deliver what was submitted before.
async fn deliver(world: &World, turn: usize) -> Duration {
    let alerts = (0..TOGETHER).map(|number| alert(&format!("{turn}-{number}"))).collect();
    world.client.alerts().submit_many(alerts).await.unwrap();
    let options = RunOptions { batch_size: Some(100), ..RunOptions::default() };
    let started = Instant::now();
    let lag = world.client.alerts().drain(options).await.unwrap();
    let took = started.elapsed();
    assert_eq!((lag.pending, lag.delivered), (0, i64::try_from((turn + 1) * TOGETHER).unwrap()));
    took
}

fn alert(id: &str) -> Alert {
    let alert = json!({
        "customer_id": ACCOUNT, "source": "monitor", "id": id, "title": crate::INCIDENT.short_description,
        "description": crate::INCIDENT.description, "severity": "error",
    });
    serde_json::from_value(alert).unwrap()
}
