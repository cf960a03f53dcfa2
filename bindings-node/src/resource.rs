//! The resources of a client: each operation converts, calls, converts.

use itsm_adapter::{
    self as core, Account, AccountPage, AddAccount, Alert, Connect, Connection, ConnectionPage, Delivery, DeliveryPage,
    Entitlement, ErrorInfo, EventPage, Instance, InstancePage, Query, ReauthenticateServiceAccount,
    RegisterServiceAccount, Revocation, TestReport, UpdateAccount,
    ffi::{list, names, records, text},
};
use napi::{Env, Result, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde_json::value::RawValue;

use crate::{
    client::Client,
    promise::{CallOptions, start},
    request::{
        ConnectionId, GetRecord, InsertRecord, InsertRecords, ListDeliveriesOptions, ListOfAccountOptions, ListOptions,
        PageRecords, QueryRecords, SubmitWebhook, UpdateRecord,
    },
};

type Nothing = ();
/// A list of records as JSON, and the key of the next page.
type Page = (String, Option<String>);
/// A list of records as JSON, and the error in place of each that failed.
type Settled = (String, Vec<Option<ErrorInfo>>);

/// The class of a resource, and one method for each operation: `name(argument) -> answer [as the face gives it]`.
macro_rules! operations {
    (
        $(#[$about:meta])*
        $class:ident $resource:ident |$core:ident| {
            $(
                $(#[$doc:meta])*
                $name:ident($argument:ident: $kind:ident $(<$inner:ident>)?) -> $answer:ident $(<$some:ident>)?
                $([$shown:tt])? { $($work:tt)* }
            )+
        }
    ) => {
        $(#[$about])*
        #[napi]
        pub struct $class(core::Client);

        #[napi]
        impl $class {
            $(
                $(#[$doc])*
                #[napi($(ts_return_type = $shown)?)]
                pub fn $name<'e>(
                    &self,
                    env: &'e Env,
                    $argument: $kind$(<$inner>)?,
                    options: Option<CallOptions>,
                ) -> Result<PromiseRaw<'e, $answer$(<$some>)?>> {
                    start(&self.0, env, options, |$core| async move { $($work)* })
                }
            )+
        }

        #[napi]
        impl Client {
            $(#[$about])*
            #[napi(getter)]
            pub fn $resource(&self) -> $class {
                $class(self.0.clone())
            }
        }
    };
}

operations! {
    /// Operations on Citrix Cloud accounts: `client.accounts`.
    Accounts accounts |core| {
        /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
        ///
        /// Rejects with `invalid_input`; `illegal_state` when the account is there already; `unauthorized` when Citrix
        /// Cloud refuses the secure client; `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
        add(request: AddAccount) -> Account { core.accounts().add(request).await }

        /// Changes an account. New credentials are tried before they replace the old ones.
        ///
        /// Rejects as `add`; `not_found` when there is no such account.
        update(request: UpdateAccount) -> Account { core.accounts().update(request).await }

        /// One account.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        get(customer_id: String) -> Account { core.accounts().get(&customer_id).await }

        /// One page of accounts, in the order of their ids. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOptions>) -> AccountPage {
            let request = request.unwrap_or_default();
            core.accounts().list(request.after.as_deref(), request.limit).await
        }

        /// Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
        /// stands in the report.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
        test(customer_id: String) -> TestReport { core.accounts().test(&customer_id).await }

        /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
        /// take minutes; progress is told to observers.
        ///
        /// Rejects with `not_found`, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`,
        /// `store`.
        entitlement(customer_id: String) -> Entitlement { core.accounts().entitlement(&customer_id).await }

        /// Removes an account that has no connection left, with its secure client.
        ///
        /// Rejects with `not_found`; `illegal_state` while it has connections; `store`.
        remove(customer_id: String) -> Nothing ["Promise<void>"] { core.accounts().remove(&customer_id).await }
    }
}

operations! {
    /// ServiceNow instances as the adapter knows them: `client.instances`.
    Instances instances |core| {
        /// One instance, by its address.
        ///
        /// Rejects with `not_found` when no connection was ever made with it, `invalid_input`, `store`.
        get(instance_url: String) -> Instance { core.instances().get(&instance_url).await }

        /// One page of instances, in the order of their ids. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOptions>) -> InstancePage {
            let request = request.unwrap_or_default();
            core.instances().list(request.after.as_deref(), request.limit).await
        }
    }
}

operations! {
    /// Operations on connections of accounts with instances, the Manage list: `client.connections`.
    Connections connections |core| {
        /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
        /// Connecting again tests again.
        ///
        /// Rejects with `not_found` when the account was not added, `not_entitled` with what was found, `unauthorized`,
        /// `prerequisite_missing` when the instance's connector is too old for another account, `invalid_input`,
        /// `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
        connect(request: Connect) -> Connection { core.connections().connect(request).await }

        /// Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        test(request: Connect) -> TestReport { core.connections().test(request).await }

        /// One connection.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        get(connection: ConnectionId) -> Connection {
            core.connections().get(&connection.customer_id, &connection.instance_url).await
        }

        /// One page of the Manage list, in the order of account and instance. `iterate` walks over all of it.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOfAccountOptions>) -> ConnectionPage {
            let request = request.unwrap_or_default();
            core.connections().list(request.customer_id.as_deref(), request.after.as_deref(), request.limit).await
        }

        /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
        /// revocation stands in the answer.
        ///
        /// Rejects with `not_found`, `invalid_input`, `store`.
        disconnect(connection: ConnectionId) -> Revocation {
            core.connections().disconnect(&connection.customer_id, &connection.instance_url).await
        }
    }
}

operations! {
    /// Operations on registrations, the OAuth side of a connection: `client.registrations`.
    Registrations registrations |core| {
        /// Registers the account with the instance through a service account: password grant, connection test, save. A
        /// connection is made first when there is none. On a registration that exists it replaces the grant.
        ///
        /// Rejects with `already_registered` naming the instance that holds the account; `unauthorized` when the token
        /// endpoint refuses (it does not say what is wrong); `forbidden` naming the role or scope;
        /// `prerequisite_missing`; `not_found`, `not_entitled`, `invalid_input`, `throttled`, `unavailable`, `timeout`,
        /// `protocol`, `store`. Nothing has changed then.
        register(request: RegisterServiceAccount) -> Connection { core.registrations().register(request).await }

        /// Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
        /// report.
        ///
        /// Rejects with `invalid_input`, `not_found`, and everything that the token endpoint refuses or fails with.
        test(request: RegisterServiceAccount) -> TestReport { core.registrations().test(request).await }

        /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
        ///
        /// Rejects with `illegal_state` without a registration, `invalid_input` when a password is missing; else as
        /// `register`. The grant in use goes on working then.
        reauthenticate(request: ReauthenticateServiceAccount) -> Connection {
            core.registrations().reauthenticate(request).await
        }

        /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
        /// revocation stands in the answer.
        ///
        /// Rejects with `illegal_state` without a registration, `not_found`, `invalid_input`, `store`.
        unregister(connection: ConnectionId) -> Revocation {
            core.registrations().unregister(&connection.customer_id, &connection.instance_url).await
        }

        /// Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
        /// proof only, the status. What goes wrong at the instance stands in the connection.
        ///
        /// Rejects with `not_found`, `illegal_state` without a registration, `invalid_input`, `store`, `sealed`.
        check(connection: ConnectionId) -> Connection {
            core.registrations().check(&connection.customer_id, &connection.instance_url).await
        }
    }
}

operations! {
    /// Alerts on their way to incidents: `client.alerts`.
    Alerts alerts |core| {
        /// Takes an alert. Once this resolves, the alert is stored durably and cannot be lost. The same alert again
        /// (account, source, id) is the same delivery.
        ///
        /// Rejects with `not_found` when the account was not added, `invalid_input`, `store`.
        submit(alert: Alert) -> Delivery { core.alerts().submit(alert).await }

        /// Takes the body of a Citrix Cloud webhook callback. Null when it tells of something else than a new
        /// notification.
        ///
        /// Rejects with `forbidden` when the authorization differs; `invalid_input` when the body is not a callback;
        /// `not_found` when its account was not added; `store`.
        submit_webhook(request: SubmitWebhook) -> Option<Delivery> ["Promise<Delivery | null>"] {
            let (authorization, expected) = (request.authorization.as_deref(), request.expected.as_ref());
            core.alerts().submit_webhook(request.body.as_ref(), authorization, expected).await
        }

        /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
        /// anything is repeated, which can take as long as the instance may still be working. Delivering twice makes
        /// one incident.
        ///
        /// Rejects with `not_found`; `illegal_state` when the account is not registered; `outcome_unknown` when the
        /// instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
        deliver(delivery_id: String) -> Delivery { core.alerts().deliver(&delivery_id).await }

        /// One delivery.
        ///
        /// Rejects with `not_found`, `store`.
        get(delivery_id: String) -> Delivery { core.alerts().get(&delivery_id).await }

        /// One page of deliveries, in the order in which they were accepted. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListDeliveriesOptions>) -> DeliveryPage {
            let request = request.unwrap_or_default();
            let customer_id = request.customer_id.as_deref();
            let (after, limit) = (request.after.as_deref(), request.limit);
            core.alerts().list(customer_id, &request.statuses.unwrap_or_default(), after, limit).await
        }
    }
}

operations! {
    /// The event log: `client.events`.
    Events events |core| {
        /// One page of events, oldest first. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListOfAccountOptions>) -> EventPage {
            let request = request.unwrap_or_default();
            core.events().list(request.customer_id.as_deref(), request.after.as_deref(), request.limit).await
        }
    }
}

operations! {
    /// Records of the instance that an account is registered with (Table API): `client.records`.
    Records records |core| {
        /// One record.
        ///
        /// Rejects with `not_found` when there is none or it is hidden, `illegal_state` when the account is not
        /// registered, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
        get(request: GetRecord) -> String ["Promise<Record<string, string>>"] {
            let GetRecord { customer_id, table, sys_id, fields } = request;
            core.records().get(&customer_id, &table, &sys_id, &names(&fields)).await.map(text)
        }

        /// Records that match the query, at most `limit` of them. No records can also mean no right to read them.
        ///
        /// Rejects as `get`.
        query(request: QueryRecords) -> String ["Promise<Array<Record<string, string>>>"] {
            let QueryRecords { customer_id, table, query, fields, limit } = request;
            let query = Query::of(&query.unwrap_or_default())?;
            core.records().query(&customer_id, &table, &query, &names(&fields), limit).await.map(|found| list(&found))
        }

        /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
        /// The page parses its records when they are asked for. `pages` walks over all of them.
        ///
        /// Rejects as `get`.
        page(request: PageRecords) -> Page ["Promise<RecordPage>"] {
            let PageRecords { customer_id, table, query, fields, size, after } = request;
            let (query, fields) = (Query::of(&query.unwrap_or_default())?, names(&fields));
            let page = core.records().page_json(&customer_id, &table, &query, &fields, size, after.as_deref()).await?;
            Ok((text(page.json), page.next))
        }

        /// Makes a record and gives it back as stored.
        ///
        /// Rejects with `outcome_unknown` when the record may or may not exist: look it up by a key of yours. Else as
        /// `get`, and nothing was made.
        insert(request: InsertRecord) -> String ["Promise<Record<string, string>>"] {
            let InsertRecord { customer_id, table, record, fields } = request;
            let record = records::<&RawValue>(&record)?;
            core.records().insert(&customer_id, &table, &record, &names(&fields)).await.map(text)
        }

        /// Makes many records and tells of each, in the order given, how it went. One that fails does not stop the
        /// others.
        ///
        /// Rejects with `invalid_input` for `inFlight`, `illegal_state` when the account is not registered.
        insert_many(request: InsertRecords) -> Settled
        ["Promise<Array<PromiseSettledResult<Record<string, string>>>>"] {
            let InsertRecords { customer_id, table, records: given, fields, in_flight } = request;
            let (given, fields) = (records::<Vec<&RawValue>>(&given)?, names(&fields));
            let made = core.records().insert_many(&customer_id, &table, &given, &fields, in_flight as usize).await?;
            let errors = made.iter().map(|made| made.as_ref().err().map(core::Error::info)).collect();
            Ok((list(&made.into_iter().map(core::Result::unwrap_or_default).collect::<Vec<_>>()), errors))
        }

        /// Changes the columns given and gives the record back.
        ///
        /// Rejects as `insert`; repeating an update whose outcome is unknown is safe.
        update(request: UpdateRecord) -> String ["Promise<Record<string, string>>"] {
            let UpdateRecord { customer_id, table, sys_id, record, fields } = request;
            let record = records::<&RawValue>(&record)?;
            core.records().update(&customer_id, &table, &sys_id, &record, &names(&fields)).await.map(text)
        }
    }
}
