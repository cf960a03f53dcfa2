//! Notifications of Citrix Cloud: a list without a filter, whose dates are their senders' own.
//!
//! Every sweep reads the whole list (Citrix keeps 90 days) and remembers what it held. What was there at the first look
//! and is older than its beginning is remembered and not submitted; afterwards only what is new counts, whatever date
//! it says.

use std::collections::BTreeMap;

use super::{Sweep, mark};
use crate::{
    api::citrix::ListedNotification,
    delivery::source::listed_alert,
    error::{Error, ErrorKind, Result},
};

/// Pages of one sweep; a list that never ends stops here (T13).
const MAX_PAGES: usize = 500;

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
        let mut held = BTreeMap::new();
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
                if self.position.seen.contains_key(&mark) || is_old || held.contains_key(&mark) {
                    self.report.duplicates += 1;
                } else {
                    alerts.push(alert);
                    marks.push(mark.clone());
                }
                held.insert(mark, 0);
            }
            let is_news = !alerts.is_empty();
            self.submit(alerts).await?;
            self.position.seen.extend(marks.into_iter().map(|mark| (mark, 0)));
            let next = page.continuation_token.filter(|next| !next.is_empty());
            if next.is_none() {
                // What the list does not hold any more need not be remembered.
                self.position.seen = held;
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
}

/// Stands among the marks until the first sweep has come to its end.
const FIRST: &str = "first";
