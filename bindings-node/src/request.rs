//! Arguments that the core takes one by one, as the one object that JavaScript gives.

use itsm_adapter::{Condition, DeliveryStatus, Secret};
use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;

/// An account and an instance: what a connection is known by.
#[napi(object, object_to_js = false)]
pub struct ConnectionId {
    /// The account.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
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
    /// The value given as `authHeaders` when the webhook was made; with it both must be equal.
    pub expected: Option<Secret>,
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
    /// How many records at the most.
    pub limit: u32,
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
    /// How many records a page holds at the most, 1 to 10,000.
    pub size: u32,
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
    /// How many records are under way at a time, 1 to 1000.
    pub in_flight: u32,
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
