//! Everything the listeners share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chance::Chance;
use crate::citrix::Citrix;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::lock::lock;
use crate::options::Options;
use crate::request_log::RequestLog;
use crate::servicenow::instance::Instance;

/// The state behind all listeners.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) log: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) citrix: Citrix,
    instances: Mutex<BTreeMap<String, Arc<Instance>>>,
    urls: Mutex<(String, String)>,
    stop: watch::Sender<bool>,
    listeners: Mutex<Vec<JoinHandle<()>>>,
}

impl World {
    pub(crate) fn new(options: &Options) -> Self {
        let chance = Chance::new(options.seed);
        let clock = Clock::default();
        let citrix = Citrix::new(&chance, clock.now());
        Self {
            log: RequestLog::new(options.log_limit),
            faults: Faults::default(),
            instances: Mutex::new(BTreeMap::new()),
            urls: Mutex::new((String::new(), String::new())),
            stop: watch::Sender::new(false),
            listeners: Mutex::default(),
            clock,
            chance,
            citrix,
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn instance(&self, name: &str) -> Option<Arc<Instance>> {
        lock(&self.instances).get(name).cloned()
    }

    pub(crate) fn instances(&self) -> Vec<Arc<Instance>> {
        lock(&self.instances).values().cloned().collect()
    }

    /// Adds an instance unless the name is taken.
    pub(crate) fn adopt(&self, instance: Arc<Instance>) -> bool {
        let mut instances = lock(&self.instances);
        if instances.contains_key(&instance.name) {
            return false;
        }
        instances.insert(instance.name.clone(), instance);
        true
    }

    pub(crate) fn set_urls(&self, citrix: String, control: String) {
        *lock(&self.urls) = (citrix, control);
    }

    pub(crate) fn citrix_url(&self) -> String {
        lock(&self.urls).0.clone()
    }

    pub(crate) fn control_url(&self) -> String {
        lock(&self.urls).1.clone()
    }

    /// Remembers a listener's task, to be waited for at the end.
    pub(crate) fn keep(&self, listener: JoinHandle<()>) {
        lock(&self.listeners).push(listener);
    }

    /// Hands the listeners' tasks over.
    pub(crate) fn take_listeners(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut lock(&self.listeners))
    }

    /// Asks every listener and connection to end.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Back to the seed: data, tokens, faults, log and clock. Listeners and instances stay.
    pub(crate) fn reset(&self) {
        self.clock.reset();
        self.faults.clear();
        self.log.clear();
        self.citrix.reset(&self.chance, self.now());
        for instance in self.instances() {
            instance.reset(self.now());
        }
    }
}
