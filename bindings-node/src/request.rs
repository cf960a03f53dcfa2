//! Arguments that the core takes one by one, as the one object that JavaScript gives.

use chrono::{DateTime, Utc};
use itsm_adapter::{Alert, AlertSource, Condition, DeliveryStatus, Secret};
use napi::{
    Result, ValueType,
    bindgen_prelude::{Either, FromNapiValue, TypeName, Uint8Array, ValidateNapiValue, sys},
};
use napi_derive::napi;

/// One object that is two requests: one of the core, and what stands beside it there.
pub struct Both<A, B>(pub A, pub B);

impl<A, B> TypeName for Both<A, B> {
    fn type_name() -> &'static str {
        "Object"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl<A: FromNapiValue, B: FromNapiValue> ValidateNapiValue for Both<A, B> {}

impl<A: FromNapiValue, B: FromNapiValue> FromNapiValue for Both<A, B> {
    #[allow(unsafe_code)]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise about `env` and `value` is passed on unchanged.
        unsafe { Ok(Self(A::from_napi_value(env, value)?, B::from_napi_value(env, value)?)) }
    }
}

/// An account and an instance: what a connection is known by.
#[napi(object, object_to_js = false)]
pub struct ConnectionId {
    /// The account.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
}

/// What a relocation takes beside a registration.
#[napi(object, object_to_js = false)]
pub struct Moving {
    /// The old address of the instance.
    pub from_instance_url: String,
}

/// How long to wait for a person.
#[napi(object, object_to_js = false)]
pub struct Patience {
    /// How long the person may take, in milliseconds (600,000, and no more).
    pub timeout_ms: Option<u32>,
}

/// A listener, and how long to wait for what it hears.
#[napi(object, object_to_js = false)]
pub struct WaitFor {
    /// The flow, as `listen` named it.
    pub flow_id: String,
    /// How long, in milliseconds (as long as the flow lives).
    pub timeout_ms: Option<u32>,
}

/// A browser that came back.
#[napi(object, object_to_js = false)]
pub struct Complete {
    /// The whole address that it came back to.
    pub callback_url: String,
    /// What was given as `session` when the authorization began.
    pub session: Option<Secret>,
}

/// The new secret of an OAuth endpoint.
#[napi(object, object_to_js = false)]
pub struct UpdateEndpointSecret {
    /// The account.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
    /// The new client secret.
    pub client_secret: Secret,
}

/// Which part of a list.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ListOptions {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// How many items a page holds at the most, 1 to 1000 (100).
    pub limit: Option<u32>,
}

/// Which part of a list, of one account or of all.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ListOfAccountOptions {
    /// Only what belongs to this account.
    pub customer_id: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// How many items a page holds at the most, 1 to 1000 (100).
    pub limit: Option<u32>,
}

/// Which deliveries.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ListDeliveriesOptions {
    /// Only those of this account.
    pub customer_id: Option<String>,
    /// Only those in one of these statuses.
    pub statuses: Option<Vec<DeliveryStatus>>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// How many items a page holds at the most, 1 to 1000 (100).
    pub limit: Option<u32>,
}

/// A webhook callback of Citrix Cloud.
#[napi(object, object_to_js = false)]
pub struct SubmitWebhook {
    /// The body of the callback, as it came.
    pub body: Either<String, Uint8Array>,
    /// The value of its header `authorization`.
    pub authorization: Option<String>,
    /// The value given as `authorization` when the webhook was made (Citrix calls it `authHeaders`); with it both must be
    /// equal.
    pub expected: Option<Secret>,
    /// The account that the webhook was made for; with it, a body that names another account is refused. Without it
    /// the body is believed.
    pub customer_id: Option<String>,
}

/// A webhook callback whose form is the sender's own.
#[napi(object, object_to_js = false)]
pub struct SubmitMapped {
    /// The account that it belongs to.
    pub customer_id: String,
    /// The body of the callback, as it came.
    pub body: Either<String, Uint8Array>,
    /// Says where in the body the fields of an alert are: a JSON document, or its object (the columns of the
    /// connector's table Citrix Alert).
    #[napi(ts_type = "string | object")]
    pub mapping: Option<String>,
    /// The value of its header `authorization`.
    pub authorization: Option<String>,
    /// What the sender was told to send there; with it both must be equal.
    pub expected: Option<Secret>,
}

/// A policy for an account.
#[napi(object, object_to_js = false)]
pub struct SetPolicy {
    /// The account.
    pub customer_id: String,
    /// The policy: a JSON document, or its object.
    #[napi(ts_type = "string | object")]
    pub document: String,
}

/// An alert to be explained.
#[napi(object, object_to_js = false)]
pub struct ExplainPolicy {
    /// The alert.
    #[napi(ts_type = "SubmitAlert")]
    pub alert: Alert,
    /// When it would come (now).
    pub at: Option<DateTime<Utc>>,
    /// A policy to be asked instead of the account's: a JSON document, or its object.
    #[napi(ts_type = "string | object")]
    pub document: Option<String>,
}

/// Which source to look at.
#[napi(object, object_to_js = false)]
pub struct PollSource {
    /// The account.
    pub customer_id: String,
    /// The source.
    pub source: AlertSource,
    /// Where to begin when the source was never looked at (a day back); without effect after that.
    pub since: Option<DateTime<Utc>>,
}

/// A webhook subscription of an account.
#[napi(object, object_to_js = false)]
pub struct WebhookId {
    /// The account.
    pub customer_id: String,
    /// Its id at Citrix Cloud.
    pub webhook_id: String,
}

/// One record of a table.
#[napi(object, object_to_js = false)]
pub struct GetRecord {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Id of the record, 32 hexadecimal digits.
    pub sys_id: String,
    /// The columns to give back (all).
    pub fields: Option<Vec<String>>,
}

/// Records that match a query.
#[napi(object, object_to_js = false)]
pub struct QueryRecords {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Conditions that must all be met (none).
    pub query: Option<Vec<Condition>>,
    /// The columns to give back (all).
    pub fields: Option<Vec<String>>,
    /// How many records at the most, 1 to 10,000 (100).
    pub limit: Option<u32>,
}

/// One page of a walk over records.
#[napi(object, object_to_js = false)]
pub struct PageRecords {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Conditions that must all be met (none).
    pub query: Option<Vec<Condition>>,
    /// The columns to give back (all); `sys_id` always comes along.
    pub fields: Option<Vec<String>>,
    /// How many records a page holds at the most, 1 to 10,000 (1000).
    pub size: Option<u32>,
    /// The `next` of the page before.
    pub after: Option<String>,
}

/// A record to make.
#[napi(object, object_to_js = false)]
pub struct InsertRecord {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Columns and their values.
    #[napi(ts_type = "Record<string, string>")]
    pub record: String,
    /// The columns to give back (all).
    pub fields: Option<Vec<String>>,
}

/// Records to make.
#[napi(object, object_to_js = false)]
pub struct InsertRecords {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Columns and their values, of each record.
    #[napi(ts_type = "ReadonlyArray<Record<string, string>>")]
    pub records: String,
    /// The columns to give back (all).
    pub fields: Option<Vec<String>>,
    /// How many records are under way at a time, 1 to 1000 (64).
    pub in_flight: Option<u32>,
}

/// What to change of a record.
#[napi(object, object_to_js = false)]
pub struct UpdateRecord {
    /// The account, registered with the instance that holds the table.
    pub customer_id: String,
    /// The table's name, such as `incident`.
    pub table: String,
    /// Id of the record, 32 hexadecimal digits.
    pub sys_id: String,
    /// Columns and their new values.
    #[napi(ts_type = "Record<string, string>")]
    pub record: String,
    /// The columns to give back (all).
    pub fields: Option<Vec<String>>,
}
