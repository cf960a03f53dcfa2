//! What the three borders need of the core, beside the attribute lines in `model/`: work that cannot panic, records
//! as JSON text; ids and secrets go in, ids come out, secrets never; instants; how a value shows itself.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Error, ErrorKind, Event, Result, event};

/// Work that ends in a typed error, also when it panics.
pub async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        Err(Error::new(ErrorKind::Internal, "The call ended in a panic; the state is as it was committed."))
    })
}

/// Events that wait for an observer of another language at the most.
pub const WAITING: usize = event::WAITING;

/// What such an observer is told in place of so many events that it let wait too long.
pub fn missed_events(count: u64) -> Event {
    Event::missed(count)
}

/// Columns as the core takes them; none given: all.
pub fn names<'a>(given: impl IntoIterator<Item = &'a Vec<String>>) -> Vec<&'a str> {
    given.into_iter().flatten().map(String::as_str).collect()
}

/// A record, or records, on the way in.
///
/// # Errors
/// `invalid_input` when the text is no JSON, or not what is wanted.
pub fn records<'a, T: Deserialize<'a>>(json: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<T> {
    serde_json::from_slice(json.as_ref()).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, format!("A record is not JSON that can be sent: {error}."))
    })
}

/// A record, or a page of them, on the way out.
pub fn text(json: Box<RawValue>) -> String {
    Box::<str>::from(json).into()
}

/// Records on the way out, for the host to parse in one go.
pub fn list(records: &[Box<RawValue>]) -> String {
    let records: Vec<&str> = records.iter().map(|record| record.get()).collect();
    format!("[{}]", records.join(","))
}

#[cfg(feature = "node")]
mod node {
    use napi::bindgen_prelude::{FromNapiValue, Result, TypeName, ValidateNapiValue, sys};

    use crate::Secret;

    impl TypeName for Secret {
        fn type_name() -> &'static str {
            "String"
        }

        fn value_type() -> napi::ValueType {
            napi::ValueType::String
        }
    }

    impl ValidateNapiValue for Secret {}

    impl FromNapiValue for Secret {
        #[allow(unsafe_code)]
        unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
            // SAFETY: the caller's promise about `env` and `value` is passed on unchanged.
            unsafe { String::from_napi_value(env, value) }.map(Self::from)
        }
    }
}

#[cfg(feature = "python")]
mod python {
    use pyo3::{inspect::PyStaticExpr, prelude::*, types::PyString};

    #[allow(clippy::wildcard_imports)] // all nouns of the model
    use crate::*;

    impl<'a, 'py> FromPyObject<'a, 'py> for Secret {
        type Error = PyErr;
        const INPUT_TYPE: PyStaticExpr = <String as FromPyObject<'a, 'py>>::INPUT_TYPE;

        fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
            Ok(value.extract::<String>()?.into())
        }
    }

    macro_rules! shows_itself {
        ($($type:ty),+ $(,)?) => { $(
            #[pymethods]
            impl $type {
                fn __repr__(&self) -> String {
                    format!("{self:?}")
                }
            }
        )+ };
    }
    shows_itself!(
        Account,
        AccountPage,
        AccountPolicy,
        Alert,
        Authorization,
        Authorized,
        Check,
        CheckSummary,
        Checked,
        Connection,
        ConnectionPage,
        Delivery,
        DeliveryLag,
        DeliveryPage,
        Entitlement,
        ErrorInfo,
        Event,
        EventPage,
        Grant,
        Incident,
        Instance,
        InstancePage,
        LaneLag,
        OauthEndpoint,
        PolicyDecision,
        PolicyStep,
        ProbeReport,
        Revocation,
        RotationReport,
        ServiceEntitlement,
        Site,
        SweepReport,
        TestReport,
        Webhook,
    );

    macro_rules! has_a_word {
        ($($type:ty),+ $(,)?) => { $(
            #[pymethods]
            impl $type {
                /// The stable word, the same in every language.
                #[getter]
                fn value(&self) -> String {
                    self.to_string()
                }

                fn __str__(&self) -> String {
                    self.to_string()
                }

                /// Its word is as good.
                fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
                    match other.cast::<Self>() {
                        Ok(other) => self == other.get(),
                        Err(_) => other.extract::<String>().is_ok_and(|other| self.to_string() == other),
                    }
                }

                fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
                    PyString::new(py, &self.to_string()).hash()
                }
            }
        )+ };
    }
    has_a_word!(
        AlertSource,
        AlertState,
        CheckName,
        CheckOutcome,
        ChosenSysId,
        ConnectionStatus,
        DeliveryStatus,
        EntitlementGroup,
        Environment,
        ErrorKind,
        EventKind,
        GrantKind,
        InstanceHealth,
        LookUp,
        Operator,
        PolicyAction,
        ServiceState,
        Severity,
    );
}

#[cfg(feature = "uniffi")]
mod swift {
    use std::time::SystemTime;

    use chrono::{DateTime, Utc};

    use crate::{CustomerId, DeliveryId, InstanceId, Secret};

    type Timestamp = DateTime<Utc>;

    uniffi::custom_newtype!(CustomerId, String);
    uniffi::custom_newtype!(DeliveryId, String);
    uniffi::custom_newtype!(InstanceId, String);
    uniffi::custom_type!(Timestamp, SystemTime, {
        remote,
        lower: |instant| instant.into(),
        try_lift: |instant| Ok(instant.into()),
    });
    uniffi::custom_type!(Secret, String, {
        lower: |_secret| String::from("[redacted]"),
        try_lift: |text| Ok(Secret::from(text)),
    });
}
