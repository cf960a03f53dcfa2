//! Accepting alerts: durable when it returns, and the same alert again is the same delivery.

use super::{
    deliver::about,
    key::{alert_key, correlation_id, first_id_of},
};
use crate::{
    clock::Chance,
    error::{Error, ErrorKind, Result},
    event::Observers,
    id::{CustomerId, DeliveryId},
    model::{Alert, AlertState, Delivery, DeliveryStatus, EventKind},
    registration::no_account,
    store::{Change, DeliveryRecord, DeliveryStep, Put, Refusal, Row, Shown, Store},
};

/// Makes a delivery of an alert, or finds the one that was made of it before: account, source and id are its
/// identity. A later state of the alert queues behind it. Durable when it returns.
pub(crate) async fn accept(
    store: &dyn Store,
    chance: &Chance,
    observers: &Observers,
    alert: Alert,
) -> Result<Delivery> {
    let customer = checked(&alert)?;
    if store.account(&customer).await?.is_none() {
        return Err(no_account(&customer));
    }
    loop {
        if let Some(row) = store.delivery_of(&customer, &alert.source, &alert.id).await? {
            if !is_known(store, &row, &alert).await? {
                let step = DeliveryStep { number: 0, alert: alert.clone(), accepted_at: chance.now() };
                let delivery_id = row.value.delivery.id.clone();
                match store.commit(vec![Change::Step { delivery_id, step }]).await {
                    Ok(_) => {}
                    // It was removed in this moment, because its time was over: the alert begins anew.
                    Err(Refusal::Conflict) => continue,
                    Err(Refusal::Failed(error)) => return Err(error),
                    Err(_) => return Err(Error::new(ErrorKind::Internal, "The store refused a step.")),
                }
            }
            return Ok(row.value.delivery);
        }
        let now = chance.now();
        let ended = alert.state == AlertState::Ended;
        // Read after "there is no delivery": whoever removed one has left its trace by then.
        let key = alert_key(&customer, &alert.source, &alert.id);
        let shown = Shown::beginning(alert.state, store.trace(&key).await?);
        let delivery = Delivery {
            id: new_id(chance),
            customer_id: customer.clone(),
            correlation_id: correlation_id(&key, shown.generation),
            alert: alert.clone(),
            // What is over before anybody heard of it needs nobody's hand; it is kept, so that a later state finds it.
            status: if ended { DeliveryStatus::Ignored } else { DeliveryStatus::Pending },
            attempts: 0,
            instance_id: None,
            incident: None,
            failure: None,
            accepted_at: now,
            updated_at: now,
        };
        let event = about(&delivery, EventKind::DeliveryAccepted, "The alert is accepted.", now);
        let record = DeliveryRecord {
            delivery: delivery.clone(),
            attempt_deadline: None,
            not_before: None,
            claimed_until: None,
            failures: 0,
            spent: 0,
            shown,
        };
        let put = Change::Delivery(Put { value: record, sealed: None, replaces: None });
        match store.commit(vec![put, Change::Event(event.clone())]).await {
            Ok(committed) => {
                observers.publish_from(committed.first_event, vec![event]);
                metrics::counter!("itsm_adapter_deliveries_accepted").increment(1);
                return Ok(delivery);
            }
            // Somebody else has accepted the same alert: theirs is ours.
            Err(Refusal::Conflict) => {}
            Err(Refusal::Failed(error)) => return Err(error),
            Err(_) => return Err(Error::new(ErrorKind::Internal, "The store refused a new delivery.")),
        }
    }
}

fn checked(alert: &Alert) -> Result<CustomerId> {
    let customer = CustomerId::parse(&alert.customer_id)?;
    for (name, value, most) in [("source", &alert.source, 100), ("id", &alert.id, 512), ("title", &alert.title, 10_000)]
    {
        if value.trim().is_empty() || value.chars().count() > most {
            return Err(Error::invalid(format!("The alert's {name} is empty or longer than {most} characters.")));
        }
    }
    if alert.description.len() > 1024 * 1024 {
        return Err(Error::invalid("The alert's description is longer than 1 MiB."));
    }
    Ok(customer)
}

/// Whether this state of the alert adds nothing: it repeats the last one that was accepted, word for word, or it
/// raises what waits to be delivered anyway.
async fn is_known(store: &dyn Store, row: &Row<DeliveryRecord>, alert: &Alert) -> Result<bool> {
    if let Some(last) = store.last_step(&row.value.delivery.id).await? {
        return Ok(last.alert == *alert || (last.alert.state == alert.state && alert.state == AlertState::Ended));
    }
    let record = &row.value;
    Ok(match (record.shown.state, alert.state) {
        (AlertState::Ended, AlertState::Ended) => true,
        (AlertState::Ended, _) | (_, AlertState::Ended) => false,
        (_, AlertState::Raised) if record.delivery.incident.is_none() => true,
        _ => record.delivery.alert == *alert,
    })
}

/// Ids sort in the order of acceptance: time first, chance last.
fn new_id(chance: &Chance) -> DeliveryId {
    DeliveryId(format!("{}-{:016x}", first_id_of(chance.now()), chance.up_to(u64::MAX)))
}
