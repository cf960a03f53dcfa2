//! What a later state of an alert asks of its incident.

use std::{fmt::Write, time::Duration};

use super::{
    choice::Words,
    incident::{IncidentRow, NOTE, cut, journal},
    key::print_of,
    policy::Decision,
};
use crate::{
    model::{Alert, AlertState, DeliveryStatus},
    store::{DeliveryRecord, DeliveryStep},
};

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
    pub(super) fn of(decision: Decision) -> Self {
        let Decision { note_interval, resolve_on_end, reopen, work_note, .. } = decision;
        Self { note_interval, resolve_on_end, reopen, work_note }
    }
}

/// What a step does to the incident.
pub(super) enum Deed {
    /// Nothing, and why.
    Nothing(&'static str),
    /// A work note.
    Note(String),
    Resolve(String),
    Reopen(String),
    /// A new incident that names this one.
    Anew,
}

/// What a step asks for, given the incident as it is.
pub(super) fn decide(
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

impl DeliveryRecord {
    /// Nothing more is to be done about this state of the alert.
    pub(super) fn dealt_with(&mut self, alert: &Alert) {
        if alert.state != AlertState::Ended {
            if self.shown.state == AlertState::Ended || self.is_worse(alert) {
                self.shown.severity = Some(alert.severity);
            }
            self.shown.last = Some(print_of(alert));
        }
        self.shown.state = alert.state;
    }

    /// Whether it is more severe than the incident was told so far.
    pub(super) fn is_worse(&self, alert: &Alert) -> bool {
        alert.severity > self.shown.severity.unwrap_or(self.delivery.alert.severity)
    }

    /// The alert gets a new incident, with a key of its own, that names the one before.
    pub(super) fn begin_anew(&mut self, follows: String, alert: &Alert) {
        self.dealt_with(alert);
        self.shown.generation += 1;
        self.shown.follows = Some(follows);
        self.shown.resolved = false;
        self.shown.noted_at = None;
        self.shown.unnoted = 0;
        self.shown.parent = None;
        self.shown.trying = 0;
        let first = self.delivery.correlation_id.split('~').next().unwrap_or_default().to_owned();
        self.delivery.correlation_id = format!("{first}~{}", self.shown.generation);
        self.delivery.status = DeliveryStatus::Pending;
        self.delivery.incident = None;
        self.delivery.attempts = 0;
    }
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
        note.push_str(&journal(own));
        return cut(&note, NOTE).into_owned();
    }
    note.push_str(&journal(&alert.title));
    if !alert.description.is_empty() {
        note.push_str("\n\n");
        note.push_str(&journal(&alert.description));
    }
    cut(&note, NOTE).into_owned()
}
