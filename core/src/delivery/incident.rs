//! What an alert looks like as an incident.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::policy::Decision;
use crate::model::{Alert, Incident};

/// Columns that are read back of every incident.
pub(super) const FIELDS: [&str; 8] = [
    "sys_id",
    "number",
    "short_description",
    "priority",
    "state",
    "correlation_id",
    "sys_created_by",
    "sys_created_on",
];

/// Length of the column `short_description`.
const SHORT_DESCRIPTION: usize = 160;
/// Length of the column `description`.
const DESCRIPTION: usize = 4000;
/// Most of a component in the description's last line.
const COMPONENT: usize = 255;
/// Length of a work note.
pub(super) const NOTE: usize = 4000;

/// The body of an insert.
#[derive(Debug, Serialize)]
pub(super) struct NewIncident {
    /// Only where a probe found that the instance honours it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sys_id: Option<String>,
    short_description: String,
    description: String,
    impact: String,
    urgency: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller_id: Option<String>,
    /// Of a group. Not `parent_incident`, whose resolution instances copy to its children: theirs may go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_notes: Option<String>,
    correlation_id: String,
    correlation_display: &'static str,
}

impl NewIncident {
    /// `follows`: the number of the incident that this alert had before; `parent`: the incident of its group.
    pub(super) fn of(
        alert: &Alert,
        decision: &Decision,
        correlation_id: &str,
        follows: Option<&str>,
        parent: Option<&str>,
    ) -> Self {
        let titles = decision.short_description.as_deref().into_iter().chain([alert.title.as_str()]);
        let title = titles.map(plain).find(|title| !title.trim().is_empty()).unwrap_or("Citrix alert".into());
        let description = decision.description.as_deref().unwrap_or(&alert.description);
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        let before = follows.map(|number| format!("The alert's incident before was {number}."));
        let opening = decision.opening_note.as_deref().map(journal);
        let notes: Vec<_> = before.map(Cow::Owned).into_iter().chain(opening).collect();
        let origin = format!(
            "\n\nFrom Citrix Cloud account {}, source {}, alert {}{}.",
            plain(&alert.customer_id),
            plain(&alert.source),
            plain(&alert.id),
            alert
                .component
                .as_deref()
                .map(|component| format!(", component {}", cut(&plain(component), COMPONENT)))
                .unwrap_or_default(),
        );
        let room = DESCRIPTION.saturating_sub(origin.chars().count());
        Self {
            sys_id: None,
            short_description: cut(&title, SHORT_DESCRIPTION).replace('\n', " "),
            description: cut(&plain(description), room).into_owned() + &origin,
            impact: decision.impact.to_string(),
            urgency: decision.urgency.to_string(),
            assignment_group: text(&decision.assignment_group),
            category: text(&decision.category),
            caller_id: text(&decision.caller),
            parent: parent.map(str::to_owned),
            work_notes: (!notes.is_empty()).then(|| notes.join("\n\n")),
            correlation_id: correlation_id.to_owned(),
            correlation_display: "Citrix ITSM Adapter",
        }
    }
}

/// An incident as the Table API shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct IncidentRow {
    pub(super) sys_id: String,
    #[serde(default)]
    pub(super) number: String,
    #[serde(default)]
    short_description: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) correlation_id: String,
    #[serde(default)]
    sys_created_by: String,
    /// UTC, to the second, in a form that sorts.
    #[serde(default)]
    pub(super) sys_created_on: String,
}

impl From<IncidentRow> for Incident {
    fn from(row: IncidentRow) -> Self {
        Self {
            sys_id: row.sys_id,
            number: row.number,
            short_description: row.short_description,
            priority: row.priority,
            state: row.state,
            correlation_id: row.correlation_id,
            sys_created_by: row.sys_created_by,
        }
    }
}

/// Text as data (T14): control characters (but for line breaks and tabs) and characters that turn the reading
/// direction around are taken out; everything else stays as it was written.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    text.chars().filter(|c| is_plain(*c)).collect()
}

fn is_plain(c: char) -> bool {
    match c {
        ' '..='~' | '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => false,
        _ => !c.is_control(),
    }
}

/// Text as data in a journal, such as work notes: instances show what stands between `[code]` and `[/code]` there as HTML,
/// unless they are told not to (`glide.ui.security.allow_codetag`). Apart from its bracket, the word means nothing.
pub(super) fn journal(text: &str) -> Cow<'_, str> {
    let text = plain(text);
    let is_tag = |rest: &str| {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        rest.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("code]"))
    };
    if !text.match_indices('[').any(|(at, _)| is_tag(&text[at + 1..])) {
        return text;
    }
    let mut apart = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        apart.push(c);
        if c == '[' && is_tag(&text[at + 1..]) {
            apart.push(' ');
        }
    }
    Cow::Owned(apart)
}

/// At most this many characters; what is cut off is marked.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // No character is less than a byte.
    if text.len() <= most || text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(title: &str, description: &str) -> Alert {
        Alert {
            customer_id: "acme".into(),
            source: "citrix_cloud".into(),
            id: "1".into(),
            title: title.into(),
            description: description.into(),
            severity: crate::model::Severity::Error,
            state: crate::model::AlertState::Raised,
            priority: None,
            category: None,
            policy: None,
            target: None,
            component: None,
            raised_at: None,
            fields: std::collections::HashMap::new(),
        }
    }

    fn incident(alert: &Alert) -> NewIncident {
        let decision = crate::delivery::PolicySet::default().decide(alert, chrono::DateTime::UNIX_EPOCH);
        NewIncident::of(alert, &decision, "key", None, None)
    }

    #[test]
    fn hostile_text_arrives_as_text() {
        let incident = incident(&alert("a\u{202e}b\u{0}c\r\n<script>", "x"));
        assert_eq!(incident.short_description, "abc <script>");
    }

    #[test]
    fn a_journal_gets_no_markup() {
        assert_eq!(journal("[code]<b>x</b>[/Code] [coder] [[CODE]"), "[ code]<b>x</b>[ /Code] [coder] [[ CODE]");
        assert!(matches!(journal("[a] [/b] ["), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_component_leaves_room_for_the_text() {
        let incident = incident(&Alert { component: Some("c".repeat(1_000_000)), ..alert("a", &"b".repeat(10_000)) });
        assert_eq!(incident.description.chars().count(), DESCRIPTION);
        assert!(incident.description.contains(&"b".repeat(3000)) && incident.description.contains("account acme"));
    }

    #[test]
    fn long_text_is_cut_to_the_columns_and_marked() {
        let incident = incident(&alert(&"ä".repeat(500), &"b".repeat(10_000)));
        assert_eq!(incident.short_description.chars().count(), SHORT_DESCRIPTION);
        assert!(incident.short_description.ends_with('…'));
        assert_eq!(incident.description.chars().count(), DESCRIPTION);
        assert!(incident.description.contains("account acme"), "the origin is marked even when the text is cut");
    }
}
