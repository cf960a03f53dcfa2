//! A transport that looks on: it collects every secret that goes by, for tests that search for them afterwards.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use itsm_adapter::{
    Config,
    transport::{HttpTransport, Request, Response, SendFailure, Transport},
};

/// Sends over the real transport, and remembers the tokens it saw.
pub(crate) struct LookingOn {
    inner: HttpTransport,
    seen: Arc<Mutex<Vec<String>>>,
}

impl fmt::Debug for LookingOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl LookingOn {
    pub(crate) fn new(config: &Config, seen: Arc<Mutex<Vec<String>>>) -> Self {
        Self { inner: HttpTransport::new(config).unwrap(), seen }
    }

    fn note(&self, secret: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= 12 && !seen.iter().any(|known| known == secret) {
            seen.push(secret.to_owned());
        }
    }
}

#[async_trait]
impl Transport for LookingOn {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        if let Some(value) = request.headers.get("authorization").and_then(|value| value.to_str().ok()) {
            self.note(value.rsplit([' ', '=']).next().unwrap_or_default());
        }
        let response = self.inner.send(request).await?;
        if let Ok(serde_json::Value::Object(answer)) = serde_json::from_slice(&response.body) {
            for name in ["access_token", "refresh_token", "token", "openIdToken"] {
                if let Some(token) = answer.get(name).and_then(serde_json::Value::as_str) {
                    self.note(token);
                }
            }
        }
        Ok(response)
    }
}
