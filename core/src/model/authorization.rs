use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Connection;
use crate::{
    id::{CustomerId, InstanceId},
    secret::Secret,
};

/// What is needed to register with a user account, or to re-authenticate one: a person will sign in at the instance
/// and click Allow. For a registration that exists, what is left out stays as it is.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct Authorize {
    /// The account, added before.
    pub customer_id: String,
    /// The instance's address, as people type it.
    pub instance_url: String,
    /// A name for the instance.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub instance_name: Option<String>,
    /// Client id of the OAuth endpoint that the instance issued for this account; none: the one in use.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_id: Option<String>,
    /// Client secret of that endpoint. None: the one in use; with a new client id, a public client.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_secret: Option<Secret>,
    /// The redirect URL entered at that endpoint, used by no other registration; none: the one in use. For a
    /// listener on this machine its host is `127.0.0.1` or `[::1]`, and none means a free port.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub redirect_url: Option<String>,
    /// What ties the flow to the browser that began it, such as a random value kept in a cookie of its own. Give
    /// the same one when the browser comes back. A listener on this machine ties the flow by itself.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub session: Option<Secret>,
    /// The old address of the instance, when a registration moves to a new one: it ends there in the same commit
    /// that saves it here. Everything else has to be given again, with a redirect URL of its own.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub moves_from: Option<String>,
    /// Whether another person than the last time may sign in. Otherwise that is refused, and the grant in use stays.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub allow_another_user: bool,
}

/// An authorization that has begun: open the URL in a browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Authorization {
    /// Names the flow: for waiting, or for giving it up.
    pub flow_id: String,
    /// The account that is to be registered.
    pub customer_id: CustomerId,
    /// The instance where the person signs in.
    pub instance_id: InstanceId,
    /// Where to send the browser. It holds the flow's state value: show it to nobody but the person who signs in.
    pub authorization_url: String,
    /// Where the browser comes back to.
    pub redirect_url: String,
    /// When the flow ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// Without the state value, which the address holds (T6).
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.authorization_url.split('?').next().unwrap_or_default();
        f.debug_struct("Authorization")
            .field("flow_id", &self.flow_id)
            .field("customer_id", &self.customer_id)
            .field("instance_id", &self.instance_id)
            .field("authorization_url", &format_args!("{address}?[redacted]"))
            .field("redirect_url", &self.redirect_url)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// A finished authorization: who signed in, and the registration that is saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Authorized {
    /// The registration.
    pub connection: Connection,
    /// Who signed in, by user name; none when the instance does not tell.
    pub user_name: Option<String>,
    /// The person's record id in the instance, when it told.
    pub user_sys_id: Option<String>,
    /// Whose grant this one replaces, when that was somebody else.
    pub previous_user_name: Option<String>,
}
