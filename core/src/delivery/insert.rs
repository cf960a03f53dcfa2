//! One insert, and what it came to: by the same rules, whether it was sent in a request of its own or with others.
//!
//! Where a probe found that the instance honours record ids chosen by the client, an insert carries one. Then a second
//! row of the same alert is refused, whatever went wrong before: a refusal may mean that the incident is there already.

use serde_json::value::{RawValue, to_raw_value};

use super::{
    deliver::{Courier, Next, words},
    incident::{FIELDS, IncidentRow, NewIncident},
    key::own_sys_id,
    policy::Decision,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{ChosenSysId, Delivery, Incident, LookUp, ProbeReport},
    oauth::Access,
    store::{Change, DeliveryRecord, Put, Row},
    transport::{Failure, Outcome},
};

/// How long a delivery waits where look-ups are broken, before it is asked again whether they still are.
const BROKEN_PAUSE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// An insert that is ready to be sent.
#[derive(Debug)]
pub(super) struct Insert {
    pub(super) body: Box<RawValue>,
    /// What its answer must carry.
    key: String,
    /// The record id that it asks for.
    own_id: Option<String>,
}

/// What an insert came to.
pub(super) enum Sent {
    Made(Incident),
    NotMade(Error),
    Unknown(Error),
}

/// What a refused insert means.
pub(super) enum Refused {
    /// The incident is there already, from an attempt before.
    There(Incident),
    /// The instance takes no record id of ours any more; to be sent without.
    WithoutOwnId,
    /// As it says.
    Really(Error),
    /// It could not be found out.
    Unsure(Error),
}

impl Insert {
    pub(super) fn of(record: &DeliveryRecord, decision: &Decision, with_own_id: bool) -> Result<Self> {
        let (delivery, shown) = (&record.delivery, &record.shown);
        let (follows, parent) = (shown.follows.as_deref(), shown.parent.as_deref());
        let mut incident = NewIncident::of(&delivery.alert, decision, &delivery.correlation_id, follows, parent);
        incident.sys_id = with_own_id.then(|| own_sys_id(record));
        let body = to_raw_value(&incident)
            .map_err(|error| Error::new(ErrorKind::Internal, "An incident cannot be written.").because(error))?;
        Ok(Self { body, key: delivery.correlation_id.clone(), own_id: incident.sys_id })
    }

    /// The outcome rules: made is what carries our key, and not made is what was certainly not.
    pub(super) fn came_to(&self, answer: Result<IncidentRow, Failure>) -> Sent {
        match answer {
            Ok(made) if made.correlation_id == self.key && !made.sys_id.is_empty() => Sent::Made(made.into()),
            // Made, but without the key: it could not be found again. Say so rather than make another.
            Ok(_) => Sent::Unknown(Error::new(
                ErrorKind::Protocol,
                "The instance answered with another record than the one sent.",
            )),
            Err(Failure { error, outcome: Outcome::NotDone }) => Sent::NotMade(error),
            Err(Failure { error, outcome: Outcome::Unknown }) => Sent::Unknown(error),
        }
    }

    /// Whether the instance gave the record another id than the one it was asked for.
    pub(super) fn lost_its_id(&self, made: &Incident) -> bool {
        self.own_id.as_ref().is_some_and(|id| *id != made.sys_id)
    }
}

impl Courier {
    /// Sends it in a request of its own.
    pub(super) async fn send(&self, insert: &Insert, access: &Access) -> Sent {
        insert.came_to(self.servicenow.insert(access, "incident", &insert.body, &FIELDS).await)
    }

    /// Whether inserts carry a record id of ours; or, where look-ups are broken, no insert but what to do instead: the
    /// delivery waits for a probe that finds them working. Whoever delivers by hand is told at once.
    pub(super) async fn may_insert(
        &self,
        row: Row<DeliveryRecord>,
        instance: &InstanceId,
        budget: Option<i32>,
    ) -> Result<Result<(Row<DeliveryRecord>, bool), Next>> {
        let Some(learned) = self.learned.of(&row.value.delivery.customer_id, instance).await? else {
            return Ok(Ok((row, false)));
        };
        if learned.look_up == LookUp::Works {
            return Ok(Ok((row, learned.chosen_sys_id == ChosenSysId::Honoured)));
        }
        let error = Error::new(
            ErrorKind::PrerequisiteMissing,
            format!("The instance's look-ups cannot be relied on, so nothing is inserted: {}", learned.look_up_seen),
        )
        .remedy(
            "Give the user read access to its own incidents and to correlation_id, then probe the registration again.",
        );
        let until = self.chance.now() + BROKEN_PAUSE;
        let mut record = row.value;
        record.delivery.failure = Some(words(&error));
        record.not_before = Some(until);
        record.claimed_until = None;
        self.write(record, row.version, Vec::new(), None).await?;
        Ok(Err(if budget.is_some() { Next::Later(until) } else { Next::Failed(error) }))
    }

    /// Finds out what a refusal means. Without a record id of ours in the insert it means what it says. With one, the
    /// incident may be there already: how an instance words that is not known well enough, so it is looked for.
    pub(super) async fn refused(
        &self,
        delivery: &Delivery,
        instance: &InstanceId,
        insert: &Insert,
        error: Error,
    ) -> Refused {
        let Some(own_id) = &insert.own_id else { return Refused::Really(error) };
        let was_answered = error.context("status").is_some();
        if !was_answered || !matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::InvalidInput) {
            return Refused::Really(error);
        }
        let there = match self.look_up(delivery, instance).await {
            Ok(found) => found.into_iter().next(),
            Err(error) => return Refused::Unsure(error),
        };
        let there = match there {
            Some(there) => Some(there),
            // Somebody may have changed its key; the id is ours alone.
            None => match self.incident(&delivery.customer_id, instance, own_id).await {
                Ok(present) => present,
                Err(error) => return Refused::Unsure(error),
            },
        };
        match there {
            Some(there) => Refused::There(there.into()),
            None if error.context("missing") == Some("role") && !says_duplicate(&error) => {
                self.doubt(&delivery.customer_id, instance, "The instance refused a record that came with one.").await;
                Refused::WithoutOwnId
            }
            None => Refused::Really(error),
        }
    }

    /// What a probe learned about record ids does not hold any more: none is sent until the next one.
    pub(super) async fn doubt(&self, customer: &CustomerId, instance: &InstanceId, why: &str) {
        let forget = async {
            let Some(row) = self.store.probe(customer, instance).await? else { return Ok(()) };
            let value =
                ProbeReport { chosen_sys_id: ChosenSysId::Unknown, chosen_sys_id_seen: why.to_owned(), ..row.value };
            let put = Change::Probe(Put { value, sealed: None, replaces: Some(row.version) });
            match self.store.commit(vec![put]).await {
                Err(crate::store::Refusal::Failed(error)) => Err(error),
                // Somebody else has learned something newer.
                Ok(_) | Err(_) => Ok(()),
            }
        };
        let done: Result<()> = forget.await;
        self.learned.forget(customer, instance);
        match done {
            Ok(()) => tracing::warn!(%customer, %instance, why, "record ids are not chosen any more"),
            Err(error) => tracing::warn!(%customer, %instance, %error, "a doubt could not be written down"),
        }
    }
}

/// The database's own words, where the instance shows them.
fn says_duplicate(error: &Error) -> bool {
    let text = error.message().to_ascii_lowercase();
    text.contains("unique key violation") || text.contains("duplicate entry")
}
