//! Where alerts come from.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    error::{Error, Result},
    model::{Alert, AlertState, Severity},
};

/// The body of a Citrix Cloud webhook callback. (Citrix Cloud, "Event and webhook subscription".)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Callback {
    customer_id: String,
    #[serde(rename = "Type")]
    kind: String,
    change_type: String,
    /// JSON, written as a string.
    after_change: Option<String>,
    time_stamp: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    publish_notification_id: Option<String>,
    component: Option<String>,
    severity: Option<serde_json::Value>,
    priority: Option<serde_json::Value>,
    event_id: Option<String>,
    #[serde(default)]
    content: Vec<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    language_tag: Option<String>,
    title: Option<String>,
    description: Option<String>,
    detail_uri: Option<String>,
}

/// The alert in a webhook callback; none when the callback tells of something else than a new notification.
///
/// # Errors
/// `invalid_input` when the body is not a callback.
pub(crate) fn webhook_alert(body: &[u8]) -> Result<Option<Alert>> {
    let unreadable = |what: &str| {
        Error::invalid(format!("The webhook body is not a Citrix Cloud callback: {what}."))
            .remedy("Hand over the body exactly as it was received.")
    };
    if body.len() > 1024 * 1024 || !crate::transport::json_depth_ok(body) {
        return Err(unreadable("it is too large or nested too deeply"));
    }
    let callback: Callback =
        serde_json::from_slice(body).map_err(|_| unreadable("a field is missing or of another type"))?;
    // Both lists of words are open-ended by declaration: what is not a new notification is none of ours.
    if callback.kind != "Notifications" || callback.change_type != "Create" {
        return Ok(None);
    }
    let after = callback.after_change.ok_or_else(|| unreadable("AfterChange is missing"))?;
    let notification: Notification =
        serde_json::from_str(&after).map_err(|_| unreadable("AfterChange is not a notification"))?;
    // EventId is chosen by the sender and not checked for uniqueness; the published id is the platform's own.
    let id = notification
        .publish_notification_id
        .filter(|id| !id.is_empty())
        .or(notification.event_id.clone())
        .ok_or_else(|| unreadable("it has no id"))?;
    let english = |content: &&Content| content.language_tag.as_deref().is_some_and(|tag| tag.starts_with("en"));
    let content = notification.content.iter().find(english).or(notification.content.first());
    let text =
        |pick: fn(&Content) -> &Option<String>| content.and_then(|content| pick(content).clone()).unwrap_or_default();
    let mut fields = HashMap::new();
    let mut note = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.insert(name.to_owned(), value);
        }
    };
    note("event_id", notification.event_id);
    note("detail_uri", content.and_then(|content| content.detail_uri.clone()));
    let priority = notification.priority.as_ref().and_then(priority).map(str::to_owned);
    note("priority", priority.clone());
    let title = text(|content| &content.title);
    let description = text(|content| &content.description);
    Ok(Some(Alert {
        customer_id: callback.customer_id,
        source: "citrix_cloud".to_owned(),
        id,
        title: if title.is_empty() { "Citrix Cloud notification".to_owned() } else { title },
        description,
        severity: severity(notification.severity.as_ref()),
        state: AlertState::Raised,
        priority,
        category: None,
        policy: None,
        target: None,
        component: notification.component,
        // CreatedDate is not validated by the platform; the outer time stamp is its own.
        raised_at: callback.time_stamp,
        fields,
    }))
}

/// Numbers in webhooks, words elsewhere; what is not known is worth a look.
fn severity(value: Option<&serde_json::Value>) -> Severity {
    match value {
        Some(serde_json::Value::Number(number)) => match number.as_i64() {
            Some(0) => Severity::Information,
            Some(1) => Severity::Success,
            Some(3) => Severity::Error,
            _ => Severity::Warning,
        },
        Some(serde_json::Value::String(word)) => match word.to_ascii_lowercase().as_str() {
            "information" | "informational" => Severity::Information,
            "success" => Severity::Success,
            "error" => Severity::Error,
            "critical" => Severity::Critical,
            _ => Severity::Warning,
        },
        _ => Severity::Warning,
    }
}

/// 0 Normal, 1 Low, 2 High, 3 Urgent: not in the order of their weight.
fn priority(value: &serde_json::Value) -> Option<&str> {
    match value {
        serde_json::Value::Number(number) => match number.as_i64()? {
            0 => Some("normal"),
            1 => Some("low"),
            2 => Some("high"),
            3 => Some("urgent"),
            _ => None,
        },
        serde_json::Value::String(word) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(after: &str) -> Vec<u8> {
        serde_json::json!({
            "CustomerId": "acme", "Type": "Notifications", "ChangeType": "Create", "TransactionId": "t", "Identity": null,
            "BeforeChange": null, "AfterChange": after, "TimeStamp": "2026-02-11T08:20:18Z"
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_published_callback_becomes_an_alert() {
        let after = r#"{"PublishNotificationId":"2518_YB2Y1","Destination":"acme;*","Component":"Citrix Cloud",
            "CreatedDate":"1999-01-01T00:00:00.0668796Z","Categories":[],"Severity":3,"EventId":"8d7b","Priority":2,
            "Content":[{"LanguageTag":"de-DE","Title":"Aus","Description":"…","DetailUri":null},
                       {"LanguageTag":"en-US","Title":"Connector offline","Description":"EDGE01","DetailUri":null}],
            "Data":null,"ExternalId":null}"#;
        let alert = webhook_alert(&body(after)).ok().flatten().unwrap_or_else(|| panic!("an alert"));
        assert_eq!((alert.id.as_str(), alert.title.as_str()), ("2518_YB2Y1", "Connector offline"));
        assert_eq!(alert.severity, Severity::Error);
        assert_eq!(alert.fields.get("priority").map(String::as_str), Some("high"));
        assert_eq!(alert.raised_at.map(|at| at.to_rfc3339()).as_deref(), Some("2026-02-11T08:20:18+00:00"));
    }

    #[test]
    fn callbacks_about_other_things_are_none_of_ours() {
        for (kind, change) in [("Administrator", "Login"), ("Notifications", "Delete"), ("SomethingNew", "Create")] {
            let body =
                serde_json::json!({"CustomerId": "acme", "Type": kind, "ChangeType": change, "AfterChange": null});
            assert!(matches!(webhook_alert(body.to_string().as_bytes()), Ok(None)));
        }
    }

    #[test]
    fn what_is_not_a_callback_is_refused() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for bad in [&b""[..], b"{}", b"[]", b"<html>", deep.as_bytes(), &body("{"), &body("[]"), &body("{}")] {
            assert!(webhook_alert(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
