//! Monitor: alerts in the order in which they changed.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Sweep, mark};
use crate::{
    api::citrix::MonitorAlert,
    delivery::source::monitor_alert,
    error::{Error, ErrorKind, Result},
};

/// This much is read again each time: Monitor's data arrives late, with the time at which it was made.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// Records that are remembered as seen; older ones are told from new ones by their identity.
const REMEMBERED: usize = 5000;
/// Pages of one look (T13). What changed after the last of them is for the next look.
const MAX_PAGES: usize = 500;

impl Sweep<'_> {
    pub(super) async fn monitor(&mut self) -> Result<()> {
        let (sweeper, customer, environment) = (self.sweeper, self.customer, self.environment);
        let (citrix, tokens) = (&sweeper.citrix, &sweeper.tokens);
        let overlap = if self.version.is_some() { OVERLAP } else { TimeDelta::zero() };
        let mut since = self.position.since - overlap;
        let mut next = None;
        let mut policies = None;
        let (began, now) = (self.position.since, sweeper.chance.now());
        for _ in 0..MAX_PAGES {
            self.go_on().await?;
            let link: &Option<url::Url> = &next;
            let ask = |token: std::sync::Arc<crate::Secret>| async move {
                match link {
                    None => citrix.monitor_alerts(&token, customer, environment, since).await,
                    Some(link) => citrix.monitor_next(&token, customer, environment, link.clone()).await,
                }
            };
            let page = tokens.with_token(customer, ask).await?;
            let records = self.records(page.value, since)?;
            let last = records.last().map(|record| record.modified_date);
            let fresh = self.fresh(records);
            if !fresh.is_empty() && policies.is_none() {
                policies = Some(self.policies().await?);
            }
            let names = policies.as_ref();
            let alerts = fresh.iter().map(|record| match names {
                Some(names) => monitor_alert(customer, record, names),
                None => monitor_alert(customer, record, &HashMap::new()),
            });
            let alerts = alerts.collect();
            self.submit(alerts).await?;
            for record in &fresh {
                self.position.seen.insert(mark_of(record), record.modified_date.timestamp());
            }
            let before = self.position.since;
            // A change that is dated in the future must not hide those that come before its time.
            self.position.since = last.map_or(before, |last| last.min(now).max(before));
            self.forget();
            if self.position.since != before || !fresh.is_empty() || self.version.is_none() {
                self.save().await?;
            }
            match (page.next, last) {
                (None, _) => return Ok(()),
                // From the last change on rather than by the link: a record that changes meanwhile moves to the end,
                // and would move another one out of sight.
                (Some(_), Some(last)) if last > since => (since, next) = (last, None),
                (Some(link), _) => next = Some(link),
            }
        }
        if self.position.since > began {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Protocol, "The list of Monitor's alerts does not end."))
    }

    /// The records of a page that can be read, in an order that the page must have.
    fn records(&mut self, page: Vec<serde_json::Value>, since: DateTime<Utc>) -> Result<Vec<MonitorAlert>> {
        self.report.read += i64::try_from(page.len()).unwrap_or(i64::MAX);
        let mut records: Vec<MonitorAlert> = Vec::with_capacity(page.len());
        for value in page {
            match serde_json::from_value::<MonitorAlert>(value) {
                Ok(record) => records.push(record),
                Err(_) => {
                    tracing::warn!(customer = %self.customer, "a record of Monitor cannot be read");
                    self.report.unreadable += 1;
                }
            }
        }
        // T11: with a filter or an order that was not obeyed, moving on would leave alerts behind.
        let is_ordered = records.is_sorted_by_key(|record| record.modified_date);
        if !is_ordered || records.first().is_some_and(|first| first.modified_date < since) {
            return Err(Error::new(
                ErrorKind::Protocol,
                "Monitor answers with other records, or in another order, than it was asked for.",
            ));
        }
        Ok(records)
    }

    /// Those that were not seen before.
    fn fresh(&mut self, records: Vec<MonitorAlert>) -> Vec<MonitorAlert> {
        let (seen, fresh): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| self.position.seen.contains_key(&mark_of(record)));
        self.report.duplicates += i64::try_from(seen.len()).unwrap_or(i64::MAX);
        fresh
    }

    async fn policies(&self) -> Result<HashMap<i64, String>> {
        let (sweeper, customer, environment) = (self.sweeper, self.customer, self.environment);
        self.go_on().await?;
        let ask = |token: std::sync::Arc<crate::Secret>| async move {
            sweeper.citrix.monitor_policies(&token, customer, environment).await
        };
        let policies = sweeper.tokens.with_token(customer, ask).await?;
        Ok(policies.into_iter().filter_map(|policy| Some((policy.id, policy.name?))).collect())
    }

    /// Forgets what will not be read again, and what is too much.
    fn forget(&mut self) {
        let oldest = (self.position.since - OVERLAP).timestamp();
        self.position.seen.retain(|_, second| *second >= oldest);
        if self.position.seen.len() > REMEMBERED {
            let mut seconds: Vec<i64> = self.position.seen.values().copied().collect();
            seconds.sort_unstable();
            let cut = seconds[seconds.len() - REMEMBERED];
            self.position.seen.retain(|_, second| *second > cut);
        }
    }
}

/// A record in one of its states.
fn mark_of(record: &MonitorAlert) -> String {
    mark([record.id.as_str(), &record.modified_date.to_rfc3339_opts(SecondsFormat::AutoSi, true)])
}
