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

/// Objects that only come in. Those that may be left out as a whole have a default.
macro_rules! requests {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$about:meta])* $field:ident: $kind:ty,)+ })+) => { $(
        $(#[$doc])*
        #[napi(object, object_to_js = false)]
        pub struct $name { $($(#[$about])* pub $field: $kind,)+ }
    )+ };
}

requests! {
    /// An account and an instance: what a connection is known by.
    struct ConnectionId {
        /// The account.
        customer_id: String,
        /// The instance's address, as people type it.
        instance_url: String,
    }

    /// What a relocation takes beside a registration.
    struct Moving {
        /// The old address of the instance.
        from_instance_url: String,
    }

    /// How long to wait for a person.
    struct Patience {
        /// How long the person may take, in milliseconds (600,000, and no more).
        timeout_ms: Option<u32>,
    }

    /// A listener, and how long to wait for what it hears.
    struct WaitFor {
        /// The flow, as `listen` named it.
        flow_id: String,
        /// How long, in milliseconds (as long as the flow lives).
        timeout_ms: Option<u32>,
    }

    /// A browser that came back.
    struct Complete {
        /// The whole address that it came back to.
        callback_url: String,
        /// What was given as `session` when the authorization began.
        session: Option<Secret>,
    }

    /// The new secret of an OAuth endpoint.
    struct UpdateEndpointSecret {
        /// The account.
        customer_id: String,
        /// The instance's address, as people type it.
        instance_url: String,
        /// The new client secret.
        client_secret: Secret,
    }

    /// Which part of a list.
    #[derive(Default)]
    struct ListOptions {
        /// The `next` of the page before.
        after: Option<String>,
        /// How many items a page holds at the most, 1 to 1000 (100).
        limit: Option<u32>,
    }

    /// Which part of a list, of one account or of all.
    #[derive(Default)]
    struct ListOfAccountOptions {
        /// Only what belongs to this account.
        customer_id: Option<String>,
        /// The `next` of the page before.
        after: Option<String>,
        /// How many items a page holds at the most, 1 to 1000 (100).
        limit: Option<u32>,
    }

    /// Which deliveries.
    #[derive(Default)]
    struct ListDeliveriesOptions {
        /// Only those of this account.
        customer_id: Option<String>,
        /// Only those in one of these statuses.
        statuses: Option<Vec<DeliveryStatus>>,
        /// The `next` of the page before.
        after: Option<String>,
        /// How many items a page holds at the most, 1 to 1000 (100).
        limit: Option<u32>,
    }

    /// A webhook callback of Citrix Cloud.
    struct SubmitWebhook {
        /// The body of the callback, as it came.
        body: Either<String, Uint8Array>,
        /// The value of its header `authorization`.
        authorization: Option<String>,
        /// The value given as `authHeaders` when the webhook was made; with it both must be equal.
        expected: Option<Secret>,
        /// The account that the webhook was made for; with it, a body that names another account is refused. Without it
        /// the body is believed.
        customer_id: Option<String>,
    }

    /// A webhook callback whose form is the sender's own.
    struct SubmitMapped {
        /// The account that it belongs to.
        customer_id: String,
        /// The body of the callback, as it came.
        body: Either<String, Uint8Array>,
        /// JSON document that says where in the body the fields of an alert are (the columns of the connector's table
        /// Citrix Alert).
        mapping: Option<String>,
        /// The value of its header `authorization`.
        authorization: Option<String>,
        /// What the sender was told to send there; with it both must be equal.
        expected: Option<Secret>,
    }

    /// A policy for an account.
    struct SetPolicy {
        /// The account.
        customer_id: String,
        /// The policy as a JSON document.
        document: String,
    }

    /// An alert to be explained.
    struct ExplainPolicy {
        /// The alert.
        #[napi(ts_type = "SubmitAlert")]
        alert: Alert,
        /// When it would come (now).
        at: Option<DateTime<Utc>>,
        /// A policy as a JSON document, to be asked instead of the account's.
        document: Option<String>,
    }

    /// Which source to look at.
    struct PollSource {
        /// The account.
        customer_id: String,
        /// The source.
        source: AlertSource,
        /// Where to begin when the source was never looked at (a day back); without effect after that.
        since: Option<DateTime<Utc>>,
    }

    /// A webhook subscription of an account.
    struct WebhookId {
        /// The account.
        customer_id: String,
        /// Its id at Citrix Cloud.
        webhook_id: String,
    }

    /// One record of a table.
    struct GetRecord {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Id of the record, 32 hexadecimal digits.
        sys_id: String,
        /// The columns to give back (all).
        fields: Option<Vec<String>>,
    }

    /// Records that match a query.
    struct QueryRecords {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Conditions that must all be met (none).
        query: Option<Vec<Condition>>,
        /// The columns to give back (all).
        fields: Option<Vec<String>>,
        /// How many records at the most.
        limit: u32,
    }

    /// One page of a walk over records.
    struct PageRecords {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Conditions that must all be met (none).
        query: Option<Vec<Condition>>,
        /// The columns to give back (all); `sys_id` always comes along.
        fields: Option<Vec<String>>,
        /// How many records a page holds at the most, 1 to 10,000.
        size: u32,
        /// The `next` of the page before.
        after: Option<String>,
    }

    /// A record to make.
    struct InsertRecord {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Columns and their values.
        #[napi(ts_type = "Record<string, string>")]
        record: String,
        /// The columns to give back (all).
        fields: Option<Vec<String>>,
    }

    /// Records to make.
    struct InsertRecords {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Columns and their values, of each record.
        #[napi(ts_type = "ReadonlyArray<Record<string, string>>")]
        records: String,
        /// The columns to give back (all).
        fields: Option<Vec<String>>,
        /// How many records are under way at a time, 1 to 1000.
        in_flight: u32,
    }

    /// What to change of a record.
    struct UpdateRecord {
        /// The account, registered with the instance that holds the table.
        customer_id: String,
        /// The table's name, such as `incident`.
        table: String,
        /// Id of the record, 32 hexadecimal digits.
        sys_id: String,
        /// Columns and their new values.
        #[napi(ts_type = "Record<string, string>")]
        record: String,
        /// The columns to give back (all).
        fields: Option<Vec<String>>,
    }
}
