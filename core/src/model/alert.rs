use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How bad an alert is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum Severity {
    /// For information.
    Information,
    /// Something went well.
    Success,
    /// Worth a look.
    #[default]
    Warning,
    /// Something is broken.
    Error,
    /// Something important is broken.
    Critical,
}

/// What an alert tells of its cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum AlertState {
    /// It is there: new, or told again.
    #[default]
    Raised,
    /// It is still there, and something about it is different.
    Changed,
    /// It is over.
    Ended,
}

/// An alert or notification of Citrix Cloud, on its way to an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
pub struct Alert {
    /// The account it belongs to.
    pub customer_id: String,
    /// Where it comes from, such as `citrix_cloud` or `monitor`.
    pub source: String,
    /// Its id within the source. Account, source and id together are its identity.
    pub id: String,
    /// One line.
    pub title: String,
    /// The whole text.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it tells of its cause. Later states of the same alert (account, source, id) belong to its incident.
    #[serde(default)]
    pub state: AlertState,
    /// How soon somebody should look, in the source's own words.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub priority: Option<String>,
    /// What kind of trouble it is, in the source's own words.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub category: Option<String>,
    /// The Monitor alert policy that raised it.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub policy: Option<String>,
    /// What it is about: a machine, a delivery group, a site.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub target: Option<String>,
    /// The component it is about, such as `Citrix Cloud`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub component: Option<String>,
    /// When it was raised, as the source says.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub raised_at: Option<DateTime<Utc>>,
    /// Anything else the source told, by name.
    #[serde(default)]
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub fields: HashMap<String, String>,
}
