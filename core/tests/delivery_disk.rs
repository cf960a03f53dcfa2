//! A disk that is full, fails, is locked or may not be written, under a process that submits and a worker that delivers:
//! an error that says what to do, nothing acknowledged is lost, and all goes on by itself when the trouble ends.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Seek, SeekFrom, Write},
    process::Command,
    sync::Arc,
    time::Duration,
};

use itsm_adapter::{
    Alert, Client, ErrorKind, RunOptions, Worker,
    store::{SqliteStore, after_fork, before_fork},
};
use support::{
    ACME, DEV1, World, alert,
    child::{self, Other, Scene},
    clock::TestClock,
    delivering::INSERT,
    is, until,
};

/// Not a test of its own: submits one alert after the other and delivers them, until it is killed. It repeats what was
/// not accepted until it is, and says what came of every try.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((_, scene)) = child::part() else { return };
    let client = child::client(&scene).await;
    let _worker = client.alerts().run(options()).await.unwrap();
    for number in 0.. {
        while let Err(error) = client.alerts().submit(alert(ACME, &format!("a{number}"))).await {
            is(&error, ErrorKind::Store, "submit");
            child::say(format!("failed {} {}", error.info().message, error.info().remedy));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child::say(format!("taken {number}"));
    }
}

fn options() -> RunOptions {
    RunOptions { poll_interval_ms: Some(20), ..RunOptions::default() }
}

/// A process at work, and what it has said.
struct Work {
    other: Other,
    taken: usize,
}

impl Work {
    fn start(world: &World) -> Self {
        Self { other: Other::start_unstoppable("work", &Scene::of(world, 0)), taken: 0 }
    }

    /// Reads on until so many more were taken.
    fn takes(&mut self, more: usize) {
        let enough = self.taken + more;
        while self.taken < enough {
            self.next();
        }
    }

    /// Reads on until something fails, and gives the words back.
    fn fails(&mut self) -> String {
        loop {
            if let Some(words) = self.next() {
                return words;
            }
        }
    }

    fn next(&mut self) -> Option<String> {
        let said = self.other.next().unwrap();
        let (what, rest) = said.split_once(' ').unwrap();
        if what == "failed" {
            return Some(rest.to_owned());
        }
        assert_eq!(rest, self.taken.to_string());
        self.taken += 1;
        None
    }

    /// Kills it. Whoever comes next finds all that was taken, and makes one incident of each.
    async fn ends(mut self, world: &World) {
        self.other.kill();
        let (rest, _) = self.other.finish();
        self.taken += rest.iter().filter(|said| said.starts_with("taken")).count();
        let keys = delivered(world).await;
        // What was being accepted when it was killed may be there, or not.
        assert!(keys == self.taken || keys == self.taken + 1, "{keys} incidents of {} alerts", self.taken);
    }
}

/// Delivers what is left, later than any claim of those that are gone, and counts the incidents: one for each alert.
async fn delivered(world: &World) -> usize {
    let clock = TestClock::new(1);
    clock.advance(Duration::from_secs(60));
    let client = Client::builder().config(world.config()).clock(Arc::new(clock)).open().await.unwrap();
    let lag = client.alerts().drain(RunOptions::default()).await.unwrap();
    assert_eq!((lag.pending, lag.unknown, lag.dead), (0, 0, 0), "{lag:?}");
    let made = world.simulator.records(DEV1, "incident");
    let made: Vec<_> = made.iter().map(|row| &row["correlation_id"]).filter(|key| key.starts_with("citrix-")).collect();
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len(), "none is doubled");
    assert_eq!(usize::try_from(lag.delivered).unwrap(), made.len(), "{lag:?}");
    made.len()
}

/// A client with a worker in this process, over a store that can be laid hands on.
async fn at_work(world: &World) -> (Arc<SqliteStore>, Client, Worker) {
    let store = Arc::new(world.store());
    let builder = Client::builder().config(world.config()).store(Arc::<SqliteStore>::clone(&store));
    let client = builder.open().await.unwrap();
    let worker = client.alerts().run(options()).await.unwrap();
    (store, client, worker)
}

fn inserted(world: &World) -> usize {
    world.asked(INSERT).len()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_fail_are_errors_and_lose_nothing_that_was_acknowledged() {
    let world = World::new().await;
    world.registered(ACME).await;
    let mut work = Work::start(&world);
    for round in 0..5 {
        work.takes(20 + 7 * round);
        // From here on no file may be written beyond these bytes: the log least of all.
        limit(&work.other, "8192");
        let words = work.fails();
        assert!(words.contains("failed to read or write") && words.contains("Check the disk"), "{words}");
        let again = work.fails();
        assert_eq!(again, words, "as long as it lasts");
        limit(&work.other, "unlimited");
        let (before, made) = (work.taken, inserted(&world));
        work.takes(5);
        assert!(work.taken > before);
        until("the worker goes on", || inserted(&world) > made).await;
    }
    work.ends(&world).await;
}

#[cfg(target_os = "linux")]
fn limit(other: &Other, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    assert!(Command::new("prlimit").args(["--pid", &other.id().to_string(), &limit]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stays_locked_for_ten_seconds_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let world = World::new().await;
    world.registered(ACME).await;
    let mut work = Work::start(&world);
    work.takes(20);
    let stranger = rusqlite::Connection::open(world.database()).unwrap();
    stranger.busy_timeout(Duration::from_secs(5)).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let words = work.fails();
    assert!(words.contains("locked by another process") && words.contains("try again"), "{words}");
    stranger.execute_batch("COMMIT").unwrap();
    let made = inserted(&world);
    work.takes(20);
    until("the worker goes on", || inserted(&world) > made).await;
    work.ends(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (store, client, _worker) = at_work(&world).await;
    let mut taken = 0;
    for round in 0..3 {
        // No more than there is now.
        store.limit_pages(1).await.unwrap();
        let next = |number: usize| Alert { description: "x".repeat(20_000), ..alert(ACME, &format!("a{number}")) };
        let error = loop {
            match client.alerts().submit(next(taken)).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
            assert!(taken < 300 * (round + 1), "the limit must be reached");
        };
        is(&error, ErrorKind::Store, "full");
        assert!(error.message().contains("disk is full") && error.info().remedy.contains("Free space"), "{error:?}");
        assert!(error.is_retryable());
        assert!(client.alerts().get("nothing").await.is_err_and(|error| error.kind() == ErrorKind::NotFound), "reads");
        // It may share its commit with one of the worker's that finds no room, and fail with it.
        while store.limit_pages(u32::MAX).await.is_err() {
            tokio::task::yield_now().await;
        }
        client.alerts().submit(next(taken)).await.unwrap();
        taken += 1;
        until("the worker goes on", || world.asked(INSERT).len() >= taken).await;
    }
    assert_eq!(delivered(&world).await, taken);
}

/// By the rule of the file format: a database whose write version is unknown may be read, and not written.
fn write_version(world: &World, version: u8) {
    before_fork();
    let mut file = fs::File::options().read(true).write(true).open(world.database()).unwrap();
    let mut present = [0];
    file.seek(SeekFrom::Start(18)).unwrap();
    file.read_exact(&mut present).unwrap();
    assert_eq!(present, [if version == 2 { 3 } else { 2 }]);
    file.seek(SeekFrom::Start(18)).unwrap();
    file.write_all(&[version]).unwrap();
    drop(file);
    after_fork();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_not_be_written_is_an_error_and_loses_nothing_that_was_acknowledged() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (_store, client, _worker) = at_work(&world).await;
    for number in 0..10 {
        client.alerts().submit(alert(ACME, &format!("a{number}"))).await.unwrap();
    }
    write_version(&world, 3);
    for _ in 0..3 {
        let error = client.alerts().submit(alert(ACME, "later")).await.unwrap_err();
        is(&error, ErrorKind::Store, "read-only");
        assert!(error.message().contains("may not be written"), "{error:?}");
        assert!(error.info().remedy.contains("right to write"), "{error:?}");
    }
    assert_eq!(client.alerts().list(None, &[], None, None).await.unwrap().items.len(), 10, "reading goes on");
    let error = SqliteStore::open(world.database()).unwrap_err();
    assert!(error.kind() == ErrorKind::Store && error.message().contains("may not be written"), "{error:?}");
    write_version(&world, 2);
    client.alerts().submit(alert(ACME, "later")).await.unwrap();
    until("the worker goes on", || inserted(&world) >= 11).await;
    assert_eq!(delivered(&world).await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_moved_or_removed_under_a_process_take_no_acknowledged_alert_with_them() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (_store, client, _worker) = at_work(&world).await;
    let mut taken = 0;
    for name in ["adapter.db", "adapter.db-wal"] {
        client.alerts().submit(alert(ACME, &format!("before {name} goes"))).await.unwrap();
        let (here, there) = (world.folder.path().join(name), world.folder.path().join("elsewhere"));
        fs::rename(&here, &there).unwrap();
        // Also while another file lies in its place.
        for replaced in [false, true] {
            if replaced {
                fs::write(&here, "").unwrap();
            }
            let error = client.alerts().submit(alert(ACME, &format!("while {name} is gone"))).await.unwrap_err();
            is(&error, ErrorKind::Store, name);
            assert!(error.message().contains("moved or removed"), "{error:?}");
        }
        fs::rename(&there, &here).unwrap();
        client.alerts().submit(alert(ACME, &format!("while {name} is gone"))).await.unwrap();
        taken += 2;
        until("the worker goes on", || inserted(&world) >= taken).await;
    }
    assert_eq!(delivered(&world).await, taken);
}
