//! Errors: what the core says becomes a plain object, out of which the face makes an `ItsmError`.

use std::thread;

use itsm_adapter::{Error, ErrorInfo, ErrorKind, Result};

/// What was done, or what to say about why it was not; a panic becomes an error of kind `internal`.
#[allow(clippy::result_large_err)] // the record is what crosses; it is made once per failed call
pub(crate) fn failure<T>(done: thread::Result<Result<T>>) -> std::result::Result<T, ErrorInfo> {
    done.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "The call ended in a panic.")))
        .map_err(|error| error.info())
}
