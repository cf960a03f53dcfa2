//! A worker on its way to Swift.

use std::sync::Arc;

use itsm_adapter::Worker;

use crate::{CancelToken, NativeError};

/// The worker behind the face.
#[derive(uniffi::Object)]
pub struct NativeWorker(Worker);

impl NativeWorker {
    pub(crate) fn new(worker: Worker) -> Arc<Self> {
        Arc::new(Self(worker))
    }
}

// Documented where people see them: on the face, in `Sources/ItsmAdapter`.
#[allow(missing_docs)]
#[uniffi::export]
impl NativeWorker {
    pub async fn stop(&self, cancel: Arc<CancelToken>) -> Result<(), NativeError> {
        cancel.run(self.0.stop()).await
    }

    pub async fn ended(&self, cancel: Arc<CancelToken>) -> Result<(), NativeError> {
        cancel.run(self.0.ended()).await
    }
}
