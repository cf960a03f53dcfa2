//! The store that forgets: for tests, trials and short scripts. It obeys the same contract as the others.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Arrival, Arrived, Change, Claim, Claimed, Committed, ConnectionFilter, DeliveryCount, DeliveryFilter,
    DeliveryGroup, DeliveryRecord, DeliveryStep, Lease, PendingFlow, PendingRevocation, Put, Refusal, ResumePoint, Row,
    Store, Trace, Wanted,
    outbox::{Due, PROMOTED, STEPS},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, DeliveryId, InstanceId},
    model::{
        Account, AccountPolicy, Connection, ConnectionStatus, Delivery, DeliveryStatus, Event, Instance, ProbeReport,
        serves_many,
    },
};

/// Keeps everything in memory; gone with the process. One lock, never held across an await.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

type Pair = (CustomerId, InstanceId);
/// Account, source and alert id.
type AlertKey = (CustomerId, String, String);
/// Where a delivery stands: account, the instance that was asked last, status.
type Place = (CustomerId, Option<InstanceId>, DeliveryStatus);
/// Puts back what a change replaced.
type Undo = Box<dyn FnOnce(&mut State)>;

#[derive(Default)]
struct State {
    version: i64,
    accounts: BTreeMap<CustomerId, Row<Account>>,
    instances: BTreeMap<InstanceId, Row<Instance>>,
    connections: BTreeMap<Pair, Row<Connection>>,
    revocations: BTreeMap<String, Row<PendingRevocation>>,
    flows: BTreeMap<String, Row<PendingFlow>>,
    deliveries: BTreeMap<DeliveryId, Row<DeliveryRecord>>,
    by_alert: BTreeMap<AlertKey, DeliveryId>,
    by_status: BTreeSet<(DeliveryStatus, DeliveryId)>,
    counts: BTreeMap<Place, i64>,
    dues: BTreeMap<DeliveryId, Due>,
    owners: BTreeMap<DeliveryId, String>,
    ready: BTreeSet<(CustomerId, i64, DeliveryId)>,
    scheduled: BTreeSet<(CustomerId, DateTime<Utc>, DeliveryId)>,
    steps: BTreeMap<DeliveryId, Vec<DeliveryStep>>,
    last_step: i64,
    groups: BTreeMap<(CustomerId, String), Row<DeliveryGroup>>,
    group_counts: BTreeMap<(CustomerId, String), i64>,
    policies: BTreeMap<CustomerId, Row<AccountPolicy>>,
    resume_points: BTreeMap<(CustomerId, String), Row<ResumePoint>>,
    probes: BTreeMap<Pair, Row<ProbeReport>>,
    traces: BTreeMap<String, Trace>,
    /// Without the oldest ones, which were removed.
    events: VecDeque<Event>,
    /// How many those were.
    removed_events: i64,
    leases: BTreeMap<String, Held>,
}

/// A lease as kept: a free one stays, because its fence must go on growing.
struct Held {
    owner: Option<String>,
    fence: i64,
    until: DateTime<Utc>,
}

/// Writes a row in place of the version that the change names, and says how to take that back.
fn replace<K: Ord + Clone + Send + 'static, T: Send + 'static>(
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
fn remove<K: Ord + Clone + Send + 'static, T: Send + 'static>(
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
fn forget<T: 'static>(
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

fn restore<K: Ord, T>(rows: &mut BTreeMap<K, Row<T>>, key: K, before: Option<Row<T>>) {
    match before {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    };
}

fn holds(status: ConnectionStatus) -> bool {
    matches!(status, ConnectionStatus::Registered | ConnectionStatus::Unauthorized)
}

impl State {
    fn commit(&mut self, changes: Vec<Change>) -> Result<Committed, Refusal> {
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

    fn apply(&mut self, change: Change, version: i64) -> Result<Undo, Refusal> {
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
            Change::Delivery(put) => self.deliver(put, version),
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

    /// Appends a later state of an alert, and makes its delivery ready when nothing else keeps it.
    fn append(&mut self, delivery_id: DeliveryId, mut step: DeliveryStep) -> Result<Undo, Refusal> {
        if !self.deliveries.contains_key(&delivery_id) {
            return Err(Refusal::Conflict);
        }
        self.last_step += 1;
        step.number = self.last_step;
        self.steps.entry(delivery_id.clone()).or_default().push(step);
        let before = self.dues.get(&delivery_id).copied().unwrap_or(Due::Never);
        let waits = self.deliveries.get(&delivery_id).is_some_and(|row| row.value.waits_for_steps());
        if waits && before == Due::Never {
            self.make_due(&delivery_id, Due::Now);
        }
        Ok(Box::new(move |state| {
            state.steps.entry(delivery_id.clone()).or_default().pop();
            state.make_due(&delivery_id, before);
        }))
    }

    /// What is new needs its account.
    fn needs(&self, customer: &CustomerId, replaces: Option<i64>) -> Result<(), Refusal> {
        if replaces.is_some() || self.accounts.contains_key(customer) { Ok(()) } else { Err(Refusal::Missing) }
    }

    /// Forgets what goes with an account that was removed.
    fn forget_with(&mut self, customer: CustomerId, undo: Undo) -> Undo {
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

    fn connect(&mut self, put: Put<Connection>, version: i64) -> Result<Undo, Refusal> {
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
    fn redirect_taken(&self, redirect_url: &str, pair: &Pair, at: Option<DateTime<Utc>>) -> Option<Refusal> {
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

    fn begin(&mut self, put: Put<PendingFlow>, version: i64) -> Result<Undo, Refusal> {
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

    fn revocation(&mut self, put: Put<PendingRevocation>, version: i64) -> Result<Undo, Refusal> {
        let before = self.revocations.get(&put.value.id);
        if before.is_some_and(|row| row.value.customer_id != put.value.customer_id) {
            return Err(Refusal::Conflict);
        }
        replace(self, |state| &mut state.revocations, put.value.id.clone(), put, version)
    }

    fn deliver(&mut self, put: Put<DeliveryRecord>, version: i64) -> Result<Undo, Refusal> {
        let id = put.value.delivery.id.clone();
        if self.deliveries.get(&id).map(|row| row.version) != put.replaces {
            return Err(Refusal::Conflict);
        }
        // One alert, one delivery, for good: neither of the two may move to another.
        let holder = self.by_alert.get(&alert_key(&put.value));
        if holder.is_some_and(|holder| *holder != id) || (holder.is_none() && put.replaces.is_some()) {
            return Err(Refusal::Conflict);
        }
        let due = put.value.due(self.steps.get(&id).is_some_and(|steps| !steps.is_empty()));
        let owner = self.owners.get(&id).cloned();
        if put.value.claimed_until.is_none() {
            self.owners.remove(&id);
        }
        let before_due = self.dues.get(&id).copied().unwrap_or(Due::Never);
        let row = Row { value: put.value, sealed: put.sealed, version };
        let before = self.place(&id, Some(row));
        self.make_due(&id, due);
        Ok(Box::new(move |state| {
            state.make_due(&id, Due::Never);
            state.place(&id, before);
            state.make_due(&id, before_due);
            if let Some(owner) = owner {
                state.owners.insert(id, owner);
            }
        }))
    }

    fn remove_delivery(&mut self, id: DeliveryId, version: i64, trace: Option<Trace>) -> Result<Undo, Refusal> {
        let Some(row) = self.deliveries.get(&id).filter(|row| row.version == version) else {
            return Err(Refusal::Conflict);
        };
        let is_open = matches!(row.value.delivery.status, DeliveryStatus::Pending | DeliveryStatus::Unknown);
        if is_open || self.owners.contains_key(&id) || self.steps.get(&id).is_some_and(|steps| !steps.is_empty()) {
            return Err(Refusal::Conflict);
        }
        let due = self.dues.get(&id).copied().unwrap_or(Due::Never);
        self.make_due(&id, Due::Never);
        let before = self.place(&id, None);
        self.dues.remove(&id);
        self.steps.remove(&id);
        let of_group = |row: &Row<DeliveryGroup>| row.value.parent == id;
        let keys: Vec<_> = self.groups.iter().filter(|(_, row)| of_group(row)).map(|(key, _)| key.clone()).collect();
        let groups: Vec<_> = keys.iter().filter_map(|key| self.groups.remove_entry(key)).collect();
        let counts: Vec<_> = keys.iter().filter_map(|key| self.group_counts.remove_entry(key)).collect();
        let key = trace.as_ref().map(|trace| trace.key.clone());
        let stayed = trace.and_then(|trace| self.traces.insert(trace.key.clone(), trace));
        Ok(Box::new(move |state| {
            if let Some(key) = key {
                match stayed {
                    Some(trace) => state.traces.insert(key, trace),
                    None => state.traces.remove(&key),
                };
            }
            state.groups.extend(groups);
            state.group_counts.extend(counts);
            state.place(&id, before);
            state.make_due(&id, due);
        }))
    }

    fn remove_events(&mut self, through: i64) -> Undo {
        let most = usize::try_from(through.saturating_sub(self.removed_events)).unwrap_or_default();
        let removed: Vec<Event> = self.events.drain(..most.min(self.events.len())).collect();
        let count = i64::try_from(removed.len()).unwrap_or(i64::MAX);
        self.removed_events += count;
        Box::new(move |state| {
            state.removed_events -= count;
            removed.into_iter().rev().for_each(|event| state.events.push_front(event));
        })
    }

    fn tell(&mut self, mut event: Event) -> Undo {
        event.sequence = self.last_event() + 1;
        self.events.push_back(event);
        Box::new(|state| {
            state.events.pop_back();
        })
    }

    /// The number of the last event.
    fn last_event(&self) -> i64 {
        self.removed_events + i64::try_from(self.events.len()).unwrap_or(i64::MAX)
    }

    /// Sets or clears a delivery and keeps both indexes in step; answers what was there.
    fn place(&mut self, id: &DeliveryId, row: Option<Row<DeliveryRecord>>) -> Option<Row<DeliveryRecord>> {
        let before = self.deliveries.remove(id);
        if let Some(old) = &before {
            self.by_alert.remove(&alert_key(&old.value));
            self.by_status.remove(&(old.value.delivery.status, id.clone()));
            self.count(&old.value.delivery, -1);
        }
        if let Some(new) = row {
            self.by_alert.insert(alert_key(&new.value), id.clone());
            self.by_status.insert((new.value.delivery.status, id.clone()));
            self.count(&new.value.delivery, 1);
            self.deliveries.insert(id.clone(), new);
        }
        before
    }

    fn count(&mut self, delivery: &Delivery, more: i64) {
        let place = (delivery.customer_id.clone(), delivery.instance_id.clone(), delivery.status);
        let count = self.counts.entry(place.clone()).or_default();
        *count += more;
        if *count == 0 {
            self.counts.remove(&place);
        }
    }

    /// Says when there is something to do with a delivery.
    fn make_due(&mut self, id: &DeliveryId, due: Due) {
        let Some(row) = self.deliveries.get(id) else { return };
        let front = (row.value.delivery.customer_id.clone(), row.value.rank(), id.clone());
        match self.dues.insert(id.clone(), due) {
            Some(Due::Now) => self.ready.remove(&front),
            Some(Due::At(at)) => self.scheduled.remove(&(front.0.clone(), at, id.clone())),
            Some(Due::Never) | None => false,
        };
        match due {
            Due::Now => self.ready.insert(front),
            Due::At(at) => self.scheduled.insert((front.0, at, id.clone())),
            Due::Never => false,
        };
    }

    fn accept(&mut self, Arrival { key, trace, record, event }: Arrival) -> Result<Arrived> {
        if let Some(row) = self.by_alert.get(&alert_key(&record)).and_then(|id| self.deliveries.get(id)) {
            let last_step = self.steps.get(&row.value.delivery.id).and_then(|steps| steps.last());
            return Ok(Arrived::Known { row: Box::new(row.clone()), last_step: last_step.cloned().map(Box::new) });
        }
        if !self.accounts.contains_key(&record.delivery.customer_id) {
            return Ok(Arrived::NoAccount);
        }
        if let Some(present) = self.traces.get(&key).filter(|present| trace.as_ref() != Some(present)) {
            return Ok(Arrived::Traced(present.clone()));
        }
        let put = Change::Delivery(Put { value: record, sealed: None, replaces: None });
        match self.commit(vec![put, Change::Event(event)]) {
            Ok(committed) => Ok(Arrived::New(committed)),
            Err(refusal) => Err(Error::new(ErrorKind::Internal, format!("An id was given twice: {refusal:?}."))),
        }
    }

    fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
        let ids: Vec<DeliveryId> = match &claim.wanted {
            Wanted::One(id) => {
                let held = self.owners.contains_key(id)
                    && self.dues.get(id).is_some_and(|due| matches!(due, Due::At(until) if *until > claim.now));
                self.deliveries.get(id).filter(|_| !held).map(|row| row.value.delivery.id.clone()).into_iter().collect()
            }
            Wanted::Ready { customers, limit } => {
                let first = DeliveryId(String::new());
                for customer in customers {
                    let from = (customer.clone(), DateTime::<Utc>::MIN_UTC, first.clone());
                    let come =
                        self.scheduled.range(from..).take_while(|(own, at, _)| own == customer && *at <= claim.now);
                    let come: Vec<_> = come.take(PROMOTED as usize).map(|(.., id)| id.clone()).collect();
                    for id in come {
                        self.owners.remove(&id);
                        self.make_due(&id, Due::Now);
                    }
                }
                let mut front: Vec<_> = customers
                    .iter()
                    .flat_map(|customer| {
                        let from = (customer.clone(), i64::MIN, first.clone());
                        self.ready.range(from..).take_while(move |(own, ..)| own == customer).take(*limit as usize)
                    })
                    .map(|(_, rank, id)| (*rank, id.clone()))
                    .collect();
                front.sort();
                front.into_iter().take(*limit as usize).map(|(_, id)| id).collect()
            }
        };
        if ids.is_empty() {
            return Vec::new();
        }
        self.version += 1;
        let version = self.version;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            self.make_due(&id, Due::At(claim.until));
            self.owners.insert(id.clone(), claim.owner.clone());
            let Some(row) = self.deliveries.get_mut(&id) else { continue };
            row.version = version;
            let mut row = row.clone();
            row.value.claimed_until = Some(claim.until);
            let steps = self.steps.get(&id).filter(|_| row.value.waits_for_steps()).map(Vec::as_slice);
            let steps = steps.unwrap_or_default().iter().take(STEPS as usize).cloned().collect();
            claimed.push(Claimed { row, steps });
        }
        claimed
    }
}

fn alert_key(record: &DeliveryRecord) -> AlertKey {
    let delivery = &record.delivery;
    (delivery.customer_id.clone(), delivery.alert.source.clone(), delivery.alert.id.clone())
}

/// The rows whose key comes after this one.
fn page<K: Ord, T: Clone>(rows: &BTreeMap<K, Row<T>>, after: Option<K>, limit: u32) -> Vec<Row<T>> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((start, Bound::Unbounded)).take(limit as usize).map(|(_, row)| row.clone()).collect()
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock cannot happen half-way through a change that matters; go on with what is there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn account(&self, customer_id: &CustomerId) -> Result<Option<Row<Account>>> {
        Ok(self.state().accounts.get(customer_id).cloned())
    }

    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Account>>> {
        Ok(page(&self.state().accounts, after.map(|id| CustomerId(id.to_owned())), limit))
    }

    async fn instance(&self, instance_id: &InstanceId) -> Result<Option<Row<Instance>>> {
        Ok(self.state().instances.get(instance_id).cloned())
    }

    async fn instances(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Instance>>> {
        Ok(page(&self.state().instances, after.map(|id| InstanceId(id.to_owned())), limit))
    }

    async fn connection(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<Connection>>> {
        Ok(self.state().connections.get(&(customer_id.clone(), instance_id.clone())).cloned())
    }

    async fn connections(
        &self,
        filter: &ConnectionFilter,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Row<Connection>>> {
        let start = after.map_or(Bound::Unbounded, |(customer, instance)| {
            Bound::Excluded((CustomerId(customer.to_owned()), InstanceId(instance.to_owned())))
        });
        let fits = |value: &Connection| {
            filter.customer_id.as_ref().is_none_or(|id| *id == value.customer_id)
                && filter.instance_id.as_ref().is_none_or(|id| *id == value.instance_id)
                && (filter.statuses.is_empty() || filter.statuses.contains(&value.status))
        };
        let state = self.state();
        let rows = state.connections.range((start, Bound::Unbounded)).map(|(_, row)| row);
        Ok(rows.filter(|row| fits(&row.value)).take(limit as usize).cloned().collect())
    }

    async fn revocations(&self, customer_id: Option<&CustomerId>, limit: u32) -> Result<Vec<Row<PendingRevocation>>> {
        let state = self.state();
        let mut rows: Vec<_> = state
            .revocations
            .values()
            .filter(|row| customer_id.is_none_or(|id| *id == row.value.customer_id))
            .collect();
        rows.sort_by_key(|row| (row.value.created_at.timestamp_micros(), &row.value.id));
        Ok(rows.into_iter().take(limit as usize).cloned().collect())
    }

    async fn flow(&self, id: &str) -> Result<Option<Row<PendingFlow>>> {
        Ok(self.state().flows.get(id).cloned())
    }

    async fn flows(&self, limit: u32) -> Result<Vec<Row<PendingFlow>>> {
        let state = self.state();
        let mut rows: Vec<_> = state.flows.values().collect();
        rows.sort_by_key(|row| (row.value.expires_at.timestamp_micros(), &row.value.id));
        Ok(rows.into_iter().take(limit as usize).cloned().collect())
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Row<DeliveryRecord>>> {
        Ok(self.state().deliveries.get(id).cloned())
    }

    async fn delivery_of(
        &self,
        customer_id: &CustomerId,
        source: &str,
        alert_id: &str,
    ) -> Result<Option<Row<DeliveryRecord>>> {
        let state = self.state();
        let id = state.by_alert.get(&(customer_id.clone(), source.to_owned(), alert_id.to_owned()));
        Ok(id.and_then(|id| state.deliveries.get(id)).cloned())
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row<DeliveryRecord>>> {
        let after = after.map(|id| DeliveryId(id.to_owned()));
        let limit = limit as usize;
        let state = self.state();
        let fits = |row: &&Row<DeliveryRecord>| {
            filter.customer_id.as_ref().is_none_or(|id| *id == row.value.delivery.customer_id)
        };
        if filter.statuses.is_empty() {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let rows = state.deliveries.range((start, Bound::Unbounded)).map(|(_, row)| row);
            return Ok(rows.filter(fits).take(limit).cloned().collect());
        }
        // Per status, so that looking for what waits does not walk over all that is done.
        let first = DeliveryId(String::new());
        let mut statuses = filter.statuses.clone();
        statuses.sort_unstable();
        statuses.dedup();
        let mut rows = Vec::new();
        for status in statuses {
            let start = match &after {
                Some(id) => Bound::Excluded((status, id.clone())),
                None => Bound::Included((status, first.clone())),
            };
            let ids = state.by_status.range((start, Bound::Unbounded)).take_while(|(other, _)| *other == status);
            rows.extend(ids.filter_map(|(_, id)| state.deliveries.get(id)).filter(fits).take(limit));
        }
        rows.sort_by(|a, b| a.value.delivery.id.cmp(&b.value.delivery.id));
        Ok(rows.into_iter().take(limit).cloned().collect())
    }

    async fn accept(&self, arrivals: Vec<Arrival>) -> Result<Vec<Arrived>> {
        let mut state = self.state();
        arrivals.into_iter().map(|arrival| state.accept(arrival)).collect()
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>> {
        Ok(self.state().claim(&claim))
    }

    async fn give_back(&self, id: &DeliveryId, owner: &str) -> Result<()> {
        let mut state = self.state();
        if state.owners.get(id).is_some_and(|holder| holder == owner) {
            state.owners.remove(id);
            state.make_due(id, Due::Now);
        }
        Ok(())
    }

    async fn last_step(&self, id: &DeliveryId) -> Result<Option<DeliveryStep>> {
        Ok(self.state().steps.get(id).and_then(|steps| steps.last().cloned()))
    }

    async fn group(&self, customer_id: &CustomerId, key: &str) -> Result<Option<(Row<DeliveryGroup>, i64)>> {
        let state = self.state();
        let key = (customer_id.clone(), key.to_owned());
        let count = state.group_counts.get(&key).copied().unwrap_or_default();
        Ok(state.groups.get(&key).cloned().map(|row| (row, count)))
    }

    async fn trace(&self, key: &str) -> Result<Option<Trace>> {
        Ok(self.state().traces.get(key).cloned())
    }

    async fn has_open_group(&self, customer_id: &CustomerId, parent: &DeliveryId, now: DateTime<Utc>) -> Result<bool> {
        let state = self.state();
        let mut groups = state.groups.values().map(|row| &row.value);
        Ok(groups.any(|group| group.customer_id == *customer_id && group.parent == *parent && group.until > now))
    }

    async fn due(&self, customers: &[CustomerId], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let state = self.state();
        let first = DeliveryId(String::new());
        let ready = |customer: &CustomerId| {
            let mut front = state.ready.range((customer.clone(), i64::MIN, first.clone())..);
            front.next().is_some_and(|(own, ..)| own == customer)
        };
        if customers.iter().any(ready) {
            return Ok(Some(now));
        }
        let next = |customer: &CustomerId| {
            let from = (customer.clone(), DateTime::<Utc>::MIN_UTC, first.clone());
            state.scheduled.range(from..).next().filter(|(own, ..)| own == customer).map(|(_, at, _)| *at)
        };
        Ok(customers.iter().filter_map(next).min())
    }

    async fn busy(&self, now: DateTime<Utc>) -> Result<Vec<CustomerId>> {
        let state = self.state();
        let due = state.scheduled.iter().filter(|(_, at, _)| *at <= now).map(|(customer, ..)| customer);
        let mut busy: Vec<CustomerId> = state.ready.iter().map(|(customer, ..)| customer).chain(due).cloned().collect();
        busy.sort();
        busy.dedup();
        Ok(busy)
    }

    async fn counts(&self, customer_id: Option<&CustomerId>) -> Result<Vec<DeliveryCount>> {
        let state = self.state();
        let wanted = state.counts.iter().filter(|((customer, ..), _)| customer_id.is_none_or(|own| own == customer));
        let count = |((customer, instance, status), count): (&Place, &i64)| DeliveryCount {
            customer_id: customer.clone(),
            instance_id: instance.clone(),
            status: *status,
            count: *count,
        };
        Ok(wanted.map(count).collect())
    }

    async fn policy(&self, customer_id: &CustomerId) -> Result<Option<Row<AccountPolicy>>> {
        Ok(self.state().policies.get(customer_id).cloned())
    }

    async fn resume_point(&self, customer_id: &CustomerId, source: &str) -> Result<Option<Row<ResumePoint>>> {
        Ok(self.state().resume_points.get(&(customer_id.clone(), source.to_owned())).cloned())
    }

    async fn probe(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<ProbeReport>>> {
        Ok(self.state().probes.get(&(customer_id.clone(), instance_id.clone())).cloned())
    }

    async fn events(&self, customer_id: Option<&CustomerId>, after: i64, limit: u32) -> Result<Vec<Event>> {
        let state = self.state();
        let start =
            usize::try_from(after.saturating_sub(state.removed_events)).unwrap_or_default().min(state.events.len());
        let events = state.events.range(start..);
        let fits = |event: &&Event| customer_id.is_none_or(|id| event.customer_id.as_ref() == Some(id));
        Ok(events.filter(fits).take(limit as usize).cloned().collect())
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Committed, Refusal> {
        self.state().commit(changes)
    }

    async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>> {
        let mut state = self.state();
        let free = Held { owner: None, fence: 0, until: now };
        let held = state.leases.entry(name.to_owned()).or_insert(free);
        match &held.owner {
            Some(holder) if holder == owner => {}
            Some(_) if held.until > now => return Ok(None),
            _ => {
                held.owner = Some(owner.to_owned());
                held.fence += 1;
            }
        }
        held.until = until;
        Ok(Some(Lease { name: name.to_owned(), owner: owner.to_owned(), fence: held.fence, until }))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let mut state = self.state();
        if let Some(held) = state.leases.get_mut(&lease.name)
            && held.owner.as_deref() == Some(&lease.owner)
            && held.fence == lease.fence
        {
            held.owner = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryStore;
    use crate::store::{Store, contract};

    #[tokio::test(flavor = "multi_thread")]
    async fn the_memory_store_keeps_the_contract() {
        contract::run(async || Arc::new(MemoryStore::default()) as Arc<dyn Store>).await;
    }
}
