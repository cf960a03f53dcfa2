//! One attempt: whether there is to be one, its entry in the journal, and the insert itself.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    deliver::{Courier, MARGIN, Next, words},
    group::Joined,
    insert::{Insert, Refused, Sent},
    life::steps_through,
    policy::Action,
    slots::Turn,
    together::{Answered, Seat},
};
use crate::{
    error::{Error, Result},
    id::InstanceId,
    model::{AlertState, Delivery, DeliveryStatus},
    oauth::Access,
    store::{Change, DeliveryRecord, DeliveryStep, Put, Refusal, Row},
};

/// How long an attempt that is written down waits for its place at the most.
pub(super) const PLACE: Duration = Duration::from_secs(1);

impl Courier {
    pub(super) async fn attempt(
        &self,
        mut row: Row<DeliveryRecord>,
        instance: &InstanceId,
        budget: Option<i32>,
        mut seat: Option<Seat>,
        turn: &mut Turn,
    ) -> Result<Next> {
        let customer = row.value.delivery.customer_id.clone();
        let now = self.chance.now();
        let decision = match self.decision(&row.value.delivery, now).await {
            Ok(decision) => decision,
            Err(error) => return self.put_back(row, error, budget).await,
        };
        // What was begun is brought to its end, whatever the policy says by now.
        let is_new = row.value.delivery.attempts == 0 && row.value.shown.generation == row.value.shown.born;
        match decision.action {
            Action::Ignore if is_new => return self.ignore(row, decision.reason, Vec::new()).await,
            // Whoever delivers by hand does not wait for the end of a maintenance window.
            Action::Hold(until) if is_new && budget.is_some() => {
                return self.hold(row, until, decision.reason, Vec::new()).await;
            }
            _ => {}
        }
        let has_waited = is_new && budget.is_some() && row.value.not_before.is_some();
        if has_waited && let Some(end) = self.end_in_window(&row.value.delivery).await? {
            row.value.dealt_with(&end.alert);
            row.value.not_before = None;
            let done = steps_through(&row.value, end.number);
            return self.ignore(row, "It ended in the maintenance window in which it came.".to_owned(), done).await;
        }
        let (mut row, mut own_id) = match self.may_insert(row, instance, budget).await? {
            Ok(may) => may,
            Err(next) => return Ok(next),
        };
        if is_new && let Some(group) = &decision.group {
            match self.join(row, group, instance).await? {
                Joined::In(next) => return Ok(next),
                Joined::Alone(alone) => row = *alone,
            }
        }
        let mut rejected: Option<Arc<Access>> = None;
        loop {
            // The token first: an exchange may take long, and the attempt's time must not be used up by it.
            let old = rejected.as_ref().map(|old| &old.token);
            let access = match self.tokens.servicenow(&customer, instance, old).await {
                Ok(access) => access,
                Err(error) => return self.put_back(row, error, budget).await,
            };
            let insert = Insert::of(&row.value, &decision, own_id)?;
            let answered = match seat.take() {
                Some(seat) => turn.asks(seat.send(row, insert, access)).await?,
                None => match self.begin_and_send(row, instance, insert, access, turn).await? {
                    Some(answered) => answered,
                    None => return Ok(Next::NotSent),
                },
            };
            (row, seat) = (answered.row, answered.seat);
            match answered.sent {
                // One renewal, one repetition, as everywhere.
                Sent::NotMade(error) if error.context("token") == Some("rejected") && rejected.is_none() => {
                    rejected = Some(answered.access);
                    continue;
                }
                // Not this one, but that several came at once.
                Sent::NotMade(error) if error.context("together") == Some("refused") => continue,
                _ => {}
            }
            // The others need not wait for what is written down here.
            seat = None;
            match answered.sent {
                Sent::Made(incident) => {
                    if answered.insert.lost_its_id(&incident) {
                        self.doubt(&customer, instance, "The instance gave a record another one.").await;
                    }
                    // Nor need the next request.
                    turn.is_over();
                    return self.done(row, instance, incident).await;
                }
                Sent::Unknown(error) => return self.end_attempt(row, error).await,
                Sent::NotMade(error) => {
                    match self.refused(&row.value.delivery, instance, &answered.insert, error).await {
                        Refused::There(incident) => return self.done(row, instance, incident).await,
                        Refused::WithoutOwnId => own_id = false,
                        Refused::Unsure(error) => return self.end_attempt(row, error).await,
                        Refused::Really(error) => return self.put_back(row, error, budget).await,
                    }
                }
            }
        }
    }

    /// Nothing is made of the alert, for this reason; `first` is written with it.
    async fn ignore(&self, row: Row<DeliveryRecord>, reason: String, first: Vec<Change>) -> Result<Next> {
        let mut record = row.value;
        record.delivery.status = DeliveryStatus::Ignored;
        record.delivery.failure = Some(reason);
        record.delivery.updated_at = self.chance.now();
        record.claimed_until = None;
        let row = self.write(record, row.version, first, None).await?;
        metrics::counter!("itsm_adapter_deliveries_ignored").increment(1);
        Ok(Next::Settled(row.value.delivery))
    }

    /// A maintenance window is under way: what is next is decided again at its end. `first` is written with it.
    pub(super) async fn hold(
        &self,
        row: Row<DeliveryRecord>,
        until: DateTime<Utc>,
        reason: String,
        first: Vec<Change>,
    ) -> Result<Next> {
        let mut record = row.value;
        record.delivery.failure = Some(reason);
        record.not_before = Some(until);
        record.claimed_until = None;
        self.write(record, row.version, first, None).await?;
        Ok(Next::Later(until))
    }

    /// The end of an alert that came in a maintenance window and was over when the window was.
    async fn end_in_window(&self, delivery: &Delivery) -> Result<Option<DeliveryStep>> {
        let then = self.decision(delivery, delivery.accepted_at).await?;
        if !matches!(then.action, Action::Hold(_)) {
            return Ok(None);
        }
        Ok(self.store.last_step(&delivery.id).await?.filter(|last| last.alert.state == AlertState::Ended))
    }

    /// The journal: an attempt is written down before it is sent, with the time after which it cannot have an
    /// effect any more, should nobody be there to write down when it ended. The claim goes on until then.
    pub(super) async fn begin_attempt(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
    ) -> Result<Row<DeliveryRecord>> {
        let record = self.begun(row.value, instance);
        let row = self.write(record, row.version, Vec::new(), None).await?;
        self.watch(&row.value);
        Ok(row)
    }

    /// The same for several, in one commit: all of them, or none when one is not as it was.
    pub(super) async fn begin_together(
        &self,
        rows: Vec<Row<DeliveryRecord>>,
        instance: &InstanceId,
    ) -> Result<Vec<Row<DeliveryRecord>>, Refusal> {
        let put = |row: Row<DeliveryRecord>| {
            let value = self.begun(row.value, instance);
            Arc::new(Put { value, sealed: None, replaces: Some(row.version) })
        };
        let begun: Vec<_> = rows.into_iter().map(put).collect();
        let version = self.store.commit(begun.iter().cloned().map(Change::Delivery).collect()).await?.version;
        let row = |put| {
            let Put { value, sealed, .. } = Arc::unwrap_or_clone(put);
            self.watch(&value);
            Row { value, sealed, version }
        };
        Ok(begun.into_iter().map(row).collect())
    }

    /// The attempt's time, from after the write, which may have waited for the disk: the call begins only now.
    pub(super) fn watch(&self, record: &DeliveryRecord) {
        self.sights.set(record, self.chance.clock.elapsed(), self.longest());
    }

    fn begun(&self, mut record: DeliveryRecord, instance: &InstanceId) -> DeliveryRecord {
        record.delivery.status = DeliveryStatus::Unknown;
        record.delivery.attempts += 1;
        record.delivery.instance_id = Some(instance.clone());
        record.not_before = None;
        self.hold_on(&mut record);
        record
    }

    /// None: it was written down, but there was no place for it in time, and nothing was sent.
    async fn begin_and_send(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        insert: Insert,
        access: Arc<Access>,
        turn: &mut Turn,
    ) -> Result<Option<Answered>> {
        let before = row.value.delivery.instance_id.clone();
        let row = self.begin_attempt(row, instance).await?;
        let latest = self.chance.clock.elapsed() + PLACE;
        if !turn.come().await || self.chance.clock.elapsed() > latest {
            self.not_sent(row, before).await?;
            return Ok(None);
        }
        let sent = turn.asks(self.send(&insert, &access)).await;
        Ok(Some(Answered { row, insert, sent, access, seat: None }))
    }

    /// Takes back that an attempt was begun: it waits as it did before.
    async fn not_sent(&self, row: Row<DeliveryRecord>, instance: Option<InstanceId>) -> Result<()> {
        let mut record = row.value;
        self.sights.forget(&record.delivery.id);
        record.delivery.attempts -= 1;
        record.delivery.instance_id = instance;
        record.attempt_deadline = None;
        self.open(record, row.version, false).await
    }

    /// Nothing of ours is on its way any more: from here the instance has its own time limit, and no more.
    async fn end_attempt(&self, row: Row<DeliveryRecord>, error: Error) -> Result<Next> {
        let mut record = row.value;
        self.let_go(&mut record, &error);
        self.write(record, row.version, Vec::new(), None).await?;
        metrics::counter!("itsm_adapter_outcomes_unknown").increment(1);
        Ok(Next::Unknown(error))
    }

    /// A call is about to begin. It may be waiting for its turn, or for the end of a pause, until shortly before its
    /// time is up.
    pub(super) fn hold_on(&self, record: &mut DeliveryRecord) {
        let now = self.chance.now();
        record.delivery.updated_at = now;
        record.attempt_deadline = Some(now + self.longest());
        // The claim as it is does, as long as it lasts for the call: then the store has nothing to move.
        let least = now + self.call_span();
        if record.claimed_until.is_none_or(|until| until < least) {
            record.claimed_until = Some(now + self.claim_span());
        }
    }

    /// The call is over, and only the instance may still be working on it.
    pub(super) fn let_go(&self, record: &mut DeliveryRecord, error: &Error) {
        let now = self.chance.now();
        record.delivery.failure = Some(words(error));
        record.delivery.updated_at = now;
        record.attempt_deadline = Some(now + self.transaction_limit + MARGIN);
        record.claimed_until = None;
        self.sights.set(record, self.chance.clock.elapsed(), self.transaction_limit + MARGIN);
    }

    /// How long an attempt may have an effect after it was begun: its wait for a place, the call, and the instance's own
    /// limit.
    fn longest(&self) -> Duration {
        self.call_span() + self.transaction_limit
    }
}
