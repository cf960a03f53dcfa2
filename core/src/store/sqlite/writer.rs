//! The thread that writes: everything that waits is committed together, with one disk flush.
//!
//! ```text
//! callers ──► queue ──► BEGIN IMMEDIATE
//!                        SAVEPOINT ─ commit 1 ─ RELEASE
//!                        SAVEPOINT ─ commit 2 ─ refused: ROLLBACK TO
//!                        SAVEPOINT ─ commit 3 ─ RELEASE
//!                       COMMIT (one flush) ──► then, and only then, all are answered
//! ```

use std::sync::Arc;

use rusqlite::Connection as Database;
use tokio::sync::{mpsc, oneshot};

use super::{error::failure, fork::Slot};
use crate::{
    error::{Error, ErrorKind},
    store::Refusal,
};

/// The most commits that share one flush: bounds how long the first of them waits.
const BATCH: usize = 256;

/// Something to do inside a savepoint, and whom to tell.
pub(super) struct Work<F, T> {
    pub(super) task: F,
    pub(super) reply: oneshot::Sender<Result<T, Refusal>>,
    /// Whether it must be on the disk before it is answered. What only binds processes of this machine need not be:
    /// they end with it.
    pub(super) durable: bool,
}

/// A [`Work`] of any type.
pub(super) struct Job(Box<dyn Step + Send>);

/// Tells the caller: what was answered, or that the whole batch failed.
type Tell = Box<dyn FnOnce(Option<&Error>)>;

trait Step {
    /// True when nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Whether the answer has to wait for the disk.
    fn durable(&self) -> bool;
    /// Does the work. The first part says whether its changes are to be kept, and if not, whether something failed.
    fn run(self: Box<Self>, database: &Database) -> (Result<(), Option<Error>>, Tell);
    /// Answers without having done anything.
    fn fail(self: Box<Self>, error: Error);
}

impl<F, T> Step for Work<F, T>
where
    F: FnOnce(&Database) -> Result<T, Refusal> + Send,
    T: Send + 'static,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn durable(&self) -> bool {
        self.durable
    }

    fn run(self: Box<Self>, database: &Database) -> (Result<(), Option<Error>>, Tell) {
        let Self { task, reply, .. } = *self;
        let answer = task(database);
        let keep = match &answer {
            Ok(_) => Ok(()),
            Err(Refusal::Failed(error)) => Err(Some(error.clone())),
            Err(_) => Err(None),
        };
        let tell = move |lost: Option<&Error>| {
            // When the batch is lost, a refusal may be untrue as well: its reason may have been lost with it.
            let answer = match (lost, answer) {
                (None, answer) | (Some(_), answer @ Err(Refusal::Failed(_))) => answer,
                (Some(error), _) => Err(Refusal::Failed(error.clone())),
            };
            let _ = reply.send(answer);
        };
        (keep, Box::new(tell))
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(Refusal::Failed(error)));
    }
}

impl Job {
    pub(super) fn new<F, T>(work: Work<F, T>) -> Self
    where
        F: FnOnce(&Database) -> Result<T, Refusal> + Send + 'static,
        T: Send + 'static,
    {
        Self(Box::new(work))
    }
}

/// The writer's life: batch after batch until the store is dropped.
pub(super) fn run(database: &Arc<Slot>, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut level = Level::Full;
    while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
        // Who gave up before the start has not changed anything.
        batch.retain(|job| !job.0.abandoned());
        if !batch.is_empty() {
            database.with_in_place(|database| commit_together(database, &mut batch, &mut level));
        }
    }
}

fn commit_together(database: Result<&Database, Error>, batch: &mut Vec<Job>, level: &mut Level) {
    let durable = batch.iter().any(|job| job.0.durable());
    let begun = database.and_then(|database| begin(database, durable, level).map(|()| database));
    let database = match begun {
        Ok(database) => database,
        Err(error) => {
            for job in batch.drain(..) {
                job.0.fail(error.clone());
            }
            return;
        }
    };
    let mut answers: Vec<Tell> = Vec::with_capacity(batch.len());
    let mut lost = None;
    let mut kept = false;
    for job in batch.drain(..) {
        if let Some(error) = &lost {
            job.0.fail(Error::clone(error));
            continue;
        }
        match step(database, job) {
            Ok((keep, tell)) => {
                kept |= keep;
                answers.push(tell);
            }
            Err((error, tell)) => {
                answers.extend(tell);
                lost = Some(error);
            }
        }
    }
    let end = if lost.is_none() && kept { "COMMIT" } else { "ROLLBACK" };
    if let Err(error) = execute(database, end) {
        lost.get_or_insert(error);
    }
    if !database.is_autocommit() {
        // A COMMIT that failed leaves the transaction open. Nothing of it was acknowledged: take it back.
        let _ = execute(database, "ROLLBACK");
    }
    for tell in answers {
        tell(lost.as_ref());
    }
}

/// How the next commit reaches the disk. A connection begins with `Full`, so one that was opened anew is never laxer than
/// what was set last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// With a flush.
    Full,
    /// Without one.
    Normal,
}

/// A later flush takes along what was written without one, so the order of commits stays whatever happens.
fn begin(database: &Database, durable: bool, level: &mut Level) -> Result<(), Error> {
    let wanted = if durable { Level::Full } else { Level::Normal };
    if wanted != *level {
        let word = if durable { "FULL" } else { "NORMAL" };
        database.pragma_update(None, "synchronous", word).map_err(failure)?;
        *level = wanted;
    }
    execute(database, "BEGIN IMMEDIATE")
}

/// Runs one job in its savepoint. An error means that the whole transaction is gone.
fn step(database: &Database, job: Job) -> Result<(bool, Tell), (Error, Option<Tell>)> {
    if let Err(error) = execute(database, "SAVEPOINT job") {
        job.0.fail(error.clone());
        return Err((error, None));
    }
    let (keep, tell) = job.0.run(database);
    if database.is_autocommit() {
        // SQLite itself rolls everything back when the disk is full or fails in the middle. All of the batch are told why.
        let error = keep.err().flatten().unwrap_or_else(|| {
            Error::new(ErrorKind::Store, "The disk failed while the changes were written.")
                .remedy("Check the disk and its free space, then try again.")
        });
        return Err((error, Some(tell)));
    }
    let keep = keep.is_ok();
    let ended = if keep {
        execute(database, "RELEASE job")
    } else {
        execute(database, "ROLLBACK TO job").and_then(|()| execute(database, "RELEASE job"))
    };
    match ended {
        Ok(()) => Ok((keep, tell)),
        Err(error) => Err((error, Some(tell))),
    }
}

fn execute(database: &Database, sql: &str) -> Result<(), Error> {
    database.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(failure)
}
