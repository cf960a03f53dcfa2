use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{id::CustomerId, secret::Secret};

/// Where alerts are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum AlertSource {
    /// Alerts of DaaS, from Monitor.
    Monitor,
    /// Notifications of Citrix Cloud.
    CitrixCloud,
}

/// What one look at a source of alerts brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct SweepReport {
    /// The account.
    pub customer_id: CustomerId,
    /// The source.
    pub source: AlertSource,
    /// False when another process is looking at the same source; nothing was read then.
    pub looked: bool,
    /// How many records were read.
    pub read: i64,
    /// How many of them are alerts that were not known.
    pub accepted: i64,
    /// How many tell of a later state of a known alert.
    pub changed: i64,
    /// How many were known as they are, or told of the end of an alert that nobody knew.
    pub duplicates: i64,
    /// How many could not be alerts, such as records without an id.
    pub unreadable: i64,
    /// Up to where the source is read: the instant of the last change, or of the sweep.
    pub resumes_at: Option<DateTime<Utc>>,
}

/// A webhook subscription at Citrix Cloud, without its authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Webhook {
    /// Its id at Citrix Cloud.
    pub id: String,
    /// The account.
    pub customer_id: CustomerId,
    /// Where callbacks are sent.
    pub url: String,
    /// A text for people.
    pub description: String,
    /// Which events it is for, such as `Notifications`.
    pub event_type: String,
    /// Which changes it is for, such as `Create` or `*`.
    pub change_type: String,
}

/// What is needed to subscribe to events of an account.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct CreateWebhook {
    /// The account, added before.
    pub customer_id: String,
    /// Where callbacks are sent; must be reachable from the internet by `https`.
    pub url: String,
    /// What each callback carries as its `Authorization` header. Without it anybody can send you callbacks.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub authorization: Option<Secret>,
    /// A text for people (`ITSM Adapter`).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub description: Option<String>,
    /// Which events: `Notifications` (the default), `*`, or another of Citrix Cloud's words.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub event_type: Option<String>,
    /// Which changes: `*` (the default), `Create`, `Update`, `Delete`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub change_type: Option<String>,
}
