//! The resources of a client, one class each: convert, call, convert.

use itsm_adapter::{
    self as core, Account, AccountPage, AddAccount, Alert, Connect, Connection, ConnectionPage, Delivery, DeliveryPage,
    Entitlement, EventPage, Instance, InstancePage, ReauthenticateServiceAccount, RegisterServiceAccount, Revocation,
    TestReport, UpdateAccount,
};
use napi::{
    Env, Result,
    bindgen_prelude::{Either, PromiseRaw, Uint8Array},
};
use napi_derive::napi;

use crate::{
    promise::{CallOptions, start},
    request::{ConnectionId, ListDeliveriesOptions, ListOfAccountOptions, ListOptions, SubmitWebhook},
};

/// Operations on Citrix Cloud accounts: `client.accounts`.
#[napi]
pub struct Accounts(pub(crate) core::Client);

#[napi]
impl Accounts {
    /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
    ///
    /// Rejects with `invalid_input`; `illegal_state` when the account is there already; `unauthorized` when Citrix Cloud
    /// refuses the secure client; `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
    #[napi]
    pub fn add<'e>(
        &self,
        env: &'e Env,
        request: AddAccount,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Account>> {
        start(&self.0, env, options, |core| async move { core.accounts().add(request).await })
    }

    /// Changes an account. New credentials are tried before they replace the old ones.
    ///
    /// Rejects as `add`; `not_found` when there is no such account.
    #[napi]
    pub fn update<'e>(
        &self,
        env: &'e Env,
        request: UpdateAccount,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Account>> {
        start(&self.0, env, options, |core| async move { core.accounts().update(request).await })
    }

    /// One account.
    ///
    /// Rejects with `not_found`, `invalid_input`, `store`.
    #[napi]
    pub fn get<'e>(
        &self,
        env: &'e Env,
        customer_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Account>> {
        start(&self.0, env, options, |core| async move { core.accounts().get(&customer_id).await })
    }

    /// One page of accounts, in the order of their ids. `iterate` walks over all of them.
    ///
    /// Rejects with `invalid_input`, `store`.
    #[napi]
    pub fn list<'e>(
        &self,
        env: &'e Env,
        request: Option<ListOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, AccountPage>> {
        start(&self.0, env, options, |core| async move {
            let request = request.unwrap_or_default();
            core.accounts().list(request.after.as_deref(), request.limit).await
        })
    }

    /// Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
    /// stands in the report.
    ///
    /// Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
    #[napi]
    pub fn test<'e>(
        &self,
        env: &'e Env,
        customer_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, TestReport>> {
        start(&self.0, env, options, |core| async move { core.accounts().test(&customer_id).await })
    }

    /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can take
    /// minutes; progress is told to observers.
    ///
    /// Rejects with `not_found`, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
    #[napi]
    pub fn entitlement<'e>(
        &self,
        env: &'e Env,
        customer_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Entitlement>> {
        start(&self.0, env, options, |core| async move { core.accounts().entitlement(&customer_id).await })
    }

    /// Removes an account that has no connection left, with its secure client.
    ///
    /// Rejects with `not_found`; `illegal_state` while it has connections; `store`.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn remove<'e>(
        &self,
        env: &'e Env,
        customer_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, ()>> {
        start(&self.0, env, options, |core| async move { core.accounts().remove(&customer_id).await })
    }
}

/// ServiceNow instances as the adapter knows them: `client.instances`.
#[napi]
pub struct Instances(pub(crate) core::Client);

#[napi]
impl Instances {
    /// One instance, by its address.
    ///
    /// Rejects with `not_found` when no connection was ever made with it, `invalid_input`, `store`.
    #[napi]
    pub fn get<'e>(
        &self,
        env: &'e Env,
        instance_url: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Instance>> {
        start(&self.0, env, options, |core| async move { core.instances().get(&instance_url).await })
    }

    /// One page of instances, in the order of their ids. `iterate` walks over all of them.
    ///
    /// Rejects with `invalid_input`, `store`.
    #[napi]
    pub fn list<'e>(
        &self,
        env: &'e Env,
        request: Option<ListOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, InstancePage>> {
        start(&self.0, env, options, |core| async move {
            let request = request.unwrap_or_default();
            core.instances().list(request.after.as_deref(), request.limit).await
        })
    }
}

/// Operations on connections of accounts with instances, the Manage list: `client.connections`.
#[napi]
pub struct Connections(pub(crate) core::Client);

#[napi]
impl Connections {
    /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves. Connecting
    /// again tests again.
    ///
    /// Rejects with `not_found` when the account was not added, `not_entitled` with what was found, `unauthorized`,
    /// `prerequisite_missing` when the instance's connector is too old for another account, `invalid_input`, `throttled`,
    /// `unavailable`, `timeout`, `protocol`, `store`.
    #[napi]
    pub fn connect<'e>(
        &self,
        env: &'e Env,
        request: Connect,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Connection>> {
        start(&self.0, env, options, |core| async move { core.connections().connect(request).await })
    }

    /// Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
    ///
    /// Rejects with `not_found`, `invalid_input`, `store`.
    #[napi]
    pub fn test<'e>(
        &self,
        env: &'e Env,
        request: Connect,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, TestReport>> {
        start(&self.0, env, options, |core| async move { core.connections().test(request).await })
    }

    /// One connection.
    ///
    /// Rejects with `not_found`, `invalid_input`, `store`.
    #[napi]
    pub fn get<'e>(
        &self,
        env: &'e Env,
        connection: ConnectionId,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Connection>> {
        start(&self.0, env, options, |core| async move {
            core.connections().get(&connection.customer_id, &connection.instance_url).await
        })
    }

    /// One page of the Manage list, in the order of account and instance. `iterate` walks over all of it.
    ///
    /// Rejects with `invalid_input`, `store`.
    #[napi]
    pub fn list<'e>(
        &self,
        env: &'e Env,
        request: Option<ListOfAccountOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, ConnectionPage>> {
        start(&self.0, env, options, |core| async move {
            let request = request.unwrap_or_default();
            core.connections().list(request.customer_id.as_deref(), request.after.as_deref(), request.limit).await
        })
    }

    /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed revocation
    /// stands in the answer.
    ///
    /// Rejects with `not_found`, `invalid_input`, `store`.
    #[napi]
    pub fn disconnect<'e>(
        &self,
        env: &'e Env,
        connection: ConnectionId,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Revocation>> {
        start(&self.0, env, options, |core| async move {
            core.connections().disconnect(&connection.customer_id, &connection.instance_url).await
        })
    }
}

/// Operations on registrations, the OAuth side of a connection: `client.registrations`.
#[napi]
pub struct Registrations(pub(crate) core::Client);

#[napi]
impl Registrations {
    /// Registers the account with the instance through a service account: password grant, connection test, save. A
    /// connection is made first when there is none. On a registration that exists it replaces the grant.
    ///
    /// Rejects with `already_registered` naming the instance that holds the account; `unauthorized` when the token endpoint
    /// refuses (it does not say what is wrong); `forbidden` naming the role or scope; `prerequisite_missing`; `not_found`,
    /// `not_entitled`, `invalid_input`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`. Nothing has changed then.
    #[napi]
    pub fn register<'e>(
        &self,
        env: &'e Env,
        request: RegisterServiceAccount,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Connection>> {
        start(&self.0, env, options, |core| async move { core.registrations().register(request).await })
    }

    /// Does all that `register` does with the instance, but saves nothing. What the checks find stands in the report.
    ///
    /// Rejects with `invalid_input`, `not_found`, and everything that the token endpoint refuses or fails with.
    #[napi]
    pub fn test<'e>(
        &self,
        env: &'e Env,
        request: RegisterServiceAccount,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, TestReport>> {
        start(&self.0, env, options, |core| async move { core.registrations().test(request).await })
    }

    /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
    ///
    /// Rejects with `illegal_state` without a registration, `invalid_input` when a password is missing; else as `register`.
    /// The grant in use goes on working then.
    #[napi]
    pub fn reauthenticate<'e>(
        &self,
        env: &'e Env,
        request: ReauthenticateServiceAccount,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Connection>> {
        start(&self.0, env, options, |core| async move { core.registrations().reauthenticate(request).await })
    }

    /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
    /// revocation stands in the answer.
    ///
    /// Rejects with `illegal_state` without a registration, `not_found`, `invalid_input`, `store`.
    #[napi]
    pub fn unregister<'e>(
        &self,
        env: &'e Env,
        connection: ConnectionId,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Revocation>> {
        start(&self.0, env, options, |core| async move {
            core.registrations().unregister(&connection.customer_id, &connection.instance_url).await
        })
    }

    /// Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with proof
    /// only, the status. What goes wrong at the instance stands in the connection.
    ///
    /// Rejects with `not_found`, `illegal_state` without a registration, `invalid_input`, `store`, `sealed`.
    #[napi]
    pub fn check<'e>(
        &self,
        env: &'e Env,
        connection: ConnectionId,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Connection>> {
        start(&self.0, env, options, |core| async move {
            core.registrations().check(&connection.customer_id, &connection.instance_url).await
        })
    }
}

/// Alerts on their way to incidents: `client.alerts`.
#[napi]
pub struct Alerts(pub(crate) core::Client);

#[napi]
impl Alerts {
    /// Takes an alert. Once this resolves, the alert is stored durably and cannot be lost. The same alert again (account,
    /// source, id) is the same delivery.
    ///
    /// Rejects with `not_found` when the account was not added, `invalid_input`, `store`.
    #[napi]
    pub fn submit<'e>(
        &self,
        env: &'e Env,
        alert: Alert,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Delivery>> {
        start(&self.0, env, options, |core| async move { core.alerts().submit(alert).await })
    }

    /// Takes the body of a Citrix Cloud webhook callback. Null when it tells of something else than a new notification.
    ///
    /// Rejects with `forbidden` when the authorization differs; `invalid_input` when the body is not a callback;
    /// `not_found` when its account was not added; `store`.
    #[napi(ts_return_type = "Promise<Delivery | null>")]
    pub fn submit_webhook<'e>(
        &self,
        env: &'e Env,
        request: SubmitWebhook,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Option<Delivery>>> {
        start(&self.0, env, options, |core| async move {
            let (authorization, expected) = (request.authorization.as_deref(), request.expected.as_ref());
            core.alerts().submit_webhook(&bytes(request.body), authorization, expected).await
        })
    }

    /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before anything
    /// is repeated, which can take as long as the instance may still be working. Delivering twice makes one incident.
    ///
    /// Rejects with `not_found`; `illegal_state` when the account is not registered; `outcome_unknown` when the instance
    /// cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
    #[napi]
    pub fn deliver<'e>(
        &self,
        env: &'e Env,
        delivery_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Delivery>> {
        start(&self.0, env, options, |core| async move { core.alerts().deliver(&delivery_id).await })
    }

    /// One delivery.
    ///
    /// Rejects with `not_found`, `store`.
    #[napi]
    pub fn get<'e>(
        &self,
        env: &'e Env,
        delivery_id: String,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Delivery>> {
        start(&self.0, env, options, |core| async move { core.alerts().get(&delivery_id).await })
    }

    /// One page of deliveries, in the order in which they were accepted. `iterate` walks over all of them.
    ///
    /// Rejects with `invalid_input`, `store`.
    #[napi]
    pub fn list<'e>(
        &self,
        env: &'e Env,
        request: Option<ListDeliveriesOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, DeliveryPage>> {
        start(&self.0, env, options, |core| async move {
            let request = request.unwrap_or_default();
            let customer_id = request.customer_id.as_deref();
            core.alerts()
                .list(customer_id, &request.statuses.unwrap_or_default(), request.after.as_deref(), request.limit)
                .await
        })
    }
}

/// The event log: `client.events`.
#[napi]
pub struct Events(pub(crate) core::Client);

#[napi]
impl Events {
    /// One page of events, oldest first. `iterate` walks over all of them.
    ///
    /// Rejects with `invalid_input`, `store`.
    #[napi]
    pub fn list<'e>(
        &self,
        env: &'e Env,
        request: Option<ListOfAccountOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, EventPage>> {
        start(&self.0, env, options, |core| async move {
            let request = request.unwrap_or_default();
            core.events().list(request.customer_id.as_deref(), request.after.as_deref(), request.limit).await
        })
    }
}

fn bytes(body: Either<String, Uint8Array>) -> Vec<u8> {
    match body {
        Either::A(text) => text.into_bytes(),
        Either::B(bytes) => bytes.to_vec(),
    }
}
