//! The life of a connection from nothing to an incident and back: what each operation leaves behind, here and at
//! the instance.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{
    CheckAll, ConnectionStatus, CustomerId, DeliveryStatus, ErrorKind, EventKind, InstanceId,
    ReauthenticateServiceAccount, RegisterServiceAccount,
    store::{Change, PendingRevocation, Put, Sealed, Store},
};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use serde_json::json;
use support::{ACME, DEV1, GLOBEX, World, alert, is, password};

fn as_second(request: RegisterServiceAccount) -> RegisterServiceAccount {
    RegisterServiceAccount { user_name: "svc.second".into(), password: password("svc.second"), ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_nothing_to_an_incident_and_back_to_nothing() {
    let world = World::new().await;
    let client = &world.client;
    world.connected(ACME).await;
    let connection = client.registrations().register(world.request(ACME)).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Registered);
    assert_eq!(connection.grant.unwrap().days_left, Some(99));
    let accepted = client.alerts().submit(alert(ACME, "a1")).await.unwrap();
    let delivered = client.alerts().deliver(accepted.id.as_str()).await.unwrap();
    assert_eq!(delivered.status, DeliveryStatus::Delivered);
    assert_eq!(delivered.incident.unwrap().sys_created_by, "svc.citrix");
    assert!(client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    assert!(client.connections().disconnect(ACME, &world.url()).await.unwrap().complete);
    client.accounts().remove(ACME).await.unwrap();

    let state = world.state().await;
    assert_eq!((&state["accounts"], &state["connections"]), (&json!([]), &json!([])));
    let log = client.events().list(None, None, None).await.unwrap().items;
    let kinds: Vec<EventKind> = log.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::AccountAdded,
            EventKind::AccountUpdated,
            EventKind::Connected,
            EventKind::Registered,
            EventKind::DeliveryAccepted,
            EventKind::DeliveryDone,
            EventKind::Unregistered,
            EventKind::Disconnected,
            EventKind::AccountRemoved,
        ]
    );
    assert_eq!(world.events.all(), log, "observers hear what the log says");
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_without_a_connection_makes_one() {
    let world = World::new().await;
    let connection = world.registered(ACME).await;
    assert_eq!(connection.status, ConnectionStatus::Registered);
    assert_eq!(connection.secure_client_id, support::add(ACME).client_id);
    let grant = connection.grant.unwrap();
    assert_eq!(grant.user_name, "svc.citrix");
    assert_eq!(grant.user_sys_id, Some(itsm_simulator::seed::find_user("svc.citrix").unwrap().sys_id(DEV1)));
    world.reads(ACME, "right after").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn testing_a_registration_saves_nothing_and_leaves_no_token() {
    let world = World::new().await;
    world.added(ACME).await;
    let before = world.state().await;
    let report = world.client.registrations().test(world.request(ACME)).await.unwrap();
    assert!(report.passed, "{report:?}");
    assert_eq!(world.state().await, before);
    assert!(!world.accepts(&world.token("access_token")).await);
    assert!(!world.renews(&world.token("refresh_token"), &world.request(ACME)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_again_replaces_the_grant_and_revokes_the_old_tokens() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (access, refresh) = (world.token("access_token"), world.token("refresh_token"));
    assert!(world.accepts(&access).await);
    let connection = world.client.registrations().register(as_second(world.request(ACME))).await.unwrap();
    assert_eq!(connection.grant.unwrap().user_name, "svc.second");
    assert!(!world.accepts(&access).await, "the old access token is revoked");
    assert!(!world.renews(&refresh, &world.request(ACME)).await, "the old refresh token is revoked");
    world.reads(ACME, "the new grant").await;
    assert_eq!(world.state().await["revocations"], 0);
}

/// An instance gives the same tokens again to the same client and user: revoking the old ones would end the new.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_credentials_again_do_not_revoke_the_token_in_use() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    world.client.registrations().register(world.request(ACME)).await.unwrap();
    assert_eq!(world.token("access_token"), token, "the instance gave the same token again");
    assert!(world.client.registrations().test(world.request(ACME)).await.unwrap().passed);
    assert!(world.asked("revoke").is_empty());
    assert!(world.accepts(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reauthenticating_rotates_the_password_and_keeps_the_rest() {
    let world = World::new().await;
    let before = world.registered(ACME).await;
    world.simulator.patch_user(DEV1, "svc.citrix", &json!({"password": "SnPassword.rotated&9+%"})).unwrap();
    let rotate = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        password: Some("SnPassword.rotated&9+%".into()),
        ..ReauthenticateServiceAccount::default()
    };
    let after = world.client.registrations().reauthenticate(rotate).await.unwrap();
    assert_eq!(after.status, ConnectionStatus::Registered);
    assert_eq!(after.endpoint, before.endpoint);
    // Nothing but the stored password can help now.
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
    world.reads(ACME, "with the new password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reauthenticating_rotates_the_endpoint_and_revokes_the_old_tokens() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (old, access) = (world.request(ACME), world.token("access_token"));
    let new = world.request(GLOBEX);
    let rotate = ReauthenticateServiceAccount {
        customer_id: ACME.into(),
        instance_url: world.url(),
        client_id: Some(new.client_id.clone()),
        client_secret: Some(new.client_secret.clone()),
        ..ReauthenticateServiceAccount::default()
    };
    let after = world.client.registrations().reauthenticate(rotate).await.unwrap();
    assert_eq!(after.endpoint.unwrap().client_id, new.client_id);
    assert!(!world.accepts(&access).await);
    world.simulator.patch_oauth_client(DEV1, &old.client_id, &json!({"active": false})).unwrap();
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
    world.reads(ACME, "with the new endpoint and the old password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reauthenticating_without_a_registration_is_illegal_and_sends_nothing() {
    let world = World::new().await;
    world.connected(ACME).await;
    world.simulator.clear_requests();
    let before = world.state().await;
    let request =
        ReauthenticateServiceAccount { customer_id: ACME.into(), instance_url: world.url(), ..Default::default() };
    let error = world.client.registrations().reauthenticate(request).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "reauthenticate");
    let error = world.client.registrations().unregister(ACME, &world.url()).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "unregister");
    let error = world.client.registrations().check(ACME, &world.url()).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "check");
    assert!(world.simulator.requests().is_empty());
    assert_eq!(world.state().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistering_keeps_the_connection_and_makes_the_tokens_unusable() {
    let world = World::new().await;
    world.registered(ACME).await;
    let (access, refresh) = (world.token("access_token"), world.token("refresh_token"));
    let revocation = world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert!(revocation.complete && revocation.failure.is_none());
    assert!(!world.accepts(&access).await);
    assert!(!world.renews(&refresh, &world.request(ACME)).await);
    let connection = world.connection(ACME).await;
    assert_eq!(connection.status, ConnectionStatus::Unregistered);
    assert_eq!((connection.endpoint, connection.grant, connection.last_test), (None, None, None));
    let row = world.store().connection(&connection.customer_id, &connection.instance_id).await.unwrap().unwrap();
    assert_eq!(row.sealed, None, "no secret is left behind");
    world.simulator.clear_requests();
    is(&world.read(ACME).await.unwrap_err(), ErrorKind::IllegalState, "a read");
    assert!(world.simulator.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unregistering_one_of_two_accounts_that_share_a_token_leaves_the_other_alone() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    let shared = RegisterServiceAccount { customer_id: GLOBEX.into(), ..world.request(ACME) };
    world.client.registrations().register(shared).await.unwrap();
    let token = world.token("access_token");

    assert!(world.client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    assert!(world.accepts(&token).await, "the other account still uses it");
    world.simulator.clear_requests();
    world.reads(GLOBEX, "the other account").await;
    assert!(world.asked("token").is_empty());

    assert!(world.client.connections().disconnect(GLOBEX, &world.url()).await.unwrap().complete);
    assert!(!world.accepts(&token).await, "the last one takes it along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_revocation_is_told_and_finished_by_the_next_check() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("revoke").always());
    let revocation = world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert!(!revocation.complete && revocation.failure.is_some());
    assert_eq!(world.events.messages(EventKind::RevocationFailed).len(), 1);
    assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Unregistered, "it ends all the same");
    assert_eq!(world.state().await["revocations"], 1);
    assert!(world.accepts(&token).await);

    world.simulator.clear_faults();
    let error = world.client.registrations().check(ACME, &world.url()).await.unwrap_err();
    is(&error, ErrorKind::IllegalState, "there is nothing else to check");
    assert_eq!(world.state().await["revocations"], 0);
    assert!(!world.accepts(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_revocation_outlives_the_connection() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route("revoke").times(4));
    let revocation = world.client.connections().disconnect(ACME, &world.url()).await.unwrap();
    assert!(!revocation.complete);
    world.simulator.clear_faults();
    let error = world.client.registrations().check(ACME, &world.url()).await.unwrap_err();
    is(&error, ErrorKind::NotFound, "the connection is gone");
    assert!(!world.accepts(&token).await);
    assert_eq!(world.state().await["revocations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_an_account_revokes_what_still_waits() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("revoke").always());
    assert!(!world.client.connections().disconnect(ACME, &world.url()).await.unwrap().complete);
    world.simulator.clear_faults();
    world.client.accounts().remove(ACME).await.unwrap();
    assert!(!world.accepts(&token).await, "the account goes with its tokens revoked");
    assert_eq!(world.state().await["revocations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_connection_cannot_be_removed() {
    let world = World::new().await;
    world.connected(ACME).await;
    let before = world.state().await;
    is(&world.client.accounts().remove(ACME).await.unwrap_err(), ErrorKind::IllegalState, "connected");
    world.client.registrations().register(world.request(ACME)).await.unwrap();
    is(&world.client.accounts().remove(ACME).await.unwrap_err(), ErrorKind::IllegalState, "registered");
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    assert_eq!(world.state().await["accounts"], before["accounts"]);
    world.client.connections().disconnect(ACME, &world.url()).await.unwrap();
    world.client.accounts().remove(ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_not_found_and_sends_nothing() {
    let world = World::new().await;
    let (client, url) = (&world.client, world.url());
    let errors = [
        client.accounts().get(ACME).await.unwrap_err(),
        client.accounts().test(ACME).await.unwrap_err(),
        client.accounts().remove(ACME).await.unwrap_err(),
        client.connections().connect(world.connect_to(ACME, DEV1)).await.unwrap_err(),
        client.connections().disconnect(ACME, &url).await.unwrap_err(),
        client.connections().get(ACME, &url).await.unwrap_err(),
        client.registrations().register(world.request(ACME)).await.unwrap_err(),
        client.registrations().check(ACME, &url).await.unwrap_err(),
        client.instances().get(&url).await.unwrap_err(),
        client.alerts().submit(alert(ACME, "a1")).await.unwrap_err(),
        client.alerts().get("nothing").await.unwrap_err(),
        client.alerts().deliver("nothing").await.unwrap_err(),
        world.read(ACME).await.unwrap_err(),
    ];
    for (number, error) in errors.iter().enumerate() {
        is(error, ErrorKind::NotFound, &format!("call {number}"));
    }
    assert!(world.simulator.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_open_hold_up_no_others() {
    let world = World::new().await;
    world.registered(ACME).await;
    let token = world.token("access_token");
    world.simulator.fault(Fault::new(DEV1, FaultKind::FailTimes).route("revoke").always());
    assert!(!world.client.registrations().unregister(ACME, &world.url()).await.unwrap().complete);
    world.simulator.clear_faults();
    // Older, of another account, and sealed with a key that is gone.
    let value = PendingRevocation {
        id: "0".into(),
        customer_id: CustomerId::parse(GLOBEX).unwrap(),
        instance_id: InstanceId::parse(&world.url()).unwrap(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        in_hand_until: None,
        ends_at: None,
    };
    let sealed = Some(Sealed::from_parts("0123456789abcdef".into(), vec![0; 64]));
    world.store().commit(vec![Change::Revocation(Put { value, sealed, replaces: None })]).await.unwrap();
    world.client.registrations().check_all(CheckAll::default()).await.unwrap();
    assert!(!world.accepts(&token).await, "revoked all the same");
    assert_eq!(world.state().await["revocations"], 1, "the one that does not open stays");
}
