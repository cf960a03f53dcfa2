//! Tokens that nobody needs any more: revoked at their instance, and tried again until that has worked.

use chrono::{DateTime, Utc};

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

    /// Revokes what these pending revocations hold, and nothing that was left before; the first failure comes back, the
    /// rest is tried all the same.
    pub(super) async fn finish_these(&self, ids: &[String], customer: &CustomerId) -> Result<Option<Error>> {
        if ids.is_empty() { Ok(None) } else { self.finish_where(customer, |row| ids.contains(&row.id)).await }
    }

    /// Works through the tokens of the account that wait to be revoked, as far as they are meant.
    pub(super) async fn finish_where(
        &self,
        customer: &CustomerId,
        is_meant: impl Fn(&PendingRevocation) -> bool,
    ) -> Result<Option<Error>> {
        let mut rows = self.store.revocations(Some(customer), u32::MAX).await?;
        rows.retain(|row| is_meant(&row.value));
        self.finish_rows(rows).await
    }

    /// Revokes what these hold, one after the other; the first failure comes back.
    pub(super) async fn finish_rows(&self, rows: Vec<Row<PendingRevocation>>) -> Result<Option<Error>> {
        let now = self.chance.now();
        let mut first = None;
        for row in rows {
            // Somebody tests these tokens just now.
            if row.value.in_hand_until.is_some_and(|until| until > now) {
                continue;
            }
            let failure = match self.finish(&row).await {
                // One that does not open says nothing of the others.
                Err(error) if error.kind() == ErrorKind::Sealed => {
                    tracing::warn!(customer = %row.value.customer_id, error = %error, "tokens cannot be revoked");
                    self.give_up_at_the_end(&row.value).await?;
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

    /// Forgets what could not be revoked before it ended by itself; false while it lives.
    async fn give_up_at_the_end(&self, pending: &PendingRevocation) -> Result<bool> {
        let now = self.chance.now();
        if pending.ends_at.is_none_or(|end| now < end) {
            return Ok(false);
        }
        let mut event = revocation_failed(pending, "Tokens were never revoked; they have ended by themselves.", now);
        event.detail.insert("tokens".to_owned(), "ended".to_owned());
        let (customer_id, id) = (pending.customer_id.clone(), pending.id.clone());
        let changes = vec![Change::RemoveRevocation { customer_id, id }, Change::Event(event.clone())];
        let committed = self.store.commit(changes).await.map_err(not_forgotten)?;
        self.observers.publish_from(committed.first_event, vec![event]);
        Ok(true)
    }

    /// Revokes tokens in hand that are not going to be saved. What fails is left for the next check.
    pub(super) async fn let_go(&self, customer: &CustomerId, in_hand: &str) {
        let work = async {
            let rows = self.store.revocations(Some(customer), u32::MAX).await?;
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
                self.store.commit(vec![done]).await.map_err(not_forgotten)?;
            }
            Some(_) if self.give_up_at_the_end(pending).await? => {}
            Some(error) => {
                let message = format!("Tokens could not be revoked: {}", error.message());
                self.observers.publish(&revocation_failed(pending, &message, self.chance.now()));
            }
        }
        Ok(failure)
    }
}

fn revocation_failed(pending: &PendingRevocation, message: &str, at: DateTime<Utc>) -> LogEvent {
    LogEvent {
        customer_id: Some(pending.customer_id.clone()),
        instance_id: Some(pending.instance_id.clone()),
        ..LogEvent::new(EventKind::RevocationFailed, message.to_owned(), at)
    }
}

fn not_forgotten(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Failed(error) => error,
        _ => Error::new(ErrorKind::Internal, "The store refused to forget a revocation."),
    }
}
