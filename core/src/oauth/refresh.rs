//! Renewing a token: single flight in the process, lease in the store, *then* read what is stored, exchange,
//! save, release. The rule of proof for `unauthorized` is kept here.

use std::{future::Future, sync::Arc, time::Duration};

use super::{
    doubt::{Doubts, in_doubt},
    flight::{Cached, Flights, TokenKey},
    lease::{Leased, MARGIN},
    token::{Access, AccountSecrets, CitrixToken, ConnectionSecrets, TokenSet, life},
};
use crate::{
    api::{
        citrix::CitrixCloud,
        servicenow::{EndpointCredentials, ServiceNow},
    },
    clock::{BoxFuture, Chance},
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    model::{Account, Connection, ConnectionStatus},
    recent::{Recent, TRUST},
    registration::{Driver, Event, Payload, disabled, no_account, not_connected, wall_moves_to},
    secret::Secret,
    store::{Change, KeyRing, Lease, Put, Refusal, Row, Store},
};

/// Pause before a refused refresh token is tried the second and last time.
const SECOND_TRY: Duration = Duration::from_secs(30);
/// Pause of a password that was answered with 401 by somebody who may not be the token endpoint: no proof that it is
/// wrong, but it may have been counted as such behind that (T16).
const PASSWORD_PAUSE: Duration = Duration::from_secs(3600);
/// A service account renews itself by its password when the wall is nearer than this.
const WALL_MARGIN: Duration = Duration::from_secs(24 * 3600);

/// All tokens of one client; cheap to clone.
#[derive(Clone)]
pub(crate) struct Tokens {
    inner: Arc<Inner>,
    hurried: bool,
}

pub(super) struct Inner {
    citrix_tokens: Arc<Flights<Arc<Secret>>>,
    servicenow_tokens: Arc<Flights<Arc<Access>>>,
    /// Whether accounts are disabled.
    disabled: Recent<CustomerId, bool>,
    pub(super) store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
    pub(super) chance: Chance,
    citrix: CitrixCloud,
    servicenow: ServiceNow,
    driver: Driver,
    /// How long a lease lasts: longer than one call can take, with all its waits. It is prolonged before the next one.
    pub(super) lease_span: Duration,
    pub(super) doubts: Doubts,
}

impl Tokens {
    /// `total_timeout` is how long one call takes at the most.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        ring: Arc<KeyRing>,
        chance: Chance,
        citrix: CitrixCloud,
        servicenow: ServiceNow,
        driver: Driver,
        total_timeout: Duration,
    ) -> Self {
        let (citrix_tokens, servicenow_tokens) = (Flights::new(chance.clone()), Flights::new(chance.clone()));
        let lease_span = total_timeout + MARGIN;
        let inner = Arc::new(Inner {
            citrix_tokens,
            servicenow_tokens,
            disabled: Recent::new(chance.clone(), TRUST),
            store,
            ring,
            chance,
            citrix,
            servicenow,
            driver,
            lease_span,
            doubts: Doubts::default(),
        });
        Self { inner, hurried: false }
    }

    /// The same tokens for somebody who does not wait while one is in doubt, but is told at once that it is: an
    /// `unauthorized` with the time to wait, and the context `token` = `in_doubt`.
    pub(crate) fn hurried(self) -> Self {
        Self { hurried: true, ..self }
    }

    /// The account's token for Citrix Cloud; `refused` is the one that was just answered with 401.
    pub(crate) async fn citrix(&self, customer: &CustomerId, refused: Option<&Secret>) -> Result<Arc<Secret>> {
        self.is_served(customer).await?;
        let key = TokenKey::Citrix(customer.clone());
        let exchange = || {
            let (inner, customer, refused) = (Arc::clone(&self.inner), customer.clone(), refused.cloned());
            async move {
                let renewed = inner.renew(&TokenKey::Citrix(customer), refused.as_ref()).await?;
                Ok(Cached { token: Arc::new(renewed.token), renew_at: renewed.renew_at })
            }
        };
        self.inner.citrix_tokens.get(&key, refused, exchange).await
    }

    /// The account's access to an instance it is registered with; `refused` as above.
    ///
    /// # Errors
    /// `unauthorized` when the registration's grant was refused; nothing is sent then.
    pub(crate) async fn servicenow(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        refused: Option<&Secret>,
    ) -> Result<Arc<Access>> {
        self.is_served(customer).await?;
        let key = TokenKey::ServiceNow(customer.clone(), instance.clone());
        let exchange = || {
            let (inner, key, instance, refused) =
                (Arc::clone(&self.inner), key.clone(), instance.clone(), refused.cloned());
            async move {
                let renewed = inner.renew(&key, refused.as_ref()).await?;
                Ok(Cached { token: Access::new(&instance, &renewed.token)?, renew_at: renewed.renew_at })
            }
        };
        let token = self.inner.servicenow_tokens.get(&key, refused, exchange);
        if !self.hurried {
            return token.await;
        }
        tokio::select! {
            biased;
            token = token => token,
            until = self.inner.doubts.of(&key) => Err(in_doubt(until, self.inner.chance.now())),
        }
    }

    /// Whether the account is there, and not disabled (T7). Every token passes here.
    ///
    /// # Errors
    /// `not_found`; `illegal_state` with the context `account` = `disabled`; `store`.
    pub(crate) async fn is_served(&self, customer: &CustomerId) -> Result<()> {
        let ask = || {
            let (store, customer) = (Arc::clone(&self.inner.store), customer.clone());
            async move {
                let row = store.account(&customer).await?.ok_or_else(|| no_account(&customer))?;
                Ok(row.value.is_disabled)
            }
        };
        if self.inner.disabled.get(customer, ask).await? { Err(disabled(customer)) } else { Ok(()) }
    }

    /// Runs `work` with access; a 401 leads to exactly one renewal and one repetition.
    pub(crate) async fn with_access<T, E, F>(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        work: impl Fn(Arc<Access>) -> F,
    ) -> Result<T, E>
    where
        E: From<Error> + AsRef<Error>,
        F: Future<Output = Result<T, E>>,
    {
        let mut refused: Option<Arc<Access>> = None;
        loop {
            let stale = refused.as_ref().map(|access| &access.token);
            let access = self.servicenow(customer, instance, stale).await?;
            match work(Arc::clone(&access)).await {
                Err(error) if refused.is_none() && error.as_ref().context("token") == Some("rejected") => {
                    refused = Some(access);
                }
                done => return done,
            }
        }
    }

    /// Runs `work` while nobody else exchanges the registration's token, in any process.
    pub(crate) async fn exclusively<T>(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let key = TokenKey::ServiceNow(customer.clone(), instance.clone());
        let lease = self.inner.lease_for_change(&key).await?;
        let done = work.await;
        self.inner.release(&lease).await;
        done
    }

    /// Runs `work` with the account's token for Citrix Cloud; a 401 leads to exactly one renewal and one
    /// repetition.
    pub(crate) async fn with_token<T, F>(&self, customer: &CustomerId, work: impl Fn(Arc<Secret>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut refused: Option<Arc<Secret>> = None;
        loop {
            let token = self.citrix(customer, refused.as_deref()).await?;
            match work(Arc::clone(&token)).await {
                Err(error) if refused.is_none() && error.context("token") == Some("rejected") => refused = Some(token),
                done => return done,
            }
        }
    }

    /// Forgets cached tokens of an account, or of one of its registrations.
    pub(crate) fn forget(&self, customer: &CustomerId, instance: Option<&InstanceId>) {
        match instance {
            None => {
                self.inner.disabled.forget(customer);
                self.inner.citrix_tokens.forget(&TokenKey::Citrix(customer.clone()));
            }
            Some(instance) => {
                self.inner.servicenow_tokens.forget(&TokenKey::ServiceNow(customer.clone(), instance.clone()));
            }
        }
    }
}

impl Inner {
    /// Renews under the lease of the store, unless somebody else has done it meanwhile.
    fn renew<'a>(&'a self, key: &'a TokenKey, refused: Option<&'a Secret>) -> BoxFuture<'a, Result<Renewed>> {
        // Boxed: the compiler cannot prove the nested future `Send` for every lifetime.
        Box::pin(async move {
            let lease = match self.lease(key, refused).await? {
                Leased::Fresh(cached) => return Ok(cached),
                Leased::Held(lease) => lease,
            };
            let result = match key {
                TokenKey::Citrix(customer) => self.exchange_citrix(customer).await,
                TokenKey::ServiceNow(customer, instance) => self.exchange(customer, instance, &lease, refused).await,
            };
            self.release(&lease).await;
            result
        })
    }

    async fn exchange_citrix(&self, customer: &CustomerId) -> Result<Renewed> {
        let (row, secrets) = self.account(customer).await?;
        let account = &row.value;
        let asked_at = self.chance.now();
        let fresh =
            self.citrix.token(customer, account.environment, &account.client_id, &secrets.client_secret).await?;
        let (_, renew_at) = life(&self.chance, asked_at, (fresh.expires_at - asked_at).to_std().unwrap_or_default());
        let token = CitrixToken { access: fresh.secret, renew_at };
        self.save_citrix(customer, &secrets.client_secret, &token).await?;
        Ok(cached_citrix(&token))
    }

    /// The exchange with an instance, under the lease.
    async fn exchange(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        lease: &Lease,
        refused: Option<&Secret>,
    ) -> Result<Renewed> {
        let (row, secrets) = self.registration(customer, instance).await?;
        let (Some(endpoint), Some(grant)) = (&row.value.endpoint, &row.value.grant) else {
            return Err(not_registered(instance));
        };
        if secrets.password.is_none() && secrets.tokens.refresh.is_none() {
            return self.use_up(customer, instance, secrets, refused).await;
        }
        let credentials = EndpointCredentials {
            instance_id: instance,
            client_id: &endpoint.client_id,
            client_secret: secrets.client_secret.as_ref(),
        };
        let wall = secrets.tokens.refresh_expires_at;
        let near_wall = wall.is_some_and(|wall| {
            wall - self.chance.now() < chrono::TimeDelta::from_std(WALL_MARGIN).unwrap_or_default()
        });
        let by_password = secrets.password.as_ref().filter(|_| near_wall || secrets.tokens.refresh.is_none());

        let mut outcome = match by_password {
            Some(password) => self.by_password(&credentials, &grant.user_name, password).await,
            None => self.servicenow.refresh_grant(&credentials, &secrets.tokens).await,
        };
        if by_password.is_none() && is_refused(&outcome) {
            self.prolong(lease).await?;
            outcome = match &secrets.password {
                // The refresh token may be at its wall or revoked; the password is a credential of its own.
                Some(password) => self.by_password(&credentials, &grant.user_name, password).await,
                // One more try, later, unless somebody has changed the grant meanwhile.
                None => {
                    let doubted = TokenKey::ServiceNow(customer.clone(), instance.clone());
                    let doubt = self.doubts.begin(&doubted, self.chance.now() + SECOND_TRY);
                    self.chance.clock.sleep(SECOND_TRY).await;
                    drop(doubt);
                    self.prolong(lease).await?;
                    let (_, now) = self.registration(customer, instance).await?;
                    if !same_credentials(&now, &secrets) {
                        return Ok(cached(&now.tokens));
                    }
                    self.servicenow.refresh_grant(&credentials, &secrets.tokens).await
                }
            };
        }
        match outcome {
            Ok(tokens) => {
                let renewed = self.save(customer, instance, &secrets, tokens).await?;
                if let Err(error) = self.driver.warn_of_wall(customer, instance).await {
                    tracing::warn!(error = %error, "a warning of the grant's end could not be written down");
                }
                Ok(renewed)
            }
            Err(error) if is_refused_error(&error) => Err(self.reject(customer, instance, secrets, error).await),
            Err(error) => Err(error),
        }
    }

    async fn by_password(
        &self,
        credentials: &EndpointCredentials<'_>,
        user_name: &str,
        password: &Secret,
    ) -> Result<TokenSet> {
        let granted = self.servicenow.password_grant(credentials, user_name, password).await;
        granted.map_err(|error| match error.context("status") {
            Some("401") if !is_refused_error(&error) => error.retry(Retry::After(PASSWORD_PAUSE)),
            _ => error,
        })
    }

    /// A grant that nothing can renew serves until it is refused after its time. Its time alone is no proof, because
    /// clocks jump, and neither is one refusal before it.
    async fn use_up(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        secrets: ConnectionSecrets,
        refused: Option<&Secret>,
    ) -> Result<Renewed> {
        if refused.is_none() {
            return Ok(cached(&secrets.tokens));
        }
        let error = Error::new(
            ErrorKind::Unauthorized,
            "The access token is not accepted any more, and the instance gave no refresh token with it.",
        )
        .remedy("Re-authenticate; and let the OAuth endpoint in the instance issue refresh tokens.");
        if self.chance.now() < secrets.tokens.expires_at {
            return Err(error);
        }
        Err(self.reject(customer, instance, secrets, error.with("refused", "credentials")).await)
    }

    /// The token endpoint has refused: with the proof that the refused credentials are still the stored ones,
    /// the connection becomes `unauthorized`, and nothing is sent with them again.
    async fn reject(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        refused: ConnectionSecrets,
        error: Error,
    ) -> Error {
        let payload = Payload { about: Some(refused), ..Payload::default() };
        match self.driver.apply(customer, instance, Event::CredentialsRejected, payload).await {
            Ok(applied) if applied.connection.as_ref().is_some_and(|c| c.status == ConnectionStatus::Unauthorized) => {
                error
            }
            // The credentials were replaced meanwhile: the caller may try with the new ones.
            Ok(_) => just_replaced(),
            Err(failed) => failed,
        }
    }

    /// Writes the new tokens in place of the ones that were exchanged. If the grant was replaced meanwhile, the
    /// stored one counts.
    async fn save(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        before: &ConnectionSecrets,
        tokens: TokenSet,
    ) -> Result<Renewed> {
        loop {
            let (row, stored) = self.registration(customer, instance).await?;
            if !same_credentials(&stored, before) {
                return Ok(cached(&stored.tokens));
            }
            let secrets = ConnectionSecrets { tokens: tokens.clone(), ..stored };
            let mut connection = row.value;
            if let Some(grant) = &mut connection.grant {
                wall_moves_to(grant, tokens.refresh_expires_at);
            }
            let put = Put {
                value: connection,
                sealed: Some(secrets.seal(&self.ring, customer, instance)?),
                replaces: Some(row.version),
            };
            match self.store.commit(vec![Change::Connection(put)]).await {
                Ok(_) => return Ok(cached(&tokens)),
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => return Err(not_registered(instance)),
            }
        }
    }

    async fn save_citrix(&self, customer: &CustomerId, client_secret: &Secret, token: &CitrixToken) -> Result<()> {
        loop {
            let (row, stored) = self.account(customer).await?;
            if !stored.client_secret.matches(client_secret.expose()) {
                return Ok(());
            }
            let secrets = AccountSecrets { token: Some(token.clone()), ..stored };
            let sealed = Some(secrets.seal(&self.ring, customer)?);
            let put = Put { value: row.value, sealed, replaces: Some(row.version) };
            match self.store.commit(vec![Change::Account(put)]).await {
                Ok(_) => return Ok(()),
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => return Err(no_account(customer)),
            }
        }
    }

    async fn account(&self, customer: &CustomerId) -> Result<(Row<Account>, AccountSecrets)> {
        let row = self.store.account(customer).await?.ok_or_else(|| no_account(customer))?;
        let secrets = AccountSecrets::open(row.sealed.as_ref(), &self.ring, customer)?;
        Ok((row, secrets))
    }

    /// A registration whose credentials may be used.
    async fn registration(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
    ) -> Result<(Row<Connection>, ConnectionSecrets)> {
        let row = self.store.connection(customer, instance).await?;
        let row = row.ok_or_else(|| not_connected(customer, instance))?;
        match row.value.status {
            ConnectionStatus::Registered => {}
            ConnectionStatus::Unregistered => return Err(not_registered(instance)),
            ConnectionStatus::Unauthorized => {
                return Err(Error::new(
                    ErrorKind::Unauthorized,
                    format!("The instance {instance} has refused the registration's credentials."),
                )
                .remedy("Re-authenticate the registration with valid credentials.")
                .with("status", "unauthorized"));
            }
        }
        let secrets = ConnectionSecrets::open(row.sealed.as_ref(), &self.ring, customer, instance)?;
        Ok((row, secrets))
    }

    /// The token as stored.
    pub(super) async fn stored(&self, key: &TokenKey) -> Result<Option<Renewed>> {
        match key {
            TokenKey::Citrix(customer) => Ok(self.account(customer).await?.1.token.as_ref().map(cached_citrix)),
            TokenKey::ServiceNow(customer, instance) => {
                Ok(Some(cached(&self.registration(customer, instance).await?.1.tokens)))
            }
        }
    }
}

/// A token as it was stored or exchanged.
pub(super) type Renewed = Cached<Secret>;

fn cached(tokens: &TokenSet) -> Renewed {
    Cached { token: tokens.access.clone(), renew_at: tokens.renew_at }
}

fn cached_citrix(token: &CitrixToken) -> Renewed {
    Cached { token: token.access.clone(), renew_at: token.renew_at }
}

/// The same grant, not renewed since.
pub(crate) fn same_credentials(a: &ConnectionSecrets, b: &ConnectionSecrets) -> bool {
    let same = |a: Option<&Secret>, b: Option<&Secret>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a.matches(b.expose()),
        _ => false,
    };
    same(a.client_secret.as_ref(), b.client_secret.as_ref())
        && same(a.password.as_ref(), b.password.as_ref())
        && same(a.tokens.refresh.as_ref(), b.tokens.refresh.as_ref())
        && a.tokens.access.matches(b.tokens.access.expose())
}

fn is_refused<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().err().is_some_and(is_refused_error)
}

fn is_refused_error(error: &Error) -> bool {
    error.kind() == ErrorKind::Unauthorized && error.context("refused") == Some("credentials")
}

pub(crate) fn just_replaced() -> Error {
    Error::new(ErrorKind::Unavailable, "The registration's credentials were just replaced.").retry(Retry::Now)
}

fn not_registered(instance: &InstanceId) -> Error {
    Error::new(ErrorKind::IllegalState, format!("The account is not registered with {instance}."))
        .remedy("Register the account with the instance first.")
        .with("status", "unregistered")
}
