//! What goes wrong, on its way to Swift.

use itsm_adapter::{Error, ErrorInfo, ErrorKind};

/// A failure; the face makes an `ItsmError` or a `CancellationError` of it.
#[derive(Debug, Clone, thiserror::Error, uniffi::Error)]
pub enum NativeError {
    /// The adapter says why.
    #[error("{}: {}", info.kind, info.message)]
    Failed {
        /// Everything that is known.
        info: ErrorInfo,
    },
    /// The Swift task was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl From<Error> for NativeError {
    fn from(error: Error) -> Self {
        Self::Failed { info: error.info() }
    }
}

/// No runtime.
impl From<std::io::Error> for NativeError {
    fn from(error: std::io::Error) -> Self {
        Error::new(ErrorKind::Internal, format!("The work could not be done: {error}.")).into()
    }
}
