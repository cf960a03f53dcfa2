//! The thread that writes: everything that waits is committed together, with one disk flush.
//!
//! ```text
//! callers ──► queue ──► BEGIN IMMEDIATE
//!                        commit 1 ─ commit 2 ─ commit 3
//!                       COMMIT (one flush) ──► then, and only then, all are answered
//! ```
//!
//! A commit that is refused half-way must leave nothing behind, and hardly any is. So the first run keeps no way back;
//! when one is needed, everything is rolled back and run once more, each commit in a savepoint of its own.

use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    sync::Arc,
};

use rusqlite::Connection as Database;
use tokio::sync::{mpsc, oneshot};

use super::{
    count::Counts,
    error::failure,
    fork::{Opened, Slot},
    schema::check_unchanged,
    version::Versions,
};
use crate::{
    error::{Error, ErrorKind},
    store::Refusal,
};

/// The most commits that share one flush: bounds how long the first of them waits.
const BATCH: usize = 256;

/// The transaction of one batch. Everything that a commit writes goes through it.
pub(super) struct Writing<'a> {
    opened: &'a Opened,
    versions: Cell<Versions>,
    counts: RefCell<Counts>,
}

impl Deref for Writing<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.opened.database
    }
}

impl<'a> Writing<'a> {
    fn begin(opened: &'a Opened) -> Result<Self, Error> {
        execute(&opened.database, "BEGIN IMMEDIATE")?;
        check_unchanged(&opened.database)?;
        Ok(Self { opened, versions: opened.versions.clone(), counts: RefCell::default() })
    }

    /// A version that no row had before.
    pub(super) fn next_version(&self) -> Result<i64, Error> {
        let mut versions = self.versions.get();
        let version = versions.take(self)?;
        self.versions.set(versions);
        Ok(version)
    }

    /// Notes that so many deliveries more (or fewer) stand there.
    pub(super) fn count(&self, customer: &str, instance: &str, status: &str, by: i64) {
        self.counts.borrow_mut().add(customer, instance, status, by);
    }

    fn commit(&self) -> Result<(), Error> {
        self.counts.borrow().write(self)?;
        execute(self, "COMMIT")?;
        self.opened.versions.set(self.versions.get());
        Ok(())
    }

    /// Runs one job. An error means that the whole transaction is gone.
    fn run(&self, job: &mut Job) -> Result<Ran, Error> {
        let before = self.total_changes();
        let Err(failed) = job.0.run(self) else { return Ok(Ran::Kept) };
        if self.is_autocommit() {
            // SQLite itself rolls everything back when the disk is full or fails in the middle. All of the batch are
            // told why.
            return Err(failed.unwrap_or_else(|| {
                Error::new(ErrorKind::Store, "The disk failed while the changes were written.")
                    .remedy("Check the disk and its free space, then try again.")
            }));
        }
        Ok(if self.total_changes() == before { Ran::Empty } else { Ran::HalfWay })
    }

    fn run_in_savepoint(&self, job: &mut Job) -> Result<Ran, Error> {
        execute(self, "SAVEPOINT job")?;
        let (versions, counts) = (self.versions.get(), self.counts.borrow().clone());
        let ran = self.run(job)?;
        if ran == Ran::HalfWay {
            execute(self, "ROLLBACK TO job")?;
            self.versions.set(versions);
            self.counts.replace(counts);
        }
        execute(self, "RELEASE job")?;
        Ok(ran)
    }
}

/// What a job left in the transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ran {
    /// Its changes.
    Kept,
    /// It was refused before it changed anything.
    Empty,
    /// It was refused after it had changed something.
    HalfWay,
}

/// Something to do inside the transaction, and whom to tell.
pub(super) struct Work<F, T> {
    task: F,
    reply: oneshot::Sender<Result<T, Refusal>>,
    durable: bool,
    answer: Option<Result<T, Refusal>>,
}

/// A [`Work`] of any type.
pub(super) struct Job(Box<dyn Step + Send>);

trait Step {
    /// True when nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Whether the answer has to wait for the disk.
    fn durable(&self) -> bool;
    /// Does the work, and keeps its answer. An error says that its changes are not to be kept, and whether something
    /// failed. It may be run again when they were taken back.
    fn run(&mut self, writing: &Writing<'_>) -> Result<(), Option<Error>>;
    /// Tells the answer, or that the whole batch is lost.
    fn tell(self: Box<Self>, lost: Option<&Error>);
}

impl<F, T> Step for Work<F, T>
where
    F: FnMut(&Writing<'_>) -> Result<T, Refusal> + Send,
    T: Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn durable(&self) -> bool {
        self.durable
    }

    fn run(&mut self, writing: &Writing<'_>) -> Result<(), Option<Error>> {
        match self.answer.insert((self.task)(writing)) {
            Ok(_) => Ok(()),
            Err(Refusal::Failed(error)) => Err(Some(error.clone())),
            Err(_) => Err(None),
        }
    }

    fn tell(self: Box<Self>, lost: Option<&Error>) {
        let Self { task, reply, answer, .. } = *self;
        // What it holds, whoever is told may want for itself.
        drop(task);
        // When the batch is lost, a refusal may be untrue as well: its reason may have been lost with it.
        let answer = match (lost, answer) {
            (_, Some(failed @ Err(Refusal::Failed(_)))) | (None, Some(failed)) => failed,
            (Some(error), _) => Err(Refusal::Failed(error.clone())),
            (None, None) => Err(Refusal::Failed(Error::new(ErrorKind::Internal, "A change was not run."))),
        };
        let _ = reply.send(answer);
    }
}

impl Job {
    /// `durable`: whether it must be on the disk before it is answered. What only binds processes of this machine need
    /// not be: they end with it.
    pub(super) fn new<F, T>(task: F, reply: oneshot::Sender<Result<T, Refusal>>, durable: bool) -> Self
    where
        F: FnMut(&Writing<'_>) -> Result<T, Refusal> + Send + 'static,
        T: Send + 'static,
    {
        Self(Box::new(Work { task, reply, durable, answer: None }))
    }
}

/// The writer's life: batch after batch until the store is dropped.
pub(super) fn run(slot: &Arc<Slot>, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut level = Level::Full;
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        // Whoever is about to write more gets a chance to come along.
        std::thread::yield_now();
        while batch.len() < BATCH
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        // Who gave up before the start has not changed anything.
        batch.retain(|job| !job.0.abandoned());
        if batch.is_empty() {
            continue;
        }
        let durable = batch.iter().any(|job| job.0.durable());
        let lost = slot.with_in_place(|opened| {
            let opened = opened?;
            level.set(&opened.database, durable)?;
            let outcome = commit_together(opened, &mut batch);
            if !opened.database.is_autocommit() {
                // Nothing of it was acknowledged: take it back.
                let _ = execute(&opened.database, "ROLLBACK");
            }
            outcome
        });
        for job in batch.drain(..) {
            job.0.tell(lost.as_ref().err());
        }
    }
}

/// An error means that nothing of the batch is kept; the transaction may still be open.
fn commit_together(opened: &Opened, batch: &mut [Job]) -> Result<(), Error> {
    let mut writing = Writing::begin(opened)?;
    let mut kept = false;
    let mut from_start = false;
    for job in batch.iter_mut() {
        match writing.run(job)? {
            Ran::HalfWay => {
                from_start = true;
                break;
            }
            ran => kept |= ran == Ran::Kept,
        }
    }
    if from_start {
        execute(&writing, "ROLLBACK")?;
        writing = Writing::begin(opened)?;
        kept = false;
        for job in batch {
            kept |= writing.run_in_savepoint(job)? == Ran::Kept;
        }
    }
    if kept { writing.commit() } else { execute(&writing, "ROLLBACK") }
}

/// How the next commit reaches the disk. A connection begins with `Full`, so one that was opened anew is never laxer than
/// what was set last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// With a flush.
    Full,
    /// Without one. A later flush takes along what was written before it, so the order of commits stays.
    Normal,
}

impl Level {
    fn set(&mut self, database: &Database, durable: bool) -> Result<(), Error> {
        let wanted = if durable { Self::Full } else { Self::Normal };
        if wanted != *self {
            let word = if durable { "FULL" } else { "NORMAL" };
            database.pragma_update(None, "synchronous", word).map_err(failure)?;
            *self = wanted;
        }
        Ok(())
    }
}

fn execute(database: &Database, sql: &str) -> Result<(), Error> {
    database.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(failure)
}
