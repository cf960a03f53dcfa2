//! The delivery worker, as an object of JavaScript.

use std::sync::Arc;

use itsm_adapter::{self as core, RunOptions};
use napi::{Env, Result, bindgen_prelude::PromiseRaw};
use napi_derive::napi;

use crate::{
    alert::Alerts,
    promise::{CallOptions, Keep, promise, start, thread},
};

/// A worker at work. It does not keep a process alive, and works on when nobody refers to it, until it is stopped, its
/// client is closed or its thread ends; who waits for its end does keep the process alive.
#[napi]
pub struct Worker(Arc<core::Worker>);

#[napi]
impl Worker {
    /// Takes nothing more, finishes what is in hand, and resolves when that is done: at most the time of one call
    /// (`totalTimeoutMs`). What could not be finished is given back and waits for the next worker. Stopping twice is
    /// allowed. Aborting ends the waiting, not the stop; a signal that was aborted before stops all the same.
    ///
    /// Rejects with `internal` when the worker ended in a panic.
    #[napi(ts_args_type = "options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn stop(&self) {
        // The face waits.
        drop(self.0.stop());
    }

    /// Resolves when the worker has ended: after `stop`, or when the client was closed. Aborting ends the waiting.
    ///
    /// Rejects as `stop`.
    #[napi(ts_args_type = "options?: CallOptions", ts_return_type = "Promise<void>")]
    pub fn ended<'e>(&self, env: &'e Env, _: Option<()>, options: Option<CallOptions>) -> Result<PromiseRaw<'e, ()>> {
        promise(env, options, Keep::Alive, self.0.ended())
    }
}

#[napi]
impl Alerts {
    /// Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or the
    /// client is closed. Any number of workers may share one store; each instance has a lane of its own, so that one
    /// that is slow or down delays no other.
    ///
    /// Rejects with `invalid_input` for options out of bounds.
    #[napi]
    pub fn run<'e>(
        &self,
        env: &'e Env,
        request: Option<RunOptions>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Worker>> {
        let thread = thread(env)?;
        start(&self.0, env, options, |core| async move {
            let worker = Arc::new(core.alerts().run(request.unwrap_or_default()).await?);
            let taken = worker.clone();
            thread.takes_along(worker.ended(), move || drop(taken.stop()));
            Ok(Worker(worker))
        })
    }
}
