//! Events and log lines on their way to Swift. Foreign traits stay synchronous: an asynchronous one crashes the
//! Swift 6.0.3 compiler.

use std::sync::Arc;

use itsm_adapter::{
    Event, Subscription,
    log::{LogLevel, forward_logs},
};
use tokio::sync::Mutex;

use crate::{CancelToken, NativeError};

/// Hears of events. Called on a thread of the adapter, under no lock of it: be quick, and hand long work over to a
/// task. What it throws is logged, and changes nothing.
#[uniffi::export(with_foreign)]
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn on_event(&self, event: Event) -> Result<(), ObserverFailure>;
}

/// What an observer threw.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ObserverFailure {
    /// In the words of Swift.
    #[error("{reason}")]
    Thrown {
        /// What it said of itself.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ObserverFailure {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Thrown { reason: error.reason }
    }
}

pub(crate) struct Listener(pub(crate) Arc<dyn Observer>);

impl itsm_adapter::Observer for Listener {
    fn on_event(&self, event: &Event) {
        if let Err(failure) = self.0.on_event(event.clone()) {
            tracing::error!(error = %failure, "an observer threw; the adapter goes on");
        }
    }
}

/// Events one by one.
#[derive(uniffi::Object)]
pub struct NativeSubscription(Arc<Mutex<Subscription>>);

impl NativeSubscription {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self(Arc::new(Mutex::new(subscription)))
    }
}

#[uniffi::export]
impl NativeSubscription {
    /// The next event; none at the end.
    pub async fn next(&self, cancel: Arc<CancelToken>) -> Result<Option<Event>, NativeError> {
        let subscription = self.0.clone();
        cancel.run(async move { Ok(subscription.lock().await.next().await) }).await
    }
}

/// Takes log lines. Called on any thread, under no lock of the adapter; be quick.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// Takes one line. `target` is the part of the adapter that wrote it.
    fn log(&self, level: LogLevel, target: String, message: String);
}

/// See the face.
#[uniffi::export]
pub fn native_forward_logs(level: LogLevel, sink: Arc<dyn LogSink>) -> bool {
    forward_logs(
        level,
        Arc::new(move |level, target: &str, message: &str| sink.log(level, target.to_owned(), message.to_owned())),
    )
}
