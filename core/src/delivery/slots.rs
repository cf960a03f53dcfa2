//! How many requests of one lane are under way. A place is free again with the answer, not only when the answer is
//! written down.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::clock::Chance;

/// The places of one lane; all clones are one.
#[derive(Clone)]
pub(super) struct Slots(Arc<Places>);

struct Places {
    chance: Chance,
    taken: AtomicUsize,
    freed: Notify,
}

/// A place in hand; free again when it is dropped.
pub(super) struct Slot {
    slots: Slots,
    call: Call,
}

/// When the call of a place was sent, and when it was answered; kept for whoever wants to know afterwards.
#[derive(Clone, Default)]
pub(super) struct Call(Arc<Mutex<Times>>);

#[derive(Default)]
struct Times {
    sent: Option<DateTime<Utc>>,
    answered: Option<DateTime<Utc>>,
}

impl Slots {
    pub(super) fn new(chance: Chance) -> Self {
        Self(Arc::new(Places { chance, taken: AtomicUsize::new(0), freed: Notify::new() }))
    }

    pub(super) fn take(&self) -> Slot {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
        Slot { slots: self.clone(), call: Call::default() }
    }

    pub(super) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Until a place is free again, or has become so since it was last waited for.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

impl Slot {
    /// The call begins now; what came before was our own work.
    pub(super) fn is_sent(&self) {
        self.call.times().sent = Some(self.slots.0.chance.now());
    }

    pub(super) fn call(&self) -> Call {
        self.call.clone()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let places = &self.slots.0;
        self.call.times().answered = Some(places.chance.now());
        places.taken.fetch_sub(1, Ordering::Relaxed);
        places.freed.notify_one();
    }
}

impl Call {
    pub(super) fn sent(&self) -> Option<DateTime<Utc>> {
        self.times().sent
    }

    pub(super) fn answered(&self) -> Option<DateTime<Utc>> {
        self.times().answered
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
