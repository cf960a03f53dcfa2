//! One attempt over hyper's client: no redirects, no cookies, no referrer, bounds on time and size.

use std::{error::Error as StdError, fmt, io, pin::pin, sync::Arc};

use ::http::{HeaderMap, HeaderValue, Uri, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper_util::client::legacy::{Client, Error as ClientError};
use tower_http::decompression::{Decompression, DecompressionBody};
use tower_service::Service;

use super::{
    Request, Response, SendFailure, Transport,
    address::{Addresses, NotPublic},
    connect::{self, BoxError, Direct, Tunnelled},
    proxy::Proxy,
};
use crate::{
    clock::BoxFuture,
    config::{Config, MAX_BODY_BYTES},
    error::Result,
};

/// Largest head of an answer (T13).
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// How much of an announced body is reserved before it arrives.
const RESERVE: usize = 1024 * 1024;
/// Who asks; a proxy is told so, too.
pub(super) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("itsm-adapter/", env!("CARGO_PKG_VERSION")));

/// The transport over real connections.
pub struct HttpTransport {
    direct: Client<Direct, Full<Bytes>>,
    proxied: Option<(Proxy, Client<Tunnelled, Full<Bytes>>)>,
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
        let proxy = Proxy::new(config, |name| std::env::var(name).ok())?;
        let addresses = Arc::new(Addresses::new(config, proxy.as_ref().map(|proxy| proxy.host.as_str())));
        let connectors = connect::Connectors::new(config, addresses.clone())?;
        let proxied = proxy.map(|proxy| {
            let client = connect::client(config, connectors.tunnelled(&proxy));
            (proxy, client)
        });
        Ok(Self { direct: connect::client(config, connectors.direct()), proxied, addresses })
    }

    /// Begins a request. What is done before the first wait stays out of the caller's future.
    fn begin(&self, request: Request) -> Option<impl Future<Output = Result<Incoming, ClientError>> + Send + use<>> {
        let Request { method, url, headers, body, .. } = request;
        let mut outgoing = ::http::Request::new(Full::new(body));
        *outgoing.method_mut() = method;
        *outgoing.uri_mut() = Uri::try_from(String::from(url)).ok()?;
        *outgoing.headers_mut() = headers;
        outgoing.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        Some(match &self.proxied {
            Some((proxy, client)) if proxy.serves(outgoing.uri()) => Decompression::new(client).call(outgoing),
            _ => Decompression::new(&self.direct).call(outgoing),
        })
    }
}

/// An answer whose body is yet to come, decompressed on the way.
type Incoming = ::http::Response<DecompressionBody<hyper::body::Incoming>>;

impl Transport for HttpTransport {
    // By hand, as `async_trait` would write it: what is done before the first wait stays out of the future, which is
    // allocated for every request.
    fn send<'a, 'f>(&'a self, request: Request) -> BoxFuture<'f, Result<Response, (SendFailure, String)>>
    where
        'a: 'f,
        Self: 'f,
    {
        let refuse = |failure, why: &str| Box::pin(std::future::ready(Err((failure, why.to_owned()))));
        // T4: before anything is sent; names are checked again where they are resolved.
        if let Err(why) = self.addresses.check(&request.url) {
            return refuse(SendFailure::Refused, why);
        }
        let timeout = request.timeout;
        let Some(incoming) = self.begin(request) else {
            return refuse(SendFailure::NotConnected, "the address cannot be sent");
        };
        Box::pin(async move {
            match tokio::time::timeout(timeout, whole(incoming)).await {
                Ok(done) => done,
                Err(_) => Err((SendFailure::TimedOut, format!("no complete answer within {} ms", timeout.as_millis()))),
            }
        })
    }
}

/// The answer, read to its end within the bounds.
async fn whole(
    incoming: impl Future<Output = Result<Incoming, ClientError>>,
) -> Result<Response, (SendFailure, String)> {
    let incoming = incoming.await.map_err(|error| failure(&error))?;
    let (head, body) = incoming.into_parts();
    if head_size(&head.headers) > MAX_HEADER_BYTES {
        return Err(too_large("head"));
    }
    let body = read(pin!(body)).await?;
    Ok(Response { status: head.status, headers: head.headers, body })
}

/// Reads a body to its end or to the bound, whichever comes first (T13). Counts what comes out of the
/// decompression, so a small bomb ends as early as a large file.
async fn read<B>(mut incoming: B) -> Result<Bytes, (SendFailure, String)>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let announced = incoming.size_hint().exact().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large("body"));
    }
    let Some(first) = part(&mut incoming).await? else { return Ok(Bytes::new()) };
    // Of a body without a length nothing is known yet, also when its first part is empty.
    if announced == Some(first.len()) {
        return Ok(first);
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or_default().min(RESERVE).max(first.len()));
    let mut next = Some(first);
    while let Some(bytes) = next {
        if bytes.len() > MAX_BODY_BYTES - body.len() {
            return Err(too_large("body"));
        }
        body.extend_from_slice(&bytes);
        next = part(&mut incoming).await?;
    }
    Ok(body.freeze())
}

/// The next bytes; trailers are passed over.
async fn part<B>(incoming: &mut B) -> Result<Option<Bytes>, (SendFailure, String)>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    while let Some(frame) = incoming.frame().await {
        if let Ok(bytes) = frame.map_err(|error| failure(&*error.into()))?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn head_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn too_large(what: &str) -> (SendFailure, String) {
    (SendFailure::TooLarge, format!("the {what} of the answer is larger than allowed"))
}

/// What an error means. The text is that of its innermost cause, which knows nothing of the URL.
fn failure(error: &(dyn StdError + 'static)) -> (SendFailure, String) {
    let mut innermost = error;
    let mut kind = SendFailure::Interrupted;
    loop {
        if innermost.is::<NotPublic>() {
            kind = SendFailure::Refused;
        } else if innermost.downcast_ref().is_some_and(ClientError::is_connect) {
            kind = SendFailure::NotConnected;
        } else if kind == SendFailure::Interrupted && timed_out(innermost) {
            kind = SendFailure::TimedOut;
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => break,
        }
    }
    (kind, innermost.to_string().chars().filter(|c| !c.is_control()).take(160).collect())
}

fn timed_out(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref().is_some_and(hyper::Error::is_timeout)
        || error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests;
