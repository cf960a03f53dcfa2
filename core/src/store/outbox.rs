//! What a worker asks of the store: deliveries to work on, and how many stand where.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Committed, DeliveryRecord, Row, Trace};
use crate::{
    id::{CustomerId, DeliveryId, InstanceId},
    model::{Alert, DeliveryStatus, Event, Severity},
};

/// Steps that come with one claim at the most.
pub(crate) const STEPS: u32 = 32;
/// Deliveries whose time has come that one claim makes ready at the most.
pub(crate) const PROMOTED: u32 = 1024;

/// Which deliveries to take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Wanted {
    /// What is ready of these accounts: the highest severity first, then the oldest.
    Ready {
        /// The accounts.
        customers: Vec<CustomerId>,
        /// How many at the most.
        limit: u32,
    },
    /// This one, ready or not, unless somebody else holds it.
    One(DeliveryId),
}

/// Takes deliveries for a while.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which.
    pub wanted: Wanted,
    /// Who takes them; unique per holder.
    pub owner: String,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// When the claim ends by itself; whoever claims later gets a higher version, which fences this holder off.
    pub until: DateTime<Utc>,
}

/// A delivery in hand.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The delivery, in the version that the claim gave it.
    pub row: Row<DeliveryRecord>,
    /// What came after its first state, oldest first; empty where the first state is to be dealt with before.
    pub steps: Vec<DeliveryStep>,
}

/// An alert that may be new: its delivery, and what is told when it is.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The [`Trace::key`] of the alert.
    pub key: String,
    /// The trace that the delivery takes into account.
    pub trace: Option<Trace>,
    /// The delivery to be made of it.
    pub record: DeliveryRecord,
    /// For the event log.
    pub event: Event,
}

/// What became of an [`Arrival`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Arrived {
    /// It was new.
    New(Committed),
    /// The alert has a delivery already; nothing was written.
    Known {
        /// That one.
        row: Box<Row<DeliveryRecord>>,
        /// The last state that waits behind it.
        last_step: Option<Box<DeliveryStep>>,
    },
    /// An earlier delivery of it was removed, and its trace is another than the arrival knows of; nothing was written.
    Traced(Trace),
    /// Its account does not exist; nothing was written.
    NoAccount,
}

/// A later state of an alert that waits to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryStep {
    /// Given by the store, growing.
    #[serde(skip)]
    pub number: i64,
    /// The alert as it was told then.
    pub alert: Alert,
    /// When it was accepted.
    pub accepted_at: DateTime<Utc>,
}

/// Alerts of one cause, counted in the incident of the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryGroup {
    /// The account.
    pub customer_id: CustomerId,
    /// The same for alerts of one cause.
    pub key: String,
    /// The delivery whose incident counts them.
    pub parent: DeliveryId,
    /// When the group takes in no more.
    pub until: DateTime<Utc>,
    /// The number that the incident was last told.
    pub told: i64,
}

/// How many deliveries stand in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryCount {
    /// The account.
    pub customer_id: CustomerId,
    /// The instance that was asked last; none before the first attempt.
    pub instance_id: Option<InstanceId>,
    /// Where they stand.
    pub status: DeliveryStatus,
    /// How many.
    pub count: i64,
}

/// When there is something to do with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Never,
    Now,
    At(DateTime<Utc>),
}

impl DeliveryRecord {
    /// When somebody should take it up, given whether steps wait behind it.
    pub(crate) fn due(&self, has_steps: bool) -> Due {
        if let Some(until) = self.claimed_until {
            return Due::At(until);
        }
        let open = match self.delivery.status {
            DeliveryStatus::Pending | DeliveryStatus::Unknown => true,
            _ => has_steps && self.waits_for_steps(),
        };
        match (open, self.not_before) {
            (false, _) => Due::Never,
            (true, None) => Due::Now,
            (true, Some(at)) => Due::At(at),
        }
    }

    /// Whether there is nothing left to do with it but what its alert does next.
    pub(crate) const fn waits_for_steps(&self) -> bool {
        matches!(self.delivery.status, DeliveryStatus::Delivered | DeliveryStatus::Ignored | DeliveryStatus::Grouped)
    }

    /// 0 for the highest severity.
    pub(crate) const fn rank(&self) -> i64 {
        match self.delivery.alert.severity {
            Severity::Critical => 0,
            Severity::Error => 1,
            Severity::Warning => 2,
            Severity::Success => 3,
            Severity::Information => 4,
        }
    }
}
