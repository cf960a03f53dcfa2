//! Registering with a user account: the browser goes out with [`Registrations::authorize`] and comes back to
//! [`Registrations::complete`], in any process that shares the store.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    Inner, Registrations,
    accounts::given,
    granting::{Granted, Tried},
};
use crate::{
    api::servicenow::Identity,
    detached::detached,
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    model::{Authorization, Authorize, Authorized, Connection, ConnectionStatus, Grant, GrantKind, OauthEndpoint},
    oauth::{
        Answered, Callback, ConnectionSecrets, FLOW_LIFE, FlowSecrets, Opening, SealedClient, expired, redirect_url,
    },
    registration::{Event, Payload, redirect_taken},
    secret::Secret,
    store::{Change, PendingFlow, Put, Refusal, Row},
};

/// How long a flow that ended is remembered, so that a late callback is told why it is refused.
const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// How far the clocks of two nodes may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Registrations<'_> {
    /// Begins to register the account through a person's consent in the browser, or to re-authenticate such a
    /// registration: send the person's browser to the URL of the answer, and give the address that it comes back to
    /// to [`Registrations::complete`], within ten minutes, in any process that shares the store.
    ///
    /// # Errors
    /// `invalid_input` for what is missing or not allowed, also for a redirect URL that another registration uses;
    /// `not_found` without the account; `already_registered` naming the instance that holds it; `store`, `sealed`.
    /// Nothing is sent to anybody.
    pub async fn authorize(self, request: Authorize) -> Result<Authorization> {
        let inner = self.0;
        inner.run("registrations.authorize", async { Ok(inner.begin(request).await?.0) }).await
    }

    /// Finishes an authorization with the address that the browser came back to: exchange, connection test, save.
    /// `session` is what [`Authorize::session`] was. It goes on to its end when the caller goes away.
    ///
    /// # Errors
    /// `consent_denied` when the person did not allow it; `flow_expired` for a callback that is too late, repeated,
    /// forged, or from another browser session (context `reason`); `invalid_input` for one that is not ours or
    /// incomplete; `illegal_state` when another person signed in than the last time; `unauthorized` when the token
    /// endpoint refuses the code; else as [`Registrations::register`]. Nothing has changed then; an earlier grant goes
    /// on working.
    pub async fn complete(self, callback_url: &str, session: Option<&Secret>) -> Result<Authorized> {
        let inner = self.0;
        let work = async {
            let callback = Callback::read(callback_url)?;
            inner.finish_detached(callback, session.cloned()).await
        };
        inner.run("registrations.complete", work).await
    }

    /// Gives an authorization up: a later callback of it is refused. Without effect when it has ended.
    ///
    /// # Errors
    /// `not_found` for a flow that nobody began, `store`.
    pub async fn abandon(self, flow_id: &str) -> Result<()> {
        let inner = self.0;
        let work = async {
            let row = inner.store.flow(flow_id).await?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "There is no such authorization.").remedy("Give its flow_id.")
            })?;
            inner.desk.leave(flow_id);
            inner.use_up(row).await.map(drop)
        };
        inner.run("registrations.abandon", work).await
    }
}

impl Inner {
    /// Checks the request, writes the flow down, and answers with its state value, too.
    pub(super) async fn begin(&self, request: Authorize) -> Result<(Authorization, Secret)> {
        let customer = CustomerId::parse(&request.customer_id)?;
        let instance = self.instance(&request.instance_url)?;
        self.tokens.is_served(&customer).await?;
        let replaces = match &request.moves_from {
            Some(from) => Some(self.leaving(&customer, from, &instance).await?),
            None => None,
        };
        self.refuse_if_held_elsewhere(&customer, &instance, replaces.as_ref()).await?;
        let stored = self.standing(&customer, &instance).await?;
        let renews = stored.is_some();
        let names_client = request.client_id.is_some() || request.client_secret.is_some();
        let (endpoint, client_secret, issuer_seen) = match stored {
            None => (None, None, false),
            Some(row) => match ConnectionSecrets::open(row.sealed.as_ref(), &self.ring, &customer, &instance) {
                Ok(secrets) => (row.value.endpoint, secrets.client_secret, secrets.issuer.is_some()),
                // What is stored need not open where the client is given anew.
                Err(error) if error.kind() == ErrorKind::Sealed && names_client => (row.value.endpoint, None, false),
                Err(error) => return Err(error),
            },
        };
        let in_use = endpoint.as_ref().map(|endpoint| endpoint.client_id.as_str());
        let client_id = given("client_id", request.client_id.as_deref().or(in_use).unwrap_or(""))?.to_owned();
        let client_secret = match request.client_secret {
            Some(secret) => Some(given("client_secret", secret.expose())?.into()),
            // The stored secret belongs to the stored client, and goes with no other.
            None => client_secret.filter(|_| in_use == Some(client_id.as_str())),
        };
        let redirect = request.redirect_url.or(endpoint.and_then(|endpoint| endpoint.redirect_url));
        let redirect = redirect_url(given("redirect_url", redirect.as_deref().unwrap_or(""))?)?;
        if let Some(session) = &request.session {
            given("session", session.expose())?;
        }
        let places = self.servicenow.endpoints();
        let scope = places.scope(&instance);
        let opening = Opening::new(&self.chance, places.authorization(&instance)?, &client_id, &redirect, scope)?;
        let secrets = FlowSecrets {
            state: opening.state.clone(),
            verifier: opening.verifier,
            session: request.session,
            client_id,
            client_secret,
            instance_id: instance.clone(),
            redirect_url: redirect.clone(),
            token_url: places.token(&instance)?,
            issuer: places.issuer(&instance),
            issuer_required: issuer_seen || places.issuer_required(&instance),
            instance_name: request.instance_name,
            allow_another_user: request.allow_another_user,
            renews,
            replaces,
        };
        let now = self.chance.now();
        let flow = PendingFlow {
            id: opening.flow_id.clone(),
            customer_id: customer.clone(),
            instance_id: instance.clone(),
            redirect_url: redirect.clone(),
            created_at: now,
            expires_at: now + FLOW_LIFE,
            used_at: None,
        };
        let authorization = Authorization {
            flow_id: opening.flow_id.clone(),
            customer_id: customer.clone(),
            instance_id: instance,
            authorization_url: opening.url.into(),
            redirect_url: redirect,
            expires_at: flow.expires_at,
        };
        let sealed = Some(secrets.seal(&self.ring, &customer, &opening.flow_id)?);
        let mut changes = self.ended_flows().await?;
        changes.push(Change::Flow(Put { value: flow, sealed, replaces: None }));
        match self.store.commit(changes).await {
            Ok(_) => Ok((authorization, opening.state)),
            Err(Refusal::RedirectTaken { by, at }) => Err(redirect_taken(&by, &at)),
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => Err(Error::new(ErrorKind::Internal, "The store refused a new authorization.")),
        }
    }

    /// Runs [`Inner::finish_flow`] as a task of its own: a caller that goes away does not end it between the
    /// exchange and the save.
    pub(super) async fn finish_detached(
        self: &Arc<Self>,
        callback: Callback,
        session: Option<Secret>,
    ) -> Result<Authorized> {
        let inner = Arc::clone(self);
        let work = async move { inner.finish_flow(callback, session.as_ref()).await };
        detached("The authorization ended unexpectedly; begin a new one.", work).await
    }

    async fn finish_flow(&self, callback: Callback, session: Option<&Secret>) -> Result<Authorized> {
        let row = self.store.flow(callback.flow_id()?).await?;
        let row = row.ok_or_else(|| expired("unknown", "Nobody waits for this callback (any more)."))?;
        let now = self.chance.now();
        if row.value.used_at.is_some() {
            return Err(expired("used", "The authorization was answered before, or given up."));
        }
        let flow = FlowSecrets::open(row.sealed.as_ref(), &self.ring, &row.value.customer_id, &row.value.id)?;
        callback.check(&flow, session)?;
        // A clock that was set back must not make the ten minutes longer.
        if now >= row.value.expires_at || now < row.value.created_at - SKEW {
            return Err(expired("time", "The authorization took longer than ten minutes."));
        }
        let (customer, instance) = (row.value.customer_id.clone(), flow.instance_id.clone());
        self.tokens.is_served(&customer).await?;
        self.refuse_if_held_elsewhere(&customer, &instance, flow.replaces.as_ref()).await?;
        // Whoever writes this has the flow, and nobody else (T2).
        if !self.use_up(row).await? {
            return Err(expired("used", "The authorization was answered by somebody else at the same moment."));
        }
        let issuer = callback.issuer().map(str::to_owned);
        match callback.into_answer() {
            Answered::Refused(error) => Err(error),
            Answered::Code(code) => self.exchange_and_save(&customer, &flow, &code, issuer).await,
        }
    }

    async fn exchange_and_save(
        &self,
        customer: &CustomerId,
        flow: &FlowSecrets,
        code: &Secret,
        issuer: Option<String>,
    ) -> Result<Authorized> {
        let instance = &flow.instance_id;
        let mut payload = match self.store.connection(customer, instance).await? {
            Some(_) => Payload::default(),
            None => self.tested_account(customer, None).await?,
        };
        payload.instance.name.clone_from(&flow.instance_name);
        payload.replaces.clone_from(&flow.replaces);
        let tokens = self.servicenow.code_grant(flow, code).await?;
        let client = SealedClient { client_id: flow.client_id.clone(), client_secret: flow.client_secret.clone() };
        let tried = self.try_tokens(customer, instance, tokens, client).await?;
        match self.who_signed_in(customer, flow, &tried).await {
            Ok(Signed { user_name, previous_user_name, event }) => {
                let user_sys_id = tried.inspection.identity.as_ref().map(|identity| identity.sys_id.clone());
                let granted = Granted {
                    kind: GrantKind::UserAccount,
                    endpoint: OauthEndpoint {
                        client_id: flow.client_id.clone(),
                        redirect_url: Some(flow.redirect_url.clone()),
                    },
                    client_secret: flow.client_secret.clone(),
                    user_name: user_name.clone().unwrap_or_default(),
                    password: None,
                    issuer,
                };
                let connection = self.save_tried(customer, instance, tried, granted, payload, event).await?;
                Ok(Authorized { connection, user_name, user_sys_id, previous_user_name })
            }
            Err(error) => {
                self.let_go(customer, &tried.in_hand).await;
                Err(error)
            }
        }
    }

    /// Who has signed in, told before anything is saved; another person than the last time only where it is allowed.
    async fn who_signed_in(&self, customer: &CustomerId, flow: &FlowSecrets, tried: &Tried) -> Result<Signed> {
        let identity = tried.inspection.identity.as_ref();
        let user_name = identity.map(|identity| identity.user_name.clone());
        if let Some(name) = &user_name {
            self.progress(customer, &format!("{name} has signed in at {}.", flow.instance_id));
        }
        let before = flow.replaces.as_ref().unwrap_or(&flow.instance_id);
        let stored = self.standing(customer, before).await?;
        let stays = (stored.is_some() || flow.renews) && flow.replaces.is_none();
        let event = if stays { Event::Reauthenticated } else { Event::SaveOk };
        let previous = stored.and_then(|row| row.value.grant);
        let moved = flow.replaces.is_some();
        let another = previous.as_ref().filter(|grant| !is_same_person(grant, identity, moved));
        // A service account that gives way to a person is what was asked for.
        if let Some(grant) = another.filter(|grant| grant.kind == GrantKind::UserAccount)
            && !flow.allow_another_user
            && tried.inspection.failure.is_none()
        {
            let who = user_name.as_deref().unwrap_or("Somebody whom the instance does not name");
            return Err(Error::new(
                ErrorKind::IllegalState,
                format!("{who} has signed in, but the registration is {}'s.", grant.user_name),
            )
            .remedy("Sign in as the same person, or begin again and allow another user. The grant in use stays.")
            .with("user_name", user_name.as_deref().unwrap_or(""))
            .with("previous_user_name", &grant.user_name));
        }
        let previous_user_name = another.map(|grant| grant.user_name.clone());
        Ok(Signed { user_name, previous_user_name, event })
    }

    /// The registration of the account with the instance, with its secrets; none when there is no registration.
    pub(super) async fn registration(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
    ) -> Result<Option<(Connection, ConnectionSecrets)>> {
        match self.standing(customer, instance).await? {
            Some(row) => {
                let secrets = ConnectionSecrets::open(row.sealed.as_ref(), &self.ring, customer, instance)?;
                Ok(Some((row.value, secrets)))
            }
            None => Ok(None),
        }
    }

    /// The registration of the account with the instance, with its secrets unopened.
    async fn standing(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Option<Row<Connection>>> {
        let row = self.store.connection(customer, instance).await?;
        Ok(row.filter(|row| row.value.status != ConnectionStatus::Unregistered))
    }

    /// Marks a flow as used and forgets its secrets; false when somebody else has done so.
    pub(super) async fn use_up(&self, row: Row<PendingFlow>) -> Result<bool> {
        if row.value.used_at.is_some() {
            return Ok(false);
        }
        let value = PendingFlow { used_at: Some(self.chance.now()), ..row.value };
        let put = Put { value, sealed: None, replaces: Some(row.version) };
        match self.store.commit(vec![Change::Flow(put)]).await {
            Ok(_) => Ok(true),
            Err(Refusal::Conflict) => Ok(false),
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => {
                Err(Error::new(ErrorKind::Store, "The authorization could not be marked as used.").retry(Retry::Now))
            }
        }
    }

    /// Gives up the flows of a registration that has ended: a late consent must not bring it back.
    pub(super) async fn give_up_flows(&self, customer: &CustomerId, instance: &InstanceId) -> Result<()> {
        for row in self.store.flows(u32::MAX).await? {
            if row.value.customer_id == *customer && row.value.instance_id == *instance {
                self.use_up(row).await?;
            }
        }
        Ok(())
    }

    /// Forgets flows that ended long ago.
    async fn ended_flows(&self) -> Result<Vec<Change>> {
        let before = self.chance.now() - REMEMBERED;
        let rows = self.store.flows(100).await?.into_iter().filter(|row| row.value.expires_at < before);
        Ok(rows.map(|row| Change::RemoveFlow { customer_id: row.value.customer_id, id: row.value.id }).collect())
    }
}

/// Who signed in, and what that makes of the registration.
struct Signed {
    user_name: Option<String>,
    previous_user_name: Option<String>,
    event: Event,
}

/// By the record's id where both are known, else by name; whoever is not named is not the same. At a new address the
/// name is enough: ids may be others there.
fn is_same_person(grant: &Grant, identity: Option<&Identity>, moved: bool) -> bool {
    identity.is_some_and(|identity| match &grant.user_sys_id {
        Some(id) if *id == identity.sys_id => true,
        Some(_) if !moved => false,
        _ => grant.user_name == identity.user_name,
    })
}
