//! Tokens that nobody needs any more: revoked at their instance, and tried again until that has worked.

use super::Inner;
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{ConnectionStatus, Event as LogEvent, EventKind},
    oauth::{ConnectionSecrets, RevocationSecrets, SealedClient, TokenSet},
    secret::Secret,
    store::{Change, ConnectionFilter, PendingRevocation, Refusal, Row},
};

impl Inner {
    /// Revokes tokens that were never saved, unless they are in use after all: an instance gives the same
    /// token again to the same client and user. Without effect on failure: such a token ends by itself.
    pub(super) async fn discard(&self, instance: &InstanceId, tokens: &TokenSet, client: &SealedClient) {
        for token in tokens.all() {
            if !self.in_use(instance, token).await.unwrap_or(true)
                && let Err(error) = self.servicenow.revoke(instance, token, Some(client)).await
            {
                tracing::warn!(error = %error, "a token that was only tried could not be revoked");
            }
        }
    }

    async fn in_use(&self, instance: &InstanceId, token: &Secret) -> Result<bool> {
        let filter = ConnectionFilter {
            instance_id: Some(instance.clone()),
            statuses: vec![ConnectionStatus::Registered, ConnectionStatus::Unauthorized],
            ..ConnectionFilter::default()
        };
        let mut after: Option<(String, String)> = None;
        loop {
            let cursor = after.as_ref().map(|(customer, instance)| (customer.as_str(), instance.as_str()));
            let rows = self.store.connections(&filter, cursor, 500).await?;
            for row in &rows {
                let (customer, instance) = (&row.value.customer_id, &row.value.instance_id);
                if ConnectionSecrets::open(row.sealed.as_ref(), &self.ring, customer, instance)?.tokens.holds(token) {
                    return Ok(true);
                }
            }
            match rows.last() {
                Some(last) if rows.len() == 500 => {
                    after = Some((last.value.customer_id.to_string(), last.value.instance_id.to_string()));
                }
                _ => return Ok(false),
            }
        }
    }

    /// Revokes what these pending revocations hold; the first failure comes back, the rest is tried all the same.
    pub(super) async fn finish_these(&self, ids: &[String], customer: &CustomerId) -> Result<Option<Error>> {
        if ids.is_empty() { Ok(None) } else { self.finish_revocations(Some(customer)).await }
    }

    /// Works through the tokens that wait to be revoked, of one account or of all.
    pub(super) async fn finish_revocations(&self, customer: Option<&CustomerId>) -> Result<Option<Error>> {
        let now = self.chance.now();
        let mut first = None;
        for row in self.store.revocations(customer, 1000).await? {
            // Somebody tests these tokens just now.
            if row.value.in_hand_until.is_some_and(|until| until > now) {
                continue;
            }
            let failure = match self.finish(&row).await {
                // One that does not open stays as it is, and says nothing of the others.
                Err(error) if error.kind() == ErrorKind::Sealed => {
                    tracing::warn!(customer = %row.value.customer_id, error = %error, "tokens cannot be revoked");
                    Some(error)
                }
                done => done?,
            };
            if let Some(error) = failure {
                first.get_or_insert(error);
            }
        }
        Ok(first)
    }

    /// Revokes tokens in hand that are not going to be saved. What fails is left for the next check.
    pub(super) async fn let_go(&self, customer: &CustomerId, in_hand: &str) {
        let work = async {
            let rows = self.store.revocations(Some(customer), 1000).await?;
            match rows.iter().find(|row| row.value.id == in_hand) {
                Some(row) => self.finish(row).await.map(drop),
                None => Ok(()),
            }
        };
        if let Err(error) = work.await {
            tracing::warn!(error = %error, "tokens that were only tried could not be revoked yet");
        }
    }

    /// Revokes the tokens of a row and forgets it. A failure at the instance comes back, and is told as an event.
    async fn finish(&self, row: &Row<PendingRevocation>) -> Result<Option<Error>> {
        let pending = &row.value;
        let secrets = RevocationSecrets::open(row.sealed.as_ref(), &self.ring, &pending.customer_id, &pending.id)?;
        let mut failure = None;
        for token in &secrets.tokens {
            if !self.in_use(&pending.instance_id, &token.0).await?
                && let Err(error) =
                    self.servicenow.revoke(&pending.instance_id, &token.0, secrets.client.as_ref()).await
            {
                failure.get_or_insert(error);
            }
        }
        match &failure {
            None => {
                let done =
                    Change::RemoveRevocation { customer_id: pending.customer_id.clone(), id: pending.id.clone() };
                self.store.commit(vec![done]).await.map_err(|refusal| match refusal {
                    Refusal::Failed(error) => error,
                    _ => Error::new(ErrorKind::Internal, "The store refused to forget a revocation."),
                })?;
            }
            Some(error) => {
                let event = LogEvent {
                    customer_id: Some(pending.customer_id.clone()),
                    instance_id: Some(pending.instance_id.clone()),
                    ..LogEvent::new(
                        EventKind::RevocationFailed,
                        format!("Tokens could not be revoked: {}", error.message()),
                        self.chance.now(),
                    )
                };
                self.observers.publish(&event);
            }
        }
        Ok(failure)
    }
}
