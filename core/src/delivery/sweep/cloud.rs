//! Notifications of Citrix Cloud: a list without a filter, whose dates are their senders' own.
//!
//! Every sweep reads the whole list and remembers what it held, and when. What was there at the first look and is older
//! than its beginning is remembered and not submitted; afterwards only what is new counts, whatever date it says.
//! A list that lacks something for once (another administrator's, or one that moved between two pages) proves nothing:
//! only what was not seen for longer than Citrix keeps it is forgotten.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Sweep, mark};
use crate::{
    api::citrix::ListedNotification,
    delivery::source::listed_alert,
    error::{Error, ErrorKind, Result},
};

/// Pages of one sweep; a list that never ends stops here (T13).
const MAX_PAGES: usize = 500;
/// So long Citrix keeps a notification.
const KEPT: TimeDelta = TimeDelta::days(90);

impl Sweep<'_> {
    pub(super) async fn cloud(&mut self) -> Result<()> {
        let (sweeper, customer, environment) = (self.sweeper, self.customer, self.environment);
        let (citrix, tokens) = (&sweeper.citrix, &sweeper.tokens);
        let is_first = self.version.is_none() || self.position.seen.contains_key(FIRST);
        if self.version.is_none() {
            // The beginning is written down first: a sweep that dies and is repeated later has the same one.
            self.position.seen.insert(FIRST.to_owned(), 0);
            self.save().await?;
        }
        let started_at = sweeper.chance.now();
        let mut held = BTreeSet::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            self.go_on().await?;
            let token_of_page = after.as_deref();
            let ask = |token: std::sync::Arc<crate::Secret>| async move {
                citrix.notifications(&token, customer, environment, token_of_page).await
            };
            let page = tokens.with_token(customer, ask).await?;
            self.report.read += i64::try_from(page.items.len()).unwrap_or(i64::MAX);
            let (mut alerts, mut marks) = (Vec::new(), Vec::new());
            for item in page.items {
                let listed = serde_json::from_value::<ListedNotification>(item).ok();
                let alert = listed.as_ref().and_then(|listed| listed_alert(customer, listed));
                let Some(alert) = alert else {
                    self.report.unreadable += 1;
                    continue;
                };
                let mark = mark([alert.id.as_str()]);
                let is_old = is_first && alert.raised_at.is_some_and(|at| at < self.position.since);
                if self.position.seen.contains_key(&mark) || is_old || held.contains(&mark) {
                    self.report.duplicates += 1;
                } else {
                    alerts.push(alert);
                    marks.push(mark.clone());
                }
                held.insert(mark);
            }
            let is_news = !alerts.is_empty();
            self.submit(alerts).await?;
            self.see(marks, started_at);
            let next = page.continuation_token.filter(|next| !next.is_empty());
            if next.is_none() {
                self.see(held, started_at);
                self.forget_unseen(started_at);
                self.position.since = started_at;
                return self.save().await;
            }
            if is_news {
                self.save().await?;
            }
            if next == after {
                break;
            }
            after = next;
        }
        Err(Error::new(ErrorKind::Protocol, "The list of notifications does not end."))
    }

    fn see(&mut self, marks: impl IntoIterator<Item = String>, at: DateTime<Utc>) {
        self.position.seen.extend(marks.into_iter().map(|mark| (mark, at.timestamp())));
    }

    /// Forgets what Citrix cannot have any more, and that the first sweep is not yet over.
    fn forget_unseen(&mut self, now: DateTime<Utc>) {
        self.position.seen.remove(FIRST);
        for second in self.position.seen.values_mut().filter(|second| **second == 0) {
            // Written by a version that did not say when.
            *second = now.timestamp();
        }
        let oldest = (now - KEPT).timestamp();
        self.position.seen.retain(|_, second| *second >= oldest);
    }
}

/// Stands among the marks until the first sweep has come to its end.
const FIRST: &str = "first";
