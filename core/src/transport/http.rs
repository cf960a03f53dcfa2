//! One attempt over reqwest: no redirects, no cookies, no referrer, bounds on size.

use std::{fmt, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use reqwest::{Client, redirect, retry};

use super::{
    Request, Response, SendFailure, Transport,
    address::{Addresses, NotPublic, Resolver},
    proxy::Proxies,
    tls,
};
use crate::{
    clock::BoxFuture,
    config::{Config, MAX_BODY_BYTES},
    error::{Error, Result},
};

/// Largest head of an answer (T13).
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// How long a connection stays open for the next call: shorter than the minute after which balancers drop it.
const IDLE: Duration = Duration::from_secs(50);
/// Open connections kept for one host: the default of [`Config::concurrency_per_remote`].
const IDLE_PER_HOST: usize = crate::config::CONCURRENCY_PER_REMOTE;
/// How much of an announced body is reserved before it arrives.
const RESERVE: usize = 1024 * 1024;

/// The transport over real connections.
pub struct HttpTransport {
    client: Client,
    addresses: Arc<Addresses>,
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// Sets the client up; connects nowhere.
    ///
    /// # Errors
    /// `invalid_input` when the proxy or a root certificate of the configuration cannot be used.
    pub fn new(config: &Config) -> Result<Self> {
        let proxies = Proxies::new(config, |name| std::env::var(name).ok())?;
        let addresses = Arc::new(Addresses::new(config, &proxies.hosts));
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls::client_config(&config.root_certificates)?)
            .user_agent(concat!("itsm-adapter/", env!("CARGO_PKG_VERSION")))
            // T5: an answer that points elsewhere is an answer, never a second request.
            .redirect(redirect::Policy::none())
            .referer(false)
            // Repeating is decided in one place, above this one. With the bound, no copy of the request is kept for it.
            .retry(retry::never().max_retries_per_request(0))
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST.max(config.concurrency_per_remote))
            .tcp_nodelay(true)
            // One connection carries many calls under HTTP/2: notice early that nobody is there any more.
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_max_header_list_size(64 * 1024)
            .dns_resolver(Resolver(addresses.clone()))
            .no_proxy();
        for proxy in proxies.rules {
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| {
            Error::invalid("The HTTP client cannot be set up with this configuration.").because(error.without_url())
        })?;
        Ok(Self { client, addresses })
    }
}

impl Transport for HttpTransport {
    // By hand, as `async_trait` would write it: what is done before the first wait stays out of the future, which is
    // allocated for every request.
    fn send<'a, 'f>(&'a self, request: Request) -> BoxFuture<'f, Result<Response, (SendFailure, String)>>
    where
        'a: 'f,
        Self: 'f,
    {
        // T4: before anything is sent; names are checked again where they are resolved.
        if let Err(why) = self.addresses.check(&request.url) {
            return Box::pin(std::future::ready(Err((SendFailure::Refused, why.to_owned()))));
        }
        let Request { method, url, headers, body, timeout: _ } = request;
        let mut outgoing = reqwest::Request::new(method, url);
        *outgoing.headers_mut() = headers;
        // What reqwest would say by itself, said where there is room for it.
        outgoing.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        *outgoing.body_mut() = Some(body.into());
        Box::pin(whole(self.client.execute(outgoing)))
    }
}

/// The answer, read to its end within the bounds.
async fn whole(
    incoming: impl Future<Output = reqwest::Result<reqwest::Response>>,
) -> Result<Response, (SendFailure, String)> {
    let mut incoming = incoming.await.map_err(|error| failure(&error))?;
    let headers = std::mem::take(incoming.headers_mut());
    if head_size(&headers) > MAX_HEADER_BYTES {
        return Err(too_large("head"));
    }
    let body = read(&mut incoming).await?;
    Ok(Response { status: incoming.status(), headers, body })
}

/// Reads a body to its end or to the bound, whichever comes first (T13). Counts what comes out of the
/// decompression, so a small bomb ends as early as a large file.
async fn read(incoming: &mut reqwest::Response) -> Result<Bytes, (SendFailure, String)> {
    let announced = incoming.content_length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large("body"));
    }
    let Some(first) = chunk(incoming).await? else { return Ok(Bytes::new()) };
    // Of a body without a length nothing is known yet, also when its first part is empty.
    if announced == Some(first.len()) {
        return Ok(first);
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or_default().min(RESERVE).max(first.len()));
    let mut next = Some(first);
    while let Some(part) = next {
        if part.len() > MAX_BODY_BYTES - body.len() {
            return Err(too_large("body"));
        }
        body.extend_from_slice(&part);
        next = chunk(incoming).await?;
    }
    Ok(body.freeze())
}

async fn chunk(incoming: &mut reqwest::Response) -> Result<Option<Bytes>, (SendFailure, String)> {
    incoming.chunk().await.map_err(|error| failure(&error))
}

fn head_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn too_large(what: &str) -> (SendFailure, String) {
    (SendFailure::TooLarge, format!("the {what} of the answer is larger than allowed"))
}

/// What an error of reqwest means. The text is that of its innermost cause, which knows nothing of the URL.
fn failure(error: &reqwest::Error) -> (SendFailure, String) {
    let mut innermost: &dyn std::error::Error = error;
    let mut refused = false;
    while let Some(source) = innermost.source() {
        innermost = source;
        refused |= innermost.is::<NotPublic>();
    }
    let kind = if refused {
        SendFailure::Refused
    } else if error.is_connect() || error.is_builder() {
        SendFailure::NotConnected
    } else if error.is_timeout() {
        SendFailure::TimedOut
    } else {
        SendFailure::Interrupted
    };
    let text = if std::ptr::eq(innermost, error as &dyn std::error::Error) {
        "the request could not be sent".to_owned()
    } else {
        innermost.to_string().chars().filter(|c| !c.is_control()).take(160).collect()
    };
    (kind, text)
}

#[cfg(test)]
mod tests;
