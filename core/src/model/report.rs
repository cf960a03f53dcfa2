use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Answer of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum CheckOutcome {
    /// As it should be.
    Pass,
    /// Not as it should be; nothing is saved.
    Fail,
    /// The answer is hidden from the account. It does not fail a save.
    Unknown,
    /// Not asked, because an earlier check failed.
    Skipped,
}

/// What is checked before a registration is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum CheckName {
    /// The secure client gets a token from Citrix Cloud.
    SecureClient,
    /// The account's subscription includes the adapter.
    Entitlement,
    /// The instance's token endpoint accepts the credentials.
    Token,
    /// The instance says who signed in.
    Identity,
    /// The Table API can be read.
    TableApi,
    /// The Citrix connector is installed there, and which version.
    Connector,
    /// The user holds the connector's administrator role.
    ConnectorRole,
    /// The user may write incidents.
    IncidentRight,
}

/// One line of a connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub name: CheckName,
    /// The answer.
    pub outcome: CheckOutcome,
    /// What was seen, in one sentence.
    pub seen: String,
    /// What to do about it; empty when there is nothing to do.
    pub remedy: String,
}

/// A whole connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct TestReport {
    /// True when no check failed.
    pub passed: bool,
    /// The checks in the order they were made.
    pub checks: Vec<Check>,
    /// When the test ended.
    pub tested_at: DateTime<Utc>,
}

/// What a rotation of the key did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct RotationReport {
    /// Secrets that were sealed again.
    pub resealed: i64,
    /// The id of the key that seals from now on.
    pub key_id: String,
    /// Old keys that were forgotten, because nothing needs them.
    pub forgotten: i64,
}
