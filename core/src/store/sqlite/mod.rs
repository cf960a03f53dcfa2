//! The default store: one SQLite file, used by any number of threads and processes of one machine.
//!
//! One thread writes and two read, each over its own connection, so that reading never waits for writing and
//! no SQLite call runs on a thread of the async runtime. The writer makes every commit that waits durable
//! with one disk flush ([`writer`]). The file holds no secret in the clear (T7).

mod busy;
mod count;
mod error;
mod forget;
mod fork;
mod outbox;
mod place;
mod read;
mod schema;
mod version;
mod write;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::Connection as Database;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::fork::{after_fork, before_fork};
use self::{
    fork::Slot,
    writer::{Job, Writing},
};
use super::{
    Arrival, Arrived, Change, Claim, Claimed, Committed, ConnectionFilter, DeliveryCount, DeliveryFilter,
    DeliveryGroup, DeliveryRecord, DeliveryStep, Lease, PendingFlow, PendingRevocation, Refusal, ResumePoint, Row,
    Store, Trace,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, DeliveryId, InstanceId},
    model::{Account, AccountPolicy, Connection, Event, Instance, ProbeReport},
};

/// How long to wait for another process that holds the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Threads that read.
const READERS: usize = 2;
/// Calls that may wait in a queue; further callers wait before it (T13).
const QUEUE: usize = 1024;

type Question = Box<dyn FnOnce(Result<&Database>) + Send>;

/// Keeps everything in one SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    writer: mpsc::Sender<Job>,
    readers: mpsc::Sender<Question>,
    /// Its sender is held by the writer, which ends last.
    ended: watch::Receiver<()>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, makes it when it does not exist, and brings its tables up to date. Any number of
    /// processes may do so at once. The file is readable by its owner only (on Unix).
    ///
    /// Blocks shortly; at most ten seconds while another process brings the tables up to date.
    ///
    /// # Errors
    /// `invalid_input` for a path that is no file's; `store` when the file cannot be opened, is not the
    /// adapter's, is damaged, was made by a newer version of this library, or stays locked; `illegal_state` after a fork
    /// that was not announced, see [`before_fork`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path.as_ref(), BUSY_TIMEOUT)
    }

    fn open_with(path: &Path, busy_timeout: Duration) -> Result<Self> {
        let _inside = fork::opening()?;
        let (path, writing) = schema::open(path, busy_timeout)?;
        let writing = Slot::new(writing, &path, busy_timeout, schema::connect);
        let (alive, ended) = watch::channel(());
        let (writer, jobs) = mpsc::channel(QUEUE);
        let (readers, questions) = mpsc::channel(QUEUE);
        let questions = Arc::new(Mutex::new(questions));
        let mut reading = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let database = schema::open_reader(&path, busy_timeout)?;
            let database = Slot::new(database, &path, busy_timeout, schema::open_reader);
            let questions = Arc::clone(&questions);
            reading.push(spawn("itsm-store-read", move || answer(&database, &questions))?);
        }
        spawn("itsm-store-write", move || {
            writer::run(&writing, jobs);
            // The readers end for the same reason. The last connection to go moves the log into the database;
            // when several go at once, none of them is the last.
            for reader in reading {
                let _ = reader.join();
            }
            drop(writing);
            drop(alive);
        })?;
        Ok(Self { path, writer, readers, ended })
    }

    /// Where the file is, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Completes when the store has been dropped and its connections are closed: from then on this process
    /// does not touch the file any more. Dropping the store never waits for that.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ended = self.ended.clone();
        // Nobody ever sends: the only thing that happens to this channel is that its sender goes away.
        async move { while ended.changed().await.is_ok() {} }
    }

    /// Lets SQLite believe that the disk ends after so many pages of 4 KiB, or where the file ends now if that is later:
    /// for tests of what a program does when the disk is full.
    ///
    /// # Errors
    /// `store`.
    #[cfg(any(test, feature = "testing"))]
    pub async fn limit_pages(&self, pages: u32) -> Result<()> {
        let limited = self.write(move |writing| {
            // Not a change of the file, so allowed inside the transaction.
            let sql = format!("PRAGMA max_page_count = {pages}");
            writing.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(error::failure)?;
            Ok(())
        });
        limited.await.map_err(failed)
    }

    /// Asks one of the readers.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |database| {
            if !reply.is_closed() {
                // The caller may have gone away in the meantime; then nobody wants the answer.
                let _ = reply.send(database.and_then(question));
            }
        });
        self.readers.send(question).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Gives work to the writer and waits until it is durable.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Writing<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.give(work, true).await
    }

    /// The same for claims and leases, which hold between the processes of this machine and end with it: no flush.
    async fn hold<T: Send + 'static>(
        &self,
        work: impl FnMut(&Writing<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T> {
        self.give(work, false).await.map_err(failed)
    }

    async fn give<T: Send + 'static>(
        &self,
        task: impl FnMut(&Writing<'_>) -> Result<T, Refusal> + Send + 'static,
        durable: bool,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::new(task, reply, durable)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// A reader's life: one question after the other until the store is dropped.
fn answer(database: &Arc<Slot>, questions: &Mutex<mpsc::Receiver<Question>>) {
    loop {
        // The lock is held while waiting: the other readers wait for the lock instead, which is the same.
        let question = questions.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match question {
            Some(question) => database.with(question),
            None => return,
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|error| {
        Error::new(ErrorKind::Store, "The store cannot start its threads.")
            .remedy("Allow this process more threads or memory.")
            .because(error)
    })
}

fn stopped() -> Error {
    Error::new(ErrorKind::Internal, "A thread of the store has ended before the store.")
}

/// What names no version is refused for no reason but the store's own failure.
fn failed(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Failed(error) => error,
        other => Error::new(ErrorKind::Internal, format!("The store refused what it always takes: {other:?}.")),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn account(&self, customer_id: &CustomerId) -> Result<Option<Row<Account>>> {
        let id = customer_id.clone();
        self.read(move |database| read::account(database, &id)).await
    }

    async fn accounts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Account>>> {
        let after = after.map(str::to_owned);
        self.read(move |database| read::accounts(database, after.as_deref(), limit)).await
    }

    async fn instance(&self, instance_id: &InstanceId) -> Result<Option<Row<Instance>>> {
        let id = instance_id.clone();
        self.read(move |database| read::instance(database, &id)).await
    }

    async fn instances(&self, after: Option<&str>, limit: u32) -> Result<Vec<Row<Instance>>> {
        let after = after.map(str::to_owned);
        self.read(move |database| read::instances(database, after.as_deref(), limit)).await
    }

    async fn connection(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<Connection>>> {
        let (customer, instance) = (customer_id.clone(), instance_id.clone());
        self.read(move |database| read::connection(database, &customer, &instance)).await
    }

    async fn connections(
        &self,
        filter: &ConnectionFilter,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Row<Connection>>> {
        let filter = filter.clone();
        let after = after.map(|(customer, instance)| (customer.to_owned(), instance.to_owned()));
        self.read(move |database| read::connections(database, &filter, after.as_ref(), limit)).await
    }

    async fn revocations(&self, customer_id: Option<&CustomerId>, limit: u32) -> Result<Vec<Row<PendingRevocation>>> {
        let id = customer_id.cloned();
        self.read(move |database| read::revocations(database, id.as_ref(), limit)).await
    }

    async fn flow(&self, id: &str) -> Result<Option<Row<PendingFlow>>> {
        let id = id.to_owned();
        self.read(move |database| read::flow(database, &id)).await
    }

    async fn flows(&self, limit: u32) -> Result<Vec<Row<PendingFlow>>> {
        self.read(move |database| read::flows(database, limit)).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Row<DeliveryRecord>>> {
        let id = id.clone();
        self.read(move |database| read::delivery(database, &id)).await
    }

    async fn delivery_of(
        &self,
        customer_id: &CustomerId,
        source: &str,
        alert_id: &str,
    ) -> Result<Option<Row<DeliveryRecord>>> {
        let (customer, source, alert) = (customer_id.clone(), source.to_owned(), alert_id.to_owned());
        self.read(move |database| read::delivery_of(database, &customer, &source, &alert)).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Row<DeliveryRecord>>> {
        let (filter, after) = (filter.clone(), after.map(str::to_owned));
        self.read(move |database| read::deliveries(database, &filter, after.as_deref(), limit)).await
    }

    async fn accept(&self, arrivals: Vec<Arrival>) -> Result<Vec<Arrived>> {
        self.write(move |writing| outbox::accept(writing, &arrivals)).await.map_err(failed)
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>> {
        self.hold(move |writing| outbox::claim(writing, &claim)).await
    }

    async fn give_back(&self, id: &DeliveryId, owner: &str) -> Result<()> {
        let (id, owner) = (id.clone(), owner.to_owned());
        self.hold(move |writing| outbox::give_back(writing, &id, &owner)).await
    }

    async fn last_step(&self, id: &DeliveryId) -> Result<Option<DeliveryStep>> {
        let id = id.clone();
        self.read(move |database| outbox::last_step(database, &id)).await
    }

    async fn group(&self, customer_id: &CustomerId, key: &str) -> Result<Option<(Row<DeliveryGroup>, i64)>> {
        let (id, key) = (customer_id.clone(), key.to_owned());
        self.read(move |database| outbox::group(database, &id, &key)).await
    }

    async fn trace(&self, key: &str) -> Result<Option<Trace>> {
        let key = key.to_owned();
        self.read(move |database| forget::trace(database, &key)).await
    }

    async fn has_open_group(&self, customer_id: &CustomerId, parent: &DeliveryId, now: DateTime<Utc>) -> Result<bool> {
        let (customer, parent) = (customer_id.clone(), parent.clone());
        self.read(move |database| forget::has_open_group(database, &customer, &parent, now)).await
    }

    async fn due(&self, customers: &[CustomerId], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let customers = customers.to_vec();
        self.read(move |database| outbox::due(database, &customers, now)).await
    }

    async fn busy(&self, now: DateTime<Utc>) -> Result<Vec<CustomerId>> {
        self.read(move |database| busy::busy(database, now.timestamp_micros())).await
    }

    async fn counts(&self, customer_id: Option<&CustomerId>) -> Result<Vec<DeliveryCount>> {
        let id = customer_id.cloned();
        self.read(move |database| count::counts(database, id.as_ref())).await
    }

    async fn policy(&self, customer_id: &CustomerId) -> Result<Option<Row<AccountPolicy>>> {
        let id = customer_id.clone();
        self.read(move |database| read::policy(database, &id)).await
    }

    async fn resume_point(&self, customer_id: &CustomerId, source: &str) -> Result<Option<Row<ResumePoint>>> {
        let (id, source) = (customer_id.clone(), source.to_owned());
        self.read(move |database| read::resume_point(database, &id, &source)).await
    }

    async fn probe(&self, customer_id: &CustomerId, instance_id: &InstanceId) -> Result<Option<Row<ProbeReport>>> {
        let (customer, instance) = (customer_id.clone(), instance_id.clone());
        self.read(move |database| read::probe(database, &customer, &instance)).await
    }

    async fn events(&self, customer_id: Option<&CustomerId>, after: i64, limit: u32) -> Result<Vec<Event>> {
        let id = customer_id.cloned();
        self.read(move |database| read::events(database, id.as_ref(), after, limit)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Committed, Refusal> {
        self.write(move |writing| write::commit(writing, &changes)).await
    }

    async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Lease>> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.hold(move |writing| write::acquire(writing, &name, &owner, now, until)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.hold(move |writing| write::release(writing, &lease)).await
    }
}

#[cfg(test)]
pub(crate) mod tests;
