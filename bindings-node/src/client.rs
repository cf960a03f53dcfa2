//! The client: what opens it, what it leads to, and what it tells.

use std::sync::Arc;

use itsm_adapter::{self as core, ClientOptions, Config, Event, RotationReport, Secret};
use napi::{
    Env, Result,
    bindgen_prelude::{Function, PromiseRaw},
};
use napi_derive::napi;
use tokio::sync::Mutex;

use crate::{
    observe::Watcher,
    promise::{CallOptions, Callback, Keep, promise, start},
};

/// The adapter: one store, its keys, its tokens and its way out. Open it once and share it within a thread; worker
/// threads and processes open their own over the same store. It does not keep a process alive; calls in flight do.
#[napi]
pub struct Client(pub(crate) core::Client);

#[napi]
impl Client {
    /// Opens a client; nothing is sent to anybody. What the options leave out comes from the environment.
    ///
    /// Rejects with `invalid_input` for settings that make no sense, `store` when the store cannot be opened, `sealed`
    /// when the key is missing or not readable.
    #[napi(ts_args_type = "options?: ClientOptions, call?: CallOptions", writable = true, configurable = true)]
    pub fn open(
        env: &Env,
        options: Option<ClientOptions>,
        call: Option<CallOptions>,
    ) -> Result<PromiseRaw<'_, Client>> {
        let work = async { Ok(Self(core::Client::open(Config::resolve(options.unwrap_or_default())?).await?)) };
        promise(env, call, Keep::Alive, work)
    }

    /// Tells a function every event from now on, until `unobserve`. It does not keep the process alive; what it throws
    /// becomes a warning of the process. While the event loop is busy, 1,024 events wait for it; what is beyond that is
    /// missed, and told so by an event of kind `progress`.
    #[napi(ts_args_type = "callback: (event: Event) => void", ts_return_type = "Observation")]
    pub fn observe(&self, env: &Env, callback: Function<'_, Event, ()>) -> Result<i64> {
        Ok(self.0.observe(Arc::new(Watcher::new(Callback::new(env, &callback)?))).cast_signed())
    }

    /// Takes an observer off.
    #[napi(ts_args_type = "observation: Observation")]
    pub fn unobserve(&self, id: i64) {
        self.0.unobserve(id.cast_unsigned());
    }

    /// Events from now on, for `for await`, until the client is closed. Waiting for one keeps no process alive.
    #[napi(ts_args_type = "options?: CallOptions")]
    pub fn subscribe(&self) -> Subscription {
        Subscription(Arc::new(Mutex::new(self.0.subscribe())))
    }

    /// Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
    /// it goes on when called again.
    ///
    /// Rejects with `sealed` when a row cannot be opened with any key at hand, `invalid_input` when the key comes from
    /// the caller and no new one is given, `store`.
    #[napi]
    pub fn rotate_key<'e>(
        &self,
        env: &'e Env,
        new_key: Option<Secret>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, RotationReport>> {
        start(&self.0, env, options, |core| async move { core.rotate_key(new_key).await })
    }

    /// Closes the client: calls in flight end with `cancelled`, later ones with `illegal_state`. What was committed
    /// stays.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }

    /// True after `close`.
    #[napi(getter)]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// For tests of what becomes of a panic.
    #[napi(skip_typescript)]
    pub fn panic_on_purpose<'e>(&self, env: &'e Env) -> Result<PromiseRaw<'e, ()>> {
        start(&self.0, env, None, |core| async move { core.panic_on_purpose().await })
    }
}

/// Events as they happen, one by one: for `for await`.
#[napi]
pub struct Subscription(Arc<Mutex<core::Subscription>>);

#[napi]
impl Subscription {
    /// The next event; done when the client is closed. A subscriber that lets more than 1,024 events wait misses the
    /// oldest and is told so by an event of kind `progress`.
    #[napi(ts_args_type = "options?: CallOptions", ts_return_type = "Promise<IteratorResult<Event, undefined>>")]
    pub fn next<'e>(
        &self,
        env: &'e Env,
        _: Option<()>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Option<Event>>> {
        let subscription = self.0.clone();
        promise(env, options, Keep::Nothing, async move { Ok(subscription.lock().await.next().await) })
    }
}
