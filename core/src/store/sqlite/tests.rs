//! What SQLite owes beyond the contract: files, migrations, failures, and threads that end.

// Tests may stop at the first thing that is not as expected.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection as Database;

use super::{SqliteStore, forget, outbox, read, schema};
use crate::{
    error::{Error, ErrorKind, Result},
    model::{Account, ConnectionStatus, DeliveryStatus},
    store::{
        Change, Claim, DeliveryFilter, Refusal, Row, Store, Wanted,
        contract::{self, samples::*},
    },
};

/// A folder of its own among the temporary ones, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("itsm-store-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a commit answers when it failed.
fn failure(outcome: Result<impl std::fmt::Debug, Refusal>) -> Error {
    match outcome {
        Err(Refusal::Failed(error)) => error,
        other => panic!("the commit must fail, but: {other:?}"),
    }
}

#[track_caller]
fn assert_store_error(error: &Error, words: &str) {
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.to_string().contains(words), "expected {words:?} in: {error}");
    assert!(!error.info().remedy.is_empty());
}

async fn accounts(store: &SqliteStore) -> Vec<Row<Account>> {
    store.accounts(None, 1000).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = Folder::new();
    contract::run(async || {
        let path = folder.path(&format!("{}.db", uuid::Uuid::new_v4().simple()));
        Arc::new(SqliteStore::open(path).unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    let first = store.commit(world()).await.unwrap();
    let closed = store.closed();
    drop(store);
    closed.await;
    assert!(!folder.path("a.db-wal").exists(), "the last connection takes the log away");
    for _ in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(accounts(&store).await.len(), 3);
        let next = store.commit(vec![Change::Event(event(None, "again"))]).await.unwrap();
        assert!(next.version > first.version, "versions go on where they were");
    }
}

#[tokio::test]
async fn dropping_the_store_ends_its_threads_while_others_go_on() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let (one, two) = (SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap());
    let closed = one.closed();
    drop(one);
    closed.await;
    two.commit(world()).await.unwrap();
    assert_eq!(accounts(&two).await.len(), 3);
}

#[test]
fn many_may_open_the_same_new_file_at_once() {
    let folder = Folder::new();
    let path = &folder.path("a.db");
    std::thread::scope(|scope| {
        let openings: Vec<_> = (0..8).map(|_| scope.spawn(move || SqliteStore::open(path))).collect();
        for opening in openings {
            opening.join().unwrap().unwrap();
        }
    });
    assert_eq!(version_of(path), i64::try_from(super::schema::MIGRATIONS.len()).unwrap());
}

#[test]
fn opening_waits_for_another_process_that_reads_the_new_file() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let other = Database::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema").unwrap();
    let (opened, outcome) = std::sync::mpsc::channel();
    let opening = std::thread::spawn(move || opened.send(SqliteStore::open(path).map(drop)).unwrap());
    let early = outcome.recv_timeout(Duration::from_millis(50));
    assert!(early.is_err(), "opening must wait, but: {early:?}");
    other.execute_batch("COMMIT").unwrap();
    outcome.recv().unwrap().unwrap();
    opening.join().unwrap();
}

fn version_of(path: &Path) -> i64 {
    Database::open(path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn two_stores_on_one_file_never_give_the_same_version() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let mut versions = Vec::new();
    for number in 0..20 {
        versions.push(stores[number % 2].commit(Vec::new()).await.unwrap().version);
    }
    let again = SqliteStore::open(&path).unwrap();
    versions.push(again.commit(Vec::new()).await.unwrap().version);
    let given: std::collections::HashSet<_> = versions.iter().collect();
    assert_eq!(given.len(), versions.len(), "{versions:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.path("a.db");
    let modes = || -> Vec<u32> {
        let files = ["a.db", "a.db-wal", "a.db-shm"].map(|name| fs::metadata(folder.path(name)));
        files.into_iter().map(|file| file.unwrap().permissions().mode() & 0o777).collect()
    };
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    assert_eq!(modes(), [0o600; 3]);
    // Rights that somebody widened are narrowed again.
    for name in ["a.db", "a.db-wal", "a.db-shm"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let _second = SqliteStore::open(&path).unwrap();
    assert_eq!(modes(), [0o600; 3]);
}

/// A database as an earlier version of this library made it.
fn of_version(version: usize, path: &Path) -> Database {
    let old = Database::open(path).unwrap();
    for migration in &schema::MIGRATIONS[..version] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
    old.pragma_update(None, "application_id", 0x4954_534d).unwrap();
    old
}

#[tokio::test]
async fn a_database_of_the_first_release_is_brought_up_to_date_and_keeps_its_rows() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    {
        let old = of_version(1, &path);
        let value = serde_json::to_string(&account("a")).unwrap();
        let insert = "INSERT INTO accounts (customer_id, version, value) VALUES ('a', 1, ?1)";
        old.execute(insert, [value]).unwrap();
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.account(&customer("a")).await.unwrap().unwrap().value, account("a"));
    assert!(store.flows(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_triggers_have_counted_is_counted_on_by_the_writer() {
    let folder = Folder::new();
    let (model, path) = (folder.path("model.db"), folder.path("a.db"));
    let waiting = |id: &str| deliver(new(delivery(id, "a", id, DeliveryStatus::Pending)));
    {
        let store = SqliteStore::open(&model).unwrap();
        store.commit(world()).await.unwrap();
        let dead = deliver(new(delivery("3", "a", "3", DeliveryStatus::Dead)));
        store.commit(vec![waiting("1"), waiting("2"), dead]).await.unwrap();
    }
    {
        let old = of_version(6, &path);
        old.execute("ATTACH ?1 AS model", [model.to_str().unwrap()]).unwrap();
        old.execute_batch("DELETE FROM counter; INSERT INTO counter SELECT * FROM model.counter").unwrap();
        for table in ["accounts", "instances", "connections", "deliveries"] {
            old.execute_batch(&format!("INSERT INTO {table} SELECT * FROM model.{table}")).unwrap();
        }
    }
    let store = SqliteStore::open(&path).unwrap();
    let counts = async || -> Vec<_> {
        let found = store.counts(None).await.unwrap();
        found.into_iter().map(|one| (one.customer_id.0, one.status, one.count)).collect()
    };
    let [pending, dead] = [DeliveryStatus::Pending, DeliveryStatus::Dead];
    assert_eq!(counts().await, [("a".to_owned(), dead, 1), ("a".to_owned(), pending, 2)]);
    store.commit(vec![waiting("4")]).await.unwrap();
    assert_eq!(counts().await, [("a".to_owned(), dead, 1), ("a".to_owned(), pending, 3)]);
}

#[tokio::test]
async fn a_store_writes_nothing_once_a_newer_version_has_the_database() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    let newer = Database::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let late = || vec![Change::Account(new(account("late")))];
    assert_store_error(&failure(store.commit(late()).await), "newer version");
    assert!(store.account(&customer("late")).await.unwrap().is_none());
    assert!(store.account(&customer("a")).await.unwrap().is_some(), "what is there can be read");
    // Whoever has gone back to this version goes on.
    newer.pragma_update(None, "user_version", i64::try_from(schema::MIGRATIONS.len()).unwrap()).unwrap();
    store.commit(late()).await.unwrap();
}

#[test]
fn a_database_from_a_newer_version_is_refused() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    drop(SqliteStore::open(&path).unwrap());
    Database::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert_store_error(&error, "newer version");
    assert_eq!(error.context("database_version"), Some("99"));
    assert_eq!(version_of(&path), 99, "and left as it is");
}

#[test]
fn a_file_of_somebody_else_is_refused_and_left_alone() {
    let folder = Folder::new();
    let path = folder.path("other.db");
    Database::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    assert_store_error(&SqliteStore::open(&path).unwrap_err(), "another program");
    assert_eq!(fs::read(&path).unwrap(), before);

    let path = folder.path("letter.txt");
    fs::write(&path, "Dear Sir or Madam, ".repeat(1000)).unwrap();
    assert_store_error(&SqliteStore::open(&path).unwrap_err(), "not a database");
}

#[test]
fn a_path_that_cannot_be_a_database_is_refused() {
    let folder = Folder::new();
    for path in ["", ":memory:"] {
        assert_eq!(SqliteStore::open(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{path:?}");
    }
    assert_store_error(&SqliteStore::open(&folder.0).unwrap_err(), "not a file");
    assert_store_error(&SqliteStore::open(folder.path("missing/a.db")).unwrap_err(), "folder exists");
    fs::write(folder.path("file"), "").unwrap();
    assert_store_error(&SqliteStore::open(folder.path("file/a.db")).unwrap_err(), "cannot be made");
}

#[tokio::test]
async fn a_damaged_database_answers_with_an_error() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit((0..2000).map(|number| Change::Account(new(account(&format!("a{number}"))))).collect()).await.unwrap();
    let closed = store.closed();
    drop(store);
    closed.await;
    let whole = fs::read(&path).unwrap();
    let damage = |from: usize| {
        let mut bytes = whole.clone();
        bytes[from..].fill(0xa5);
        fs::write(&path, bytes).unwrap();
    };
    damage(whole.len() / 2);
    let store = SqliteStore::open(&path).unwrap();
    assert_store_error(&store.accounts(None, 2000).await.unwrap_err(), "damaged");
    let closed = store.closed();
    drop(store);
    closed.await;
    damage(4096);
    assert_store_error(&SqliteStore::open(&path).unwrap_err(), "damaged");
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_is_an_error_and_not_a_panic() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    let database = Database::open(&path).unwrap();
    for value in ["{}", "", "null", "{\"customer_id\":5}", "x"] {
        database.execute("UPDATE accounts SET value = ?1 WHERE customer_id = 'a'", [value]).unwrap();
        assert_store_error(&store.account(&customer("a")).await.unwrap_err(), "cannot be understood");
    }
    assert!(store.account(&customer("b")).await.unwrap().is_some(), "the others are not concerned");
}

#[tokio::test]
async fn a_delivery_that_cannot_be_understood_holds_up_no_other() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    for id in ["1", "2", "3"] {
        let put = new(delivery(id, "a", id, DeliveryStatus::Pending));
        store.commit(vec![Change::Delivery(put.into())]).await.unwrap();
    }
    Database::open(&path).unwrap().execute("UPDATE deliveries SET value = '{}' WHERE id = '1'", []).unwrap();
    let (now, customers) = (chrono::Utc::now(), vec![customer("a")]);
    let claim = |now, owner: &str| Claim {
        wanted: Wanted::Ready { customers: customers.clone(), limit: 10 },
        owner: owner.to_owned(),
        now,
        until: now + Duration::from_secs(60),
    };
    let claimed = store.claim(claim(now, "worker")).await.unwrap();
    let ids: Vec<_> = claimed.iter().map(|claimed| claimed.row.value.delivery.id.as_str()).collect();
    assert_eq!(ids, ["2", "3"]);
    assert!(store.claim(claim(now, "another")).await.unwrap().is_empty(), "it is not asked for again at once");
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.path("a.db")).unwrap();
    store.commit(world()).await.unwrap();
    store.limit_pages(60).await.unwrap();
    let big = "x".repeat(50_000);
    let mut acknowledged = 0;
    let error = loop {
        let mut value =
            delivery(&format!("{acknowledged:04}"), "a", &acknowledged.to_string(), DeliveryStatus::Pending);
        value.delivery.alert.description.clone_from(&big);
        match store.commit(vec![deliver(new(value))]).await {
            Ok(_) => acknowledged += 1,
            outcome => break failure(outcome),
        }
        assert!(acknowledged < 100, "the limit must be reached");
    };
    assert_store_error(&error, "full");
    assert!(error.is_retryable(), "when there is space again");
    let kept = async || store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap().len();
    assert_eq!(kept().await, acknowledged);
    // With space again everything goes on.
    store.limit_pages(1_000_000).await.unwrap();
    store.commit(vec![deliver(new(delivery("last", "a", "last", DeliveryStatus::Pending)))]).await.unwrap();
    assert_eq!(kept().await, acknowledged + 1);
}

#[tokio::test]
async fn one_commit_that_does_not_fit_fails_alone_or_with_its_batch_but_never_half() {
    let folder = Folder::new();
    let store = Arc::new(SqliteStore::open(folder.path("a.db")).unwrap());
    store.commit(world()).await.unwrap();
    store.limit_pages(60).await.unwrap();
    let commits = (0..64).map(|number| {
        let store = Arc::clone(&store);
        let mut value = delivery(&format!("{number:02}"), "a", &number.to_string(), DeliveryStatus::Pending);
        value.delivery.alert.description = "x".repeat(if number == 20 { 1_000_000 } else { 10 });
        tokio::spawn(async move {
            (number, store.commit(vec![deliver(new(value)), Change::Event(event(None, "taken"))]).await)
        })
    });
    let mut acknowledged = Vec::new();
    for commit in commits.collect::<Vec<_>>() {
        match commit.await.unwrap() {
            (number, Ok(_)) => acknowledged.push(format!("{number:02}")),
            (_, outcome) => assert_store_error(&failure(outcome), "disk"),
        }
    }
    assert!(!acknowledged.contains(&"20".to_owned()));
    let rows = store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
    let kept: Vec<String> = rows.into_iter().map(|row| row.value.delivery.id.as_str().to_owned()).collect();
    assert_eq!(kept, acknowledged, "exactly what was acknowledged is there");
    assert_eq!(store.events(None, 0, 1000).await.unwrap().len(), acknowledged.len());
}

#[tokio::test]
async fn a_database_that_may_not_be_written_is_an_error() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    let forbid = store.write(|database| {
        database.pragma_update(None, "query_only", true).map_err(super::error::failure)?;
        Ok(())
    });
    forbid.await.unwrap();
    let error = failure(store.commit(vec![Change::Account(new(account("d")))]).await);
    assert_store_error(&error, "may not be written");
    assert_eq!(accounts(&store).await.len(), 3, "reading goes on");
}

#[tokio::test]
async fn a_lock_that_stays_is_an_error_and_reading_goes_on() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open_with(&path, Duration::from_millis(20)).unwrap();
    store.commit(world()).await.unwrap();
    let other = Database::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = failure(store.commit(vec![Change::Account(new(account("d")))]).await);
    assert_store_error(&error, "locked");
    assert!(error.is_retryable());
    assert_eq!(accounts(&store).await.len(), 3);
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(vec![Change::Account(new(account("d")))]).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_before_it_began_changes_nothing() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let (entered, begun) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    // Keeps the writer busy until it is told to go on.
    let busy = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let work = store.write(move |_| {
                entered.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            });
            work.await.unwrap();
        }
    });
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
    let mut commit = Box::pin(store.commit(vec![Change::Account(new(account("a")))]));
    assert!(futures_util::poll!(&mut commit).is_pending());
    drop(commit);
    go.send(()).unwrap();
    busy.await.unwrap();
    store.commit(vec![Change::Account(new(account("b")))]).await.unwrap();
    assert_eq!(accounts(&store).await.len(), 1);
}

/// The constraints hold for every program that writes the file, not only for this library.
#[tokio::test]
async fn the_database_itself_refuses_what_breaks_an_invariant() {
    let folder = Folder::new();
    let path = folder.path("a.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(world()).await.unwrap();
    let registered =
        |account, instance| Change::Connection(new(connection(account, instance, ConnectionStatus::Registered)));
    let unregistered =
        |account, instance| Change::Connection(new(connection(account, instance, ConnectionStatus::Unregistered)));
    store.commit(vec![Change::Instance(new(old_instance("old")))]).await.unwrap();
    store.commit(vec![registered("a", "old"), unregistered("a", "one"), unregistered("b", "old")]).await.unwrap();
    store.commit(vec![deliver(new(delivery("1", "a", "alert", DeliveryStatus::Pending)))]).await.unwrap();
    let database = Database::open(&path).unwrap();
    database.pragma_update(None, "foreign_keys", true).unwrap();
    for sql in [
        "UPDATE connections SET status = 'registered' WHERE customer_id = 'a'",
        "UPDATE connections SET status = 'unauthorized' WHERE customer_id = 'b'",
        "INSERT INTO connections SELECT 'b', 'https://two.service-now.com', version, status, value, NULL, x'00' FROM connections",
        "INSERT INTO connections SELECT 'nobody', instance_id, version, 'unregistered', value, NULL, NULL FROM connections",
        "INSERT INTO deliveries (id, customer_id, source, alert_id, version, status, value) SELECT '2', customer_id, source, alert_id, version, status, value FROM deliveries",
        "DELETE FROM accounts",
        "DELETE FROM instances",
        "INSERT INTO counter (id, version) VALUES (2, 0)",
    ] {
        let error = database.execute_batch(sql).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ConstraintViolation), "{sql}: {error}");
    }
}

#[tokio::test]
async fn the_lists_of_waiting_deliveries_and_registrations_use_their_indexes() {
    let folder = Folder::new();
    let (_, database) = schema::open(&folder.path("a.db"), Duration::from_secs(1)).unwrap();
    let plan = |sql: &str| -> String {
        let mut statement = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut lines = String::new();
        while let Some(row) = rows.next().unwrap() {
            lines.push_str(&row.get::<_, String>(3).unwrap());
            lines.push('\n');
        }
        lines
    };
    let waiting =
        DeliveryFilter { customer_id: None, statuses: vec![DeliveryStatus::Pending, DeliveryStatus::Unknown] };
    for sql in [
        read::deliveries_statement(&waiting).0,
        read::deliveries_statement(&DeliveryFilter { customer_id: Some(customer("a")), statuses: Vec::new() }).0,
        outbox::READY.to_owned(),
        outbox::PROMOTE.to_owned(),
        outbox::NEXT.to_owned(),
        forget::GROUPS.to_owned(),
        "SELECT value FROM revocations ORDER BY created_at, id LIMIT 1".to_owned(),
        "SELECT value FROM events WHERE customer_id = 'a' AND sequence > 5 ORDER BY sequence LIMIT 1".to_owned(),
        "SELECT value FROM connections WHERE (customer_id, instance_id) > ('a', 'b') ORDER BY customer_id, instance_id"
            .to_owned(),
    ] {
        let plan = plan(&sql);
        assert!(plan.contains("SEARCH") || plan.contains("SCAN revocations USING INDEX"), "{sql}: {plan}");
        assert!(!plan.contains("SCAN deliveries"), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

#[test]
fn the_words_in_the_columns_are_those_in_the_values() {
    use ConnectionStatus::{Registered, Unauthorized, Unregistered};
    use DeliveryStatus::{Dead, Delivered, Pending, Unknown};
    for status in [Registered, Unauthorized, Unregistered] {
        assert_eq!(serde_json::to_value(status).unwrap(), read::connection_word(status));
    }
    for status in [Dead, Delivered, Pending, Unknown] {
        assert_eq!(serde_json::to_value(status).unwrap(), read::delivery_word(status));
    }
}
