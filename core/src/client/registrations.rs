use std::sync::Arc;

use super::{Inner, connections::gone, granting::Candidate};
use crate::{
    api::servicenow::health_of,
    delivery::Ring,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{
        Connection, ConnectionStatus, InstanceHealth, ProbeReport, ReauthenticateServiceAccount,
        RegisterServiceAccount, Revocation, TestReport,
    },
    oauth::{Access, ConnectionSecrets},
    registration::{Event, Inspection, InstanceFacts, Payload, held, inspect, not_connected},
    store::{ConnectionFilter, Store},
};

/// Operations on registrations. See [`Client::registrations`](crate::Client::registrations).
#[derive(Clone, Copy)]
pub struct Registrations<'a>(pub(super) &'a Arc<Inner>);

impl Registrations<'_> {
    /// Registers the account with the instance through a service account: password grant, connection test, save.
    /// A connection is made first when there is none. On a registration that exists it replaces the grant.
    ///
    /// # Errors
    /// `already_registered` naming the instance that holds the account; `unauthorized` when the token endpoint
    /// refuses (it does not say what is wrong); `forbidden` naming the role or scope; `prerequisite_missing`;
    /// `not_found`, `not_entitled`, `invalid_input`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
    /// Nothing has changed then; an earlier grant goes on working.
    pub async fn register(self, request: RegisterServiceAccount) -> Result<Connection> {
        let inner = self.0;
        inner
            .run("registrations.register", async {
                let candidate = inner.candidate(&request)?;
                let Candidate { customer, instance, .. } = &candidate;
                inner.account(customer).await?;
                inner.refuse_if_held_elsewhere(customer, instance, None).await?;
                inner.driver.check(customer, instance, Event::SaveOk).await?;
                let mut payload = match inner.store.connection(customer, instance).await? {
                    Some(_) => Payload::default(),
                    None => inner.tested_account(customer, None).await?,
                };
                payload.instance.name.clone_from(&request.instance_name);
                inner.save(candidate, payload, Event::SaveOk).await
            })
            .await
    }

    /// Takes a registration to the new address of its instance, with a service account: tested there, then saved
    /// there and ended here in one commit, so that there is no gap. The credentials have to be given again: what is
    /// stored for one address is never sent to another (T1). Tokens that are only good at the old one are revoked.
    ///
    /// Incidents are known again at the new address by their ids and keys. If it is another instance after all, what
    /// was left at the old one ends: an attempt whose outcome is unknown becomes a dead letter, and an alert that goes
    /// on gets a new incident that names the one before.
    ///
    /// # Errors
    /// `illegal_state` when there is no registration at the old address; else as [`Registrations::register`]. Nothing
    /// has changed then, and the registration at the old address goes on working.
    pub async fn relocate(self, from_instance_url: &str, request: RegisterServiceAccount) -> Result<Connection> {
        let inner = self.0;
        let work = async {
            let candidate = inner.candidate(&request)?;
            let (customer, instance) = (candidate.customer.clone(), candidate.instance.clone());
            let from = inner.leaving(&customer, from_instance_url, &instance).await?;
            inner.refuse_if_held_elsewhere(&customer, &instance, Some(&from)).await?;
            let mut payload = match inner.store.connection(&customer, &instance).await? {
                Some(_) => Payload::default(),
                None => inner.tested_account(&customer, None).await?,
            };
            payload.instance.name.clone_from(&request.instance_name);
            payload.replaces = Some(from);
            inner.save(candidate, payload, Event::SaveOk).await
        };
        inner.run("registrations.relocate", work).await
    }

    /// Does all that [`Registrations::register`] does with the instance, but saves nothing.
    ///
    /// # Errors
    /// `invalid_input`, `not_found`, and everything that the token endpoint refuses or fails with. What the
    /// checks after that find stands in the report.
    pub async fn test(self, request: RegisterServiceAccount) -> Result<TestReport> {
        let inner = self.0;
        inner
            .run("registrations.test", async {
                let candidate = inner.candidate(&request)?;
                inner.account(&candidate.customer).await?;
                let tried = inner.try_candidate(&candidate).await?;
                inner.let_go(&candidate.customer, &tried.in_hand).await;
                Ok(tried.inspection.report)
            })
            .await
    }

    /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
    ///
    /// # Errors
    /// `illegal_state` without a registration, `invalid_input` when the password of a user account is missing;
    /// else as [`Registrations::register`]. The grant in use goes on working then.
    pub async fn reauthenticate(self, request: ReauthenticateServiceAccount) -> Result<Connection> {
        let inner = self.0;
        inner
            .run("registrations.reauthenticate", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                let instance = inner.instance(&request.instance_url)?;
                inner.driver.check(&customer, &instance, Event::Reauthenticated).await?;
                let row = inner.store.connection(&customer, &instance).await?;
                let row = row.ok_or_else(|| not_connected(&customer, &instance))?;
                let (Some(endpoint), Some(grant)) = (row.value.endpoint, row.value.grant) else { return Err(gone()) };
                let (mut password, mut client_secret) = (request.password.clone(), request.client_secret.clone());
                // What is stored need not open where all of it is given anew.
                if password.is_none() || client_secret.is_none() {
                    let stored = ConnectionSecrets::open(row.sealed.as_ref(), &inner.ring, &customer, &instance)?;
                    password = password.or(stored.password);
                    client_secret = client_secret.or(stored.client_secret);
                }
                let password = password.ok_or_else(|| {
                    Error::invalid("The registration uses a user account; it has no password to use again.")
                        .remedy("Give user_name and password of a service account.")
                })?;
                let candidate = inner.candidate(&RegisterServiceAccount {
                    customer_id: request.customer_id.clone(),
                    instance_url: request.instance_url.clone(),
                    instance_name: None,
                    client_id: request.client_id.clone().unwrap_or(endpoint.client_id),
                    client_secret: client_secret.ok_or_else(|| {
                        Error::invalid("The registration uses a public client, which has no secret.")
                            .remedy("Give client_id and client_secret of an endpoint for a service account.")
                    })?,
                    user_name: request.user_name.clone().unwrap_or(grant.user_name),
                    password,
                })?;
                inner.save(candidate, Payload::default(), Event::Reauthenticated).await
            })
            .await
    }

    /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection.
    ///
    /// # Errors
    /// `illegal_state` without a registration, `not_found`, `invalid_input`, `store`. A failed revocation is
    /// not an error: it stands in the answer, and the adapter tries again at the next check.
    pub async fn unregister(self, customer_id: &str, instance_url: &str) -> Result<Revocation> {
        let inner = self.0;
        inner
            .run("registrations.unregister", async {
                let customer = CustomerId::parse(customer_id)?;
                let instance = inner.instance(instance_url)?;
                inner.end(&customer, &instance, Event::Unregister).await
            })
            .await
    }

    /// Finds out what the instance that the account is registered with does with records, with an incident of the
    /// adapter's own that is cancelled at once (resolved, where the user may not cancel): whether look-ups by key can be
    /// relied on, and whether a record id that the adapter chose is honoured. What was learned is kept, and minded by every
    /// delivery from then on. With the setting `probe`, this is done whenever a registration is saved, and daily by a
    /// worker.
    ///
    /// The incident takes category, caller and assignment group from the account's policy. Its source is `probe`, and its
    /// `correlation_id` begins with `citrix-probe-`: rules of the instance that page people can leave it out. A process
    /// that dies half-way leaves it open; the next probe of the account closes it, half an hour later at the earliest.
    ///
    /// # Errors
    /// `not_found`; `illegal_state` when the account is not registered; what the instance refuses or fails with, with
    /// `left_open` in the context when something that was made could not be closed; `store`.
    pub async fn probe(self, customer_id: &str) -> Result<ProbeReport> {
        let inner = self.0;
        inner
            .run("registrations.probe", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                inner.courier().probe(&customer, &instance).await
            })
            .await
    }

    /// Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and,
    /// with proof only, the status. Tokens of the account that still wait to be revoked at this instance are tried again,
    /// also when there is no registration any more.
    ///
    /// # Errors
    /// `not_found`, `illegal_state` without a registration, `invalid_input`, `store`, `sealed`. What goes wrong
    /// at the instance stands in the connection: its status, its health, its last test.
    pub async fn check(self, customer_id: &str, instance_url: &str) -> Result<Connection> {
        let inner = self.0;
        inner
            .run("registrations.check", async {
                let customer = CustomerId::parse(customer_id)?;
                let instance = inner.instance(instance_url)?;
                let checked = inner.check_one(&customer, &instance).await;
                // Whatever was found: tokens outlive the registration, and even the connection, that they belonged to.
                inner.finish_where(&customer, |row| row.instance_id == instance).await?;
                checked
            })
            .await
    }
}

/// The instance that the account is registered with.
pub(super) async fn holder(store: &dyn Store, customer: &CustomerId) -> Result<Option<InstanceId>> {
    let filter = ConnectionFilter {
        customer_id: Some(customer.clone()),
        statuses: vec![ConnectionStatus::Registered, ConnectionStatus::Unauthorized],
        ..ConnectionFilter::default()
    };
    Ok(store.connections(&filter, None, 1).await?.pop().map(|row| row.value.instance_id))
}

impl Inner {
    /// Refuses before anything is sent when another instance holds the account; the store refuses it again at
    /// the commit, for whoever comes in between.
    pub(super) async fn refuse_if_held_elsewhere(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        replaces: Option<&InstanceId>,
    ) -> Result<()> {
        match holder(&*self.store, customer).await? {
            Some(holder) if holder != *instance && replaces != Some(&holder) => Err(held(customer, &holder)),
            _ => Ok(()),
        }
    }

    /// The old address of a registration that moves, checked.
    pub(super) async fn leaving(&self, customer: &CustomerId, from: &str, to: &InstanceId) -> Result<InstanceId> {
        let from = self.instance(from)?;
        if from == *to {
            return Err(Error::invalid("The new address of the instance is the old one.")
                .remedy("Re-authenticate the registration instead, or give the new address."));
        }
        self.driver.check(customer, &from, Event::Unregister).await?;
        Ok(from)
    }

    /// Ends a registration or a whole connection, then revokes.
    pub(super) async fn end(&self, customer: &CustomerId, instance: &InstanceId, event: Event) -> Result<Revocation> {
        let applied = self.driver.apply(customer, instance, event, Payload::default()).await?;
        self.forget(customer, instance);
        self.give_up_flows(customer, instance).await?;
        let failure = self.finish_these(&applied.revocations, customer).await?;
        let failure = failure.map(|error| error.message().to_owned());
        let lost = || "The stored secrets do not open, so that the tokens could not be revoked.".to_owned();
        let failure = failure.or_else(|| applied.is_lost.then(lost));
        Ok(Revocation { complete: failure.is_none(), failure })
    }

    /// Forgets what is remembered of a registration that has just changed.
    pub(super) fn forget(&self, customer: &CustomerId, instance: &InstanceId) {
        self.tokens.forget(customer, Some(instance));
        self.holders.forget(customer);
        self.bell.ring(Ring::Registered);
    }

    async fn check_one(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Connection> {
        let row = self.store.connection(customer, instance).await?;
        let row = row.ok_or_else(|| not_connected(customer, instance))?;
        if row.value.status == ConnectionStatus::Unregistered {
            return Err(Error::new(ErrorKind::IllegalState, "The connection is not registered.")
                .remedy("Register it first.")
                .with("status", "unregistered"));
        }
        self.look_at(customer, instance).await?;
        let row = self.store.connection(customer, instance).await?;
        self.shown(row.ok_or_else(|| not_connected(customer, instance))?.value).await
    }

    pub(super) async fn look_at(&self, customer: &CustomerId, instance: &InstanceId) -> Result<()> {
        let work = |access: Arc<Access>| async move {
            let inspection = inspect(&self.servicenow, &access, self.chance.now()).await;
            match inspection.failure {
                Some(error) if error.context("token") == Some("rejected") => Err(error),
                failure => Ok(Inspection { failure, ..inspection }),
            }
        };
        let health = match self.tokens.with_access(customer, instance, work).await {
            Ok(inspection) => {
                let health = inspection.failure.as_ref().map(|error| (health_of(error), error.message().to_owned()));
                self.driver.record_test(customer, instance, inspection.report).await?;
                let facts =
                    InstanceFacts { connector_version: inspection.connector_version, ..InstanceFacts::default() };
                self.driver.note(instance, &facts).await?;
                health
            }
            // Nothing that the instance has said.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Store | ErrorKind::Sealed | ErrorKind::Internal | ErrorKind::IllegalState
                ) =>
            {
                return Err(error);
            }
            Err(error) => Some((health_of(&error), error.message().to_owned())),
        };
        let health = match health {
            None | Some((InstanceHealth::Available, _)) => (InstanceHealth::Available, None),
            Some((health, detail)) => (health, Some(detail)),
        };
        self.driver.note(instance, &InstanceFacts { health: Some(health), ..InstanceFacts::default() }).await?;
        self.driver.warn_of_wall(customer, instance).await
    }
}
