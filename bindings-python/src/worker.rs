//! A worker at work, held by Python.
#![allow(clippy::doc_markdown, clippy::unused_async, reason = "docstrings of Python, and what the macro asks for")]
#![allow(unused_braces, reason = "the body of an operation is one expression of the macro")]

use std::{mem, process, sync::Arc};

use itsm_adapter::{Error, ErrorKind, Result};
use pyo3::prelude::*;

use crate::{
    convert::{Coroutine, Nothing},
    resource::{Now, first, last, resource},
    runtime::{coroutine, wait},
};

/// A worker and the process in which it works. In a fork it is left as it is: its lanes are not there.
#[derive(Clone)]
pub(crate) struct Held {
    pid: u32,
    worker: Arc<itsm_adapter::Worker>,
}

impl Held {
    fn here(&self, _: Python<'_>) -> Self {
        self.clone()
    }

    async fn client(&self) -> Result<&itsm_adapter::Worker> {
        if self.pid != process::id() {
            return Err(Error::new(ErrorKind::IllegalState, "The worker belongs to the process before the fork.")
                .remedy("Run another one in this process, or stop it there."));
        }
        Ok(&self.worker)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.pid != process::id() {
            mem::forget(self.worker.clone());
        }
    }
}

resource! {
    /// A worker at work, until it is stopped or its client is closed; it works on when nobody holds it. In a `with` block
    /// (`async with`) it is stopped at the end of the block.
    Worker, AsyncWorker over Held;

    /// Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
    /// (`total_timeout_ms`). What could not be finished waits for the next worker. Stopping twice is allowed.
    ///
    /// Raises InternalError when the worker ended in a panic; IllegalStateError in a fork of its process.
    fn stop(&worker) -> Nothing { worker.stop().await.map(Nothing) }

    /// Returns when the worker has ended: after `stop`, or when the client was closed.
    ///
    /// Raises what `stop` raises.
    fn ended(&worker) -> Nothing { worker.ended().await.map(Nothing) }

    until stop;
}

macro_rules! made {
    ($($class:ident),+) => { $(
        impl From<itsm_adapter::Worker> for $class {
            fn from(worker: itsm_adapter::Worker) -> Self {
                Self(Held { pid: process::id(), worker: Arc::new(worker) })
            }
        }
    )+ };
}
made!(Worker, AsyncWorker);
