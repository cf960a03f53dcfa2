//! Telling the embedding program what happens.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};

use crate::model::{Event, EventKind};

/// Receives events as they happen. Called on the thread that made them happen, never under a lock of the
/// adapter: be quick, and hand long work over to somewhere else. A panic in here is caught and logged.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn on_event(&self, event: &Event);
}

impl Event {
    pub(crate) fn new(kind: EventKind, message: String, at: DateTime<Utc>) -> Self {
        Self { sequence: 0, at, kind, customer_id: None, instance_id: None, message, detail: HashMap::new() }
    }
}

/// Everybody who wants to know; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Observers(Arc<RwLock<Vec<(u64, Arc<dyn Observer>)>>>);

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observers")
    }
}

impl Observers {
    pub(crate) fn add(&self, observer: Arc<dyn Observer>) -> u64 {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = list.last().map_or(1, |(last, _)| last + 1);
        list.push((id, observer));
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|(own, _)| *own != id);
    }

    /// Tells committed events with the numbers that the store gave them.
    pub(crate) fn publish_from(&self, first: i64, events: Vec<Event>) {
        for (sequence, mut event) in (first..).zip(events) {
            event.sequence = sequence;
            self.publish(&event);
        }
    }

    /// Tells one event to everybody. The list is copied first: an observer may add or remove observers.
    pub(crate) fn publish(&self, event: &Event) {
        tracing::info!(
            kind = ?event.kind,
            customer_id = event.customer_id.as_ref().map(tracing::field::display),
            instance_id = event.instance_id.as_ref().map(tracing::field::display),
            "{}",
            event.message
        );
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (_, observer) in list {
            if catch_unwind(AssertUnwindSafe(|| observer.on_event(event))).is_err() {
                tracing::error!("an observer panicked; the adapter goes on");
            }
        }
    }
}
