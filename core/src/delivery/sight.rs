//! When "not there" may be believed, by the time that this process has seen go by itself.
//!
//! The clocks of two machines may differ, and somebody may set one while an attempt is under way. So nobody asks the
//! clock whether another one's attempt is long ago: whoever finds one waits its whole time out from there. A clock
//! that is wrong makes work later, never twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{id::DeliveryId, store::DeliveryRecord};

/// Attempts that are remembered before those are looked for that others have brought to their end.
const SWEEP_AT: usize = 10_000;

/// The attempts that this process knows to be under way; cheap to clone, all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sights(Arc<Mutex<HashMap<DeliveryId, Sight>>>);

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

impl Sights {
    /// An attempt was begun, or has ended, here: it is over at this instant.
    pub(super) fn set(&self, record: &DeliveryRecord, over_at: Duration) {
        let sight = Sight::of(record, over_at);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(record.delivery.id.clone(), sight);
    }

    /// How long the attempt may still have an effect. One that is seen for the first time has all of its time before
    /// it: as long as whoever wrote it down allowed from then on.
    pub(super) fn left(&self, record: &DeliveryRecord, now: Duration) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SWEEP_AT {
            all.retain(|_, sight| sight.over_at > now);
        }
        let delivery = &record.delivery;
        let known = all.get(&delivery.id).filter(|sight| sight.is_of(record)).copied();
        let over_at = known.map_or_else(
            || {
                let span = record.attempt_deadline.map(|deadline| deadline - delivery.updated_at);
                let over_at = now + span.and_then(|span| span.to_std().ok()).unwrap_or_default();
                all.insert(delivery.id.clone(), Sight::of(record, over_at));
                over_at
            },
            |sight| sight.over_at,
        );
        over_at.saturating_sub(now)
    }

    /// What the attempt came to is known.
    pub(super) fn forget(&self, id: &DeliveryId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
