//! Looking at a source of alerts: Monitor, and the notifications of Citrix Cloud.
//!
//! What is read is submitted durably before the resume point moves, so that whoever dies in between reads it again,
//! and what is read again is absorbed by its identity. A lease keeps it to one look at a time per source and account,
//! over all processes; the resume point moves by compare-and-set, so that a lease that was lost does no harm.

mod cloud;
mod monitor;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    accept::Acceptance,
    lease::HeldLease,
    source::{CITRIX_CLOUD, MONITOR},
};
use crate::{
    api::citrix::CitrixCloud,
    clock::Chance,
    error::{Error, ErrorKind, Result, Retry},
    id::CustomerId,
    model::{Alert, AlertSource, AlertState, Environment, SweepReport},
    oauth::Tokens,
    store::{Change, Lease, Put, Refusal, ResumePoint, Store},
};

/// Where a source that was never read is begun.
const BEGINNING: TimeDelta = TimeDelta::days(1);
/// A caller's clock may be so much ahead of ours.
const SKEW: TimeDelta = TimeDelta::minutes(5);
/// Added to the longest time that a call may take.
const MARGIN: Duration = Duration::from_secs(30);
/// Alerts of one page that are submitted at once.
const AT_ONCE: usize = 16;
/// Digits that tell what was seen apart.
const MARK: usize = 16;

/// Looks at sources; cheap to clone.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) chance: Chance,
    pub(crate) acceptance: Acceptance,
    pub(crate) citrix: CitrixCloud,
    pub(crate) tokens: Tokens,
    /// How long one call takes at the most, with its waits and repetitions.
    pub(crate) total_timeout: Duration,
}

/// How far a source is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Position {
    /// Everything before this instant is submitted, or was there before the first look.
    since: DateTime<Utc>,
    /// What was seen of the part that is read again. Monitor: with the second it is from; the notifications of Citrix
    /// Cloud: with the second in which it was last seen, or 0 where nobody knows.
    seen: BTreeMap<String, i64>,
}

/// One look under way.
struct Sweep<'a> {
    sweeper: &'a Sweeper,
    customer: &'a CustomerId,
    environment: Environment,
    lease: Lease,
    version: Option<i64>,
    position: Position,
    report: SweepReport,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Accepted,
    Changed,
    Known,
    Unreadable,
}

impl Sweeper {
    /// Looks once. `since` says where to begin when the source was never read (a day back).
    ///
    /// # Errors
    /// `invalid_input` for a `since` in the future; those of the store and of the source.
    pub(crate) async fn sweep(
        &self,
        customer: &CustomerId,
        environment: Environment,
        source: AlertSource,
        since: Option<DateTime<Utc>>,
    ) -> Result<SweepReport> {
        let word = word(source);
        let mut report = SweepReport {
            customer_id: customer.clone(),
            source,
            looked: false,
            read: 0,
            accepted: 0,
            changed: 0,
            duplicates: 0,
            unreadable: 0,
            resumes_at: None,
        };
        let (name, now) = (format!("sweep:{word}:{customer}"), self.chance.now());
        if since.is_some_and(|since| since > now + SKEW) {
            return Err(Error::invalid("A source cannot be read from an instant in the future on."));
        }
        let Some((held, lease)) = HeldLease::take(&self.store, &self.chance, name, self.span()).await? else {
            return Ok(report);
        };
        report.looked = true;
        // Under the lease: whoever held it last may have moved it.
        let row = self.store.resume_point(customer, word).await?;
        let (version, mut position) = match row {
            Some(row) => (Some(row.version), read(&row.value)?),
            None => (None, Position { since: since.unwrap_or(now - BEGINNING), seen: BTreeMap::new() }),
        };
        // Further on than now nothing can be read: it would be passed by for ever.
        position.since = position.since.min(now);
        let mut sweep = Sweep { sweeper: self, customer, environment, lease, version, position, report };
        let outcome = match source {
            AlertSource::Monitor => sweep.monitor().await,
            AlertSource::CitrixCloud => sweep.cloud().await,
        };
        sweep.report.resumes_at = Some(sweep.position.since);
        let report = sweep.report;
        held.give_back().await;
        outcome.map(|()| report)
    }

    fn span(&self) -> TimeDelta {
        TimeDelta::from_std(self.total_timeout + MARGIN).unwrap_or(TimeDelta::MAX)
    }

    /// Submits an alert, unless it is known as it is. Durable when it returns.
    async fn take(&self, alert: Alert) -> Result<Taken> {
        let customer = CustomerId::parse(&alert.customer_id)?;
        let known = self.store.delivery_of(&customer, &alert.source, &alert.id).await?;
        match &known {
            Some(row) if row.value.delivery.alert == alert => return Ok(Taken::Known),
            // What was over before anybody knew of it makes no incident.
            None if alert.state == AlertState::Ended => return Ok(Taken::Known),
            _ => {}
        }
        match self.acceptance.accept(alert).await {
            Ok(_) if known.is_some() => Ok(Taken::Changed),
            Ok(_) => Ok(Taken::Accepted),
            // One that cannot be an alert must not hold up the others.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                tracing::warn!(%customer, %error, "a record of a source is no alert");
                Ok(Taken::Unreadable)
            }
            Err(error) => Err(error),
        }
    }
}

impl Sweep<'_> {
    /// Submits what a page brought. When it returns, all of it is durable.
    async fn submit(&mut self, alerts: Vec<Alert>) -> Result<()> {
        let sweeper = self.sweeper;
        let ids: HashSet<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
        // Two states of one alert keep their order.
        let at_once = if ids.len() == alerts.len() { AT_ONCE } else { 1 };
        let taken = stream::iter(alerts).map(|alert| sweeper.take(alert)).buffered(at_once);
        for taken in taken.try_collect::<Vec<_>>().await? {
            let count = match taken {
                Taken::Accepted => &mut self.report.accepted,
                Taken::Changed => &mut self.report.changed,
                Taken::Known => &mut self.report.duplicates,
                Taken::Unreadable => &mut self.report.unreadable,
            };
            *count += 1;
        }
        Ok(())
    }

    /// Prolongs the lease for one more call.
    async fn go_on(&self) -> Result<()> {
        let (sweeper, now) = (self.sweeper, self.sweeper.chance.now());
        match sweeper.store.acquire(&self.lease.name, &self.lease.owner, now, now + sweeper.span()).await? {
            Some(held) if held.fence == self.lease.fence => return Ok(()),
            // Somebody else had it in between: what was taken anew is not kept.
            Some(anew) => sweeper.store.release(&anew).await?,
            None => {}
        }
        Err(overtaken())
    }

    /// Moves the resume point.
    async fn save(&mut self) -> Result<()> {
        let sweeper = self.sweeper;
        let position = serde_json::to_string(&self.position)
            .map_err(|error| Error::new(ErrorKind::Internal, "A resume point cannot be written.").because(error))?;
        let value = ResumePoint {
            customer_id: self.customer.clone(),
            source: word(self.report.source).to_owned(),
            position,
            updated_at: sweeper.chance.now(),
        };
        let put = Change::ResumePoint(Put { value, sealed: None, replaces: self.version });
        match sweeper.store.commit(vec![put]).await {
            Ok(committed) => {
                self.version = Some(committed.version);
                Ok(())
            }
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::Missing) => Err(Error::new(ErrorKind::NotFound, "The account was removed meanwhile.")),
            Err(_) => Err(overtaken()),
        }
    }
}

fn overtaken() -> Error {
    Error::new(ErrorKind::Unavailable, "Another process has taken over the look at this source.").retry(Retry::Now)
}

fn word(source: AlertSource) -> &'static str {
    match source {
        AlertSource::Monitor => MONITOR,
        AlertSource::CitrixCloud => CITRIX_CLOUD,
    }
}

fn read(point: &ResumePoint) -> Result<Position> {
    serde_json::from_str(&point.position).map_err(|error| {
        Error::new(ErrorKind::Store, "A resume point cannot be understood.")
            .remedy("It was written by a newer version of this library: update it.")
            .because(error)
    })
}

/// What tells a record that was seen from others.
fn mark<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut mark = super::key::digest(parts);
    mark.truncate(MARK);
    mark
}
