//! Every operation, with the token that ends it.

use std::sync::Arc;

use itsm_adapter::{
    Account, AccountPage, AddAccount, Alert, Client, ClientOptions, Condition, Config, Connect, Connection,
    ConnectionPage, Delivery, DeliveryPage, DeliveryStatus, Entitlement, Environment, ErrorInfo, EventPage, Instance,
    InstancePage, Query, ReauthenticateServiceAccount, RegisterServiceAccount, Result as CoreResult, Revocation,
    Secret, TestReport, UpdateAccount,
};
use serde_json::value::RawValue;

use crate::{
    cancel::CancelToken,
    error::NativeError,
    listen::{Listener, NativeSubscription, Observer},
};

type Result<T> = std::result::Result<T, NativeError>;
type Cancel = Arc<CancelToken>;

/// The client behind the face.
#[derive(uniffi::Object)]
pub struct NativeClient(Client);

/// A page of records as JSON text.
#[derive(uniffi::Record)]
pub struct NativePage {
    /// An array of objects.
    pub json: Vec<u8>,
    /// Where to go on.
    pub next: Option<String>,
}

/// How one of many inserts went.
#[derive(uniffi::Enum)]
pub enum NativeInserted {
    /// The record as stored, as JSON text.
    Done {
        /// An object.
        json: Vec<u8>,
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
        cancel.run(async move { Client::open(Config::resolve(options)?).await.map(|client| Arc::new(Self(client))) }).await
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

    pub async fn rotate_key(&self, new_key: Option<Secret>, cancel: Cancel) -> Result<()> {
        self.run(cancel, |client| async move { client.rotate_key(new_key).await.map(drop) }).await
    }

    pub async fn panic_on_purpose(&self, cancel: Cancel) -> Result<()> {
        self.run(cancel, |client| async move { client.panic_on_purpose().await }).await
    }

    pub async fn accounts_add(&self, request: AddAccount, cancel: Cancel) -> Result<Account> {
        self.run(cancel, |client| async move { client.accounts().add(request).await }).await
    }

    pub async fn accounts_update(&self, request: UpdateAccount, cancel: Cancel) -> Result<Account> {
        self.run(cancel, |client| async move { client.accounts().update(request).await }).await
    }

    pub async fn accounts_get(&self, customer: String, cancel: Cancel) -> Result<Account> {
        self.run(cancel, |client| async move { client.accounts().get(&customer).await }).await
    }

    pub async fn accounts_list(&self, after: Option<String>, limit: Option<u32>, cancel: Cancel) -> Result<AccountPage> {
        self.run(cancel, |client| async move { client.accounts().list(after.as_deref(), limit).await }).await
    }

    pub async fn accounts_test(&self, customer: String, cancel: Cancel) -> Result<TestReport> {
        self.run(cancel, |client| async move { client.accounts().test(&customer).await }).await
    }

    pub async fn accounts_entitlement(&self, customer: String, cancel: Cancel) -> Result<Entitlement> {
        self.run(cancel, |client| async move { client.accounts().entitlement(&customer).await }).await
    }

    pub async fn accounts_remove(&self, customer: String, cancel: Cancel) -> Result<()> {
        self.run(cancel, |client| async move { client.accounts().remove(&customer).await }).await
    }

    pub async fn instances_get(&self, instance: String, cancel: Cancel) -> Result<Instance> {
        self.run(cancel, |client| async move { client.instances().get(&instance).await }).await
    }

    pub async fn instances_list(&self, after: Option<String>, limit: Option<u32>, cancel: Cancel) -> Result<InstancePage> {
        self.run(cancel, |client| async move { client.instances().list(after.as_deref(), limit).await }).await
    }

    pub async fn connections_connect(&self, request: Connect, cancel: Cancel) -> Result<Connection> {
        self.run(cancel, |client| async move { client.connections().connect(request).await }).await
    }

    pub async fn connections_test(&self, request: Connect, cancel: Cancel) -> Result<TestReport> {
        self.run(cancel, |client| async move { client.connections().test(request).await }).await
    }

    pub async fn connections_get(&self, customer: String, instance: String, cancel: Cancel) -> Result<Connection> {
        self.run(cancel, |client| async move { client.connections().get(&customer, &instance).await }).await
    }

    pub async fn connections_list(
        &self,
        customer: Option<String>,
        after: Option<String>,
        limit: Option<u32>,
        cancel: Cancel,
    ) -> Result<ConnectionPage> {
        self.run(cancel, |client| async move {
            client.connections().list(customer.as_deref(), after.as_deref(), limit).await
        })
        .await
    }

    pub async fn connections_disconnect(&self, customer: String, instance: String, cancel: Cancel) -> Result<Revocation> {
        self.run(cancel, |client| async move { client.connections().disconnect(&customer, &instance).await }).await
    }

    pub async fn registrations_register(&self, request: RegisterServiceAccount, cancel: Cancel) -> Result<Connection> {
        self.run(cancel, |client| async move { client.registrations().register(request).await }).await
    }

    pub async fn registrations_test(&self, request: RegisterServiceAccount, cancel: Cancel) -> Result<TestReport> {
        self.run(cancel, |client| async move { client.registrations().test(request).await }).await
    }

    pub async fn registrations_reauthenticate(
        &self,
        request: ReauthenticateServiceAccount,
        cancel: Cancel,
    ) -> Result<Connection> {
        self.run(cancel, |client| async move { client.registrations().reauthenticate(request).await }).await
    }

    pub async fn registrations_unregister(&self, customer: String, instance: String, cancel: Cancel) -> Result<Revocation> {
        self.run(cancel, |client| async move { client.registrations().unregister(&customer, &instance).await }).await
    }

    pub async fn registrations_check(&self, customer: String, instance: String, cancel: Cancel) -> Result<Connection> {
        self.run(cancel, |client| async move { client.registrations().check(&customer, &instance).await }).await
    }

    pub async fn alerts_submit(&self, alert: Alert, cancel: Cancel) -> Result<Delivery> {
        self.run(cancel, |client| async move { client.alerts().submit(alert).await }).await
    }

    pub async fn alerts_submit_webhook(
        &self,
        body: Vec<u8>,
        authorization: Option<String>,
        expected: Option<Secret>,
        cancel: Cancel,
    ) -> Result<Option<Delivery>> {
        self.run(cancel, |client| async move {
            client.alerts().submit_webhook(&body, authorization.as_deref(), expected.as_ref()).await
        })
        .await
    }

    pub async fn alerts_deliver(&self, delivery: String, cancel: Cancel) -> Result<Delivery> {
        self.run(cancel, |client| async move { client.alerts().deliver(&delivery).await }).await
    }

    pub async fn alerts_get(&self, delivery: String, cancel: Cancel) -> Result<Delivery> {
        self.run(cancel, |client| async move { client.alerts().get(&delivery).await }).await
    }

    pub async fn alerts_list(
        &self,
        customer: Option<String>,
        statuses: Vec<DeliveryStatus>,
        after: Option<String>,
        limit: Option<u32>,
        cancel: Cancel,
    ) -> Result<DeliveryPage> {
        self.run(cancel, |client| async move {
            client.alerts().list(customer.as_deref(), &statuses, after.as_deref(), limit).await
        })
        .await
    }

    pub async fn records_get(
        &self,
        customer: String,
        table: String,
        sys_id: String,
        fields: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<u8>> {
        self.run(cancel, |client| async move {
            client.records().get(&customer, &table, &sys_id, &names(&fields)).await.map(bytes)
        })
        .await
    }

    pub async fn records_query(
        &self,
        customer: String,
        table: String,
        query: Vec<Condition>,
        fields: Vec<String>,
        limit: u32,
        cancel: Cancel,
    ) -> Result<Vec<u8>> {
        self.run(cancel, |client| async move {
            client.records().query(&customer, &table, &Query::of(&query)?, &names(&fields), limit).await.map(list)
        })
        .await
    }

    #[allow(clippy::too_many_arguments)] // named and with defaults on the face
    pub async fn records_page(
        &self,
        customer: String,
        table: String,
        query: Vec<Condition>,
        fields: Vec<String>,
        size: u32,
        after: Option<String>,
        cancel: Cancel,
    ) -> Result<NativePage> {
        self.run(cancel, |client| async move {
            let (query, fields) = (Query::of(&query)?, names(&fields));
            let page = client.records().page_json(&customer, &table, &query, &fields, size, after.as_deref()).await?;
            CoreResult::Ok(NativePage { json: bytes(page.json), next: page.next })
        })
        .await
    }

    pub async fn records_insert(
        &self,
        customer: String,
        table: String,
        record: Vec<u8>,
        fields: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<u8>> {
        let record: Box<RawValue> = serde_json::from_slice(&record)?;
        self.run(cancel, |client| async move {
            client.records().insert(&customer, &table, &record, &names(&fields)).await.map(bytes)
        })
        .await
    }

    pub async fn records_insert_many(
        &self,
        customer: String,
        table: String,
        records: Vec<u8>,
        fields: Vec<String>,
        in_flight: u32,
        cancel: Cancel,
    ) -> Result<Vec<NativeInserted>> {
        let records: Vec<Box<RawValue>> = serde_json::from_slice(&records)?;
        self.run(cancel, |client| async move {
            let inserted = client.records().insert_many(&customer, &table, &records, &names(&fields), in_flight as usize);
            CoreResult::Ok(inserted.await?.into_iter().map(NativeInserted::from).collect())
        })
        .await
    }

    pub async fn records_update(
        &self,
        customer: String,
        table: String,
        sys_id: String,
        record: Vec<u8>,
        fields: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<u8>> {
        let record: Box<RawValue> = serde_json::from_slice(&record)?;
        self.run(cancel, |client| async move {
            client.records().update(&customer, &table, &sys_id, &record, &names(&fields)).await.map(bytes)
        })
        .await
    }

    pub async fn events_list(
        &self,
        customer: Option<String>,
        after: Option<String>,
        limit: Option<u32>,
        cancel: Cancel,
    ) -> Result<EventPage> {
        self.run(cancel, |client| async move {
            client.events().list(customer.as_deref(), after.as_deref(), limit).await
        })
        .await
    }
}

impl NativeClient {
    async fn run<T, F>(&self, cancel: Cancel, operation: impl FnOnce(Client) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = CoreResult<T>> + Send + 'static,
    {
        cancel.run(operation(self.0.clone())).await
    }
}

impl From<CoreResult<Box<RawValue>>> for NativeInserted {
    fn from(result: CoreResult<Box<RawValue>>) -> Self {
        match result {
            Ok(json) => Self::Done { json: bytes(json) },
            Err(error) => Self::Failed { info: error.info() },
        }
    }
}

fn names(fields: &[String]) -> Vec<&str> {
    fields.iter().map(String::as_str).collect()
}

fn list(records: Vec<Box<RawValue>>) -> Vec<u8> {
    let records: Vec<&str> = records.iter().map(|record| record.get()).collect();
    format!("[{}]", records.join(",")).into_bytes()
}

fn bytes(json: Box<RawValue>) -> Vec<u8> {
    String::from(Box::<str>::from(json)).into_bytes()
}
