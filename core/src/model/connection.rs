use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{InstanceHealth, TestReport};
use crate::{
    id::{CustomerId, InstanceId},
    secret::Secret,
};

/// Where a connection stands. No connection = not listed. (ITSM Adapter service, "Get started".)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum ConnectionStatus {
    /// The account is connected; Citrix Cloud is not registered with the instance yet.
    Unregistered,
    /// Registered: both directions work.
    Registered,
    /// "ServiceNow Instance Unauthorized": the instance refuses the grant; re-authenticate.
    Unauthorized,
}

/// How the adapter may act in the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum GrantKind {
    /// User id and password of an account made for the adapter. Renews itself.
    ServiceAccount,
    /// Consent of a person in the browser. Ends at the refresh token's fixed wall.
    UserAccount,
}

/// The grant of a registration, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Grant {
    /// Service account or user account.
    pub kind: GrantKind,
    /// Who acts: the user name that the instance answered, else the one given.
    pub user_name: String,
    /// The user's record id in the instance, when it told.
    pub user_sys_id: Option<String>,
    /// When the grant was given.
    pub granted_at: DateTime<Utc>,
    /// When the refresh token ends, whatever is done with it; without one, a consent ends with its access token.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whole days until then, as of this answer; 0 on the last day, negative after it.
    pub days_left: Option<i32>,
    /// The nearest of the configured distances to that end, in days, that was warned of by an event.
    #[serde(default)]
    pub warned_days: Option<u32>,
}

/// The OAuth client that the instance issued for one account, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct OauthEndpoint {
    /// The client id.
    pub client_id: String,
    /// The redirect URL entered there; none for an endpoint that serves a service account only.
    pub redirect_url: Option<String>,
}

/// Account × instance: one line of the Manage list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Connection {
    /// The account.
    pub customer_id: CustomerId,
    /// The instance.
    pub instance_id: InstanceId,
    /// The instance's name for people.
    pub instance_name: Option<String>,
    /// Where the connection stands.
    pub status: ConnectionStatus,
    /// How the instance answered last.
    pub health: InstanceHealth,
    /// The secure client that was tested for this connection.
    pub secure_client_id: String,
    /// The OAuth endpoint in use; none while unregistered.
    pub endpoint: Option<OauthEndpoint>,
    /// The grant in use; none while unregistered.
    pub grant: Option<Grant>,
    /// What the last connection test found.
    pub last_test: Option<TestReport>,
    /// When the connection was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// One page of connections, in the order of account and instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct ConnectionPage {
    /// The connections of this page.
    pub items: Vec<Connection>,
    /// Give it to the next call to go on; none on the last page.
    pub next: Option<String>,
}

/// What is needed to connect an account with an instance.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Connect {
    /// The account, added before.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
    /// A name for the instance.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub instance_name: Option<String>,
}

/// What is needed to register with a service account, or to test such a registration.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct RegisterServiceAccount {
    /// The account, added before.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
    /// A name for the instance.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub instance_name: Option<String>,
    /// Client id of the OAuth endpoint that the instance issued for this account.
    pub client_id: String,
    /// Client secret of that endpoint.
    pub client_secret: Secret,
    /// User id of the service account.
    pub user_name: String,
    /// Password of the service account.
    pub password: Secret,
}

/// New credentials for a registration that exists. What is left out stays as it is.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ReauthenticateServiceAccount {
    /// The account.
    pub customer_id: String,
    /// The instance that holds the registration.
    pub instance_url: String,
    /// A new endpoint's client id.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_id: Option<String>,
    /// A new endpoint's client secret.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_secret: Option<Secret>,
    /// User id of the service account; none: the one in use.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub user_name: Option<String>,
    /// Password of the service account; none: the one in use.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub password: Option<Secret>,
}

/// What unregistering, or disconnecting, did with the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Revocation {
    /// True when the instance confirmed that every token is revoked, or there was none.
    pub complete: bool,
    /// What went wrong, in one sentence. The adapter tries again at the next check.
    pub failure: Option<String>,
}
