use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::InstanceId;

/// How an instance answered last. Health is not status: a registered instance that is down stays registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum InstanceHealth {
    /// Nobody has asked yet.
    Unknown,
    /// It answered as it should.
    Available,
    /// It answered, and limits the rate.
    Throttled,
    /// It is a developer instance that sleeps; someone must sign in to wake it.
    Hibernating,
    /// It did not answer, or answered with an error of its own.
    Unavailable,
    /// It answered with something that is not the API, such as a login or maintenance page.
    Unexpected,
}

/// A ServiceNow instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Instance {
    /// The normalised origin.
    pub id: InstanceId,
    /// A name for people.
    pub name: Option<String>,
    /// How it answered last.
    pub health: InstanceHealth,
    /// What was seen, in one sentence; none while it is healthy or unknown.
    pub health_detail: Option<String>,
    /// When it answered last, or failed to.
    pub health_at: Option<DateTime<Utc>>,
    /// Version of the Citrix IT Service Management Connector; none when it could not be read.
    pub connector_version: Option<String>,
    /// When the adapter first heard of it.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// One page of instances, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct InstancePage {
    /// The instances of this page.
    pub items: Vec<Instance>,
    /// Give it to the next call to go on; none on the last page.
    pub next: Option<String>,
}

/// Whether an instance with this connector may serve several accounts: 22.3.0 and newer may, older ones may
/// not. A version that is missing, or that cannot be read as one, does not forbid it.
pub(crate) fn serves_many(connector_version: Option<&str>) -> bool {
    const FIRST: [u64; 3] = [22, 3, 0];
    let Some(text) = connector_version else { return true };
    let parts: Result<Vec<u64>, _> = text.trim().split('.').map(str::parse).collect();
    let Ok(mut parts) = parts else { return true };
    // "22.3" means 22.3.0, but a shorter list would compare as smaller.
    parts.resize(parts.len().max(FIRST.len()), 0);
    parts.as_slice() >= FIRST.as_slice()
}

#[cfg(test)]
mod tests {
    use super::serves_many;

    #[test]
    fn connectors_from_22_3_0_on_serve_many_accounts() {
        for version in ["22.3.0", "22.3", "22.3.0.1", "22.6.1.2", "22.10.0", "23.1.0", "100.0", " 22.3.0 "] {
            assert!(serves_many(Some(version)), "{version}");
        }
    }

    #[test]
    fn older_connectors_serve_one_account() {
        for version in ["22.2.9", "22.2.99.99", "22.0", "22", "21.10", "9.9.9", "0", "1.0.0"] {
            assert!(!serves_many(Some(version)), "{version}");
        }
    }

    #[test]
    fn an_unknown_version_does_not_forbid_a_second_account() {
        assert!(serves_many(None));
        for version in ["", "x", "21.x", "v21.1", "21..1", "21.", "-1.0", "21.1-beta", "99999999999999999999.1"] {
            assert!(serves_many(Some(version)), "{version}");
        }
    }
}
