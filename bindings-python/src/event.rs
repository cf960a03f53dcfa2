//! Events, told to a callback or taken one by one.

use std::{process, sync::Arc};

use itsm_adapter::{Client, Error, ErrorKind, Event, Observer, Result};
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyTypeError},
    inspect::PyStaticExpr,
    prelude::*,
    type_hint_identifier, type_hint_subscript,
};
use tokio::sync::Mutex;

use crate::{
    convert::{Coroutine, comes_out, goes_in},
    exit,
    runtime::{coroutine, wait},
};

/// A Python callable that is told events. What it raises goes to `sys.unraisablehook`.
pub(crate) struct Callback(Py<PyAny>);

goes_in! {
    Callback: type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Callable"),
        PyStaticExpr::List { elts: &[<Event as IntoPyObject<'static>>::OUTPUT_TYPE] },
        type_hint_identifier!("builtins", "object")
    ) => |given| {
        let callable = given.is_callable().then(|| Self(given.to_owned().unbind()));
        callable.ok_or_else(|| PyTypeError::new_err("the observer cannot be called"))
    };
}

impl Observer for Callback {
    fn on_event(&self, event: &Event) {
        exit::attached(|py| {
            if let Err(error) = self.0.call1(py, (event.clone(),)) {
                error.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }
}

#[derive(Clone)]
pub(crate) struct Source {
    pid: u32,
    events: Arc<Mutex<itsm_adapter::Subscription>>,
}

impl Source {
    async fn next(self) -> Result<Option<Event>> {
        if self.pid != process::id() {
            return Err(Error::new(
                ErrorKind::IllegalState,
                "The subscription belongs to the process before the fork.",
            )
            .remedy("Subscribe again in this process."));
        }
        Ok(self.events.lock().await.next().await)
    }
}

impl From<&Client> for Source {
    fn from(client: &Client) -> Self {
        Self { pid: process::id(), events: Arc::new(Mutex::new(client.subscribe())) }
    }
}

/// Events from the moment of subscribing on, until the client is closed.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct Subscription(pub(crate) Source);

#[pymethods]
impl Subscription {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        wait(py, self.0.clone().next())
    }
}

/// Events from the moment of subscribing on, until the client is closed.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct AsyncSubscription(pub(crate) Source);

#[pymethods]
impl AsyncSubscription {
    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__(&self, py: Python<'_>) -> PyResult<Coroutine<Next>> {
        let next = self.0.clone().next();
        coroutine(py, async { next.await.map(Next) })
    }
}

/// An event, or the end of an `async for`.
pub(crate) struct Next(Option<Event>);

comes_out! {
    Next: <Event as IntoPyObject<'static>>::OUTPUT_TYPE => |self, py| {
        let event = self.0.ok_or_else(|| PyStopAsyncIteration::new_err(()))?;
        Ok(event.into_pyobject(py)?.into_any())
    };
}
