//! Rotation without a gap: the new one has worked before the old one is dropped.

use std::sync::Arc;

use super::{Inner, Registrations, accounts::given, connections::gone};
use crate::{
    api::servicenow::EndpointCredentials,
    detached::detached,
    error::Result,
    id::{CustomerId, InstanceId},
    model::Connection,
    oauth::{ConnectionSecrets, SealedClient, just_replaced},
    registration::{Applied, Event, NewGrant, Payload, not_connected, wall_moves_to},
    secret::Secret,
};

impl Registrations<'_> {
    /// Gives a registration the new secret of its OAuth endpoint, without anybody signing in again: the grant in use
    /// is renewed with it, and only when that has worked the old secret is forgotten. It also brings a registration
    /// back that became `unauthorized` because the secret had changed.
    ///
    /// # Errors
    /// `unauthorized` when the token endpoint refuses it; `illegal_state` without a registration; `invalid_input`,
    /// `not_found`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`, `sealed`. The old secret stays then.
    pub async fn update_endpoint_secret(
        self,
        customer_id: &str,
        instance_url: &str,
        client_secret: &Secret,
    ) -> Result<Connection> {
        let inner = self.0;
        let work = async {
            let customer = CustomerId::parse(customer_id)?;
            let instance = inner.instance(instance_url)?;
            let secret = Secret::from(given("client_secret", client_secret.expose())?);
            inner.driver.check(&customer, &instance, Event::Reauthenticated).await?;
            let inner = Arc::clone(inner);
            // A task of its own: the exchange may give a new refresh token, which must not get lost (T15).
            let change = async move {
                let change = inner.change_secret(&customer, &instance, secret);
                let applied = inner.tokens.exclusively(&customer, &instance, change).await?;
                inner.forget(&customer, &instance);
                inner.finish_these(&applied.revocations, &customer).await?;
                inner.shown(applied.connection.ok_or_else(gone)?).await
            };
            detached("The change of the secret ended unexpectedly.", change).await
        };
        inner.run("registrations.update_endpoint_secret", work).await
    }
}

impl Inner {
    /// Renews with the new secret, and saves both, unless somebody else has replaced the credentials meanwhile.
    async fn change_secret(&self, customer: &CustomerId, instance: &InstanceId, secret: Secret) -> Result<Applied> {
        self.tokens.is_served(customer).await?;
        let registration = self.registration(customer, instance).await?;
        let (connection, stored) = registration.ok_or_else(|| not_connected(customer, instance))?;
        let (Some(endpoint), Some(grant)) = (connection.endpoint, connection.grant) else { return Err(gone()) };
        let credentials =
            EndpointCredentials { instance_id: instance, client_id: &endpoint.client_id, client_secret: Some(&secret) };
        let renewed = match &stored.password {
            Some(password) => self.servicenow.password_grant(&credentials, &grant.user_name, password).await,
            None => self.servicenow.refresh_grant(&credentials, &stored.tokens).await,
        };
        let tokens = renewed?;
        let client = SealedClient { client_id: endpoint.client_id.clone(), client_secret: Some(secret.clone()) };
        let in_hand = self.take_in_hand(customer, instance, &tokens, client).await?;
        let mut grant = grant;
        wall_moves_to(&mut grant, tokens.refresh_expires_at);
        let secrets = ConnectionSecrets { client_secret: Some(secret), tokens, ..stored.clone() };
        let payload = Payload {
            grant: Some(NewGrant { endpoint, grant, secrets }),
            in_hand: Some(in_hand.clone()),
            about: Some(stored),
            ..Payload::default()
        };
        match self.driver.apply(customer, instance, Event::Reauthenticated, payload).await {
            Ok(applied) if !applied.is_stale => Ok(applied),
            failed => {
                self.let_go(customer, &in_hand).await;
                Err(failed.err().unwrap_or_else(just_replaced))
            }
        }
    }
}
