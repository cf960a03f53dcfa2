//! What every test of the client against the simulator needs: a world to act in, and words to ask about it.

// Each test program uses another part of this module.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod actor;
pub(crate) mod browser;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod delivering;
pub(crate) mod mortal;
pub(crate) mod network;
pub(crate) mod oidc;
pub(crate) mod search;
pub(crate) mod stage;
pub(crate) mod stranger;
pub(crate) mod watch;
pub(crate) mod wire;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use itsm_adapter::{
    AddAccount, Alert, AlertState, Authorize, Authorized, Client, Config, Connect, Connection, Environment, Error,
    ErrorKind, Event, EventKind, Observer, RegisterServiceAccount, Secret, Severity, StoreConfig,
    store::{SqliteStore, Store},
    transport,
};
use itsm_simulator::{InstanceOptions, LoggedRequest, Options, Simulator, seed};
use serde_json::{Value, json};
use tempfile::TempDir;

use self::{browser::Browser, clock::TestClock, wire::LookingOn};

pub(crate) const ACME: &str = "acmecorp0001";
pub(crate) const GLOBEX: &str = "globexcorp02";
/// The instance that every world has.
pub(crate) const DEV1: &str = "dev1";
/// Seals the stores of the tests.
pub(crate) const KEY: &str = "7f2d1c0b9a8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a392817060504";

/// Writes down the events it is told.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Event>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}

impl Heard {
    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn messages(&self, kind: EventKind) -> Vec<String> {
        self.all().into_iter().filter(|event| event.kind == kind).map(|event| event.message).collect()
    }
}

/// Both remote systems, a folder for the store, and a client over them.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    pub(crate) clock: TestClock,
    pub(crate) events: Arc<Heard>,
    pub(crate) wire: LookingOn,
    pub(crate) client: Client,
}

impl World {
    /// With one instance, and a clock as fast as the machine's.
    pub(crate) async fn new() -> Self {
        Self::with(&[DEV1], 1).await
    }

    pub(crate) async fn with(instances: &[&str], speed: u32) -> Self {
        Self::made(instances, speed, |_| {}).await
    }

    pub(crate) async fn made(instances: &[&str], speed: u32, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut options = Options::default();
        options.instances = instances.iter().map(|&name| InstanceOptions::new(name)).collect();
        let simulator = Simulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (clock, events) = (TestClock::new(speed), Arc::new(Heard::default()));
        let mut config = config(&simulator.citrix_url(), folder.path().join("adapter.db"));
        adjust(&mut config);
        let wire = LookingOn::new(&config);
        // So long on the machine's clock, however fast ours goes.
        config.attempt_timeout *= speed.max(1);
        let builder = Client::builder().config(config).transport(Arc::new(wire.clone()));
        let builder = builder.clock(Arc::new(clock.clone())).observer(events.clone());
        let client = builder.open().await.unwrap();
        Self { simulator, folder, clock, events, wire, client }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("adapter.db")
    }

    /// The settings of this world's client: short waits, two attempts.
    pub(crate) fn config(&self) -> Config {
        config(&self.simulator.citrix_url(), self.database())
    }

    /// A second client on the same file, with a clock and a memory of its own.
    pub(crate) async fn another_client(&self) -> Client {
        Client::open(self.config()).await.unwrap()
    }

    /// The store itself, past the client.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(self.database()).unwrap()
    }

    pub(crate) fn url(&self) -> String {
        self.url_of(DEV1)
    }

    pub(crate) fn url_of(&self, instance: &str) -> String {
        self.simulator.instance_url(instance).unwrap()
    }

    pub(crate) async fn added(&self, customer: &str) {
        self.client.accounts().add(add(customer)).await.unwrap();
    }

    pub(crate) async fn connected(&self, customer: &str) -> Connection {
        self.added(customer).await;
        self.client.connections().connect(self.connect_to(customer, DEV1)).await.unwrap()
    }

    /// What it takes to begin the registration of the account by consent, at the instance of every world.
    pub(crate) fn authorize(&self, customer: &str) -> Authorize {
        self.authorize_at(customer, DEV1)
    }

    pub(crate) fn authorize_at(&self, customer: &str, instance: &str) -> Authorize {
        let request = self.request_at(customer, instance);
        let redirect_url = seed::oauth_clients(instance)[usize::from(customer == GLOBEX)].redirect_url.clone();
        Authorize {
            customer_id: request.customer_id,
            instance_url: request.instance_url,
            client_id: Some(request.client_id),
            client_secret: Some(request.client_secret),
            redirect_url: Some(redirect_url),
            ..Authorize::default()
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.config())
    }

    /// The account, registered with the consent of this user.
    pub(crate) async fn consented(&self, customer: &str, user: &str) -> Authorized {
        if self.client.accounts().get(customer).await.is_err() {
            self.added(customer).await;
        }
        let begun = self.client.registrations().authorize(self.authorize(customer)).await.unwrap();
        let callback = self.browser().allow(&begun.authorization_url, user).await;
        self.client.registrations().complete(&callback, None).await.unwrap()
    }

    pub(crate) async fn registered(&self, customer: &str) -> Connection {
        self.added(customer).await;
        self.client.registrations().register(self.request(customer)).await.unwrap()
    }

    pub(crate) fn connect_to(&self, customer: &str, instance: &str) -> Connect {
        Connect { customer_id: customer.into(), instance_url: self.url_of(instance), instance_name: None }
    }

    /// What it takes to register the account with the instance of every world.
    pub(crate) fn request(&self, customer: &str) -> RegisterServiceAccount {
        self.request_at(customer, DEV1)
    }

    /// Accounts have OAuth clients of their own: the first for most, the second for [`GLOBEX`].
    pub(crate) fn request_at(&self, customer: &str, instance: &str) -> RegisterServiceAccount {
        let clients = seed::oauth_clients(instance);
        let endpoint = &clients[usize::from(customer == GLOBEX)];
        RegisterServiceAccount {
            customer_id: customer.into(),
            instance_url: self.url_of(instance),
            instance_name: None,
            client_id: endpoint.client_id.clone(),
            client_secret: endpoint.client_secret.as_str().into(),
            user_name: "svc.citrix".into(),
            password: password("svc.citrix"),
        }
    }

    pub(crate) async fn connection(&self, customer: &str) -> Connection {
        self.client.connections().get(customer, &self.url()).await.unwrap()
    }

    /// Reads something with the registration of the account.
    pub(crate) async fn read(&self, customer: &str) -> Result<(), Error> {
        read(&self.client, customer).await
    }

    /// Fails unless the registration of the account serves a real read.
    pub(crate) async fn reads(&self, customer: &str, about: &str) {
        let read = self.read(customer).await;
        read.unwrap_or_else(|error| panic!("{about}: the registration does not serve any more: {error:?}"));
    }

    /// Everything that is listed anywhere, to be compared with what is listed later.
    pub(crate) async fn state(&self) -> Value {
        let mut state = everything(&self.client).await;
        let waiting = self.store().revocations(None, 1000).await.unwrap();
        state["revocations"] = json!(waiting.len());
        state
    }

    /// The newest token of this name that the instance of every world gave out.
    pub(crate) fn token(&self, name: &str) -> String {
        let of_instance = |seen: &wire::Seen| seen.origin == self.url() && seen.name == name;
        self.wire.seen().into_iter().rfind(of_instance).unwrap().value
    }

    /// Whether the instance still accepts this access token.
    pub(crate) async fn accepts(&self, token: &str) -> bool {
        self.accepts_at(&self.url(), token).await
    }

    pub(crate) async fn accepts_at(&self, origin: &str, token: &str) -> bool {
        let mut headers = http::HeaderMap::new();
        headers.insert("accept", http::HeaderValue::from_static("application/json"));
        headers.insert("authorization", http::HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
        let url = format!("{origin}/api/now/table/incident?sysparm_limit=1");
        self.send(http::Method::GET, &url, headers, "").await.is_success()
    }

    /// Whether the instance still renews this refresh token for the OAuth client of the request.
    pub(crate) async fn renews(&self, token: &str, of: &RegisterServiceAccount) -> bool {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", token)
            .append_pair("client_id", &of.client_id)
            .append_pair("client_secret", of.client_secret.expose())
            .finish();
        let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, form)]);
        self.send(http::Method::POST, &format!("{}/oauth_token.do", self.url()), headers, &body).await.is_success()
    }

    async fn send(&self, method: http::Method, url: &str, headers: http::HeaderMap, body: &str) -> http::StatusCode {
        let (url, body) = (url.parse().unwrap(), body.to_owned().into());
        let request = transport::Request { method, url, headers, body, timeout: Duration::from_secs(5) };
        transport::Transport::send(&self.wire, request).await.unwrap().status
    }

    /// Requests of this route (or of one below it) so far.
    pub(crate) fn asked(&self, route: &str) -> Vec<LoggedRequest> {
        let below = format!("{route}:");
        let all = self.simulator.requests().into_iter();
        all.filter(|request| request.route == route || request.route.starts_with(&below)).collect()
    }

    /// Token requests of instances so far, with this grant type.
    pub(crate) fn grants(&self, grant_type: &str) -> usize {
        let asked = self.asked("token").into_iter();
        asked.filter(|request| request.instance.is_some() && request.grant_type.as_deref() == Some(grant_type)).count()
    }

    /// Incidents on the instance that carry this key.
    pub(crate) fn incidents(&self, correlation_id: &str) -> Vec<itsm_simulator::Record> {
        let all = self.simulator.records(DEV1, "incident").into_iter();
        all.filter(|row| row.get("correlation_id").is_some_and(|key| key == correlation_id)).collect()
    }
}

pub(crate) fn config(citrix_url: &str, database: PathBuf) -> Config {
    let mut config = Config::default();
    config.store = StoreConfig::Sqlite { path: database };
    config.key = Some(KEY.into());
    config.citrix_url = Some(citrix_url.to_owned());
    config.instance_hosts.hosts = vec!["127.0.0.1".to_owned()];
    config.instance_hosts.allow_private_networks = true;
    config.attempt_timeout = Duration::from_millis(1500);
    config.total_timeout = Duration::from_secs(5);
    config.retry.max_attempts = 2;
    config.retry.backoff_base = Duration::from_millis(1);
    config.transaction_limit = Duration::ZERO;
    config.wake_up_interval = Duration::from_millis(1);
    config.wake_up_timeout = Duration::from_millis(50);
    config
}

pub(crate) fn add(customer: &str) -> AddAccount {
    let account = seed::find_account(customer).unwrap();
    let environment = match account.environment {
        "eu" => Environment::Eu,
        "ap-s" => Environment::AsiaPacificSouth,
        "jp" => Environment::Japan,
        "gov" => Environment::UsGovernment,
        _ => Environment::Us,
    };
    AddAccount {
        customer_id: customer.into(),
        environment,
        client_id: account.client_id(),
        client_secret: account.client_secret.into(),
        name: Some(account.name.into()),
    }
}

pub(crate) fn password(user: &str) -> Secret {
    seed::find_user(user).unwrap().password.into()
}

pub(crate) fn alert(customer: &str, id: &str) -> Alert {
    Alert {
        customer_id: customer.into(),
        source: "monitor".into(),
        id: id.into(),
        title: "Connector offline".into(),
        description: "EDGE01 does not answer.".into(),
        severity: Severity::Error,
        state: AlertState::Raised,
        priority: None,
        category: None,
        policy: None,
        target: None,
        component: None,
        raised_at: None,
        fields: std::collections::HashMap::default(),
    }
}

pub(crate) async fn read(client: &Client, customer: &str) -> Result<(), Error> {
    let query = itsm_adapter::Query::new();
    client.records().query::<itsm_adapter::Record>(customer, "incident", &query, &["sys_id"], 1).await.map(drop)
}

pub(crate) async fn everything(client: &Client) -> Value {
    let most = Some(1000);
    json!({
        "accounts": client.accounts().list(None, most).await.unwrap().items,
        "instances": client.instances().list(None, most).await.unwrap().items,
        "connections": client.connections().list(None, None, most).await.unwrap().items,
        "deliveries": client.alerts().list(None, &[], None, most).await.unwrap().items,
        "events": client.events().list(None, None, most).await.unwrap().items,
    })
}

/// Fails unless the error is of this kind, says what to do, and names the operation.
pub(crate) fn is(error: &Error, kind: ErrorKind, about: &str) {
    let info = error.info();
    assert_eq!(info.kind, kind, "{about}: {error:?}");
    assert!(!info.remedy.is_empty() && !info.message.is_empty(), "{about}: {info:?}");
    assert!(!info.operation.is_empty(), "{about}: {info:?}");
}

/// Waits until something is true that another task or process brings about; gives up after ten seconds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), waited).await.is_ok(), "never came: {what}");
}
