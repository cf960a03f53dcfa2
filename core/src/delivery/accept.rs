//! Accepting alerts: durable when it returns, and the same alert again is the same delivery.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    bell::{Bell, Ring},
    deliver::about,
    key::{alert_key, correlation_id, first_id_of, print_of},
};
use crate::{
    clock::Chance,
    error::{Error, ErrorKind, Result},
    event::Observers,
    id::{CustomerId, DeliveryId},
    model::{Alert, AlertState, Delivery, DeliveryStatus, EventKind},
    registration::no_account,
    store::{Arrival, Arrived, Change, DeliveryRecord, DeliveryStep, Refusal, Row, Shown, Store, Trace},
};

/// Alerts that are given to the store at a time: enough to share a flush, and few enough that nobody waits long behind
/// them.
const TOGETHER: usize = 64;

/// An alert, and its place in what was asked.
type Placed = (usize, Alert);

/// Takes alerts into the outbox; cheap to clone.
#[derive(Clone)]
pub(crate) struct Acceptance {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) chance: Chance,
    pub(crate) observers: Observers,
    pub(crate) bell: Bell,
}

impl Acceptance {
    /// Makes a delivery of an alert, or finds the one that was made of it before: account, source and id are its
    /// identity. A later state of the alert queues behind it. Durable when it returns.
    pub(crate) async fn accept(&self, alert: Alert) -> Result<Delivery> {
        self.accept_many(vec![alert]).await.pop().unwrap_or_else(|| Err(unanswered()))
    }

    /// The same for many, each for itself; the answers are in the order of the alerts. Several states of one alert are
    /// taken in that order too.
    pub(crate) async fn accept_many(&self, alerts: Vec<Alert>) -> Vec<Result<Delivery>> {
        let mut answers: Vec<_> = alerts.iter().map(|_| Err(unanswered())).collect();
        for round in rounds(alerts) {
            let mut round = round.into_iter().peekable();
            while round.peek().is_some() {
                let some: Vec<Placed> = round.by_ref().take(TOGETHER).collect();
                for (place, answer) in self.accept_some(some).await {
                    answers[place] = answer;
                }
            }
        }
        answers
    }

    /// Of each alert one state at the most.
    async fn accept_some(&self, alerts: Vec<Placed>) -> Vec<(usize, Result<Delivery>)> {
        let mut answers = Vec::with_capacity(alerts.len());
        let mut left = Vec::with_capacity(alerts.len());
        for (place, alert) in alerts {
            match checked(&alert) {
                Ok(customer) => left.push((place, self.arrival(customer, alert, None))),
                Err(error) => answers.push((place, Err(error))),
            }
        }
        // Once as a rule; again for those whose delivery was removed in this moment, or a trace of one is there.
        while !left.is_empty() {
            let (places, arrivals): (Vec<_>, Vec<_>) = left.drain(..).unzip();
            let told: Vec<_> = arrivals.iter().map(|one| (one.record.delivery.clone(), one.event.clone())).collect();
            let arrived = match self.store.accept(arrivals).await {
                Ok(arrived) => arrived,
                Err(error) => {
                    answers.extend(places.into_iter().map(|place| (place, Err(error.clone()))));
                    return answers;
                }
            };
            let mut later = Vec::new();
            for ((place, arrived), (delivery, event)) in places.into_iter().zip(arrived).zip(told) {
                match arrived {
                    Arrived::New(committed) => {
                        self.observers.publish_from(committed.first_event, vec![event]);
                        metrics::counter!("itsm_adapter_deliveries_accepted").increment(1);
                        answers.push((place, Ok(*delivery)));
                    }
                    Arrived::Known { row, last_step } if is_known(&row, last_step.as_deref(), &delivery.alert) => {
                        answers.push((place, Ok(*row.value.delivery)));
                    }
                    Arrived::Known { row, .. } => later.push((place, delivery.alert, row.value.delivery)),
                    Arrived::Traced(trace) => {
                        left.push((place, self.arrival(delivery.customer_id, delivery.alert, Some(trace))));
                    }
                    Arrived::NoAccount => answers.push((place, Err(no_account(&delivery.customer_id)))),
                }
            }
            match self.append(&later).await {
                Ok(true) => answers.extend(later.into_iter().map(|(place, _, known)| (place, Ok(*known)))),
                Ok(false) => left.extend(
                    later
                        .into_iter()
                        .map(|(place, alert, known)| (place, self.arrival(known.customer_id, alert, None))),
                ),
                Err(error) => answers.extend(later.into_iter().map(|(place, ..)| (place, Err(error.clone())))),
            }
        }
        let taken: HashSet<_> = answers.iter().filter_map(|(_, one)| Some(&one.as_ref().ok()?.customer_id)).collect();
        for customer in taken {
            self.bell.ring(Ring::Accepted(customer.clone()));
        }
        answers
    }

    /// Queues later states behind their deliveries. False when one of those was removed in this moment, because its time
    /// was over.
    async fn append(&self, later: &[(usize, Alert, Box<Delivery>)]) -> Result<bool> {
        if later.is_empty() {
            return Ok(true);
        }
        let accepted_at = self.chance.now();
        let change = |(_, alert, known): &(usize, Alert, Box<Delivery>)| Change::Step {
            delivery_id: known.id.clone(),
            step: DeliveryStep { number: 0, alert: alert.clone(), accepted_at },
        };
        match self.store.commit(later.iter().map(change).collect()).await {
            Ok(_) => Ok(true),
            Err(Refusal::Conflict) => Ok(false),
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => Err(Error::new(ErrorKind::Internal, "The store refused a step.")),
        }
    }

    fn arrival(&self, customer: CustomerId, alert: Alert, trace: Option<Trace>) -> Arrival {
        let now = self.chance.now();
        let state = alert.state;
        let key = alert_key(&customer, &alert.source, &alert.id);
        let shown = Shown::beginning(state, trace.as_ref());
        let delivery = Delivery {
            id: new_id(&self.chance),
            correlation_id: correlation_id(&key, shown.generation),
            customer_id: customer,
            alert,
            // What is over before anybody heard of it needs nobody's hand; it is kept, so that a later state finds it.
            status: if state == AlertState::Ended { DeliveryStatus::Ignored } else { DeliveryStatus::Pending },
            attempts: 0,
            instance_id: None,
            incident: None,
            failure: None,
            accepted_at: now,
            updated_at: now,
        };
        let event = about(&delivery, EventKind::DeliveryAccepted, "The alert is accepted.", now);
        let record = DeliveryRecord {
            delivery: Box::new(delivery),
            attempt_deadline: None,
            unsure_at: Vec::new(),
            not_before: None,
            claimed_until: None,
            failures: 0,
            spent: 0,
            shown,
        };
        Arrival { key, trace, record, event }
    }
}

/// The first state of each alert, then the second ones, and so on.
fn rounds(alerts: Vec<Alert>) -> Vec<Vec<Placed>> {
    let mut seen: HashMap<(String, String, String), usize> = HashMap::new();
    let mut rounds: Vec<Vec<Placed>> = Vec::new();
    for (place, alert) in alerts.into_iter().enumerate() {
        let states = seen.entry((alert.customer_id.clone(), alert.source.clone(), alert.id.clone())).or_default();
        if *states == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*states].push((place, alert));
        *states += 1;
    }
    rounds
}

fn unanswered() -> Error {
    Error::new(ErrorKind::Internal, "The store gave no answer for an alert.")
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
    let others = [&alert.component, &alert.category, &alert.policy, &alert.target, &alert.priority];
    let texts = others.into_iter().flatten().chain(alert.fields.iter().flat_map(|(name, value)| [name, value]));
    if texts.map(String::len).sum::<usize>() > 1024 * 1024 {
        return Err(Error::invalid(
            "The alert's component, category, policy, target, priority and fields are longer than 1 MiB together.",
        ));
    }
    Ok(customer)
}

/// Whether this state of the alert adds nothing: it repeats the last one that was accepted, word for word, or it
/// raises what waits to be delivered anyway. A state that says when it happened is one that was dealt with when it says
/// the same again, even after the end: a source sent it late, or somebody replays it (T17).
fn is_known(row: &Row<DeliveryRecord>, last: Option<&DeliveryStep>, alert: &Alert) -> bool {
    let record = &row.value;
    let is_over = last.is_none_or(|last| last.alert.state == AlertState::Ended);
    let is_dated = alert.raised_at.is_some() && alert.state != AlertState::Ended;
    if is_dated && (record.delivery.alert == *alert || (is_over && record.shown.last == Some(print_of(alert)))) {
        return true;
    }
    if let Some(last) = last {
        return last.alert == *alert || (last.alert.state == alert.state && alert.state == AlertState::Ended);
    }
    match (record.shown.state, alert.state) {
        (AlertState::Ended, AlertState::Ended) => true,
        (AlertState::Ended, _) | (_, AlertState::Ended) => false,
        // What a policy made nothing of is decided anew each time: its windows begin and end.
        _ if record.delivery.status == DeliveryStatus::Ignored => false,
        (_, AlertState::Raised) if record.delivery.incident.is_none() => true,
        _ => record.delivery.alert == *alert,
    }
}

/// Ids sort in the order of acceptance: time first, chance last.
fn new_id(chance: &Chance) -> DeliveryId {
    DeliveryId(format!("{}-{:016x}", first_id_of(chance.now()), chance.up_to(u64::MAX)))
}
