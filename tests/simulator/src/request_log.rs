//! What was asked of the simulator, in order, without secrets and bodies.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::http_message::{Ask, Note, percent_decode};
use crate::lock::lock;

/// One request as the log keeps it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// Position in the log, counted from 1; clearing the log does not start again.
    pub n: u64,
    /// When it arrived, by the simulator's clock.
    pub at: DateTime<Utc>,
    /// `citrix` or `servicenow`.
    pub system: &'static str,
    /// Name of the `ServiceNow` instance, absent for Citrix.
    pub instance: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path as sent.
    pub path: String,
    /// Query as sent; values of secret parameters are replaced by `***`.
    pub query: String,
    /// Status answered; absent while the request runs and for a connection that was cut.
    pub status: Option<u16>,
    /// Route name, the same word a fault uses, such as `table:incident:insert`.
    pub route: String,
    /// Headers that are not secret: see the README for the list.
    pub headers: BTreeMap<String, String>,
    /// Whether an `Authorization` header was there.
    pub authorized: bool,
    /// Its scheme, as sent.
    pub scheme: Option<String>,
    /// Whether cookies were sent.
    pub cookies: bool,
    /// Citrix customer the request was for, when known.
    pub customer: Option<String>,
    /// `ServiceNow` user the request acted as, when known.
    pub user: Option<String>,
    /// `grant_type` of a token call.
    pub grant_type: Option<String>,
    /// Name of the fault that was applied.
    pub fault: Option<String>,
    /// Transaction id of the answer.
    pub transaction_id: Option<String>,
}

/// Headers worth keeping: none of them carries a secret.
const KEPT: [&str; 12] = [
    "accept",
    "accept-encoding",
    "content-type",
    "content-length",
    "citrix-customerid",
    "citrix-instanceid",
    "citrix-transactionid",
    "user-agent",
    "host",
    "x-http-method-override",
    "x-no-response-body",
    "connection",
];

/// Parameters whose value never reaches the log.
const SECRET: [&str; 12] = [
    "token",
    "access_token",
    "refresh_token",
    "client_secret",
    "password",
    "code",
    "code_verifier",
    "assertion",
    "user_password",
    "sysparm_ck",
    "authHeaders",
    "state",
];

#[derive(Debug, Default)]
struct Entries {
    first: u64,
    list: VecDeque<LoggedRequest>,
}

/// The log itself; bounded, the oldest entries go first.
#[derive(Debug)]
pub(crate) struct RequestLog {
    entries: Mutex<Entries>,
    limit: usize,
}

impl RequestLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: Mutex::new(Entries { first: 1, list: VecDeque::new() }), limit: limit.max(1) }
    }

    /// Writes a request down when it arrives and returns its number.
    pub(crate) fn begin(
        &self,
        at: DateTime<Utc>,
        system: &'static str,
        instance: Option<&str>,
        ask: &Ask,
        route: &str,
    ) -> u64 {
        let authorization = ask.header("authorization");
        let entry = LoggedRequest {
            n: 0,
            at,
            system,
            instance: instance.map(str::to_owned),
            method: ask.method.as_str().to_owned(),
            path: ask.path.clone(),
            query: redact(&ask.query),
            status: None,
            route: route.to_owned(),
            headers: KEPT
                .iter()
                .filter_map(|name| ask.header(name).map(|value| ((*name).to_owned(), value.to_owned())))
                .collect(),
            authorized: ask.headers.contains_key(http::header::AUTHORIZATION),
            scheme: authorization.and_then(|text| text.split_whitespace().next()).map(str::to_owned),
            cookies: ask.headers.contains_key(http::header::COOKIE),
            customer: None,
            user: None,
            grant_type: None,
            fault: None,
            transaction_id: None,
        };
        let mut entries = lock(&self.entries);
        let n = entries.first + entries.list.len() as u64;
        entries.list.push_back(LoggedRequest { n, ..entry });
        if entries.list.len() > self.limit {
            entries.list.pop_front();
            entries.first += 1;
        }
        n
    }

    /// Names the fault that a request met.
    pub(crate) fn fault(&self, n: u64, name: &str) {
        self.change(n, |entry| entry.fault = Some(name.to_owned()));
    }

    /// Completes an entry when its answer is known.
    pub(crate) fn end(&self, n: u64, status: Option<u16>, note: Note) {
        self.change(n, |entry| {
            entry.status = status;
            entry.customer = note.customer.or(entry.customer.take());
            entry.user = note.user;
            entry.grant_type = note.grant_type;
            entry.transaction_id = note.transaction_id;
        });
    }

    fn change(&self, n: u64, with: impl FnOnce(&mut LoggedRequest)) {
        let mut entries = lock(&self.entries);
        let first = entries.first;
        if let Some(entry) =
            n.checked_sub(first).and_then(|at| usize::try_from(at).ok()).and_then(|at| entries.list.get_mut(at))
        {
            with(entry);
        }
    }

    /// A copy of all entries, oldest first.
    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        lock(&self.entries).list.iter().cloned().collect()
    }

    /// Forgets everything; numbers go on, so that a request still running cannot be mistaken for a new one.
    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.entries);
        entries.first += entries.list.len() as u64;
        entries.list.clear();
    }
}

/// Replaces the values of secret parameters; everything else stays as it was sent.
fn redact(query: &str) -> String {
    query
        .split('&')
        .map(|part| {
            let name = part.split_once('=').map_or(part, |(name, _)| name);
            if SECRET.contains(&percent_decode(name).as_str()) { format!("{name}=***") } else { part.to_owned() }
        })
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn only_secret_values_are_replaced() {
        assert_eq!(redact("sysparm_query=state=1^a=b&token=abc&x=%20y"), "sysparm_query=state=1^a=b&token=***&x=%20y");
        assert_eq!(redact("acc%65ss_token=abc"), "acc%65ss_token=***");
    }
}
