//! Opens the file: rights, settings, and the tables brought up to date.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection as Database, ErrorCode, OpenFlags, config::DbConfig};

use super::error::{failure, io_failure};
use crate::error::{Error, ErrorKind, Result};

/// The migrations in their order; number n brings a database from version n - 1 to n.
pub(super) const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/sqlite/001_init.sql"),
    include_str!("../../../migrations/sqlite/002_flows.sql"),
    include_str!("../../../migrations/sqlite/003_outbox.sql"),
    include_str!("../../../migrations/sqlite/004_policies.sql"),
    include_str!("../../../migrations/sqlite/005_probes.sql"),
    include_str!("../../../migrations/sqlite/006_retention.sql"),
    include_str!("../../../migrations/sqlite/007_counts.sql"),
];
/// Marks the file as the adapter's: "ITSM" in ASCII.
const APPLICATION_ID: i64 = 0x4954_534d;
/// Statements kept prepared per connection: more than there are.
const STATEMENTS: usize = 128;

/// One opening at a time in this process. Making the file opens and closes a descriptor of its own, and
/// closing any descriptor of a file drops the POSIX locks that SQLite may hold on it in another thread.
static OPENING: Mutex<()> = Mutex::new(());

/// Opens the writer's connection, and makes or updates the database first where that is needed.
pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<(PathBuf, Database)> {
    let _one = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(
            Error::invalid("The database needs the path of a file.").remedy("Name a file, or use the memory store.")
        );
    }
    let path = std::path::absolute(path).map_err(|error| io_failure("The path of the database is wrong", error))?;
    protect(&path)?;
    let database = connect(&path, busy_timeout)?;
    if database.is_readonly("main").map_err(failure)? {
        return Err(Error::new(ErrorKind::Store, "The database may not be written.")
            .remedy("Give this user the right to write the file and its folder."));
    }
    check_owner(&database)?;
    write_ahead(&database, busy_timeout)?;
    migrate(&database)?;
    // The files that SQLite adds take over the rights of the database; older ones may come from elsewhere.
    for suffix in ["-wal", "-shm"] {
        restrict(&beside(&path, suffix))?;
    }
    Ok((path, database))
}

/// Opens a connection that only reads, on a database that [`open`] has prepared.
pub(super) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Database> {
    let _one = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let database = connect(path, busy_timeout)?;
    database.pragma_update(None, "query_only", true).map_err(failure)?;
    Ok(database)
}

/// Opens a connection, on a database that [`open`] has prepared.
pub(super) fn connect(path: &Path, busy_timeout: Duration) -> Result<Database> {
    // NO_MUTEX: a connection is used by one thread. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut database = Database::open_with_flags(path, flags).map_err(failure)?;
    database.busy_handler(Some(patience(busy_timeout))).map_err(failure)?;
    database.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in [
        // FULL: a commit is on the disk before it is answered.
        ("synchronous", "FULL"),
        ("foreign_keys", "ON"),
        // What is forgotten is overwritten, not just unlinked.
        ("secure_delete", "ON"),
        // A file from elsewhere cannot call functions through its own schema.
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        // What a savepoint would need to go back stays in memory: no file of rows elsewhere, and far fewer writes.
        ("temp_store", "MEMORY"),
    ] {
        database.pragma_update(None, name, value).map_err(failure)?;
    }
    // Planned once: without this, SQLite plans a statement anew each time that its limit is bound.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
    // The first look opens the log too.
    number(&database, "user_version")?;
    Ok(database)
}

/// What to do while another process holds a lock: look again every millisecond. SQLite's own timeout sleeps
/// up to 100 ms at a time, and misses the short gaps that a busy writer leaves.
fn patience(busy_timeout: Duration) -> impl FnMut(i32) -> bool + Send + 'static {
    let mut since = Instant::now();
    move |attempts| {
        if attempts == 0 {
            since = Instant::now();
        }
        let patient = since.elapsed() < busy_timeout;
        if patient {
            thread::sleep(Duration::from_millis(1));
        }
        patient
    }
}

/// Refuses a database of somebody else before anything in it is touched, its journal mode included.
fn check_owner(database: &Database) -> Result<()> {
    if number(database, "application_id")? == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 =
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failure)?;
    // A file without tables is new, or its maker died before the first migration was committed.
    if tables == 0 { Ok(()) } else { Err(foreign()) }
}

fn foreign() -> Error {
    Error::new(ErrorKind::Store, "The file is a database of another program.").remedy("Name another file.")
}

/// Switches to write-ahead logging. SQLite does not wait here when two processes switch at once (waiting
/// could deadlock), so this does.
fn write_ahead(database: &Database, busy_timeout: Duration) -> Result<()> {
    let end = Instant::now() + busy_timeout;
    loop {
        match database.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => {
                return Err(Error::new(ErrorKind::Store, "The file system of the database allows no shared memory.")
                    .remedy("Put the file on a local disk."));
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(failure(error)),
        }
    }
}

/// Applies what is missing, all of it or nothing, once, while every other process waits.
fn migrate(database: &Database) -> Result<()> {
    if version(database)? == MIGRATIONS.len() && number(database, "application_id")? == APPLICATION_ID {
        return Ok(());
    }
    database.execute_batch("BEGIN EXCLUSIVE").map_err(failure)?;
    let outcome = migrate_locked(database);
    match outcome {
        Ok(()) => database.execute_batch("COMMIT").map_err(failure),
        Err(error) => {
            // The first failure is the one to tell; closing the connection rolls back as well.
            let _ = database.execute_batch("ROLLBACK");
            Err(error)
        }
    }
}

fn migrate_locked(database: &Database) -> Result<()> {
    // Read again under the lock: another process may have been faster.
    let present = version(database)?;
    check_owner(database)?;
    for (done, migration) in MIGRATIONS.iter().enumerate().skip(present) {
        database.execute_batch(migration).map_err(failure)?;
        set_number(database, "user_version", i64::try_from(done).unwrap_or(i64::MAX) + 1)?;
    }
    set_number(database, "application_id", APPLICATION_ID)
}

/// Refuses what a newer version of this library has brought up to date since it was opened here: that may count and
/// order in another way.
pub(super) fn check_unchanged(database: &Database) -> Result<()> {
    version(database).map(drop)
}

/// How many migrations the file has seen.
fn version(database: &Database) -> Result<usize> {
    let version = number(database, "user_version")?;
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(Error::new(ErrorKind::Store, "The database was made by a newer version of this library.")
            .remedy("Update the library, or name another file.")
            .with("database_version", version)
            .with("known_version", MIGRATIONS.len())),
    }
}

fn number(database: &Database, pragma: &str) -> Result<i64> {
    let mut statement = database.prepare_cached(&format!("PRAGMA {pragma}")).map_err(failure)?;
    statement.query_row([], |row| row.get(0)).map_err(failure)
}

fn set_number(database: &Database, pragma: &str, value: i64) -> Result<()> {
    database.pragma_update(None, pragma, value).map_err(failure)
}

/// Makes the file, readable by its owner only, or takes the rights of others away from the one that exists.
fn protect(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => restrict(path),
        Err(error) => Err(io_failure("The database cannot be made", error)),
    }
}

/// Takes the rights of the group and of all others away. On Windows the folder's rights decide.
fn restrict(path: &Path) -> Result<()> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_failure("The database cannot be looked at", error)),
    };
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::Store, "The path of the database is not a file's.").remedy("Name a file."));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            let owner_only = fs::Permissions::from_mode(mode & 0o700);
            fs::set_permissions(path, owner_only)
                .map_err(|error| io_failure("The rights of the database cannot be narrowed", error))?;
        }
    }
    Ok(())
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
