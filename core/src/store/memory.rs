//! The store that forgets: for tests, trials and short scripts. It obeys the same contract as the others.

mod outbox;
mod state;

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use self::state::{KeptLease, Place, State};
use super::{
    Arrival, Arrived, Change, Claim, Claimed, Committed, ConnectionFilter, DeliveryCount, DeliveryFilter,
    DeliveryGroup, DeliveryRecord, DeliveryStep, Lease, PendingFlow, PendingRevocation, Refusal, ResumePoint, Row,
    Store, Trace, outbox::Due,
};
use crate::{
    error::Result,
    id::{CustomerId, DeliveryId, InstanceId},
    model::{Account, AccountPolicy, Connection, Event, Instance, ProbeReport},
};

/// Keeps everything in memory; gone with the process. One lock, never held across an await.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
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
        let free = KeptLease { owner: None, fence: 0, until: now };
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
