//! What must hold between tasks, clients and processes: an account holds one registration, an old connector serves
//! one account, and whoever loses a race leaves nothing behind.

#![allow(clippy::unwrap_used)]

mod support;

use itsm_adapter::{ConnectionStatus, ErrorKind, RegisterServiceAccount, store::Store};
use itsm_simulator::seed;
use serde_json::json;
use support::{
    ACME, DEV1, GLOBEX, World,
    actor::{self, Dice, State},
    is, password,
};
use tokio::task::JoinSet;

fn as_admin(request: RegisterServiceAccount) -> RegisterServiceAccount {
    RegisterServiceAccount { user_name: "admin".into(), password: password("admin"), ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_refused_with_the_name_of_the_first() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    let first = world.registered(ACME).await;
    let before = world.state().await;
    world.simulator.clear_requests();
    let error = world.client.registrations().register(world.request_at(ACME, "dev2")).await.unwrap_err();
    is(&error, ErrorKind::AlreadyRegistered, "dev2");
    assert_eq!(error.context("held_by"), Some(first.instance_id.as_str()));
    assert!(error.info().remedy.contains(first.instance_id.as_str()), "{error}");
    assert!(world.simulator.requests().is_empty(), "nothing is sent to the second instance");
    assert_eq!(world.state().await, before);

    // Connecting is allowed; and what was freed can be taken.
    world.client.connections().connect(world.connect_to(ACME, "dev2")).await.unwrap();
    world.client.registrations().unregister(ACME, &world.url()).await.unwrap();
    let moved = world.client.registrations().register(world.request_at(ACME, "dev2")).await.unwrap();
    assert_eq!(moved.status, ConnectionStatus::Registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthorized_registration_still_holds_its_account() {
    let world = World::with(&[DEV1, "dev2"], 1).await;
    world.registered(ACME).await;
    world.simulator.patch_user(DEV1, "svc.citrix", &json!({"locked_out": "true"})).unwrap();
    world.simulator.revoke_tokens(DEV1, itsm_simulator::TokenKind::Both, None);
    let connection = world.client.registrations().check(ACME, &world.url()).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Unauthorized);
    let error = world.client.registrations().register(world.request_at(ACME, "dev2")).await.unwrap_err();
    is(&error, ErrorKind::AlreadyRegistered, "dev2");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_instances_at_once_exactly_one_wins_and_the_others_leave_no_token() {
    let names: Vec<String> = (0..20).map(|number| format!("dev{number}")).collect();
    let world = World::with(&names.iter().map(String::as_str).collect::<Vec<_>>(), 1).await;
    world.added(ACME).await;
    let another = world.another_client().await;
    let mut tasks = JoinSet::new();
    for (number, name) in names.iter().enumerate() {
        let client = if number % 2 == 0 { world.client.clone() } else { another.clone() };
        let request = world.request_at(ACME, name);
        tasks.spawn(async move { client.registrations().register(request).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 19));
    let winner = won[0].as_ref().unwrap().instance_id.clone();
    for error in lost.into_iter().map(Result::unwrap_err) {
        is(&error, ErrorKind::AlreadyRegistered, "a loser");
        assert_eq!(error.context("held_by"), Some(winner.as_str()), "{error:?}");
    }
    let listed = world.client.connections().list(Some(ACME), None, None).await.unwrap().items;
    assert_eq!(listed.iter().map(|connection| &connection.instance_id).collect::<Vec<_>>(), [&winner]);
    for seen in world.wire.seen().iter().filter(|seen| seen.name == "access_token" && seen.origin.starts_with("http")) {
        let is_instance = names.iter().any(|name| world.url_of(name) == seen.origin);
        if is_instance && seen.origin != winner.as_str() {
            assert!(!world.accepts_at(&seen.origin, &seen.value).await, "a loser's token survived at {}", seen.origin);
        }
    }
    world.reads(ACME, "the winner").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connector_serves_many_accounts() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.registered(GLOBEX).await;
    let listed = world.client.connections().list(None, None, None).await.unwrap().items;
    assert!(listed.iter().all(|connection| connection.status == ConnectionStatus::Registered));
    assert_eq!(listed.len(), 2);
    for customer in [ACME, GLOBEX] {
        world.reads(customer, customer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_accounts_at_once_an_old_connector_serves_one() {
    let world = World::new().await;
    world.simulator.patch_instance(DEV1, &json!({"connector_version": "22.2.9"})).unwrap();
    let accounts = [seed::ACME, seed::GLOBEX, seed::HOOLI, seed::WAYNE].map(|account| account.customer_id);
    for customer in accounts {
        world.added(customer).await;
    }
    let another = world.another_client().await;
    let mut tasks = JoinSet::new();
    for (number, customer) in accounts.into_iter().enumerate() {
        let client = if number % 2 == 0 { world.client.clone() } else { another.clone() };
        let request = as_admin(world.request(customer));
        tasks.spawn(async move { (customer, client.registrations().register(request).await) });
    }
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 3));
    let winner = won[0].0;
    for (customer, result) in lost {
        let error = result.unwrap_err();
        is(&error, ErrorKind::PrerequisiteMissing, customer);
        assert_eq!(error.context("occupied_by"), Some(winner), "{error:?}");
        assert!(error.to_string().contains("22."), "the version is named: {error}");
    }
    world.reads(winner, "the winner").await;
}

/// Two clients on one file do whatever comes to their mind with the same connection.
#[tokio::test(flavor = "multi_thread")]
async fn two_clients_that_change_the_same_connection_at_once_never_make_a_mixture() {
    let world = World::new().await;
    world.added(ACME).await;
    let another = world.another_client().await;
    let mut dice = Dice::new(7);
    for round in 0..40 {
        let now = actor::state(&world.client, &world.url()).await;
        let deeds = [dice.pick(now.deeds()), dice.pick(now.deeds())];
        let url = world.url();
        let (first, second) =
            tokio::join!(actor::perform(&world.client, &url, deeds[0]), actor::perform(&another, &url, deeds[1]),);
        let about = format!("round {round}: {deeds:?} from {now:?}: {first:?}, {second:?}");
        assert!(first.is_ok() || second.is_ok(), "{about}");
        for error in [first, second].into_iter().filter_map(Result::err) {
            // The token of a registration that the other client was just ending, twice in a row.
            let is_revoked = error.context("token") == Some("rejected");
            assert!(is_revoked || matches!(error.kind(), ErrorKind::IllegalState | ErrorKind::NotFound), "{about}");
        }
        let found = actor::state(&another, &url).await;
        let possible = [now.after(deeds[0]), now.after(deeds[1])];
        let reached = possible.contains(&found)
            || now.after(deeds[0]).deeds().contains(&deeds[1]) && now.after(deeds[0]).after(deeds[1]) == found
            || now.after(deeds[1]).deeds().contains(&deeds[0]) && now.after(deeds[1]).after(deeds[0]) == found;
        assert!(reached, "{about}: found {found:?}");
        if matches!(found, State::Registered(_)) {
            world.reads(ACME, &about).await;
        }
        assert!(world.store().revocations(None, 10).await.unwrap().is_empty(), "{about}");
    }
}
