//! A transport that looks on: it collects every secret that goes by, for tests that search for them afterwards.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use itsm_adapter::{
    Config,
    transport::{HttpTransport, Request, Response, SendFailure, Transport},
};
use tokio::time::timeout;

/// A token that went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Where it came from, such as `http://127.0.0.1:9000`.
    pub(crate) origin: String,
    /// `access_token`, `refresh_token`, …
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Sends over the real transport, and remembers the tokens it saw. Clones share the memory.
#[derive(Clone)]
pub(crate) struct LookingOn {
    inner: Arc<HttpTransport>,
    patience: Duration,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl fmt::Debug for LookingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl LookingOn {
    /// Gives up after the time of one attempt on the machine's clock too: the client's may stand still.
    pub(crate) fn new(config: &Config) -> Self {
        let inner = Arc::new(HttpTransport::new(config).unwrap());
        Self { inner, patience: config.attempt_timeout, seen: Arc::default() }
    }

    /// Every token so far, oldest first, each once.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets them.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn note(&self, origin: &str, name: &str, value: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.iter().any(|known| known.value == value) {
            seen.push(Seen { origin: origin.to_owned(), name: name.to_owned(), value: value.to_owned() });
        }
    }
}

#[async_trait]
impl Transport for LookingOn {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let origin = request.url.origin().ascii_serialization();
        let late = |_| Err((SendFailure::TimedOut, "too late".to_owned()));
        let response = timeout(self.patience, self.inner.send(request)).await.unwrap_or_else(late)?;
        if let Ok(serde_json::Value::Object(answer)) = serde_json::from_slice(&response.body) {
            for name in ["access_token", "refresh_token", "token", "Token", "openIdToken"] {
                if let Some(token) = answer.get(name).and_then(serde_json::Value::as_str) {
                    self.note(&origin, name, token);
                }
            }
        }
        Ok(response)
    }
}

/// Says of every page of Monitor's alerts that another one follows.
#[derive(Debug)]
pub(crate) struct NeverEnds(pub(crate) LookingOn);

#[async_trait]
impl Transport for NeverEnds {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let mut next = request.url.clone();
        let mut response = self.0.send(request).await?;
        if next.path().ends_with("/Notifications") {
            let (skip, rest): (Vec<_>, Vec<_>) = next.query_pairs().into_owned().partition(|(name, _)| name == "$skip");
            let skip = skip.first().map_or(0, |(_, skip)| skip.parse::<u32>().unwrap()) + 1;
            next.query_pairs_mut().clear().extend_pairs(rest).append_pair("$skip", &skip.to_string());
            let mut page: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            page["@odata.nextLink"] = next.as_str().into();
            response.body = page.to_string().into();
        }
        Ok(response)
    }
}

/// Takes the condition out of every look-up in some tables, as an instance does with one that it does not know.
#[derive(Debug)]
pub(crate) struct DropsConditions {
    tables: &'static [&'static str],
    inner: LookingOn,
}

impl DropsConditions {
    /// Of the tables whose paths end like this.
    pub(crate) fn of(tables: &'static [&'static str], inner: LookingOn) -> Self {
        Self { tables, inner }
    }
}

#[async_trait]
impl Transport for DropsConditions {
    async fn send(&self, mut request: Request) -> Result<Response, (SendFailure, String)> {
        let path = request.url.path();
        if request.method == http::Method::GET && self.tables.iter().any(|table| path.ends_with(table)) {
            let kept: Vec<(String, String)> =
                request.url.query_pairs().into_owned().filter(|(name, _)| name != "sysparm_query").collect();
            request.url.query_pairs_mut().clear().extend_pairs(kept);
        }
        self.inner.send(request).await
    }
}
