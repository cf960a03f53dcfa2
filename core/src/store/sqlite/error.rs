//! What SQLite says, in the words of this library: always kind `store`, always with a remedy.

use std::time::Duration;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, Retry};

/// The error for a failed SQLite call. Values are always bound, so no message can hold one (T6).
pub(super) fn failure(error: rusqlite::Error) -> Error {
    let Some(code) = error.sqlite_error_code() else {
        return Error::new(ErrorKind::Store, "A row of the database cannot be read.")
            .remedy("The file may be damaged: restore it from a backup.")
            .because(error);
    };
    let (message, remedy, retry) = match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => (
            "The database stays locked by another process.",
            "Look for a process that hangs with the file open, then try again.",
            Retry::After(Duration::from_secs(1)),
        ),
        ErrorCode::DiskFull => (
            "The disk is full; nothing was changed.",
            "Free space, then try again.",
            Retry::After(Duration::from_secs(10)),
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => (
            "The database may not be written.",
            "Give this user the right to write the file and its folder.",
            Retry::Never,
        ),
        ErrorCode::CannotOpen => (
            "The database cannot be opened.",
            "Check that the folder exists and that this user may read and write it.",
            Retry::Never,
        ),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => (
            "The file is damaged, or is not a database.",
            "Restore it from a backup, or name another file.",
            Retry::Never,
        ),
        ErrorCode::SystemIoFailure => (
            "The disk failed to read or write the database.",
            "Check the disk, its free space and the limits of this process.",
            Retry::Never,
        ),
        ErrorCode::OutOfMemory => {
            ("There is no memory left for the database.", "Give the process more memory.", Retry::Never)
        }
        ErrorCode::TooBig => ("A value is too large for the database.", "Make the value smaller.", Retry::Never),
        _ => ("The database refused a call.", "Report it with the message and the code.", Retry::Never),
    };
    let number = error.sqlite_error().map_or(0, |inner| inner.extended_code);
    Error::new(ErrorKind::Store, message).remedy(remedy).retry(retry).with("sqlite_code", number).because(error)
}

/// The same for file operations that this library does itself.
pub(super) fn io_failure(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Store, format!("{what}: {}.", error.kind()))
        .remedy("Check that the folder exists and that this user may read and write it.")
        .because(error)
}
