//! Where the adapter keeps its state: one small trait, several backends, one contract.
//!
//! The store enforces the invariants of the state machine itself (an account holds at most one registration;
//! an instance with an old connector serves one account), so that they hold between processes and nodes.
//! Every write names the version it replaces. Secrets arrive sealed: no backend can open them.

mod memory;
pub(crate) mod outbox;
mod rotate;
mod seal;
mod sqlite;
mod trace;

#[cfg(any(test, feature = "testing"))]
pub mod contract;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    memory::MemoryStore,
    outbox::{Arrival, Arrived, Claim, Claimed, DeliveryCount, DeliveryGroup, DeliveryStep, Wanted},
    seal::Sealed,
    sqlite::{SqliteStore, after_fork, before_fork},
    trace::Trace,
};
pub(crate) use self::{
    rotate::rotate,
    seal::{Binding, KeyRing, listed_keys},
};
use crate::{
    error::{Error, Result},
    id::{CustomerId, DeliveryId, InstanceId},
    model::{
        Account, AccountPolicy, AlertState, Connection, ConnectionStatus, Delivery, DeliveryStatus, Event, Instance,
        ProbeReport, Severity, stamp,
    },
};

/// A value as stored: with its version, and its secrets still sealed.
#[derive(Debug, Clone)]
pub struct Row<T> {
    /// The public part.
    pub value: T,
    /// The secret part, if there is one.
    pub sealed: Option<Sealed>,
    /// Names this state of the row; no other state of a row with this key ever has the same version.
    pub version: i64,
}

/// Writes a row in place of the version that was read.
#[derive(Debug, Clone)]
pub struct Put<T> {
    /// The public part.
    pub value: T,
    /// The secret part.
    pub sealed: Option<Sealed>,
    /// The version that is replaced; none: the row must not exist.
    pub replaces: Option<i64>,
}

/// Tokens that are to be revoked: written in the same commit that forgets them, removed when the instance
/// has confirmed. A process that dies in between leaves them here for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRevocation {
    /// Made by the adapter.
    pub id: String,
    /// The account whose tokens they are.
    pub customer_id: CustomerId,
    /// The only instance they may be sent to.
    pub instance_id: InstanceId,
    /// Since when they wait.
    pub created_at: DateTime<Utc>,
    /// Not to be revoked before: until then somebody tests these tokens, and saves them or revokes them. A
    /// process that dies meanwhile leaves them to the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand_until: Option<DateTime<Utc>>,
    /// When the last of them ends by itself: what has not been revoked by then need not be. None where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
}

/// A browser authorization that was begun and not finished. Its secrets (state, verifier, what it is bound to)
/// are sealed beside it, and forgotten when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFlow {
    /// Made by the adapter; the first part of the state value, and useless without the rest of it.
    pub id: String,
    /// The account that is to be registered.
    pub customer_id: CustomerId,
    /// The instance where the person signs in.
    pub instance_id: InstanceId,
    /// Where the browser comes back to; of one registration only (T1).
    pub redirect_url: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was used, or given up; it cannot be used again.
    pub used_at: Option<DateTime<Utc>>,
}

/// A delivery with what only the adapter needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// The public part.
    pub delivery: Box<Delivery>,
    /// When the attempt under way ends at the latest, as seen from here; set before it is sent.
    #[serde(default, skip_serializing_if = "is_default", serialize_with = "stamp::write_some")]
    pub attempt_deadline: Option<DateTime<Utc>>,
    /// Instances that the account has left before it was found out what came of an attempt there: whoever is to make
    /// the incident there looks for it first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unsure_at: Vec<InstanceId>,
    /// Not to be tried again before this instant.
    #[serde(default, skip_serializing_if = "is_default", serialize_with = "stamp::write_some")]
    pub not_before: Option<DateTime<Utc>>,
    /// Until when whoever writes this goes on holding it; none: the claim ends with the write.
    #[serde(default, skip_serializing_if = "is_default", serialize_with = "stamp::write_some")]
    pub claimed_until: Option<DateTime<Utc>>,
    /// Failures since something went well: the base of the next pause.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failures: i32,
    /// Attempts that reached the instance and made nothing: what a worker's budget counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub spent: i32,
    /// What the incident was last made to show.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shown: Shown,
}

/// What is as it is in the beginning need not be stored: rows stay small.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What the adapter has made of an incident after its creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// The last state of the alert that was dealt with.
    pub state: AlertState,
    /// When a work note was last written.
    pub noted_at: Option<DateTime<Utc>>,
    /// Announcements since then that were not worth a note of their own.
    pub unnoted: i32,
    /// The highest severity that it was told since the alert was raised; none: the one it began with.
    pub severity: Option<Severity>,
    /// What tells the last state that was dealt with, the end left out, from others.
    pub last: Option<String>,
    /// Whether the adapter resolved the incident.
    pub resolved: bool,
    /// The step whose change was sent and not confirmed; 0: none.
    pub trying: i64,
    /// 0 for the first incident of the alert, one more for each linked one.
    pub generation: i32,
    /// Record id of the incident of its group, whose child this one is.
    pub parent: Option<String>,
    /// The number of the incident that a linked one follows.
    pub follows: Option<String>,
    /// The generation of the first incident of this delivery: more than 0 when an earlier delivery of the alert was
    /// removed (see [`Trace`]).
    pub born: i32,
    /// The delivery whose incident counts this alert, while it is [`DeliveryStatus::Grouped`].
    pub counted_in: Option<DeliveryId>,
}

/// How far a source of alerts has been read: everything before it is submitted durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// The account.
    pub customer_id: CustomerId,
    /// The source, such as `monitor`.
    pub source: String,
    /// Where to go on, in the source's own form.
    pub position: String,
    /// When it moved.
    pub updated_at: DateTime<Utc>,
}

/// One change of a commit.
// A handful per commit, each moved a few times: a box for the large ones would cost more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change {
    /// Writes an account.
    Account(Put<Account>),
    /// Removes an account that has no connection, with its policy and its resume points.
    RemoveAccount {
        /// The account.
        customer_id: CustomerId,
        /// The version that is removed.
        version: i64,
    },
    /// Writes an instance.
    Instance(Put<Instance>),
    /// Writes a connection; its account and its instance must exist.
    Connection(Put<Connection>),
    /// Removes a connection.
    RemoveConnection {
        /// The account.
        customer_id: CustomerId,
        /// The instance.
        instance_id: InstanceId,
        /// The version that is removed.
        version: i64,
    },
    /// Writes tokens that are to be revoked.
    Revocation(Put<PendingRevocation>),
    /// Forgets tokens that are revoked. Forgetting them twice is allowed.
    RemoveRevocation {
        /// The account whose tokens they are (T8).
        customer_id: CustomerId,
        /// The id of the [`PendingRevocation`].
        id: String,
    },
    /// Writes a pending authorization. A new one is refused while its redirect URL is another registration's.
    Flow(Put<PendingFlow>),
    /// Forgets an authorization that ended. Forgetting it twice is allowed.
    RemoveFlow {
        /// The account that was to be registered (T8).
        customer_id: CustomerId,
        /// The id of the [`PendingFlow`].
        id: String,
    },
    /// Writes a delivery. Account, source and alert id together are unique. Shared, so that whoever has it written need not
    /// copy it.
    Delivery(Arc<Put<DeliveryRecord>>),
    /// Appends a later state of an alert to its delivery. It changes no version: whoever holds the delivery goes on. A
    /// delivery that was removed meanwhile is a [`Refusal::Conflict`].
    Step {
        /// The delivery.
        delivery_id: DeliveryId,
        /// The state; the store numbers it.
        step: DeliveryStep,
    },
    /// Writes a group. How many it counts stays.
    Group(Put<DeliveryGroup>),
    /// Counts one more in a group.
    CountInGroup {
        /// The account.
        customer_id: CustomerId,
        /// The group's key.
        key: String,
    },
    /// Forgets steps that are done. Name it before the delivery that it belongs to.
    RemoveSteps {
        /// The delivery.
        delivery_id: DeliveryId,
        /// The number of the last one.
        through: i64,
    },
    /// Writes the policy of an account, which must exist. Its sealed part is not kept: it has none.
    Policy(Put<AccountPolicy>),
    /// Removes the policy of an account.
    RemovePolicy {
        /// The account.
        customer_id: CustomerId,
        /// The version that is removed.
        version: i64,
    },
    /// Writes how far a source of an account has been read; the account must exist. It has no sealed part.
    ResumePoint(Put<ResumePoint>),
    /// Writes what a probe learned; the connection must exist, and takes it along when it is removed. It has no sealed
    /// part.
    Probe(Put<ProbeReport>),
    /// Forgets what a probe learned. Forgetting it twice is allowed.
    RemoveProbe {
        /// The account.
        customer_id: CustomerId,
        /// The instance.
        instance_id: InstanceId,
    },
    /// Removes a delivery with which there is nothing to do: nobody holds it, no step waits behind it, and it is neither
    /// pending nor unknown. Otherwise it is a [`Refusal::Conflict`]. Takes the groups along that it is the parent of.
    RemoveDelivery {
        /// The delivery.
        id: DeliveryId,
        /// The version that is removed.
        version: i64,
        /// What stays of it; replaces what stayed of an earlier one of the same alert. None: nothing.
        trace: Option<Trace>,
    },
    /// Removes the oldest events of the log, up to this number. Numbers are never given twice.
    RemoveEvents {
        /// The number of the last one.
        through: i64,
    },
    /// Appends to the event log; the store numbers it.
    Event(Event),
}

/// What a commit gave to the things it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version of every row that the commit wrote.
    pub version: i64,
    /// The number of the first event of the commit; the others follow without a gap. 0 without events.
    pub first_event: i64,
}

/// Why a commit changed nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// A row is not in the version that the change replaces. Read again and decide again.
    Conflict,
    /// The account is already registered (or unauthorized) with this instance.
    Held {
        /// The instance that holds the account.
        by: InstanceId,
    },
    /// The instance's connector is too old to serve a second account.
    Occupied {
        /// The account that the instance serves.
        by: CustomerId,
    },
    /// The redirect URL is the one of another registration, or of an authorization that goes on (T1).
    RedirectTaken {
        /// The account it belongs to.
        by: CustomerId,
        /// The instance it belongs to.
        at: InstanceId,
    },
    /// The account still has connections.
    InUse,
    /// The account or the instance of what is written does not exist.
    Missing,
    /// The store itself failed.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Which connections to list; empty fields match all.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// Of this account only.
    pub customer_id: Option<CustomerId>,
    /// With this instance only.
    pub instance_id: Option<InstanceId>,
    /// In one of these statuses only; empty: any.
    pub statuses: Vec<ConnectionStatus>,
}

/// Which deliveries to list; empty fields match all.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this account only.
    pub customer_id: Option<CustomerId>,
    /// In one of these statuses only; empty: any.
    pub statuses: Vec<DeliveryStatus>,
}

/// The right to do one thing, for a while, over all processes that share the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// Who holds it; unique per holder.
    pub owner: String,
    /// Grows with every holder: a write that carries an older number comes from someone who lost the lease.
    pub fence: i64,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

/// The state of the adapter. All lists are in the order of their keys, and `after` is the last key seen.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// One account.
    async fn account(&self, customer_id: &CustomerId) -> Result<Option<Row<Account>>>;
    /// Accounts in the order of their ids.
    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Account>>>;
    /// One instance.
    async fn instance(&self, instance_id: &InstanceId) -> Result<Option<Row<Instance>>>;
    /// Instances in the order of their ids.
    async fn instances(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Instance>>>;
    /// One connection.
    async fn connection(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<Connection>>>;
    /// Connections in the order of account and instance.
    async fn connections(
        &self,
        filter: &ConnectionFilter,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Row<Connection>>>;
    /// Tokens that wait to be revoked, of one account or of all, oldest first.
    async fn revocations(&self, customer_id: Option<&CustomerId>, limit: u32) -> Result<Vec<Row<PendingRevocation>>>;
    /// One pending or used authorization.
    async fn flow(&self, id: &str) -> Result<Option<Row<PendingFlow>>>;
    /// Pending and used authorizations, the ones that end first at the head.
    async fn flows(&self, limit: u32) -> Result<Vec<Row<PendingFlow>>>;
    /// One delivery.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Row<DeliveryRecord>>>;
    /// The delivery of an alert, by the alert's identity.
    async fn delivery_of(
        &self,
        customer_id: &CustomerId,
        source: &str,
        alert_id: &str,
    ) -> Result<Option<Row<DeliveryRecord>>>;
    /// Deliveries in the order of their ids, which is the order in which they were accepted.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row<DeliveryRecord>>>;
    /// Makes deliveries of the alerts that have none yet, each for itself. When it returns, they are durable.
    async fn accept(&self, arrivals: Vec<Arrival>) -> Result<Vec<Arrived>>;
    /// Takes deliveries that nobody else holds, and gives each a new version: a holder whose claim has ended, and
    /// whose delivery was taken since, can write no more. What is due becomes ready first.
    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>>;
    /// Makes a delivery ready that this owner holds; without effect when somebody else has taken it since.
    async fn give_back(&self, id: &DeliveryId, owner: &str) -> Result<()>;
    /// The last state that waits behind a delivery.
    async fn last_step(&self, id: &DeliveryId) -> Result<Option<DeliveryStep>>;
    /// The group of this key, and how many alerts it counts.
    async fn group(&self, customer_id: &CustomerId, key: &str) -> Result<Option<(Row<DeliveryGroup>, i64)>>;
    /// What stayed of the removed deliveries of an alert.
    async fn trace(&self, key: &str) -> Result<Option<Trace>>;
    /// Whether alerts may still join a group of the account that this delivery is the parent of.
    async fn has_open_group(&self, customer_id: &CustomerId, parent: &DeliveryId, now: DateTime<Utc>) -> Result<bool>;
    /// When to look again: at once when something of these accounts is ready, else when the next of them
    /// becomes so; none when there is nothing to do.
    async fn due(&self, customers: &[CustomerId], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>>;
    /// The accounts that have something ready, or due by now. Costs what there are of them, however much waits.
    async fn busy(&self, now: DateTime<Utc>) -> Result<Vec<CustomerId>>;
    /// How many deliveries stand where, of one account or of all. As cheap with a million as with one.
    async fn counts(&self, customer_id: Option<&CustomerId>) -> Result<Vec<DeliveryCount>>;
    /// The policy of an account.
    async fn policy(&self, customer_id: &CustomerId) -> Result<Option<Row<AccountPolicy>>>;
    /// How far a source of an account has been read.
    async fn resume_point(&self, customer_id: &CustomerId, source: &str) -> Result<Option<Row<ResumePoint>>>;
    /// What the last probe learned about an instance for an account.
    async fn probe(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<ProbeReport>>>;
    /// Events after this number, oldest first; of one account or of all.
    async fn events(&self, customer_id: Option<&CustomerId>, after: i64, limit: u32) -> Result<Vec<Event>>;
    /// Makes all changes or none. When it returns, they are durable.
    async fn commit(&self, changes: Vec<Change>) -> Result<Committed, Refusal>;
    /// Takes the lease when it is free, ended before `now`, or already held by this owner (which renews it
    /// under the same fence); none when somebody else holds it.
    async fn acquire(&self, name: &str, owner: &str, now: DateTime<Utc>, until: DateTime<Utc>)
    -> Result<Option<Lease>>;
    /// Gives the lease back; without effect when somebody else has taken it since.
    async fn release(&self, lease: &Lease) -> Result<()>;
}
