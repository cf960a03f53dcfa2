//! The worker: one lane per instance, as registrations come and go.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
};

use super::{
    Courier, Ring,
    daily::Daily,
    lane::Lane,
    lanes::{Customers, Lanes},
};
use crate::{
    bounds::within,
    config::Retention,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{ConnectionStatus, RunOptions},
    store::ConnectionFilter,
};

/// Connections that are read at a time.
const PAGE: u32 = 1000;
/// How long what other processes change in registrations may go unnoticed.
const REGISTRATIONS: Duration = Duration::from_secs(5);

/// A worker at work, until [`Worker::stop`], or until its client is closed. Letting go of it changes nothing: it works
/// on, and keeps its client open.
pub struct Worker {
    stop: watch::Sender<bool>,
    end: Shared<BoxFuture<'static, Result<()>>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

impl Worker {
    /// Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
    /// (`total_timeout_ms`). What could not be finished is given back and waits for the next worker. It stops also when
    /// nobody waits for the future. Stopping twice is allowed.
    ///
    /// # Errors
    /// `internal` when the worker ended in a panic.
    pub fn stop(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        self.stop.send_replace(true);
        self.ended()
    }

    /// Returns when the worker has ended: after [`Worker::stop`], or when the client was closed. Any number may wait
    /// for it.
    ///
    /// # Errors
    /// As [`Worker::stop`].
    pub fn ended(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        self.end.clone()
    }
}

/// What a worker needs.
pub(crate) struct Crew {
    courier: Courier,
    bell: broadcast::Receiver<Ring>,
    customers: Option<Vec<CustomerId>>,
    concurrency: usize,
    together: usize,
    budget: i32,
    poll: Duration,
    give_up: Option<Duration>,
    probe: bool,
    retention: Retention,
}

impl Crew {
    /// `probe`: whether a worker probes its registrations daily; `retention`: what it removes daily.
    ///
    /// # Errors
    /// `invalid_input` for options out of bounds.
    pub(crate) fn new(
        courier: Courier,
        bell: broadcast::Receiver<Ring>,
        options: &RunOptions,
        probe: bool,
        retention: Retention,
    ) -> Result<Self> {
        let customers = options.customer_ids.as_ref();
        Ok(Self {
            courier: Courier { tokens: courier.tokens.hurried(), ..courier },
            bell,
            customers: customers.map(|ids| ids.iter().map(|id| CustomerId::parse(id)).collect()).transpose()?,
            concurrency: within("concurrency", options.concurrency, 16, 256)? as usize,
            together: within("batch_size", options.batch_size, 1, 100)? as usize,
            budget: i32::try_from(within("max_attempts", options.max_attempts, 10, 1000)?).unwrap_or(i32::MAX),
            poll: Duration::from_millis(within("poll_interval_ms", options.poll_interval_ms, 500, 3_600_000)?.into()),
            give_up: options.give_up_after_ms.map(|ms| Duration::from_millis(ms.into())),
            probe,
            retention,
        })
    }

    /// Starts to work until it is stopped, or `closed` becomes true; `held` until then.
    pub(crate) fn start(self, closed: watch::Receiver<bool>, held: impl Send + 'static) -> Worker {
        let (stop, stopped) = watch::channel(false);
        let work = tokio::spawn(async move {
            let _held = held;
            self.run(stopped, closed, false).await
        });
        let end = work.map(|ended| {
            ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "The worker ended in a panic.")))
        });
        Worker { stop, end: end.boxed().shared() }
    }

    /// Works until there is nothing left to do for the registered accounts.
    pub(crate) async fn drain(self, closed: watch::Receiver<bool>) -> Result<()> {
        let (_stop, stopped) = watch::channel(false);
        self.run(stopped, closed, true).await
    }

    async fn run(
        mut self,
        mut stop: watch::Receiver<bool>,
        mut closed: watch::Receiver<bool>,
        until_empty: bool,
    ) -> Result<()> {
        let (ending, end) = watch::channel(false);
        let clock = Arc::clone(&self.courier.chance.clock);
        let mut lanes = Lanes::default();
        let mut running = JoinSet::new();
        let mut outcome = Ok(());
        let mut daily = Daily::new(self.courier.clone(), self.probe, self.retention.clone());
        let (mut read_at, mut look_at) = (clock.elapsed(), clock.elapsed() + self.poll);
        loop {
            if clock.elapsed() >= read_at {
                match self.registered().await {
                    Ok(registered) => {
                        daily.look(&registered);
                        lanes.follow(registered, until_empty, |instance, customers, bell| {
                            running.spawn(self.lane(instance, customers, bell, end.clone(), until_empty).run());
                        });
                    }
                    Err(error) if until_empty => {
                        outcome = Err(error);
                        break;
                    }
                    Err(error) => tracing::warn!(error = %error, "the registrations cannot be read"),
                }
                read_at = clock.elapsed() + self.poll.max(REGISTRATIONS);
            }
            if until_empty && running.is_empty() {
                break;
            }
            let woken = tokio::select! {
                biased;
                // Whoever lets go of a worker does not stop it.
                Ok(_) = stop.wait_for(|stop| *stop) => break,
                _ = closed.wait_for(|closed| *closed) => break,
                Some(_) = running.join_next(), if until_empty => Woken::Ended,
                Some(ring) = hear(&mut self.bell) => Woken::Rung(ring),
                () = clock.sleep(look_at.saturating_sub(clock.elapsed())) => Woken::Look,
            };
            match woken {
                Woken::Ended => {}
                Woken::Rung(Some(Ring::Accepted(customer))) => lanes.ring(&customer),
                Woken::Rung(Some(Ring::Registered)) => read_at = clock.elapsed(),
                Woken::Rung(None) => (read_at, look_at) = (clock.elapsed(), clock.elapsed()),
                Woken::Look => {
                    match self.courier.store.busy(self.courier.chance.now()).await {
                        Ok(busy) => busy.iter().for_each(|customer| lanes.ring(customer)),
                        Err(error) => tracing::warn!(error = %error, "the outbox cannot be read"),
                    }
                    look_at = clock.elapsed() + self.poll;
                }
            }
            while running.try_join_next().is_some() {}
        }
        ending.send_replace(true);
        while running.join_next().await.is_some() {}
        daily.end().await;
        outcome
    }

    fn lane(
        &self,
        instance: InstanceId,
        customers: watch::Receiver<Customers>,
        bell: watch::Receiver<()>,
        stop: watch::Receiver<bool>,
        until_empty: bool,
    ) -> Lane {
        Lane {
            courier: self.courier.clone(),
            instance,
            customers,
            bell,
            stop,
            concurrency: self.concurrency,
            together: self.together,
            budget: self.budget,
            poll: self.poll,
            until_empty,
            give_up: self.give_up.filter(|_| until_empty),
        }
    }

    /// The accounts to work for, by the instance they are registered with.
    async fn registered(&self) -> Result<BTreeMap<InstanceId, Vec<CustomerId>>> {
        let filter = ConnectionFilter { statuses: vec![ConnectionStatus::Registered], ..ConnectionFilter::default() };
        let mut by_instance: BTreeMap<InstanceId, Vec<CustomerId>> = BTreeMap::new();
        let mut after: Option<(String, String)> = None;
        loop {
            let from = after.as_ref().map(|(customer, instance)| (customer.as_str(), instance.as_str()));
            let rows = self.courier.store.connections(&filter, from, PAGE).await?;
            after = rows.last().map(|row| (row.value.customer_id.to_string(), row.value.instance_id.to_string()));
            let is_last = rows.len() < PAGE as usize;
            for row in rows {
                let customer = row.value.customer_id;
                if self.customers.as_ref().is_none_or(|own| own.contains(&customer)) {
                    by_instance.entry(row.value.instance_id).or_default().push(customer);
                }
            }
            if is_last {
                return Ok(by_instance);
            }
        }
    }
}

/// Why a worker looks up.
enum Woken {
    /// A lane has ended.
    Ended,
    /// Something has happened in this process; none: more than was heard of.
    Rung(Option<Ring>),
    /// It is time to look what other processes have accepted or given back.
    Look,
}

/// The next ring; none inside when some were missed. When nobody can ring any more, nothing comes.
async fn hear(bell: &mut broadcast::Receiver<Ring>) -> Option<Option<Ring>> {
    match bell.recv().await {
        Ok(ring) => Some(Some(ring)),
        Err(broadcast::error::RecvError::Lagged(_)) => Some(None),
        Err(broadcast::error::RecvError::Closed) => None,
    }
}
