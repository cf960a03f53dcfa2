//! Every operation, with the token that ends it.

use std::{sync::Arc, time::SystemTime};

use itsm_adapter::{
    Account, AccountPage, AccountPolicy, AddAccount, Alert, AlertSource, Authorization, Authorize, Authorized,
    CheckAll, CheckSummary, Client, ClientOptions, Condition, Config, Connect, Connection, ConnectionPage,
    CreateWebhook, Delivery, DeliveryLag, DeliveryPage, DeliveryStatus, Entitlement, Environment, ErrorInfo, EventPage,
    Instance, InstancePage, PolicyDecision, ProbeReport, Query, ReauthenticateServiceAccount, RegisterServiceAccount,
    Result as CoreResult, Revocation, RotationReport, RunOptions, Secret, SweepReport, TestReport, UpdateAccount,
    Webhook,
    ffi::{self, list, names, text},
};
use serde_json::value::RawValue;

use crate::{
    cancel::CancelToken,
    error::NativeError,
    listen::{Listener, NativeSubscription, Observer},
    pages::NativePages,
    worker::NativeWorker,
};

type Result<T> = std::result::Result<T, NativeError>;
type Cancel = Arc<CancelToken>;
/// JSON text.
type Json = String;

/// The client behind the face.
#[derive(uniffi::Object)]
pub struct NativeClient(Client);

/// A page of records.
#[derive(uniffi::Record)]
pub struct NativePage {
    /// An array of objects, as JSON text.
    pub json: String,
    /// Where to go on.
    pub next: Option<String>,
}

/// How one of many inserts went.
#[derive(uniffi::Enum)]
pub enum NativeInserted {
    /// The record as stored.
    Done {
        /// An object, as JSON text.
        json: String,
    },
    /// Why there is none.
    Failed {
        /// Everything that is known.
        info: ErrorInfo,
    },
}

/// See the face.
#[uniffi::export]
pub fn native_egress_ranges(environment: Environment) -> Vec<String> {
    itsm_adapter::egress_ranges(environment).iter().map(|&range| range.to_owned()).collect()
}

// Documented where people see them: on the face, in `Sources/ItsmAdapter`.
#[allow(missing_docs)]
#[uniffi::export]
impl NativeClient {
    #[uniffi::constructor]
    pub async fn open(options: ClientOptions, cancel: Cancel) -> Result<Arc<Self>> {
        cancel
            .run(async move { Client::open(Config::resolve(options)?).await.map(|client| Arc::new(Self(client))) })
            .await
    }

    pub fn close(&self) {
        self.0.close();
    }

    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    pub fn observe(&self, observer: Arc<dyn Observer>) -> u64 {
        self.0.observe(Arc::new(Listener(observer)))
    }

    pub fn unobserve(&self, id: u64) {
        self.0.unobserve(id);
    }

    pub fn subscribe(&self) -> Arc<NativeSubscription> {
        Arc::new(NativeSubscription::new(self.0.subscribe()))
    }

    #[allow(clippy::needless_pass_by_value)] // uniffi hands lists over by value
    pub fn records_pages(
        &self,
        customer: &str,
        table: &str,
        query: Vec<Condition>,
        fields: Vec<String>,
        size: Option<u32>,
    ) -> Arc<NativePages> {
        let pages =
            Query::of(&query).map(|query| self.0.records().pages_json(customer, table, query, &names([&fields]), size));
        Arc::new(NativePages::new(pages))
    }
}

/// Asynchronous operations: `name(arguments) -> answer, |client| work`.
macro_rules! operations {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty, |$client:ident| $work:expr;)+) => {
        // Documented where people see them: on the face, in `Sources/ItsmAdapter`.
        #[allow(missing_docs, clippy::too_many_arguments)]
        #[uniffi::export]
        impl NativeClient { $(
            pub async fn $name(&self, $($argument: $type,)* cancel: Cancel) -> Result<$answer> {
                let $client = self.0.clone();
                cancel.run::<$answer>(async move { $work }).await
            }
        )+ }
    };
}

operations! {
    rotate_key(key: Option<Secret>) -> RotationReport, |client| client.rotate_key(key).await;
    panic_on_purpose() -> (), |client| client.panic_on_purpose().await;

    accounts_add(request: AddAccount) -> Account, |client| client.accounts().add(request).await;
    accounts_update(request: UpdateAccount) -> Account, |client| client.accounts().update(request).await;
    accounts_get(customer: String) -> Account, |client| client.accounts().get(&customer).await;
    accounts_list(after: Option<String>, limit: Option<u32>) -> AccountPage,
        |client| client.accounts().list(after.as_deref(), limit).await;
    accounts_test(customer: String) -> TestReport, |client| client.accounts().test(&customer).await;
    accounts_disable(customer: String) -> Account, |client| client.accounts().disable(&customer).await;
    accounts_enable(customer: String) -> Account, |client| client.accounts().enable(&customer).await;
    accounts_entitlement(customer: String) -> Entitlement, |client| client.accounts().entitlement(&customer).await;
    accounts_remove(customer: String) -> (), |client| client.accounts().remove(&customer).await;

    instances_get(instance: String) -> Instance, |client| client.instances().get(&instance).await;
    instances_list(after: Option<String>, limit: Option<u32>) -> InstancePage,
        |client| client.instances().list(after.as_deref(), limit).await;

    connections_connect(request: Connect) -> Connection, |client| client.connections().connect(request).await;
    connections_test(request: Connect) -> TestReport, |client| client.connections().test(request).await;
    connections_get(customer: String, instance: String) -> Connection,
        |client| client.connections().get(&customer, &instance).await;
    connections_list(customer: Option<String>, after: Option<String>, limit: Option<u32>) -> ConnectionPage,
        |client| client.connections().list(customer.as_deref(), after.as_deref(), limit).await;
    connections_disconnect(customer: String, instance: String) -> Revocation,
        |client| client.connections().disconnect(&customer, &instance).await;

    registrations_register(request: RegisterServiceAccount) -> Connection,
        |client| client.registrations().register(request).await;
    registrations_test(request: RegisterServiceAccount) -> TestReport, |client| client.registrations().test(request).await;
    registrations_reauthenticate(request: ReauthenticateServiceAccount) -> Connection,
        |client| client.registrations().reauthenticate(request).await;
    registrations_unregister(customer: String, instance: String) -> Revocation,
        |client| client.registrations().unregister(&customer, &instance).await;
    registrations_check(customer: String, instance: String) -> Connection,
        |client| client.registrations().check(&customer, &instance).await;
    registrations_check_all(request: CheckAll) -> CheckSummary, |client| client.registrations().check_all(request).await;
    registrations_relocate(from: String, request: RegisterServiceAccount) -> Connection,
        |client| client.registrations().relocate(&from, request).await;
    registrations_probe(customer: String) -> ProbeReport, |client| client.registrations().probe(&customer).await;
    registrations_update_endpoint_secret(customer: String, instance: String, secret: Secret) -> Connection,
        |client| client.registrations().update_endpoint_secret(&customer, &instance, &secret).await;
    registrations_authorize(request: Authorize) -> Authorization,
        |client| client.registrations().authorize(request).await;
    registrations_complete(callback: String, session: Option<Secret>) -> Authorized,
        |client| client.registrations().complete(&callback, session.as_ref()).await;
    registrations_abandon(flow: String) -> (), |client| client.registrations().abandon(&flow).await;
    registrations_authorize_in_browser(request: Authorize, timeout_ms: Option<u32>) -> Authorized,
        |client| client.registrations().authorize_in_browser(request, timeout_ms).await;
    registrations_listen(request: Authorize) -> Authorization, |client| client.registrations().listen(request).await;
    registrations_wait_for(flow: String, timeout_ms: Option<u32>) -> Authorized,
        |client| client.registrations().wait_for(&flow, timeout_ms).await;

    alerts_submit(alert: Alert) -> Delivery, |client| client.alerts().submit(alert).await;
    alerts_submit_many(alerts: Vec<Alert>) -> Vec<Delivery>, |client| client.alerts().submit_many(alerts).await;
    alerts_submit_webhook(
        body: Vec<u8>, authorization: Option<String>, expected: Option<Secret>, customer: Option<String>
    ) -> Option<Delivery>,
        |client| {
            let (authorization, customer) = (authorization.as_deref(), customer.as_deref());
            client.alerts().submit_webhook(&body, authorization, expected.as_ref(), customer).await
        };
    alerts_submit_mapped(
        customer: String, body: Vec<u8>, mapping: Option<String>, authorization: Option<String>, expected: Option<Secret>
    ) -> Option<Delivery>,
        |client| {
            let (mapping, authorization) = (mapping.as_deref(), authorization.as_deref());
            client.alerts().submit_mapped(&customer, &body, mapping, authorization, expected.as_ref()).await
        };
    alerts_run(options: RunOptions) -> Arc<NativeWorker>,
        |client| client.alerts().run(options).await.map(NativeWorker::new);
    alerts_drain(options: RunOptions) -> DeliveryLag, |client| client.alerts().drain(options).await;
    alerts_lag(customer: Option<String>) -> DeliveryLag, |client| client.alerts().lag(customer.as_deref()).await;
    alerts_replay(delivery: String) -> Delivery, |client| client.alerts().replay(&delivery).await;
    alerts_deliver(delivery: String) -> Delivery, |client| client.alerts().deliver(&delivery).await;
    alerts_get(delivery: String) -> Delivery, |client| client.alerts().get(&delivery).await;
    alerts_list(
        customer: Option<String>, statuses: Vec<DeliveryStatus>, after: Option<String>, limit: Option<u32>
    ) -> DeliveryPage,
        |client| client.alerts().list(customer.as_deref(), &statuses, after.as_deref(), limit).await;

    policies_set(customer: String, document: String) -> AccountPolicy,
        |client| client.policies().set(&customer, &document).await;
    policies_get(customer: String) -> AccountPolicy, |client| client.policies().get(&customer).await;
    policies_remove(customer: String) -> (), |client| client.policies().remove(&customer).await;
    policies_explain(alert: Alert, at: Option<SystemTime>, document: Option<String>) -> PolicyDecision,
        |client| client.policies().explain(alert, at.map(Into::into), document.as_deref()).await;

    sources_poll(customer: String, source: AlertSource, since: Option<SystemTime>) -> SweepReport,
        |client| client.sources().poll(&customer, source, since.map(Into::into)).await;

    webhooks_create(request: CreateWebhook) -> Webhook, |client| client.webhooks().create(request).await;
    webhooks_list(customer: String) -> Vec<Webhook>, |client| client.webhooks().list(&customer).await;
    webhooks_remove(customer: String, webhook: String) -> (),
        |client| client.webhooks().remove(&customer, &webhook).await;

    records_get(customer: String, table: String, id: String, fields: Vec<String>) -> Json,
        |client| client.records().get(&customer, &table, &id, &names([&fields])).await.map(text);
    records_query(customer: String, table: String, query: Vec<Condition>, fields: Vec<String>, limit: Option<u32>) -> Json,
        |client| {
            client.records().query(&customer, &table, &Query::of(&query)?, &names([&fields]), limit).await.map(|found| list(&found))
        };
    records_page(
        customer: String, table: String, query: Vec<Condition>, fields: Vec<String>, size: Option<u32>, after: Option<String>
    ) -> NativePage,
        |client| {
            let (query, fields) = (Query::of(&query)?, names([&fields]));
            let page = client.records().page_json(&customer, &table, &query, &fields, size, after.as_deref()).await?;
            Ok(NativePage { json: text(page.json), next: page.next })
        };
    records_insert(customer: String, table: String, record: Json, fields: Vec<String>) -> Json,
        |client| {
            let record: &RawValue = ffi::records(&record)?;
            client.records().insert(&customer, &table, &record, &names([&fields])).await.map(text)
        };
    records_insert_many(
        customer: String, table: String, records: Json, fields: Vec<String>, in_flight: Option<u32>
    ) -> Vec<NativeInserted>,
        |client| {
            let (given, fields): (Vec<&RawValue>, _) = (ffi::records(&records)?, names([&fields]));
            let inserted = client.records().insert_many(&customer, &table, &given, &fields, in_flight).await?;
            Ok(inserted.into_iter().map(NativeInserted::from).collect())
        };
    records_update(customer: String, table: String, id: String, record: Json, fields: Vec<String>) -> Json,
        |client| {
            let record: &RawValue = ffi::records(&record)?;
            client.records().update(&customer, &table, &id, &record, &names([&fields])).await.map(text)
        };

    events_list(customer: Option<String>, after: Option<String>, limit: Option<u32>) -> EventPage,
        |client| client.events().list(customer.as_deref(), after.as_deref(), limit).await;
}

impl From<CoreResult<Box<RawValue>>> for NativeInserted {
    fn from(result: CoreResult<Box<RawValue>>) -> Self {
        result.map_or_else(|error| Self::Failed { info: error.info() }, |record| Self::Done { json: text(record) })
    }
}
