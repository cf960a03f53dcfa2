//! A worker on its way to Swift.

use std::sync::Arc;

use itsm_adapter::Worker;

use crate::{CancelToken, NativeError};

/// The worker behind the face. It stops when the last one who holds it lets go.
#[derive(uniffi::Object)]
pub struct NativeWorker(Arc<Worker>);

impl NativeWorker {
    pub(crate) fn new(worker: Worker) -> Arc<Self> {
        Arc::new(Self(Arc::new(worker)))
    }
}

// Documented where people see them: on the face, in `Sources/ItsmAdapter`.
#[allow(missing_docs)]
#[uniffi::export]
impl NativeWorker {
    pub async fn stop(&self, cancel: Arc<CancelToken>) -> Result<(), NativeError> {
        let worker = self.0.clone();
        cancel.run(async move { worker.stop().await }).await
    }

    pub async fn ended(&self, cancel: Arc<CancelToken>) -> Result<(), NativeError> {
        let worker = self.0.clone();
        cancel.run(async move { worker.ended().await }).await
    }
}
