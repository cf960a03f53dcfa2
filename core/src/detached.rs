//! Work that its caller cannot end half-way.

use tracing::Instrument;

use crate::error::{Error, ErrorKind, Result};

/// Does the work in a task of its own, and waits for it: a caller that goes away ends the waiting, and drops what comes
/// of the work. `broken` is told when the task ended without an answer.
pub(crate) async fn detached<T: Send + 'static>(
    broken: &str,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, broken)))
}
