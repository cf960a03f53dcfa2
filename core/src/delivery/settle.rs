//! What an attempt came to: known at once, looked up, or to be tried again.

use std::time::Duration;

use super::{
    blame::Blame,
    control::by_key,
    deliver::{Courier, Next, POLL, about, words},
    incident::IncidentRow,
    slots::Turn,
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::InstanceId,
    model::{Delivery, DeliveryStatus, EventKind, Incident},
    store::{DeliveryRecord, Row},
};

/// The longest pause between two looks.
const LONGEST_POLL: Duration = Duration::from_secs(10);
/// Bounds of the pause after a failure; the second is reached by doubling.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

impl Courier {
    /// Finds out what an attempt came to: one look, and another one later as long as the instance can still be
    /// working on it. The lane's own instance is asked, also for what was begun at another one (`left.rs`).
    pub(super) async fn settle(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        budget: Option<i32>,
        turn: &mut Turn,
    ) -> Result<Next> {
        let ended_at = row.value.delivery.updated_at;
        let looked_at = self.chance.now();
        // Taken before the look: what is not there when the attempt is over never comes.
        let left = self.sights.left(&row.value, self.chance.clock.elapsed());
        let found = match turn.asks(self.look_up(&row.value.delivery, instance)).await {
            Ok(found) => found,
            Err(error) => {
                let mut record = row.value;
                let at = looked_at + self.pause(record.failures, &error);
                record.failures += 1;
                record.delivery.failure = Some(words(&error));
                record.not_before = Some(at);
                record.claimed_until = None;
                let counts = left.is_zero() && Blame::of(&error) == Blame::Delivery;
                record.spent = record.spent.saturating_add(counts.into());
                if counts && budget.is_some_and(|most| record.spent >= most) {
                    // The deadline stays, so that whoever replays it looks again before anything is sent.
                    self.open(record, row.version, true).await?;
                } else {
                    self.write(record, row.version, Vec::new(), None).await?;
                }
                return Ok(Next::Failed(error));
            }
        };
        if let [oldest, others @ ..] = &*found {
            return self.found(row, instance, oldest, others).await;
        }
        let mut record = row.value;
        record.claimed_until = None;
        if !left.is_zero() {
            // As long as it has been waited for already: the looks become rarer.
            let waited = (looked_at - ended_at).to_std().unwrap_or_default();
            let at = looked_at + waited.clamp(POLL, LONGEST_POLL).min(left + Duration::from_millis(1));
            if waited < POLL {
                let message = format!(
                    "The answer was lost; the adapter looks for the incident for up to {} s before it makes another.",
                    left.as_secs() + 1
                );
                self.observers.publish(&about(&record.delivery, EventKind::Progress, &message, looked_at));
            }
            record.not_before = Some(at);
            self.write(record, row.version, Vec::new(), None).await?;
            return Ok(Next::Later(at));
        }
        self.sights.forget(&record.delivery.id);
        if let Some(home) = record.delivery.instance_id.clone().filter(|home| home != instance) {
            return self.outcome_left(Row { value: record, ..row }, &home, instance).await;
        }
        record.attempt_deadline = None;
        record.spent = record.spent.saturating_add(1);
        let dead = budget.is_some_and(|most| record.spent >= most);
        self.open(record, row.version, dead).await?;
        Ok(Next::Later(looked_at))
    }

    /// The account is back where an outcome was never found out: another look, before anything else is sent there.
    pub(super) async fn look_back(
        &self,
        mut row: Row<DeliveryRecord>,
        instance: &InstanceId,
        budget: Option<i32>,
        turn: &mut Turn,
    ) -> Result<Next> {
        match turn.asks(self.look_up(&row.value.delivery, instance)).await {
            Ok(found) => match &*found {
                [oldest, others @ ..] => self.found(row, instance, oldest, others).await,
                [] => {
                    row.value.unsure_at.retain(|at| at != instance);
                    self.attempt(row, instance, budget, None, turn).await
                }
            },
            Err(error) => self.put_back(row, error, budget).await,
        }
    }

    async fn found(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        oldest: &IncidentRow,
        others: &[IncidentRow],
    ) -> Result<Next> {
        self.link(&row.value.delivery, instance, oldest, others).await;
        self.done(row, instance, oldest.clone().into()).await
    }

    /// Looks the incident up by equality of its key, oldest first. Rows that do not carry the key are no answer:
    /// the instance drops a condition that it does not know and returns other rows (T11).
    pub(super) async fn look_up(&self, delivery: &Delivery, instance: &InstanceId) -> Result<Vec<IncidentRow>> {
        let key = &delivery.correlation_id;
        let told = |error: Error| unknown(&error, delivery);
        let control = self.control(&delivery.customer_id, instance).await.map_err(told)?;
        let query = by_key(key, control.as_ref())?;
        let rows = self.incidents(&delivery.customer_id, instance, query, 10).await.map_err(told)?;
        let mut rows = match self.proven(rows, control, &delivery.customer_id, instance).await {
            Err(error) if error.context("look_up").is_some() => return Err(told(error).with("look_up", "broken")),
            proven => proven.map_err(told)?,
        };
        if rows.iter().any(|row| row.correlation_id != *key) {
            return Err(unknown(
                &Error::new(ErrorKind::Protocol, "The instance answered a look-up with other records."),
                delivery,
            )
            .with("look_up", "broken"));
        }
        // Sorted here: query rules that forbid ranges forbid sorting too.
        rows.sort_by(|a, b| (&a.sys_created_on, &a.number).cmp(&(&b.sys_created_on, &b.number)));
        Ok(rows)
    }

    pub(super) async fn done(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        incident: Incident,
    ) -> Result<Next> {
        let mut record = row.value;
        self.sights.forget(&record.delivery.id);
        let message = format!("The alert is incident {}.", incident.number);
        record.delivery.status = DeliveryStatus::Delivered;
        record.delivery.instance_id = Some(instance.clone());
        record.delivery.incident = Some(incident);
        record.delivery.failure = None;
        record.delivery.updated_at = self.chance.now();
        record.attempt_deadline = None;
        record.unsure_at.clear();
        record.not_before = None;
        record.claimed_until = None;
        record.failures = 0;
        record.spent = 0;
        let event = about(&record.delivery, EventKind::DeliveryDone, &message, record.delivery.updated_at);
        let row = self.write(record, row.version, Vec::new(), Some(event)).await?;
        metrics::counter!("itsm_adapter_deliveries_done").increment(1);
        Ok(Next::Settled(row.value.delivery))
    }

    /// Nothing was made: the delivery waits for its next attempt, or is dead when there is none left.
    pub(super) async fn put_back(&self, row: Row<DeliveryRecord>, error: Error, budget: Option<i32>) -> Result<Next> {
        let mut record = row.value;
        self.sights.forget(&record.delivery.id);
        record.delivery.failure = Some(words(&error));
        record.not_before = Some(self.chance.now() + self.pause(record.failures, &error));
        record.failures = record.failures.saturating_add(1);
        record.attempt_deadline = None;
        let counts = Blame::of(&error) == Blame::Delivery;
        record.spent = record.spent.saturating_add(counts.into());
        let dead = budget.is_some_and(|most| is_hopeless(&error) || (counts && record.spent >= most));
        self.open(record, row.version, dead).await?;
        Ok(Next::Failed(error))
    }

    pub(super) async fn open(&self, mut record: DeliveryRecord, version: i64, dead: bool) -> Result<()> {
        let now = self.chance.now();
        record.delivery.status = if dead { DeliveryStatus::Dead } else { DeliveryStatus::Pending };
        record.delivery.updated_at = now;
        record.claimed_until = None;
        // A courtesy: those that are counted in it wait as well.
        let others = if dead { self.stands_for(&record.delivery).await.ok().flatten() } else { None };
        if let (Some(count), Some(failure)) = (others, &mut record.delivery.failure) {
            *failure = format!("{failure} It stands for {count} alerts of the same cause, which wait with it.");
        }
        let event = dead.then(|| {
            let why = record.delivery.failure.as_deref().unwrap_or("its outcome stays unknown");
            let message = format!("The alert could not be delivered and waits as a dead letter: {why}");
            metrics::counter!("itsm_adapter_deliveries_dead").increment(1);
            about(&record.delivery, EventKind::DeliveryFailed, &message, now)
        });
        self.write(record, version, Vec::new(), event).await.map(drop)
    }

    /// How long to wait after a failure: as long as the instance asks for, else full jitter under a doubling bound.
    pub(super) fn pause(&self, failures: i32, error: &Error) -> Duration {
        let (least, most) = PAUSE;
        let doublings = u32::try_from(failures.max(0)).unwrap_or_default().min(16);
        let bound = least.saturating_mul(1 << doublings).min(most);
        let own = Duration::from_millis(self.chance.up_to(u64::try_from(bound.as_millis()).unwrap_or(u64::MAX)));
        match error.retry_advice() {
            Retry::After(asked) => asked.max(own),
            _ => own,
        }
    }
}

/// Whether the same insert would be refused again, whenever it comes.
fn is_hopeless(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
        || (error.kind() == ErrorKind::Forbidden && error.context("missing") == Some("field"))
}

pub(super) fn unknown(cause: &Error, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::OutcomeUnknown,
        format!(
            "Whether the incident was made is not known yet, and the instance cannot be asked: {}",
            cause.message()
        ),
    )
    .remedy("Deliver it again later; the adapter looks the incident up before it makes another.")
    .with("cause", cause.kind())
    .with("correlation_id", &delivery.correlation_id)
    .transaction(cause.transaction_id())
    .retry(match cause.retry_advice() {
        Retry::Never => Retry::Now,
        advice => advice,
    })
}
