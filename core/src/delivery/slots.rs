//! How many requests of one lane are under way. A place is free again with the answer, not only when the answer is
//! written down.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// The places of one lane; all clones are one.
#[derive(Clone, Default)]
pub(super) struct Slots(Arc<Places>);

#[derive(Default)]
struct Places {
    taken: AtomicUsize,
    freed: Notify,
}

/// A place in hand; free again when it is dropped.
pub(super) struct Slot(Slots);

impl Slots {
    pub(super) fn take(&self) -> Slot {
        self.0.taken.fetch_add(1, Ordering::Relaxed);
        Slot(self.clone())
    }

    pub(super) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Until a place is free again, or has become so since it was last waited for.
    pub(super) async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let places = &self.0.0;
        places.taken.fetch_sub(1, Ordering::Relaxed);
        places.freed.notify_one();
    }
}
