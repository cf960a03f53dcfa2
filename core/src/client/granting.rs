//! A grant on its way in: issued, written down as in hand, tested, then saved or revoked.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Inner, accounts::given, connections::gone};
use crate::{
    api::servicenow::EndpointCredentials,
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    model::{Connection, Grant, GrantKind, InstanceHealth, OauthEndpoint, RegisterServiceAccount},
    oauth::{Access, ConnectionSecrets, SealedClient, TokenSet},
    registration::{Event, Inspection, NewGrant, Payload, inspect},
    secret::Secret,
};

/// How long tokens may be tested before anybody else may take them for left behind.
const IN_HAND: TimeDelta = TimeDelta::minutes(10);
/// How long the test itself may take: it ends well before that.
const LONGEST_TEST: Duration = Duration::from_secs(8 * 60);

/// Credentials of a service account for an instance, complete.
pub(super) struct Candidate {
    pub(super) customer: CustomerId,
    pub(super) instance: InstanceId,
    endpoint: OauthEndpoint,
    client_secret: Secret,
    user_name: String,
    password: Secret,
}

/// Tokens that were issued and tested, and are neither saved nor revoked.
pub(super) struct Tried {
    pub(super) tokens: TokenSet,
    pub(super) inspection: Inspection,
    /// The pending revocation that they are written down in.
    pub(super) in_hand: String,
}

/// What is saved together with the tokens.
pub(super) struct Granted {
    pub(super) kind: GrantKind,
    pub(super) endpoint: OauthEndpoint,
    pub(super) client_secret: Option<Secret>,
    /// As given; the instance's own answer for a user account.
    pub(super) user_name: String,
    /// Of a service account only.
    pub(super) password: Option<Secret>,
    /// The issuer that named itself with the consent.
    pub(super) issuer: Option<String>,
}

impl Inner {
    pub(super) fn candidate(&self, request: &RegisterServiceAccount) -> Result<Candidate> {
        given("client_secret", request.client_secret.expose())?;
        given("password", request.password.expose())?;
        Ok(Candidate {
            customer: CustomerId::parse(&request.customer_id)?,
            instance: self.instance(&request.instance_url)?,
            endpoint: OauthEndpoint {
                client_id: given("client_id", &request.client_id)?.to_owned(),
                redirect_url: None,
            },
            client_secret: request.client_secret.clone(),
            user_name: given("user_name", &request.user_name)?.to_owned(),
            password: request.password.clone(),
        })
    }

    /// Gets tokens with the candidate's credentials and makes the connection test with them.
    ///
    /// An instance gives the same token to everybody with the same client and user, so that somebody else can
    /// revoke it in the middle of the test. One more exchange, as everywhere: the password was accepted before.
    pub(super) async fn try_candidate(&self, candidate: &Candidate) -> Result<Tried> {
        self.tokens.is_served(&candidate.customer).await?;
        let tried = self.try_once(candidate).await?;
        match &tried.inspection.failure {
            Some(error) if error.context("token") == Some("rejected") => {
                self.let_go(&candidate.customer, &tried.in_hand).await;
                self.try_once(candidate).await
            }
            _ => Ok(tried),
        }
    }

    async fn try_once(&self, candidate: &Candidate) -> Result<Tried> {
        let credentials = EndpointCredentials {
            instance_id: &candidate.instance,
            client_id: &candidate.endpoint.client_id,
            client_secret: Some(&candidate.client_secret),
        };
        let tokens = self.servicenow.password_grant(&credentials, &candidate.user_name, &candidate.password).await?;
        let client = SealedClient {
            client_id: candidate.endpoint.client_id.clone(),
            client_secret: Some(candidate.client_secret.clone()),
        };
        self.try_tokens(&candidate.customer, &candidate.instance, tokens, client).await
    }

    /// Writes tokens down that were just issued, and makes the connection test with them.
    pub(super) async fn try_tokens(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        tokens: TokenSet,
        client: SealedClient,
    ) -> Result<Tried> {
        let in_hand = self.take_in_hand(customer, instance, &tokens, client).await?;
        let access = Access::new(instance, &tokens.access)?;
        let inspection = tokio::select! {
            inspection = inspect(&self.servicenow, &access, self.chance.now()) => inspection,
            () = self.chance.clock.sleep(LONGEST_TEST) => {
                self.let_go(customer, &in_hand).await;
                let error = Error::new(ErrorKind::Timeout, "The connection test took too long.").retry(Retry::Now);
                return Err(error);
            }
        };
        Ok(Tried { tokens, inspection, in_hand })
    }

    /// Writes tokens down that were just issued. The id is for `let_go`, or for the event that saves them.
    pub(super) async fn take_in_hand(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        tokens: &TokenSet,
        client: SealedClient,
    ) -> Result<String> {
        let taken = self.driver.take_in_hand(customer, instance, tokens, client.clone(), IN_HAND).await;
        if taken.is_err() {
            // They cannot be written down, so nobody would find them later.
            self.discard(instance, tokens, &client).await;
        }
        taken
    }

    /// Tests the candidate and saves it; a candidate that fails leaves no trace.
    pub(super) async fn save(&self, candidate: Candidate, payload: Payload, event: Event) -> Result<Connection> {
        let (customer, instance) = (candidate.customer.clone(), candidate.instance.clone());
        let tried = match self.try_candidate(&candidate).await {
            Ok(tried) => tried,
            Err(error) => {
                self.save_failed(&customer, &instance).await;
                return Err(error);
            }
        };
        let granted = Granted {
            kind: GrantKind::ServiceAccount,
            endpoint: candidate.endpoint,
            client_secret: Some(candidate.client_secret),
            user_name: candidate.user_name,
            password: Some(candidate.password),
            issuer: None,
        };
        self.save_tried(&customer, &instance, tried, granted, payload, event).await
    }

    /// Tells the driver that a candidate failed; why it failed is what the caller is told, whatever comes of this.
    async fn save_failed(&self, customer: &CustomerId, instance: &InstanceId) {
        if let Err(error) = self.driver.apply(customer, instance, Event::SaveFailed, Payload::default()).await {
            tracing::warn!(error = %error, "a failed test could not be noted");
        }
    }

    /// Saves tokens that were tested, in one commit that also lets go of them; revokes them when they failed.
    pub(super) async fn save_tried(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        tried: Tried,
        granted: Granted,
        mut payload: Payload,
        event: Event,
    ) -> Result<Connection> {
        let Tried { tokens, inspection, in_hand } = tried;
        if let Some(error) = inspection.failure {
            self.save_failed(customer, instance).await;
            self.let_go(customer, &in_hand).await;
            return Err(error);
        }
        payload.instance.connector_version = inspection.connector_version;
        payload.instance.health = Some((InstanceHealth::Available, None));
        payload.report = Some(inspection.report);
        payload.in_hand = Some(in_hand.clone());
        payload.grant = Some(NewGrant {
            endpoint: granted.endpoint,
            grant: Grant {
                kind: granted.kind,
                user_name: granted.user_name,
                user_sys_id: inspection.identity.map(|identity| identity.sys_id),
                granted_at: self.chance.now(),
                expires_at: match granted.kind {
                    GrantKind::ServiceAccount => tokens.refresh_expires_at,
                    GrantKind::UserAccount => tokens.consent_ends_at(),
                },
                days_left: None,
                warned_days: None,
            },
            secrets: ConnectionSecrets {
                client_secret: granted.client_secret,
                password: granted.password,
                tokens,
                issuer: granted.issuer,
            },
        });
        let left = payload.replaces.clone();
        match self.driver.apply(customer, instance, event, payload).await {
            Ok(applied) => {
                self.forget(customer, instance);
                if let Some(from) = &left {
                    self.forget(customer, from);
                    note("a flow of the old address", self.give_up_flows(customer, from).await);
                }
                note("a token of the grant before", self.finish_these(&applied.revocations, customer).await);
                if self.config.probe
                    && let Err(error) = self.courier().probe(customer, instance).await
                {
                    // The registration is saved, and works without.
                    self.progress(customer, &format!("The probe did not work: {}", error.message()));
                }
                let connection = applied.connection.ok_or_else(gone)?;
                Ok(self.shown(connection.clone()).await.unwrap_or(connection))
            }
            Err(error) => {
                self.let_go(customer, &in_hand).await;
                Err(error)
            }
        }
    }
}

/// The commit decides whether a registration was saved. What fails after it is left for the next check.
fn note<T>(what: &str, done: Result<T>) {
    if let Err(error) = done {
        tracing::warn!(error = %error, "{what} could not be ended after the registration was saved");
    }
}
