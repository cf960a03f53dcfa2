//! An account whose grant is refused waits alone: the others of its instance go on.

#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, time::Duration};

use itsm_adapter::{Client, ConnectionStatus, DeliveryStatus, RunOptions};
use itsm_simulator::TokenKind;
use support::{ACME, DEV1, GLOBEX, World, alert, until};

const ALERTS: usize = 20;

/// How many incidents of the account's alerts there are.
fn incidents(world: &World, customer: &str) -> usize {
    let rows = world.simulator.records(DEV1, "incident").into_iter();
    rows.filter(|row| row["description"].contains(&format!("account {customer}"))).count()
}

/// An account that a person signed in for, and another one of the same instance, on a clock that stands still.
async fn two_accounts() -> World {
    let world = World::with(&[DEV1], 0).await;
    world.consented(ACME, "svc.second").await;
    world.registered(GLOBEX).await;
    world
}

async fn submit(world: &World, customer: &str) {
    for number in 0..ALERTS {
        world.client.alerts().submit(alert(customer, &number.to_string())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_account_is_refused_the_other_is_served() {
    for together in [1, 10] {
        let world = two_accounts().await;
        world.simulator.revoke_tokens(DEV1, TokenKind::Both, Some("svc.second"));
        submit(&world, ACME).await;
        submit(&world, GLOBEX).await;
        let refreshes = world.grants("refresh_token");
        let options = RunOptions { concurrency: Some(2), batch_size: Some(together), ..RunOptions::default() };
        let worker = world.client.alerts().run(options).await.unwrap();
        until("the incidents of the other account", || incidents(&world, GLOBEX) == ALERTS).await;
        assert_eq!(incidents(&world, ACME), 0);
        assert_eq!(world.grants("refresh_token") - refreshes, 1, "the second try is not due yet");
        assert_eq!(world.connection(ACME).await.status, ConnectionStatus::Registered, "nothing is proven");
        // What was sent with the old token is put back when its answer is written down.
        let pending = loop {
            let page = world.client.alerts().list(Some(ACME), &[DeliveryStatus::Pending], None, None).await.unwrap();
            if page.items.len() == ALERTS {
                break page.items;
            }
            tokio::task::yield_now().await;
        };
        assert!(pending.iter().any(|delivery| delivery.failure.as_ref().is_some_and(|why| why.contains("grant"))));
        // Refused again: that is the proof.
        world.clock.advance(Duration::from_secs(31));
        while world.connection(ACME).await.status == ConnectionStatus::Registered {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.grants("refresh_token") - refreshes, 2);
        // And when the person has signed in again, everything goes on.
        world.consented(ACME, "svc.second").await;
        world.clock.advance(Duration::from_secs(400));
        until("the incidents of the first account", || incidents(&world, ACME) == ALERTS).await;
        worker.stop().await.unwrap();
        assert_eq!((incidents(&world, ACME), incidents(&world, GLOBEX)), (ALERTS, ALERTS), "each once");
    }
}

/// The second try belongs to one process; a lane of another one does not wait for it either.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_does_not_wait_for_the_second_try_of_another_process() {
    let world = two_accounts().await;
    world.simulator.revoke_tokens(DEV1, TokenKind::Both, Some("svc.second"));
    let reading = tokio::spawn({
        let client = world.client.clone();
        async move { support::read(&client, ACME).await }
    });
    until("the first refusal", || world.clock.sleeps_of(Duration::from_secs(30)) == 1).await;
    submit(&world, ACME).await;
    submit(&world, GLOBEX).await;
    let builder = Client::builder().config(world.config()).clock(Arc::new(world.clock.clone()));
    let other = builder.open().await.unwrap();
    // One at a time: when the clock is set, no request is under way whose time that would use up.
    let worker = other.alerts().run(RunOptions { concurrency: Some(1), ..RunOptions::default() }).await.unwrap();
    until("a lane that waits", || world.clock.sleeps_of(Duration::from_millis(50)) > 0).await;
    world.clock.advance(Duration::from_secs(3));
    until("the incidents of the other account", || incidents(&world, GLOBEX) == ALERTS).await;
    assert!(!reading.is_finished(), "who asks by hand waits for the answer");
    worker.stop().await.unwrap();
    world.clock.advance(Duration::from_secs(31));
    assert!(reading.await.unwrap().is_err());
}
