//! The transport against real sockets on loopback.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::http::{HeaderValue, Method, header};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use url::Url;

use super::*;
use crate::{
    clock::Chance,
    error::ErrorKind,
    transport::{Call, Outcome, Repeat, Verdict, Wire, header_list},
};

/// Takes every connection to the handler; the address is that of the listener.
async fn serve<F, D>(handler: F) -> String
where
    F: Fn(TcpStream) -> D + Send + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(handler(connection));
        }
    });
    format!("http://{address}")
}

/// Answers every connection with these bytes and then waits for the other side to go.
async fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = Arc::new(answer.into());
    serve(move |mut connection| {
        let answer = answer.clone();
        async move {
            head_of(&mut connection).await;
            let _ = connection.write_all(&answer).await;
            let _ = connection.read(&mut [0]).await;
        }
    })
    .await
}

/// Reads the head of a request.
async fn head_of(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn transport() -> HttpTransport {
    let mut config = Config::default();
    config.instance_hosts.allow_private_networks = true;
    HttpTransport::new(&config).unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]),
        body: Bytes::new(),
        timeout: Duration::from_secs(60),
    }
}

async fn failure_of(url: &str) -> (SendFailure, String) {
    transport().send(get(url)).await.unwrap_err()
}

#[tokio::test]
async fn a_port_where_nobody_listens_was_not_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(failure_of(&format!("http://{address}/?secret=hunter2")).await.0, SendFailure::NotConnected);
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_was_not_connected() {
    let address = serve(|mut connection| async move {
        let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = connection.read(&mut [0; 1024]).await;
    })
    .await;
    assert_eq!(failure_of(&address.replace("http:", "https:")).await.0, SendFailure::NotConnected);
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_was_interrupted() {
    let after_reading = serve(|mut connection| async move {
        head_of(&mut connection).await;
    })
    .await;
    let (failure, text) = failure_of(&format!("{after_reading}/path?secret=hunter2")).await;
    assert_eq!(failure, SendFailure::Interrupted);
    assert!(!text.contains("hunter2") && !text.is_empty(), "{text}");
}

#[tokio::test]
async fn a_body_that_breaks_off_was_interrupted() {
    let address = serve(|mut connection| async move {
        head_of(&mut connection).await;
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":").await;
    })
    .await;
    assert_eq!(failure_of(&address).await.0, SendFailure::Interrupted);
}

/// Over the wire, which keeps the time.
async fn assert_too_slow(url: &str) {
    let Request { method, url, headers, body, .. } = get(url);
    let call = Call {
        method,
        url,
        headers: header_list(&headers),
        body,
        timeout: Duration::from_millis(100),
        remote: "slow".into(),
        repeat: Repeat::Never,
        transaction_id: None,
    };
    let wire = Wire::new(Arc::new(transport()), &Config::default(), Chance::default());
    let failure = wire.call(call, |_: &Response| Verdict::Done).await.unwrap_err();
    assert_eq!((failure.error.kind(), failure.outcome), (ErrorKind::Timeout, Outcome::Unknown));
}

#[tokio::test]
async fn an_answer_that_never_begins_times_out() {
    let address = serve(|connection| async move {
        let _held = connection;
        std::future::pending::<()>().await;
    })
    .await;
    assert_too_slow(&address).await;
}

#[tokio::test]
async fn a_dripping_body_times_out_however_long_it_drips() {
    let address = serve(|mut connection| async move {
        head_of(&mut connection).await;
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while connection.write_all(b"1\r\nx\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_too_slow(&address).await;
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let address = answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY_BYTES + 1)).await;
    assert_eq!(failure_of(&address).await.0, SendFailure::TooLarge);
}

#[tokio::test]
async fn a_body_without_an_end_is_read_to_the_bound_only() {
    let address = serve(|mut connection| async move {
        head_of(&mut connection).await;
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x1_0000], b"\r\n"].concat();
        while connection.write_all(&chunk).await.is_ok() {}
    })
    .await;
    assert_eq!(failure_of(&address).await.0, SendFailure::TooLarge);
}

#[tokio::test]
async fn a_body_of_exactly_the_bound_is_read() {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {MAX_BODY_BYTES}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + MAX_BODY_BYTES, b'x');
    let response = transport().send(get(&answering(answer).await)).await.unwrap();
    assert_eq!(response.body.len(), MAX_BODY_BYTES);
}

/// A gzip stream of this many zeros and a little more: one literal, then matches of 258 bytes that cost
/// thirteen bits each.
fn bomb(size: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut pending, mut count) = (0_u32, 0);
    let mut write = |bits: &str| {
        for bit in bits.bytes() {
            pending |= u32::from(bit - b'0') << count;
            count += 1;
            if count == 8 {
                bytes.push(u8::try_from(pending).unwrap());
                (pending, count) = (0, 0);
            }
        }
    };
    write("1"); // the last block
    write("10"); // of fixed codes
    write("00110000"); // a zero
    for _ in 0..size / 258 {
        write("11000101"); // 258 bytes
        write("00000"); // from one byte ago
    }
    write("0000000"); // the end
    write("0000000");
    bytes
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn a_compressed_bomb_is_counted_after_decompression() {
    let bomb = bomb(3 * MAX_BODY_BYTES);
    assert!(bomb.len() < MAX_BODY_BYTES / 10);
    assert_eq!(failure_of(&answering(zipped(&bomb)).await).await.0, SendFailure::TooLarge);
}

#[tokio::test]
async fn compressed_answers_are_read_plain() {
    // `{"a":1}`, as gzip writes it without compression.
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 7, 0, 0xf8, 0xff];
    body.extend_from_slice(b"{\"a\":1}");
    body.extend_from_slice(&crc32(b"{\"a\":1}").to_le_bytes());
    body.extend_from_slice(&7_u32.to_le_bytes());
    let response = transport().send(get(&answering(zipped(&body)).await)).await.unwrap();
    assert_eq!(response.body, "{\"a\":1}");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[tokio::test]
async fn a_head_beyond_the_bound_is_refused() {
    let pad = "x".repeat(4096);
    let head = format!("X-Pad: {pad}\r\n").repeat(17);
    let address = answering(format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n")).await;
    assert_eq!(failure_of(&address).await.0, SendFailure::TooLarge);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_sent_after_it() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let counter = elsewhere.clone();
    let other = serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    })
    .await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("HTTP/1.1 {status} Moved\r\nLocation: {other}/steal\r\nContent-Length: 0\r\n\r\n");
        let response = transport().send(get(&answering(answer).await)).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.headers[header::LOCATION], format!("{other}/steal"));
    }
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_request_says_who_it_is_and_carries_nothing_over() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let address = serve(move |mut connection| {
        let seen = seen.clone();
        async move {
            for _ in 0..2 {
                let _ = seen.send(head_of(&mut connection).await.to_ascii_lowercase());
                let answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\n{}";
                let _ = connection.write_all(answer).await;
            }
        }
    })
    .await;
    let transport = transport();
    for _ in 0..2 {
        transport.send(get(&format!("{address}/a"))).await.unwrap();
        let head = heads.recv().await.unwrap();
        assert!(head.contains(&format!("user-agent: itsm-adapter/{}\r\n", env!("CARGO_PKG_VERSION"))), "{head}");
        assert!(head.contains("accept: application/json\r\n"), "{head}");
        assert!(!head.contains("cookie") && !head.contains("referer"), "{head}");
    }
}

#[tokio::test]
async fn an_address_inside_is_refused_and_nothing_is_sent() {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = reached.clone();
    let address = serve(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    })
    .await;
    let port = address.rsplit(':').next().unwrap();
    let strict = HttpTransport::new(&Config::default()).unwrap();
    for url in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"), // refused only where the name is resolved
        format!("http://localhost:{port}/"),
    ] {
        assert_eq!(strict.send(get(&url)).await.unwrap_err().0, SendFailure::Refused, "{url}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_stand_in_for_citrix_may_be_on_loopback_and_only_its_origin() {
    let address = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let other = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let named = address.replace("127.0.0.1", "localhost");
    let config = Config { citrix_url: Some(named.clone()), ..Config::default() };
    let transport = HttpTransport::new(&config).unwrap();
    assert!(transport.send(get(&named)).await.is_ok());
    for url in [other.clone(), other.replace("127.0.0.1", "localhost"), address] {
        assert_eq!(transport.send(get(&url)).await.unwrap_err().0, SendFailure::Refused, "{url}");
    }
}

#[tokio::test]
async fn calls_go_through_the_configured_proxy_except_those_to_loopback() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let proxy = serve(move |mut connection| {
        let seen = seen.clone();
        async move {
            let _ = seen.send(head_of(&mut connection).await);
        }
    })
    .await;
    let direct = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let mut config = Config { proxy: Some(proxy.into()), ..Config::default() };
    config.instance_hosts.allow_private_networks = true;
    let transport = HttpTransport::new(&config).unwrap();
    assert!(transport.send(get(&direct)).await.is_ok());
    let failed = transport.send(get("https://dev1.service-now.com/")).await.unwrap_err();
    assert_eq!(failed.0, SendFailure::NotConnected);
    assert!(heads.recv().await.unwrap().starts_with("CONNECT dev1.service-now.com:443 "));
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    for config in [
        Config { proxy: Some("socks5://u:hunter2@proxy.example".into()), ..Config::default() },
        Config { root_certificates: vec![b"not PEM".to_vec()], ..Config::default() },
    ] {
        let error = HttpTransport::new(&config).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

/// As HTTP/2 may send it: a first frame with nothing in it.
#[tokio::test]
async fn a_body_that_begins_with_an_empty_part_is_read_to_its_end() {
    let parts = ["", "{\"a\":", "1}"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(parts));
    let mut incoming = reqwest::Response::from(::http::Response::new(body));
    assert_eq!(read(&mut incoming).await.unwrap(), "{\"a\":1}");
}
