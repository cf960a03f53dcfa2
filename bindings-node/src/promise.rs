//! Promises: one wake-up of the event loop settles all that is done by then, an abort drops the work, and the end
//! of a worker thread ends what it had in flight.

use std::{
    cell::Cell,
    future::{Future, pending},
    ptr::null_mut,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use futures_util::FutureExt;
use itsm_adapter::{
    self as core,
    ffi::{WAITING, guarded},
};
use napi::{
    Env, Error, Result, Status, ValueType,
    bindgen_prelude::{
        FromNapiValue, Function, FunctionRef, Object, PromiseRaw, ToNapiValue, TypeName, ValidateNapiValue, spawn, sys,
        within_runtime_if_available,
    },
    check_status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokio::{
    sync::{Notify, watch},
    task::yield_now,
};

type Settle = Box<dyn FnOnce(sys::napi_env) + Send>;

/// Where finished work waits for its event loop.
struct Desk {
    /// Weak: what keeps a process alive are calls in flight.
    wake: ThreadsafeFunction<(), (), (), Status, false, true>,
    done: Mutex<Vec<Settle>>,
}

/// What belongs to one event loop, and ends with it.
struct Agent {
    desk: Arc<Desk>,
    /// Calls in flight that keep the process alive.
    holding: Cell<usize>,
    /// Work in flight hears when it is dropped.
    alive: watch::Sender<()>,
}

impl Agent {
    fn of(env: &Env) -> Result<&'static Self> {
        if let Some(agent) = env.get_instance_data::<Self>()? {
            return Ok(agent);
        }
        let settle = env.create_function_from_closure::<(), (), _>("settle", |context| settle_all(context.env))?;
        let wake = settle.build_threadsafe_function().weak::<true>().build()?;
        let desk = Arc::new(Desk { wake, done: Mutex::default() });
        env.set_instance_data(Self { desk, holding: Cell::new(0), alive: watch::Sender::new(()) }, (), |_| {})?;
        let agent: Option<&mut Self> = env.get_instance_data()?;
        agent.map(|agent| &*agent).ok_or_else(|| Error::from_reason("The addon's data is missing."))
    }

    #[allow(unsafe_code)]
    fn hold(&self, env: &Env) {
        if self.holding.get() == 0 {
            // SAFETY: this is the environment's thread, and the function lives as long as the environment.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.desk.wake.raw()) };
        }
        self.holding.set(self.holding.get() + 1);
    }

    #[allow(unsafe_code)]
    fn release(&self, env: &Env) {
        self.holding.set(self.holding.get() - 1);
        if self.holding.get() == 0 {
            // SAFETY: as above.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.desk.wake.raw()) };
        }
    }
}

impl Desk {
    fn done(&self) -> MutexGuard<'_, Vec<Settle>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when nothing else waits already: then whoever put it has to wake the event loop.
    fn put(&self, settle: Settle) -> bool {
        let mut done = self.done();
        done.push(settle);
        done.len() == 1
    }

    fn wake(&self) {
        self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

fn settle_all(env: &Env) -> Result<()> {
    let done = std::mem::take(&mut *Agent::of(env)?.desk.done());
    for settle in done {
        settle(env.raw());
    }
    Ok(())
}

/// A function of JavaScript that is told values, in the order in which they and the results of calls came to be. It
/// does not keep the process alive.
pub(crate) struct Callback<T: ToNapiValue + 'static> {
    desk: Arc<Desk>,
    function: Arc<FunctionRef<T, ()>>,
    /// Values that were not told yet.
    waiting: Arc<AtomicUsize>,
}

impl<T: ToNapiValue + Send + 'static> Callback<T> {
    pub(crate) fn new(env: &Env, function: &Function<'_, T, ()>) -> Result<Self> {
        Ok(Self {
            desk: Agent::of(env)?.desk.clone(),
            function: Arc::new(function.create_ref()?),
            waiting: Arc::default(),
        })
    }

    /// False when too many values wait already: an event loop that is busy must not fill the memory (T13).
    pub(crate) fn tell(&self, value: T) -> bool {
        let (function, waiting) = (self.function.clone(), self.waiting.clone());
        if waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        let first = self.desk.put(Box::new(move |env| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            // The face's functions do not throw; there would be nobody to tell.
            let _ = function.borrow_back(&Env::from_raw(env)).and_then(|function| function.call(value));
        }));
        if first {
            self.desk.wake();
        }
        true
    }
}

/// The other end of a promise.
struct Deferred(sys::napi_deferred);

// SAFETY: other threads only carry it; it is made and settled on the environment's thread.
#[allow(unsafe_code)]
unsafe impl Send for Deferred {}

impl Deferred {
    #[allow(unsafe_code)]
    fn new<T>(env: &Env) -> Result<(Self, PromiseRaw<'_, T>)> {
        let (mut deferred, mut promise) = (null_mut(), null_mut());
        // SAFETY: both places are valid, and read only after the call succeeded.
        check_status!(unsafe { sys::napi_create_promise(env.raw(), &raw mut deferred, &raw mut promise) })?;
        Ok((Self(deferred), PromiseRaw::new(env.raw(), promise)))
    }

    #[allow(unsafe_code)]
    fn settle(self, env: sys::napi_env, outcome: std::result::Result<impl ToNapiValue, impl ToNapiValue>) {
        // SAFETY: `env` is the environment of the running callback; consuming `self` makes it settle once.
        unsafe {
            let settled =
                match outcome {
                    Ok(value) => ToNapiValue::to_napi_value(env, value)
                        .map(|value| sys::napi_resolve_deferred(env, self.0, value)),
                    Err(error) => ToNapiValue::to_napi_value(env, error)
                        .map(|error| sys::napi_reject_deferred(env, self.0, error)),
                };
            if let Err(error) = settled.and_then(|status| check_status!(status))
                && let Ok(error) = ToNapiValue::to_napi_value(env, error)
            {
                sys::napi_reject_deferred(env, self.0, error);
            }
        }
    }
}

/// The face passes an object for calls that have a signal, and finds a function `abort` on it afterwards.
pub struct CallOptions(Arc<Notify>);

impl TypeName for CallOptions {
    fn type_name() -> &'static str {
        "CallOptions"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for CallOptions {}

impl FromNapiValue for CallOptions {
    #[allow(unsafe_code)]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise about `env` and `value` is passed on unchanged.
        let mut options = unsafe { Object::from_napi_value(env, value) }?;
        let notify = Arc::new(Notify::new());
        let abort = notify.clone();
        let env = Env::from_raw(env);
        let abort = env.create_function_from_closure::<(), (), _>("abort", move |_| {
            abort.notify_one();
            Ok(())
        })?;
        options.set("abort", abort)?;
        Ok(Self(notify))
    }
}

/// Whether a call keeps the process alive while it is in flight.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Alive,
    Nothing,
}

/// Does the work on the runtime. The promise is rejected with what the core knows of an error, and with nothing at
/// all when the work was dropped.
pub(crate) fn promise<T: ToNapiValue + Send + 'static>(
    env: &Env,
    options: Option<CallOptions>,
    keep: Keep,
    work: impl Future<Output = core::Result<T>> + Send + 'static,
) -> Result<PromiseRaw<'_, T>> {
    let agent = Agent::of(env)?;
    let (deferred, promise) = Deferred::new(env)?;
    // What is known of an error is large, and moved once.
    #[allow(clippy::result_large_err)]
    let mut work = Box::pin(guarded(work).map(|done| done.map_err(|error| Some(error.info()))));
    // A call that is alone may be done at once, without waking two threads; among many, this one has enough to do. What
    // keeps no process alive must be: the process could end before another thread hands out what is there already.
    if agent.holding.get() == 0 || keep == Keep::Nothing {
        let once = || work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(outcome) = within_runtime_if_available(once) {
            // Whatever was there before it, such as an event of its own, is told before it.
            settle_all(env)?;
            deferred.settle(env.raw(), outcome);
            return Ok(promise);
        }
    }
    if keep == Keep::Alive {
        agent.hold(env);
    }
    let (desk, mut alive) = (agent.desk.clone(), agent.alive.subscribe());
    spawn(async move {
        let aborted = async {
            match &options {
                Some(CallOptions(abort)) => abort.notified().await,
                None => pending().await,
            }
        };
        let outcome = tokio::select! {
            biased;
            () = aborted => Err(None),
            _ = alive.changed() => return,
            done = work => done,
        };
        let first = desk.put(Box::new(move |env| {
            deferred.settle(env, outcome);
            let env = Env::from_raw(env);
            if keep == Keep::Alive
                && let Ok(agent) = Agent::of(&env)
            {
                agent.release(&env);
            }
        }));
        if first {
            // What else can be done now is done first: on one core each wake-up would take this thread off it.
            yield_now().await;
            desk.wake();
        }
    });
    Ok(promise)
}

/// A thread of JavaScript, as work sees it that belongs to the thread and to none of its values.
pub(crate) struct Thread(watch::Receiver<()>);

/// The thread that runs now.
pub(crate) fn thread(env: &Env) -> Result<Thread> {
    Ok(Thread(Agent::of(env)?.alive.subscribe()))
}

impl Thread {
    /// Ends something with the thread, unless it is `over` before.
    pub(crate) fn takes_along<T: Send>(
        mut self,
        over: impl Future<Output = T> + Send + 'static,
        end: impl FnOnce() + Send + 'static,
    ) {
        spawn(async move {
            tokio::select! {
                biased;
                _ = self.0.changed() => end(),
                _ = over => {}
            }
        });
    }
}

/// Does an operation of a client, keeping the process alive meanwhile.
pub(crate) fn start<'env, T: ToNapiValue + Send + 'static, W: Future<Output = core::Result<T>> + Send + 'static>(
    client: &core::Client,
    env: &'env Env,
    options: Option<CallOptions>,
    work: impl FnOnce(core::Client) -> W,
) -> Result<PromiseRaw<'env, T>> {
    promise(env, options, Keep::Alive, work(client.clone()))
}
