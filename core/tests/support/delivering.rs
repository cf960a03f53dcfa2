//! Words for delivering alerts.

use itsm_adapter::{Client, Delivery, DeliveryStatus, Error};
use itsm_simulator::Record;

use super::{ACME, DEV1, World, alert};

pub(crate) const INSERT: &str = "table:incident:insert";
pub(crate) const LOOK_UP: &str = "table:incident:list";

/// A world in which the time that an instance may still be working passes quickly.
pub(crate) async fn world() -> World {
    let world = World::with(&[DEV1], 20).await;
    world.registered(ACME).await;
    world
}

pub(crate) async fn deliver(client: &Client, delivery: &Delivery) -> Result<Delivery, Error> {
    client.alerts().deliver(delivery.id.as_str()).await
}

pub(crate) async fn submitted(world: &World, id: &str) -> Delivery {
    world.client.alerts().submit(alert(ACME, id)).await.unwrap()
}

/// Incidents that were made of alerts, oldest first.
pub(crate) fn incidents(world: &World) -> Vec<Record> {
    let mut rows = world.simulator.records(DEV1, "incident");
    rows.retain(|row| row["correlation_id"].starts_with("citrix-"));
    rows.sort_by(|a, b| a["number"].cmp(&b["number"]));
    rows
}

/// Fails unless the delivery and the instance agree on one incident.
pub(crate) fn one_incident(world: &World, delivery: &Delivery, about: &str) -> Record {
    assert_eq!(delivery.status, DeliveryStatus::Delivered, "{about}: {delivery:?}");
    let mut made = world.incidents(&delivery.correlation_id);
    assert_eq!(made.len(), 1, "{about}");
    let incident = delivery.incident.as_ref().unwrap();
    assert_eq!(incident.sys_id, made[0]["sys_id"], "{about}");
    assert_eq!(incident.number, made[0]["number"], "{about}");
    assert_eq!(incident.correlation_id, delivery.correlation_id, "{about}");
    made.swap_remove(0)
}
