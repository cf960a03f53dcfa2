//! Registering with a user account: a person signs in at the instance and clicks Allow.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ConnectionStatus, GrantKind};
use support::{ACME, World};

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
