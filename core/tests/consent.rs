//! Registering with a user account: a person signs in at the instance and clicks Allow.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Mutex};

use itsm_adapter::{Authorize, Client, ConnectionStatus, GrantKind, OpenBrowser};
use serde_json::json;
use support::{
    ACME, DEV1, World,
    browser::{Browser, Page},
};
use tokio::task::JoinHandle;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_clicks_allow_and_the_account_is_registered() {
    let world = World::new().await;
    world.added(ACME).await;
    let begun = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    assert!(begun.authorization_url.starts_with(&format!("{}/oauth_auth.do?", world.url())), "{begun:?}");
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    assert!(callback.starts_with(&begun.redirect_url), "{callback}");

    let done = world.client.registrations().complete(&callback, None).await.unwrap();
    assert_eq!(done.user_name.as_deref(), Some("svc.citrix"));
    assert_eq!(done.previous_user_name, None);
    assert_eq!(done.connection.status, ConnectionStatus::Registered);
    let grant = done.connection.grant.unwrap();
    assert_eq!((grant.kind, grant.user_name.as_str()), (GrantKind::UserAccount, "svc.citrix"));
    assert!(matches!(grant.days_left, Some(99 | 100)), "{grant:?}");
    assert_eq!(done.connection.endpoint.unwrap().redirect_url, Some(begun.redirect_url));
    world.reads(ACME, "registered by consent").await;
    assert_eq!(world.state().await["revocations"], 0, "nothing is left in hand");
}

/// A browser of a person who allows at once, opened by the adapter itself.
struct Willing {
    browser: Browser,
    seen: Mutex<Vec<JoinHandle<Page>>>,
}

impl OpenBrowser for Willing {
    fn open(&self, url: &str) -> std::io::Result<()> {
        let (mut browser, url) = (self.browser.clone(), url.to_owned());
        let visit = tokio::runtime::Handle::current().spawn(async move {
            let callback = browser.allow(&url, "svc.citrix").await;
            browser.get(&callback).await
        });
        self.seen.lock().unwrap().push(visit);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_one_call_opens_the_browser_and_registers() {
    let world = World::new().await;
    world.added(ACME).await;
    // Instances that take the first registered URL do not know a free port; they know this one.
    let redirect = free_redirect();
    let client_id = world.request(ACME).client_id;
    world.simulator.patch_oauth_client(DEV1, &client_id, &json!({"redirect_url": redirect})).unwrap();
    let willing = Arc::new(Willing { browser: world.browser(), seen: Mutex::default() });
    let client = Client::builder().config(world.config()).browser(willing.clone()).open().await.unwrap();
    let request = Authorize { redirect_url: Some(redirect), ..world.authorize(ACME) };
    let done = client.registrations().authorize_in_browser(request, Some(30_000)).await.unwrap();
    assert_eq!(done.user_name.as_deref(), Some("svc.citrix"));
    let visit = willing.seen.lock().unwrap().pop().unwrap();
    let page = visit.await.unwrap();
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<h1>Registered</h1>") && page.body.contains("svc.citrix"), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

/// A loopback address that nobody listens on just now.
fn free_redirect() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/callback")
}
