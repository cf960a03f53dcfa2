//! Where the work runs, and how a Swift task ends it.

use std::{
    future::Future,
    io,
    sync::{Arc, LazyLock},
};

use futures_util::FutureExt;
use itsm_adapter::ffi::guarded;
use tokio::{runtime, sync::Notify};

use crate::error::NativeError;

/// Of this process; made at first use.
static RUNTIME: LazyLock<io::Result<runtime::Runtime>> =
    LazyLock::new(|| runtime::Builder::new_multi_thread().enable_all().thread_name("itsm-adapter").build());

/// Carries the cancellation of one Swift task: uniffi does not do it.
#[derive(Default, uniffi::Object)]
pub struct CancelToken(Notify);

#[uniffi::export]
impl CancelToken {
    /// One for each call.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Ends the call, also one that has not begun.
    pub fn cancel(&self) {
        self.0.notify_one();
    }
}

impl CancelToken {
    /// Does the work, unless it is, or gets, cancelled: then it is dropped where it stands.
    #[allow(clippy::result_large_err)] // uniffi writes errors by value
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = itsm_adapter::Result<T>> + Send + 'static,
    ) -> Result<T, NativeError> {
        let runtime = RUNTIME.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        if self.0.notified().now_or_never().is_some() {
            return Err(NativeError::Cancelled);
        }
        // On its own threads from the beginning: a first look at it on Swift's cost more than it saved.
        let mut task = runtime.spawn(guarded(work).map(|done| done.map_err(NativeError::from)));
        tokio::select! {
            biased;
            () = self.0.notified() => {
                task.abort();
                Err(NativeError::Cancelled)
            }
            result = &mut task => result.map_err(io::Error::from)?,
        }
    }
}
