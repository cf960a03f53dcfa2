//! From the core's errors to the classes of `itsm_adapter.errors`.

use std::error::Error as _;

use itsm_adapter::{Error, ErrorKind};
use pyo3::{exceptions::PyException, prelude::*};

use crate::exit::Inside;

/// The exception for an error, of the class that belongs to its kind.
#[allow(clippy::needless_pass_by_value, reason = "what `map_err` wants")]
pub(crate) fn raise(error: Error) -> PyErr {
    Python::attach(|py| build(py, &error).unwrap_or_else(|failure| failure))
}

/// A wrong argument that the border itself notices.
pub(crate) fn invalid(message: String) -> PyErr {
    raise(Error::new(ErrorKind::InvalidInput, message))
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let _inside = Inside::python(py);
    let info = error.info();
    let class = py.import("itsm_adapter.errors")?.getattr("by_kind")?.get_item(info.kind.as_str())?;
    let raised = PyErr::from_value(class.call1((
        info.message,
        info.remedy,
        info.operation,
        info.transaction_id,
        info.attempts,
        info.retryable,
        info.retry_after_ms,
        info.context,
    ))?);
    raised.set_cause(
        py,
        error.source().map(|cause| match cause.downcast_ref::<Error>() {
            Some(error) => raise(error.clone()),
            None => PyException::new_err(cause.to_string()),
        }),
    );
    Ok(raised)
}
