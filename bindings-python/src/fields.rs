//! Requests that are given in lists: dicts whose fields `itsm_adapter.fields` types.

use itsm_adapter::{Alert, AlertState, OauthServer, Severity};
use pyo3::{
    conversion::FromPyObjectOwned, exceptions::PyTypeError, inspect::PyStaticExpr, prelude::*, type_hint_identifier,
    type_hint_union, types::PyDict,
};

use crate::convert::{Instant, Word};

/// What is left of a dict while its fields are taken out.
struct Fields<'py>(Bound<'py, PyDict>);

impl<'py> Fields<'py> {
    fn of(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        given.cast::<PyDict>()?.copy().map(Self)
    }

    /// A field that may be left out, or be None.
    fn may<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<Option<T>> {
        let Some(value) = self.0.get_item(name)? else { return Ok(None) };
        self.0.del_item(name)?;
        value.extract::<Option<T>>().map_err(|error| {
            let error: PyErr = error.into();
            if error.is_instance_of::<PyTypeError>(value.py()) {
                PyTypeError::new_err(format!("field '{name}': {}", error.value(value.py())))
            } else {
                error
            }
        })
    }

    fn must<T: FromPyObjectOwned<'py>>(&self, name: &str) -> PyResult<T> {
        self.may(name)?.ok_or_else(|| PyTypeError::new_err(format!("the field '{name}' is missing")))
    }

    fn end(self) -> PyResult<()> {
        match self.0.keys().get_item(0) {
            Ok(unknown) => Err(PyTypeError::new_err(format!("there is no field {}", unknown.repr()?))),
            Err(_) => Ok(()),
        }
    }
}

/// An alert: one that a delivery has, or its fields.
pub(crate) struct AlertIn(pub(crate) Alert);

impl<'a, 'py> FromPyObject<'a, 'py> for AlertIn {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        <Alert as FromPyObject<'a, 'py>>::INPUT_TYPE,
        type_hint_identifier!("itsm_adapter.fields", "AlertFields")
    );

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(alert) = given.extract() {
            return Ok(Self(alert));
        }
        let fields = Fields::of(given)?;
        let alert = Alert {
            customer_id: fields.must("customer_id")?,
            source: fields.must("source")?,
            id: fields.must("id")?,
            title: fields.must("title")?,
            description: fields.must("description")?,
            severity: fields.must::<Word<Severity>>("severity")?.0,
            state: fields.may::<Word<AlertState>>("state")?.map_or_else(AlertState::default, |state| state.0),
            priority: fields.may("priority")?,
            category: fields.may("category")?,
            policy: fields.may("policy")?,
            target: fields.may("target")?,
            component: fields.may("component")?,
            raised_at: fields.may::<Instant>("raised_at")?.map(|at| at.0),
            fields: fields.may("fields")?.unwrap_or_default(),
        };
        fields.end()?;
        Ok(Self(alert))
    }
}

/// How an authorization server differs, by its fields.
pub(crate) struct ServerIn(pub(crate) OauthServer);

impl<'a, 'py> FromPyObject<'a, 'py> for ServerIn {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("itsm_adapter.fields", "OauthServerFields");

    fn extract(given: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let fields = Fields::of(given)?;
        let server = OauthServer {
            instance_url: fields.may("instance_url")?,
            authorization_url: fields.may("authorization_url")?,
            token_url: fields.may("token_url")?,
            revocation_url: fields.may("revocation_url")?,
            issuer: fields.may("issuer")?,
            scope: fields.may("scope")?,
            access_token_lifespan_s: fields.may("access_token_lifespan_s")?,
            refresh_token_lifespan_s: fields.may("refresh_token_lifespan_s")?,
        };
        fields.end()?;
        Ok(Self(server))
    }
}
