// Tests may stop at the first thing that is not as expected.
#![allow(clippy::unwrap_used)]

use std::{fs, sync::Arc};

use super::{PAGE, rotate};
use crate::{
    error::ErrorKind,
    model::ConnectionStatus,
    secret::Secret,
    store::{
        Binding, Change, KeyRing, MemoryStore, Put, SqliteStore, Store, contract::samples::*, sqlite::tests::Folder,
    },
};

const SECRET: &[u8] = b"correct horse battery staple";

/// More accounts than a page holds, each with a connection and a revocation, all sealed with the current key.
async fn fill(store: &dyn Store, ring: &KeyRing) -> u32 {
    let accounts = PAGE + 3;
    store.commit(vec![Change::Instance(new(instance("one")))]).await.unwrap();
    for number in 0..accounts {
        let name = format!("a{number}");
        let (customer, id) = (customer(&name), format!("r{number}"));
        let seal = |binding| Some(ring.seal(SECRET, binding).unwrap());
        let changes = vec![
            Change::Account(Put { sealed: seal(Binding::account(&customer)), ..new(account(&name)) }),
            Change::Connection(Put {
                sealed: seal(Binding::connection(&customer, &origin("one"))),
                ..new(connection(&name, "one", ConnectionStatus::Registered))
            }),
            Change::Revocation(Put {
                sealed: seal(Binding::revocation(&customer, &id)),
                ..new(revocation(&id, &name, 0))
            }),
        ];
        store.commit(changes).await.unwrap();
    }
    store.commit(vec![Change::Account(new(account("without-secret")))]).await.unwrap();
    accounts
}

/// Opens every row with this ring and checks that it is sealed with this key.
async fn check(store: &dyn Store, ring: &KeyRing, key_id: &str) {
    for row in store.accounts(None, 1000).await.unwrap() {
        let Some(sealed) = row.sealed else { continue };
        assert_eq!(sealed.key_id(), key_id);
        let binding = Binding::account(&row.value.customer_id);
        assert_eq!(ring.open(&sealed, binding).unwrap().as_slice(), SECRET);
        let connection = store.connection(&row.value.customer_id, &origin("one")).await.unwrap().unwrap();
        let sealed = connection.sealed.unwrap();
        assert_eq!(sealed.key_id(), key_id);
        let instance = origin("one");
        let binding = Binding::connection(&row.value.customer_id, &instance);
        assert_eq!(ring.open(&sealed, binding).unwrap().as_slice(), SECRET);
    }
    for row in store.revocations(None, 1000).await.unwrap() {
        let binding = Binding::revocation(&row.value.customer_id, &row.value.id);
        assert_eq!(ring.open(&row.sealed.unwrap(), binding).unwrap().as_slice(), SECRET);
    }
}

#[tokio::test]
async fn rotation_seals_every_row_again_and_forgets_keys_that_no_row_needs() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    let store = SqliteStore::open(&database).unwrap();
    let (ring, _) = KeyRing::beside(&database).unwrap();
    let first = ring.current_key_id();
    let accounts = fill(&store, &ring).await;

    let report = rotate(&store, &ring, None).await.unwrap();
    assert_eq!(report.resealed, i64::from(3 * accounts));
    assert_eq!((report.key_id.clone(), report.forgotten), (ring.current_key_id(), 0));
    assert_ne!(report.key_id, first);
    check(&store, &ring, &report.key_id).await;

    // The key of before stays for one more rotation, for those who are in the middle of something.
    let report = rotate(&store, &ring, None).await.unwrap();
    assert_eq!((report.resealed, report.forgotten), (i64::from(3 * accounts), 1));
    let (reopened, _) = KeyRing::beside(&database).unwrap();
    check(&store, &reopened, &report.key_id).await;
    assert_eq!(fs::read_to_string(folder.path("a.db.key")).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn given_keys_are_rotated_by_putting_the_new_one_first() {
    let store = MemoryStore::default();
    let old = Secret::from("00".repeat(32));
    let new = Secret::from("11".repeat(32));
    let ring = KeyRing::given(std::slice::from_ref(&old)).unwrap();
    let accounts = fill(&store, &ring).await;
    assert_eq!(rotate(&store, &ring, None).await.unwrap().resealed, 0, "nothing to do without a new key");
    let report = rotate(&store, &ring, Some(new.clone())).await.unwrap();
    assert_eq!(report.resealed, i64::from(3 * accounts));
    check(&store, &KeyRing::given(&[new]).unwrap(), &report.key_id).await;
    assert_eq!(rotate(&store, &ring, None).await.unwrap().resealed, 0);
}

/// A process that died at any step leaves rows of both keys; the next run finishes.
#[tokio::test]
async fn a_rotation_that_was_interrupted_is_finished_by_the_next() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    let store = SqliteStore::open(&database).unwrap();
    let (ring, _) = KeyRing::beside(&database).unwrap();
    let accounts = fill(&store, &ring).await;
    // Dies after the key was made current and a single row was sealed again.
    ring.advance(None).unwrap();
    let row = store.account(&customer("a5")).await.unwrap().unwrap();
    let sealed = ring.seal(SECRET, Binding::account(&customer("a5"))).unwrap();
    let put = Put { value: row.value, sealed: Some(sealed), replaces: Some(row.version) };
    store.commit(vec![Change::Account(put)]).await.unwrap();
    drop(ring);

    let (ring, _) = KeyRing::beside(&database).unwrap();
    let report = rotate(&store, &ring, None).await.unwrap();
    assert_eq!((report.resealed, report.forgotten), (i64::from(3 * accounts), 1), "no row needs the first key");
    check(&store, &ring, &report.key_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_and_changes_of_the_same_rows_do_not_lose_each_other() {
    let store = Arc::new(MemoryStore::default());
    let ring = Arc::new(KeyRing::ephemeral());
    fill(&*store, &ring).await;
    let changing = tokio::spawn({
        let (store, ring) = (Arc::clone(&store), Arc::clone(&ring));
        async move {
            let mut made = 0;
            while made < 500 {
                let name = format!("a{}", made % 5);
                let row = store.account(&customer(&name)).await.unwrap().unwrap();
                let count = row.value.client_id.parse::<u32>().unwrap() + 1;
                let value = crate::model::Account { client_id: count.to_string(), ..row.value };
                let sealed = ring.seal(SECRET, Binding::account(&customer(&name))).unwrap();
                let put = Put { value, sealed: Some(sealed), replaces: Some(row.version) };
                if store.commit(vec![Change::Account(put)]).await.is_ok() {
                    made += 1;
                }
            }
        }
    });
    for _ in 0..5 {
        rotate(&*store, &ring, None).await.unwrap();
    }
    changing.await.unwrap();
    let report = rotate(&*store, &ring, None).await.unwrap();
    check(&*store, &ring, &report.key_id).await;
    for number in 0..5 {
        let row = store.account(&customer(&format!("a{number}"))).await.unwrap().unwrap();
        assert_eq!(row.value.client_id, "100");
    }
}

#[tokio::test]
async fn a_row_that_does_not_open_is_told_and_does_not_stop_the_others() {
    let store = MemoryStore::default();
    let ring = KeyRing::ephemeral();
    fill(&store, &ring).await;
    // Sealed for another account: as if somebody had moved it.
    let moved = store.account(&customer("a1")).await.unwrap().unwrap().sealed;
    let row = store.account(&customer("a0")).await.unwrap().unwrap();
    store
        .commit(vec![Change::Account(Put { value: row.value, sealed: moved, replaces: Some(row.version) })])
        .await
        .unwrap();
    let error = rotate(&store, &ring, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Sealed);
    for row in store.accounts(None, 1000).await.unwrap() {
        let current = row.sealed.is_none_or(|sealed| sealed.key_id() == ring.current_key_id());
        assert_eq!(current, row.value.customer_id != customer("a0"));
    }
    // Its key is not forgotten as long as it is there.
    let error = rotate(&store, &ring, None).await.unwrap_err();
    assert!(error.message().contains("moved or altered"), "{error}");
}

#[tokio::test]
async fn a_copied_database_opens_nothing_and_shows_no_secret() {
    let folder = Folder::new();
    let database = folder.path("a.db");
    let store = SqliteStore::open(&database).unwrap();
    let (ring, _) = KeyRing::beside(&database).unwrap();
    fill(&store, &ring).await;
    let key = fs::read_to_string(folder.path("a.db.key")).unwrap();
    for name in ["a.db", "a.db-wal", "a.db-shm"] {
        let bytes = fs::read(folder.path(name)).unwrap();
        for secret in [SECRET, key.trim().as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret in {name}");
        }
        fs::create_dir_all(folder.path("copy")).unwrap();
        fs::copy(folder.path(name), folder.path("copy").join(name)).unwrap();
    }
    let database = folder.path("copy").join("a.db");
    let copy = SqliteStore::open(&database).unwrap();
    let (other, _) = KeyRing::beside(&database).unwrap();
    let rows = copy.accounts(None, 1000).await.unwrap();
    assert!(rows.len() > 1, "the copy is complete");
    for row in rows {
        let Some(sealed) = row.sealed else { continue };
        let error = other.open(&sealed, Binding::account(&row.value.customer_id)).unwrap_err();
        assert_eq!(error.context("key_id"), Some(ring.current_key_id().as_str()));
    }
}
