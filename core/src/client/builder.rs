//! Opening a client: what it is put together from.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::sync::{Notify, watch};

use super::{Client, Inner};
use crate::{
    api::{citrix::CitrixCloud, servicenow::ServiceNow},
    clock::{Chance, Clock, Random},
    config::{Config, StoreConfig},
    delivery::{Bell, Choices, Controls, Learned, PolicyBook, Sights},
    desk::{Desk, OpenBrowser, SystemBrowser},
    error::{Error, ErrorKind, Result},
    event::{Observer, Observers},
    model::{Event, EventKind},
    oauth::Tokens,
    recent::{Recent, TRUST},
    registration::Driver,
    store::{KeyRing, MemoryStore, SqliteStore, Store},
    transport::{HttpTransport, Transport, Wire},
};

/// Puts a client together from other parts than the usual ones: a store, a network, a clock of your own.
#[derive(Default)]
#[must_use]
pub struct ClientBuilder {
    config: Config,
    store: Option<Arc<dyn Store>>,
    transport: Option<Arc<dyn Transport>>,
    chance: Chance,
    observers: Vec<Arc<dyn Observer>>,
    browser: Option<Arc<dyn OpenBrowser>>,
}

impl ClientBuilder {
    /// What can be set by value.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// A store of your own, in place of the one that the configuration names.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// A network of your own, such as a simulated one.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// A clock of your own.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.chance.clock = clock;
        self
    }

    /// A random source of your own.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.chance.random = random;
        self
    }

    /// Another way to open a browser than the system's own.
    pub fn browser(mut self, browser: Arc<dyn OpenBrowser>) -> Self {
        self.browser = Some(browser);
        self
    }

    /// An observer that is there from the beginning: it also hears warnings about the key file.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Opens the client.
    ///
    /// # Errors
    /// `invalid_input` for settings that make no sense, `store` when the store cannot be opened, `sealed` when
    /// the key is missing or not readable.
    pub async fn open(self) -> Result<Client> {
        assemble(self).await
    }
}

async fn assemble(builder: ClientBuilder) -> Result<Client> {
    let ClientBuilder { config, store, transport, chance, observers: first, browser } = builder;
    config.check()?;
    let observers = Observers::default();
    for observer in first {
        observers.add(observer);
    }
    let settings = config.clone();
    // Opening a file waits for other processes; it must not hold up the runtime.
    let opened = tokio::task::spawn_blocking(move || open_store(&settings, store)).await;
    let (store, ring, warning) =
        opened.map_err(|error| Error::new(ErrorKind::Internal, "The store could not be opened.").because(error))??;
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
        observers.publish(&Event::new(EventKind::StoreWarning, warning, chance.now()));
    }
    let ring = Arc::new(ring);
    let transport = match transport {
        Some(transport) => transport,
        None => Arc::new(HttpTransport::new(&config)?),
    };
    let wire = Wire::new(transport, &config, chance.clone());
    let citrix = CitrixCloud::new(wire.clone(), &config, chance.clone())?;
    let servicenow = ServiceNow::new(wire, &config, chance.clone())?;
    let warning_days = &config.grant_warning_days;
    let driver = Driver::new(store.clone(), ring.clone(), chance.clone(), observers.clone(), warning_days);
    let tokens = Tokens::new(
        store.clone(),
        ring.clone(),
        chance.clone(),
        citrix.clone(),
        servicenow.clone(),
        driver.clone(),
        config.total_timeout,
    );
    let policies = PolicyBook::new(store.clone(), chance.clone());
    let holders = Recent::new(chance.clone(), TRUST);
    let learned = Learned::new(store.clone(), chance.clone());
    Ok(Client(Arc::new(Inner {
        config,
        chance,
        store,
        ring,
        observers,
        citrix,
        servicenow,
        driver,
        tokens,
        policies,
        learned,
        holders,
        desk: Desk::default(),
        browser: browser.unwrap_or_else(|| Arc::new(SystemBrowser)),
        choices: Choices::default(),
        sights: Sights::default(),
        controls: Controls::default(),
        bell: Bell::default(),
        ended: watch::Sender::default(),
        closed: AtomicBool::new(false),
        closing: Notify::new(),
    })))
}

fn open_store(config: &Config, own: Option<Arc<dyn Store>>) -> Result<(Arc<dyn Store>, KeyRing, Option<String>)> {
    let explicit = || {
        let Some(key) = &config.key else { return Ok(None) };
        let keys: Vec<_> = std::iter::once(key).chain(&config.old_keys).cloned().collect();
        KeyRing::given(&keys).map(Some)
    };
    match (own, &config.store) {
        (Some(store), _) => {
            let ring = match explicit()? {
                Some(ring) => ring,
                None => KeyRing::from_env()?.ok_or_else(|| {
                    Error::new(ErrorKind::Sealed, "A store of your own needs a key of your own.")
                        .remedy("Set the setting key, or the environment variable ITSM_ADAPTER_KEY.")
                })?,
            };
            Ok((store, ring, None))
        }
        (None, StoreConfig::Memory) => {
            let ring = match explicit()? {
                Some(ring) => ring,
                None => KeyRing::ephemeral(),
            };
            Ok((Arc::new(MemoryStore::default()), ring, None))
        }
        (None, StoreConfig::Sqlite { path }) => {
            let store = SqliteStore::open(path)?;
            let (ring, warning) = match explicit()? {
                Some(ring) => (ring, None),
                None => match KeyRing::from_env()? {
                    Some(ring) => (ring, None),
                    None => KeyRing::beside(path)?,
                },
            };
            Ok((Arc::new(store), ring, warning))
        }
    }
}
