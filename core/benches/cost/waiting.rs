//! A million deliveries that wait: what it costs to begin, and to take the next ones.

use std::{path::Path, time::Instant};

use itsm_adapter::{
    Client, Config, StoreConfig,
    store::{SqliteStore, Store},
};

use crate::{
    delivery::claim,
    measure::{Row, median, resident_mb},
    stub::Stub,
    world::{self, World},
};

const CLAIMS: usize = 200;

pub(crate) async fn waiting() {
    let stub = Stub::start(std::time::Duration::ZERO);
    let mut costs = Vec::new();
    for count in [1_000, 1_000_000] {
        let world = World::new(&stub).await;
        let alert = crate::delivery::alert(0);
        world.client.alerts().submit(alert).await.unwrap();
        fill(&world.database(), count - 1);
        let path = world.database();
        world.client.close();

        let before = resident_mb();
        let started = Instant::now();
        let mut config = Config::default();
        config.store = StoreConfig::Sqlite { path: path.clone() };
        let client = Client::open(config).await.unwrap();
        let lag = client.alerts().lag(None).await.unwrap();
        let ms = started.elapsed().as_secs_f64() * 1e3;
        assert_eq!(lag.pending, i64::try_from(count).unwrap());
        Row::new(&format!("{count} waiting: start, and lag"), "").aim("< 1 s").text(&format!("{ms:.1} ms")).show();

        let store = SqliteStore::open(&path).unwrap();
        let claimed = times(async || assert_eq!(store.claim(claim(4)).await.unwrap().len(), 4)).await;
        let account = [itsm_adapter::CustomerId::parse(world::ACCOUNT).unwrap()];
        let due = times(async || assert!(store.due(&account, chrono::Utc::now()).await.unwrap().is_some())).await;
        let lag = times(async || assert!(client.alerts().lag(None).await.unwrap().pending > 0)).await;
        let text = format!("claim of 4: {claimed:.0} µs, due: {due:.0} µs, lag: {lag:.0} µs");
        Row::new(&format!("{count} waiting"), "").text(&text).show();
        costs.push(claimed);
        let text = format!("{} MB resident, {before} MB before", resident_mb());
        Row::new(&format!("{count} waiting: memory"), "").aim("< 100").text(&text).show();
    }
    Row::new("a claim with 1,000,000 waiting", "with 1,000").aim("flat").value(costs[1] / costs[0]).show();
}

async fn times(work: impl AsyncFn()) -> f64 {
    let mut all = Vec::with_capacity(CLAIMS);
    for _ in 0..CLAIMS {
        let started = Instant::now();
        work().await;
        all.push(started.elapsed().as_secs_f64() * 1e6);
    }
    median(&mut all)
}

/// More of the one delivery that is there, each of an alert of its own, past the library: as it would write them.
fn fill(path: &Path, count: usize) {
    let mut database = rusqlite::Connection::open(path).unwrap();
    let all = database.transaction().unwrap();
    all.execute(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
         INSERT INTO deliveries (id, customer_id, source, alert_id, version, status, value, ready, rank, instance_id)
         SELECT printf('%s-%08d', id, n), customer_id, source, printf('more-%08d', n), version, status,
                replace(replace(value, alert_id, printf('more-%08d', n)), id, printf('%s-%08d', id, n)), ready, rank,
                instance_id
         FROM numbers, deliveries WHERE deliveries.alert_id = 'alert-00000000'",
        [i64::try_from(count).unwrap()],
    )
    .unwrap();
    all.execute("UPDATE delivery_counts SET count = count + ?1", [i64::try_from(count).unwrap()]).unwrap();
    all.commit().unwrap();
}
