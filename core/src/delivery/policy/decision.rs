//! What is to be done with an alert.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::field::Field;
use crate::{
    bounds::within,
    delivery::key::digest,
    error::{Error, Result},
    model::{Alert, Grouping, PolicyAction, PolicyDecision, PolicyStep, Severity},
};

/// Longest window of a group: a week.
const LONGEST_WINDOW: u32 = 7 * 24 * 3600;
/// Fields that may make a group.
const GROUP_FIELDS: usize = 16;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make an incident.
    Incident,
    /// Make nothing.
    Ignore,
    /// Decide again at this instant, the end of a maintenance window.
    Hold(DateTime<Utc>),
}

/// What is to be done with an alert, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) action: Action,
    /// 1 (high) to 3 (low).
    pub(crate) impact: u8,
    /// 1 (high) to 3 (low).
    pub(crate) urgency: u8,
    pub(crate) assignment_group: Option<Arc<str>>,
    pub(crate) category: Option<Arc<str>>,
    pub(crate) caller: Option<Arc<str>>,
    /// None: the alert's title.
    pub(crate) short_description: Option<String>,
    /// None: the alert's description.
    pub(crate) description: Option<String>,
    /// None: no text of the policy's own.
    pub(crate) work_note: Option<String>,
    /// A note for the incident's beginning: the maintenance window that it was made in.
    pub(crate) opening_note: Option<String>,
    pub(crate) group: Option<Group>,
    /// Shortest time between two work notes.
    pub(crate) note_interval: Duration,
    pub(crate) resolve_on_end: bool,
    /// Whether a resolved incident is opened again; else a new one is made and linked.
    pub(crate) reopen: bool,
    /// The rule that decided; none: no rule fits.
    pub(crate) rule: Option<Arc<str>>,
    /// Why, in one sentence.
    pub(crate) reason: String,
}

/// The group an alert belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The same for alerts of one cause.
    pub(crate) key: String,
    /// How long the group takes in others after its first.
    pub(crate) window: Duration,
    /// Whether each alert has an incident of its own below the group's.
    pub(crate) children: bool,
}

/// How a policy groups.
#[derive(Debug)]
pub(super) struct Grouper {
    by: Vec<Field>,
    window: Duration,
    children: bool,
}

impl Grouper {
    /// # Errors
    /// `invalid_input` for a field that no alert has, none at all, or a window out of bounds.
    pub(super) fn compile(given: &Grouping) -> Result<Self> {
        if given.by.is_empty() || given.by.len() > GROUP_FIELDS {
            return Err(Error::invalid(format!("A group is made by 1 to {GROUP_FIELDS} fields.")));
        }
        let window_s = within("A group's window_s", Some(given.window_s), LONGEST_WINDOW, LONGEST_WINDOW)?;
        Ok(Self {
            by: given.by.iter().map(|name| Field::parse(name)).collect::<Result<_>>()?,
            window: Duration::from_secs(window_s.into()),
            children: given.children,
        })
    }

    /// The rule is part of the key: what two rules treat differently is not one group.
    pub(super) fn group(&self, rule: Option<&str>, alert: &Alert) -> Group {
        let values: Vec<_> = self.by.iter().map(|field| field.of(alert).unwrap_or_default()).collect();
        // Always as many parts in front: a rule's name must not be taken for a field's value.
        let made_by = rule.map_or(["otherwise", ""], |rule| ["rule", rule]);
        let key = digest(made_by.into_iter().chain(values.iter().map(AsRef::as_ref)));
        Group { key, window: self.window, children: self.children }
    }
}

/// Impact and urgency of an incident whose policy does not say: as bad as the source calls it.
pub(super) const fn weight(severity: Severity) -> (u8, u8) {
    match severity {
        Severity::Critical => (2, 1),
        Severity::Error => (2, 2),
        Severity::Warning => (3, 2),
        Severity::Information | Severity::Success => (3, 3),
    }
}

impl Decision {
    /// As it is shown, with everything that was looked at.
    pub(super) fn shown(self, steps: Vec<PolicyStep>) -> PolicyDecision {
        let text = |text: Option<Arc<str>>| text.map(|text| text.to_string());
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let (action, hold_until) = match self.action {
            Action::Incident => (PolicyAction::Incident, None),
            Action::Ignore => (PolicyAction::Ignore, None),
            Action::Hold(until) => (PolicyAction::Hold, Some(until)),
        };
        let group = self.group.as_ref();
        PolicyDecision {
            action,
            rule: text(self.rule),
            reason: self.reason,
            hold_until,
            impact: self.impact.into(),
            urgency: self.urgency.into(),
            assignment_group: text(self.assignment_group),
            category: text(self.category),
            caller: text(self.caller),
            short_description: self.short_description,
            description: self.description,
            work_note: self.work_note,
            note_interval_s: seconds(self.note_interval),
            resolve_on_end: self.resolve_on_end,
            reopen: self.reopen,
            group_window_s: group.map(|group| seconds(group.window)),
            group_children: group.map(|group| group.children),
            group_key: self.group.map(|group| group.key),
            steps,
        }
    }
}
