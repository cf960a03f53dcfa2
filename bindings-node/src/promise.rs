//! Promises: one wake-up of the event loop settles everything that is done by then, an abort drops the work, and
//! the end of a worker thread ends what it had in flight.

use std::{
    future::{Future, pending},
    panic::AssertUnwindSafe,
    ptr::null_mut,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;
use itsm_adapter as core;
use napi::{
    Env, Error, Result, Status, ValueType,
    bindgen_prelude::{
        FnArgs, FromNapiValue, JsObjectValue, Object, PromiseRaw, ToNapiValue, TypeName, ValidateNapiValue, spawn, sys,
    },
    check_status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::sync::{Notify, watch};

/// Wakes the event loop; weak, because what keeps a process alive are the calls in flight.
type Wake = ThreadsafeFunction<FnArgs<()>, (), FnArgs<()>, Status, false, true>;
type Settle = Box<dyn FnOnce(sys::napi_env) + Send>;

/// The place of one event loop where finished work waits for it.
struct Desk {
    wake: Wake,
    done: Mutex<Vec<Settle>>,
}

/// What belongs to one event loop and ends with it.
struct Agent {
    desk: Arc<Desk>,
    /// Calls in flight that keep the process alive.
    holding: usize,
    /// Dropped at the end of the event loop; work in flight hears that.
    alive: watch::Sender<()>,
}

impl Agent {
    fn of(env: &Env) -> Result<&'static mut Self> {
        if let Some(agent) = env.get_instance_data::<Self>()? {
            return Ok(agent);
        }
        let settle = env.create_function_from_closure::<FnArgs<()>, (), _>("settle", |context| settle_all(context.env))?;
        let wake = settle.build_threadsafe_function().weak::<true>().build()?;
        let desk = Arc::new(Desk { wake, done: Mutex::default() });
        env.set_instance_data(Self { desk, holding: 0, alive: watch::Sender::new(()) }, (), |_| {})?;
        env.get_instance_data()?.ok_or_else(|| Error::from_reason("the addon's data is missing"))
    }

    #[allow(unsafe_code)]
    fn hold(&mut self, env: &Env) {
        self.holding += 1;
        if self.holding == 1 {
            // SAFETY: the environment is this thread's, and the function lives as long as the environment.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.desk.wake.raw()) };
        }
    }

    #[allow(unsafe_code)]
    fn release(&mut self, env: &Env) {
        self.holding -= 1;
        if self.holding == 0 {
            // SAFETY: as above.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.desk.wake.raw()) };
        }
    }
}

impl Desk {
    fn put(&self, settle: Settle) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push(settle);
        let first = done.len() == 1;
        drop(done);
        if first {
            self.wake.call(FnArgs::from(()), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn settle_all(env: &Env) -> Result<()> {
    let desk = &Agent::of(env)?.desk;
    let done = std::mem::take(&mut *desk.done.lock().unwrap_or_else(PoisonError::into_inner));
    for settle in done {
        settle(env.raw());
    }
    Ok(())
}

/// The other end of a promise.
struct Deferred(sys::napi_deferred);

// SAFETY: it is only carried through other threads; `settle` is called on the thread that made it.
#[allow(unsafe_code)]
unsafe impl Send for Deferred {}

impl Deferred {
    #[allow(unsafe_code)]
    fn new<'env, T: FromNapiValue>(env: &'env Env) -> Result<(Self, PromiseRaw<'env, T>)> {
        let (mut deferred, mut promise) = (null_mut(), null_mut());
        // SAFETY: both are written before they are read, and only when the call succeeded.
        check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
        Ok((Self(deferred), PromiseRaw::new(env.raw(), promise)))
    }

    #[allow(unsafe_code)]
    fn settle(self, env: sys::napi_env, outcome: Outcome<impl ToNapiValue>) {
        // SAFETY: `env` is that of the running callback; a deferred is settled once, because this consumes it.
        unsafe {
            let (converted, settle): (_, unsafe extern "C" fn(_, _, _) -> _) = match outcome {
                Ok(value) => (ToNapiValue::to_napi_value(env, value), |e, d, v| sys::napi_resolve_deferred(e, d, v)),
                Err(error) => (ToNapiValue::to_napi_value(env, error), |e, d, v| sys::napi_reject_deferred(e, d, v)),
            };
        }
    }
}
