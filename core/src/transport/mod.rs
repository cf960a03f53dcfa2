//! One way out: total deadline → retry → limiter → one attempt.
//!
//! A `Call` says what may be repeated; a *judge* of the remote system reads the answer; `Wire::call` puts
//! the two together. The difference that matters most is kept all the way: was the request *not done*, or is
//! that *unknown*?

mod address;
#[cfg(test)]
pub(crate) mod fake;
mod headers;
mod http;
mod json;
mod limit;
mod proxy;
mod retry;
mod text;
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

pub use self::http::HttpTransport;
pub(crate) use self::{
    address::{is_loopback, same_origin},
    headers::{asks_to_wait, content_type_is_json, is_html, secret_header, transaction_id},
    json::{json_depth_ok, parse_json},
    retry::Wire,
    text::clean,
};
use crate::error::Error;

/// One request as it goes out.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL. Never holds a secret.
    pub url: Url,
    /// The headers. Values that are secret are marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for none. May hold secrets and is never printed.
    pub body: Bytes,
    /// Time allowed for this attempt. After that nobody waits for the answer any more, and the future is dropped.
    pub timeout: Duration,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_target(f, &self.method, &self.url)
    }
}

/// No query, no header, no body.
fn write_target(f: &mut fmt::Formatter<'_>, method: &Method, url: &Url) -> fmt::Result {
    write!(f, "{method} {}{}", url.origin().ascii_serialization(), url.path())
}

/// One answer, read to its end within the bounds.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendFailure {
    /// The connection could not be made: name, address, TLS. Nothing was sent.
    NotConnected,
    /// The address is not allowed (T4). Nothing was sent.
    Refused,
    /// The connection broke after it was made; the request may have arrived.
    Interrupted,
    /// No complete answer within the time allowed; the request may have arrived.
    TimedOut,
    /// The answer went beyond a bound: body, headers (T13).
    TooLarge,
}

/// Sends one request once. Implemented over reqwest; a simulated network can take its place.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug + 'static {
    /// Sends it and reads the answer to its end.
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)>;
}

/// What may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Changes nothing over there: repeat whenever there is hope.
    Freely,
    /// Changes something: repeat only what was certainly not done.
    IfNotDone,
    /// Never repeat by itself: credentials are in it (T16), or the waiters share one outcome.
    Never,
}

/// What is asked for, with what the layers above the attempt need to know.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The whole URL. Never holds a secret.
    pub(crate) url: Url,
    /// The headers. Values that are secret are marked sensitive.
    pub(crate) headers: Headers,
    /// The body; empty for none. May hold secrets and is never printed.
    pub(crate) body: Bytes,
    /// Time allowed for one attempt.
    pub(crate) timeout: Duration,
    /// What shares limits with it: an instance's origin, or a Citrix customer.
    pub(crate) remote: Arc<str>,
    /// What may be repeated.
    pub(crate) repeat: Repeat,
    /// The id that was sent along, for the error when the remote answers none.
    pub(crate) transaction_id: Option<String>,
}

/// The headers of a call in their order; the map of them is made for every attempt.
pub(crate) type Headers = Vec<(HeaderName, HeaderValue)>;

pub(crate) fn header_list(map: &HeaderMap) -> Headers {
    map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Headers that the layers below add: what may be sent in answers, and who we are.
const ADDED: usize = 2;

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_target(f, &self.method, &self.url)
    }
}

impl Call {
    /// The request of an attempt that may take so long.
    fn request(&self, timeout: Duration) -> Request {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + ADDED);
        headers.extend(self.headers.iter().cloned());
        Request { method: self.method.clone(), url: self.url.clone(), headers, body: self.body.clone(), timeout }
    }
}

/// What an answer means for the request. The remote's own code decides; content type first, then status.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is what was asked for.
    Done,
    /// Certainly not done, and repeating it as it is would not help.
    Refused(Error),
    /// Certainly not done; may be repeated after this time (none: after a back-off).
    NotDone(Error, Option<Duration>),
    /// May or may not be done. A read may be repeated; a write must be looked up first.
    Unknown(Error),
}

/// Whether a failed call may have changed something over there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Certainly not.
    NotDone,
    /// Nobody knows.
    Unknown,
}

/// A failed call.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// What to tell the caller.
    pub(crate) error: Error,
    /// What may have happened.
    pub(crate) outcome: Outcome,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl AsRef<Error> for Failure {
    fn as_ref(&self) -> &Error {
        &self.error
    }
}

/// An error made before anything was sent.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, outcome: Outcome::NotDone }
    }
}

/// A judge reads an answer of its system. `transaction_id` and the number of attempts are added by [`Wire`].
pub(crate) type Judge = fn(&Response) -> Verdict;
