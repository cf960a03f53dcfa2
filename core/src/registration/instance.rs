//! What is learned about an instance on the way: its name, its connector, how it answers.

use chrono::{DateTime, TimeDelta, Utc};

use super::driver::{Driver, RACES, incomplete};
use crate::{
    error::Result,
    id::InstanceId,
    model::{Event, EventKind, Instance, InstanceHealth},
    store::{Change, Put, Refusal, Row},
};

/// An instance that answers as before is noted again after this time: accounts that share it need not all write it.
const SEEN_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// What was learned about the instance on the way; empty fields change nothing.
#[derive(Debug, Default)]
pub(crate) struct InstanceFacts {
    pub(crate) name: Option<String>,
    pub(crate) connector_version: Option<String>,
    pub(crate) health: Option<(InstanceHealth, Option<String>)>,
}

impl Driver {
    /// Notes what was learned about an instance, on its own; tells observers when its health changed.
    pub(crate) async fn note(&self, id: &InstanceId, facts: &InstanceFacts) -> Result<()> {
        for _ in 0..RACES {
            let row = self.store.instance(id).await?;
            let before = row.as_ref().map(|row| row.value.health);
            let Some(put) = changed_instance(row, id, facts, self.chance.now()) else { return Ok(()) };
            let after = put.value.health;
            let detail = put.value.health_detail.clone();
            let mut changes = vec![Change::Instance(put)];
            let mut events = Vec::new();
            if before.is_some_and(|before| before != after) {
                let message = detail.unwrap_or_else(|| "The instance answers as it should again.".to_owned());
                let event = Event {
                    instance_id: Some(id.clone()),
                    ..Event::new(EventKind::HealthChanged, message, self.chance.now())
                };
                changes.push(Change::Event(event.clone()));
                events.push(event);
            }
            match self.store.commit(changes).await {
                Ok(committed) => {
                    self.observers.publish_from(committed.first_event, events);
                    return Ok(());
                }
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => return Err(incomplete()),
            }
        }
        Ok(())
    }
}

pub(super) fn changed_instance(
    row: Option<Row<Instance>>,
    id: &InstanceId,
    facts: &InstanceFacts,
    now: DateTime<Utc>,
) -> Option<Put<Instance>> {
    let replaces = row.as_ref().map(|row| row.version);
    let before = row.map(|row| row.value);
    let mut after = before.clone().unwrap_or_else(|| Instance {
        id: id.clone(),
        name: None,
        health: InstanceHealth::Unknown,
        health_detail: None,
        health_at: None,
        connector_version: None,
        created_at: now,
        updated_at: now,
    });
    if facts.name.is_some() {
        after.name.clone_from(&facts.name);
    }
    if facts.connector_version.is_some() {
        after.connector_version.clone_from(&facts.connector_version);
    }
    if let Some((health, detail)) = &facts.health {
        after.health = *health;
        after.health_detail.clone_from(detail);
    }
    let is_due = || after.health_at.is_none_or(|seen| (now - seen).abs() >= SEEN_AGAIN);
    if before.as_ref() == Some(&after) && (facts.health.is_none() || !is_due()) {
        return None;
    }
    if facts.health.is_some() {
        after.health_at = Some(now);
    }
    after.updated_at = now;
    Some(Put { value: after, sealed: None, replaces })
}
