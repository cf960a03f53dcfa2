//! The same work with reqwest and oauth2 alone: what a careful person would write for one instance.

use futures_util::{StreamExt, stream};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, ResourceOwnerPassword, ResourceOwnerUsername,
    TokenResponse, TokenUrl, basic::BasicClient,
};
use serde::Deserialize;

use crate::{INCIDENT, Incident, Made, measure};

pub(crate) struct Plain {
    http: reqwest::Client,
    base: String,
    token: String,
}

#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

/// A client as one would set it up for one instance.
pub(crate) fn http() -> reqwest::Client {
    let tls =
        rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(std::time::Duration::from_secs(30))
        .build()
        .unwrap()
}

impl Plain {
    pub(crate) async fn new(base: &str) -> Self {
        let http = http();
        let base = base.to_owned();
        let client = BasicClient::new(ClientId::new("client".into()))
            .set_client_secret(ClientSecret::new("secret".into()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::new(format!("{base}/oauth_token.do")).unwrap());
        let carry = async |request: HttpRequest| -> Result<HttpResponse, reqwest::Error> {
            let answer = http.execute(request.try_into()?).await?;
            let mut response = HttpResponse::new(Vec::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = answer.headers().clone();
            *response.body_mut() = answer.bytes().await?.to_vec();
            Ok(response)
        };
        let token = client
            .exchange_password(
                &ResourceOwnerUsername::new("user".into()),
                &ResourceOwnerPassword::new("password".into()),
            )
            .request_async(&carry)
            .await
            .unwrap()
            .access_token()
            .secret()
            .clone();
        Self { http, base, token }
    }

    pub(crate) async fn insert(&self, incident: &Incident, count: usize, in_flight: usize) {
        let url = format!(
            "{}/api/now/table/incident?sysparm_fields=sys_id%2Cnumber&sysparm_exclude_reference_link=true",
            self.base
        );
        let work = stream::iter(0..count).map(|_| async {
            let answer = self
                .http
                .post(&url)
                .bearer_auth(&self.token)
                .header("accept", "application/json")
                .header("content-type", "application/json")
                .body(serde_json::to_vec(incident).unwrap())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 201);
            let made: Envelope<Made> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            assert!(!made.result.sys_id.is_empty() && !made.result.number.is_empty());
        });
        work.buffer_unordered(in_flight).collect::<Vec<()>>().await;
    }

    pub(crate) async fn list(&self, size: usize) -> usize {
        let (mut seen, mut last) = (0, String::new());
        loop {
            let query =
                if last.is_empty() { "ORDERBYsys_id".to_owned() } else { format!("sys_id>{last}^ORDERBYsys_id") };
            let mut url = url::Url::parse(&format!("{}/api/now/table/incident", self.base)).unwrap();
            url.query_pairs_mut()
                .append_pair("sysparm_query", &query)
                .append_pair("sysparm_limit", &size.to_string())
                .append_pair("sysparm_no_count", "true")
                .append_pair("sysparm_exclude_reference_link", "true");
            let answer =
                self.http.get(url).bearer_auth(&self.token).header("accept", "application/json").send().await.unwrap();
            let page: Envelope<Vec<Made>> = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            let Some(end) = page.result.last() else { return seen };
            last.clone_from(&end.sys_id);
            seen += page.result.len();
        }
    }
}

/// Does what lines of standard input say, `TASK COUNT IN_FLIGHT`, against the server at this address, and says how many
/// seconds each took and how much processor time it used: a peer for the benches of the languages.
pub(crate) async fn work(url: &str) {
    let plain = Plain::new(url).await;
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let (wall, cpu) = (std::time::Instant::now(), measure::cpu_time());
        plain.insert(&INCIDENT, words[1].parse().unwrap(), words[2].parse().unwrap()).await;
        println!("{} {}", wall.elapsed().as_secs_f64(), measure::cpu_time().saturating_sub(cpu).as_secs_f64());
    }
}
