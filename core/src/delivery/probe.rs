//! The probe: what an instance does with a record of the adapter's own, found out before it matters.
//!
//! ```text
//! make a record with a record id and a random key ──► find it by the key ──► find nothing by another key
//!   ──► where the id was honoured: a second one with it must be refused ──► cancel all that was made
//! ```
//!
//! A process that dies half-way leaves its record open; it says what it is, and the next probe closes it (`orphan.rs`).

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    deliver::{Courier, words},
    incident::{FIELDS, IncidentRow, NewIncident},
    orphan::probe_key,
    policy::Decision,
};
use crate::{
    api::servicenow::Query,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{Alert, AlertState, ChosenSysId, Event, EventKind, LookUp, ProbeReport, Severity},
    oauth::Access,
    store::{Change, Put, Refusal},
    transport::{Failure, Outcome},
};

/// Looks for a record that was just made: an instance may answer from a copy that is a moment behind.
const LOOKS: u32 = 3;
/// Pause between two of them.
const PAUSE: Duration = Duration::from_millis(500);
/// Times that the report is written when others write one too.
const RACES: u32 = 8;

/// A probe under way.
struct Probe<'a> {
    courier: &'a Courier,
    customer: &'a CustomerId,
    instance: &'a InstanceId,
    alert: Alert,
    decision: Decision,
    /// All that was made and is to be closed.
    made: Vec<IncidentRow>,
}

/// An answer, and what was seen of it.
type Finding<T> = (T, String);

/// What was learned.
struct Learned {
    incident: IncidentRow,
    look_up: Finding<LookUp>,
    chosen_sys_id: Finding<ChosenSysId>,
}

impl Courier {
    /// Probes an instance as the account's grant sees it, and writes down what was learned.
    pub(crate) async fn probe(&self, customer: &CustomerId, instance: &InstanceId) -> Result<ProbeReport> {
        // Boxed: its steps are large, and whoever registers an account may come by here.
        let mut probe = Box::pin(Probe::new(self, customer, instance)).await?;
        let learned = Box::pin(probe.run()).await;
        if let Some(own) = probe.made.first() {
            match Box::pin(self.orphans(customer, instance, own)).await {
                Ok(left) => probe.made.extend(left),
                // A courtesy: nothing else depends on it.
                Err(error) => tracing::debug!(%customer, %instance, %error, "what earlier probes left is not known"),
            }
        }
        let (is_closed, closed_seen) = Box::pin(probe.close()).await;
        let learned = match learned {
            Ok(learned) => learned,
            Err(error) if is_closed => return Err(error),
            Err(error) => return Err(error.with("left_open", closed_seen)),
        };
        let ((look_up, look_up_seen), (chosen_sys_id, chosen_sys_id_seen)) = (learned.look_up, learned.chosen_sys_id);
        let report = ProbeReport {
            customer_id: customer.clone(),
            instance_id: instance.clone(),
            probed_at: self.chance.now(),
            look_up,
            look_up_seen,
            chosen_sys_id,
            chosen_sys_id_seen,
            incident_number: learned.incident.number,
            incident_sys_id: learned.incident.sys_id,
            is_closed,
            closed_seen,
        };
        self.keep(&report).await?;
        metrics::counter!("itsm_adapter_probes").increment(1);
        Ok(report)
    }

    /// Writes the report down, and tells of a look-up that is broken.
    async fn keep(&self, report: &ProbeReport) -> Result<()> {
        let event = (report.look_up == LookUp::Broken).then(|| Event {
            customer_id: Some(report.customer_id.clone()),
            instance_id: Some(report.instance_id.clone()),
            detail: HashMap::from([("number".to_owned(), report.incident_number.clone())]),
            ..Event::new(
                EventKind::LookUpBroken,
                format!(
                    "The instance's look-ups cannot be relied on, so nothing is inserted there for the account: {}",
                    report.look_up_seen
                ),
                report.probed_at,
            )
        });
        for _ in 0..RACES {
            let present = self.store.probe(&report.customer_id, &report.instance_id).await?;
            let replaces = present.map(|row| row.version);
            let mut changes = vec![Change::Probe(Put { value: report.clone(), sealed: None, replaces })];
            changes.extend(event.clone().map(Change::Event));
            match self.store.commit(changes).await {
                Ok(committed) => {
                    self.learned.forget(&report.customer_id, &report.instance_id);
                    self.observers.publish_from(committed.first_event, event.into_iter().collect());
                    return Ok(());
                }
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => return Err(Error::new(ErrorKind::NotFound, "The connection was removed meanwhile.")),
            }
        }
        Err(Error::new(ErrorKind::Store, "The registration is being probed by too many others at once."))
    }
}

impl<'a> Probe<'a> {
    async fn new(courier: &'a Courier, customer: &'a CustomerId, instance: &'a InstanceId) -> Result<Self> {
        let now = courier.chance.now();
        let alert = Alert {
            customer_id: customer.to_string(),
            source: "probe".to_owned(),
            id: courier.chance.uuid().to_string(),
            title: "Probe of the Citrix ITSM Adapter; nothing is to be done".to_owned(),
            description: "The adapter finds out how this instance looks records up, and cancels this one at once."
                .to_owned(),
            severity: Severity::Information,
            state: AlertState::Raised,
            priority: None,
            category: None,
            policy: None,
            target: None,
            component: None,
            raised_at: Some(now),
            fields: HashMap::new(),
        };
        // What the instance demands of an incident is what the account's policy fills in; its texts are for others.
        let decision = courier.policies.of(customer).await?.decide(&alert, now);
        let texts = Decision { short_description: None, description: None, opening_note: None, ..decision };
        Ok(Self { courier, customer, instance, alert, decision: texts, made: Vec::new() })
    }

    async fn run(&mut self) -> Result<Learned> {
        let (key, id) = (self.key(), self.courier.chance.uuid().simple().to_string());
        let (incident, mut chosen) = match self.insert(&key, Some(&id)).await {
            Ok(made) if made.sys_id == id => {
                (made, (ChosenSysId::Honoured, "The record got it, and a second one with it was refused."))
            }
            Ok(made) => (made, (ChosenSysId::Ignored, "The record got another one.")),
            Err(Failure { error, outcome: Outcome::NotDone })
                if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::InvalidInput) =>
            {
                let made = self.insert(&key, None).await?;
                (made, (ChosenSysId::Refused, "The record was refused, and made without it."))
            }
            Err(failure) => return Err(failure.error),
        };
        let look_up = self.look_up(&key, &incident).await?;
        if chosen.0 == ChosenSysId::Honoured
            && let Some(why) = self.why_not_unique(&id, &key).await
        {
            chosen = (ChosenSysId::Unknown, why);
        }
        let chosen_sys_id = (chosen.0, chosen.1.to_owned());
        Ok(Learned { incident, look_up, chosen_sys_id })
    }

    /// Marked as ours, and of no alert.
    fn key(&self) -> String {
        format!("{}{}", probe_key(self.customer), self.courier.chance.uuid().simple())
    }

    /// Makes a record, and remembers that it is to be closed.
    async fn insert(&mut self, key: &str, sys_id: Option<&str>) -> Result<IncidentRow, Failure> {
        let mut body = NewIncident::of(&self.alert, &self.decision, key, None, None);
        body.sys_id = sys_id.map(str::to_owned);
        let (courier, body) = (self.courier, &body);
        let send = |access: Arc<Access>| async move {
            courier.servicenow.insert::<IncidentRow>(&access, "incident", body, &FIELDS).await
        };
        match courier.tokens.with_access(self.customer, self.instance, send).await {
            Ok(made) => {
                self.made.push(made.clone());
                if made.correlation_id == key && !made.sys_id.is_empty() {
                    return Ok(made);
                }
                let text = "The instance answered with another record than the one sent.";
                Err(Failure { error: Error::new(ErrorKind::Protocol, text), outcome: Outcome::Unknown })
            }
            Err(failure) => {
                // A courtesy: what was made all the same is closed too, if it is there already.
                if failure.outcome == Outcome::Unknown {
                    let found = self.find(key).await.unwrap_or_default();
                    self.made.extend(found.into_iter().filter(|row| row.correlation_id == key));
                }
                Err(failure)
            }
        }
    }

    async fn find(&self, key: &str) -> Result<Vec<IncidentRow>> {
        let query = Query::new().equals("correlation_id", key)?.order_by("sys_created_on")?;
        self.courier.incidents(self.customer, self.instance, query, 10).await
    }

    async fn look_up(&self, key: &str, made: &IncidentRow) -> Result<Finding<LookUp>> {
        let broken = |seen: String| Ok((LookUp::Broken, seen));
        let mut looks = 0;
        let found = loop {
            looks += 1;
            match self.find(key).await {
                Ok(found) if found.is_empty() && looks < LOOKS => self.courier.chance.clock.sleep(PAUSE).await,
                Ok(found) => break found,
                Err(error) if says_no(&error) => return broken(format!("It refuses them. {}", error.message())),
                Err(error) => return Err(error),
            }
        };
        if found.is_empty() {
            return broken("It did not find a record that had just been made.".to_owned());
        }
        if found.iter().any(|row| row.correlation_id != key || row.sys_id != made.sys_id) {
            return broken("It answered with other records than the one with the key.".to_owned());
        }
        match self.find(&self.key()).await {
            Ok(found) if found.is_empty() => {
                Ok((LookUp::Works, "It found the record by its key, and nothing by another one.".to_owned()))
            }
            Ok(_) => broken("It found records by a key that none has.".to_owned()),
            Err(error) if says_no(&error) => broken(format!("It refuses them. {}", error.message())),
            Err(error) => Err(error),
        }
    }

    /// Whether a second record with the same id is refused and the first one left alone; if not, why not.
    async fn why_not_unique(&mut self, id: &str, key: &str) -> Option<&'static str> {
        let second = self.key();
        match self.insert(&second, Some(id)).await {
            Ok(made) if made.sys_id == id => return Some("A second record with it was written over the first."),
            Ok(_) => return Some("A second record with it was made under another one."),
            Err(Failure { outcome: Outcome::Unknown, .. }) => {
                return Some("What became of a second record with it is not known.");
            }
            Err(Failure { error, .. }) if !says_no(&error) => {
                return Some("A second record with it could not be tried.");
            }
            Err(_) => {}
        }
        match self.courier.incident(self.customer, self.instance, id).await {
            Ok(Some(row)) if row.correlation_id == key => None,
            _ => Some("The first record was not found by it as it was made."),
        }
    }

    /// Cancels, or else resolves, all that was made, by the instance's own words.
    async fn close(self) -> Finding<bool> {
        let words = match self.courier.words(self.customer, self.instance).await {
            Ok(words) if !self.made.is_empty() => words,
            Ok(_) => return (true, "Nothing was made.".to_owned()),
            Err(error) => return (self.made.is_empty(), left_open(&self.made, &error)),
        };
        let mut seen = "cancelled";
        for row in &self.made {
            let end = |state: &str| {
                let mut fields = vec![
                    ("state", state.to_owned()),
                    ("close_notes", "A probe of the Citrix ITSM Adapter, done.".to_owned()),
                ];
                fields.extend(words.close_code.clone().map(|code| ("close_code", code)));
                fields
            };
            if let Some(canceled) = &words.canceled
                && self.courier.change(self.customer, self.instance, &row.sys_id, &end(canceled)).await.is_ok()
            {
                continue;
            }
            let resolved = end(&words.resolved);
            match self.courier.change(self.customer, self.instance, &row.sys_id, &resolved).await {
                Ok(_) => seen = "resolved",
                Err(failure) => return (false, left_open(std::slice::from_ref(row), &failure.error)),
            }
        }
        (true, format!("What was made is {seen}."))
    }
}

fn says_no(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::InvalidInput | ErrorKind::NotFound)
}

fn left_open(rows: &[IncidentRow], error: &Error) -> String {
    let numbers: Vec<_> = rows.iter().map(|row| row.number.as_str()).collect();
    format!("{} is left open: {}", numbers.join(", "), words(error))
}
