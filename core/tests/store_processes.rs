//! Several real processes on one SQLite file: nothing is lost, one registration wins, and a process that is
//! killed in the middle of its work takes nothing with it that was acknowledged.
//!
//! The test program starts itself again; [`the_other_process`] is where those processes work.

// Tests may stop at the first thing that is not as expected.
#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use itsm_adapter::{
    Account, Connection, CustomerId, Event, Instance, InstanceId,
    store::{Change, ConnectionFilter, Put, Refusal, SqliteStore, Store},
};
use serde_json::json;

/// What a started process is to do, and with which file.
const ROLE: &str = "STORE_TEST_ROLE";
const DATABASE: &str = "STORE_TEST_DATABASE";
const NUMBER: &str = "STORE_TEST_NUMBER";

const INCREMENTS: i64 = 150;
const KILLS: usize = 30;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("itsm-processes-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(role: &str, database: &Path, number: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--nocapture", "--test-threads", "1"])
        .env(ROLE, role)
        .env(DATABASE, database)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines that a process says to us, among those of the test program itself.
fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output.lines().map_while(Result::ok).filter_map(|line| line.split_once("said: ").map(|(_, word)| word.to_owned()))
}

/// Tells the process that started this one. The line is on its way when this returns.
fn say(word: impl std::fmt::Display) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\nsaid: {word}").unwrap();
    output.flush().unwrap();
}

const NOW: &str = "2026-01-01T00:00:00Z";

fn account(id: &str, count: i64) -> Account {
    serde_json::from_value(json!({
        "customer_id": id, "environment": "us", "name": null, "client_id": count.to_string(),
        "entitlement": null, "sites": [], "created_at": NOW, "updated_at": NOW,
    }))
    .unwrap()
}

fn origin(number: usize) -> String {
    format!("https://i{number}.service-now.com")
}

fn instance(number: usize) -> Instance {
    serde_json::from_value(json!({
        "id": origin(number), "name": null, "health": "unknown", "health_detail": null, "health_at": null,
        "connector_version": null, "created_at": NOW, "updated_at": NOW,
    }))
    .unwrap()
}

fn registration(account: &str, number: usize) -> Connection {
    serde_json::from_value(json!({
        "customer_id": account, "instance_id": origin(number), "instance_name": null, "status": "registered",
        "health": "unknown", "secure_client_id": "c", "endpoint": null, "grant": null, "last_test": null,
        "created_at": NOW, "updated_at": NOW,
    }))
    .unwrap()
}

fn event(message: &str) -> Event {
    serde_json::from_value(json!({
        "sequence": 0, "at": NOW, "kind": "progress", "customer_id": null, "instance_id": null,
        "message": message, "detail": {},
    }))
    .unwrap()
}

fn new<T>(value: T) -> Put<T> {
    Put { value, sealed: None, replaces: None }
}

async fn increment(store: &SqliteStore, id: &str) {
    let id = CustomerId::parse(id).unwrap();
    loop {
        let row = store.account(&id).await.unwrap().unwrap();
        let count: i64 = row.value.client_id.parse().unwrap();
        let put = Put { value: account(id.as_str(), count + 1), sealed: None, replaces: Some(row.version) };
        match store.commit(vec![Change::Account(put), Change::Event(event("one more"))]).await {
            Ok(_) => return,
            Err(Refusal::Conflict) => {}
            Err(other) => panic!("an increment was refused: {other:?}"),
        }
    }
}

/// Not a test of its own: what the started processes do. Without a role it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let number: usize = env::var(NUMBER).unwrap().parse().unwrap();
    let store = SqliteStore::open(env::var(DATABASE).unwrap()).unwrap();
    match role.as_str() {
        "open" => say("opened"),
        "work" => {
            for round in 0..INCREMENTS {
                increment(&store, "counter").await;
                let taken = format!("account-{round}");
                match store.commit(vec![Change::Connection(new(registration(&taken, number)))]).await {
                    Ok(_) => say(&taken),
                    Err(Refusal::Held { .. }) => {}
                    Err(other) => panic!("a registration was refused: {other:?}"),
                }
            }
        }
        "write until killed" => {
            for count in 0.. {
                let name = format!("k{number}-{count}");
                let changes = vec![
                    Change::Account(new(account(&name, count))),
                    Change::Event(event(&name)),
                    Change::Event(event(&"x".repeat(5000))),
                ];
                store.commit(changes).await.unwrap();
                say(&name);
            }
        }
        "fill a small disk" => {
            let long = "x".repeat(20_000);
            for count in 0..1000 {
                match store
                    .commit(vec![Change::Account(new(account(&format!("f{count}"), 0))), Change::Event(event(&long))])
                    .await
                {
                    Ok(_) => say(format!("f{count}")),
                    Err(Refusal::Failed(error)) => {
                        say(format!("error {error}"));
                        return;
                    }
                    Err(other) => panic!("a commit was refused: {other:?}"),
                }
            }
            say("no error");
        }
        other => panic!("no such role: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_no_change_and_register_each_account_once() {
    let folder = Folder::new();
    let database = folder.0.join("a.db");
    let store = SqliteStore::open(&database).unwrap();
    let mut changes = vec![Change::Account(new(account("counter", 0)))];
    changes.extend((0..INCREMENTS).map(|round| Change::Account(new(account(&format!("account-{round}"), 0)))));
    changes.extend((0..2).map(|number| Change::Instance(new(instance(number)))));
    store.commit(changes).await.unwrap();

    let mut children: Vec<_> = (0..2).map(|number| start("work", &database, number)).collect();
    let outputs: Vec<_> = children.iter_mut().map(said).collect();
    let readers: Vec<_> =
        outputs.into_iter().map(|output| std::thread::spawn(move || output.collect::<Vec<_>>())).collect();
    let won: Vec<Vec<String>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success(), "a process failed");
    }
    let counter = store.account(&CustomerId::parse("counter").unwrap()).await.unwrap().unwrap();
    assert_eq!(counter.value.client_id, (2 * INCREMENTS).to_string(), "no increment is lost");
    let held = store.connections(&ConnectionFilter::default(), None, 10_000).await.unwrap();
    assert_eq!(held.len(), usize::try_from(INCREMENTS).unwrap(), "every account is registered once");
    assert_eq!(won.iter().map(Vec::len).sum::<usize>(), held.len(), "each by exactly one process");
    for row in held {
        let winner = won.iter().position(|names| names.contains(&row.value.customer_id.to_string())).unwrap();
        assert_eq!(row.value.instance_id, InstanceId::parse(&origin(winner)).unwrap());
    }
    let events = store.events(None, 0, 10_000).await.unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=2 * INCREMENTS).collect::<Vec<_>>(), "events are numbered over both processes");
}

#[test]
fn processes_may_open_the_same_new_file_at_once() {
    for _ in 0..5 {
        let folder = Folder::new();
        let database = folder.0.join("a.db");
        let mut children: Vec<_> = (0..4).map(|number| start("open", &database, number)).collect();
        for child in &mut children {
            assert_eq!(said(child).collect::<Vec<_>>(), ["opened"]);
            assert!(child.wait().unwrap().success());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_takes_nothing_with_it_that_was_acknowledged() {
    let folder = Folder::new();
    let database = folder.0.join("a.db");
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let mut child = start("write until killed", &database, round);
        let mut output = said(&mut child);
        // Killed after a few commits, each time at another moment of the work that goes on meanwhile.
        acknowledged.extend(output.by_ref().take(1 + round * 7 % 13));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(output);
    }
    assert!(acknowledged.len() >= KILLS);
    let store = SqliteStore::open(&database).unwrap();
    let rows = store.accounts(None, 1_000_000).await.unwrap();
    let kept: std::collections::BTreeSet<String> = rows.iter().map(|row| row.value.customer_id.to_string()).collect();
    for name in &acknowledged {
        assert!(kept.contains(name), "{name} was acknowledged and is gone");
    }
    // At most one commit per process was made and not acknowledged any more.
    assert!(kept.len() <= acknowledged.len() + KILLS, "{} kept, {} acknowledged", kept.len(), acknowledged.len());
    // No commit is there by half: each account has its two events.
    let events = store.events(None, 0, 1_000_000).await.unwrap();
    assert_eq!(events.len(), 2 * kept.len());
    let named: std::collections::BTreeSet<String> = events.into_iter().step_by(2).map(|event| event.message).collect();
    assert_eq!(named, kept);
}

/// The limit on the size of a file stands for a full disk: the system refuses to write on.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_ends_is_an_error_and_keeps_what_was_acknowledged() {
    let folder = Folder::new();
    let database = folder.0.join("a.db");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "the_other_process", "--nocapture", "--test-threads", "1"])
        .env(ROLE, "fill a small disk")
        .env(DATABASE, &database)
        .env(NUMBER, "0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut words: Vec<String> = said(&mut child).collect();
    assert!(child.wait().unwrap().success(), "an error, not a crash");
    let error = words.pop().unwrap();
    assert!(error.starts_with("error store: The disk"), "{error}");
    assert!(words.len() > 5, "the limit came too early: {words:?}");
    let store = SqliteStore::open(&database).unwrap();
    assert_eq!(store.accounts(None, 10_000).await.unwrap().len(), words.len());
}

/// A folder without the right to write: the administrator of a Unix system has that right anyway, so there
/// the file is put where nobody may make one.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_may_not_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o500)).unwrap();
    let usual = folder.0.join("a.db");
    let path = if fs::write(folder.0.join("probe"), "").is_err() { usual } else { PathBuf::from("/proc/a.db") };
    let error = SqliteStore::open(path).unwrap_err();
    assert_eq!(error.kind(), itsm_adapter::ErrorKind::Store, "{error}");
    assert!(error.to_string().contains("may read and write"), "{error}");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).unwrap();
}
