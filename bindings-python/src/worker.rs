//! A worker at work, held by Python.
#![allow(clippy::doc_markdown, reason = "docstrings of Python")]

use std::{mem, process, sync::Arc};

use itsm_adapter::{Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::{
    convert::{Coroutine, Nothing, Typed},
    runtime::{coroutine, wait},
};

/// A worker and the process in which it works. In a fork it is left as it is: its lanes are not there.
#[derive(Clone)]
struct Held {
    pid: u32,
    worker: Arc<itsm_adapter::Worker>,
}

impl Held {
    fn here(&self) -> Result<Self> {
        if self.pid != process::id() {
            return Err(Error::new(ErrorKind::IllegalState, "The worker belongs to the process before the fork.")
                .remedy("Run another one in this process, or stop it there."));
        }
        Ok(self.clone())
    }

    async fn stop(held: Result<Self>) -> Result<Nothing> {
        held?.worker.stop().await.map(Nothing)
    }

    async fn ended(held: Result<Self>) -> Result<Nothing> {
        held?.worker.ended().await.map(Nothing)
    }
}

impl From<itsm_adapter::Worker> for Held {
    fn from(worker: itsm_adapter::Worker) -> Self {
        Self { pid: process::id(), worker: Arc::new(worker) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.pid != process::id() {
            mem::forget(self.worker.clone());
        }
    }
}

/// A worker at work, until it is stopped, its client is closed, or nobody holds it any more. In a `with` block it is
/// stopped at the end of the block.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct Worker(Held);

#[pymethods]
impl Worker {
    /// Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
    /// (`total_timeout_ms`). What could not be finished waits for the next worker. Stopping twice is allowed.
    ///
    /// Raises InternalError when the worker ended in a panic; IllegalStateError in a fork of its process.
    fn stop(&self, py: Python<'_>) -> PyResult<Nothing> {
        wait(py, Held::stop(self.0.here()))
    }

    /// Returns when the worker has ended: after `stop`, or when the client was closed.
    ///
    /// Raises what `stop` raises.
    fn ended(&self, py: Python<'_>) -> PyResult<Nothing> {
        wait(py, Held::ended(self.0.here()))
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: Bound<'_, PyAny>,
        _error: Bound<'_, PyAny>,
        _traceback: Bound<'_, PyAny>,
    ) -> PyResult<Nothing> {
        self.stop(py)
    }
}

impl From<itsm_adapter::Worker> for Worker {
    fn from(worker: itsm_adapter::Worker) -> Self {
        Self(worker.into())
    }
}

/// A worker at work, until it is stopped, its client is closed, or nobody holds it any more. In an `async with` block
/// it is stopped at the end of the block.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct AsyncWorker(Held);

#[pymethods]
impl AsyncWorker {
    /// Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
    /// (`total_timeout_ms`). What could not be finished waits for the next worker. Stopping twice is allowed.
    ///
    /// Raises InternalError when the worker ended in a panic; IllegalStateError in a fork of its process.
    fn stop<'py>(&self, py: Python<'py>) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
        coroutine(py, Held::stop(self.0.here()))
    }

    /// Returns when the worker has ended: after `stop`, or when the client was closed.
    ///
    /// Raises what `stop` raises.
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
        coroutine(py, Held::ended(self.0.here()))
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Typed<'_, Coroutine<Py<Self>>>> {
        let py = slf.py();
        let slf = slf.unbind();
        coroutine(py, async { Ok(slf) })
    }

    fn __aexit__<'py>(
        &self,
        py: Python<'py>,
        _kind: Bound<'py, PyAny>,
        _error: Bound<'py, PyAny>,
        _traceback: Bound<'py, PyAny>,
    ) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
        self.stop(py)
    }
}

impl From<itsm_adapter::Worker> for AsyncWorker {
    fn from(worker: itsm_adapter::Worker) -> Self {
        Self(worker.into())
    }
}
