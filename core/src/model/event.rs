use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::stamp;
use crate::id::{CustomerId, InstanceId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum EventKind {
    /// An account was added.
    AccountAdded,
    /// An account's data or secure client changed.
    AccountUpdated,
    /// An account was removed.
    AccountRemoved,
    /// A connection was made, or its secure client replaced.
    Connected,
    /// A connection was removed.
    Disconnected,
    /// A registration was saved.
    Registered,
    /// A registration's credentials were replaced.
    Reauthenticated,
    /// A registration was ended.
    Unregistered,
    /// The instance refused the grant, with proof.
    Unauthorized,
    /// An instance's health changed.
    HealthChanged,
    /// A person's consent ends soon: ask for it again before it does. Told once at each of the configured distances.
    GrantExpiring,
    /// Tokens could not be revoked; the adapter tries again at the next check.
    RevocationFailed,
    /// The adapter waits for something slow, such as a frozen site waking up.
    Progress,
    /// An alert was taken.
    DeliveryAccepted,
    /// An alert became an incident.
    DeliveryDone,
    /// An alert could not be delivered and waits in the dead-letter list.
    DeliveryFailed,
    /// An incident was noted, resolved, opened again, or left to the person who changed it.
    DeliveryUpdated,
    /// An alert has more than one incident; the others are linked to the oldest.
    DeliveryDuplicated,
    /// A probe found that an instance's look-ups cannot be relied on; nothing is inserted there for the account until a
    /// probe finds that they work.
    LookUpBroken,
    /// Deliveries or events were removed because their time was over; the detail says how many, and from before when.
    Forgotten,
    /// Something to know about the store or its key.
    StoreWarning,
}

/// One entry of the event log. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Event {
    /// Position in the log, growing; 0 for events that are told to observers only.
    pub sequence: i64,
    /// When it happened.
    #[serde(serialize_with = "stamp::write")]
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// The account concerned.
    pub customer_id: Option<CustomerId>,
    /// The instance concerned.
    pub instance_id: Option<InstanceId>,
    /// For people, in one sentence.
    pub message: String,
    /// Names and values that belong to it.
    pub detail: HashMap<String, String>,
}

/// One page of the event log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct EventPage {
    /// The events of this page.
    pub items: Vec<Event>,
    /// Give it to the next call to go on; none on the last page.
    pub next: Option<String>,
}
