use serde::{Deserialize, Serialize};

use super::{ConnectionStatus, InstanceHealth};
use crate::{
    error::ErrorInfo,
    id::{CustomerId, InstanceId},
};

/// Which registrations to check, and how many at a time.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct CheckAll {
    /// Of this account only; none: of all accounts.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub customer_id: Option<String>,
    /// Registrations that are checked at the same time, 1 to 256 (16); of one instance never more than 4.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub concurrency: Option<u32>,
}

/// What became of one registration in a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Checked {
    /// The account.
    pub customer_id: CustomerId,
    /// The instance.
    pub instance_id: InstanceId,
    /// Where the connection stands now; none when it is gone.
    pub status: Option<ConnectionStatus>,
    /// How the instance answered.
    pub health: InstanceHealth,
    /// Whole days until the grant ends, when that is known.
    pub days_left: Option<i32>,
    /// Why the registration could not be checked at all.
    pub failure: Option<ErrorInfo>,
}

/// The outcome of a sweep over registrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct CheckSummary {
    /// Registrations that are registered, at an instance that answers as it should.
    pub healthy: u32,
    /// Registrations at an instance that does not answer as it should; they keep their status.
    pub unhealthy: u32,
    /// Registrations whose grant is refused.
    pub unauthorized: u32,
    /// Registrations that could not be checked.
    pub failed: u32,
    /// All of them, in the order of account and instance.
    pub items: Vec<Checked>,
}
