//! SIGKILL between the exchange and the save, and two processes with one callback: the grant is saved or revocable,
//! never lost and alive. What nobody can help is a process that dies while the answer with the tokens is on its way.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::{path::PathBuf, sync::Arc, time::Duration};

use itsm_adapter::{Client, ConnectionStatus, ErrorKind, store::Store};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use support::{
    ACME, DEV1, World,
    actor::{self, Dice},
    child::{self, Other, Scene},
    clock::TestClock,
    until,
};

const KILLS: u64 = 40;

fn beside(scene: &Scene, what: &str) -> PathBuf {
    scene.database.with_extension(what)
}

/// Not a test of its own: what the started processes do.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((part, scene)) = child::part() else { return };
    let client = child::client(&scene).await;
    let callback = std::fs::read_to_string(beside(&scene, "callback")).unwrap();
    child::say("ready");
    match part.as_str() {
        "stop at the commit" => drop(client.observe(actor::stop_at_commit())),
        "at the signal" => {
            let signal = beside(&scene, "go");
            until("the signal", || signal.exists()).await;
        }
        _ => {}
    }
    let said = match client.registrations().complete(&callback, None).await {
        Ok(done) => format!("{:?}", done.connection.status),
        Err(error) => format!("{} {}", error.kind(), error.context("reason").unwrap_or("-")),
    };
    child::say(said);
}

/// A person has allowed it; the callback is where the other process looks for it.
async fn allowed(world: &World) -> Scene {
    let scene = Scene::of(world, 0);
    let begun = world.client.registrations().authorize(world.authorize(ACME)).await.unwrap();
    let callback = world.browser().allow(&begun.authorization_url, "svc.citrix").await;
    std::fs::write(beside(&scene, "callback"), callback).unwrap();
    world.simulator.clear_requests();
    scene
}

/// A process that starts after the death of the other one, later than any test of tokens in hand. The sweep finishes
/// what was left.
async fn next_process(world: &World) -> Client {
    let clock = TestClock::new(1);
    clock.advance(Duration::from_secs(601));
    let client = Client::builder().config(world.config()).clock(Arc::new(clock)).open().await.unwrap();
    client.registrations().check_all(itsm_adapter::CheckAll::default()).await.unwrap();
    assert!(world.store().revocations(None, 10).await.unwrap().is_empty(), "something is left in hand");
    client
}

/// How many tokens the instance would still take.
fn alive(world: &World) -> usize {
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, None)
}

async fn killed(mut other: Other) {
    other.kill();
    tokio::task::spawn_blocking(move || other.finish()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_with_one_callback_one_wins() {
    let world = World::new().await;
    world.added(ACME).await;
    for round in 0..5 {
        let scene = allowed(&world).await;
        let _ = std::fs::remove_file(beside(&scene, "go"));
        let mut others: Vec<Other> = (0..2).map(|_| Other::start("at the signal", &scene)).collect();
        for other in &mut others {
            assert_eq!(other.next().as_deref(), Some("ready"));
        }
        std::fs::write(beside(&scene, "go"), "").unwrap();
        let mut said = Vec::new();
        for other in others {
            said.extend(tokio::task::spawn_blocking(move || other.finish()).await.unwrap().0);
        }
        said.sort();
        assert_eq!(said, ["Registered", "flow_expired used"], "round {round}");
        assert_eq!(world.grants("authorization_code"), 1, "round {round}");
        world.reads(ACME, "the winner's grant").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_code_is_redeemed_there_is_no_grant() {
    let world = World::new().await;
    world.added(ACME).await;
    let scene = allowed(&world).await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route("token"));
    let other = Other::start("complete", &scene);
    until("the exchange under way", || world.asked("token").iter().any(|asked| asked.instance.is_some())).await;
    killed(other).await;
    let client = next_process(&world).await;
    assert_eq!(alive(&world), 0);
    let callback = std::fs::read_to_string(beside(&scene, "callback")).unwrap();
    let error = client.registrations().complete(&callback, None).await.unwrap_err();
    assert_eq!((error.kind(), error.context("reason")), (ErrorKind::FlowExpired, Some("used")));
    assert!(client.connections().get(ACME, &world.url()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_exchange_and_the_save_the_grant_is_revoked_by_the_next_process() {
    let world = World::new().await;
    world.added(ACME).await;
    for route in ["current_user", "table:incident", "table:sys_user_has_role"] {
        let scene = allowed(&world).await;
        world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route(route));
        let other = Other::start("complete", &scene);
        until("the test under way", || world.simulator.requests().iter().any(|asked| asked.fault.is_some())).await;
        killed(other).await;
        // Whoever comes at once leaves them alone: the test might still go on.
        let early = world.another_client().await;
        early.registrations().check_all(itsm_adapter::CheckAll::default()).await.unwrap();
        assert_eq!(world.store().revocations(None, 10).await.unwrap().len(), 1, "{route}");
        let client = next_process(&world).await;
        assert_eq!(alive(&world), 0, "{route}: the grant is lost and alive");
        assert!(client.connections().get(ACME, &world.url()).await.is_err(), "{route}");
        world.simulator.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_save_the_registration_is_there_and_works() {
    let world = World::new().await;
    world.added(ACME).await;
    let scene = allowed(&world).await;
    let mut other = Other::start("stop at the commit", &scene);
    assert_eq!(other.next().as_deref(), Some("ready"));
    let (said, other) = tokio::task::spawn_blocking(move || (other.next(), other)).await.unwrap();
    assert_eq!(said.as_deref(), Some("committed"));
    killed(other).await;
    let client = next_process(&world).await;
    let connection = client.connections().get(ACME, &world.url()).await.unwrap();
    assert_eq!(connection.status, ConnectionStatus::Registered);
    support::read(&client, ACME).await.unwrap();
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    support::read(&client, ACME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_grant_is_saved_or_gone() {
    let world = World::new().await;
    world.added(ACME).await;
    let mut dice = Dice::new(4);
    let (mut saved, mut gone) = (0, 0);
    for kill in 0..KILLS {
        let scene = allowed(&world).await;
        let mut other = Other::start("complete", &scene);
        assert_eq!(other.next().as_deref(), Some("ready"));
        let requests = usize::try_from(dice.roll(7)).unwrap();
        until("some requests", || world.simulator.requests().len() >= requests).await;
        tokio::time::sleep(Duration::from_micros(dice.roll(40_000))).await;
        killed(other).await;
        let on_its_way = world.simulator.requests().last().is_some_and(|asked| asked.route == "token");
        let client = next_process(&world).await;
        match client.connections().get(ACME, &world.url()).await {
            Ok(connection) if connection.status == ConnectionStatus::Registered => {
                saved += 1;
                support::read(&client, ACME).await.unwrap_or_else(|error| panic!("kill {kill}: {error:?}"));
                client.registrations().unregister(ACME, &world.url()).await.unwrap();
                assert_eq!(alive(&world), 0, "kill {kill}: unregistered, and something is alive");
            }
            Ok(_) | Err(_) => {
                gone += 1;
                let alive = alive(&world);
                assert!(alive == 0 || on_its_way, "kill {kill}: {alive} tokens are lost and alive");
            }
        }
    }
    assert!(saved > 0 && gone > 0, "the kills prove nothing: {saved} saved, {gone} gone");
}
