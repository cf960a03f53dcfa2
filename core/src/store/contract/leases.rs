//! Leases and their fences.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{ok, samples::now};
use crate::store::{Lease, Store};

async fn take(store: &Arc<dyn Store>, owner: &str, at: i64, seconds: i64) -> Option<Lease> {
    let at = now() + TimeDelta::seconds(at);
    ok(store.acquire("work", owner, at, at + TimeDelta::seconds(seconds)).await)
}

/// For leases that must be given.
async fn must_take(store: &Arc<dyn Store>, owner: &str, at: i64, seconds: i64) -> Lease {
    match take(store, owner, at, seconds).await {
        Some(lease) => lease,
        None => panic!("{owner} must get the lease at second {at}"),
    }
}

pub(super) async fn a_lease_has_one_holder(store: Arc<dyn Store>) {
    let first = must_take(&store, "x", 0, 30).await;
    assert_eq!((first.name.as_str(), first.owner.as_str()), ("work", "x"));
    assert_eq!(first.until, now() + TimeDelta::seconds(30));
    assert_eq!(take(&store, "y", 0, 30).await, None, "a held lease");
    assert_eq!(take(&store, "y", 29, 30).await, None, "a lease that is held for another second");
    // Its holder prolongs it.
    let renewed = must_take(&store, "x", 20, 30).await;
    assert_eq!(renewed.fence, first.fence, "renewing keeps the fence");
    assert_eq!(renewed.until, now() + TimeDelta::seconds(50));
    assert_eq!(take(&store, "y", 31, 30).await, None, "a prolonged lease");
    // Another name is another lease.
    assert!(ok(store.acquire("other", "y", now(), now()).await).is_some(), "another lease");
}

pub(super) async fn a_lease_that_ended_passes_on_with_a_higher_fence(store: Arc<dyn Store>) {
    let mut fence = must_take(&store, "x", 0, 10).await.fence;
    for (owner, at) in [("y", 10), ("x", 21), ("z", 40)] {
        let lease = must_take(&store, owner, at, 10).await;
        assert!(lease.fence > fence, "every new holder has a higher fence");
        fence = lease.fence;
    }
    // The last holder comes back late, and nobody was there in between.
    assert_eq!(must_take(&store, "z", 100, 10).await.fence, fence, "the same holder keeps its fence");
    // An instant is kept to its last digit.
    let precise = now() + TimeDelta::nanoseconds(1_234_567_891);
    assert!(ok(store.acquire("precise", "x", now(), precise).await).is_some());
    let early = precise - TimeDelta::nanoseconds(1);
    assert!(ok(store.acquire("precise", "y", early, precise).await).is_none(), "a nanosecond too early");
    assert!(ok(store.acquire("precise", "y", precise, precise).await).is_some(), "at its end a lease is over");
}

pub(super) async fn only_the_holder_gives_a_lease_back(store: Arc<dyn Store>) {
    let first = must_take(&store, "x", 0, 10).await;
    ok(store.release(&first).await);
    let second = must_take(&store, "y", 1, 10).await;
    assert!(second.fence > first.fence, "a lease that was given back has a higher fence next time");
    // Too late, or by somebody else: without effect.
    ok(store.release(&first).await);
    ok(store.release(&Lease { owner: "x".to_owned(), ..second.clone() }).await);
    ok(store.release(&Lease { fence: second.fence + 1, ..second.clone() }).await);
    ok(store.release(&Lease { name: "unknown".to_owned(), ..second.clone() }).await);
    assert_eq!(take(&store, "x", 2, 10).await, None, "the lease is still held");
    ok(store.release(&second).await);
    ok(store.release(&second).await);
    assert!(must_take(&store, "y", 3, 10).await.fence > second.fence, "also for the same holder");
}
