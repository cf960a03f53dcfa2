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
    lanes::Customers,
    pace::Pace,
    together::{Gate, Seat},
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    store::{Claim, Claimed, Wanted},
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

/// Whose piece of work it was, when it was begun, and what it came to.
type Done = (CustomerId, DateTime<Utc>, Result<Next>);

/// What a lane has learned of its instance, and of the accounts that it works for.
struct Mind {
    pace: Pace,
    troubles: Troubles,
}

impl Lane {
    pub(super) async fn run(mut self) {
        let owner = self.courier.chance.uuid().to_string();
        let pace = Pace::new(self.concurrency, self.courier.chance.now());
        let mut mind = Mind { pace, troubles: Troubles::default() };
        let mut hands: JoinSet<Done> = JoinSet::new();
        let gate = (self.together > 1)
            .then(|| Gate::new(self.courier.clone(), self.instance.clone(), self.together, self.concurrency));
        loop {
            while let Some(done) = hands.try_join_next() {
                self.mind(&mut mind, done);
            }
            if self.give_up.is_some_and(|most| mind.pace.idle(self.courier.chance.now()) >= most) {
                tracing::warn!(instance = %self.instance, "nothing comes further; what is left waits");
                break;
            }
            // Seen before the claim: what comes after it rings again.
            self.bell.borrow_and_update();
            let customers = Arc::clone(&self.customers.borrow_and_update());
            if *self.stop.borrow() || customers.is_empty() {
                break;
            }
            let now = self.courier.chance.now();
            let requests = hands.len().div_ceil(self.together);
            let room = (mind.pace.room(requests, now) * self.together).min(LARGEST_CLAIM);
            let awake = mind.troubles.awake(&customers, now);
            let taken = match room {
                0 => Ok(0),
                room => self.take(&owner, &awake, room, now, gate.as_ref(), &mut hands).await,
            };
            let wake = match (taken, mind.pace.closed_until(now)) {
                (Ok(taken), _) if taken > 0 && taken == room => None,
                (Ok(_), Some(until)) => Some(until),
                (Ok(_), None) if room == 0 => None,
                (Ok(_), None) => match self.courier.store.due(&awake, now).await {
                    Ok(None) if self.until_empty && hands.is_empty() && awake.len() == customers.len() => break,
                    // Accounts in trouble are not asked for; their time comes without a ring.
                    Ok(None) if awake.len() < customers.len() => Some(now + self.poll),
                    Ok(at) => at,
                    Err(error) => Some(self.complain(&error, now)),
                },
                (Err(error), _) => Some(self.complain(&error, now)),
            };
            // Who may give up looks whether it is time to.
            let look = self.give_up.map(|_| now + self.poll);
            let wake = wake.into_iter().chain(look).min();
            self.wait(&mut mind, &mut hands, wake).await;
        }
        while let Some(done) = hands.join_next().await {
            self.mind(&mut mind, done);
        }
    }

    /// Takes up to this many deliveries and starts on them.
    async fn take(
        &self,
        owner: &str,
        customers: &[CustomerId],
        room: usize,
        now: DateTime<Utc>,
        gate: Option<&Arc<Gate>>,
        hands: &mut JoinSet<Done>,
    ) -> Result<usize> {
        let claim = Claim {
            wanted: Wanted::Ready { customers: customers.to_vec(), limit: u32::try_from(room).unwrap_or(u32::MAX) },
            owner: owner.to_owned(),
            now,
            until: now + self.courier.claim_span(),
        };
        let claimed = self.courier.store.claim(claim).await?;
        let taken = claimed.len();
        let of = |claimed: &Claimed| claimed.row.value.delivery.customer_id.clone();
        let mut seats = gate.map(|gate| gate.seats(claimed.iter().map(of))).unwrap_or_default().into_iter();
        for claimed in claimed {
            hands.spawn(self.work(claimed, owner, seats.next()));
        }
        Ok(taken)
    }

    fn work(&self, claimed: Claimed, owner: &str, seat: Option<Seat>) -> impl Future<Output = Done> + Send + use<> {
        let (courier, instance, budget) = (self.courier.clone(), self.instance.clone(), self.budget);
        let owner = owner.to_owned();
        let span = tracing::info_span!("delivery", id = %claimed.row.value.delivery.id, instance = %instance);
        let customer = claimed.row.value.delivery.customer_id.clone();
        async move {
            let started = courier.chance.now();
            (customer, started, courier.step(claimed, &owner, &instance, Some(budget), seat).await)
        }
        .instrument(span)
    }

    /// Until something ends, comes, or is due.
    async fn wait(&mut self, mind: &mut Mind, hands: &mut JoinSet<Done>, wake: Option<DateTime<Utc>>) {
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
            Ok(()) = self.stop.changed() => {}
            Some(done) = hands.join_next() => {
                self.mind(mind, done);
            }
            Ok(()) = self.customers.changed() => {}
            Ok(()) = self.bell.changed() => {}
            () = sleeping => {}
        }
    }

    /// What a piece of work says of the instance and of the account.
    fn mind(&self, mind: &mut Mind, done: Result<Done, JoinError>) {
        let Ok((customer, started, result)) = done else {
            tracing::error!(instance = %self.instance, "work on a delivery ended in a panic; its claim ends by itself");
            return;
        };
        let now = self.courier.chance.now();
        let chance = |most| self.courier.chance.up_to(most);
        let Mind { pace, troubles } = mind;
        match result {
            Ok(Next::Settled(_)) => {
                let took = (now - started).to_std().unwrap_or_default();
                metrics::histogram!("itsm_adapter_step_seconds").record(took.as_secs_f64());
                pace.settled(now);
                pace.answered(started, now);
                troubles.answered(&customer);
            }
            Ok(Next::Later(_)) => pace.answered(started, now),
            Ok(Next::Failed(error) | Next::Unknown(error)) => {
                tracing::debug!(instance = %self.instance, error = %error, "a step failed");
                match Blame::of(&error) {
                    Blame::Instance if cause(&error) == ErrorKind::Throttled => {
                        metrics::counter!("itsm_adapter_throttled").increment(1);
                        let wait = match error.retry_advice() {
                            Retry::After(wait) => Some(wait),
                            _ => None,
                        };
                        pace.throttled(started, now, wait);
                    }
                    Blame::Instance => pace.failed(started, now, chance),
                    Blame::Account => {
                        if let Retry::After(wait) = error.retry_advice() {
                            troubles.rests(customer, started, now, wait);
                        } else if troubles.failed(customer, started, now, chance) {
                            pace.failed(started, now, chance);
                        }
                    }
                    Blame::Delivery => {
                        pace.answered(started, now);
                        troubles.answered(&customer);
                    }
                    Blame::Own => {}
                }
            }
            // The store, or another worker: nothing about the instance.
            Err(error) => tracing::warn!(instance = %self.instance, error = %error, "a delivery was let go"),
        }
    }

    /// The store does not answer: again a little later.
    fn complain(&self, error: &Error, now: DateTime<Utc>) -> DateTime<Utc> {
        tracing::warn!(instance = %self.instance, error = %error, "the store gives no work");
        now + self.poll.max(Duration::from_millis(100))
    }
}
