//! An incident's life after its creation: work notes, resolution, and a new beginning.
//!
//! What a person did to an incident stays: one that was resolved, closed or cancelled by somebody else is not
//! touched, and an alert that comes back after that makes a new incident which names the old one.
//!
//! A change is written into the journal before it is sent. Nobody can tell afterwards whether a lost answer belonged
//! to a note that was written, so notes are sent once at the most; states are read back and sent again. The journal
//! table (`sys_journal_field`), where a note could be looked up, is closed to service accounts on most instances.
//!
//! The incident of a storm ends with its own alert, and says for how many it stood: whether those have ended is not
//! followed. One that is raised after that opens a group of its own.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    blame::Blame,
    deliver::{Courier, MARGIN, Next, about, words},
    incident::{FIELDS, IncidentRow, NOTE, cut, plain},
    policy::Decision,
};
use crate::{
    api::servicenow::Query,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{Alert, AlertState, Delivery, DeliveryStatus, EventKind},
    oauth::Access,
    store::{Change, DeliveryRecord, DeliveryStep, Row},
    transport::{Failure, Outcome},
};

/// How long the choices of an instance are believed.
const FRESH: Duration = Duration::from_secs(3600);
/// Times one step is tried before it is given up.
const TRIES: i32 = 10;
/// Close codes that tell of a cause that went away by itself, best first, over the generations of the list.
const CODES: [&str; 7] = [
    "Solution provided",
    "Solved (Permanently)",
    "Solved Remotely (Permanently)",
    "Resolved by caller",
    "Closed/Resolved by Caller",
    "Workaround provided",
    "Solved (Work Around)",
];
/// Columns that are read of a choice.
const CHOICE: [&str; 4] = ["value", "label", "language", "inactive"];

/// How the incidents of an alert are kept up.
#[derive(Debug)]
pub(super) struct Manner {
    /// Shortest time between two work notes about the alert being told again.
    pub(super) note_interval: Duration,
    /// Whether the end of the alert resolves the incident.
    pub(super) resolve_on_end: bool,
    /// Whether an alert that comes back opens the incident again; else it makes a linked new one.
    pub(super) reopen: bool,
    /// The policy's own words for a work note.
    pub(super) work_note: Option<String>,
}

impl Manner {
    fn of(decision: Decision) -> Self {
        let Decision { note_interval, resolve_on_end, reopen, work_note, .. } = decision;
        Self { note_interval, resolve_on_end, reopen, work_note }
    }
}

/// What an instance calls its states and close codes.
#[derive(Debug, Clone)]
pub(super) struct Words {
    in_progress: String,
    pub(super) resolved: String,
    /// None: there is no such state, or the list is hidden.
    pub(super) canceled: Option<String>,
    /// States that end an incident for good.
    over: Vec<String>,
    /// None: the list is hidden or empty.
    pub(super) close_code: Option<String>,
}

/// When an instance's words were read, and what they are.
type Known = HashMap<InstanceId, (DateTime<Utc>, Words)>;

/// The words of all instances, as read; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices(Arc<Mutex<Known>>);

#[derive(Debug, Deserialize)]
struct Choice {
    value: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    inactive: String,
}

/// What a step does to the incident.
enum Deed {
    /// Nothing, and why.
    Nothing(&'static str),
    /// A work note.
    Note(String),
    Resolve(String),
    Reopen(String),
    /// A new incident that names this one.
    Anew,
}

impl Courier {
    /// Does the first step that asks for something; what asks for nothing is passed over on the way.
    pub(super) async fn follow(
        &self,
        row: Row<DeliveryRecord>,
        steps: Vec<DeliveryStep>,
        instance: &InstanceId,
        budget: Option<i32>,
    ) -> Result<Next> {
        let mut record = row.value;
        record.claimed_until = None;
        record.not_before = None;
        let policy = self.policies.of(&record.delivery.customer_id).await?;
        let mut through = 0;
        for step in steps {
            let now = self.chance.now();
            let manner = Manner::of(policy.decide(&step.alert, now));
            let told_again = step.alert.state != AlertState::Ended && record.shown.state != AlertState::Ended;
            let is_early = record.shown.noted_at.is_some_and(|at| now < at + manner.note_interval);
            if record.delivery.status == DeliveryStatus::Ignored {
                // Its end came first, and nothing was made. Now it is there.
                if step.alert.state != AlertState::Ended {
                    record.shown.state = step.alert.state;
                    record.delivery.alert = step.alert;
                    record.delivery.status = DeliveryStatus::Pending;
                    return self.close(record, row.version, step.number, None).await;
                }
                through = step.number;
            } else if record.delivery.status == DeliveryStatus::Grouped {
                // It has no incident to be told; but one that ended and is back joins a group anew, or opens one.
                let is_back = record.shown.state == AlertState::Ended && step.alert.state != AlertState::Ended;
                record.shown.state = step.alert.state;
                if is_back {
                    record.delivery.status = DeliveryStatus::Pending;
                    record.delivery.failure = None;
                    return self.close(record, row.version, step.number, None).await;
                }
                through = step.number;
            } else if told_again && is_early {
                record.shown.unnoted += 1;
                record.shown.state = step.alert.state;
                through = step.number;
            } else {
                let row = Row { value: record, sealed: None, version: row.version };
                return self.live(row, step, manner, instance, budget).await;
            }
        }
        self.close(record, row.version, through, None).await
    }

    /// Ends the work on a delivery for now, and forgets the steps up to this one.
    pub(super) async fn close(
        &self,
        mut record: DeliveryRecord,
        version: i64,
        through: i64,
        event: Option<(EventKind, String)>,
    ) -> Result<Next> {
        record.claimed_until = None;
        let first = (through > 0)
            .then(|| Change::RemoveSteps { delivery_id: record.delivery.id.clone(), through })
            .into_iter()
            .collect();
        let now = self.chance.now();
        if event.is_some() {
            record.delivery.updated_at = now;
        }
        let event = event.map(|(kind, message)| about(&record.delivery, kind, &message, now));
        Ok(Next::Settled(Box::new(self.write(record, version, first, event).await?.value.delivery)))
    }

    async fn live(
        &self,
        row: Row<DeliveryRecord>,
        step: DeliveryStep,
        manner: Manner,
        instance: &InstanceId,
        budget: Option<i32>,
    ) -> Result<Next> {
        let delivery = &row.value.delivery;
        let (Some(incident), Some(home)) = (delivery.incident.clone(), delivery.instance_id.clone()) else {
            return self.close(row.value, row.version, step.number, None).await;
        };
        let (mut present, words) = match self.read(delivery, instance, &incident.sys_id).await {
            Ok(read) => read,
            Err(error) => return self.step_failed(row, &step, error, budget).await,
        };
        if home != *instance {
            // The same id may be another record there.
            present = present.filter(|row| row.correlation_id == delivery.correlation_id);
            if present.is_none() {
                return self.step_left(row, &step, &home, instance).await;
            }
        }
        let deed = decide(&row.value, &step, present.as_ref(), &words, &manner);
        let counted = match &deed {
            // A courtesy: without it, the incident is resolved all the same.
            Deed::Resolve(_) => self.counted(delivery).await.unwrap_or_default(),
            _ => String::new(),
        };
        let mut record = row.value;
        record.delivery.instance_id = Some(instance.clone());
        if let Some(present) = present {
            record.delivery.incident = Some(present.into());
        }
        let was_tried = record.shown.trying == step.number;
        let (fields, said) = match deed {
            Deed::Nothing(why) => {
                let message = format!("Incident {} is left as it is: {why}.", incident.number);
                let own = was_tried && step.alert.state == AlertState::Ended;
                record.shown.resolved |= own;
                record.shown.state = step.alert.state;
                record.shown.trying = 0;
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Anew => {
                record.begin_anew(incident.number.clone(), step.alert.state);
                let message = format!("The alert is back; a new incident follows {}.", incident.number);
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Note(_) if was_tried => {
                record.shown.trying = 0;
                record.shown.unnoted += 1;
                record.shown.state = step.alert.state;
                let message = format!("Whether a work note reached incident {} is not known.", incident.number);
                return self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await;
            }
            Deed::Note(text) => (vec![("work_notes", text)], "noted"),
            Deed::Resolve(mut text) => {
                text.push_str(&counted);
                let mut fields = vec![
                    ("state", words.resolved.clone()),
                    ("close_notes", "The alert has ended.".to_owned()),
                    ("work_notes", text),
                ];
                fields.extend(words.close_code.clone().map(|code| ("close_code", code)));
                (fields, "resolved")
            }
            Deed::Reopen(text) => (vec![("state", words.in_progress.clone()), ("work_notes", text)], "opened again"),
        };
        record.shown.trying = step.number;
        record.claimed_until = Some(self.chance.now() + self.claim_span() + self.transaction_limit);
        let row = self.write(record, row.version, Vec::new(), None).await?;
        match self.change(&row.value.delivery.customer_id, instance, &incident.sys_id, &fields).await {
            Ok(changed) => {
                let mut record = row.value;
                record.shown.trying = 0;
                record.shown.noted_at = Some(self.chance.now());
                record.shown.unnoted = 0;
                record.shown.resolved = step.alert.state == AlertState::Ended && said == "resolved";
                record.shown.state = step.alert.state;
                record.failures = 0;
                record.delivery.failure = None;
                record.delivery.incident = Some(changed.into());
                metrics::counter!("itsm_adapter_incidents_updated", "what" => said).increment(1);
                let message = format!("Incident {} is {said}.", incident.number);
                self.close(record, row.version, step.number, Some((EventKind::DeliveryUpdated, message))).await
            }
            Err(Failure { error, outcome: Outcome::Unknown }) => {
                // The instance may still be at it. What it came to is read when it cannot be any more.
                let mut record = row.value;
                let at = self.chance.now() + self.transaction_limit + MARGIN;
                record.not_before = Some(at);
                record.claimed_until = None;
                record.delivery.failure = Some(super::deliver::words(&error));
                self.write(record, row.version, Vec::new(), None).await?;
                Ok(Next::Failed(error))
            }
            Err(Failure { error, outcome: Outcome::NotDone }) => {
                let mut row = row;
                row.value.shown.trying = 0;
                self.step_failed(row, &step, error, budget).await
            }
        }
    }

    /// A sentence for the end of an incident that stands for others too: it ends with its own alert, and whoever reads
    /// it should know that theirs may go on. One that is raised after that opens a group anew.
    async fn counted(&self, delivery: &Delivery) -> Result<String> {
        let decision = self.decision(delivery, self.chance.now()).await?;
        let Some(group) = decision.group.filter(|group| !group.children) else { return Ok(String::new()) };
        let present = self.store.group(&delivery.customer_id, &group.key).await?;
        Ok(match present {
            Some((row, count)) if row.value.parent == delivery.id && count > 1 => {
                format!("\n\nIt stood for {count} alerts of the same cause; the other ones may not have ended yet.")
            }
            _ => String::new(),
        })
    }

    /// A step that did not work is tried again; one that never will is given up, and said so.
    async fn step_failed(
        &self,
        row: Row<DeliveryRecord>,
        step: &DeliveryStep,
        error: Error,
        budget: Option<i32>,
    ) -> Result<Next> {
        let mut record = row.value;
        let pause = self.pause(record.failures, &error);
        record.failures = record.failures.saturating_add(1);
        record.delivery.failure = Some(words(&error));
        record.claimed_until = None;
        if Blame::of(&error) == Blame::Delivery && record.failures >= budget.unwrap_or(TRIES).min(TRIES) {
            record.failures = 0;
            record.shown.state = step.alert.state;
            let message = format!("A later state of the alert could not be told to its incident: {}", words(&error));
            self.close(record, row.version, step.number, Some((EventKind::DeliveryFailed, message))).await?;
            return Ok(Next::Failed(error));
        }
        record.not_before = Some(self.chance.now() + pause);
        self.write(record, row.version, Vec::new(), None).await?;
        Ok(Next::Failed(error))
    }

    /// The incident as it is now (none: it is gone), and the words of its instance.
    async fn read(
        &self,
        delivery: &Delivery,
        instance: &InstanceId,
        sys_id: &str,
    ) -> Result<(Option<IncidentRow>, Words)> {
        let customer = &delivery.customer_id;
        let words = self.words(customer, instance).await?;
        Ok((self.incident(customer, instance, sys_id).await?, words))
    }

    /// The incident of this record id; none: it is gone, or was never there.
    pub(super) async fn incident(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        sys_id: &str,
    ) -> Result<Option<IncidentRow>> {
        let get = |access: Arc<Access>| async move { self.servicenow.get(&access, "incident", sys_id, &FIELDS).await };
        match self.tokens.with_access(customer, instance, get).await {
            Ok(present) => Ok(Some(present)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn change(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        sys_id: &str,
        fields: &[(&str, String)],
    ) -> Result<IncidentRow, Failure> {
        let body: BTreeMap<&str, &str> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = &body;
        let send = |access: Arc<Access>| async move {
            self.servicenow.update::<IncidentRow>(&access, "incident", sys_id, body, &FIELDS).await
        };
        self.tokens.with_access(customer, instance, send).await
    }

    /// Of several incidents with one key, the younger ones are made children of the oldest. A courtesy: when it does
    /// not work, the event still names them.
    pub(super) async fn link(
        &self,
        delivery: &Delivery,
        instance: &InstanceId,
        oldest: &IncidentRow,
        others: &[IncidentRow],
    ) {
        for other in others {
            let note = format!("The same alert as incident {}, which counts.", oldest.number);
            let fields = [("parent_incident", oldest.sys_id.clone()), ("work_notes", note)];
            if let Err(failure) = self.change(&delivery.customer_id, instance, &other.sys_id, &fields).await {
                tracing::warn!(error = %failure, "an incident could not be linked");
            }
            let message = format!(
                "The alert has a second incident: {} is linked to {}, which counts.",
                other.number, oldest.number
            );
            self.observers.publish(&about(delivery, EventKind::DeliveryDuplicated, &message, self.chance.now()));
        }
    }

    pub(super) async fn words(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Words> {
        let now = self.chance.now();
        let known = self.choices.0.lock().unwrap_or_else(PoisonError::into_inner).get(instance).cloned();
        if let Some((read_at, words)) = known
            && now < read_at + FRESH
        {
            return Ok(words);
        }
        let states = self.list(customer, instance, "state").await?;
        let codes = self.list(customer, instance, "close_code").await?;
        let words = Words::of(&states, &codes);
        self.choices.0.lock().unwrap_or_else(PoisonError::into_inner).insert(instance.clone(), (now, words.clone()));
        Ok(words)
    }

    async fn list(&self, customer: &CustomerId, instance: &InstanceId, element: &str) -> Result<Vec<Choice>> {
        let query = &Query::new().equals("name", "incident")?.equals("element", element)?.order_by("sequence")?;
        let ask = |access: Arc<Access>| async move {
            self.servicenow.query(&access, "sys_choice", query, &CHOICE, 200).await
        };
        match self.tokens.with_access(customer, instance, ask).await {
            Ok(list) => Ok(list),
            // A list that may not be read: the usual words must do.
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Words {
    fn of(states: &[Choice], codes: &[Choice]) -> Self {
        let usable = |choice: &&Choice| choice.inactive != "true" && matches!(choice.language.as_str(), "" | "en");
        let state = |label: &str| {
            let fits = |choice: &&Choice| choice.label.eq_ignore_ascii_case(label);
            states.iter().filter(usable).find(fits).map(|choice| choice.value.clone())
        };
        let canceled = ["Canceled", "Cancelled"].into_iter().find_map(state);
        let over = state("Closed").into_iter().chain(canceled.clone());
        let known = |code: &str| codes.iter().filter(usable).any(|choice| choice.value == code);
        let own = CODES.into_iter().find(|code| known(code)).map(str::to_owned);
        Self {
            in_progress: state("In Progress").or_else(|| state("Active")).unwrap_or_else(|| "2".to_owned()),
            canceled,
            resolved: state("Resolved").unwrap_or_else(|| "6".to_owned()),
            over: over.chain(["7".to_owned(), "8".to_owned()]).collect(),
            close_code: own.or_else(|| codes.iter().find(usable).map(|choice| choice.value.clone())),
        }
    }
}

impl DeliveryRecord {
    /// The alert gets a new incident, with a key of its own, that names the one before.
    pub(super) fn begin_anew(&mut self, follows: String, state: AlertState) {
        self.shown.generation += 1;
        self.shown.follows = Some(follows);
        self.shown.state = state;
        self.shown.resolved = false;
        self.shown.noted_at = None;
        self.shown.trying = 0;
        let first = self.delivery.correlation_id.split('~').next().unwrap_or_default().to_owned();
        self.delivery.correlation_id = format!("{first}~{}", self.shown.generation);
        self.delivery.status = DeliveryStatus::Pending;
        self.delivery.incident = None;
        self.delivery.attempts = 0;
    }
}

/// What a step asks for, given the incident as it is.
fn decide(
    record: &DeliveryRecord,
    step: &DeliveryStep,
    present: Option<&IncidentRow>,
    words: &Words,
    manner: &Manner,
) -> Deed {
    let came_back = record.shown.state == AlertState::Ended && step.alert.state != AlertState::Ended;
    let Some(present) = present else {
        return if came_back { Deed::Anew } else { Deed::Nothing("it is gone") };
    };
    let is_over = words.over.contains(&present.state);
    let is_resolved = present.state == words.resolved;
    if step.alert.state == AlertState::Ended {
        return match (is_over || is_resolved, manner.resolve_on_end) {
            (true, _) => Deed::Nothing("it is resolved already"),
            (false, true) => Deed::Resolve(told("The alert has ended", &step.alert, record, manner)),
            (false, false) => Deed::Note(told("The alert has ended", &step.alert, record, manner)),
        };
    }
    if !came_back {
        return if is_over {
            Deed::Nothing("somebody closed it")
        } else if step.alert.state == AlertState::Changed {
            Deed::Note(told("The alert has changed", &step.alert, record, manner))
        } else {
            Deed::Note(told("The alert was raised again", &step.alert, record, manner))
        };
    }
    if is_over || (is_resolved && !(record.shown.resolved && manner.reopen)) {
        return Deed::Anew;
    }
    let text = told("The alert is back", &step.alert, record, manner);
    if is_resolved { Deed::Reopen(text) } else { Deed::Note(text) }
}

/// A work note, as text and nothing else (T14).
fn told(what: &str, alert: &Alert, record: &DeliveryRecord, manner: &Manner) -> String {
    let mut note = what.to_owned();
    if let Some(at) = alert.raised_at {
        // Writing into a string does not fail, here and below.
        let _ = write!(note, " ({})", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    }
    if record.shown.unnoted > 0 {
        let _ = write!(note, "; it was told {} times more since the last note", record.shown.unnoted);
    }
    note.push_str(".\n\n");
    if let Some(own) = &manner.work_note {
        note.push_str(&plain(own));
        return cut(&note, NOTE);
    }
    note.push_str(&plain(&alert.title));
    if !alert.description.is_empty() {
        note.push_str("\n\n");
        note.push_str(&plain(&alert.description));
    }
    cut(&note, NOTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(labels: &[(&str, &str)]) -> Vec<Choice> {
        let choice = |(value, label): &(&str, &str)| Choice {
            value: (*value).into(),
            label: (*label).into(),
            language: "en".into(),
            inactive: "false".into(),
        };
        labels.iter().map(choice).collect()
    }

    #[test]
    fn the_words_come_from_the_instance_and_fall_back_to_the_usual_ones() {
        let own = Words::of(
            &choices(&[("2", "Active"), ("16", "Resolved"), ("17", "Closed")]),
            &choices(&[("x", "Other"), ("Solved (Permanently)", "Solved (Permanently)")]),
        );
        assert_eq!((own.resolved.as_str(), own.in_progress.as_str()), ("16", "2"));
        assert_eq!(own.close_code.as_deref(), Some("Solved (Permanently)"));
        assert!(own.over.contains(&"17".to_owned()));
        let unlike = Words::of(&[], &choices(&[("house_code", "House code")]));
        assert_eq!((unlike.resolved.as_str(), unlike.close_code.as_deref()), ("6", Some("house_code")));
        assert_eq!(Words::of(&[], &[]).close_code, None);
    }
}
