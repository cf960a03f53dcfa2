//! Bodies whose form is the sender's own: JSON pointers say where an alert's fields are.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    model::{Alert, AlertState, Severity},
    transport::clean,
};

/// Largest body.
const BODY: usize = 1024 * 1024;
/// Places that one field may be looked for in, and fields that may be named.
const MOST: usize = 64;

/// Where the fields of an alert are in a webhook's body: JSON pointers (RFC 6901), of which the first counts that
/// leads to a text, a number or a truth value. What is left out has the default, which fits a body with the columns of
/// the connector's table *Citrix Alert*: Citrix has published no form for the webhooks of alert policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookMapping {
    /// The alert's source.
    pub source: String,
    /// Its id. Without one, an alert is told apart by policy, condition and target.
    pub id: Vec<String>,
    /// Its one line.
    pub title: Vec<String>,
    /// Its whole text.
    pub description: Vec<String>,
    /// How bad it is.
    pub severity: Vec<String>,
    /// What its severities are called, without regard to case; an unknown word is a warning.
    pub severities: BTreeMap<String, Severity>,
    /// Whether it has begun, changed or ended.
    pub state: Vec<String>,
    /// What its states are called, without regard to case; an unknown word means raised.
    pub states: BTreeMap<String, AlertState>,
    /// The source's own priority.
    pub priority: Vec<String>,
    /// Its category.
    pub category: Vec<String>,
    /// The component it is about.
    pub component: Vec<String>,
    /// The alert policy that raised it.
    pub policy: Vec<String>,
    /// What it was raised for.
    pub target: Vec<String>,
    /// When it was raised, RFC 3339.
    pub raised_at: Vec<String>,
    /// Other fields to keep, by the names they shall have.
    pub fields: BTreeMap<String, Vec<String>>,
}

impl Default for WebhookMapping {
    fn default() -> Self {
        let at = |pointers: &[&str]| pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        let severities = [
            ("critical", Severity::Critical),
            ("alarm", Severity::Critical),
            ("error", Severity::Error),
            ("warning", Severity::Warning),
            ("alert", Severity::Warning),
            ("information", Severity::Information),
            ("informational", Severity::Information),
            ("success", Severity::Success),
        ];
        let states = [
            ("raised", AlertState::Raised),
            ("active", AlertState::Raised),
            ("changed", AlertState::Changed),
            ("reannounced", AlertState::Changed),
            ("ended", AlertState::Ended),
            ("resolved", AlertState::Ended),
            ("dismissed", AlertState::Ended),
            ("complete", AlertState::Ended),
        ];
        Self {
            source: "monitor_webhook".to_owned(),
            id: at(&["/id", "/Id", "/alert_id"]),
            title: at(&["/title", "/condition", "/type"]),
            description: at(&["/description", "/comment"]),
            severity: at(&["/severity", "/priority", "/type"]),
            severities: severities.map(|(word, severity)| (word.to_owned(), severity)).into(),
            state: at(&["/state"]),
            states: states.map(|(word, state)| (word.to_owned(), state)).into(),
            priority: at(&["/priority"]),
            category: at(&["/category"]),
            component: at(&["/site"]),
            policy: at(&["/policy_name", "/policy"]),
            target: at(&["/target"]),
            raised_at: at(&["/raised_at", "/created_at"]),
            fields: [
                ("sub_category", "/sub_category"),
                ("condition", "/condition"),
                ("trigger_value", "/trigger_value"),
            ]
            .map(|(name, pointer)| (name.to_owned(), at(&[pointer])))
            .into(),
        }
    }
}

impl WebhookMapping {
    /// Reads a mapping from its JSON document and checks it.
    ///
    /// # Errors
    /// `invalid_input` for an unknown field, or a text that is no JSON pointer.
    pub fn from_json(document: &str) -> Result<Self> {
        if document.len() > BODY || !crate::transport::json_depth_ok(document.as_bytes()) {
            return Err(Error::invalid("The mapping is too long, or nested too deeply."));
        }
        let mapping: Self = serde_json::from_str(document).map_err(|error| {
            Error::invalid(format!("The mapping cannot be read: {}.", clean(&error.to_string(), 300)))
        })?;
        mapping.check()?;
        Ok(mapping)
    }

    fn check(&self) -> Result<()> {
        let own = [
            &self.id,
            &self.title,
            &self.description,
            &self.severity,
            &self.state,
            &self.priority,
            &self.category,
            &self.component,
            &self.policy,
            &self.target,
            &self.raised_at,
        ];
        if self.source.trim().is_empty() || self.source.chars().count() > 100 || self.fields.len() > MOST {
            return Err(Error::invalid("The mapping's source is empty or too long, or it names too many fields."));
        }
        for pointers in own.into_iter().chain(self.fields.values()) {
            let wrong = pointers.iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/'));
            if let Some(wrong) = wrong {
                return Err(Error::invalid(format!("{:?} is not a JSON pointer.", clean(wrong, 80)))
                    .remedy("Write it as /name/name, see RFC 6901."));
            }
            if pointers.len() > MOST {
                return Err(Error::invalid(format!("A field is looked for in more than {MOST} places.")));
            }
        }
        Ok(())
    }
}

/// The alert in a webhook's body, for an account.
///
/// # Errors
/// `invalid_input` when the body is not JSON, too large or nested too deeply, or when nothing in it tells the alert
/// from others.
pub fn map_webhook(mapping: &WebhookMapping, customer_id: &str, body: &[u8]) -> Result<Alert> {
    mapping.check()?;
    let unreadable = |what: &str| {
        Error::invalid(format!("The webhook's body cannot be mapped: {what}."))
            .remedy("Compare the mapping with a body as the sender writes it.")
    };
    if body.len() > BODY || !crate::transport::json_depth_ok(body) {
        return Err(unreadable("it is too large or nested too deeply"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| unreadable("it is not JSON"))?;
    let text = |pointers: &[String]| pointers.iter().find_map(|pointer| plain(body.pointer(pointer)?));
    let policy = text(&mapping.policy);
    let target = text(&mapping.target);
    let title = text(&mapping.title);
    let id = match text(&mapping.id) {
        Some(id) => id,
        // The same condition of the same thing is the same alert.
        None if title.is_some() && (policy.is_some() || target.is_some()) => {
            let parts = [&policy, &target, &title].map(|part| part.as_deref().unwrap_or_default());
            format!("content-{}", super::key::digest(parts))
        }
        None => return Err(unreadable("it has neither an id, nor a title with a policy or a target")),
    };
    let title = title.or_else(|| policy.clone()).unwrap_or_else(|| "Citrix alert".to_owned());
    let fields = mapping.fields.iter().filter_map(|(name, pointers)| Some((name.clone(), text(pointers)?)));
    Ok(Alert {
        customer_id: customer_id.to_owned(),
        source: mapping.source.clone(),
        id,
        title,
        description: text(&mapping.description).unwrap_or_default(),
        severity: word(&mapping.severities, text(&mapping.severity)).unwrap_or(Severity::Warning),
        state: word(&mapping.states, text(&mapping.state)).unwrap_or_default(),
        priority: text(&mapping.priority),
        category: text(&mapping.category),
        component: text(&mapping.component),
        policy,
        target,
        raised_at: text(&mapping.raised_at).and_then(|at| at.parse().ok()),
        fields: fields.collect::<HashMap<_, _>>(),
    })
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn word<T: Copy>(words: &BTreeMap<String, T>, told: Option<String>) -> Option<T> {
    let told = told?;
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(told.trim())).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapped(mapping: &WebhookMapping, body: &Value) -> Result<Alert> {
        map_webhook(mapping, "acme", body.to_string().as_bytes())
    }

    #[test]
    fn the_columns_of_the_connectors_table_are_an_alert() {
        let body = json!({
            "policy_name": "Site policy", "target": "VDA-07", "condition": "IcaRoundtripTime", "type": "Critical",
            "category": "Performance", "sub_category": "ICA", "state": "Active", "priority": "CRITICAL",
            "description": "300 ms", "trigger_value": 300, "site": "cloudxdsite"
        });
        let alert = mapped(&WebhookMapping::default(), &body).unwrap_or_else(|error| panic!("{error}"));
        let texts = [&alert.policy, &alert.target, &alert.category, &alert.component].map(|text| text.as_deref());
        assert_eq!(texts, [Some("Site policy"), Some("VDA-07"), Some("Performance"), Some("cloudxdsite")]);
        assert_eq!((alert.title.as_str(), alert.severity), ("IcaRoundtripTime", Severity::Critical));
        assert_eq!((alert.state, alert.fields["trigger_value"].as_str()), (AlertState::Raised, "300"));
        let mut ended = body.clone();
        ended["state"] = json!("resolved");
        ended["trigger_value"] = json!(1);
        let ended = mapped(&WebhookMapping::default(), &ended).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((&ended.id, ended.state), (&alert.id, AlertState::Ended), "the end of the same alert");
        let mut other = body;
        other["target"] = json!("VDA-08");
        let other = mapped(&WebhookMapping::default(), &other).unwrap_or_else(|error| panic!("{error}"));
        assert_ne!(other.id, alert.id, "the same of another machine");
    }

    #[test]
    fn a_form_of_ones_own_is_mapped_by_pointers() {
        let document = json!({
            "source": "ours", "id": ["/event/key"], "title": ["/event/lines/0"], "severity": ["/event/level"],
            "severities": {"5": "error"}, "states": {"gone": "ended"}, "state": ["/event/what~1now"],
            "fields": {"host": ["/a", "/event/host"]}
        });
        let mapping = WebhookMapping::from_json(&document.to_string()).unwrap_or_else(|error| panic!("{error}"));
        let body =
            json!({"event": {"key": 17, "lines": ["first", "second"], "level": 5, "what/now": "GONE", "host": "h"}});
        let alert = mapped(&mapping, &body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((alert.source.as_str(), alert.id.as_str(), alert.title.as_str()), ("ours", "17", "first"));
        assert_eq!((alert.severity, alert.state), (Severity::Error, AlertState::Ended));
        assert_eq!(alert.fields.get("host").map(String::as_str), Some("h"));
    }

    #[test]
    fn what_cannot_be_mapped_is_refused() {
        for document in
            ["", "[1]", r#"{"idd": []}"#, r#"{"id": ["id"]}"#, r#"{"source": " "}"#, r#"{"severities": {"x": "bad"}}"#]
        {
            assert!(WebhookMapping::from_json(document).is_err(), "{document}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for body in ["", "<html>", "{}", "[]", "null", r#"{"id": {}}"#, r#"{"title": "x"}"#, &deep] {
            assert!(map_webhook(&WebhookMapping::default(), "acme", body.as_bytes()).is_err(), "{body}");
        }
    }
}
