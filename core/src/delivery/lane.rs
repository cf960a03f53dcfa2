//! One instance's lane: claims what is ready for it, works on it, and minds its pace. It waits for nobody else.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tracing::Instrument;

use super::{
    blame::{Blame, Troubles, cause},
    deliver::{Courier, Next},
    held::Held,
    lanes::Customers,
    pace::Pace,
    slots::{Slots, Turn},
    stock::Stock,
    together::{Gate, Seat},
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    model::DeliveryStatus,
    store::Wanted,
};

/// Deliveries that are taken at a time.
const LARGEST_CLAIM: usize = 1024;

/// A lane, and what it was told.
pub(super) struct Lane {
    pub(super) courier: Courier,
    pub(super) instance: InstanceId,
    /// The accounts that are registered with the instance; none: there is nothing more to do.
    pub(super) customers: watch::Receiver<Customers>,
    /// Rings when there may be something to do; without it, nothing comes but what is due.
    pub(super) bell: watch::Receiver<()>,
    /// True: take nothing more, finish what is in hand.
    pub(super) stop: watch::Receiver<bool>,
    pub(super) concurrency: usize,
    /// Inserts that are sent as one request at the most.
    pub(super) together: usize,
    pub(super) budget: i32,
    pub(super) poll: Duration,
    /// Whether to end when there is nothing left to do.
    pub(super) until_empty: bool,
    /// For how long nothing may come further until the lane ends all the same; none: for ever.
    pub(super) give_up: Option<Duration>,
}

/// A piece of work that is done.
struct Done {
    customer: CustomerId,
    begun_at: DateTime<Utc>,
    /// Kept until it is known what its end says of the instance.
    turn: Turn,
    result: Result<Next>,
}

/// What a lane has learned of its instance, and of the accounts that it works for.
struct Mind {
    pace: Pace,
    troubles: Troubles,
}

/// What a lane has under way.
struct Work {
    /// Claimed, not begun.
    stock: Stock,
    /// Begun.
    hands: JoinSet<Done>,
    /// The places of those that are begun, and not answered by the instance.
    slots: Slots,
}

impl Lane {
    pub(super) async fn run(mut self) {
        let owner = self.courier.chance.uuid().to_string();
        let now = self.courier.chance.now();
        let mut mind = Mind { pace: Pace::new(self.concurrency, now), troubles: Troubles::default() };
        let slots = Slots::new(self.courier.chance.clone());
        let mut work = Work { stock: Stock::default(), hands: JoinSet::new(), slots };
        let mut served: Customers = Arc::from([]);
        // When there may be something in the store for us.
        let mut look_at = Some(now);
        let gate = (self.together > 1)
            .then(|| Gate::new(self.courier.clone(), self.instance.clone(), self.together, self.concurrency));
        loop {
            let now = self.courier.chance.now();
            while let Some(done) = work.hands.try_join_next() {
                if self.mind(&mut mind, done) {
                    look_at = Some(now);
                }
            }
            if self.give_up.is_some_and(|most| mind.pace.idle(now) >= most) {
                tracing::warn!(instance = %self.instance, "nothing comes further; what is left waits");
                break;
            }
            // Seen before the claim: what comes after it wakes again.
            self.bell.borrow_and_update();
            let customers = Arc::clone(&self.customers.borrow_and_update());
            if *self.stop.borrow() || customers.is_empty() {
                break;
            }
            let closed = mind.pace.closed_until(now);
            if closed.is_some() || !mind.troubles.are_none() || !Arc::ptr_eq(&customers, &served) {
                let is_unwanted = |customer: &CustomerId| {
                    closed.is_some()
                        || mind.troubles.is_at_rest(customer, now)
                        || customers.binary_search(customer).is_err()
                };
                if work.stock.give_back(is_unwanted).await > 0 {
                    look_at = Some(now);
                }
            }
            served = Arc::clone(&customers);
            let idle = work.hands.is_empty() && work.stock.is_empty();
            let wanted = self.wanted(&mind.pace, &work, now);
            if wanted > 0 && (look_at.is_some_and(|at| at <= now) || (self.until_empty && idle)) {
                let awake = mind.troubles.awake(&customers, now);
                look_at = match self.take(&mut work.stock, &owner, &awake, wanted).await {
                    Ok(taken) if taken == wanted => Some(now),
                    Ok(taken) => match self.courier.store.due(&awake, now).await {
                        Ok(None) if self.until_empty && idle && taken == 0 && awake.len() == customers.len() => break,
                        // Accounts in trouble are not asked for; their time comes without a ring.
                        Ok(None) if awake.len() < customers.len() => Some(now + self.poll),
                        // Nobody rings when another one has done what was waited for.
                        Ok(Some(at)) if self.until_empty => Some(at.min(now + self.poll)),
                        Ok(at) => at,
                        Err(error) => Some(self.complain(&error, now)),
                    },
                    Err(error) => Some(self.complain(&error, now)),
                };
            }
            self.begin(&mut work, &mind.pace, now, gate.as_ref());
            // Who may give up looks whether it is time to.
            let give_up = self.give_up.map(|_| now + self.poll);
            // Nothing is looked for while there is no room for it.
            let look = look_at.filter(|_| self.wanted(&mind.pace, &work, now) > 0);
            let wake = closed.or(look).into_iter().chain(give_up).min();
            if let Some(look) = self.wait(&mut mind, &mut work, wake).await {
                look_at = Some(look);
            }
        }
        // What was not sent yet goes back, as what was not begun.
        work.slots.open(0);
        work.stock.give_back(|_| true).await;
        while let Some(done) = work.hands.join_next().await {
            self.mind(&mut mind, done);
        }
    }

    /// How many may be begun now.
    fn room(&self, pace: &Pace, work: &Work, now: DateTime<Utc>) -> usize {
        let begun = work.slots.count().div_ceil(self.together);
        let room = (pace.room(0, now) + self.ahead(pace, now)).saturating_sub(begun) * self.together;
        // Those that have their answer and write it down are not many, or the store is slow.
        room.min((2 * self.window(pace, now)).saturating_sub(work.hands.len()))
    }

    /// How many may write their journal ahead of a place. Those that are sent together have theirs from the beginning.
    fn ahead(&self, pace: &Pace, now: DateTime<Utc>) -> usize {
        if self.together > 1 { 0 } else { pace.ahead(now) }
    }

    fn window(&self, pace: &Pace, now: DateTime<Utc>) -> usize {
        (pace.room(0, now) * self.together).min(LARGEST_CLAIM)
    }

    /// How many to claim: as many as there is room for and half a window ahead of it, once half of that is used up.
    fn wanted(&self, pace: &Pace, work: &Work, now: DateTime<Utc>) -> usize {
        let (room, ahead, stock) = (self.room(pace, work, now), self.window(pace, now) / 2, work.stock.len());
        if stock >= room && stock > ahead / 2 {
            return 0;
        }
        (room + ahead).saturating_sub(stock).min(LARGEST_CLAIM)
    }

    /// Claims up to so many.
    async fn take(&self, stock: &mut Stock, owner: &str, customers: &[CustomerId], most: usize) -> Result<usize> {
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let claimed = self.courier.claim(Wanted::Ready { customers: customers.to_vec(), limit }, owner).await?;
        let taken = claimed.len();
        stock.put(claimed);
        Ok(taken)
    }

    /// Starts on as many as there is room for.
    fn begin(&self, work: &mut Work, pace: &Pace, now: DateTime<Utc>, gate: Option<&Arc<Gate>>) {
        work.slots.open(self.window(pace, now));
        let room = self.room(pace, work, now);
        let places = room.saturating_sub(self.ahead(pace, now));
        // Only an insert has something to do before it needs its place; whatever else is next waits for one.
        let held = work.stock.take(room, |begun, held| begun < places || held.is_insert());
        let customers = held.iter().map(|held| held.customer().clone());
        let mut seats = gate.map(|gate| gate.seats(customers)).unwrap_or_default().into_iter();
        for held in held {
            let turn = if gate.is_none() && held.is_insert() { work.slots.ahead() } else { work.slots.placed() };
            work.hands.spawn(self.work(held, seats.next(), turn));
        }
    }

    fn work(&self, held: Held, seat: Option<Seat>, mut turn: Turn) -> impl Future<Output = Done> + Send + use<> {
        let (courier, instance, budget) = (self.courier.clone(), self.instance.clone(), self.budget);
        let span = tracing::info_span!("delivery", id = %held.id(), instance = %instance);
        let customer = held.customer().clone();
        async move {
            let begun_at = courier.chance.now();
            let result = courier.step(held, &instance, Some(budget), seat, &mut turn).await;
            Done { customer, begun_at, turn, result }
        }
        .instrument(span)
    }

    /// Until something ends, comes, or is due. Answers when to look for something in the store, if that is to change.
    async fn wait(&mut self, mind: &mut Mind, work: &mut Work, wake: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let now = self.courier.chance.now();
        let sleep = wake.map(|at| self.courier.chance.clock.sleep((at - now).to_std().unwrap_or_default()));
        let sleeping = async move {
            match sleep {
                Some(sleep) => sleep.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // A sender that is gone says nothing more; that is no news.
            Ok(()) = self.stop.changed() => None,
            Some(done) = work.hands.join_next() => self.mind(mind, done).then_some(now),
            () = work.slots.changed() => None,
            Ok(()) = self.customers.changed() => Some(now),
            Ok(()) = self.bell.changed() => Some(now),
            () = sleeping => None,
        }
    }

    /// What a piece of work says of the instance and of the account. True: the delivery may be there to be taken again.
    fn mind(&self, mind: &mut Mind, done: Result<Done, JoinError>) -> bool {
        let Ok(Done { customer, begun_at, turn, result }) = done else {
            tracing::error!(instance = %self.instance, "work on a delivery ended in a panic; its claim ends by itself");
            return true;
        };
        let is_over = matches!(&result, Ok(Next::Settled(delivery)) if delivery.status != DeliveryStatus::Pending);
        let now = self.courier.chance.now();
        // The instance's own time, without that of our store.
        let (started, answered) = turn.asked.unwrap_or((begun_at, now));
        let chance = |most| self.courier.chance.up_to(most);
        let Mind { pace, troubles } = mind;
        match result {
            Ok(Next::Settled(_)) => {
                let took = (now - begun_at).to_std().unwrap_or_default();
                metrics::histogram!("itsm_adapter_step_seconds").record(took.as_secs_f64());
                pace.settled(now);
                if turn.asked.is_some() {
                    pace.answered(started, answered);
                    troubles.answered(&customer);
                }
            }
            Ok(Next::Later(_)) if turn.asked.is_some() => pace.answered(started, answered),
            Ok(Next::Failed(error) | Next::Unknown(error)) => {
                tracing::debug!(instance = %self.instance, error = %error, "a step failed");
                // From the answer on: our own work after it is no part of what was asked for.
                let until = match error.retry_advice() {
                    Retry::After(wait) => Some(answered + wait),
                    _ => None,
                };
                match Blame::of(&error) {
                    Blame::Instance if cause(&error) == ErrorKind::Throttled => {
                        metrics::counter!("itsm_adapter_throttled").increment(1);
                        pace.throttled(started, now, until);
                    }
                    Blame::Instance => pace.failed(started, now, chance),
                    Blame::Account => {
                        if let Some(until) = until {
                            troubles.rests(customer, started, now, until);
                        } else if troubles.failed(
                            customer,
                            cause(&error) == ErrorKind::Unauthorized,
                            started,
                            now,
                            chance,
                        ) {
                            pace.failed(started, now, chance);
                        }
                    }
                    Blame::Delivery if turn.asked.is_some() => {
                        pace.answered(started, answered);
                        troubles.answered(&customer);
                    }
                    Blame::Delivery | Blame::Own => {}
                }
            }
            Ok(Next::Later(_) | Next::NotSent) => {}
            // The store, or another worker: nothing about the instance.
            Err(error) => tracing::warn!(instance = %self.instance, error = %error, "a delivery was let go"),
        }
        !is_over
    }

    /// The store does not answer: again a little later.
    fn complain(&self, error: &Error, now: DateTime<Utc>) -> DateTime<Utc> {
        tracing::warn!(instance = %self.instance, error = %error, "the store gives no work");
        now + self.poll.max(Duration::from_millis(100))
    }
}
