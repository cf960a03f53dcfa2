//! Removing what is done with, and what stays of it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    assert_refusal, done, found, ok,
    outbox::claim,
    refused,
    samples::{customer, deliver, delivery, event, new, now, over},
};
use crate::{
    id::DeliveryId,
    model::DeliveryStatus,
    store::{Change, DeliveryFilter, DeliveryGroup, DeliveryStep, Refusal, Store, Trace},
};

fn id(of: &str) -> DeliveryId {
    DeliveryId(of.to_owned())
}

fn trace(generation: i32, number: Option<&str>) -> Trace {
    Trace { key: "k".to_owned(), generation, number: number.map(str::to_owned) }
}

fn gone(of: &str, version: i64, trace: Option<Trace>) -> Change {
    Change::RemoveDelivery { id: id(of), version, trace }
}

/// A later state of the delivery's alert.
fn told(of: &str) -> Change {
    let alert = delivery(of, "a", of, DeliveryStatus::Delivered).delivery.alert;
    Change::Step { delivery_id: id(of), step: DeliveryStep { number: 0, alert, accepted_at: now() } }
}

/// Writes a delivery of this status, whose alert has the same id, and answers its version.
async fn there(store: &Arc<dyn Store>, of: &str, status: DeliveryStatus) -> i64 {
    done(store, vec![deliver(new(delivery(of, "a", of, status)))]).await.version
}

pub(super) async fn a_removed_delivery_leaves_its_trace_and_nothing_else(store: Arc<dyn Store>) {
    let version = there(&store, "1", DeliveryStatus::Delivered).await;
    there(&store, "2", DeliveryStatus::Delivered).await;
    assert_eq!(ok(store.trace("k").await), None);
    done(&store, vec![gone("1", version, Some(trace(3, Some("INC1"))))]).await;
    assert!(ok(store.delivery(&id("1")).await).is_none());
    assert!(ok(store.delivery_of(&customer("a"), "monitor", "1").await).is_none());
    let left = ok(store.deliveries(&DeliveryFilter::default(), None, 9).await);
    assert_eq!(left.iter().map(|row| row.value.delivery.id.as_str()).collect::<Vec<_>>(), ["2"]);
    assert_eq!(ok(store.counts(None).await).iter().map(|count| count.count).collect::<Vec<_>>(), [1]);
    assert_eq!(ok(store.trace("k").await), Some(trace(3, Some("INC1"))));
    assert_refusal!(refused(&store, vec![gone("1", version, None)]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![told("1")]).await, Refusal::Conflict);
    // The alert may come again, and go again.
    let again = done(&store, vec![deliver(new(delivery("3", "a", "1", DeliveryStatus::Ignored)))]).await;
    done(&store, vec![gone("3", again.version, Some(trace(4, None)))]).await;
    assert_eq!(ok(store.trace("k").await), Some(trace(4, None)), "the last one counts");
    assert_eq!(ok(store.trace("other").await), None);
}

pub(super) async fn what_is_not_done_with_is_not_removed(store: Arc<dyn Store>) {
    for (of, status) in [("1", DeliveryStatus::Pending), ("2", DeliveryStatus::Unknown)] {
        let version = there(&store, of, status).await;
        assert_refusal!(refused(&store, vec![gone(of, version, None)]).await, Refusal::Conflict);
    }
    let version = there(&store, "3", DeliveryStatus::Dead).await;
    assert_refusal!(refused(&store, vec![gone("3", version + 1, None)]).await, Refusal::Conflict);
    // A state that waits behind it changes no version, and keeps it all the same.
    let version = there(&store, "4", DeliveryStatus::Delivered).await;
    done(&store, vec![told("4")]).await;
    assert_refusal!(refused(&store, vec![gone("4", version, None)]).await, Refusal::Conflict);
    let held = ok(store.claim(claim("x", 0, 9)).await);
    let held = held.into_iter().find(|one| one.row.value.delivery.id == id("4"));
    let held = found(Ok(held));
    done(&store, vec![Change::RemoveSteps { delivery_id: id("4"), through: held.steps[0].number }]).await;
    assert_refusal!(refused(&store, vec![gone("4", held.row.version, None)]).await, Refusal::Conflict);
    let mut free = held.row.value;
    free.claimed_until = None;
    let free = done(&store, vec![deliver(over(free, held.row.version))]).await;
    done(&store, vec![gone("4", free.version, None)]).await;
}

pub(super) async fn a_refused_commit_removes_nothing(store: Arc<dyn Store>) {
    let version = there(&store, "1", DeliveryStatus::Delivered).await;
    let group = DeliveryGroup {
        customer_id: customer("a"),
        key: "g".to_owned(),
        parent: id("1"),
        until: now() + TimeDelta::seconds(5),
        told: 1,
    };
    done(&store, vec![Change::Group(new(group.clone()))]).await;
    let count = Change::CountInGroup { customer_id: customer("a"), key: "g".to_owned() };
    done(&store, vec![count, Change::Event(event(None, "1")), Change::Event(event(None, "2"))]).await;
    let all = vec![
        gone("1", version, Some(trace(1, None))),
        Change::RemoveEvents { through: 1 },
        Change::Event(event(None, "3")),
        gone("missing", 1, None),
    ];
    assert_refusal!(refused(&store, all).await, Refusal::Conflict);
    assert_eq!(found(store.delivery_of(&customer("a"), "monitor", "1").await).version, version);
    assert_eq!(ok(store.trace("k").await), None);
    let (row, counted) = found(store.group(&customer("a"), "g").await);
    assert_eq!((row.value, counted), (group, 2));
    assert_eq!(ok(store.counts(None).await)[0].count, 1);
    let events = ok(store.events(None, 0, 9).await);
    assert_eq!(events.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    // The row is still a row: a state that comes behind it makes it ready.
    done(&store, vec![told("1")]).await;
    assert_eq!(ok(store.claim(claim("x", 0, 9)).await).len(), 1);
}

pub(super) async fn a_group_goes_with_its_parent(store: Arc<dyn Store>) {
    let version = there(&store, "1", DeliveryStatus::Delivered).await;
    let open = async |of: &str, second| {
        let at = now() + TimeDelta::seconds(second);
        ok(store.has_open_group(&customer("a"), &id(of), at).await)
    };
    assert!(!open("1", 0).await);
    for (key, parent) in [("g", "1"), ("h", "2")] {
        let until = now() + TimeDelta::seconds(5);
        let (key, parent) = (key.to_owned(), id(parent));
        let group = DeliveryGroup { customer_id: customer("a"), key, parent, until, told: 1 };
        done(&store, vec![Change::Group(new(group))]).await;
    }
    assert!(open("1", 4).await && !open("1", 5).await && !open("3", 0).await);
    assert!(!ok(store.has_open_group(&customer("b"), &id("1"), now()).await), "another account's");
    done(&store, vec![gone("1", version, None)]).await;
    assert!(ok(store.group(&customer("a"), "g").await).is_none());
    assert!(ok(store.group(&customer("a"), "h").await).is_some());
}

pub(super) async fn the_log_loses_its_beginning_and_goes_on_counting(store: Arc<dyn Store>) {
    let told = async |store: &Arc<dyn Store>, after| {
        let events = ok(store.events(None, after, 9).await);
        events.into_iter().map(|event| (event.sequence, event.message)).collect::<Vec<_>>()
    };
    for message in ["1", "2", "3"] {
        done(&store, vec![Change::Event(event(Some("a"), message))]).await;
    }
    let first = told(&store, 0).await[0].0;
    done(&store, vec![Change::RemoveEvents { through: first + 1 }]).await;
    assert_eq!(told(&store, 0).await, [(first + 2, "3".to_owned())]);
    assert_eq!(told(&store, first).await.len(), 1, "a reader that was at one of the removed goes on");
    done(&store, vec![Change::RemoveEvents { through: first }]).await;
    assert_eq!(told(&store, 0).await.len(), 1, "removing again removes no more");
    let more = vec![Change::RemoveEvents { through: i64::MAX }, Change::Event(event(None, "4"))];
    let committed = done(&store, more).await;
    assert_eq!(committed.first_event, first + 3, "no number is given twice");
    assert_eq!(told(&store, 0).await, [(first + 3, "4".to_owned())]);
}
