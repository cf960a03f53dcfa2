//! How connections are made and kept: TCP, a tunnel where there is a proxy, TLS, all of it within one time.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::http::{HeaderMap, Uri, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector, proxy::Tunnel},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tower_service::Service;

use super::{
    address::{Addresses, Resolver},
    http::USER_AGENT,
    proxy::Proxy,
    tls,
};
use crate::{clock::BoxFuture, config::Config, error::Result};

/// How long a connection stays open for the next call: shorter than the minute after which balancers drop it.
const IDLE: Duration = Duration::from_secs(50);
/// Open connections kept for one host: the default of [`Config::concurrency_per_remote`].
const IDLE_PER_HOST: usize = crate::config::CONCURRENCY_PER_REMOTE;
/// A peer that is silent for so long is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Tcp = HttpConnector<Resolver>;
/// Straight to the host.
pub(super) type Direct = Within<HttpsConnector<Tcp>>;
/// Through a tunnel of the proxy, which may be reached by TLS itself.
pub(super) type Tunnelled = Within<HttpsConnector<Tunnel<HttpsConnector<Tcp>>>>;

/// What both ways have in common.
pub(super) struct Connectors {
    tcp: Tcp,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

impl Connectors {
    /// # Errors
    /// `invalid_input` when a root certificate of the configuration cannot be used.
    pub(super) fn new(config: &Config, addresses: Arc<Addresses>) -> Result<Self> {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(addresses));
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(config.connect_timeout));
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(3));
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(2 * KEEP_ALIVE));
        let tls = Arc::new(tls::client_config(&config.root_certificates)?);
        Ok(Self { tcp, tls, timeout: config.connect_timeout })
    }

    pub(super) fn direct(&self) -> Direct {
        Within(HttpsConnector::from((self.tcp.clone(), self.tls.clone())), self.timeout)
    }

    pub(super) fn tunnelled(&self, proxy: &Proxy) -> Tunnelled {
        // The request for a tunnel is one of HTTP/1.1.
        let mut tls = ClientConfig::clone(&self.tls);
        tls.alpn_protocols.clear();
        let to_proxy = HttpsConnector::from((self.tcp.clone(), tls));
        let mut headers = HeaderMap::from_iter([(header::USER_AGENT, USER_AGENT)]);
        headers.extend(proxy.authorization.clone().map(|value| (header::PROXY_AUTHORIZATION, value)));
        let tunnel = Tunnel::new(proxy.address.clone(), to_proxy).with_headers(headers);
        Within(HttpsConnector::from((tunnel, self.tls.clone())), self.timeout)
    }
}

/// A client that keeps its connections.
pub(super) fn client<C: Connect + Clone>(config: &Config, connector: C) -> Client<C, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST.max(config.concurrency_per_remote))
        // One connection carries many calls under HTTP/2: notice early that nobody is there any more.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_max_header_list_size(64 * 1024)
        .build(connector)
}

/// A connector that gives up after this time, whatever it is waiting for.
#[derive(Clone)]
pub(super) struct Within<C>(C, Duration);

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.1, self.0.call(destination));
        Box::pin(async move { connecting.await.map_err(|_| "it took too long")?.map_err(Into::into) })
    }
}
