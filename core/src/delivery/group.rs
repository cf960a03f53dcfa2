//! Storms: alerts of one cause within a window make one incident, and the others are counted in it.

use chrono::TimeDelta;

use super::{
    deliver::{Courier, Next},
    policy::Group,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::InstanceId,
    model::{AlertState, DeliveryStatus},
    store::{Change, DeliveryGroup, DeliveryRecord, DeliveryStep, Put, Refusal, Row},
};

/// A child waits this long for the number of its parent before it asks again.
const PATIENCE: TimeDelta = TimeDelta::seconds(1);

/// What became of a delivery that belongs to a group.
pub(super) enum Joined {
    /// It is dealt with.
    In(Next),
    /// It gets an incident of its own: it is the first of its group, or a child with its parent noted.
    Alone(Box<Row<DeliveryRecord>>),
}

impl Courier {
    /// Joins the group that is open, or opens one.
    pub(super) async fn join(
        &self,
        mut row: Row<DeliveryRecord>,
        group: &Group,
        instance: &InstanceId,
    ) -> Result<Joined> {
        let customer = row.value.delivery.customer_id.clone();
        loop {
            let now = self.chance.now();
            let present = self.store.group(&customer, &group.key).await?;
            let (open, replaces) = match present {
                Some((present, _)) if present.value.parent == row.value.delivery.id => {
                    return Ok(Joined::Alone(Box::new(row)));
                }
                Some((present, _)) if present.value.until > now && self.is_open(&present.value, instance).await? => {
                    (Some(present.value), None)
                }
                Some((present, _)) => (None, Some(present.version)),
                None => (None, None),
            };
            let Some(open) = open else {
                let window = TimeDelta::from_std(group.window).unwrap_or(TimeDelta::MAX);
                let value = DeliveryGroup {
                    customer_id: customer.clone(),
                    key: group.key.clone(),
                    parent: row.value.delivery.id.clone(),
                    until: now.checked_add_signed(window).unwrap_or(now),
                    told: 1,
                };
                match self.store.commit(vec![Change::Group(Put { value, sealed: None, replaces })]).await {
                    Ok(_) => return Ok(Joined::Alone(Box::new(row))),
                    // Somebody else was first.
                    Err(Refusal::Conflict) => continue,
                    Err(refusal) => return Err(refused(refusal)),
                }
            };
            if group.children {
                let parent = self.store.delivery(&open.parent).await?.and_then(|parent| parent.value.delivery.incident);
                if let Some(parent) = parent {
                    row.value.shown.parent = Some(parent.sys_id);
                    return Ok(Joined::Alone(Box::new(row)));
                }
                let mut record = row.value;
                let at = now + PATIENCE;
                record.not_before = Some(at);
                record.claimed_until = None;
                self.write(record, row.version, Vec::new(), None).await?;
                return Ok(Joined::In(Next::Later(at)));
            }
            let mut record = row.value;
            record.delivery.status = DeliveryStatus::Grouped;
            record.shown.counted_in = Some(open.parent.clone());
            record.delivery.failure = Some(format!("It is counted in the incident of delivery {}.", open.parent));
            record.delivery.updated_at = now;
            record.claimed_until = None;
            let count = Change::CountInGroup { customer_id: customer.clone(), key: group.key.clone() };
            let row = self.write(record, row.version, vec![count], None).await?;
            metrics::counter!("itsm_adapter_deliveries_grouped").increment(1);
            self.tell(&row.value, &group.key).await?;
            return Ok(Joined::In(Next::Settled(row.value.delivery)));
        }
    }

    /// Whether the group's incident may still stand for others: not when its alert has ended, nor when it will not be
    /// made, nor when it is at an instance that the account has left.
    async fn is_open(&self, group: &DeliveryGroup, instance: &InstanceId) -> Result<bool> {
        Ok(self.store.delivery(&group.parent).await?.is_some_and(|parent| {
            let DeliveryRecord { delivery, shown, .. } = parent.value;
            let is_made = !matches!(delivery.status, DeliveryStatus::Dead | DeliveryStatus::Ignored);
            let is_here = delivery.incident.is_none() || delivery.instance_id.as_ref() == Some(instance);
            is_made && is_here && shown.state != AlertState::Ended
        }))
    }

    /// Tells the parent how many there are, each time that they are ten times as many as it was told.
    async fn tell(&self, record: &DeliveryRecord, key: &str) -> Result<()> {
        let customer = &record.delivery.customer_id;
        let Some((row, count)) = self.store.group(customer, key).await? else { return Ok(()) };
        if count < row.value.told.saturating_mul(10) {
            return Ok(());
        }
        let Some(parent) = self.store.delivery(&row.value.parent).await? else { return Ok(()) };
        let mut alert = parent.value.delivery.alert;
        alert.state = AlertState::Changed;
        alert.title = format!("{count} alerts of the same cause so far");
        alert.description = format!("The latest: {}", record.delivery.alert.title);
        let delivery_id = row.value.parent.clone();
        let step = DeliveryStep { number: 0, alert, accepted_at: self.chance.now() };
        let value = DeliveryGroup { told: count, ..row.value };
        let put = Change::Group(Put { value, sealed: None, replaces: Some(row.version) });
        match self.store.commit(vec![put, Change::Step { delivery_id, step }]).await {
            // At a conflict somebody else tells it.
            Ok(_) | Err(Refusal::Conflict) => Ok(()),
            Err(refusal) => Err(refused(refusal)),
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Failed(error) => error,
        _ => Error::new(ErrorKind::Internal, "The store refused a group."),
    }
}
