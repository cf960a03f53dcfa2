//! Accepting an alert, and delivering it so that it makes exactly one incident.

use std::{sync::Arc, time::Duration};

use super::{
    incident::{FIELDS, IncidentRow, NewIncident},
    key::digest,
    lease::Held,
    policy::PolicyBook,
};
use crate::{
    api::servicenow::{Query, ServiceNow},
    clock::Chance,
    error::{Error, ErrorKind, Result, Retry},
    event::Observers,
    id::{CustomerId, DeliveryId, InstanceId},
    model::{Alert, Delivery, DeliveryStatus, Event, EventKind, Incident},
    oauth::{Access, Tokens},
    store::{Change, DeliveryRecord, Lease, Put, Refusal, Row, Store},
    transport::{Failure, Outcome},
};

/// Added to the longest time that the instance may still be working.
const MARGIN: Duration = Duration::from_secs(2);
/// Inserts of one delivery in one call, before it is left to the next call.
const ATTEMPTS: i32 = 5;
/// Pause between two looks at an incident that may still appear, and at a lease that somebody else holds.
const POLL: Duration = Duration::from_millis(250);

/// Makes a delivery of an alert, or finds the one that was made of it before: account, source and id are its
/// identity. Durable when it returns.
pub(crate) async fn accept(
    store: &dyn Store,
    chance: &Chance,
    observers: &Observers,
    alert: Alert,
) -> Result<Delivery> {
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
    if store.account(&customer).await?.is_none() {
        return Err(Error::new(ErrorKind::NotFound, format!("There is no account {customer}."))
            .remedy("Add the account first."));
    }
    loop {
        if let Some(row) = store.delivery_of(&customer, &alert.source, &alert.id).await? {
            return Ok(row.value.delivery);
        }
        let now = chance.now();
        let delivery = Delivery {
            id: new_id(chance),
            customer_id: customer.clone(),
            correlation_id: correlation_id(&customer, &alert.source, &alert.id),
            alert: alert.clone(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            instance_id: None,
            incident: None,
            failure: None,
            accepted_at: now,
            updated_at: now,
        };
        let event = about(&delivery, EventKind::DeliveryAccepted, "The alert is accepted.", now);
        let record = DeliveryRecord { delivery: delivery.clone(), attempt_deadline: None, not_before: None };
        let put = Change::Delivery(Put { value: record, sealed: None, replaces: None });
        match store.commit(vec![put, Change::Event(event.clone())]).await {
            Ok(committed) => {
                observers.publish_from(committed.first_event, vec![event]);
                return Ok(delivery);
            }
            // Somebody else has accepted the same alert: theirs is ours.
            Err(Refusal::Conflict) => {}
            Err(Refusal::Failed(error)) => return Err(error),
            Err(_) => return Err(Error::new(ErrorKind::Internal, "The store refused a new delivery.")),
        }
    }
}

/// Ids sort in the order of acceptance: time first, chance last.
fn new_id(chance: &Chance) -> DeliveryId {
    let micros = chance.now().timestamp_micros().max(0);
    DeliveryId(format!("{micros:016x}-{:016x}", chance.up_to(u64::MAX)))
}

/// The key by which the incident is found again; the same for the same alert, whoever computes it.
fn correlation_id(customer: &CustomerId, source: &str, id: &str) -> String {
    format!("citrix-{}", digest([customer.as_str(), source, id]))
}

/// Delivers; cheap to clone.
#[derive(Clone)]
pub(crate) struct Courier {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) chance: Chance,
    pub(crate) observers: Observers,
    pub(crate) servicenow: ServiceNow,
    pub(crate) tokens: Tokens,
    pub(crate) policies: PolicyBook,
    /// How long the instance may go on working on a request that nobody waits for.
    pub(crate) transaction_limit: Duration,
    /// How long one call of ours takes at the most, with its waits and repetitions.
    pub(crate) total_timeout: Duration,
}

/// What an insert came to.
enum Sent {
    Made(Incident),
    NotMade(Error),
    Unknown(Error),
}

/// What a look-up by the key came to.
enum Found {
    One(Incident),
    None,
}

impl Courier {
    /// Delivers one alert to the instance its account is registered with. Only one caller at a time works on a
    /// delivery; what the last one left open is settled first.
    pub(crate) async fn deliver(&self, id: &DeliveryId, instance: &InstanceId) -> Result<Delivery> {
        let name = format!("delivery:{id}");
        let owner = self.chance.uuid().to_string();
        // Whoever takes over earlier could only wait. Should a holder take longer, the versions of the row keep two
        // workers from sending at once.
        let span = self.total_timeout + self.transaction_limit + MARGIN * 2;
        loop {
            let now = self.chance.now();
            if let Some(lease) = self.store.acquire(&name, &owner, now, now + span).await? {
                let held = Held::new(&self.store, lease.clone());
                let result = self.work(id, instance, &lease, span).await;
                held.give_back().await;
                return result;
            }
            let row = self.delivery(id).await?;
            if row.value.delivery.status == DeliveryStatus::Delivered {
                return Ok(row.value.delivery);
            }
            self.chance.clock.sleep(POLL).await;
        }
    }

    async fn work(&self, id: &DeliveryId, instance: &InstanceId, lease: &Lease, span: Duration) -> Result<Delivery> {
        let mut last = None;
        let mut rejected: Option<Arc<Access>> = None;
        for _ in 0..ATTEMPTS {
            let row = self.delivery(id).await?;
            let customer = row.value.delivery.customer_id.clone();
            match row.value.delivery.status {
                DeliveryStatus::Delivered => return Ok(row.value.delivery),
                DeliveryStatus::Unknown => {
                    // The instance that was asked, not the one that is registered now: the row may be there.
                    let asked = row.value.delivery.instance_id.clone().unwrap_or_else(|| instance.clone());
                    match self.settle(&row, &customer, &asked).await? {
                        Found::One(incident) => return self.done(row, &asked, incident).await,
                        Found::None => {
                            self.open_again(row, last.as_ref()).await?;
                            continue;
                        }
                    }
                }
                DeliveryStatus::Pending | DeliveryStatus::Dead => {}
            }
            // The token first: an exchange may take long, and the attempt's time must not be used up by it.
            let access =
                match self.tokens.servicenow(&customer, instance, rejected.as_ref().map(|old| &old.token)).await {
                    Ok(access) => access,
                    Err(error) => {
                        self.open_again(row, Some(&error)).await?;
                        return Err(error);
                    }
                };
            let now = self.chance.now();
            if self
                .store
                .acquire(&lease.name, &lease.owner, now, now + span)
                .await?
                .is_none_or(|held| held.fence != lease.fence)
            {
                return Err(
                    Error::new(ErrorKind::Unavailable, "Another worker has taken the delivery over.").retry(Retry::Now)
                );
            }
            let row = self.begin_attempt(row, instance).await?;
            match self.send(&row, &access).await {
                Sent::Made(incident) => return self.done(row, instance, incident).await,
                Sent::NotMade(error) => {
                    self.open_again(row, Some(&error)).await?;
                    // One renewal, one repetition, as everywhere.
                    if error.context("token") != Some("rejected") || rejected.replace(access).is_some() {
                        return Err(error);
                    }
                }
                Sent::Unknown(error) => {
                    self.end_attempt(row).await?;
                    last = Some(error);
                }
            }
        }
        let row = self.delivery(id).await?;
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::OutcomeUnknown, "The incident could not be confirmed.")))
            .map_err(|error| unknown(&error, &row.value.delivery))
    }

    /// The journal: an attempt is written down before it is sent, with the time after which it cannot have an
    /// effect any more, should nobody be there to write down when it ended.
    async fn begin_attempt(&self, row: Row<DeliveryRecord>, instance: &InstanceId) -> Result<Row<DeliveryRecord>> {
        let now = self.chance.now();
        let mut record = row.value;
        record.delivery.status = DeliveryStatus::Unknown;
        record.delivery.attempts += 1;
        record.delivery.instance_id = Some(instance.clone());
        record.delivery.updated_at = now;
        // The call may be waiting for its turn, or for the end of a pause, until shortly before its time is up.
        record.attempt_deadline = Some(now + self.total_timeout + self.transaction_limit + MARGIN);
        self.write(record, row.version, None).await
    }

    /// Nothing of ours is on its way any more: from here the instance has its own time limit, and no more.
    async fn end_attempt(&self, row: Row<DeliveryRecord>) -> Result<()> {
        let now = self.chance.now();
        let mut record = row.value;
        record.delivery.updated_at = now;
        record.attempt_deadline = Some(now + self.transaction_limit + MARGIN);
        self.write(record, row.version, None).await.map(drop)
    }

    async fn send(&self, row: &Row<DeliveryRecord>, access: &Access) -> Sent {
        let delivery = &row.value.delivery;
        let policy = match self.policies.of(&delivery.customer_id).await {
            Ok(policy) => policy,
            Err(error) => return Sent::NotMade(error),
        };
        let decision = policy.decide(&delivery.alert, self.chance.now());
        let body = &NewIncident::of(&delivery.alert, &decision, &delivery.correlation_id);
        match self.servicenow.insert::<IncidentRow>(access, "incident", body, &FIELDS).await {
            Ok(made) if made.correlation_id == delivery.correlation_id && !made.sys_id.is_empty() => {
                Sent::Made(made.into())
            }
            // Made, but without the key: it could not be found again. Say so rather than make another.
            Ok(_) => Sent::Unknown(Error::new(
                ErrorKind::Protocol,
                "The instance answered with another record than the one sent.",
            )),
            Err(Failure { error, outcome: Outcome::NotDone }) => Sent::NotMade(error),
            Err(Failure { error, outcome: Outcome::Unknown }) => Sent::Unknown(error),
        }
    }

    /// Finds out what an attempt came to: looks at once, and if the incident is not there, again until the
    /// instance cannot be working on it any more.
    async fn settle(&self, row: &Row<DeliveryRecord>, customer: &CustomerId, instance: &InstanceId) -> Result<Found> {
        let delivery = &row.value.delivery;
        let deadline = row.value.attempt_deadline.unwrap_or(delivery.updated_at);
        let mut pause = POLL;
        loop {
            // Taken before the look: what is not there at a time after the deadline never comes.
            let looked_at = self.chance.now();
            if let Found::One(incident) = self.look_up(delivery, customer, instance).await? {
                return Ok(Found::One(incident));
            }
            if looked_at >= deadline {
                return Ok(Found::None);
            }
            let left = (deadline - looked_at).to_std().unwrap_or_default();
            if pause == POLL {
                let message = format!(
                    "The answer was lost; the adapter looks for the incident for up to {} s before it makes another.",
                    left.as_secs() + 1
                );
                self.observers.publish(&about(delivery, EventKind::Progress, &message, looked_at));
            }
            self.chance.clock.sleep(pause.min(left + Duration::from_millis(1))).await;
            pause = (pause * 2).min(Duration::from_secs(10));
        }
    }

    /// Looks the incident up by equality of its key. Rows that do not carry the key are no answer: the instance
    /// drops a condition that it does not know and returns other rows (T11).
    async fn look_up(&self, delivery: &Delivery, customer: &CustomerId, instance: &InstanceId) -> Result<Found> {
        let key = &delivery.correlation_id;
        let query = &Query::new().equals("correlation_id", key)?.order_by("sys_created_on")?;
        let work =
            |access: Arc<Access>| async move { self.servicenow.query(&access, "incident", query, &FIELDS, 10).await };
        let rows: Vec<IncidentRow> =
            self.tokens.with_access(customer, instance, work).await.map_err(|error| unknown(&error, delivery))?;
        if rows.iter().any(|row| row.correlation_id != *key) {
            return Err(unknown(
                &Error::new(ErrorKind::Protocol, "The instance answered a look-up with other records."),
                delivery,
            ));
        }
        Ok(rows.into_iter().next().map_or(Found::None, |row| Found::One(row.into())))
    }

    async fn done(&self, row: Row<DeliveryRecord>, instance: &InstanceId, incident: Incident) -> Result<Delivery> {
        let mut record = row.value;
        let message = format!("The alert is incident {}.", incident.number);
        record.delivery.status = DeliveryStatus::Delivered;
        record.delivery.instance_id = Some(instance.clone());
        record.delivery.incident = Some(incident);
        record.delivery.failure = None;
        record.delivery.updated_at = self.chance.now();
        record.attempt_deadline = None;
        let event = about(&record.delivery, EventKind::DeliveryDone, &message, record.delivery.updated_at);
        Ok(self.write(record, row.version, Some(event)).await?.value.delivery)
    }

    /// Nothing was made: the delivery waits for its next attempt.
    async fn open_again(&self, row: Row<DeliveryRecord>, why: Option<&Error>) -> Result<()> {
        let mut record = row.value;
        record.delivery.status = DeliveryStatus::Pending;
        record.delivery.failure = why.map(|error| error.message().to_owned());
        record.delivery.updated_at = self.chance.now();
        record.attempt_deadline = None;
        self.write(record, row.version, None).await.map(drop)
    }

    async fn write(&self, record: DeliveryRecord, version: i64, event: Option<Event>) -> Result<Row<DeliveryRecord>> {
        let put = Change::Delivery(Put { value: record.clone(), sealed: None, replaces: Some(version) });
        let mut changes = vec![put];
        changes.extend(event.clone().map(Change::Event));
        match self.store.commit(changes).await {
            Ok(committed) => {
                self.observers.publish_from(committed.first_event, event.into_iter().collect());
                Ok(Row { value: record, sealed: None, version: committed.version })
            }
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => {
                Err(Error::new(ErrorKind::Unavailable, "Another worker has taken the delivery over.").retry(Retry::Now))
            }
        }
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Row<DeliveryRecord>> {
        self.store
            .delivery(id)
            .await?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("There is no delivery {id}.")))
    }
}

fn unknown(cause: &Error, delivery: &Delivery) -> Error {
    Error::new(
        ErrorKind::OutcomeUnknown,
        format!(
            "Whether the incident was made is not known yet, and the instance cannot be asked: {}",
            cause.message()
        ),
    )
    .remedy("Deliver it again later; the adapter looks the incident up before it makes another.")
    .with("cause", cause.kind())
    .with("correlation_id", &delivery.correlation_id)
    .transaction(cause.transaction_id())
    .retry(match cause.retry_advice() {
        Retry::Never => Retry::Now,
        advice => advice,
    })
}

fn about(delivery: &Delivery, kind: EventKind, message: &str, at: chrono::DateTime<chrono::Utc>) -> Event {
    let mut detail = std::collections::HashMap::from([("delivery_id".to_owned(), delivery.id.to_string())]);
    if let Some(incident) = &delivery.incident {
        detail.insert("number".to_owned(), incident.number.clone());
    }
    Event {
        customer_id: Some(delivery.customer_id.clone()),
        instance_id: delivery.instance_id.clone(),
        detail,
        ..Event::new(kind, message.to_owned(), at)
    }
}
