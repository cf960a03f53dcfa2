//! Who is spoken to: certificates as they can be wrong, against a real server on loopback.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use ::http::{HeaderMap, Method};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::*;
use crate::{
    config::Config,
    transport::{HttpTransport, Request, SendFailure, Transport},
};

/// An authority that nobody knows, unless its certificate is given.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a certificate of that authority says of a server.
fn server(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// Serves one connection after another; counts the requests that came through.
async fn serve(params: CertificateParams, by: &CertifiedIssuer<'static, KeyPair>) -> (Url, Arc<AtomicUsize>) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://localhost:{}/", listener.local_addr().unwrap().port())).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(connection).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            counted.fetch_add(usize::from(!head.is_empty()), Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await;
            let _ = stream.shutdown().await;
        }
    });
    (url, asked)
}

async fn ask(url: &Url, roots: &[&CertifiedIssuer<'static, KeyPair>]) -> Result<(), (SendFailure, String)> {
    let mut config = Config::default();
    config.instance_hosts.allow_private_networks = true;
    config.root_certificates = roots.iter().map(|root| root.pem().into_bytes()).collect();
    let request = Request {
        method: Method::GET,
        url: url.clone(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(30),
    };
    HttpTransport::new(&config).unwrap().send(request).await.map(drop)
}

/// T9: nobody is told anything who cannot prove to be who was asked for.
#[tokio::test]
async fn only_a_server_with_a_good_certificate_is_spoken_to() {
    let (known, unknown) = (authority(), authority());
    let (good, asked) = serve(server("localhost"), &known).await;
    ask(&good, &[&known]).await.unwrap();
    ask(&good, &[&unknown, &known]).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let (mut expired, mut early) = (server("localhost"), server("localhost"));
    expired.not_after = date_time_ymd(2020, 1, 1);
    early.not_before = date_time_ymd(4000, 1, 1);
    for (what, params, trusted) in [
        ("an authority that nobody knows", server("localhost"), None),
        ("another authority", server("localhost"), Some(&unknown)),
        ("another name", server("dev1.service-now.com"), Some(&known)),
        ("its time is over", expired, Some(&known)),
        ("its time has not begun", early, Some(&known)),
    ] {
        let (url, asked) = serve(params, &known).await;
        let roots: Vec<_> = trusted.into_iter().collect();
        let (failure, text) = ask(&url, &roots).await.unwrap_err();
        assert_eq!(failure, SendFailure::NotConnected, "{what}: {text}");
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{what}: nothing was sent");
    }
}

#[test]
fn tls_starts_with_the_platform_and_offers_both_versions_of_http() {
    let config = client_config(&[]).unwrap();
    assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert!(!config.enable_early_data);
}

#[test]
fn a_root_certificate_that_is_none_is_named_at_the_start() {
    for bad in [&b""[..], b"not PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = client_config(&[bad.to_vec()]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[test]
fn without_roots_every_server_is_refused_with_the_reason() {
    let none = NoRoots(Arc::new(ring::default_provider()));
    let name = ServerName::try_from("example.org").unwrap();
    let answer = none.verify_server_cert(&CertificateDer::from(vec![]), &[], &name, &[], UnixTime::now());
    assert!(answer.unwrap_err().to_string().contains("no root certificates"));
}
