//! The listener: loopback only, one address, one path, one answer; whatever else comes is turned away (T3).

use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use url::{Host, Url};

use super::{Hearing, hearing::Showing, page};
use crate::{
    clock::Chance,
    error::{Error, ErrorKind, Result},
    model::Authorized,
    oauth::Callback,
    secret::Secret,
};

/// Connections that are served at a time; a browser opens two or three.
const CONNECTIONS: usize = 16;
/// How long a head may take, and how large it may be.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 32 * 1024;

/// An address on loopback that is taken, and not served yet.
pub(crate) struct Place {
    listener: TcpListener,
    /// The redirect URL, with the port that was found.
    pub(crate) redirect_url: Url,
}

impl Place {
    /// Takes the address of the redirect URL; without one, a free port of 127.0.0.1 and a path that nobody guesses.
    ///
    /// # Errors
    /// `invalid_input` when it is not a loopback address, `unavailable` when it is taken.
    pub(crate) async fn take(redirect_url: Option<&str>, chance: &Chance) -> Result<Self> {
        let mut url = match redirect_url {
            Some(url) => Url::parse(url).map_err(|_| not_loopback())?,
            None => {
                let mut path = [0; 16];
                chance.random.fill(&mut path);
                Url::parse(&format!("http://127.0.0.1:0/callback/{}", URL_SAFE_NO_PAD.encode(path)))
                    .map_err(|_| not_loopback())?
            }
        };
        let address = match (url.scheme(), url.host()) {
            ("http", Some(Host::Ipv4(address))) if address.is_loopback() => IpAddr::V4(address),
            ("http", Some(Host::Ipv6(address))) if address.is_loopback() => IpAddr::V6(address),
            // A name may be resolved to something else, by others (RFC 8252 section 8.3).
            _ => return Err(not_loopback()),
        };
        let taken = |error: std::io::Error| {
            Error::new(ErrorKind::Unavailable, "The address of the redirect URL cannot be listened on.")
                .remedy("End what listens there, or enter another port in the redirect URL.")
                .because(error)
        };
        let wanted = SocketAddr::new(address, url.port_or_known_default().unwrap_or(0));
        let listener = TcpListener::bind(wanted).await.map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        url.set_port(Some(port)).map_err(|()| not_loopback())?;
        Ok(Self { listener, redirect_url: url })
    }
}

fn not_loopback() -> Error {
    Error::invalid("The redirect URL of a listener must begin with http://127.0.0.1 or http://[::1].")
        .remedy("Give a loopback address, as it is entered in the instance, or none for a free port.")
}

/// Serves one flow at its place.
pub(crate) struct Listener<F> {
    redirect_url: Url,
    state: Secret,
    finish: F,
    hearing: Hearing,
}

impl<F, Fut> Listener<F>
where
    F: Fn(Callback) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Authorized>> + Send + 'static,
{
    /// Serves until the future is dropped. `finish` is called once, with the first callback that carries the state;
    /// its result is what every later request for the same address is shown.
    pub(crate) fn serve(place: Place, state: Secret, finish: F) -> (impl Future<Output = ()> + Send, Hearing) {
        let hearing = Hearing::default();
        let Place { listener, redirect_url } = place;
        let own = Arc::new(Self { redirect_url, state, finish, hearing: hearing.clone() });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let served = async move {
            loop {
                let Ok(room) = Arc::clone(&places).acquire_owned().await else { return };
                // Out of descriptors, say: the next one may do better, a little later.
                let Ok((stream, peer)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                if peer.ip().is_loopback() {
                    let own = Arc::clone(&own);
                    tokio::spawn(async move {
                        own.converse(stream).await;
                        drop(room);
                    });
                }
            }
        };
        (served, hearing)
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        // Held until the page is written.
        let showing = OnceLock::new();
        let service = service_fn(|request| {
            let (own, showing) = (Arc::clone(&self), &showing);
            async move { Ok::<_, Infallible>(own.answer(request, showing).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(error = %error, "a connection to the callback listener ended early");
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, showing: &OnceLock<Showing>) -> Response<Full<Bytes>> {
        // The name that was asked for: another one was made to point here by somebody else (DNS rebinding).
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        if host != Some(self.redirect_url.authority()) || request.uri().authority().is_some() {
            return page::turned_away(StatusCode::MISDIRECTED_REQUEST);
        }
        if request.uri().path() != self.redirect_url.path() {
            return page::turned_away(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET {
            return page::turned_away(StatusCode::METHOD_NOT_ALLOWED);
        }
        let mut url = self.redirect_url.clone();
        url.set_query(request.uri().query());
        match Callback::read(url.as_str()) {
            Ok(callback) if callback.answers(&self.state) => {
                showing.get_or_init(|| self.hearing.show());
                page::of(&self.hear(callback).await)
            }
            Ok(_) | Err(_) => page::foreign(),
        }
    }

    /// Finishes the flow with the first callback, and tells every one how that ended: a double click, a reload, the
    /// back button.
    async fn hear(self: &Arc<Self>, callback: Callback) -> Result<Authorized> {
        if self.hearing.take() {
            let own = Arc::clone(self);
            // A task of its own: a browser that goes away does not end it.
            tokio::spawn(async move {
                let ended = (own.finish)(callback).await;
                own.hearing.tell(ended);
            });
        }
        self.hearing.outcome().await
    }
}
