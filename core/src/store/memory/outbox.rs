//! The outbox: what waits, what is claimed, and how many stand where.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    super::{
        Arrival, Arrived, Change, Claim, Claimed, DeliveryGroup, DeliveryRecord, DeliveryStep, Put, Refusal, Row,
        Trace, Wanted,
        outbox::{Due, PROMOTED, STEPS},
    },
    state::{AlertKey, State, Undo},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::DeliveryId,
    model::{Delivery, DeliveryStatus},
};

impl State {
    /// Appends a later state of an alert, and makes its delivery ready when nothing else keeps it.
    pub(super) fn append(&mut self, delivery_id: DeliveryId, mut step: DeliveryStep) -> Result<Undo, Refusal> {
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

    pub(super) fn deliver(&mut self, put: Put<DeliveryRecord>, version: i64) -> Result<Undo, Refusal> {
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
        // While the old row still says where it stands in the queue.
        self.make_due(&id, Due::Never);
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

    pub(super) fn remove_delivery(
        &mut self,
        id: DeliveryId,
        version: i64,
        trace: Option<Trace>,
    ) -> Result<Undo, Refusal> {
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

    /// Sets or clears a delivery and keeps both indexes in step; answers what was there.
    pub(super) fn place(&mut self, id: &DeliveryId, row: Option<Row<DeliveryRecord>>) -> Option<Row<DeliveryRecord>> {
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

    pub(super) fn count(&mut self, delivery: &Delivery, more: i64) {
        let place = (delivery.customer_id.clone(), delivery.instance_id.clone(), delivery.status);
        let count = self.counts.entry(place.clone()).or_default();
        *count += more;
        if *count == 0 {
            self.counts.remove(&place);
        }
    }

    /// Says when there is something to do with a delivery.
    pub(super) fn make_due(&mut self, id: &DeliveryId, due: Due) {
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

    pub(super) fn accept(&mut self, Arrival { key, trace, record, event }: Arrival) -> Result<Arrived> {
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
        let put = Change::Delivery(Arc::new(Put { value: record, sealed: None, replaces: None }));
        match self.commit(vec![put, Change::Event(event)]) {
            Ok(committed) => Ok(Arrived::New(committed)),
            Err(refusal) => Err(Error::new(ErrorKind::Internal, format!("An id was given twice: {refusal:?}."))),
        }
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
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

pub(super) fn alert_key(record: &DeliveryRecord) -> AlertKey {
    let delivery = &record.delivery;
    (delivery.customer_id.clone(), delivery.alert.source.clone(), delivery.alert.id.clone())
}
