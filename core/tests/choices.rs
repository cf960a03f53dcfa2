//! The words in which an incident is resolved: what one look at the lists of an instance did not show is looked for again,
//! and what one account may not see is no matter of another's.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use itsm_adapter::{Alert, AlertState, Delivery, RunOptions};
use itsm_simulator::{Fault, FaultKind};
use serde_json::json;
use support::{ACME, DEV1, GLOBEX, World, alert, password};

const CHOICES: &str = "table:sys_choice:list";

async fn tell(world: &World, customer: &str, state: AlertState) -> Delivery {
    let changed = Alert { state, title: format!("{state:?}"), ..alert(customer, "a1") };
    let delivery = world.client.alerts().submit(changed).await.unwrap();
    world.client.alerts().drain(RunOptions::default()).await.unwrap();
    world.client.alerts().get(delivery.id.as_str()).await.unwrap()
}

/// State and close code of the delivery's incident.
fn ends(world: &World, delivery: &Delivery) -> (String, String) {
    let row = world.incidents(&delivery.correlation_id).remove(0);
    (row["state"].clone(), row["close_code"].clone())
}

/// Shows the close codes to administrators only.
fn hide_close_codes(world: &World) {
    let mut rows = world.simulator.records(DEV1, "sys_choice");
    rows.retain(|row| row["element"] == "close_code");
    assert!(!rows.is_empty());
    let ids: Vec<&str> = rows.iter().map(|row| row["sys_id"].as_str()).collect();
    world.simulator.patch_instance(DEV1, &json!({"hidden_rows": ids})).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn close_codes_that_did_not_show_once_are_looked_for_again() {
    for is_forbidden in [false, true] {
        let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
        world.registered(ACME).await;
        if is_forbidden {
            world.simulator.fault(Fault::new(DEV1, FaultKind::Stray403).route(CHOICES).times(2));
        } else {
            hide_close_codes(&world);
        }
        tell(&world, ACME, AlertState::Raised).await;
        tell(&world, ACME, AlertState::Changed).await;
        assert_eq!(world.asked(CHOICES).len(), 2, "the note has read the words");
        world.simulator.patch_instance(DEV1, &json!({"hidden_rows": []})).unwrap();
        world.clock.advance(Duration::from_secs(61));
        let delivery = tell(&world, ACME, AlertState::Ended).await;
        assert_eq!(ends(&world, &delivery), ("6".into(), "Solution provided".into()), "{is_forbidden}: {delivery:?}");
        assert_eq!(world.asked(CHOICES).len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn close_codes_that_one_account_may_not_read_resolve_the_incidents_of_another() {
    let world = World::made(&[DEV1], 20, |config| config.total_timeout = Duration::from_secs(60)).await;
    world.registered(ACME).await;
    world.added(GLOBEX).await;
    let mut request = world.request(GLOBEX);
    (request.user_name, request.password) = ("admin".into(), password("admin"));
    world.client.registrations().register(request).await.unwrap();
    hide_close_codes(&world);
    tell(&world, ACME, AlertState::Raised).await;
    tell(&world, ACME, AlertState::Changed).await;
    tell(&world, GLOBEX, AlertState::Raised).await;
    let delivery = tell(&world, GLOBEX, AlertState::Ended).await;
    assert_eq!(ends(&world, &delivery), ("6".into(), "Solution provided".into()), "{delivery:?}");
}
