use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Alert, stamp};
use crate::id::{CustomerId, DeliveryId, InstanceId};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// Accepted and durable; not sent yet, or to be sent again.
    Pending,
    /// An attempt was begun whose outcome is not known yet.
    Unknown,
    /// The incident exists.
    Delivered,
    /// It cannot be delivered; see the failure. It can be replayed.
    Dead,
    /// Nothing is to be made of it: a policy says so, or its end came before anything else.
    Ignored,
    /// It is counted in the incident of another alert of the same cause.
    Grouped,
}

/// An alert on its way to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Delivery {
    /// Made by the adapter.
    pub id: DeliveryId,
    /// The account.
    pub customer_id: CustomerId,
    /// What is delivered.
    pub alert: Alert,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// The key written into the incident's `correlation_id`, fixed when the alert was accepted.
    pub correlation_id: String,
    /// How many times an insert was begun.
    pub attempts: i32,
    /// The instance that holds the incident.
    pub instance_id: Option<InstanceId>,
    /// The incident, once it exists.
    pub incident: Option<Incident>,
    /// Why it is not delivered, in one sentence.
    pub failure: Option<String>,
    /// When the alert was accepted.
    #[serde(serialize_with = "stamp::write")]
    pub accepted_at: DateTime<Utc>,
    /// When the delivery last changed.
    #[serde(serialize_with = "stamp::write")]
    pub updated_at: DateTime<Utc>,
}

/// A ServiceNow incident as the instance shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Incident {
    /// Record id, 32 hexadecimal digits.
    pub sys_id: String,
    /// The number people use, such as `INC0010001`.
    pub number: String,
    /// One line.
    pub short_description: String,
    /// As the instance computed it from impact and urgency, such as `3`.
    pub priority: String,
    /// State value, such as `1` (New).
    pub state: String,
    /// The delivery's key.
    pub correlation_id: String,
    /// User name of who created it: the service account.
    pub sys_created_by: String,
}

/// One page of deliveries, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct DeliveryPage {
    /// The deliveries of this page.
    pub items: Vec<Delivery>,
    /// Give it to the next call to go on; none on the last page.
    pub next: Option<String>,
}
