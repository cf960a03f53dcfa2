//! A whole life, failures included, in a program that logs everything at the finest level: afterwards no secret of
//! it stands in any log line, text, event, debug output, error or file.
//!
//! The simulator runs as another process, so that every log line is one of the adapter or of its libraries.

#![allow(clippy::unwrap_used)]

mod support;

use std::{error::Error as _, fmt::Debug, sync::Arc, time::Duration};

use itsm_adapter::{
    Authorize, Client, ClientBuilder, Config, Connect, Error, Query, ReauthenticateServiceAccount, Record,
    RegisterServiceAccount, Secret, UpdateAccount,
};
use itsm_simulator::{Options, Simulator, seed};
use serde::Serialize;
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, Heard, add, alert,
    browser::Browser,
    child,
    clock::TestClock,
    config, password,
    search::{LetOut, forms},
    until,
    watch::{Log, Remote},
    wire::LookingOn,
};

/// Credentials that were wrong from the beginning are secrets too: they are right somewhere else.
const WRONG: &str = "WrongSecret&Km4+%/9Qz7==typed";
const PROXY_PASSWORD: &str = "ProxyPassword5Tr8Wq2Zx";
const ROTATED: &str = "KeyHolder.Rotated&Lq2+%/5Ty8";
const SESSION: &str = "BrowserSession&Hs7+%/2Wn6==";
const CALLBACK: &str = "CallbackSecret Basic Vb6+/Xc3==";

/// Not a test of its own: the process in which the simulator runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    if child::part().is_none() {
        return;
    }
    let simulator = Simulator::start(Options::default()).await.unwrap();
    child::say(simulator.description());
    simulator.stopped().await;
}

/// The program that is watched.
struct Watched {
    remote: Remote,
    folder: tempfile::TempDir,
    wire: LookingOn,
    heard: Arc<Heard>,
    clock: TestClock,
    client: Client,
    out: LetOut,
    consented: Vec<(String, String)>,
}

impl Watched {
    async fn start() -> Self {
        let (remote, folder) = (Remote::start(), tempfile::tempdir().unwrap());
        let config = Self::config(&remote, &folder);
        let wire = LookingOn::new(&config);
        let (heard, clock) = (Arc::new(Heard::default()), TestClock::new(20));
        let mut out = LetOut::default();
        out.add("debug", &format!("{config:#?} {wire:?}"));
        let client = Self::builder(config, &wire, &heard, &clock).open().await.unwrap();
        Self { remote, folder, wire, heard, clock, client, out, consented: Vec::new() }
    }

    /// The key is made beside the database, as a program without settings has it.
    fn config(remote: &Remote, folder: &tempfile::TempDir) -> Config {
        let mut config = config(&remote.url("citrix_url"), folder.path().join("adapter.db"));
        config.key = None;
        // Nothing here goes through it: what is on loopback never does.
        config.proxy = Some(format!("http://operator:{PROXY_PASSWORD}@proxy.example:3128").into());
        config
    }

    fn builder(config: Config, wire: &LookingOn, heard: &Arc<Heard>, clock: &TestClock) -> ClientBuilder {
        Client::builder()
            .config(config)
            .transport(Arc::new(wire.clone()))
            .observer(heard.clone())
            .clock(Arc::new(clock.clone()))
    }

    fn register(&self, customer: &str) -> RegisterServiceAccount {
        let endpoint = seed::oauth_clients(DEV1).swap_remove(usize::from(customer == GLOBEX));
        RegisterServiceAccount {
            customer_id: customer.into(),
            instance_url: self.remote.url("servicenow_url"),
            instance_name: Some("Help desk".into()),
            client_id: endpoint.client_id,
            client_secret: endpoint.client_secret.into(),
            user_name: "svc.citrix".into(),
            password: password("svc.citrix"),
        }
    }

    fn shows(&mut self, value: &impl Debug) {
        self.out.add("debug", &format!("{value:?} {value:#?}"));
    }

    /// Writes down all that an outcome says of itself, and looks at the files as they are at this moment.
    fn came<T: Debug + Serialize>(&mut self, outcome: Result<T, Error>) -> Option<T> {
        self.out.add_folder(self.folder.path());
        match outcome {
            Ok(value) => {
                self.shows(&value);
                self.out.add("json", &serde_json::to_string(&value).unwrap());
                Some(value)
            }
            Err(error) => {
                self.shows(&error);
                self.out.add("errors", &format!("{error} {}", serde_json::to_string(&error.info()).unwrap()));
                let mut source = error.source();
                while let Some(cause) = source {
                    self.out.add("errors", &format!("{cause} {cause:?}"));
                    source = cause.source();
                }
                None
            }
        }
    }

    fn fails<T: Debug + Serialize>(&mut self, outcome: Result<T, Error>) {
        assert!(self.came(outcome).is_none(), "this was meant to fail");
    }

    fn works<T: Debug + Serialize>(&mut self, outcome: Result<T, Error>) -> T {
        if let Err(error) = &outcome {
            panic!("{error:?}");
        }
        self.came(outcome).unwrap()
    }

    async fn accounts(&mut self) {
        let client = self.client.clone();
        let mut wrong = add(ACME);
        wrong.client_secret = WRONG.into();
        self.shows(&wrong);
        self.fails(client.accounts().add(wrong).await);
        for fault in ["html", "garbage", "fail_times", "error_in_200", "redirect", "cut", "throttle"] {
            self.remote.fault("citrix", fault, "token");
            self.fails(client.accounts().add(add(ACME)).await);
            self.clock.advance(Duration::from_secs(61));
        }
        for customer in [ACME, GLOBEX] {
            self.works(client.accounts().add(add(customer)).await);
        }
        let update =
            UpdateAccount { customer_id: ACME.into(), client_secret: Some(WRONG.into()), ..UpdateAccount::default() };
        self.shows(&update);
        self.fails(client.accounts().update(update).await);
        self.remote.fault("citrix", "envelope", "service_states");
        self.came(client.accounts().test(ACME).await);
        self.clock.advance(Duration::from_secs(61));
        self.remote.control("POST", &format!("/accounts/{ACME}/tokens/expire"), &json!({}));
        self.works(client.accounts().entitlement(ACME).await);
        let connect =
            Connect { customer_id: ACME.into(), instance_url: self.remote.url("servicenow_url"), instance_name: None };
        self.works(client.connections().connect(connect).await);
    }

    async fn registrations(&mut self) {
        let client = self.client.clone();
        for change in [
            |request: &mut RegisterServiceAccount| request.client_secret = WRONG.into(),
            |request: &mut RegisterServiceAccount| request.password = WRONG.into(),
            |request: &mut RegisterServiceAccount| request.password = format!("{WRONG}\r\nX-Evil: 1").as_str().into(),
        ] {
            let mut request = self.register(ACME);
            change(&mut request);
            self.shows(&request);
            self.fails(client.registrations().register(request).await);
        }
        for (fault, route) in [
            ("html", "token"),
            ("garbage", "token"),
            ("redirect", "token"),
            ("cut_after", "token"),
            ("error_in_200", "token"),
            ("truncate", "token"),
            ("wrong_content_type", "token"),
            ("stray_403", "token"),
            ("quota", "table"),
            ("hibernating", "current_user"),
            ("garbage", "current_user"),
        ] {
            self.remote.fault(DEV1, fault, route);
            self.came(client.registrations().register(self.register(ACME)).await);
            self.clock.advance(Duration::from_secs(61));
        }
        for customer in [ACME, GLOBEX] {
            self.works(client.registrations().test(self.register(customer)).await);
            self.works(client.registrations().register(self.register(customer)).await);
        }
        let second = ReauthenticateServiceAccount {
            customer_id: ACME.into(),
            instance_url: self.remote.url("servicenow_url"),
            user_name: Some("svc.second".into()),
            password: Some(password("svc.second")),
            ..ReauthenticateServiceAccount::default()
        };
        self.shows(&second);
        self.works(client.registrations().reauthenticate(second).await);
    }

    /// Consents in the browser: one that is denied, one that is finished with a forged callback before.
    async fn consents(&mut self) {
        let client = self.client.clone();
        let endpoint = seed::oauth_clients(DEV1).swap_remove(0);
        let mut browser = Browser::new(&Self::config(&self.remote, &self.folder));
        for button in ["deny", "authorize"] {
            let request = Authorize {
                customer_id: ACME.into(),
                instance_url: self.remote.url("servicenow_url"),
                client_id: Some(endpoint.client_id.clone()),
                client_secret: Some(endpoint.client_secret.as_str().into()),
                redirect_url: Some(endpoint.redirect_url.clone()),
                session: Some(SESSION.into()),
                allow_another_user: true,
                ..Authorize::default()
            };
            self.shows(&request);
            let begun = client.registrations().authorize(request).await.unwrap();
            self.shows(&begun);
            let consent = browser.sign_in(&begun.authorization_url, "svc.citrix").await;
            let callback: url::Url = browser.decide(&consent, button).await.parse().unwrap();
            for (name, value) in callback.query_pairs().filter(|(name, _)| name != "error") {
                // The head of a state is the flow's id, which is no secret.
                let secret = if name == "state" { &value[32..] } else { &*value };
                self.consented.push((name.into_owned(), secret.to_owned()));
            }
            let forged = format!("{callback}x");
            let session = Secret::from(SESSION);
            self.fails(client.registrations().complete(&forged, Some(&session)).await);
            self.fails(client.registrations().complete(callback.as_str(), None).await);
            self.came(client.registrations().complete(callback.as_str(), Some(&session)).await);
            self.fails(client.registrations().complete(callback.as_str(), Some(&session)).await);
        }
        assert_eq!(self.consented.len(), 3, "two states and a code");
        let back = ReauthenticateServiceAccount {
            customer_id: ACME.into(),
            instance_url: self.remote.url("servicenow_url"),
            user_name: Some("svc.second".into()),
            password: Some(password("svc.second")),
            ..ReauthenticateServiceAccount::default()
        };
        self.works(client.registrations().reauthenticate(back).await);
    }

    async fn work(&mut self) {
        let client = self.client.clone();
        for (fault, route) in [
            ("stray_401", "table"),
            ("expire", "table"),
            ("revoke", "table"),
            ("html", "table"),
            ("truncate", "table"),
            ("redirect", "table"),
        ] {
            self.remote.fault(DEV1, fault, route);
            self.came(client.records().query::<Record>(ACME, "incident", &Query::new(), &["sys_id"], 1).await);
        }
        for (number, fault) in
            ["cut_after", "created_then_html", "html", "garbage", "stray_401"].into_iter().enumerate()
        {
            self.remote.fault(DEV1, fault, "table:incident:insert");
            let delivery = self.works(client.alerts().submit(alert(ACME, &number.to_string())).await);
            self.works(client.alerts().deliver(delivery.id.as_str()).await);
        }
        let expected = Secret::from(CALLBACK);
        let body = include_bytes!("../../examples/quickstart/notification.json");
        self.fails(client.alerts().submit_webhook(body, Some(WRONG), Some(&expected), None).await);
        self.works(client.alerts().submit_webhook(body, Some(CALLBACK), Some(&expected), Some(ACME)).await);
        self.shows(&(
            expected,
            client.clone(),
            Query::new(),
            client.connections().list(None, None, None).await.unwrap(),
        ));
    }

    async fn rotation(&mut self) {
        self.client.rotate_key(None).await.unwrap();
        self.client.close();
        let config = Self::config(&self.remote, &self.folder);
        self.client = Self::builder(config, &self.wire, &self.heard, &self.clock).open().await.unwrap();
        let client = self.client.clone();
        self.works(client.records().query::<Record>(GLOBEX, "incident", &Query::new(), &["sys_id"], 1).await);
        // Another key than the one that sealed: the errors about it may not show either.
        let mut config = Self::config(&self.remote, &self.folder);
        config.key = Some(support::KEY.into());
        let stranger = Self::builder(config, &self.wire, &self.heard, &self.clock).open().await.unwrap();
        self.fails(stranger.records().query::<Record>(GLOBEX, "incident", &Query::new(), &["sys_id"], 1).await);
    }

    async fn endings(&mut self) {
        let client = self.client.clone();
        let url = self.remote.url("servicenow_url");
        self.remote.control("PATCH", &format!("/instances/{DEV1}/users/svc.citrix"), &json!({"locked_out": "true"}));
        self.remote.control("POST", &format!("/instances/{DEV1}/tokens/revoke"), &json!({"user": "svc.citrix"}));
        self.works(client.registrations().check(GLOBEX, &url).await);
        let wrong = ReauthenticateServiceAccount {
            customer_id: GLOBEX.into(),
            instance_url: url.clone(),
            password: Some(ROTATED.into()),
            ..ReauthenticateServiceAccount::default()
        };
        self.fails(client.registrations().reauthenticate(wrong).await);
        self.remote.fault(DEV1, "html", "revoke");
        self.remote.fault(DEV1, "redirect", "revoke");
        self.works(client.registrations().unregister(ACME, &url).await);
        self.came(client.registrations().check(ACME, &url).await);
        for customer in [ACME, GLOBEX] {
            self.works(client.connections().disconnect(customer, &url).await);
            self.works(client.accounts().remove(customer).await);
        }
        self.works(client.events().list(None, None, Some(1000)).await);
    }

    /// Every secret of this run, and what it is.
    fn secrets(&self) -> Vec<(String, String)> {
        let mut secrets = vec![
            ("a wrong secret".to_owned(), WRONG.to_owned()),
            ("a refused password".to_owned(), ROTATED.to_owned()),
            ("a browser session".to_owned(), SESSION.to_owned()),
            ("the password of the proxy".to_owned(), PROXY_PASSWORD.to_owned()),
            ("the webhook's authorization".to_owned(), CALLBACK.to_owned()),
            ("another key".to_owned(), support::KEY.to_owned()),
        ];
        for customer in [seed::ACME, seed::GLOBEX] {
            secrets.push((format!("client secret of {}", customer.customer_id), customer.client_secret.to_owned()));
        }
        for endpoint in seed::oauth_clients(DEV1) {
            secrets.push((format!("client secret of {}", endpoint.name), endpoint.client_secret));
        }
        for user in ["svc.citrix", "svc.second"] {
            secrets.push((format!("password of {user}"), password(user).expose().to_owned()));
        }
        let tokens: Vec<_> = self.wire.seen().into_iter().map(|seen| (seen.name, seen.value)).collect();
        assert!(tokens.iter().filter(|(name, _)| name == "refresh_token").count() >= 2, "{}", tokens.len());
        assert!(tokens.len() >= 8, "only {} tokens went by", tokens.len());
        let keys = std::fs::read_to_string(self.folder.path().join("adapter.db.key")).unwrap();
        secrets.extend(tokens);
        secrets.extend(self.consented.iter().cloned());
        secrets.extend(keys.lines().map(|key| ("a key of the key file".to_owned(), key.to_owned())));
        secrets
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_let_out_anywhere() {
    let log = Log::of_everything();
    let mut watched = Watched::start().await;
    let first_keys = std::fs::read_to_string(watched.folder.path().join("adapter.db.key")).unwrap();
    watched.accounts().await;
    watched.registrations().await;
    watched.consents().await;
    watched.work().await;
    watched.rotation().await;
    watched.endings().await;
    let mut secrets = watched.secrets();
    secrets.extend(first_keys.lines().map(|key| ("the first key".to_owned(), key.to_owned())));
    let Watched { client, mut out, folder, heard, .. } = watched;
    drop(client);
    let journal = folder.path().join("adapter.db-wal");
    until("the database closed", || !journal.exists()).await;
    out.add_folder(folder.path());
    out.add("log", &log.text());
    for event in heard.all() {
        out.add("events", &format!("{event:?} {}", serde_json::to_string(&event).unwrap()));
    }

    // What is looked through is really there, and the search finds what is there.
    for (place, known) in [
        ("log", "attempt"),
        ("log", "reqwest"),
        ("log", "hyper_util"),
        ("debug", "[redacted]"),
        ("json", "svc.citrix"),
        ("errors", "refused the credentials"),
        ("events", "RevocationFailed"),
        ("file adapter.db", "acmecorp0001"),
        ("file adapter.db-wal", "svc.second"),
    ] {
        assert!(out.place(place).contains(known), "{place} holds no {known}; there are {:?}", out.places());
    }
    let mut planted = LetOut::default();
    for form in forms(WRONG) {
        planted.add("here", &form);
        assert!(planted.find(WRONG).is_some(), "{form} is not found");
        planted = LetOut::default();
    }

    for (what, secret) in secrets {
        if let Some(place) = out.find(&secret) {
            panic!("{what} stands in {place}");
        }
    }
}
