//! Telling the embedding program what happens.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

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

    /// Told in place of so many that nobody came to take.
    pub(crate) fn missed(count: u64) -> Self {
        Self::new(EventKind::Progress, format!("{count} events were missed; the event log has them."), Utc::now())
    }
}

/// Events that wait for a subscriber at the most; a slower one misses the oldest.
pub(crate) const WAITING: usize = 1024;

/// Everybody who wants to know; cheap to clone.
#[derive(Clone)]
pub(crate) struct Observers(Arc<RwLock<Everybody>>);

struct Everybody {
    observers: Vec<(u64, Arc<dyn Observer>)>,
    /// The number of the last one; none is given twice.
    last: u64,
    /// None after the end.
    subscribers: Option<broadcast::Sender<Event>>,
}

impl Default for Observers {
    fn default() -> Self {
        let subscribers = Some(broadcast::channel(WAITING).0);
        Self(Arc::new(RwLock::new(Everybody { observers: Vec::new(), last: 0, subscribers })))
    }
}

/// Events as they happen, one by one.
#[derive(Debug)]
pub struct Subscription(Option<broadcast::Receiver<Event>>);

impl Subscription {
    /// The next event; none when the client is closed. A subscriber that lets more than 1,024 events wait misses
    /// the oldest and is told so by an event of kind `progress`; the log ([`Events`](crate::Events)) has them all.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.as_mut()?.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::missed(missed)),
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observers")
    }
}

impl Observers {
    pub(crate) fn add(&self, observer: Arc<dyn Observer>) -> u64 {
        let mut everybody = self.0.write().unwrap_or_else(PoisonError::into_inner);
        everybody.last += 1;
        let id = everybody.last;
        everybody.observers.push((id, observer));
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).observers.retain(|(own, _)| *own != id);
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        let everybody = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Subscription(everybody.subscribers.as_ref().map(broadcast::Sender::subscribe))
    }

    /// Ends all subscriptions, and takes all observers off.
    pub(crate) fn end(&self) {
        let mut everybody = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let taken = (everybody.subscribers.take(), std::mem::take(&mut everybody.observers));
        // An observer is foreign code, in its end as well: not under the lock.
        drop(everybody);
        drop(taken);
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
        let (observers, subscribers) = {
            let everybody = self.0.read().unwrap_or_else(PoisonError::into_inner);
            (everybody.observers.clone(), everybody.subscribers.clone())
        };
        if let Some(subscribers) = subscribers {
            // Fails when nobody subscribes.
            let _ = subscribers.send(event.clone());
        }
        for (_, observer) in observers {
            if catch_unwind(AssertUnwindSafe(|| observer.on_event(event))).is_err() {
                tracing::error!("an observer panicked; the adapter goes on");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf;

    impl Observer for Deaf {
        fn on_event(&self, _: &Event) {}
    }

    #[test]
    fn a_number_that_was_given_back_takes_nobody_else_off() {
        let observers = Observers::default();
        let first = observers.add(Arc::new(Deaf));
        observers.remove(first);
        let second = observers.add(Arc::new(Deaf));
        observers.remove(first);
        let left: Vec<u64> = observers.0.read().unwrap().observers.iter().map(|(id, _)| *id).collect();
        assert_eq!(left, [second]);
    }
}
