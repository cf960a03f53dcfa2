use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, InstanceId};

/// Whether an instance finds records again by a key, and finds nothing by another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum LookUp {
    /// It finds the record with the key, and nothing with a key that no record has.
    Works,
    /// It does not find what is there, finds what is not, or refuses the question. Nothing is inserted there for this
    /// account until a probe finds that it works: after a lost answer, nobody could tell whether the incident exists.
    Broken,
}

/// What an instance does with a record id (`sys_id`) that comes with a new record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum ChosenSysId {
    /// The record gets it, and a second record with the same one is refused: every incident of this account is made
    /// with one, so that the instance itself makes a second impossible.
    Honoured,
    /// The record gets another one.
    Ignored,
    /// The record is refused, and made without it.
    Refused,
    /// What was seen is not good enough to rely on.
    Unknown,
}

/// What a probe learned about an instance, as the grant of one account sees it. It is kept with the registration, and
/// forgotten when another user acts for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct ProbeReport {
    /// The account.
    pub customer_id: CustomerId,
    /// The instance.
    pub instance_id: InstanceId,
    /// When it was probed.
    pub probed_at: DateTime<Utc>,
    /// Whether look-ups can be relied on.
    pub look_up: LookUp,
    /// What was seen of that, in one sentence.
    pub look_up_seen: String,
    /// What becomes of a record id that the adapter chose.
    pub chosen_sys_id: ChosenSysId,
    /// What was seen of that, in one sentence.
    pub chosen_sys_id_seen: String,
    /// Number of the incident that was made for the probe.
    pub incident_number: String,
    /// Record id of that incident.
    pub incident_sys_id: String,
    /// Whether all that was made for the probe is cancelled or resolved again. If not, somebody has to do it.
    pub is_closed: bool,
    /// How it was closed, or why not, in one sentence.
    pub closed_seen: String,
}
