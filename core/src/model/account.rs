use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Entitlement;
use crate::{id::CustomerId, secret::Secret};

/// The cloud, and within the commercial cloud the home region, that an account lives in. An account
/// chooses it once and cannot change it. (Citrix Cloud, "Geographical considerations".)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum Environment {
    /// Commercial cloud, United States.
    Us,
    /// Commercial cloud, European Union.
    Eu,
    /// Commercial cloud, Asia Pacific South.
    AsiaPacificSouth,
    /// Citrix Cloud Japan, a cloud of its own.
    Japan,
    /// Citrix Cloud Government (US), a cloud of its own.
    UsGovernment,
}

/// A Citrix Cloud customer as the adapter knows it. Its client secret is kept sealed and never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Account {
    /// The Citrix Cloud customer id.
    pub customer_id: CustomerId,
    /// The cloud and region it lives in.
    pub environment: Environment,
    /// A name for people; not used in any decision.
    pub name: Option<String>,
    /// The id of the secure client that the adapter signs in with.
    pub client_id: String,
    /// What the account was entitled to when last asked; none before the first question.
    pub entitlement: Option<Entitlement>,
    /// The account's sites as last seen.
    pub sites: Vec<Site>,
    /// Whether nothing is sent for it; see `disable` of the accounts.
    #[serde(default)]
    pub is_disabled: bool,
    /// When the account was added.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A DaaS or on-premises site of an account. (CVAD REST API, `GET /Sites`.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct Site {
    /// The site's id: a virtual site id in the cloud, the farm GUID on premises.
    pub id: String,
    /// The site's name; the cloud site is usually called `cloudxdsite`.
    pub name: String,
    /// The product edition as the site states it, such as `Premium`; none when it did not say.
    pub edition: Option<String>,
}

/// What is needed to add an account.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct AddAccount {
    /// The Citrix Cloud customer id.
    pub customer_id: String,
    /// The cloud and region it lives in.
    pub environment: Environment,
    /// The id of the secure client.
    pub client_id: String,
    /// The secret of the secure client.
    pub client_secret: Secret,
    /// A name for people.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub name: Option<String>,
}

/// What to change of an account; a field left out stays as it is.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct UpdateAccount {
    /// The account to change.
    pub customer_id: String,
    /// A new secure client's id; give it together with `client_secret`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_id: Option<String>,
    /// A new secret, alone (rotation) or with a new `client_id`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub client_secret: Option<Secret>,
    /// A new name for people.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub name: Option<String>,
}

/// One page of accounts, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct AccountPage {
    /// The accounts of this page.
    pub items: Vec<Account>,
    /// Give it to the next call to go on; none on the last page.
    pub next: Option<String>,
}
