//! A write-ahead log that breaks off anywhere, or was damaged anywhere: whoever opens the file next finds whole commits in
//! their order, all that come before the damage, and can go on.

#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use itsm_adapter::{
    Client, RunOptions,
    store::{DeliveryFilter, SqliteStore, Store},
};
use support::{ACME, World, alert};

/// The head of the log, and of every page in it.
const LOG_HEAD: usize = 32;
const FRAME_HEAD: usize = 24;
const FRAME: usize = FRAME_HEAD + 4096;

/// A database as a process leaves it that is killed: all in the log that came after it was opened.
struct Left {
    world: World,
    database: Vec<u8>,
    log: Vec<u8>,
    memory: Vec<u8>,
    /// How long the log was when so many alerts were acknowledged.
    acknowledged: Vec<usize>,
}

impl Left {
    async fn new(alerts: usize) -> Self {
        let world = World::new().await;
        world.registered(ACME).await;
        let [database, log, memory] =
            ["adapter.db", "adapter.db-wal", "adapter.db-shm"].map(|name| world.folder.path().join(name));
        let length = || usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
        let mut acknowledged = vec![length()];
        for number in 0..alerts {
            world.client.alerts().submit(alert(ACME, &format!("a{number}"))).await.unwrap();
            acknowledged.push(length());
        }
        assert!(acknowledged.is_sorted_by(|a, b| a < b), "each in frames of its own");
        let [database, log, memory] = [database, log, memory].map(|path| fs::read(path).unwrap());
        Self { world, database, log, memory, acknowledged }
    }

    /// How many alerts were acknowledged when the log had this length.
    fn within(&self, length: usize) -> usize {
        self.acknowledged.iter().filter(|needed| **needed <= length).count().saturating_sub(1)
    }

    /// Where the log breaks: at every frame's beginning, in its head, after it, and in its page.
    fn breaks(&self) -> Vec<usize> {
        let first = self.acknowledged[0];
        let frames = (first - FRAME..self.log.len()).step_by(FRAME);
        frames.flat_map(|at| [at, at + 1, at + 8, at + FRAME_HEAD, at + FRAME_HEAD + 2048, at + FRAME - 1]).collect()
    }

    /// A copy whose log is this one, opened anew: so many alerts are there, and all fits together.
    async fn opened(
        &self,
        log: &[u8],
        with_memory: bool,
        expected: usize,
        about: &str,
    ) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter.db");
        fs::write(&path, &self.database).unwrap();
        fs::write(folder.path().join("adapter.db-wal"), log).unwrap();
        if with_memory {
            fs::write(folder.path().join("adapter.db-shm"), &self.memory).unwrap();
        }
        let store = SqliteStore::open(&path).unwrap_or_else(|error| panic!("{about}: {error:?}"));
        let rows = store.deliveries(&DeliveryFilter::default(), None, 1000).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.value.delivery.alert.id.clone()).collect();
        let first: Vec<_> = (0..expected).map(|number| format!("a{number}")).collect();
        assert_eq!(ids, first, "{about}");
        let counted: i64 = store.counts(None).await.unwrap().iter().map(|count| count.count).sum();
        assert_eq!(usize::try_from(counted).unwrap(), expected, "{about}");
        let closed = store.closed();
        drop(store);
        closed.await;
        assert_eq!(check(&path), "ok", "{about}");
        (folder, path)
    }
}

fn check(path: &Path) -> String {
    let database = rusqlite::Connection::open(path).unwrap();
    database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_breaks_off_anywhere_keeps_every_commit_before() {
    let left = Left::new(4).await;
    for (number, at) in left.breaks().into_iter().enumerate() {
        let about = format!("cut at {at} of {}", left.log.len());
        left.opened(&left.log[..at], number % 2 == 0, left.within(at), &about).await;
    }
    // What was being written when the power went: noise, or pages that were never finished.
    for tail in [vec![0; FRAME], vec![0xa5; 3 * FRAME + 77], left.log[LOG_HEAD..LOG_HEAD + 2 * FRAME].to_vec()] {
        let log = [left.log.as_slice(), &tail].concat();
        left.opened(&log, true, 4, "a tail that was never acknowledged").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_flipped_bit_keeps_every_commit_before_it() {
    let left = Left::new(4).await;
    for at in left.breaks() {
        let mut log = left.log.clone();
        let Some(byte) = log.get_mut(at) else { continue };
        *byte ^= 0x10;
        // Nothing of the frame that is damaged counts.
        let frame = LOG_HEAD + (at - LOG_HEAD) / FRAME * FRAME;
        left.opened(&log, true, left.within(frame), &format!("a bit at {at} flipped")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_after_a_torn_log() {
    let left = Left::new(5).await;
    let (third, fourth) = (left.acknowledged[3], left.acknowledged[4]);
    let torn = &left.log[..third + (fourth - third) / 2];
    let (_folder, path) = left.opened(torn, false, 3, "in the middle of the fourth").await;
    let mut config = left.world.config();
    config.store = itsm_adapter::StoreConfig::Sqlite { path: path.clone() };
    let client = Client::open(config).await.unwrap();
    // The fourth was never acknowledged then: whoever submitted it does so again.
    for number in 2..6 {
        client.alerts().submit(alert(ACME, &format!("a{number}"))).await.unwrap();
    }
    let lag = client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.delivered, lag.pending, lag.unknown, lag.dead), (6, 0, 0, 0), "{lag:?}");
    let made = left.world.simulator.records(support::DEV1, "incident");
    assert_eq!(made.iter().filter(|row| row["correlation_id"].starts_with("citrix-")).count(), 6);
    drop(client);
    assert_eq!(check(&path), "ok");
}
