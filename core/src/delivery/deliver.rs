//! One delivery, one step of its protocol at a time, so that an alert makes exactly one incident.
//!
//! ```text
//! pending ── "attempt n begun" is committed ──► unknown ── sent ──► 201 with the key ──► delivered
//!    ▲                                             │
//!    ├── refused before anything was done ◄────────┤
//!    └── not there after the longest time ◄── looked up by equality ──► there ──► delivered
//! ```
//!
//! Whoever works on a delivery holds a claim. Every write names the version that the claim gave, so that a holder
//! whose claim has passed on can write no more; and no step waits: it says when to go on, and gives the claim back.
//!
//! Claims end by the clocks of the machines, and those may differ: a claim that is taken too early costs a look-up and
//! no more, because "not there" is believed only after time that this process has seen go by itself (`sight.rs`). A
//! network that hands over a request later than the two seconds of margin after its sender gave up, or twice, is covered
//! only where the instance honours record ids of ours (`insert.rs`).

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    blame::Blame,
    group::Joined,
    incident::{FIELDS, IncidentRow},
    insert::{Insert, Refused, Sent},
    life::Choices,
    policy::{Action, Decision, PolicyBook},
    sight::Sights,
    together::{Answered, Seat},
};
use crate::{
    api::servicenow::{Query, ServiceNow},
    clock::{Chance, Clock},
    error::{Error, ErrorKind, Result, Retry},
    event::Observers,
    id::{DeliveryId, InstanceId},
    model::{Delivery, DeliveryStatus, Event, EventKind, Incident},
    oauth::{Access, Tokens},
    store::{Change, Claim, Claimed, DeliveryRecord, Put, Refusal, Row, Store, Wanted},
};

/// Added to the longest time that the instance may still be working.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
/// Inserts of one delivery in one call, before it is left to the next call.
const ATTEMPTS: i32 = 5;
/// Pause between two looks at an incident that may still appear, and at a delivery that somebody else holds.
const POLL: Duration = Duration::from_millis(250);
/// Pause before a claim is given back once more to a store that failed.
const GIVE_BACK_AGAIN: Duration = Duration::from_secs(1);
/// The longest pause between two looks.
const LONGEST_POLL: Duration = Duration::from_secs(10);
/// Bounds of the pause after a failure; the second is reached by doubling.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Delivers; cheap to clone.
#[derive(Clone)]
pub(crate) struct Courier {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) chance: Chance,
    pub(crate) observers: Observers,
    pub(crate) servicenow: ServiceNow,
    pub(crate) tokens: Tokens,
    pub(crate) choices: Choices,
    pub(crate) sights: Sights,
    pub(crate) policies: PolicyBook,
    /// How long the instance may go on working on a request that nobody waits for.
    pub(crate) transaction_limit: Duration,
    /// How long one call of ours takes at the most, with its waits and repetitions.
    pub(crate) total_timeout: Duration,
}

/// What one step came to. The claim is given back.
#[derive(Debug)]
pub(crate) enum Next {
    /// There is nothing more to do now.
    Settled(Box<Delivery>),
    /// To be taken up again at this instant.
    Later(DateTime<Utc>),
    /// An insert was sent, and nobody knows what became of it. To be looked up.
    Unknown(Error),
    /// The delivery waits for its next attempt, or is dead.
    Failed(Error),
}

/// A claim in hand. A holder that goes away half-way gives it back, so that the next one need not wait for its end.
struct Held {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: DeliveryId,
    owner: Option<String>,
    /// How long the claim lasts at the most.
    span: Duration,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let (Some(owner), Ok(runtime)) = (self.owner.take(), tokio::runtime::Handle::try_current()) {
            let (store, clock, id) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.id.clone());
            let end = clock.elapsed() + self.span;
            runtime.spawn(async move {
                // A store that fails now may serve again long before the claim ends by itself.
                while let Err(error) = store.give_back(&id, &owner).await {
                    if clock.elapsed() >= end {
                        tracing::warn!(error = %error, "a claim could not be given back; it ends by itself");
                        return;
                    }
                    clock.sleep(GIVE_BACK_AGAIN).await;
                }
            });
        }
    }
}

impl Courier {
    /// How long a claim lasts: the token and one call, each with all its repetitions.
    pub(super) fn claim_span(&self) -> Duration {
        self.total_timeout * 2 + MARGIN
    }

    /// How long an attempt may have an effect after it was begun: the call, and the instance's own limit.
    fn longest(&self) -> Duration {
        self.total_timeout + self.transaction_limit + MARGIN
    }

    /// Delivers one alert to the instance its account is registered with, step after step until it is done.
    pub(crate) async fn deliver(&self, id: &DeliveryId, instance: &InstanceId) -> Result<Delivery> {
        let owner = self.chance.uuid().to_string();
        let mut sent = 0;
        loop {
            let now = self.chance.now();
            let until = now + self.claim_span();
            let claim = Claim { wanted: Wanted::One(id.clone()), owner: owner.clone(), now, until };
            let Some(claimed) = self.store.claim(claim).await?.pop() else {
                let row = self.delivery(id).await?;
                if row.value.delivery.status == DeliveryStatus::Delivered {
                    return Ok(row.value.delivery);
                }
                self.chance.clock.sleep(POLL).await;
                continue;
            };
            match self.step(claimed, &owner, instance, None, None).await? {
                // Something came after it that begins it anew.
                Next::Settled(delivery) if delivery.status == DeliveryStatus::Pending => {}
                Next::Settled(delivery) => return Ok(*delivery),
                Next::Failed(error) => return Err(error),
                Next::Unknown(error) => {
                    sent += 1;
                    if sent >= ATTEMPTS {
                        return Err(unknown(&error, &self.delivery(id).await?.value.delivery));
                    }
                }
                Next::Later(at) => {
                    let wait = (at - self.chance.now()).to_std().unwrap_or_default();
                    self.chance.clock.sleep(wait).await;
                }
            }
        }
    }

    /// Does what is next for a claimed delivery. `budget`: after how many attempts it is dead; none: never. `seat`: where
    /// its insert is sent with those of others.
    pub(super) async fn step(
        &self,
        claimed: Claimed,
        owner: &str,
        instance: &InstanceId,
        budget: Option<i32>,
        seat: Option<Seat>,
    ) -> Result<Next> {
        let id = claimed.row.value.delivery.id.clone();
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.chance.clock));
        let mut held = Held { store, clock, id, owner: Some(owner.to_owned()), span: self.claim_span() };
        // Boxed once, here: the steps inside are large, and every caller's future would be as large again.
        let next = Box::pin(self.advance(claimed, instance, budget, seat)).await?;
        held.owner = None;
        Ok(next)
    }

    async fn advance(
        &self,
        claimed: Claimed,
        instance: &InstanceId,
        budget: Option<i32>,
        seat: Option<Seat>,
    ) -> Result<Next> {
        let Claimed { row, steps } = claimed;
        let inserts = matches!(row.value.delivery.status, DeliveryStatus::Pending | DeliveryStatus::Dead);
        let (seat, leaving) = if inserts { (seat, None) } else { (None, seat) };
        let _place = match leaving {
            Some(seat) => seat.alone().await,
            None => None,
        };
        match row.value.delivery.status {
            DeliveryStatus::Unknown => self.settle(row, instance, budget).await,
            DeliveryStatus::Pending | DeliveryStatus::Dead => {
                // It died with an outcome that could not be found out, at this instance: that comes first.
                let is_here = row.value.delivery.instance_id.as_ref() == Some(instance);
                if is_here && row.value.attempt_deadline.is_some() {
                    drop(seat);
                    return self.settle(row, instance, budget).await;
                }
                self.attempt(row, instance, budget, seat).await
            }
            DeliveryStatus::Delivered | DeliveryStatus::Ignored | DeliveryStatus::Grouped => {
                self.follow(row, steps, instance, budget).await
            }
        }
    }

    async fn attempt(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        budget: Option<i32>,
        mut seat: Option<Seat>,
    ) -> Result<Next> {
        let customer = row.value.delivery.customer_id.clone();
        let now = self.chance.now();
        let decision = match self.decision(&row.value.delivery, now).await {
            Ok(decision) => decision,
            Err(error) => return self.put_back(row, error, budget).await,
        };
        // What was begun is brought to its end, whatever the policy says by now.
        let is_new = row.value.delivery.attempts == 0 && row.value.shown.generation == 0;
        match decision.action {
            Action::Ignore if is_new => return self.ignore(row, &decision).await,
            // Whoever delivers by hand does not wait for the end of a maintenance window.
            Action::Hold(until) if is_new && budget.is_some() => return self.hold(row, until, &decision).await,
            _ => {}
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
                Some(seat) => seat.send(row, insert, access).await?,
                None => self.begin_and_send(row, instance, insert, access).await?,
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

    pub(super) async fn decision(&self, delivery: &Delivery, now: DateTime<Utc>) -> Result<Decision> {
        Ok(self.policies.of(&delivery.customer_id).await?.decide(&delivery.alert, now))
    }

    /// The policy makes nothing of the alert.
    async fn ignore(&self, row: Row<DeliveryRecord>, decision: &Decision) -> Result<Next> {
        let mut record = row.value;
        record.delivery.status = DeliveryStatus::Ignored;
        record.delivery.failure = Some(decision.reason.clone());
        record.delivery.updated_at = self.chance.now();
        record.claimed_until = None;
        let row = self.write(record, row.version, Vec::new(), None).await?;
        metrics::counter!("itsm_adapter_deliveries_ignored").increment(1);
        Ok(Next::Settled(Box::new(row.value.delivery)))
    }

    /// A maintenance window is under way: the policy is asked again at its end.
    async fn hold(&self, row: Row<DeliveryRecord>, until: DateTime<Utc>, decision: &Decision) -> Result<Next> {
        let mut record = row.value;
        record.delivery.failure = Some(decision.reason.clone());
        record.not_before = Some(until);
        record.claimed_until = None;
        self.write(record, row.version, Vec::new(), None).await?;
        Ok(Next::Later(until))
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
        let begun: Vec<_> = rows.into_iter().map(|row| (row.version, self.begun(row.value, instance))).collect();
        let put = |(version, record): &(i64, DeliveryRecord)| {
            Change::Delivery(Put { value: record.clone(), sealed: None, replaces: Some(*version) })
        };
        let version = self.store.commit(begun.iter().map(put).collect()).await?.version;
        for (_, record) in &begun {
            self.watch(record);
        }
        Ok(begun.into_iter().map(|(_, value)| Row { value, sealed: None, version }).collect())
    }

    /// The attempt's time, from after the write, which may have waited for the disk: the call begins only now.
    fn watch(&self, record: &DeliveryRecord) {
        self.sights.set(record, self.chance.clock.elapsed() + self.longest());
    }

    fn begun(&self, mut record: DeliveryRecord, instance: &InstanceId) -> DeliveryRecord {
        let now = self.chance.now();
        record.delivery.status = DeliveryStatus::Unknown;
        record.delivery.attempts += 1;
        record.delivery.instance_id = Some(instance.clone());
        record.delivery.updated_at = now;
        // The call may be waiting for its turn, or for the end of a pause, until shortly before its time is up.
        record.attempt_deadline = Some(now + self.longest());
        record.claimed_until = Some(now + self.claim_span());
        record.not_before = None;
        record
    }

    async fn begin_and_send(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        insert: Insert,
        access: Arc<Access>,
    ) -> Result<Answered> {
        let row = self.begin_attempt(row, instance).await?;
        let sent = self.send(&insert, &access).await;
        Ok(Answered { row, insert, sent, access, seat: None })
    }

    /// Nothing of ours is on its way any more: from here the instance has its own time limit, and no more.
    async fn end_attempt(&self, row: Row<DeliveryRecord>, error: Error) -> Result<Next> {
        let now = self.chance.now();
        let mut record = row.value;
        record.delivery.failure = Some(words(&error));
        record.delivery.updated_at = now;
        record.attempt_deadline = Some(now + self.transaction_limit + MARGIN);
        record.claimed_until = None;
        self.sights.set(&record, self.chance.clock.elapsed() + self.transaction_limit + MARGIN);
        self.write(record, row.version, Vec::new(), None).await?;
        metrics::counter!("itsm_adapter_outcomes_unknown").increment(1);
        Ok(Next::Unknown(error))
    }

    /// Finds out what an attempt came to: one look, and another one later as long as the instance can still be
    /// working on it. The lane's own instance is asked, also for what was begun at another one (`left.rs`).
    async fn settle(&self, row: Row<DeliveryRecord>, instance: &InstanceId, budget: Option<i32>) -> Result<Next> {
        let ended_at = row.value.delivery.updated_at;
        let looked_at = self.chance.now();
        // Taken before the look: what is not there when the attempt is over never comes.
        let left = self.sights.left(&row.value, self.chance.clock.elapsed());
        let found = match self.look_up(&row.value.delivery, instance).await {
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
        let mut found = found.into_iter();
        if let Some(oldest) = found.next() {
            self.link(&row.value.delivery, instance, &oldest, found.as_slice()).await;
            return self.done(row, instance, oldest.into()).await;
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

    /// Looks the incident up by equality of its key, oldest first. Rows that do not carry the key are no answer:
    /// the instance drops a condition that it does not know and returns other rows (T11).
    pub(super) async fn look_up(&self, delivery: &Delivery, instance: &InstanceId) -> Result<Vec<IncidentRow>> {
        let key = &delivery.correlation_id;
        // Sorted here: query rules that forbid ranges forbid sorting too.
        let query = &Query::new().equals("correlation_id", key)?;
        let work =
            |access: Arc<Access>| async move { self.servicenow.query(&access, "incident", query, &FIELDS, 10).await };
        let mut rows: Vec<IncidentRow> = self
            .tokens
            .with_access(&delivery.customer_id, instance, work)
            .await
            .map_err(|error| unknown(&error, delivery))?;
        if rows.iter().any(|row| row.correlation_id != *key) {
            return Err(unknown(
                &Error::new(ErrorKind::Protocol, "The instance answered a look-up with other records."),
                delivery,
            )
            .with("look_up", "broken"));
        }
        rows.sort_by(|a, b| (&a.sys_created_on, &a.number).cmp(&(&b.sys_created_on, &b.number)));
        Ok(rows)
    }

    async fn done(&self, row: Row<DeliveryRecord>, instance: &InstanceId, incident: Incident) -> Result<Next> {
        let mut record = row.value;
        self.sights.forget(&record.delivery.id);
        let message = format!("The alert is incident {}.", incident.number);
        record.delivery.status = DeliveryStatus::Delivered;
        record.delivery.instance_id = Some(instance.clone());
        record.delivery.incident = Some(incident);
        record.delivery.failure = None;
        record.delivery.updated_at = self.chance.now();
        record.attempt_deadline = None;
        record.not_before = None;
        record.claimed_until = None;
        record.failures = 0;
        record.spent = 0;
        let event = about(&record.delivery, EventKind::DeliveryDone, &message, record.delivery.updated_at);
        let row = self.write(record, row.version, Vec::new(), Some(event)).await?;
        metrics::counter!("itsm_adapter_deliveries_done").increment(1);
        Ok(Next::Settled(Box::new(row.value.delivery)))
    }

    /// Nothing was made: the delivery waits for its next attempt, or is dead when there is none left.
    async fn put_back(&self, row: Row<DeliveryRecord>, error: Error, budget: Option<i32>) -> Result<Next> {
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

    pub(super) async fn write(
        &self,
        record: DeliveryRecord,
        version: i64,
        first: Vec<Change>,
        event: Option<Event>,
    ) -> Result<Row<DeliveryRecord>> {
        let mut changes = first;
        changes.push(Change::Delivery(Put { value: record.clone(), sealed: None, replaces: Some(version) }));
        changes.extend(event.clone().map(Change::Event));
        match self.store.commit(changes).await {
            Ok(committed) => {
                self.observers.publish_from(committed.first_event, event.into_iter().collect());
                Ok(Row { value: record, sealed: None, version: committed.version })
            }
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => {
                Err(Error::new(ErrorKind::Unavailable, "Another worker has taken the delivery over.").retry(Retry::Now))
            }
        }
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Row<DeliveryRecord>> {
        self.store
            .delivery(id)
            .await?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("There is no delivery {id}.")))
    }

    /// Takes a dead letter back into the outbox, with a full budget.
    pub(crate) async fn replay(&self, id: &DeliveryId) -> Result<Delivery> {
        let row = self.delivery(id).await?;
        if row.value.delivery.status != DeliveryStatus::Dead {
            return Ok(row.value.delivery);
        }
        let mut record = row.value;
        record.delivery.status = DeliveryStatus::Pending;
        record.delivery.attempts = 0;
        record.delivery.failure = None;
        record.delivery.updated_at = self.chance.now();
        record.failures = 0;
        record.spent = 0;
        record.not_before = None;
        record.claimed_until = None;
        Ok(self.write(record, row.version, Vec::new(), None).await?.value.delivery)
    }
}

/// Whether the same insert would be refused again, whenever it comes.
fn is_hopeless(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidInput
        || (error.kind() == ErrorKind::Forbidden && error.context("missing") == Some("field"))
}

/// What happened and what to do, as a dead letter tells it.
pub(super) fn words(error: &Error) -> String {
    let info = error.info();
    if info.remedy.is_empty() { info.message } else { format!("{} {}", info.message, info.remedy) }
}

fn unknown(cause: &Error, delivery: &Delivery) -> Error {
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

pub(super) fn about(delivery: &Delivery, kind: EventKind, message: &str, at: DateTime<Utc>) -> Event {
    let mut detail = std::collections::HashMap::from([("delivery_id".to_owned(), delivery.id.to_string())]);
    if let Some(incident) = &delivery.incident {
        detail.insert("number".to_owned(), incident.number.clone());
    }
    Event {
        customer_id: Some(delivery.customer_id.clone()),
        instance_id: delivery.instance_id.clone(),
        detail,
        ..Event::new(kind, message.to_owned(), at)
    }
}
