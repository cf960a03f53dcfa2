//! The fields of an alert by their names, as rules, templates and groups use them.

use std::borrow::Cow;

use crate::{
    error::{Error, Result},
    model::{Alert, AlertState, Severity},
};

/// A field of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    CustomerId,
    Source,
    Id,
    Title,
    Description,
    Severity,
    State,
    Priority,
    Category,
    Component,
    Policy,
    Target,
    RaisedAt,
    /// One of the fields that only the source knows.
    Other(String),
}

/// All but [`Field::Other`], with their names.
pub(super) const FIELDS: [(&str, Field); 13] = [
    ("customer_id", Field::CustomerId),
    ("source", Field::Source),
    ("id", Field::Id),
    ("title", Field::Title),
    ("description", Field::Description),
    ("severity", Field::Severity),
    ("state", Field::State),
    ("priority", Field::Priority),
    ("category", Field::Category),
    ("component", Field::Component),
    ("policy", Field::Policy),
    ("target", Field::Target),
    ("raised_at", Field::RaisedAt),
];

impl Field {
    /// # Errors
    /// `invalid_input` for a name that no alert has.
    pub(super) fn parse(name: &str) -> Result<Self> {
        let own = || FIELDS.into_iter().find(|(word, _)| *word == name).map(|(_, field)| field);
        let other = || name.strip_prefix("fields.").filter(|rest| !rest.is_empty());
        own().or_else(|| other().map(|rest| Self::Other(rest.to_owned()))).ok_or_else(|| {
            let known: Vec<&str> = FIELDS.iter().map(|(word, _)| *word).collect();
            Error::invalid(format!("An alert has no field {}.", crate::transport::clean(name, 80)))
                .remedy(format!("Use one of {}, or fields.NAME.", known.join(", ")))
        })
    }

    /// What the alert says; none when it says nothing.
    pub(super) fn of<'a>(&self, alert: &'a Alert) -> Option<Cow<'a, str>> {
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        match self {
            Self::CustomerId => Some(Cow::Borrowed(&alert.customer_id)),
            Self::Source => Some(Cow::Borrowed(&alert.source)),
            Self::Id => Some(Cow::Borrowed(&alert.id)),
            Self::Title => Some(Cow::Borrowed(&alert.title)),
            Self::Description => Some(Cow::Borrowed(&alert.description)),
            Self::Severity => Some(Cow::Borrowed(severity_word(alert.severity))),
            Self::State => Some(Cow::Borrowed(state_word(alert.state))),
            Self::Priority => text(&alert.priority),
            Self::Category => text(&alert.category),
            Self::Component => text(&alert.component),
            Self::Policy => text(&alert.policy),
            Self::Target => text(&alert.target),
            Self::RaisedAt => {
                alert.raised_at.map(|at| Cow::Owned(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)))
            }
            Self::Other(name) => alert.fields.get(name).map(|text| Cow::Borrowed(text.as_str())),
        }
    }
}

/// The word on the wire.
pub(super) const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "information",
        Severity::Success => "success",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

const fn state_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Raised => "raised",
        AlertState::Changed => "changed",
        AlertState::Ended => "ended",
    }
}
