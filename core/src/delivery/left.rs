//! What an account has left at an instance that it is no longer registered with.
//!
//! A lane asks its own instance and no other, so nothing of the old one can slow it. An instance that has moved to
//! another address is known by its records: the incident that is there under the same id with the alert's key, or is
//! found by the key, is the one that was made at the old address, and the work goes on with it. What is not there
//! cannot be asked about any more, and ends:
//!
//! * an attempt whose outcome is not known is a dead letter. Whether the first incident exists stays unknown, so a
//!   second one is made by a person's decision only, and after another look should the account be back by then;
//! * the end of an alert is told to nobody, and the event log says so;
//! * an alert that goes on gets an incident at the new instance, which names the one before.

use chrono::TimeDelta;

use super::deliver::{Courier, Next, words};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::InstanceId,
    model::{AlertState, ConnectionStatus, EventKind},
    store::{DeliveryRecord, DeliveryStep, Row},
};

/// Pause before somebody else takes up what belongs to another lane again.
const ASIDE: TimeDelta = TimeDelta::seconds(1);

impl DeliveryRecord {
    /// What came of its attempt cannot be found out from here: kept for when the account is back there.
    pub(super) fn leave_unsure(&mut self) {
        self.attempt_deadline = None;
        let home = self.delivery.instance_id.clone();
        self.unsure_at.extend(home.filter(|home| !self.unsure_at.contains(home)));
    }
}

impl Courier {
    /// The end of an attempt that `home` was asked for, when `instance` does not have the incident.
    pub(super) async fn outcome_left(
        &self,
        row: Row<DeliveryRecord>,
        home: &InstanceId,
        instance: &InstanceId,
    ) -> Result<Next> {
        if !self.has_left(&row.value, home).await? {
            return self.set_aside(row).await;
        }
        let mut record = row.value;
        let error = Error::new(
            ErrorKind::OutcomeUnknown,
            format!(
                "Whether the incident was made at {home} stays unknown: the account has left that instance, and \
                 {instance} does not have it."
            ),
        )
        .remedy(format!(
            "Look for {} at {home}; replay the delivery to make it at {instance}.",
            record.delivery.correlation_id
        ))
        .with("left", home)
        .with("correlation_id", &record.delivery.correlation_id);
        record.delivery.failure = Some(words(&error));
        record.leave_unsure();
        self.open(record, row.version, true).await?;
        Ok(Next::Failed(error))
    }

    /// The end of a step whose incident is at `home`, when `instance` does not have it.
    pub(super) async fn step_left(
        &self,
        row: Row<DeliveryRecord>,
        step: &DeliveryStep,
        home: &InstanceId,
        instance: &InstanceId,
    ) -> Result<Next> {
        if !self.has_left(&row.value, home).await? {
            return self.set_aside(row).await;
        }
        let mut record = row.value;
        let number = record.delivery.incident.as_ref().map(|incident| incident.number.clone()).unwrap_or_default();
        let event = if step.alert.state == AlertState::Ended {
            let message = format!(
                "The end of the alert was not told to incident {number}: it is at {home}, and the account is \
                 registered with {instance} now."
            );
            record.dealt_with(&step.alert);
            record.shown.trying = 0;
            record.delivery.failure = Some(message.clone());
            (EventKind::DeliveryFailed, message)
        } else {
            let message = format!(
                "Incident {number} stays at {home}, which the account has left; a new one follows it at {instance}."
            );
            record.begin_anew(format!("{number} at {home}"), &step.alert);
            (EventKind::DeliveryUpdated, message)
        };
        self.close(record, row.version, step.number, Some(event)).await
    }

    /// Registrations change under way: who holds this may have read them before.
    async fn has_left(&self, record: &DeliveryRecord, home: &InstanceId) -> Result<bool> {
        let connection = self.store.connection(&record.delivery.customer_id, home).await?;
        Ok(connection.is_none_or(|connection| connection.value.status == ConnectionStatus::Unregistered))
    }

    /// It belongs to another lane by now.
    async fn set_aside(&self, row: Row<DeliveryRecord>) -> Result<Next> {
        let mut record = row.value;
        record.claimed_until = None;
        record.not_before = Some(self.chance.now() + ASIDE);
        self.write(record, row.version, Vec::new(), None).await?;
        let moved = Error::new(ErrorKind::IllegalState, "The account's registration has just changed.");
        Ok(Next::Failed(moved.remedy("Try again.").retry(Retry::Now)))
    }
}
