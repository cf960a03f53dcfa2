//! A certified OAuth server that is not ours (`tests/consent/oidc.mjs`), a client pointed at it by settings, and hands
//! in between that change what the client sends.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use itsm_adapter::{
    Authorize, Authorized, Client, Config, ConnectionStatus, Error, OauthServer, Secret,
    store::{SqliteStore, Store},
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::{Options, Simulator};
use serde_json::Value;
use tempfile::TempDir;
use url::{Url, form_urlencoded};

use super::{
    ACME, Heard, add,
    browser::{Browser, Page},
    clock::TestClock,
    config, read,
    wire::LookingOn,
};

/// The redirect URLs that the server knows for its confidential clients.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:7/callback";
pub(crate) const SECOND_REDIRECT: &str = "http://127.0.0.1:7/second";
pub(crate) const SCOPE: &str = "table_api";
/// The one who signs in where nothing else is said.
pub(crate) const ALICE: &str = "alice";

/// The server in its process; it ends with this value.
pub(crate) struct Provider {
    _input: ChildStdin,
    process: Child,
    pub(crate) issuer: String,
    pub(crate) instance: String,
    control: String,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/consent/oidc.mjs");
        let mut process = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let about: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("the OAuth server did not start; tests/run oidc installs what it needs: {line}")
        });
        let text = |name: &str| about[name].as_str().unwrap().to_owned();
        let (issuer, instance, control) = (text("issuer"), text("instance"), text("control"));
        Self { _input: process.stdin.take().unwrap(), process, issuer, instance, control }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Parameters of a token request.
pub(crate) type Form = Vec<(String, String)>;
type Change = Box<dyn Fn(&mut Form) + Send>;

/// A network that changes what goes to the token endpoint, and loses an answer when it is told.
#[derive(Clone)]
pub(crate) struct Hands {
    pub(crate) wire: LookingOn,
    token_url: String,
    revocation_url: String,
    play: Arc<Mutex<Play>>,
}

#[derive(Default)]
struct Play {
    change: Option<Change>,
    change_revocation: Option<Change>,
    lose_answer: bool,
    calls: usize,
    last: Form,
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hands")
    }
}

#[async_trait]
impl Transport for Hands {
    async fn send(&self, mut request: Request) -> Result<Response, (SendFailure, String)> {
        if request.url.as_str() == self.revocation_url
            && let Some(change) = &self.play().change_revocation
        {
            request.body = changed(&request.body, change).1;
        }
        if request.url.as_str() != self.token_url {
            return self.wire.send(request).await;
        }
        let lose = {
            let mut play = self.play();
            play.calls += 1;
            let keep: Change = Box::new(|_| {});
            let change = play.change.as_ref().unwrap_or(&keep);
            (play.last, request.body) = changed(&request.body, change);
            std::mem::take(&mut play.lose_answer)
        };
        let answer = self.wire.send(request).await?;
        if lose { Err((SendFailure::Interrupted, "the answer was lost".into())) } else { Ok(answer) }
    }
}

fn changed(body: &[u8], change: &Change) -> (Form, bytes::Bytes) {
    let mut form: Form = form_urlencoded::parse(body).into_owned().collect();
    change(&mut form);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    (form, body.into())
}

impl Hands {
    fn play(&self) -> std::sync::MutexGuard<'_, Play> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes every token request from now on.
    pub(crate) fn change(&self, change: impl Fn(&mut Form) + Send + 'static) {
        self.play().change = Some(Box::new(change));
    }

    /// Changes every revocation from now on.
    pub(crate) fn change_revocations(&self, change: impl Fn(&mut Form) + Send + 'static) {
        self.play().change_revocation = Some(Box::new(change));
    }

    pub(crate) fn leave_alone(&self) {
        let mut play = self.play();
        (play.change, play.change_revocation) = (None, None);
    }

    /// The next answer of the token endpoint does not arrive.
    pub(crate) fn lose_answer(&self) {
        self.play().lose_answer = true;
    }

    /// What was sent last.
    pub(crate) fn last(&self) -> Form {
        self.play().last.clone()
    }

    /// Calls of the token endpoint so far.
    pub(crate) fn calls(&self) -> usize {
        self.play().calls
    }
}

/// What the person at the browser does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person<'a> {
    Allows(&'a str),
    /// Cancels on the page where the consent is asked for.
    Denies(&'a str),
    /// Cancels on the page where the sign-in is asked for.
    Leaves,
}

/// An account, the server, and a client that knows the server by its settings.
pub(crate) struct Proof {
    pub(crate) provider: Provider,
    pub(crate) clock: TestClock,
    pub(crate) hands: Hands,
    pub(crate) events: Arc<Heard>,
    pub(crate) client: Client,
    config: Config,
    folder: TempDir,
    _citrix: Simulator,
}

impl Proof {
    pub(crate) async fn new() -> Self {
        Self::made(|_, _| {}).await
    }

    pub(crate) async fn made(adjust: impl FnOnce(&mut OauthServer, &Provider)) -> Self {
        let provider = Provider::start();
        let mut options = Options::default();
        options.instances = Vec::new();
        let citrix = Simulator::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&citrix.citrix_url(), folder.path().join("adapter.db"));
        let mut server = OauthServer {
            instance_url: Some(provider.instance.clone()),
            authorization_url: Some(format!("{}/auth", provider.issuer)),
            token_url: Some(format!("{}/token", provider.issuer)),
            revocation_url: Some(format!("{}/token/revocation", provider.issuer)),
            issuer: Some(provider.issuer.clone()),
            scope: Some(SCOPE.to_owned()),
            ..OauthServer::default()
        };
        adjust(&mut server, &provider);
        config.oauth_servers = vec![server];
        config.attempt_timeout = Duration::from_secs(10);
        config.total_timeout = Duration::from_secs(20);
        let wire = LookingOn::new(&config);
        let (token_url, revocation_url) =
            (format!("{}/token", provider.issuer), format!("{}/token/revocation", provider.issuer));
        let hands = Hands { wire, token_url, revocation_url, play: Arc::default() };
        let (clock, events) = (TestClock::new(1), Arc::new(Heard::default()));
        let builder = Client::builder().config(config.clone()).transport(Arc::new(hands.clone()));
        let client = builder.clock(Arc::new(clock.clone())).observer(events.clone()).open().await.unwrap();
        client.accounts().add(add(ACME)).await.unwrap();
        Self { provider, clock, hands, events, client, config, folder, _citrix: citrix }
    }

    /// What it takes to begin with this client of the server.
    pub(crate) fn request(&self, client_id: &str) -> Authorize {
        let is_public = client_id.starts_with("public");
        Authorize {
            customer_id: ACME.into(),
            instance_url: self.provider.instance.clone(),
            client_id: Some(client_id.to_owned()),
            client_secret: (!is_public).then(|| Secret::from(format!("{client_id}-secret-0123456789-0123456789"))),
            redirect_url: Some(if is_public { "http://127.0.0.1:41999/callback" } else { REDIRECT }.to_owned()),
            ..Authorize::default()
        }
    }

    /// Begins, and sends a person out; the address that the browser comes back to.
    pub(crate) async fn came_back(&self, client_id: &str, person: Person<'_>) -> String {
        let begun = self.client.registrations().authorize(self.request(client_id)).await.unwrap();
        self.visit(&begun.authorization_url, person).await
    }

    pub(crate) async fn registered(&self, client_id: &str) -> Authorized {
        let callback = self.came_back(client_id, Person::Allows(ALICE)).await;
        self.client.registrations().complete(&callback, None).await.unwrap()
    }

    pub(crate) async fn read(&self) -> Result<(), Error> {
        read(&self.client, ACME).await
    }

    /// A read during which the pause before the second try passes at once.
    pub(crate) async fn read_with_patience(&self) -> Result<(), Error> {
        let (client, pause) = (self.client.clone(), Duration::from_secs(30));
        let before = self.clock.sleeps_of(pause);
        let reading = tokio::spawn(async move { read(&client, ACME).await });
        super::until("the end, or the pause", || reading.is_finished() || self.clock.sleeps_of(pause) > before).await;
        self.clock.advance(pause);
        reading.await.unwrap()
    }

    pub(crate) async fn status(&self) -> ConnectionStatus {
        self.client.connections().get(ACME, &self.provider.instance).await.unwrap().status
    }

    /// Everything that could have changed here: registrations, and tokens that wait to be revoked.
    pub(crate) async fn state(&self) -> Value {
        let store = SqliteStore::open(self.folder.path().join("adapter.db")).unwrap();
        let waiting = store.revocations(None, 1000).await.unwrap().len();
        let connections = self.client.connections().list(None, None, Some(100)).await.unwrap().items;
        serde_json::json!({ "connections": connections, "revocations": waiting })
    }

    /// Moves both clocks, ours and the server's.
    pub(crate) async fn pass(&self, seconds: u64) {
        self.pass_there(seconds).await;
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Moves the server's clock only.
    pub(crate) async fn pass_there(&self, seconds: u64) {
        self.control(&format!("advance?seconds={seconds}")).await;
    }

    /// An administrator of the server takes every consent back.
    pub(crate) async fn take_back(&self) {
        self.control("take_back").await;
    }

    /// How many tokens the server would still take.
    pub(crate) async fn living(&self) -> u64 {
        self.control("living").await.as_u64().unwrap()
    }

    /// What the server has refused since the last time, each as `error: true cause`.
    pub(crate) async fn refusals(&self) -> Vec<String> {
        let refused = self.control("refusals").await;
        let said = |one: &Value| format!("{}: {}", one["error"].as_str().unwrap(), one["cause"].as_str().unwrap());
        refused.as_array().unwrap().iter().map(said).collect()
    }

    async fn control(&self, command: &str) -> Value {
        let page = self.browser().get(&format!("{}/{command}", self.provider.control)).await;
        serde_json::from_str(&page.body).unwrap()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.config)
    }

    /// Opens the address in a fresh browser and acts as the person does; where the browser is sent in the end, or the
    /// address of the page that is shown instead.
    pub(crate) async fn visit(&self, url: &str, person: Person<'_>) -> String {
        let mut browser = self.browser();
        let page = browser.get(url).await;
        let mut page = browser.within(page).await;
        // Sign-in, then consent; whoever is sent away before is not asked.
        for _ in 0..2 {
            let Some(action) = page.between("action=\"", "\"") else { break };
            let abort = page.between("<a href=\"", "\"").unwrap();
            let prompt = page.between("name=\"prompt\" value=\"", "\"").unwrap();
            let step = match (person, prompt.as_str()) {
                (Person::Leaves, _) | (Person::Denies(_), "consent") => browser.get(&page.at(&abort)).await,
                (Person::Allows(name) | Person::Denies(name), _) => {
                    let form = [("prompt", prompt.as_str()), ("login", name), ("password", "any")];
                    browser.post(&page.at(&action), &form).await
                }
            };
            page = browser.within(step).await;
        }
        page.location().as_ref().unwrap_or(&page.url).to_string()
    }
}

impl Page {
    fn between(&self, before: &str, after: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(before)?;
        rest.split_once(after).map(|(found, _)| found.to_owned())
    }

    fn at(&self, address: &str) -> String {
        self.url.join(address).unwrap().into()
    }
}

/// The value of a parameter of an address.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The address with its parameters changed.
pub(crate) fn with_form(url: &str, change: impl FnOnce(&mut Form)) -> String {
    let mut url = Url::parse(url).unwrap();
    let mut form: Form = url.query_pairs().into_owned().collect();
    change(&mut form);
    url.query_pairs_mut().clear().extend_pairs(form);
    url.into()
}

/// Sets a parameter in place; none takes it out.
pub(crate) fn put(form: &mut Form, name: &str, value: Option<&str>) {
    match value {
        None => form.retain(|(found, _)| found != name),
        Some(value) => match form.iter_mut().find(|(found, _)| found == name) {
            Some(pair) => value.clone_into(&mut pair.1),
            None => form.push((name.to_owned(), value.to_owned())),
        },
    }
}
