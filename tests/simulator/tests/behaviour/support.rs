//! A running simulator and a client of it.

use itsm_simulator::{Options, Simulator, seed};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

pub(crate) struct Rig {
    pub(crate) sim: Simulator,
    pub(crate) http: Client,
    pub(crate) citrix: String,
    pub(crate) dev1: String,
}

/// What a token call answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A client that follows nothing and unpacks nothing.
pub(crate) fn client() -> Client {
    // The workspace builds the client without a crypto provider of its own; whoever comes first installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_gzip().build().unwrap()
}

pub(crate) async fn read(response: Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.unwrap() }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    read(request.send().await.unwrap()).await
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let sim = Simulator::start(options).await.unwrap();
        let (citrix, dev1) = (sim.citrix_url(), sim.instance_url("dev1").unwrap());
        let http = client();
        Self { sim, http, citrix, dev1 }
    }

    /// A Citrix token of a seed account.
    pub(crate) async fn citrix_token(&self, account: &seed::SeedAccount) -> String {
        let reply =
            send(self.citrix_token_call(account.customer_id, &account.client_id(), account.client_secret)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn citrix_token_call(&self, customer: &str, id: &str, secret: &str) -> RequestBuilder {
        self.http
            .post(format!("{}/cctrustoauth2/{customer}/tokens/clients", self.citrix))
            .header("accept", "application/json")
            .form(&[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)])
    }

    /// A `DaaS` call of an account.
    pub(crate) fn daas(&self, path: &str, customer: &str, token: &str) -> RequestBuilder {
        self.http
            .get(format!("{}{path}", self.citrix))
            .header("accept", "application/json")
            .header("authorization", format!("CwsAuth Bearer={token}"))
            .header("citrix-customerid", customer)
    }

    /// A password grant with the first seed client of dev1.
    pub(crate) fn password_call(&self, user: &str, password: &str) -> RequestBuilder {
        let client = &seed::oauth_clients("dev1")[0];
        self.http.post(format!("{}/oauth_token.do", self.dev1)).form(&[
            ("grant_type", "password"),
            ("client_id", &client.client_id),
            ("client_secret", &client.client_secret),
            ("username", user),
            ("password", password),
        ])
    }

    pub(crate) fn refresh_call(&self, refresh_token: &str) -> RequestBuilder {
        let client = &seed::oauth_clients("dev1")[0];
        self.http.post(format!("{}/oauth_token.do", self.dev1)).form(&[
            ("grant_type", "refresh_token"),
            ("client_id", &client.client_id),
            ("client_secret", &client.client_secret),
            ("refresh_token", refresh_token),
        ])
    }

    /// The tokens of a seed user on dev1.
    pub(crate) async fn grant(&self, user: &str) -> Value {
        let reply = send(self.password_call(user, seed::find_user(user).unwrap().password)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    /// An access token of a seed user on dev1.
    pub(crate) async fn token(&self, user: &str) -> String {
        self.grant(user).await["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.dev1)).bearer_auth(token).header("accept", "application/json")
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.dev1))
            .bearer_auth(token)
            .header("accept", "application/json")
            .json(body)
    }

    pub(crate) fn patch(&self, path: &str, token: &str, body: &Value) -> RequestBuilder {
        self.http
            .patch(format!("{}{path}", self.dev1))
            .bearer_auth(token)
            .header("accept", "application/json")
            .json(body)
    }

    /// Inserts an incident and returns it.
    pub(crate) async fn incident(&self, token: &str, body: &Value) -> Value {
        let reply = send(self.post("/api/now/table/incident", token, body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.json()["result"].clone()
    }
}
