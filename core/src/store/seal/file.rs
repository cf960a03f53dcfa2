//! The key file beside the database: one key per line, the first is the current one.
//!
//! It is only ever replaced as a whole, by rename, and never seen half-written.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::key::Key;
use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
};

/// More than a thousand keys; anything larger is not a key file.
const MOST_BYTES: u64 = 64 * 1024;

/// Tells one content of the file from another, without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    #[cfg(unix)]
    inode: u64,
}

/// Where the keys of a database are kept.
#[derive(Debug, Clone)]
pub(super) struct KeyFile(PathBuf);

impl KeyFile {
    /// `<database>.key`.
    pub(super) fn beside(database: &Path) -> Result<Self> {
        let path = std::path::absolute(database).map_err(|error| failure("The path is wrong", error))?;
        Ok(Self(suffixed(&path, ".key")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The keys, or none when there is no such file.
    pub(super) fn read(&self) -> Result<Option<(Vec<Key>, Stamp)>> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure("The key file cannot be read", error)),
        };
        let metadata = file.metadata().map_err(|error| failure("The key file cannot be read", error))?;
        refuse_shared(&metadata)?;
        let stamp = Stamp::of(&metadata);
        let mut text = Zeroizing::new(String::with_capacity(4096));
        file.take(MOST_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| failure("The key file cannot be read", error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Vec<Key> =
            lines.map(|line| Key::parse(&Secret::from(line))).collect::<Result<_>>().map_err(|error| {
                Error::new(ErrorKind::Sealed, "A line of the key file is not a key.")
                    .remedy("Restore the key file from a backup.")
                    .because(error)
            })?;
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Sealed, "The key file holds no key.")
                .remedy("Restore the key file from a backup; without it the secrets must be entered again."));
        }
        Ok(Some((keys, stamp)))
    }

    /// The stamp of the file as it is now; none when it is gone.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        fs::metadata(&self.0).ok().map(|metadata| Stamp::of(&metadata))
    }

    /// Makes the file with this key. False when somebody else was faster: then theirs counts.
    pub(super) fn create(&self, key: &Key) -> Result<bool> {
        let made = self.draft(std::slice::from_ref(key)).and_then(|draft| {
            // A link appears with its whole content, and fails when the name is taken.
            let linked = fs::hard_link(&draft, &self.0);
            let removed = fs::remove_file(&draft);
            match linked {
                Ok(()) => removed.and_then(|()| self.sync_folder()).map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(_) => self.create_plainly(key),
            }
        });
        made.map_err(|error| failure("The key file cannot be made", error))
    }

    /// For file systems without links: another process may see the file empty for a moment, and refuses it.
    fn create_plainly(&self, key: &Key) -> io::Result<bool> {
        match owner_only().open(&self.0) {
            Ok(file) => {
                write_keys(file, std::slice::from_ref(key))?;
                self.sync_folder().map(|()| true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts these keys in place of those in the file; durable when it returns.
    pub(super) fn replace(&self, keys: &[Key]) -> Result<()> {
        let replaced = self.draft(keys).and_then(|draft| {
            fs::rename(&draft, &self.0).inspect_err(|_| {
                let _ = fs::remove_file(&draft);
            })?;
            self.sync_folder()
        });
        replaced.map_err(|error| failure("The key file cannot be written", error))
    }

    /// The right to change the file, against other threads and processes, until the answer is dropped. The
    /// operating system takes it back when the process dies.
    pub(super) fn lock(&self) -> Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let locked = options.open(suffixed(&self.0, ".lock")).and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| failure("The key file cannot be locked", error))
    }

    /// A file of a name of its own in the same folder, durable.
    fn draft(&self, keys: &[Key]) -> io::Result<PathBuf> {
        let path = suffixed(&self.0, &format!(".{}.new", uuid::Uuid::new_v4().simple()));
        let written = owner_only().open(&path).and_then(|file| write_keys(file, keys));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        Ok(path)
    }

    /// Makes the names in the folder durable; only Unix has a way to ask for that.
    #[cfg_attr(not(unix), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn sync_folder(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(folder) = self.0.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
        }
    }
}

/// A new file, for its owner only.
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn write_keys(mut file: File, keys: &[Key]) -> io::Result<()> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 64));
    for key in keys {
        text.push_str(key.text().expose());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// On Windows the rights of the folder decide.
#[cfg_attr(not(unix), allow(clippy::unnecessary_wraps))]
fn refuse_shared(metadata: &fs::Metadata) -> Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(Error::new(ErrorKind::Sealed, "The key file may be read by others than its owner.")
            .remedy("Run chmod 600 on it; if others may have read it, rotate the key."));
    }
    if metadata.is_file() {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Sealed, "The path of the key file is not a file's.").remedy("Remove what is there."))
    }
}

fn failure(what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Sealed, format!("{what}: {}.", error.kind()))
        .remedy("Check that this user may read and write the key file beside the database, and its folder.")
        .because(error)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
