//! A connection that can be put away for the moment of a `fork` and is opened again when it is next needed.
//!
//! SQLite forbids to carry an open connection into a child process: the child would believe to hold the parent's
//! locks, and might find a lock of the library taken for ever by a thread that does not exist there. So for the moment
//! of the fork no thread is inside SQLite, and no connection is open.

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use rusqlite::Connection as Database;

use super::{place::Place, version::Versions};
use crate::error::{Error, ErrorKind, Result};

/// Held for reading by whoever is inside SQLite, for writing during a fork.
static GATE: RwLock<()> = RwLock::new(());
/// All connections of this process. Locked inside the gate only.
static ALL: Mutex<Vec<Weak<Slot>>> = Mutex::new(Vec::new());

/// How many connections are open, and in which process.
static OPEN: AtomicUsize = AtomicUsize::new(0);
static OWNER: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static FORKING: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Puts all connections of the SQLite stores away, and keeps them away, until [`after_fork`]. For a program that forks
/// without executing another one: call it on the thread that forks, right before. Waits for what is being done now.
pub fn before_fork() {
    let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    for slot in lock(&ALL).drain(..).filter_map(|slot| slot.upgrade()) {
        Slot::put_away(lock(&slot.database).take());
    }
    FORKING.set(Some(gate));
}

/// Lets the stores go on, on the same thread, in the parent and in the child. A store itself cannot be used in the
/// child, because its threads are not there: open another, as [`Client::reopen`](crate::Client::reopen) does.
pub fn after_fork() {
    FORKING.take();
}

/// To be held while SQLite is used.
fn inside() -> RwLockReadGuard<'static, ()> {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// To be held while a store is opened.
///
/// # Errors
/// `illegal_state` in a process that was forked while connections were open, without [`before_fork`].
pub(super) fn opening() -> Result<RwLockReadGuard<'static, ()>> {
    if OPEN.load(SeqCst) > 0 && OWNER.load(SeqCst) != process::id() {
        return Err(Error::new(ErrorKind::IllegalState, "This process was forked while a database was open.").remedy(
            "Open the client after the fork, or fork in a way that lets the adapter close the database first.",
        ));
    }
    Ok(inside())
}

/// Opens a connection to a database that is up to date.
type Open = fn(&Path, Duration) -> Result<Database>;

/// A connection, and what belongs to it alone.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) versions: Cell<Versions>,
    /// Where the files were when it was opened.
    place: Place,
}

impl Opened {
    fn new(database: Database, path: &Path) -> Self {
        Self { database, versions: Cell::default(), place: Place::of(path) }
    }
}

/// A connection, or the place where it was.
pub(super) struct Slot {
    database: Mutex<Option<Opened>>,
    path: PathBuf,
    busy_timeout: Duration,
    open: Open,
}

impl Slot {
    /// Takes a connection; the caller is [`opening`].
    pub(super) fn new(database: Database, path: &Path, busy_timeout: Duration, open: Open) -> Arc<Self> {
        let database = Mutex::new(Some(Opened::new(database, path)));
        let slot = Arc::new(Self { database, path: path.to_owned(), busy_timeout, open });
        slot.enter_in(&mut lock(&ALL));
        slot
    }

    /// Works with the connection.
    ///
    /// # Errors
    /// `store` when it was put away and cannot be opened again.
    pub(super) fn with<T>(self: &Arc<Self>, work: impl FnOnce(Result<&Database>) -> T) -> T {
        self.with_opened(|opened| work(opened.map(|opened| &opened.database)))
    }

    /// Works with the connection, if the files that it writes are those that the next process will open.
    ///
    /// # Errors
    /// As [`Slot::with`], and `store` when the files were moved or removed.
    pub(super) fn with_in_place<T>(self: &Arc<Self>, work: impl FnOnce(Result<&Opened>) -> T) -> T {
        self.with_opened(|opened| work(opened.and_then(|opened| opened.place.check(&self.path).map(|()| opened))))
    }

    fn with_opened<T>(self: &Arc<Self>, work: impl FnOnce(Result<&Opened>) -> T) -> T {
        let _inside = inside();
        let mut slot = lock(&self.database);
        let opened = match slot.take() {
            Some(opened) => Ok(opened),
            None => (self.open)(&self.path, self.busy_timeout).map(|database| {
                self.enter_in(&mut lock(&ALL));
                Opened::new(database, &self.path)
            }),
        };
        match opened {
            Ok(opened) => work(Ok(slot.insert(opened))),
            Err(error) => work(Err(error)),
        }
    }

    fn enter_in(self: &Arc<Self>, all: &mut Vec<Weak<Self>>) {
        OWNER.store(process::id(), SeqCst);
        OPEN.fetch_add(1, SeqCst);
        all.retain(|slot| slot.strong_count() > 0);
        all.push(Arc::downgrade(self));
    }

    fn put_away(opened: Option<Opened>) {
        if opened.is_some() {
            drop(opened);
            OPEN.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(opened) = self.database.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            let _inside = inside();
            Self::put_away(Some(opened));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::Folder, *};
    use crate::store::{SqliteStore, Store};

    #[tokio::test]
    async fn connections_are_away_during_a_fork_and_back_afterwards() {
        let folder = Folder::new();
        let path = folder.path("a.db");
        let store = SqliteStore::open(&path).unwrap();
        assert!(store.accounts(None, 1).await.unwrap().is_empty());
        // The last connection that closes takes the log with it.
        let log = path.with_file_name("a.db-wal");
        assert!(log.exists());
        before_fork();
        assert!(!log.exists());
        after_fork();
        for _ in 0..2 {
            assert!(store.accounts(None, 1).await.unwrap().is_empty());
        }
        store.commit(Vec::new()).await.unwrap();
        let mut closed = std::pin::pin!(store.closed());
        drop(store);
        closed.as_mut().await;
        assert!(!log.exists());
    }
}
