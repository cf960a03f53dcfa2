//! Where the work runs, and how a Swift task ends it.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::Poll,
};

use tokio::{
    runtime::Runtime,
    sync::Notify,
    task::{JoinHandle, JoinError},
};

use crate::error::NativeError;

/// Of this process; made at first use.
static RUNTIME: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("itsm-adapter").build());

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
    pub(crate) async fn run<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, NativeError>
    where
        T: Send + 'static,
        E: Send + 'static,
        NativeError: From<E>,
    {
        let runtime = RUNTIME.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        let mut work = Box::pin(work);
        // What is ready at once needs no other thread.
        let first = poll_fn(|context| {
            let _entered = runtime.enter();
            Poll::Ready(work.as_mut().poll(context))
        });
        if let Poll::Ready(result) = first.await {
            return Ok(result?);
        }
        let mut task = Task(runtime.spawn(work));
        tokio::select! {
            biased;
            () = self.0.notified() => Err(NativeError::Cancelled),
            result = &mut task => Ok(result.map_err(io::Error::from)??),
        }
    }
}

/// A task that ends with whoever waits for it.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
