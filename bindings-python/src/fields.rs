//! Requests that are given in lists: dicts whose fields `itsm_adapter.fields` types.

use std::collections::HashMap;

use itsm_adapter::{Alert, AlertState, OauthServer, Severity};
use pyo3::{
    conversion::FromPyObjectOwned, exceptions::PyTypeError, prelude::*, type_hint_identifier, type_hint_union,
    types::PyDict,
};

use crate::convert::{Instant, Plain, Word, goes_in, plain};

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
pub(crate) struct AlertIn(Alert);

/// How an authorization server differs, by its fields.
pub(crate) struct ServerIn(OauthServer);

/// The record, of the fields that must be there, and of those that may be left out.
macro_rules! of {
    ($fields:ident => $record:ident { $($must:ident: $kind:ty),*; $($may:ident: $other:ty),* }) => {{
        let record = $record {
            $($must: $fields.must::<$kind>(stringify!($must))?.plain(),)*
            $($may: $fields.may::<$other>(stringify!($may))?.plain().unwrap_or_default(),)*
        };
        $fields.end().map(|()| Self(record))
    }};
}

goes_in! {
    AlertIn: type_hint_union!(
        <Alert as FromPyObject<'static, 'static>>::INPUT_TYPE,
        type_hint_identifier!("itsm_adapter.fields", "AlertFields")
    ) => |given| {
        if let Ok(alert) = given.extract() {
            return Ok(Self(alert));
        }
        let fields = Fields::of(given)?;
        of!(fields => Alert {
            customer_id: String, source: String, id: String, title: String, severity: Word<Severity>;
            description: String, state: Word<AlertState>, priority: Option<String>, category: Option<String>,
            policy: Option<String>, target: Option<String>, component: Option<String>, raised_at: Option<Instant>,
            fields: HashMap<String, String>
        })
    };
    ServerIn: type_hint_identifier!("itsm_adapter.fields", "OauthServerFields") => |given| {
        let fields = Fields::of(given)?;
        of!(fields => OauthServer {
            ; instance_url: Option<String>, authorization_url: Option<String>, token_url: Option<String>,
            revocation_url: Option<String>, issuer: Option<String>, scope: Option<String>,
            access_token_lifespan_s: Option<u32>, refresh_token_lifespan_s: Option<u32>
        })
    };
}

plain! {
    AlertIn => Alert: |self| self.0;
    ServerIn => OauthServer: |self| self.0;
}
