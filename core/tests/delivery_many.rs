//! Many deliveries that wait: claiming, counting and opening cost the same with a few as with very many.
//!
//! 30,000 by default, 1,000,000 with `ITSM_LONG=1`.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use itsm_adapter::{
    CustomerId, DeliveryStatus,
    store::{Change, Claim, Claimed, DeliveryRecord, Put, SqliteStore, Store, Wanted},
};
use serde_json::json;

fn waiting(number: u64, at: DateTime<Utc>) -> Change {
    let severity = ["information", "warning", "error", "critical"][usize::try_from(number % 4).unwrap()];
    let record = json!({
        "delivery": {
            "id": format!("{number:016x}-0"), "customer_id": "acme", "status": "pending", "attempts": 0,
            "correlation_id": format!("citrix-{number}"), "instance_id": null, "incident": null, "failure": null,
            "accepted_at": at, "updated_at": at,
            "alert": {
                "customer_id": "acme", "source": "monitor", "id": number.to_string(), "severity": severity,
                "title": "A machine is not registered", "component": null, "raised_at": null,
            },
        },
        "attempt_deadline": null, "not_before": null,
    });
    let value: DeliveryRecord = serde_json::from_value(record).unwrap();
    Change::Delivery(Put { value, sealed: None, replaces: None }.into())
}

async fn fill(store: &SqliteStore, numbers: std::ops::Range<u64>) {
    let (at, all) = (Utc::now(), numbers.collect::<Vec<_>>());
    for some in all.chunks(1000) {
        store.commit(some.iter().map(|number| waiting(*number, at)).collect()).await.unwrap();
    }
}

async fn take(store: &SqliteStore, customer: &CustomerId) -> Vec<Claimed> {
    let now = Utc::now();
    let wanted = Wanted::Ready { customers: vec![customer.clone()], limit: 16 };
    let claim = Claim { wanted, owner: "worker".into(), now, until: now + Duration::from_secs(600) };
    store.claim(claim).await.unwrap()
}

/// The usual time of a claim that is settled again, and of counting.
async fn usual(store: &SqliteStore, customer: &CustomerId) -> Duration {
    let mut times = Vec::new();
    for _ in 0..21 {
        let begun = Instant::now();
        let claimed = take(store, customer).await;
        assert_eq!(claimed.len(), 16);
        store.counts(None).await.unwrap();
        store.due(std::slice::from_ref(customer), Utc::now()).await.unwrap();
        times.push(begun.elapsed());
        for one in claimed {
            store.give_back(&one.row.value.delivery.id, "worker").await.unwrap();
        }
    }
    times.sort();
    times[10]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_costs_the_same_however_many_wait() {
    let many = if std::env::var("ITSM_LONG").is_ok_and(|long| long == "1") { 1_000_000 } else { 30_000 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adapter.db");
    let store = SqliteStore::open(&path).unwrap();
    let customer = CustomerId::parse("acme").unwrap();
    fill(&store, 0..300).await;
    let few = usual(&store, &customer).await;
    fill(&store, 300..many).await;
    let lots = usual(&store, &customer).await;
    assert!(lots < few * 5 + Duration::from_millis(20), "{few:?} with 300, {lots:?} with {many}");
    let counts = store.counts(Some(&customer)).await.unwrap();
    let counted: Vec<_> = counts.iter().map(|one| (one.status, one.count)).collect();
    assert_eq!(counted, [(DeliveryStatus::Pending, i64::try_from(many).unwrap())]);
    let claimed = take(&store, &customer).await;
    let ids: Vec<_> = claimed.iter().map(|one| one.row.value.delivery.alert.id.parse::<u64>().unwrap()).collect();
    assert!(ids.iter().all(|id| id % 4 == 3) && ids.is_sorted(), "critical first, oldest first: {ids:?}");
    let closed = store.closed();
    drop(store);
    closed.await;
    let begun = Instant::now();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(take(&store, &customer).await.len(), 16);
    assert!(begun.elapsed() < Duration::from_secs(1), "opened and claimed in {:?}", begun.elapsed());
}
