//! Removing what is done with, when its time is over: deliveries with their groups, and the beginning of the event log.
//!
//! ```text
//! once a day, under a lease ──► a page of finished deliveries ──► which may go? (asked.rs: whose incidents are over?)
//!        ▲                                                              │
//!        └── next page, until the young ones ◄── one small commit per account, with the event that says so
//! ```
//!
//! What may still become something stays: what is pending, unknown or held; what waits for its alert while the incident
//! is open, or while nobody can find out; what a group counts that others may still join. A trace of each alert that may
//! have had an incident stays for good, so that the same alert, however late it comes back, gets an incident with a key
//! and a record id of its own and is not taken for the one before.

mod asked;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::task::JoinSet;

use self::asked::Asked;
use super::{deliver::Courier, key::alert_key, lease::HeldLease};
use crate::{
    config::Retention,
    error::{Error, ErrorKind, Result, Retry},
    id::CustomerId,
    model::{AlertState, DeliveryStatus, Event, EventKind},
    store::{Change, DeliveryFilter, DeliveryRecord, Lease, Refusal, Row, Trace},
};

/// How often what is over is looked for, by whichever process.
const EVERY: TimeDelta = TimeDelta::hours(24);
/// Pause between two looks of one worker at whether it is due.
const PAUSE: TimeDelta = TimeDelta::hours(1);
/// For how long a process that is at it keeps the others off, renewed with every page.
const TURN: TimeDelta = TimeDelta::minutes(10);
/// Rows of one page, and so of one commit: a few milliseconds of the store's writer.
const PAGE: u32 = 200;
/// The lease that keeps it to one process at a time.
const LEASE: &str = "retention";

/// A worker's share in the daily removal.
pub(super) struct Keeper {
    courier: Courier,
    retention: Retention,
    next: Option<DateTime<Utc>>,
    under_way: JoinSet<()>,
    /// True: to end with the page in hand.
    ending: Arc<AtomicBool>,
}

impl Keeper {
    pub(super) fn new(courier: Courier, retention: Retention) -> Self {
        Self { courier, retention, next: None, under_way: JoinSet::new(), ending: Arc::default() }
    }

    /// Starts when it is due, and waits for nothing.
    pub(super) fn look(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        let now = self.courier.chance.now();
        if self.next.is_some_and(|next| now < next) || !self.under_way.is_empty() {
            return;
        }
        self.next = Some(now + PAUSE);
        let (courier, retention, ending) = (self.courier.clone(), self.retention.clone(), Arc::clone(&self.ending));
        self.under_way.spawn(async move {
            if let Err(error) = daily(&courier, &retention, &ending).await {
                tracing::warn!(%error, "what is over could not be removed");
            }
        });
    }

    /// Waits for the page in hand; the rest is left to the next worker.
    pub(super) async fn end(mut self) {
        self.ending.store(true, Ordering::Relaxed);
        while self.under_way.join_next().await.is_some() {}
    }
}

/// All that is due, unless somebody else is at it or was within a day.
async fn daily(courier: &Courier, retention: &Retention, ending: &AtomicBool) -> Result<()> {
    if *retention == (Retention { deliveries: None, dead_letters: None, events: None }) {
        return Ok(());
    }
    let now = courier.chance.now();
    let taken = HeldLease::take(&courier.store, &courier.chance, LEASE.to_owned(), TURN).await?;
    let Some((held, lease)) = taken else { return Ok(()) };
    let owner = lease.owner.clone();
    let mut turn = Turn { courier, ending, lease, asked: Asked::default() };
    let done = turn.all(retention).await;
    if let Ok(true) = done {
        // Kept until the next day's is due: that is how the others know.
        let until = now + EVERY;
        courier.store.acquire(LEASE, &owner, courier.chance.now(), until).await?;
        held.keep();
    } else {
        held.give_back().await;
    }
    done.map(drop)
}

/// One process's turn.
struct Turn<'a> {
    courier: &'a Courier,
    ending: &'a AtomicBool,
    lease: Lease,
    asked: Asked,
}

impl Turn<'_> {
    /// False when it was broken off.
    async fn all(&mut self, retention: &Retention) -> Result<bool> {
        use DeliveryStatus::{Dead, Delivered, Grouped, Ignored};
        for (statuses, keep) in
            [(vec![Delivered, Ignored, Grouped], retention.deliveries), (vec![Dead], retention.dead_letters)]
        {
            let Some(before) = self.before(keep) else { continue };
            if !self.deliveries(statuses, before).await? {
                return Ok(false);
            }
        }
        match self.before(retention.events) {
            Some(before) => self.events(before).await,
            None => Ok(true),
        }
    }

    fn before(&self, keep: Option<std::time::Duration>) -> Option<DateTime<Utc>> {
        self.courier.chance.now().checked_sub_signed(TimeDelta::from_std(keep?).ok()?)
    }

    /// Whether to take one more page.
    async fn goes_on(&mut self) -> Result<bool> {
        if self.ending.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let (now, store) = (self.courier.chance.now(), &self.courier.store);
        match store.acquire(LEASE, &self.lease.owner, now, now + TURN).await? {
            Some(lease) if lease.fence == self.lease.fence => Ok(true),
            _ => Err(Error::new(ErrorKind::Unavailable, "Another process has taken over the removal of what is over.")
                .retry(Retry::Now)),
        }
    }

    async fn deliveries(&mut self, statuses: Vec<DeliveryStatus>, before: DateTime<Utc>) -> Result<bool> {
        let filter = DeliveryFilter { customer_id: None, statuses };
        let mut after: Option<String> = None;
        loop {
            // The first page in any case, so that many short-lived workers get there too.
            if after.is_some() && !self.goes_on().await? {
                return Ok(false);
            }
            let page = self.courier.store.deliveries(&filter, after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(true) };
            // In the order of their acceptance, and none ends before it is accepted.
            let is_last = page.len() < PAGE as usize || last.value.delivery.accepted_at >= before;
            after = Some(last.value.delivery.id.to_string());
            let mut by_account: BTreeMap<CustomerId, Vec<Row<DeliveryRecord>>> = BTreeMap::new();
            for row in page.into_iter().filter(|row| ended_at(&row.value) < before) {
                by_account.entry(row.value.delivery.customer_id.clone()).or_default().push(row);
            }
            for (customer, rows) in by_account {
                let rows = self.may_go(&customer, rows).await?;
                self.remove(&customer, rows, before).await?;
            }
            if is_last {
                return Ok(true);
            }
        }
    }

    /// Those with which nothing can happen any more.
    async fn may_go(
        &mut self,
        customer: &CustomerId,
        rows: Vec<Row<DeliveryRecord>>,
    ) -> Result<Vec<Row<DeliveryRecord>>> {
        let now = self.courier.chance.now();
        let mut left = Vec::with_capacity(rows.len());
        for row in rows {
            let record = &row.value;
            let counted_in =
                record.shown.counted_in.as_ref().filter(|_| record.delivery.status == DeliveryStatus::Grouped);
            let mut is_counted = false;
            for parent in [Some(&record.delivery.id), counted_in].into_iter().flatten() {
                is_counted |= self.courier.store.has_open_group(customer, parent, now).await?;
            }
            if !is_counted {
                left.push(row);
            }
        }
        let open: Vec<&DeliveryRecord> =
            left.iter().map(|row| &row.value).filter(|record| may_be_open(record)).collect();
        let over = self.asked.over(self.courier, customer, &open).await;
        left.retain(|row| !may_be_open(&row.value) || over.contains(&row.value.delivery.id));
        Ok(left)
    }

    /// Removes them and says so, in one commit. One that somebody takes up in this moment keeps the others back until
    /// tomorrow.
    async fn remove(&self, customer: &CustomerId, rows: Vec<Row<DeliveryRecord>>, before: DateTime<Utc>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len();
        let changes = rows.into_iter().map(|row| Change::RemoveDelivery {
            trace: trace(&row.value),
            version: row.version,
            id: row.value.delivery.id,
        });
        let (now, before) = (self.courier.chance.now(), before.to_rfc3339_opts(SecondsFormat::Secs, true));
        let event = Event {
            customer_id: Some(customer.clone()),
            detail: HashMap::from([
                ("deliveries".to_owned(), count.to_string()),
                ("before".to_owned(), before.clone()),
            ]),
            ..Event::new(
                EventKind::Forgotten,
                format!("{count} deliveries that were over before {before} are removed."),
                now,
            )
        };
        if self.commit(changes.collect(), event).await? {
            metrics::counter!("itsm_adapter_deliveries_forgotten").increment(count as u64);
        }
        Ok(())
    }

    /// The log's beginning, up to the first event that is young enough.
    async fn events(&mut self, before: DateTime<Utc>) -> Result<bool> {
        let mut is_first = true;
        loop {
            if !std::mem::take(&mut is_first) && !self.goes_on().await? {
                return Ok(false);
            }
            let page = self.courier.store.events(None, 0, PAGE).await?;
            let old: Vec<i64> = page.iter().take_while(|event| event.at < before).map(|event| event.sequence).collect();
            let Some(&through) = old.last() else { return Ok(true) };
            let (count, now) = (old.len(), self.courier.chance.now());
            let until = before.to_rfc3339_opts(SecondsFormat::Secs, true);
            let event = Event {
                detail: HashMap::from([("events".to_owned(), count.to_string()), ("before".to_owned(), until.clone())]),
                ..Event::new(EventKind::Forgotten, format!("{count} events of before {until} are removed."), now)
            };
            self.commit(vec![Change::RemoveEvents { through }], event).await?;
            if count < PAGE as usize {
                return Ok(true);
            }
        }
    }

    /// False when somebody was faster.
    async fn commit(&self, mut changes: Vec<Change>, event: Event) -> Result<bool> {
        changes.push(Change::Event(event.clone()));
        match self.courier.store.commit(changes).await {
            Ok(committed) => {
                self.courier.observers.publish_from(committed.first_event, vec![event]);
                Ok(true)
            }
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }
}

/// When something last happened with it.
fn ended_at(record: &DeliveryRecord) -> DateTime<Utc> {
    let at = record.delivery.updated_at;
    record.shown.noted_at.map_or(at, |noted| at.max(noted))
}

/// Whether its incident is open for all that is known here.
fn may_be_open(record: &DeliveryRecord) -> bool {
    record.delivery.status == DeliveryStatus::Delivered
        && !(record.shown.resolved && record.shown.state == AlertState::Ended)
}

/// None: there never was an incident of the alert, so there is nothing to be told apart from.
fn trace(record: &DeliveryRecord) -> Option<Trace> {
    let DeliveryRecord { delivery, shown, .. } = record;
    let never = matches!(delivery.status, DeliveryStatus::Ignored | DeliveryStatus::Grouped)
        && delivery.attempts == 0
        && shown.generation == 0
        && record.attempt_deadline.is_none()
        && record.unsure_at.is_empty();
    let key = alert_key(&delivery.customer_id, &delivery.alert.source, &delivery.alert.id);
    let number = delivery.incident.as_ref().map(|incident| incident.number.clone());
    (!never).then(|| Trace { key, generation: shown.generation, number: number.or_else(|| shown.follows.clone()) })
}
