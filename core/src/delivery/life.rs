//! An incident's life after its creation: work notes, resolution, and a new beginning.
//!
//! What a person did to an incident stays: one that was resolved, closed or cancelled by somebody else is not
//! touched, and an alert that comes back after that makes a new incident which names the old one.
//!
//! A change is written into the journal before it is sent. Nobody can tell afterwards whether a lost answer belonged
//! to a note that was written, so notes are sent once at the most; states are read back and sent again. The journal
//! table (`sys_journal_field`), where a note could be looked up, is closed to service accounts on most instances.
//!
//! The incident of a storm ends with its own alert, and says for how many it stood: whether those have ended is not
//! followed. One that is raised after that opens a group of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    blame::Blame,
    choice::Words,
    deed::{Deed, Manner, decide},
    deliver::{Courier, Next, about, words},
    incident::{FIELDS, IncidentRow},
    policy::Action,
    slots::Turn,
};
use crate::{
    api::servicenow::{Query, Select},
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{AlertState, Delivery, DeliveryStatus, EventKind},
    oauth::Access,
    store::{Change, DeliveryRecord, DeliveryStep, Row},
    transport::{Failure, Outcome},
};

/// Times one step is tried before it is given up.
const TRIES: i32 = 10;

impl Courier {
    /// Does the first step that asks for something; what asks for nothing is passed over on the way.
    pub(super) async fn follow(
        &self,
        row: Row<DeliveryRecord>,
        steps: Vec<DeliveryStep>,
        instance: &InstanceId,
        budget: Option<i32>,
        turn: &mut Turn,
    ) -> Result<Next> {
        let mut record = row.value;
        record.claimed_until = None;
        record.not_before = None;
        let policy = self.policies.of(&record.delivery.customer_id).await?;
        let is_over = steps.last().is_some_and(|last| last.alert.state == AlertState::Ended);
        let mut through = 0;
        for step in steps {
            let now = self.chance.now();
            let mut decision = policy.decide(&step.alert, now);
            let (action, reason) = (decision.action, std::mem::take(&mut decision.reason));
            let manner = Manner::of(decision);
            let has_ended = step.alert.state == AlertState::Ended;
            let is_back = record.shown.state == AlertState::Ended && !has_ended;
            let told_again = record.shown.state != AlertState::Ended && !has_ended;
            let is_early = record.shown.noted_at.is_some_and(|at| now < at + manner.note_interval);
            if record.delivery.status == DeliveryStatus::Ignored {
                record.dealt_with(&step.alert);
                // Nothing was made of what it was before. Now it is decided anew.
                if !has_ended {
                    record.delivery.alert = step.alert;
                    record.delivery.status = DeliveryStatus::Pending;
                    return self.close(record, row.version, step.number, None).await;
                }
                through = step.number;
            } else if record.delivery.status == DeliveryStatus::Grouped {
                // It has no incident to be told; but one that ended and is back joins a group anew, or opens one.
                record.dealt_with(&step.alert);
                if is_back {
                    record.delivery.status = DeliveryStatus::Pending;
                    record.delivery.failure = None;
                    return self.close(record, row.version, step.number, None).await;
                }
                through = step.number;
            } else if is_back && budget.is_some() && action == Action::Ignore {
                // A policy counts for what comes back as for what comes: its incident stays as it is.
                let message = format!("The alert is back, and nothing is made of it: {reason}");
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            } else if is_back
                && budget.is_some()
                && let Action::Hold(until) = action
            {
                let done = steps_through(&record, through);
                let row = Row { value: record, sealed: None, version: row.version };
                return self.hold(row, until, reason, done).await;
            } else if is_back
                && is_over
                && matches!(policy.decide(&step.alert, step.accepted_at).action, Action::Hold(_))
            {
                // It came back in a maintenance window, and has ended by the window's end.
                through = step.number;
            } else if told_again && is_early && !record.is_worse(&step.alert) {
                record.shown.unnoted += 1;
                record.dealt_with(&step.alert);
                through = step.number;
            } else {
                let row = Row { value: record, sealed: None, version: row.version };
                return self.live(row, step, manner, instance, budget, turn).await;
            }
        }
        self.close(record, row.version, through, None).await
    }

    /// Ends the work on a delivery for now, and forgets the steps up to this one.
    pub(super) async fn close(
        &self,
        mut record: DeliveryRecord,
        version: i64,
        through: i64,
        event: Option<(EventKind, String)>,
    ) -> Result<Next> {
        record.claimed_until = None;
        record.attempt_deadline = None;
        (record.failures, record.spent) = (0, 0);
        self.sights.forget(&record.delivery.id);
        let first = steps_through(&record, through);
        let now = self.chance.now();
        if event.is_some() {
            record.delivery.updated_at = now;
        }
        let event = event.map(|(kind, message)| about(&record.delivery, kind, &message, now));
        Ok(Next::Settled(self.write(record, version, first, event).await?.value.delivery))
    }

    /// For how long a change may still be on its way: it would undo whatever is written before it lands.
    fn on_its_way(&self, record: &DeliveryRecord) -> Option<Duration> {
        let left = (record.shown.trying != 0).then(|| self.sights.left(record, self.chance.clock.elapsed()))?;
        (!left.is_zero()).then_some(left)
    }

    async fn wait_out(&self, row: Row<DeliveryRecord>, left: Duration) -> Result<Next> {
        let at = self.chance.now() + left + Duration::from_millis(1);
        let record = DeliveryRecord { not_before: Some(at), claimed_until: None, ..row.value };
        self.write(record, row.version, Vec::new(), None).await?;
        Ok(Next::Later(at))
    }

    async fn live(
        &self,
        row: Row<DeliveryRecord>,
        step: DeliveryStep,
        manner: Manner,
        instance: &InstanceId,
        budget: Option<i32>,
        turn: &mut Turn,
    ) -> Result<Next> {
        if let Some(left) = self.on_its_way(&row.value) {
            return self.wait_out(row, left).await;
        }
        let delivery = &row.value.delivery;
        let (Some(incident), Some(home)) = (delivery.incident.clone(), delivery.instance_id.clone()) else {
            return self.close(row.value, row.version, step.number, None).await;
        };
        let (mut present, words) = match turn.asks(self.read(delivery, instance, &incident.sys_id)).await {
            Ok(read) => read,
            Err(error) => return self.step_failed(row, &step, instance, error, budget).await,
        };
        if home != *instance {
            // The same id may be another record there.
            present = present.filter(|row| row.correlation_id == delivery.correlation_id);
            if present.is_none() {
                return self.step_left(row, &step, &home, instance).await;
            }
        }
        let deed = decide(&row.value, &step, present.as_ref(), &words, &manner);
        let counted = match &deed {
            // A courtesy: without it, the incident is resolved all the same.
            Deed::Resolve(_) => self.counted(delivery).await.unwrap_or_default(),
            _ => String::new(),
        };
        let mut record = row.value;
        record.delivery.instance_id = Some(instance.clone());
        if let Some(present) = present {
            record.delivery.incident = Some(present.into());
        }
        let was_tried = record.shown.trying == step.number;
        let (fields, said) = match deed {
            Deed::Nothing(why) => {
                let message = format!("Incident {} is left as it is: {why}.", incident.number);
                let own = was_tried && step.alert.state == AlertState::Ended;
                record.shown.resolved |= own;
                record.dealt_with(&step.alert);
                record.shown.trying = 0;
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Anew => {
                record.begin_anew(incident.number.clone(), &step.alert);
                let message = format!("The alert is back; a new incident follows {}.", incident.number);
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Note(_) if was_tried => {
                record.shown.trying = 0;
                record.shown.unnoted += 1;
                record.dealt_with(&step.alert);
                let message = format!("Whether a work note reached incident {} is not known.", incident.number);
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Note(text) => (vec![("work_notes", text)], "noted"),
            Deed::Resolve(mut text) => {
                text.push_str(&counted);
                let mut fields = vec![
                    ("state", words.resolved.clone()),
                    ("close_notes", "The alert has ended.".to_owned()),
                    ("work_notes", text),
                ];
                fields.extend(words.close_code.clone().map(|code| ("close_code", code)));
                (fields, "resolved")
            }
            Deed::Reopen(text) => (vec![("state", words.in_progress.clone()), ("work_notes", text)], "opened again"),
        };
        record.shown.trying = step.number;
        self.hold_on(&mut record);
        let row = self.write(record, row.version, Vec::new(), None).await?;
        self.watch(&row.value);
        let change = self.change(&row.value.delivery.customer_id, instance, &incident.sys_id, &fields);
        match turn.asks(change).await {
            Ok(changed) => {
                let mut record = row.value;
                record.shown.trying = 0;
                record.shown.noted_at = Some(self.chance.now());
                record.shown.unnoted = 0;
                record.shown.resolved = step.alert.state == AlertState::Ended && said == "resolved";
                record.dealt_with(&step.alert);
                record.delivery.failure = None;
                record.delivery.incident = Some(changed.into());
                metrics::counter!("itsm_adapter_incidents_updated", "what" => said).increment(1);
                let message = format!("Incident {} is {said}.", incident.number);
                self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await
            }
            Err(Failure { error, outcome: Outcome::Unknown }) => {
                // What it came to is read when the instance cannot be at it any more.
                let mut record = row.value;
                self.let_go(&mut record, &error);
                record.not_before = record.attempt_deadline;
                self.write(record, row.version, Vec::new(), None).await?;
                Ok(Next::Failed(error))
            }
            Err(Failure { error, outcome: Outcome::NotDone }) => {
                let mut row = row;
                row.value.shown.trying = 0;
                row.value.attempt_deadline = None;
                self.sights.forget(&row.value.delivery.id);
                self.step_failed(row, &step, instance, error, budget).await
            }
        }
    }

    /// A sentence for the end of an incident that stands for others too: it ends with its own alert, and whoever reads
    /// it should know that theirs may go on. One that is raised after that opens a group anew.
    async fn counted(&self, delivery: &Delivery) -> Result<String> {
        Ok(self.stands_for(delivery).await?.map_or_else(String::new, |count| {
            format!("\n\nIt stood for {count} alerts of the same cause; the other ones may not have ended yet.")
        }))
    }

    /// How many alerts its incident counts; none: itself alone.
    pub(super) async fn stands_for(&self, delivery: &Delivery) -> Result<Option<i64>> {
        let decision = self.decision(delivery, self.chance.now()).await?;
        let Some(group) = decision.group.filter(|group| !group.children) else { return Ok(None) };
        let present = self.store.group(&delivery.customer_id, &group.key).await?;
        let own = present.filter(|(row, count)| row.value.parent == delivery.id && *count > 1);
        Ok(own.map(|(_, count)| count))
    }

    /// A step that did not work is tried again; one that never will is given up, and said so.
    async fn step_failed(
        &self,
        row: Row<DeliveryRecord>,
        step: &DeliveryStep,
        instance: &InstanceId,
        error: Error,
        budget: Option<i32>,
    ) -> Result<Next> {
        let mut record = row.value;
        if error.context("missing") == Some("field") {
            // A list that showed less than there is may have named no close code.
            self.choices.forget(&record.delivery.customer_id, instance);
        }
        let pause = self.pause(record.failures, &error);
        record.failures = record.failures.saturating_add(1);
        record.delivery.failure = Some(words(&error));
        record.claimed_until = None;
        let counts = Blame::of(&error) == Blame::Delivery;
        record.spent = record.spent.saturating_add(counts.into());
        if counts && record.spent >= budget.unwrap_or(TRIES).min(TRIES) {
            record.dealt_with(&step.alert);
            let message = format!("A later state of the alert could not be told to its incident: {}", words(&error));
            self.close(record, row.version, step.number, Some((EventKind::DeliveryFailed, message))).await?;
            return Ok(Next::Failed(error));
        }
        record.not_before = Some(self.chance.now() + pause);
        self.write(record, row.version, Vec::new(), None).await?;
        Ok(Next::Failed(error))
    }

    /// The incident as it is now (none: it is gone), and the words of its instance.
    async fn read(
        &self,
        delivery: &Delivery,
        instance: &InstanceId,
        sys_id: &str,
    ) -> Result<(Option<IncidentRow>, Words)> {
        let customer = &delivery.customer_id;
        let words = self.words(customer, instance).await?;
        Ok((self.incident(customer, instance, sys_id).await?, words))
    }

    /// The incident of this record id; none: it is gone, or was never there.
    pub(super) async fn incident(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        sys_id: &str,
    ) -> Result<Option<IncidentRow>> {
        let get = |access: Arc<Access>| async move { self.servicenow.get(&access, "incident", sys_id, &FIELDS).await };
        match self.tokens.with_access(customer, instance, get).await {
            Ok(present) => Ok(Some(present)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Incidents that a query finds, as the adapter sees them.
    pub(super) async fn incidents(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        query: Query,
        limit: u32,
    ) -> Result<Vec<IncidentRow>> {
        let select = &Select::new("incident", query, &FIELDS, limit);
        let ask = |access: Arc<Access>| async move { self.servicenow.query(&access, select).await };
        self.tokens.with_access(customer, instance, ask).await
    }

    pub(super) async fn change(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        sys_id: &str,
        fields: &[(&str, String)],
    ) -> Result<IncidentRow, Failure> {
        let body: BTreeMap<&str, &str> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = &body;
        let send = |access: Arc<Access>| async move {
            self.servicenow.update::<IncidentRow>(&access, "incident", sys_id, body, &FIELDS).await
        };
        self.tokens.with_access(customer, instance, send).await
    }

    /// Of several incidents with one key, the younger ones are made children of the oldest. A courtesy: when it does
    /// not work, the event still names them.
    pub(super) async fn link(
        &self,
        delivery: &Delivery,
        instance: &InstanceId,
        oldest: &IncidentRow,
        others: &[IncidentRow],
    ) {
        for other in others {
            let note = format!("The same alert as incident {}, which counts.", oldest.number);
            let fields = [("parent_incident", oldest.sys_id.clone()), ("work_notes", note)];
            if let Err(failure) = self.change(&delivery.customer_id, instance, &other.sys_id, &fields).await {
                tracing::warn!(error = %failure, "an incident could not be linked");
            }
            let message = format!(
                "The alert has a second incident: {} is linked to {}, which counts.",
                other.number, oldest.number
            );
            self.observers.publish(&about(delivery, EventKind::DeliveryDuplicated, &message, self.chance.now()));
        }
    }
}

/// Forgets what is dealt with.
pub(super) fn steps_through(record: &DeliveryRecord, through: i64) -> Vec<Change> {
    let removal = || Change::RemoveSteps { delivery_id: record.delivery.id.clone(), through };
    (through > 0).then(removal).into_iter().collect()
}
