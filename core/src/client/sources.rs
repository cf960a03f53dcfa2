use chrono::{DateTime, Utc};

use super::Inner;
use crate::{
    delivery::Sweeper,
    error::Result,
    id::CustomerId,
    model::{AlertSource, SweepReport},
};

/// Sources that alerts are fetched from. See [`Client::sources`](crate::Client::sources).
#[derive(Clone, Copy)]
pub struct Sources<'a>(pub(super) &'a Inner);

impl Sources<'_> {
    /// Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart or
    /// more. What it read is stored durably before it moves on, so that nothing is lost when it is ended half-way, and
    /// what it reads twice is one alert. Only one look at a time is made per account and source, over all processes
    /// that share the store: Monitor allows one query at a time.
    ///
    /// `since` says where to begin when the source was never looked at (a day back); after that it has no effect. Do
    /// not take the notifications of Citrix Cloud both here and by a webhook: the list does not always give them the
    /// id that the webhook gives, and they would become two alerts.
    ///
    /// # Errors
    /// `not_found` when the account was not added; `invalid_input` for a `since` in the future; `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`,
    /// `protocol`, `store`. What was submitted until then stays, and the next look goes on from there.
    pub async fn poll(
        self,
        customer_id: &str,
        source: AlertSource,
        since: Option<DateTime<Utc>>,
    ) -> Result<SweepReport> {
        let inner = self.0;
        inner
            .run("sources.poll", async {
                let customer = CustomerId::parse(customer_id)?;
                let environment = inner.account(&customer).await?.value.environment;
                let sweeper = Sweeper {
                    store: inner.store.clone(),
                    chance: inner.chance.clone(),
                    acceptance: inner.acceptance(),
                    citrix: inner.citrix.clone(),
                    tokens: inner.tokens.clone(),
                    total_timeout: inner.config.total_timeout,
                };
                sweeper.sweep(&customer, environment, source, since).await
            })
            .await
    }
}
