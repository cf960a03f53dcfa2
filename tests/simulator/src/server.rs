//! Listeners on loopback and the connection loop, which can really reset a connection.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::body::SimBody;
use crate::control;
use crate::damage::{self, Outcome};
use crate::gate::Pass;
use crate::http_message::{Answer, Ask, value_of};
use crate::system::System;
use crate::world::World;

/// The largest body read at all. Limits of the real systems are below this and answered in their own words.
const READ_LIMIT: usize = 64 << 20;

/// Opens a listener on 127.0.0.1; port 0 takes a free one.
pub(crate) async fn listen(port: u16) -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let url = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    Ok((listener, url))
}

/// Serves a listener in a task of its own.
pub(crate) fn start(world: &Arc<World>, system: System, listener: TcpListener, url: String) {
    world.keep(tokio::spawn(accept(world.clone(), system, listener, url)));
}

/// Accepts connections until the simulator stops, then waits until the last of them is gone: whoever asked to stop
/// gets the answer before the process ends.
async fn accept(world: Arc<World>, system: System, listener: TcpListener, url: String) {
    let url: Arc<str> = url.into();
    let mut stopping = world.stopping();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = ended(&mut stopping) => break,
        };
        // An error here belongs to the one connection that could not be taken.
        let Ok((stream, _)) = accepted else { continue };
        connections.spawn(connection(world.clone(), system.clone(), stream, url.clone()));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Resolves when the simulator stops; the guard inside must not live longer than this call.
async fn ended(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn connection(world: Arc<World>, system: System, stream: TcpStream, url: Arc<str>) {
    let _ = stream.set_nodelay(true);
    let mut stopping = world.stopping();
    let reset = Arc::new(Notify::new());
    let service = {
        let reset = reset.clone();
        service_fn(move |request| {
            Box::pin(exchange(world.clone(), system.clone(), request, reset.clone(), url.clone()))
        })
    };
    let mut served = http1::Builder::new().max_buf_size(1 << 20).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = &mut served => {}
        () = reset.notified() => {
            let stream = served.into_parts().io.into_inner();
            // Without lingering, closing sends RST instead of FIN.
            let _ = stream.set_zero_linger();
            drop(stream);
        }
        () = ended(&mut stopping) => {
            // Lets the answer to `POST /stop` leave before the connection goes.
            std::pin::Pin::new(&mut served).graceful_shutdown();
            let _ = tokio::time::timeout(std::time::Duration::from_millis(500), served).await;
        }
    }
}

async fn exchange(
    world: Arc<World>,
    system: System,
    request: http::Request<Incoming>,
    reset: Arc<Notify>,
    url: Arc<str>,
) -> Result<Response<SimBody>, Infallible> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let bytes = match Limited::new(body, READ_LIMIT).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(plain(Answer::html(413, "<html><body>Request Entity Too Large</body></html>")));
        }
        Err(_) => Bytes::new(),
    };
    let ask = Ask::new(head.method, target, head.headers, bytes, &url);
    // The pass is held until the answer leaves: a request that hangs blocks its session.
    let (outcome, _pass) = match &system {
        System::Control => (Outcome::Answer(control::answer(&world, &ask).await), None),
        System::Citrix | System::ServiceNow(_) => serve(&world, &system, &ask).await,
    };
    match outcome {
        Outcome::Answer(answer) => Ok(plain(answer)),
        Outcome::Body(answer, body) => Ok(response(answer, body)),
        Outcome::Reset => {
            reset.notify_one();
            std::future::pending().await
        }
        Outcome::Never => std::future::pending().await,
    }
}

/// One request that came without a socket; none when no answer would leave, or none in one piece.
pub(crate) async fn direct(world: &Arc<World>, system: &System, ask: &Ask) -> Option<Answer> {
    match serve(world, system, ask).await.0 {
        Outcome::Answer(answer) => Some(answer),
        Outcome::Body(..) | Outcome::Reset | Outcome::Never => None,
    }
}

/// One request of a simulated system: log, gate, fault, work.
async fn serve(world: &Arc<World>, system: &System, ask: &Ask) -> (Outcome, Option<Pass>) {
    let route = system.route(ask);
    let n = world.log.begin(world.now(), system.kind(), system.instance_name(), ask, &route);
    let customer = system.customer(world, ask);
    let pass = match system.enter(world, ask, &route, customer.as_deref()).await {
        Ok(pass) => pass,
        Err(answer) => {
            world.log.end(n, Some(answer.status.as_u16()), answer.note.clone());
            return (Outcome::Answer(*answer), None);
        }
    };
    let form = if route.starts_with("token") { ask.form() } else { Vec::new() };
    let fault = world.faults.take(system.fault_name(), &route, customer.as_deref(), value_of(&form, "grant_type"));
    if let Some(fault) = &fault {
        world.log.fault(n, &fault.fault.name());
    }
    let (outcome, mut note) = damage::run(world, system, ask, &route, fault.as_ref()).await;
    note.customer = note.customer.or(customer);
    world.log.end(n, outcome.status(), note);
    (outcome, pass)
}

fn plain(answer: Answer) -> Response<SimBody> {
    let body = SimBody::full(answer.body.clone());
    response(answer, body)
}

fn response(answer: Answer, body: SimBody) -> Response<SimBody> {
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}
