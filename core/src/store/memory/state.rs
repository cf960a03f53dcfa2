//! The rows, and how a commit changes them: all of its changes, or none.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use super::super::{
    Change, Committed, DeliveryGroup, DeliveryRecord, DeliveryStep, PendingFlow, PendingRevocation, Put, Refusal,
    ResumePoint, Row, Trace, outbox::Due,
};
use crate::{
    id::{CustomerId, DeliveryId, InstanceId},
    model::{
        Account, AccountPolicy, Connection, ConnectionStatus, DeliveryStatus, Event, Instance, ProbeReport, serves_many,
    },
};

pub(super) type Pair = (CustomerId, InstanceId);
/// Account, source and alert id.
pub(super) type AlertKey = (CustomerId, String, String);
/// Where a delivery stands: account, the instance that was asked last, status.
pub(super) type Place = (CustomerId, Option<InstanceId>, DeliveryStatus);
/// Puts back what a change replaced.
pub(super) type Undo = Box<dyn FnOnce(&mut State)>;

#[derive(Default)]
pub(super) struct State {
    pub(super) version: i64,
    pub(super) accounts: BTreeMap<CustomerId, Row<Account>>,
    pub(super) instances: BTreeMap<InstanceId, Row<Instance>>,
    pub(super) connections: BTreeMap<Pair, Row<Connection>>,
    pub(super) revocations: BTreeMap<String, Row<PendingRevocation>>,
    pub(super) flows: BTreeMap<String, Row<PendingFlow>>,
    pub(super) deliveries: BTreeMap<DeliveryId, Row<DeliveryRecord>>,
    pub(super) by_alert: BTreeMap<AlertKey, DeliveryId>,
    pub(super) by_status: BTreeSet<(DeliveryStatus, DeliveryId)>,
    pub(super) counts: BTreeMap<Place, i64>,
    pub(super) dues: BTreeMap<DeliveryId, Due>,
    pub(super) owners: BTreeMap<DeliveryId, String>,
    pub(super) ready: BTreeSet<(CustomerId, i64, DeliveryId)>,
    pub(super) scheduled: BTreeSet<(CustomerId, DateTime<Utc>, DeliveryId)>,
    pub(super) steps: BTreeMap<DeliveryId, Vec<DeliveryStep>>,
    pub(super) last_step: i64,
    pub(super) groups: BTreeMap<(CustomerId, String), Row<DeliveryGroup>>,
    pub(super) group_counts: BTreeMap<(CustomerId, String), i64>,
    pub(super) policies: BTreeMap<CustomerId, Row<AccountPolicy>>,
    pub(super) resume_points: BTreeMap<(CustomerId, String), Row<ResumePoint>>,
    pub(super) probes: BTreeMap<Pair, Row<ProbeReport>>,
    pub(super) traces: BTreeMap<String, Trace>,
    /// Without the oldest ones, which were removed.
    pub(super) events: VecDeque<Event>,
    /// How many those were.
    pub(super) removed_events: i64,
    pub(super) leases: BTreeMap<String, KeptLease>,
}

/// A lease as kept: a free one stays, because its fence must go on growing.
pub(super) struct KeptLease {
    pub(super) owner: Option<String>,
    pub(super) fence: i64,
    pub(super) until: DateTime<Utc>,
}

/// Writes a row in place of the version that the change names, and says how to take that back.
pub(super) fn replace<K: Ord + Clone + Send + 'static, T: Send + 'static>(
    state: &mut State,
    table: fn(&mut State) -> &mut BTreeMap<K, Row<T>>,
    key: K,
    put: Put<T>,
    version: i64,
) -> Result<Undo, Refusal> {
    let rows = table(state);
    if rows.get(&key).map(|row| row.version) != put.replaces {
        return Err(Refusal::Conflict);
    }
    let before = rows.insert(key.clone(), Row { value: put.value, sealed: put.sealed, version });
    Ok(Box::new(move |state| restore(table(state), key, before)))
}

/// Removes a row in the version that the change names.
pub(super) fn remove<K: Ord + Clone + Send + 'static, T: Send + 'static>(
    state: &mut State,
    table: fn(&mut State) -> &mut BTreeMap<K, Row<T>>,
    key: K,
    version: i64,
) -> Result<Undo, Refusal> {
    let rows = table(state);
    if rows.get(&key).map(|row| row.version) != Some(version) {
        return Err(Refusal::Conflict);
    }
    let before = rows.remove(&key);
    Ok(Box::new(move |state| restore(table(state), key, before)))
}

/// Removes a row that is the account's own; one that is gone, or another's, stays as it is.
pub(super) fn forget<T: 'static>(
    state: &mut State,
    table: fn(&mut State) -> &mut BTreeMap<String, Row<T>>,
    id: String,
    own: bool,
) -> Undo {
    let before = own.then(|| table(state).remove(&id)).flatten();
    Box::new(move |state| {
        if own {
            restore(table(state), id, before);
        }
    })
}

pub(super) fn restore<K: Ord, T>(rows: &mut BTreeMap<K, Row<T>>, key: K, before: Option<Row<T>>) {
    match before {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    };
}

pub(super) fn holds(status: ConnectionStatus) -> bool {
    matches!(status, ConnectionStatus::Registered | ConnectionStatus::Unauthorized)
}

impl State {
    pub(super) fn commit(&mut self, changes: Vec<Change>) -> Result<Committed, Refusal> {
        let version = self.version + 1;
        let last_event = self.last_event();
        let mut undos: Vec<Undo> = Vec::with_capacity(changes.len());
        for change in changes {
            match self.apply(change, version) {
                Ok(undo) => undos.push(undo),
                Err(refusal) => {
                    while let Some(undo) = undos.pop() {
                        undo(self);
                    }
                    return Err(refusal);
                }
            }
        }
        self.version = version;
        let first_event = if self.last_event() > last_event { last_event + 1 } else { 0 };
        Ok(Committed { version, first_event })
    }

    pub(super) fn apply(&mut self, change: Change, version: i64) -> Result<Undo, Refusal> {
        match change {
            Change::Account(put) => {
                replace(self, |state| &mut state.accounts, put.value.customer_id.clone(), put, version)
            }
            Change::RemoveAccount { customer_id, version } => {
                let undo = remove(self, |state| &mut state.accounts, customer_id.clone(), version)?;
                if self.connections.values().any(|row| row.value.customer_id == customer_id) {
                    undo(self);
                    return Err(Refusal::InUse);
                }
                Ok(self.forget_with(customer_id, undo))
            }
            Change::Instance(put) => replace(self, |state| &mut state.instances, put.value.id.clone(), put, version),
            Change::Connection(put) => self.connect(put, version),
            Change::RemoveConnection { customer_id, instance_id, version } => {
                let pair = (customer_id, instance_id);
                let undo = remove(self, |state| &mut state.connections, pair.clone(), version)?;
                let probe = self.probes.remove(&pair);
                Ok(Box::new(move |state| {
                    restore(&mut state.probes, pair, probe);
                    undo(state);
                }))
            }
            Change::Revocation(put) => self.revocation(put, version),
            Change::RemoveRevocation { customer_id, id } => {
                let own = self.revocations.get(&id).is_some_and(|row| row.value.customer_id == customer_id);
                Ok(forget(self, |state| &mut state.revocations, id, own))
            }
            Change::Flow(put) => self.begin(put, version),
            Change::RemoveFlow { customer_id, id } => {
                let own = self.flows.get(&id).is_some_and(|row| row.value.customer_id == customer_id);
                Ok(forget(self, |state| &mut state.flows, id, own))
            }
            Change::Delivery(put) => self.deliver(Arc::unwrap_or_clone(put), version),
            Change::Step { delivery_id, step } => self.append(delivery_id, step),
            Change::Group(put) => {
                let key = (put.value.customer_id.clone(), put.value.key.clone());
                let same = self.groups.get(&key).is_some_and(|row| row.value.parent == put.value.parent);
                let undo = replace(self, |state| &mut state.groups, key.clone(), put, version)?;
                let count = self.group_counts.get(&key).copied();
                if !same {
                    self.group_counts.insert(key.clone(), 1);
                }
                Ok(Box::new(move |state| {
                    undo(state);
                    match count {
                        Some(count) => state.group_counts.insert(key, count),
                        None => state.group_counts.remove(&key),
                    };
                }))
            }
            Change::CountInGroup { customer_id, key } => {
                let key = (customer_id, key);
                let Some(count) = self.group_counts.get_mut(&key) else { return Err(Refusal::Conflict) };
                *count += 1;
                Ok(Box::new(move |state| {
                    state.group_counts.entry(key).and_modify(|count| *count -= 1);
                }))
            }
            Change::RemoveSteps { delivery_id, through } => {
                let before = self.steps.get(&delivery_id).cloned().unwrap_or_default();
                self.steps.entry(delivery_id.clone()).or_default().retain(|step| step.number > through);
                Ok(Box::new(move |state| {
                    state.steps.insert(delivery_id, before);
                }))
            }
            Change::Policy(Put { value, replaces, .. }) => {
                self.needs(&value.customer_id, replaces)?;
                let key = value.customer_id.clone();
                replace(self, |state| &mut state.policies, key, Put { value, sealed: None, replaces }, version)
            }
            Change::RemovePolicy { customer_id, version } => {
                remove(self, |state| &mut state.policies, customer_id, version)
            }
            Change::ResumePoint(Put { value, replaces, .. }) => {
                let key = (value.customer_id.clone(), value.source.clone());
                self.needs(&value.customer_id, replaces)?;
                replace(self, |state| &mut state.resume_points, key, Put { value, sealed: None, replaces }, version)
            }
            Change::Probe(Put { value, replaces, .. }) => {
                let pair = (value.customer_id.clone(), value.instance_id.clone());
                if replaces.is_none() && !self.connections.contains_key(&pair) {
                    return Err(Refusal::Missing);
                }
                replace(self, |state| &mut state.probes, pair, Put { value, sealed: None, replaces }, version)
            }
            Change::RemoveProbe { customer_id, instance_id } => {
                let pair = (customer_id, instance_id);
                let before = self.probes.remove(&pair);
                Ok(Box::new(move |state| restore(&mut state.probes, pair, before)))
            }
            Change::RemoveDelivery { id, version, trace } => self.remove_delivery(id, version, trace),
            Change::RemoveEvents { through } => Ok(self.remove_events(through)),
            Change::Event(event) => Ok(self.tell(event)),
        }
    }

    /// What is new needs its account.
    pub(super) fn needs(&self, customer: &CustomerId, replaces: Option<i64>) -> Result<(), Refusal> {
        if replaces.is_some() || self.accounts.contains_key(customer) { Ok(()) } else { Err(Refusal::Missing) }
    }

    /// Forgets what goes with an account that was removed.
    pub(super) fn forget_with(&mut self, customer: CustomerId, undo: Undo) -> Undo {
        let policy = self.policies.remove(&customer);
        let of_account = |key: &(CustomerId, String)| key.0 == customer;
        let keys: Vec<_> = self.resume_points.keys().filter(|key| of_account(key)).cloned().collect();
        let points: Vec<_> = keys.into_iter().filter_map(|key| self.resume_points.remove_entry(&key)).collect();
        Box::new(move |state| {
            state.resume_points.extend(points);
            restore(&mut state.policies, customer, policy);
            undo(state);
        })
    }

    pub(super) fn connect(&mut self, put: Put<Connection>, version: i64) -> Result<Undo, Refusal> {
        let (customer, instance) = (put.value.customer_id.clone(), put.value.instance_id.clone());
        let key = (customer.clone(), instance.clone());
        let before = self.connections.get(&key);
        if before.map(|row| row.version) != put.replaces {
            return Err(Refusal::Conflict);
        }
        let Some(target) = self.instances.get(&instance) else { return Err(Refusal::Missing) };
        if !self.accounts.contains_key(&customer) {
            return Err(Refusal::Missing);
        }
        if let Some(redirect) = put.value.endpoint.as_ref().and_then(|endpoint| endpoint.redirect_url.as_deref())
            && let Some(refusal) = self.redirect_taken(redirect, &key, None)
        {
            return Err(refusal);
        }
        let held = || self.connections.values().map(|row| &row.value).filter(|other| holds(other.status));
        if holds(put.value.status) {
            if let Some(other) = held().find(|other| other.customer_id == customer && other.instance_id != instance) {
                return Err(Refusal::Held { by: other.instance_id.clone() });
            }
            // Only taking the instance is refused: a registration that an older connector finds in place stays.
            let takes = !before.is_some_and(|row| holds(row.value.status));
            if takes
                && !serves_many(target.value.connector_version.as_deref())
                && let Some(other) = held().find(|other| other.instance_id == instance && other.customer_id != customer)
            {
                return Err(Refusal::Occupied { by: other.customer_id.clone() });
            }
        }
        replace(self, |state| &mut state.connections, key, put, version)
    }

    /// Whether the redirect URL is another registration's, or at that instant another pending flow's.
    pub(super) fn redirect_taken(&self, redirect_url: &str, pair: &Pair, at: Option<DateTime<Utc>>) -> Option<Refusal> {
        let of_connection = |row: &&Row<Connection>| {
            let endpoint = row.value.endpoint.as_ref();
            endpoint.and_then(|endpoint| endpoint.redirect_url.as_deref()) == Some(redirect_url)
        };
        let connections = self.connections.values().filter(of_connection);
        let flows = self
            .flows
            .values()
            .filter(|row| row.value.redirect_url == redirect_url && at.is_some_and(|at| row.value.expires_at > at));
        let mut owners = connections
            .map(|row| (&row.value.customer_id, &row.value.instance_id))
            .chain(flows.map(|row| (&row.value.customer_id, &row.value.instance_id)));
        let (by, at) = owners.find(|(customer, instance)| (*customer, *instance) != (&pair.0, &pair.1))?;
        Some(Refusal::RedirectTaken { by: by.clone(), at: at.clone() })
    }

    pub(super) fn begin(&mut self, put: Put<PendingFlow>, version: i64) -> Result<Undo, Refusal> {
        let flow = &put.value;
        // What a flow is for never changes.
        let of = |flow: &PendingFlow| (flow.customer_id.clone(), flow.instance_id.clone(), flow.redirect_url.clone());
        if self.flows.get(&flow.id).is_some_and(|row| of(&row.value) != of(flow)) {
            return Err(Refusal::Conflict);
        }
        let pair = (flow.customer_id.clone(), flow.instance_id.clone());
        if put.replaces.is_none()
            && !self.flows.contains_key(&flow.id)
            && let Some(refusal) = self.redirect_taken(&flow.redirect_url, &pair, Some(flow.created_at))
        {
            return Err(refusal);
        }
        replace(self, |state| &mut state.flows, put.value.id.clone(), put, version)
    }

    pub(super) fn revocation(&mut self, put: Put<PendingRevocation>, version: i64) -> Result<Undo, Refusal> {
        let before = self.revocations.get(&put.value.id);
        if before.is_some_and(|row| row.value.customer_id != put.value.customer_id) {
            return Err(Refusal::Conflict);
        }
        replace(self, |state| &mut state.revocations, put.value.id.clone(), put, version)
    }

    pub(super) fn remove_events(&mut self, through: i64) -> Undo {
        let most = usize::try_from(through.saturating_sub(self.removed_events)).unwrap_or_default();
        let removed: Vec<Event> = self.events.drain(..most.min(self.events.len())).collect();
        let count = i64::try_from(removed.len()).unwrap_or(i64::MAX);
        self.removed_events += count;
        Box::new(move |state| {
            state.removed_events -= count;
            removed.into_iter().rev().for_each(|event| state.events.push_front(event));
        })
    }

    pub(super) fn tell(&mut self, mut event: Event) -> Undo {
        event.sequence = self.last_event() + 1;
        self.events.push_back(event);
        Box::new(|state| {
            state.events.pop_back();
        })
    }

    /// The number of the last event.
    pub(super) fn last_event(&self) -> i64 {
        self.removed_events + i64::try_from(self.events.len()).unwrap_or(i64::MAX)
    }
}
