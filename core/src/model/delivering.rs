use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, InstanceId};

/// How a worker works. What is left out has the default in brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
pub struct RunOptions {
    /// Of these accounts only (all that are registered).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub customer_ids: Option<Vec<String>>,
    /// Deliveries in hand per instance at the most, 1 to 256 (16). The worker finds out by itself how many the
    /// instance likes.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub concurrency: Option<u32>,
    /// Attempts that reach the instance and make nothing, until a delivery is a dead letter, 1 to 1000 (10). Time in
    /// which an instance cannot be reached costs no attempts.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub max_attempts: Option<u32>,
    /// Pause between two looks for work of other processes, in milliseconds (500). Their registrations: within 5 s.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub poll_interval_ms: Option<u32>,
    /// Ends `drain` when an instance's deliveries have come no further for this long, in milliseconds: it is down, or
    /// a maintenance window holds what is left. What is left waits for the next worker. None: `drain` waits as long as
    /// it takes. Without effect on `run`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub give_up_after_ms: Option<u32>,
    /// Incidents of one account that are sent as one request at the most, 1 to 100 (1: each in a request of its own).
    /// With more than 1, `concurrency` counts requests. It saves requests and time where an instance is far away; its
    /// time limit for such a request is the shorter one (30 s), and an answer that is lost leaves all of them to be
    /// looked up.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub batch_size: Option<u32>,
}

/// How many deliveries stand where. Kept as they move: as cheap with a million as with one. What was removed because its
/// time was over is not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct DeliveryLag {
    /// Accepted, and to be sent.
    pub pending: i64,
    /// Sent, with an outcome that is not known yet.
    pub unknown: i64,
    /// Delivered.
    pub delivered: i64,
    /// Dead letters.
    pub dead: i64,
    /// Nothing is to be made of them.
    pub ignored: i64,
    /// Counted in the incident of another alert.
    pub grouped: i64,
    /// Age of the oldest that is pending or unknown, in milliseconds; none when there is none.
    pub oldest_age_ms: Option<i64>,
    /// The same, by account and instance.
    pub lanes: Vec<LaneLag>,
}

/// How many deliveries of one account stand where, by the instance that was asked last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct LaneLag {
    /// The account.
    pub customer_id: CustomerId,
    /// The instance; none before the first attempt.
    pub instance_id: Option<InstanceId>,
    /// Accepted, and to be sent.
    pub pending: i64,
    /// Sent, with an outcome that is not known yet.
    pub unknown: i64,
    /// Delivered.
    pub delivered: i64,
    /// Dead letters.
    pub dead: i64,
    /// Nothing is to be made of them.
    pub ignored: i64,
    /// Counted in the incident of another alert.
    pub grouped: i64,
}
