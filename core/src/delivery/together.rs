//! Inserts that are sent together: those that a lane has in hand for one account, as one request (Batch API).
//!
//! ```text
//! steps of one account ──► gate: waits until nobody else is coming, or enough are there
//!                            │
//!                            ├─ "attempt n begun" of all of them: one commit
//!                            ├─ one request
//!                            └─ to each step its own outcome, by the rules of a single insert
//! ```
//!
//! Whoever may still come to the gate holds a [`Seat`]; no clock decides. A step that goes another way gives its seat
//! back, and waits for nobody. What is sent here is sent by a task of its own, so that a step that is dropped takes no
//! other one along.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    deliver::Courier,
    incident::FIELDS,
    insert::{Insert, Sent},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    oauth::Access,
    store::{DeliveryRecord, Row},
    transport::{Failure, Outcome},
};

/// Bytes of all bodies in one request, at the most: a part grows by a third on the way, and instances take 10 MB.
const BYTES: usize = 4 << 20;

/// Where the inserts of one lane meet.
pub(super) struct Gate {
    courier: Courier,
    instance: InstanceId,
    /// How many go together; 1 after the instance has refused such a request.
    size: AtomicUsize,
    /// Requests at a time.
    places: Arc<Semaphore>,
    accounts: Mutex<HashMap<CustomerId, Account>>,
}

/// The inserts of one account.
#[derive(Default)]
struct Account {
    /// How many may still come.
    coming: usize,
    waiting: Vec<Part>,
}

/// An insert that waits at the gate.
struct Part {
    row: Row<DeliveryRecord>,
    insert: Insert,
    access: Arc<Access>,
    reply: oneshot::Sender<Result<Answered>>,
}

/// What came of a part; with a seat, to come again.
pub(super) struct Answered {
    pub(super) row: Row<DeliveryRecord>,
    pub(super) insert: Insert,
    pub(super) sent: Sent,
    /// What it was sent with.
    pub(super) access: Arc<Access>,
    pub(super) seat: Option<Seat>,
}

/// The right to come to the gate; the others wait for whoever holds one.
pub(super) struct Seat {
    gate: Arc<Gate>,
    customer: CustomerId,
    is_given_up: bool,
}

impl Gate {
    /// `size`: inserts in one request at the most; `places`: requests at a time.
    pub(super) fn new(courier: Courier, instance: InstanceId, size: usize, places: usize) -> Arc<Self> {
        Arc::new(Self {
            courier,
            instance,
            size: AtomicUsize::new(size),
            places: Arc::new(Semaphore::new(places)),
            accounts: Mutex::default(),
        })
    }

    /// A seat for each of these accounts. All that are to go together must have theirs before the first one comes.
    pub(super) fn seats(self: &Arc<Self>, customers: impl IntoIterator<Item = CustomerId>) -> Vec<Seat> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = |customer: CustomerId| {
            accounts.entry(customer.clone()).or_default().coming += 1;
            Seat { gate: Arc::clone(self), customer, is_given_up: false }
        };
        customers.into_iter().map(seat).collect()
    }

    /// One less is coming: with its part, or without.
    fn arrive(self: &Arc<Self>, customer: &CustomerId, part: Option<Part>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = accounts.get_mut(customer) else { return };
        account.coming = account.coming.saturating_sub(1);
        account.waiting.extend(part);
        let size = self.size.load(Ordering::Relaxed);
        let is_full = account.waiting.len() >= size || bytes(&account.waiting) >= BYTES;
        if account.coming > 0 && !is_full {
            return;
        }
        let mut ready = std::mem::take(&mut account.waiting);
        if account.coming == 0 {
            accounts.remove(customer);
        }
        drop(accounts);
        while !ready.is_empty() {
            let rest = ready.split_off(ready.len().min(size));
            let group = std::mem::replace(&mut ready, rest);
            let gate = Arc::clone(self);
            // Without a runtime the program is ending; the parts are given back by whoever waits for them.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { gate.send(group).await });
            }
        }
    }

    async fn send(self: Arc<Self>, group: Vec<Part>) {
        // Nobody closes it.
        let Ok(_place) = self.places.acquire().await else { return };
        let Some(access) = group.last().map(|part| Arc::clone(&part.access)) else { return };
        let group = self.begin(group).await;
        if group.is_empty() {
            return;
        }
        let outcomes = self.outcomes(&group, &access).await;
        // Their seats first: none of them may find the gate empty while others are about to come again.
        let seats = self.seats(group.iter().map(|part| part.row.value.delivery.customer_id.clone()));
        for ((part, sent), seat) in group.into_iter().zip(outcomes).zip(seats) {
            let Part { row, insert, reply, .. } = part;
            let access = Arc::clone(&access);
            // A step that is gone gives its seat back with the answer.
            let _ = reply.send(Ok(Answered { row, insert, sent, access, seat: Some(seat) }));
        }
    }

    /// The journal of all of them, in one commit; those that somebody else has taken over meanwhile fall out.
    async fn begin(&self, group: Vec<Part>) -> Vec<Part> {
        let rows = group.iter().map(|part| part.row.clone()).collect();
        if let Ok(begun) = self.courier.begin_together(rows, &self.instance).await {
            return group.into_iter().zip(begun).map(|(part, row)| Part { row, ..part }).collect();
        }
        let mut left = Vec::with_capacity(group.len());
        for part in group {
            match self.courier.begin_attempt(part.row, &self.instance).await {
                Ok(row) => left.push(Part { row, ..part }),
                Err(error) => {
                    let _ = part.reply.send(Err(error));
                }
            }
        }
        left
    }

    async fn outcomes(&self, group: &[Part], access: &Access) -> Vec<Sent> {
        if let [part] = group {
            return vec![self.courier.send(&part.insert, access).await];
        }
        let bodies: Vec<_> = group.iter().map(|part| &*part.insert.body).collect();
        metrics::histogram!("itsm_adapter_sent_together").record(f64::from(u32::try_from(group.len()).unwrap_or(0)));
        match self.courier.servicenow.insert_together(access, "incident", &bodies, &FIELDS).await {
            Ok(answers) => group.iter().zip(answers).map(|(part, answer)| part.insert.came_to(answer)).collect(),
            Err(failure) => {
                let failure = self.refused_as_such(failure);
                group.iter().map(|part| part.insert.came_to(Err(failure.clone()))).collect()
            }
        }
    }

    /// An instance that takes no such request, or not from this user, says nothing about its parts: they are sent one by
    /// one from then on.
    fn refused_as_such(&self, failure: Failure) -> Failure {
        let Failure { error, outcome } = failure;
        let is_refusal = matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::InvalidInput | ErrorKind::NotFound);
        let is_of_the_way = error.context("missing") == Some("network");
        if outcome != Outcome::NotDone || !is_refusal || is_of_the_way {
            return Failure { error, outcome };
        }
        tracing::warn!(instance = %self.instance, %error, "the instance takes no requests with several parts");
        self.size.store(1, Ordering::Relaxed);
        Failure { error: error.with("together", "refused"), outcome }
    }
}

fn bytes(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.insert.body.get().len()).sum()
}

impl Seat {
    /// Begins an attempt and sends its insert with those of the others.
    pub(super) async fn send(
        mut self,
        row: Row<DeliveryRecord>,
        insert: Insert,
        access: Arc<Access>,
    ) -> Result<Answered> {
        let (reply, answer) = oneshot::channel();
        self.is_given_up = true;
        self.gate.arrive(&self.customer, Some(Part { row, insert, access, reply }));
        answer.await.map_err(|_| Error::new(ErrorKind::Internal, "A request with several parts ended in a panic."))?
    }

    /// Gives the seat up for a place among those that send alone.
    pub(super) async fn alone(self) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.gate.places);
        drop(self);
        // None only when it is closed, and nobody closes it.
        places.acquire_owned().await.ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_given_up {
            self.gate.arrive(&self.customer, None);
        }
    }
}
