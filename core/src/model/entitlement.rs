use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// State of one service for one account. (Citrix Cloud, "Determine service entitlement status".)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum ServiceState {
    /// The account never asked for the service.
    NotOnboarded,
    /// The subscription ended.
    Expired,
    /// The state before anything happened.
    Default,
    /// A trial was refused.
    ProductionTrialDenied,
    /// A trial was asked for.
    ProductionTrialPending,
    /// A trial was removed.
    ProductionTrialDeleted,
    /// A trial was granted and is not set up yet.
    ProductionTrialApproved,
    /// A subscription is being set up.
    ProductionPending,
    /// A subscription through a partner is being set up.
    PartnerProductionPending,
    /// A trial was granted to an account that is not on board yet.
    NotOnboardedTrialPending,
    /// A trial is running.
    ProductionTrial,
    /// A subscription is running.
    Production,
    /// A subscription through a partner is running.
    PartnerProduction,
    /// A word that this version does not know; it counts as not entitled.
    Unrecognized,
}

/// What a service state means for using the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum EntitlementGroup {
    /// The service cannot be used.
    NotEntitled,
    /// The service was granted and is not set up yet.
    NotProvisioned,
    /// The service can be used.
    Provisioned,
}

/// One line of the answer: a service, its state, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct ServiceEntitlement {
    /// The service's name, such as `itsm` or `xendesktop`.
    pub service_name: String,
    /// The state.
    pub state: ServiceState,
    /// What the state means.
    pub group: EntitlementGroup,
    /// How many units (usually users) the subscription holds.
    pub quantity: Option<i64>,
    /// Days to the end of the longest licence.
    pub days_to_expiration: Option<i64>,
}

/// What an account may use, and whether the adapter may be managed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Entitlement {
    /// True when the Manage rule is met.
    pub can_manage: bool,
    /// Why, in one sentence.
    pub reason: String,
    /// The best product edition among the account's sites; none when no site told.
    pub edition: Option<String>,
    /// The services that matter here: `itsm` and `xendesktop`.
    pub services: Vec<ServiceEntitlement>,
    /// When the account was asked.
    pub checked_at: DateTime<Utc>,
}
