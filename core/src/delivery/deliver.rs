//! One delivery, one step of its protocol at a time, so that an alert makes exactly one incident.
//!
//! ```text
//! pending ── "attempt n begun" is committed ──► unknown ── sent ──► 201 with the key ──► delivered
//!    ▲                                             │
//!    ├── not sent, or refused before it was done ◄─┤
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
    attempt::PLACE,
    choice::Choices,
    control::Controls,
    held::Held,
    learned::Learned,
    policy::{Decision, PolicyBook},
    settle::unknown,
    sight::Sights,
    slots::{Slots, Turn},
    together::Seat,
};
use crate::{
    api::servicenow::ServiceNow,
    clock::Chance,
    detached::detached,
    error::{Error, ErrorKind, Result, Retry},
    event::Observers,
    id::{DeliveryId, InstanceId},
    model::{Delivery, DeliveryStatus, Event, EventKind},
    oauth::Tokens,
    store::{Change, Claim, Claimed, DeliveryRecord, Put, Refusal, Row, Store, Wanted},
};

/// Added to the longest time that the instance may still be working.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
/// Inserts of one delivery in one call, before it is left to the next call.
const ATTEMPTS: i32 = 5;
/// Pause between two looks at an incident that may still appear, and at a delivery that somebody else holds.
pub(super) const POLL: Duration = Duration::from_millis(250);

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
    pub(crate) controls: Controls,
    pub(crate) policies: PolicyBook,
    pub(crate) learned: Learned,
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
    /// Its insert was not sent: the lane had no place for it. To be taken up again.
    NotSent,
    /// An insert was sent, and nobody knows what became of it. To be looked up.
    Unknown(Error),
    /// The delivery waits for its next attempt, or is dead.
    Failed(Error),
}

impl Courier {
    /// How long a claim lasts: the token and one call, each with all its repetitions.
    pub(super) fn claim_span(&self) -> Duration {
        self.total_timeout + self.call_span()
    }

    /// How long one call takes at the most, with its wait for a place.
    pub(super) fn call_span(&self) -> Duration {
        PLACE + self.total_timeout + MARGIN
    }

    /// Delivers one alert to the instance its account is registered with, step after step until it is done.
    pub(crate) async fn deliver(&self, id: &DeliveryId, instance: &InstanceId) -> Result<Delivery> {
        let owner = self.chance.uuid().to_string();
        let mut sent = 0;
        loop {
            let Some(held) = self.claim(Wanted::One(id.clone()), &owner).await?.pop() else {
                let row = self.delivery(id).await?;
                if row.value.delivery.status == DeliveryStatus::Delivered {
                    return Ok(*row.value.delivery);
                }
                self.chance.clock.sleep(POLL).await;
                continue;
            };
            let mut turn = Slots::new(self.chance.clone()).placed();
            match self.step(held, instance, None, None, &mut turn).await? {
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
                Next::NotSent => {}
                Next::Later(at) => {
                    let wait = (at - self.chance.now()).to_std().unwrap_or_default();
                    self.chance.clock.sleep(wait).await;
                }
            }
        }
    }

    /// Claims, and keeps what it gets in hand. By a task of its own: when nobody waits for it any more, what it gets
    /// goes back.
    pub(super) async fn claim(&self, wanted: Wanted, owner: &str) -> Result<Vec<Held>> {
        let (courier, owner) = (self.clone(), owner.to_owned());
        let claiming = async move {
            let (now, span) = (courier.chance.now(), courier.claim_span());
            let claim = Claim { wanted, owner: owner.clone(), now, until: now + span };
            let claimed = courier.store.claim(claim).await?;
            let hold = |claimed| {
                let (store, clock) = (Arc::clone(&courier.store), Arc::clone(&courier.chance.clock));
                Held::new(claimed, &owner, store, clock, span)
            };
            Ok(claimed.into_iter().map(hold).collect())
        };
        detached("A claim ended unexpectedly.", claiming).await
    }

    /// Does what is next for a claimed delivery. `budget`: after how many attempts it is dead; none: never. `seat`: where
    /// its insert is sent with those of others.
    pub(super) async fn step(
        &self,
        held: Held,
        instance: &InstanceId,
        budget: Option<i32>,
        seat: Option<Seat>,
        turn: &mut Turn,
    ) -> Result<Next> {
        let (claimed, held) = held.open();
        // Boxed once, here: the steps inside are large, and every caller's future would be as large again.
        let next = Box::pin(self.advance(claimed, instance, budget, seat, turn)).await?;
        held.end();
        Ok(next)
    }

    async fn advance(
        &self,
        claimed: Claimed,
        instance: &InstanceId,
        budget: Option<i32>,
        seat: Option<Seat>,
        turn: &mut Turn,
    ) -> Result<Next> {
        let Claimed { mut row, steps } = claimed;
        let inserts = matches!(row.value.delivery.status, DeliveryStatus::Pending | DeliveryStatus::Dead);
        let (seat, leaving) = if inserts { (seat, None) } else { (None, seat) };
        let _place = match leaving {
            Some(seat) => seat.alone().await,
            None => None,
        };
        match row.value.delivery.status {
            DeliveryStatus::Unknown => self.settle(row, instance, budget, turn).await,
            DeliveryStatus::Pending | DeliveryStatus::Dead => {
                // It died with an outcome that could not be found out. Here that comes first; elsewhere it is kept.
                if row.value.attempt_deadline.is_some() {
                    if row.value.delivery.instance_id.as_ref() == Some(instance) {
                        drop(seat);
                        return self.settle(row, instance, budget, turn).await;
                    }
                    row.value.leave_unsure();
                }
                if row.value.unsure_at.contains(instance) {
                    drop(seat);
                    return self.look_back(row, instance, budget, turn).await;
                }
                self.attempt(row, instance, budget, seat, turn).await
            }
            DeliveryStatus::Delivered | DeliveryStatus::Ignored | DeliveryStatus::Grouped => {
                self.follow(row, steps, instance, budget, turn).await
            }
        }
    }

    pub(super) async fn decision(&self, delivery: &Delivery, now: DateTime<Utc>) -> Result<Decision> {
        Ok(self.policies.of(&delivery.customer_id).await?.decide(&delivery.alert, now))
    }

    pub(super) async fn write(
        &self,
        record: DeliveryRecord,
        version: i64,
        first: Vec<Change>,
        event: Option<Event>,
    ) -> Result<Row<DeliveryRecord>> {
        let mut changes = first;
        let put = Arc::new(Put { value: record, sealed: None, replaces: Some(version) });
        changes.push(Change::Delivery(Arc::clone(&put)));
        changes.extend(event.clone().map(Change::Event));
        match self.store.commit(changes).await {
            Ok(committed) => {
                self.observers.publish_from(committed.first_event, event.into_iter().collect());
                let Put { value, sealed, .. } = Arc::unwrap_or_clone(put);
                Ok(Row { value, sealed, version: committed.version })
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
            return Ok(*row.value.delivery);
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
        Ok(*self.write(record, row.version, Vec::new(), None).await?.value.delivery)
    }
}

/// What happened and what to do, as a dead letter tells it.
pub(super) fn words(error: &Error) -> String {
    let info = error.info();
    if info.remedy.is_empty() { info.message } else { format!("{} {}", info.message, info.remedy) }
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
