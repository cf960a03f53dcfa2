//! Whether the files are still where they were opened. SQLite goes on writing a file that was moved or removed under it:
//! what it acknowledged then would be gone with the process.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result, Retry};

/// Which files a connection writes: the database and its log. The log is there as soon as the database was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place([Option<(u64, u64)>; 2]);

impl Place {
    /// The files that somebody who opened the database now would find.
    pub(super) fn of(path: &Path) -> Self {
        Self([identity(path), identity(&super::schema::beside(path, "-wal"))])
    }

    /// # Errors
    /// `store` when there are other files by now, or none.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        if *self == Self::of(path) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Store, "The file of the database, or its log, was moved or removed while in use.")
            .remedy("Put the same files back; after replacing them with others, start the program again.")
            .retry(Retry::Never))
    }
}

/// Device and number of the file, and nothing else: a Linux that is asked for the time of the last change notes every
/// change more exactly from then on, which makes the next flush of the file half as long again.
#[cfg(target_os = "linux")]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    // A system or a sandbox without this call may refuse it in several ways.
    statx(CWD, path, AtFlags::empty(), StatxFlags::INO)
        .map(|file| (makedev(file.stx_dev_major, file.stx_dev_minor), file.stx_ino))
        .ok()
        .or_else(|| metadata(path))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    metadata(path)
}

#[cfg(unix)]
fn metadata(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// A file that is in use cannot be moved or removed there.
#[cfg(not(unix))]
const fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}
