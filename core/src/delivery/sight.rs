//! When "not there" may be believed, by the time that this process has seen go by itself.
//!
//! The clocks of two machines may differ, and somebody may set one while an attempt is under way. So nobody asks the
//! clock whether another one's attempt is long ago: whoever finds one waits its whole time out from there. A clock
//! that is wrong makes work later, never twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{id::DeliveryId, store::DeliveryRecord};

/// Attempts that are remembered before those are looked for that others have brought to their end.
const SWEEP_AT: usize = 10_000;
/// How long one is remembered after it was over: until somebody has looked what came of it.
const KEPT: Duration = Duration::from_secs(3600);

/// The attempts that this process knows to be under way; cheap to clone, all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sights(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    attempts: HashMap<DeliveryId, Sight>,
    sweep_at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Sight {
    attempt: i32,
    written_at: DateTime<Utc>,
    /// When it cannot have an effect any more, on the even time of this process.
    over_at: Duration,
}

impl Sight {
    fn of(record: &DeliveryRecord, over_at: Duration) -> Self {
        Self { attempt: record.delivery.attempts, written_at: record.delivery.updated_at, over_at }
    }

    /// Attempts are counted anew when a dead letter is replayed, so the number alone does not tell.
    fn is_of(&self, record: &DeliveryRecord) -> bool {
        (self.attempt, self.written_at) == (record.delivery.attempts, record.delivery.updated_at)
    }
}

impl Seen {
    fn remember(&mut self, record: &DeliveryRecord, now: Duration, left: Duration) {
        if self.attempts.len() >= self.sweep_at {
            self.attempts.retain(|_, sight| sight.over_at + KEPT > now);
            self.sweep_at = SWEEP_AT.max(2 * self.attempts.len());
        }
        self.attempts.insert(record.delivery.id.clone(), Sight::of(record, now + left));
    }
}

impl Sights {
    /// An attempt was begun, or has ended, here: so long it may still have an effect.
    pub(super) fn set(&self, record: &DeliveryRecord, now: Duration, left: Duration) {
        self.seen().remember(record, now, left);
    }

    /// How long the attempt may still have an effect. One that is seen for the first time has all of its time before
    /// it: as long as whoever wrote it down allowed from then on.
    pub(super) fn left(&self, record: &DeliveryRecord, now: Duration) -> Duration {
        let mut seen = self.seen();
        if let Some(known) = seen.attempts.get(&record.delivery.id).filter(|sight| sight.is_of(record)) {
            return known.over_at.saturating_sub(now);
        }
        let span = record.attempt_deadline.map(|deadline| deadline - record.delivery.updated_at);
        let left = span.and_then(|span| span.to_std().ok()).unwrap_or_default();
        seen.remember(record, now, left);
        left
    }

    /// What the attempt came to is known.
    pub(super) fn forget(&self, id: &DeliveryId) {
        self.seen().attempts.remove(id);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::DeliveryStatus, store::contract::samples::delivery};

    fn attempt(id: &str) -> DeliveryRecord {
        let mut record = delivery(id, "acme", id, DeliveryStatus::Unknown);
        record.attempt_deadline = Some(record.delivery.updated_at + Duration::from_secs(60));
        record
    }

    #[test]
    fn what_is_over_is_believed_however_many_are_known() {
        let sights = Sights::default();
        let all: Vec<_> = (0..2 * SWEEP_AT).map(|n| attempt(&n.to_string())).collect();
        for record in &all {
            assert_eq!(sights.left(record, Duration::ZERO), Duration::from_secs(60));
        }
        for record in &all {
            assert_eq!(sights.left(record, Duration::from_secs(61)), Duration::ZERO);
        }
        assert_eq!(sights.left(&attempt("new"), KEPT + Duration::from_secs(61)), Duration::from_secs(60));
        assert_eq!(sights.seen().attempts.len(), 1, "those that are over for long are forgotten");
    }
}
