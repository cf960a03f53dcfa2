//! Machines that work on deliveries over the simulated network, and a user who submits alerts.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use itsm_adapter::{
    Client, CustomerId, RegisterServiceAccount, RunOptions, StoreConfig, Worker,
    store::{MemoryStore, Store},
};
use itsm_simulator::{InstanceOptions, Options, Simulator, seed};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    ACME, DEV1, add, config,
    mortal::Mortal,
    network::{LATEST, Life, Link, Sky, Wall},
    password,
};

/// One machine: a clock, a link, and a process that is started again when it has died.
pub(crate) struct Machine {
    pub(crate) sky: Arc<Sky>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) name: String,
    pub(crate) wall: Wall,
    pub(crate) parted: Arc<AtomicBool>,
    is_outside: bool,
}

impl Machine {
    pub(crate) async fn client(&self, life: &Arc<Life>) -> Client {
        let mut config = config(&self.sky.simulator.citrix_url(), "unused".into());
        config.store = StoreConfig::Memory;
        config.attempt_timeout = Duration::from_secs(10);
        config.total_timeout = Duration::from_secs(30);
        config.transaction_limit = LATEST;
        let (sky, life) = (Arc::clone(&self.sky), Arc::clone(life));
        let store = Mortal { store: Arc::clone(&self.store), life: Arc::clone(&life), is_outside: self.is_outside };
        let seed = sky.dice.next();
        let link = Link { sky, life, name: self.name.clone(), parted: Arc::clone(&self.parted) };
        let builder = Client::builder().config(config).store(Arc::new(store)).transport(Arc::new(link));
        let random = Arc::new(super::network::Dice::new(seed));
        builder.clock(Arc::new(self.wall.clone())).random(random).open().await.unwrap()
    }

    /// Works, dies and comes back until it is told that all is calm; then works and lives on.
    pub(crate) async fn go_on(self: Arc<Self>, calm: Arc<AtomicBool>) -> (Client, Worker, Arc<Life>) {
        loop {
            let is_calm = calm.load(Ordering::Relaxed);
            let life = Life::new((!is_calm).then(|| 20 + self.sky.dice.below(400)));
            // A clock that is wrong from the start cannot be told from a right one: whoever starts has asked for the time.
            self.wall.set_right();
            let client = self.client(&life).await;
            let options = RunOptions { concurrency: Some(4), poll_interval_ms: Some(3000), ..RunOptions::default() };
            let worker = client.alerts().run(options).await.unwrap();
            self.sky.note(&format!("{} starts", self.name));
            if is_calm {
                return (client, worker, life);
            }
            life.ended().await;
            self.sky.note(&format!("{} dies", self.name));
            sleep(self.sky.dice.up_to(Duration::from_secs(20))).await;
        }
    }
}

/// A registered account, a user who submits its alerts, and the way to machines that work on them.
pub(crate) struct Stage {
    pub(crate) sky: Arc<Sky>,
    pub(crate) store: Arc<dyn Store>,
    began: Instant,
    began_at: DateTime<Utc>,
    is_outside: bool,
    pub(crate) accounts: Vec<CustomerId>,
}

impl Stage {
    /// One account at one instance, and a store in memory.
    pub(crate) async fn set(seed: u64) -> (Self, Client) {
        Self::with(seed, Arc::new(MemoryStore::default()), false, &[(ACME, DEV1)]).await
    }

    /// Each of these accounts at its instance. `is_outside`: see [`Mortal`].
    pub(crate) async fn with(
        seed: u64,
        store: Arc<dyn Store>,
        is_outside: bool,
        places: &[(&str, &str)],
    ) -> (Self, Client) {
        let (began, began_at) = (Instant::now(), DateTime::from_timestamp(1_767_225_600, 0).unwrap());
        let mut options = Options::default();
        options.seed = Some(seed);
        options.instances = places.iter().map(|(_, instance)| InstanceOptions::new(*instance)).collect();
        let sky = Sky::new(Simulator::start(options).await.unwrap(), seed, began);
        let mut stage = Self { sky, store, began, began_at, is_outside, accounts: Vec::new() };
        let user = stage.machine("user").client(&Life::new(None)).await;
        for (customer, instance) in places {
            stage.make_ordinary(customer);
            user.accounts().add(add(customer)).await.unwrap();
            let oauth = &seed::oauth_clients(instance)[0];
            let request = RegisterServiceAccount {
                customer_id: (*customer).into(),
                instance_url: stage.sky.simulator.instance_url(instance).unwrap(),
                instance_name: None,
                client_id: oauth.client_id.clone(),
                client_secret: oauth.client_secret.as_str().into(),
                user_name: "svc.citrix".into(),
                password: password("svc.citrix"),
            };
            user.registrations().register(request).await.unwrap();
            stage.accounts.push(CustomerId::parse(customer).unwrap());
        }
        (stage, user)
    }

    /// Takes away whatever would keep the account from being registered.
    fn make_ordinary(&self, customer: &str) {
        let site = json!({"name": "cloudxdsite", "edition": "Premium"});
        let services = json!({"xendesktop": "Production", "itsm": "Production"});
        let change = json!({"service_states": services, "frozen": false, "sites": [site]});
        self.sky.simulator.patch_account(customer, &change).unwrap();
    }

    pub(crate) fn machine(&self, name: &str) -> Arc<Machine> {
        let (sky, store, wall) = (Arc::clone(&self.sky), Arc::clone(&self.store), Wall::new(self.began, self.began_at));
        let is_outside = self.is_outside;
        Arc::new(Machine { sky, store, name: name.to_owned(), wall, parted: Arc::default(), is_outside })
    }

    /// Whether there is nothing left to do, now or later.
    pub(crate) async fn is_done(&self) -> bool {
        self.store.due(&self.accounts, self.began_at).await.unwrap().is_none()
    }

    /// The states of all incidents at the instance of every world, by their keys.
    pub(crate) fn incidents(&self) -> BTreeMap<String, Vec<String>> {
        self.incidents_at(DEV1)
    }

    pub(crate) fn incidents_at(&self, instance: &str) -> BTreeMap<String, Vec<String>> {
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in self.sky.simulator.records(instance, "incident") {
            if row["correlation_id"].starts_with("citrix-") {
                made.entry(row["correlation_id"].clone()).or_default().push(row["state"].clone());
            }
        }
        made
    }
}
