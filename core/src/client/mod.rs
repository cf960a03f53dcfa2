//! The client: one object that holds the store, the keys, the tokens and the way out.

mod accounts;
mod alerts;
mod authorizations;
mod builder;
mod connections;
mod desk;
mod events;
mod granting;
mod instances;
mod pages;
mod policies;
mod records;
mod registrations;
mod revocations;
mod rotation;
mod sources;
mod sweep;
mod webhooks;

use std::{
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
};

use futures_util::FutureExt;
use tokio::sync::{Notify, watch};
use tracing::Instrument;

pub use self::{
    accounts::Accounts,
    alerts::Alerts,
    builder::ClientBuilder,
    connections::Connections,
    events::Events,
    instances::Instances,
    pages::{JsonPages, Pages},
    policies::Policies,
    records::{JsonPage, Record, RecordPage, Records},
    registrations::Registrations,
    sources::Sources,
    webhooks::Webhooks,
};
use crate::{
    api::{citrix::CitrixCloud, servicenow::ServiceNow},
    bounds::within,
    clock::Chance,
    config::{Config, StoreConfig},
    delivery::{Bell, Choices, Controls, Learned, PolicyBook, Sights},
    desk::{Desk, OpenBrowser},
    error::{Error, ErrorKind, Result},
    event::{Observer, Observers, Subscription},
    id::{CustomerId, InstanceId},
    model::{Event, EventKind, RotationReport},
    oauth::Tokens,
    recent::Recent,
    registration::Driver,
    store::{KeyRing, Store},
};

/// Page size of lists when none is asked for.
const PAGE: u32 = 100;
/// Largest page of a list.
const LARGEST_PAGE: u32 = 1000;

/// The adapter. Cheap to clone; all clones are one client, over one store.
///
/// Open it inside a tokio runtime and use it from any task. See the crate's first page for an example.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    chance: Chance,
    store: Arc<dyn Store>,
    ring: Arc<KeyRing>,
    observers: Observers,
    citrix: CitrixCloud,
    servicenow: ServiceNow,
    driver: Driver,
    tokens: Tokens,
    policies: PolicyBook,
    learned: Learned,
    holders: Recent<CustomerId, InstanceId>,
    desk: Desk,
    browser: Arc<dyn OpenBrowser>,
    choices: Choices,
    sights: Sights,
    controls: Controls,
    bell: Bell,
    /// True after the end.
    ended: watch::Sender<bool>,
    closed: AtomicBool,
    closing: Notify,
}

impl Client {
    /// Opens a client with these settings; nothing is sent to anybody.
    ///
    /// # Errors
    /// As [`ClientBuilder::open`].
    pub async fn open(config: Config) -> Result<Self> {
        Self::builder().config(config).open().await
    }

    /// Opens a client with the settings of the environment, see [`Config::from_env`].
    ///
    /// # Errors
    /// As [`ClientBuilder::open`].
    pub async fn from_env() -> Result<Self> {
        Self::open(Config::from_env()?).await
    }

    /// Opens another client with the same settings over the same store: for a process that was forked from this
    /// client's, where its connections and threads do not exist. Observers and parts of your own are not taken along.
    ///
    /// # Errors
    /// `illegal_state` when this client is closed, or keeps its state in memory; else as [`ClientBuilder::open`].
    pub async fn reopen(&self) -> Result<Self> {
        let refuse = |why: &str, remedy: &str| Err(Error::new(ErrorKind::IllegalState, why).remedy(remedy));
        if self.is_closed() {
            return refuse("The client is closed.", "Open a new client.");
        }
        if self.0.config.store == StoreConfig::Memory {
            return refuse(
                "The client keeps its state in memory, which another process cannot share.",
                "Keep the state in a file, or open a client of its own in each process.",
            );
        }
        Self::open(self.0.config.clone()).await
    }

    /// For parts of your own: store, network, clock.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Citrix Cloud accounts: add, update, get, list, test, entitlement, remove.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(&self.0)
    }

    /// ServiceNow instances as the adapter knows them.
    pub fn instances(&self) -> Instances<'_> {
        Instances(&self.0)
    }

    /// Connections of accounts with instances: the Manage list.
    pub fn connections(&self) -> Connections<'_> {
        Connections(&self.0)
    }

    /// Registrations: the OAuth side of a connection.
    pub fn registrations(&self) -> Registrations<'_> {
        Registrations(&self.0)
    }

    /// Alerts on their way to incidents.
    pub fn alerts(&self) -> Alerts<'_> {
        Alerts(&self.0)
    }

    /// Sources that alerts are fetched from: Monitor, and the notifications of Citrix Cloud.
    pub fn sources(&self) -> Sources<'_> {
        Sources(&self.0)
    }

    /// Webhook subscriptions at Citrix Cloud.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(&self.0)
    }

    /// Policies: which alert becomes which incident.
    pub fn policies(&self) -> Policies<'_> {
        Policies(&self.0)
    }

    /// The event log.
    pub fn events(&self) -> Events<'_> {
        Events(&self.0)
    }

    /// Records of the instance that an account is registered with (Table API).
    pub fn records(&self) -> Records<'_> {
        Records(&self.0)
    }

    /// Tells this observer every event from now on; the number takes it off again.
    pub fn observe(&self, observer: Arc<dyn Observer>) -> u64 {
        self.0.observers.add(observer)
    }

    /// Takes an observer off.
    pub fn unobserve(&self, id: u64) {
        self.0.observers.remove(id);
    }

    /// Events from now on, to be waited for one by one; see [`Subscription::next`].
    pub fn subscribe(&self) -> Subscription {
        self.0.observers.subscribe()
    }

    /// Panics inside an operation, so that a test can see what becomes of it.
    #[doc(hidden)]
    pub async fn panic_on_purpose(&self) -> Result<()> {
        self.0.run("panic_on_purpose", async { panic!("on purpose") }).await
    }

    /// Gets a token for the instance that the account is registered with, as every call does, and nothing else.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn touch_token(&self, customer_id: &str) -> Result<()> {
        let (customer, instance) = self.0.registered(customer_id).await?;
        self.0.tokens.servicenow(&customer, &instance, None).await.map(drop)
    }

    /// Seals everything with a new key: with this one, or with one that is made and kept in the key file.
    /// Interrupted, it goes on when called again.
    ///
    /// # Errors
    /// `sealed` when a row cannot be opened with any key at hand, `invalid_input` when the key comes from the
    /// caller and no new one is given, `store`.
    pub async fn rotate_key(&self, new_key: Option<crate::Secret>) -> Result<RotationReport> {
        let inner = &self.0;
        inner.run("client.rotate_key", crate::store::rotate(&*inner.store, &inner.ring, new_key)).await
    }

    /// Closes the client: calls under way end with `cancelled`, later ones with `illegal_state`. What was
    /// committed stays; steps that must not be lost half-way run to their end, unobserved.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.closing.notify_waiters();
        self.0.desk.close();
        self.0.ended.send_replace(true);
        self.0.observers.end();
    }

    /// True after [`Client::close`].
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Inner {
    /// Every public operation passes through here: refused when closed, ended when closing, named in its error.
    fn run<'f, T: 'f>(
        &'f self,
        operation: &'static str,
        work: impl Future<Output = Result<T>> + Send + 'f,
    ) -> impl Future<Output = Result<T>> + Send + 'f {
        // Boxed once, here: the steps inside are large, and every caller's future would be as large again.
        let work = Box::pin(work.instrument(tracing::info_span!("itsm_adapter", operation)));
        async move {
            let closing = self.closing.notified();
            tokio::pin!(closing);
            closing.as_mut().enable();
            if self.closed.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::IllegalState, "The client is closed.")
                    .remedy("Open a new client.")
                    .operation(operation));
            }
            let result = tokio::select! {
                biased;
                // A defect of ours must not cross a border as a panic: it becomes an error like any other.
                result = AssertUnwindSafe(work).catch_unwind() => result.unwrap_or_else(|_| {
                    let message = "The operation ended in a panic; the state is as it was committed.";
                    Err(Error::new(ErrorKind::Internal, message))
                }),
                () = closing => Err(Error::new(ErrorKind::Cancelled, "The client was closed during the call.")),
            };
            result.map_err(|error| {
                tracing::debug!(operation, kind = %error.kind(), "failed");
                error.operation(operation)
            })
        }
    }

    /// An instance's address as typed, normalised and allowed.
    fn instance(&self, typed: &str) -> Result<InstanceId> {
        let id = InstanceId::parse(typed)?;
        self.config.instance_hosts.check(&id)?;
        Ok(id)
    }

    /// Tells observers something that is not worth an entry in the log.
    fn progress(&self, customer: &CustomerId, message: &str) {
        let event = Event {
            customer_id: Some(customer.clone()),
            ..Event::new(EventKind::Progress, message.to_owned(), self.chance.now())
        };
        self.observers.publish(&event);
    }
}

/// How many items a page holds, from what was asked for.
fn page_size(limit: Option<u32>) -> Result<u32> {
    within("limit", limit, PAGE, LARGEST_PAGE)
}

/// A cursor for the next page: the last key, when there may be more.
fn next_page<T>(items: &[T], limit: u32, key: impl FnOnce(&T) -> String) -> Option<String> {
    (items.len() >= limit as usize).then(|| items.last().map(key)).flatten()
}
