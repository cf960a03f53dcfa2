//! A store as one process sees it that may die at any call: before it, or after it and before it knows.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use itsm_adapter::{
    Account, AccountPolicy, Connection, CustomerId, DeliveryId, Error, Event, Instance, InstanceId, ProbeReport,
    store::{
        Arrival, Arrived, Change, Claim, Claimed, Committed, ConnectionFilter, DeliveryCount, DeliveryFilter,
        DeliveryGroup, DeliveryRecord, DeliveryStep, Lease, PendingFlow, PendingRevocation, Refusal, ResumePoint, Row,
        Store, Trace,
    },
};

use super::network::Life;

/// The store that all share, through the gate of one life.
#[derive(Debug)]
pub(crate) struct Mortal {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) life: Arc<Life>,
    /// Whether it works on threads of its own. Virtual time stands still meanwhile.
    pub(crate) is_outside: bool,
}

impl Mortal {
    async fn still<T>(&self, work: impl Future<Output = T>) -> T {
        if !self.is_outside {
            return work.await;
        }
        // Tokio's paused clock goes on by itself unless something blocks.
        let (done, wait) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || wait.recv());
        let answer = work.await;
        drop(done);
        answer
    }
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// Many methods that differ in nothing but their names.
macro_rules! through {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Mortal {
            $(async fn $name(&self, $($argument: $kind),*) -> $answer {
                self.life.gate().await;
                let answer = self.still(self.store.$name($($argument),*)).await;
                self.life.gate().await;
                answer
            })*
        }
    };
}

through! {
    account(customer_id: &CustomerId) -> Result<Option<Row<Account>>>;
    accounts(after: Option<&str>, limit: u32) -> Result<Vec<Row<Account>>>;
    instance(instance_id: &InstanceId) -> Result<Option<Row<Instance>>>;
    instances(after: Option<&str>, limit: u32) -> Result<Vec<Row<Instance>>>;
    connection(customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<Connection>>>;
    connections(filter: &ConnectionFilter, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<Row<Connection>>>;
    revocations(customer_id: Option<&CustomerId>, limit: u32) -> Result<Vec<Row<PendingRevocation>>>;
    flow(id: &str) -> Result<Option<Row<PendingFlow>>>;
    flows(limit: u32) -> Result<Vec<Row<PendingFlow>>>;
    delivery(id: &DeliveryId) -> Result<Option<Row<DeliveryRecord>>>;
    delivery_of(customer_id: &CustomerId, source: &str, alert_id: &str) -> Result<Option<Row<DeliveryRecord>>>;
    deliveries(filter: &DeliveryFilter, after: Option<&str>, limit: u32) -> Result<Vec<Row<DeliveryRecord>>>;
    accept(arrivals: Vec<Arrival>) -> Result<Vec<Arrived>>;
    claim(claim: Claim) -> Result<Vec<Claimed>>;
    give_back(id: &DeliveryId, owner: &str) -> Result<()>;
    last_step(id: &DeliveryId) -> Result<Option<DeliveryStep>>;
    group(customer_id: &CustomerId, key: &str) -> Result<Option<(Row<DeliveryGroup>, i64)>>;
    trace(key: &str) -> Result<Option<Trace>>;
    has_open_group(customer_id: &CustomerId, parent: &DeliveryId, now: DateTime<Utc>) -> Result<bool>;
    due(customers: &[CustomerId], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>>;
    busy(now: DateTime<Utc>) -> Result<Vec<CustomerId>>;
    counts(customer_id: Option<&CustomerId>) -> Result<Vec<DeliveryCount>>;
    policy(customer_id: &CustomerId) -> Result<Option<Row<AccountPolicy>>>;
    resume_point(customer_id: &CustomerId, source: &str) -> Result<Option<Row<ResumePoint>>>;
    probe(customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<ProbeReport>>>;
    events(customer_id: Option<&CustomerId>, after: i64, limit: u32) -> Result<Vec<Event>>;
    commit(changes: Vec<Change>) -> Result<Committed, Refusal>;
    acquire(name: &str, owner: &str, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Lease>>;
    release(lease: &Lease) -> Result<()>;
}
