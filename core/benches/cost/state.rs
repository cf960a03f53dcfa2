//! State on disk: committed changes against plain SQLite, and what ten thousand accounts weigh.

use std::time::Instant;

use chrono::Utc;
use itsm_adapter::{
    Account, Client, Config, Connection, ConnectionStatus, Instance, StoreConfig,
    store::{Change, Put, Sealed, SqliteStore, Store},
};

use crate::measure::{Pair, Row, resident_mb};

const COMMITS: usize = 400;

pub(crate) async fn commits() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("ours.db")).unwrap();
    seed(&store, 1).await;
    let plain = plain_database(&dir.path().join("theirs.db"));
    let pair = Pair::run(7, async || ours(&store).await, async || theirs(&plain)).await;
    Row::new("committed state changes, SQLite: rate", "rusqlite, the same rows")
        .aim("≥ 0.80")
        .spread(&pair.rates())
        .show();
}

/// One connection changed again and again: read, then write in place of what was read.
async fn ours(store: &SqliteStore) {
    let row = store.connections(&itsm_adapter::store::ConnectionFilter::default(), None, 1).await.unwrap().remove(0);
    let (value, mut version) = (row.value, row.version);
    for _ in 0..COMMITS {
        let put = Put { value: value.clone(), sealed: row.sealed.clone(), replaces: Some(version) };
        version = store.commit(vec![Change::Connection(put)]).await.unwrap().version;
    }
}

fn plain_database(path: &std::path::Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE connections (customer_id TEXT, instance_id TEXT, status TEXT, version INTEGER, data TEXT, sealed BLOB,
                 PRIMARY KEY (customer_id, instance_id));",
        )
        .unwrap();
    let connection = serde_json::to_string(&connection(0)).unwrap();
    database
        .execute(
            "INSERT INTO connections VALUES ('customer00000', 'https://i0.service-now.com', 'unregistered', 0, ?1, ?2)",
            rusqlite::params![connection, vec![7_u8; 600]],
        )
        .unwrap();
    database
}

fn theirs(database: &rusqlite::Connection) {
    let value = connection(0);
    for version in 0..i64::try_from(COMMITS).unwrap() {
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        database
            .prepare_cached(
                "UPDATE connections SET version = ?1, status = ?2, data = ?3, sealed = ?4
                 WHERE customer_id = 'customer00000' AND instance_id = 'https://i0.service-now.com'",
            )
            .unwrap()
            .execute(rusqlite::params![
                version,
                "unregistered",
                serde_json::to_string(&value).unwrap(),
                vec![7_u8; 600]
            ])
            .unwrap();
        database.execute_batch("COMMIT").unwrap();
    }
}

async fn seed(store: &SqliteStore, accounts: usize) {
    for chunk in (0..accounts).collect::<Vec<_>>().chunks(500) {
        let mut changes = Vec::new();
        for &n in chunk {
            let sealed = Some(Sealed::from_parts("0123456789abcdef".to_owned(), vec![7; 600]));
            changes.push(Change::Account(Put { value: account(n), sealed: sealed.clone(), replaces: None }));
            changes.push(Change::Instance(Put { value: instance(n), sealed: None, replaces: None }));
            changes.push(Change::Connection(Put { value: connection(n), sealed, replaces: None }));
        }
        store.commit(changes).await.unwrap();
    }
}

pub(crate) async fn many_accounts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("many.db");
    let store = SqliteStore::open(&path).unwrap();
    seed(&store, 10_000).await;
    drop(store);
    let before = resident_mb();
    let mut config = Config::default();
    config.store = StoreConfig::Sqlite { path };
    let client = Client::open(config).await.unwrap();
    let started = Instant::now();
    let (mut seen, mut after) = (0, None);
    loop {
        let page = client.connections().list(None, after.as_deref(), Some(1000)).await.unwrap();
        seen += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let ms = started.elapsed().as_millis();
    assert_eq!(seen, 10_000);
    let grown = resident_mb().saturating_sub(before);
    Row::new("10,000 accounts, one connection each", "")
        .text(&format!("listed in {ms} ms, {grown} MB more resident"))
        .show();
}

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn account(n: usize) -> Account {
    from(serde_json::json!({
        "customer_id": format!("customer{n:05}"), "environment": "us", "name": null, "client_id": "client",
        "entitlement": null, "sites": [], "created_at": Utc::now(), "updated_at": Utc::now()
    }))
}

fn instance(n: usize) -> Instance {
    from(serde_json::json!({
        "id": format!("https://i{n}.service-now.com"), "name": null, "health": "available", "health_detail": null,
        "health_at": null, "connector_version": null, "created_at": Utc::now(), "updated_at": Utc::now()
    }))
}

fn connection(n: usize) -> Connection {
    let connection: Connection = from(serde_json::json!({
        "customer_id": format!("customer{n:05}"), "instance_id": format!("https://i{n}.service-now.com"),
        "instance_name": null, "status": "unregistered", "health": "unknown", "secure_client_id": "client",
        "endpoint": null, "grant": null, "last_test": null, "created_at": Utc::now(), "updated_at": Utc::now()
    }));
    assert_eq!(connection.status, ConnectionStatus::Unregistered);
    connection
}
