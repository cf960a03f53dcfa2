//! Where calls may go (T4, T5, T9): no address inside, no host that is none of ours, no link, nothing in the clear.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use itsm_adapter::{
    Client, Config, Connect, ErrorKind, Query, Record, RegisterServiceAccount,
    transport::{Request, Response, SendFailure, Transport},
};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, DEV1, World, is, password, stranger::Stranger, until, wire::LookingOn};

fn at(url: &str) -> RegisterServiceAccount {
    RegisterServiceAccount {
        customer_id: ACME.into(),
        instance_url: url.into(),
        instance_name: None,
        client_id: "0123456789abcdef0123456789abcdef".into(),
        client_secret: "a client secret".into(),
        user_name: "svc.citrix".into(),
        password: password("svc.citrix"),
    }
}

/// A client on the world's store that may not call private addresses, but knows these host names.
async fn guarded(world: &World, hosts: &[&str]) -> Client {
    let mut config: Config = world.config();
    config.instance_hosts.hosts = hosts.iter().map(|&host| host.to_owned()).collect();
    config.instance_hosts.allow_private_networks = false;
    Client::open(config).await.unwrap()
}

/// T4: every spelling of an address inside, whether it is typed or what a name resolves to.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_inside_the_network_is_refused_before_a_connection_is_made() {
    let world = World::new().await;
    world.added(ACME).await;
    let stranger = Stranger::listening();
    let client =
        guarded(&world, &["localhost", "*.localhost", "127.0.0.1", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"])
            .await;
    let port = stranger.port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "localhost",
        "LOCALHOST.",
    ] {
        for url in [format!("https://{host}:{port}"), format!("http://{host}:{port}")] {
            let error = client.registrations().test(at(&url)).await.unwrap_err();
            is(&error, ErrorKind::InvalidInput, &url);
            let connect = Connect { customer_id: ACME.into(), instance_url: url.clone(), instance_name: None };
            let listed = client.connections().connect(connect).await;
            // A name is found out where it is resolved, and connecting resolves nothing of the instance.
            assert!(host.to_lowercase().contains("localhost") || listed.is_err(), "{url}");
        }
    }
    stranger.heard_nothing("an address inside");
}

/// T4: hosts that look like an instance and are none.
#[tokio::test(flavor = "multi_thread")]
async fn only_known_hosts_are_called_as_instances() {
    let world = World::new().await;
    world.added(ACME).await;
    let client = guarded(&world, &[]).await;
    let before = world.simulator.requests().len();
    for url in [
        "https://evil.example",
        "https://service-now.com.evil.example",
        "https://evilservice-now.com",
        "https://dev1.service-now.com@evil.example",
        "https://dev1.service-now.com:443@evil.example",
        "https://evil.example#.service-now.com",
        "https://evil.example/.service-now.com",
        "https://evil.example?.service-now.com",
        "https://evil.example\\.service-now.com",
        "ftp://dev1.service-now.com",
        "http://dev1.service-now.com",
        "file:///etc/passwd",
        "",
    ] {
        for error in [
            client.registrations().test(at(url)).await.unwrap_err(),
            client.registrations().register(at(url)).await.unwrap_err(),
            client.connections().get(ACME, url).await.unwrap_err(),
            client.instances().get(url).await.unwrap_err(),
        ] {
            is(&error, ErrorKind::InvalidInput, url);
        }
    }
    assert_eq!(world.simulator.requests().len(), before);
}

/// Adds links to another host to every answer.
#[derive(Debug)]
struct AddsLinks {
    inner: LookingOn,
    away: String,
    asked: Arc<std::sync::Mutex<Vec<String>>>,
}

#[async_trait]
impl Transport for AddsLinks {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        self.asked.lock().unwrap().push(request.url.origin().ascii_serialization());
        let mut response = self.inner.send(request).await?;
        let next = format!("<{0}/next>; rel=\"next\", <{0}/last>; rel=\"last\"", self.away);
        response.headers.insert("link", next.parse().unwrap());
        response.headers.insert("location", self.away.parse().unwrap());
        response.headers.insert("content-location", self.away.parse().unwrap());
        Ok(response)
    }
}

/// T5: pages are asked for by key, never by a link.
#[tokio::test(flavor = "multi_thread")]
async fn links_in_answers_lead_nowhere() {
    let world = World::new().await;
    world.registered(ACME).await;
    let stranger = Stranger::listening();
    let asked = Arc::default();
    let links = AddsLinks { inner: world.wire.clone(), away: stranger.url(""), asked: Arc::clone(&asked) };
    let client = Client::builder().config(world.config()).transport(Arc::new(links)).open().await.unwrap();
    for number in 0..25 {
        let record = json!({"short_description": number.to_string()});
        client.records().insert::<Record>(ACME, "incident", &record, &["sys_id"]).await.unwrap();
    }
    let mut pages = client.records().pages::<Record>(ACME, "incident", Query::new(), &["number"], 10);
    let mut read = 0;
    while let Some(page) = pages.next().await.unwrap() {
        read += page.len();
    }
    assert_eq!(read, 25);
    assert!(asked.lock().unwrap().iter().all(|origin| *origin == world.url()));
    stranger.heard_nothing("a link");
}

/// T9: what listens on the other side first has to prove who it is; until then it hears a greeting of TLS 1.2 or
/// 1.3 and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_tls_is_there() {
    let world = World::new().await;
    world.added(ACME).await;
    let stranger = Stranger::listening();
    let error =
        world.client.registrations().test(at(&format!("https://127.0.0.1:{}", stranger.port()))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout), "{error:?}");
    until("the greeting", || !stranger.heard().is_empty()).await;
    let heard = stranger.heard();
    assert_eq!(heard[0], 0x16, "a TLS handshake");
    // The extension supported_versions: TLS 1.3 and 1.2, nothing older.
    let versions = [0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03];
    assert!(heard.windows(versions.len()).any(|window| window == versions), "{heard:02x?}");
    let text = String::from_utf8_lossy(&heard);
    assert!(!text.contains("grant_type") && !text.contains("SnPassword") && !text.contains("a client secret"));
    assert!(world.asked("token").iter().all(|asked| asked.instance.is_none()));
}

/// A call to the token endpoint carries no cookie, whatever was set before.
#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_an_instance_are_never_sent_back() {
    let world = World::new().await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::SetCookie).always());
    world.registered(ACME).await;
    world.reads(ACME, "with cookies").await;
    world.simulator.revoke_tokens(DEV1, itsm_simulator::TokenKind::Both, None);
    world.reads(ACME, "renewed").await;
    assert!(world.simulator.requests().iter().all(|asked| !asked.cookies && asked.query.find("token").is_none()));
}
