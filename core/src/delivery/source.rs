//! Where alerts come from.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::key::digest;
use crate::{
    api::citrix::{ListedContent, ListedNotification, MonitorAlert},
    error::{Error, ErrorKind, Result},
    id::CustomerId,
    model::{Alert, AlertState, Severity},
};

/// The source of notifications of Citrix Cloud, however they come.
pub(crate) const CITRIX_CLOUD: &str = "citrix_cloud";
/// The source of Monitor's alerts.
pub(crate) const MONITOR: &str = "monitor";

/// The body of a Citrix Cloud webhook callback. (Citrix Cloud, "Event and webhook subscription".)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Callback {
    customer_id: String,
    #[serde(rename = "Type")]
    kind: String,
    change_type: String,
    /// JSON, written as a string.
    before_change: Option<String>,
    /// JSON, written as a string.
    after_change: Option<String>,
    time_stamp: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notification {
    publish_notification_id: Option<String>,
    component: Option<String>,
    #[serde(default)]
    categories: Option<Vec<Value>>,
    severity: Option<Value>,
    priority: Option<Value>,
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

/// The alert in a webhook callback; none when the callback tells of something else than a notification. `bound_to` is
/// the account that the webhook was made for: whoever knows its authorization speaks for no other one (T8).
///
/// # Errors
/// `invalid_input` when the body is not a callback, `forbidden` when it names another account.
pub(crate) fn webhook_alert(body: &[u8], bound_to: Option<&CustomerId>) -> Result<Option<Alert>> {
    let unreadable = |what: &str| {
        Error::invalid(format!("The webhook body is not a Citrix Cloud callback: {what}."))
            .remedy("Hand over the body exactly as it was received.")
    };
    if body.len() > 1024 * 1024 || !crate::transport::json_depth_ok(body) {
        return Err(unreadable("it is too large or nested too deeply"));
    }
    let callback: Callback =
        serde_json::from_slice(body).map_err(|_| unreadable("a field is missing or of another type"))?;
    let named = || CustomerId::parse(&callback.customer_id).ok();
    if let Some(customer) = bound_to.filter(|&customer| named().as_ref() != Some(customer)) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!("The callback names another account than {customer}, which its webhook was made for."),
        )
        .remedy("Check who knows the authorization of this webhook; each account needs one of its own."));
    }
    // Both lists of words are open-ended by declaration: what is not about a notification is none of ours.
    if callback.kind != "Notifications" {
        return Ok(None);
    }
    // The form of a new notification is published. That of a change or a removal is not: it is read where it looks
    // the same, and left alone where it does not.
    let (state, text) = match callback.change_type.as_str() {
        "Create" => (AlertState::Raised, callback.after_change),
        "Update" => (AlertState::Changed, callback.after_change),
        "Delete" => (AlertState::Ended, callback.before_change),
        _ => return Ok(None),
    };
    let is_published = state == AlertState::Raised;
    let Some(text) = text else {
        return if is_published { Err(unreadable("AfterChange is missing")) } else { Ok(None) };
    };
    let notification = match serde_json::from_str::<Notification>(&text) {
        Ok(notification) if crate::transport::json_depth_ok(text.as_bytes()) => notification,
        _ if is_published => return Err(unreadable("AfterChange is not a notification")),
        _ => return Ok(None),
    };
    // EventId is chosen by the sender and not checked for uniqueness; the published id is the platform's own.
    let id = notification.publish_notification_id.filter(|id| !id.is_empty()).or(notification.event_id.clone());
    let Some(id) = id else {
        return if is_published { Err(unreadable("it has no id")) } else { Ok(None) };
    };
    let english = |content: &&Content| is_english(content.language_tag.as_deref());
    let content = notification.content.iter().find(english).or(notification.content.first());
    let text =
        |pick: fn(&Content) -> &Option<String>| content.and_then(|content| pick(content).clone()).unwrap_or_default();
    let priority = notification.priority.as_ref().and_then(priority);
    let category = notification.categories.iter().flatten().find_map(Value::as_str).map(str::to_owned);
    Ok(Some(Alert {
        customer_id: callback.customer_id,
        source: CITRIX_CLOUD.to_owned(),
        id,
        title: titled(text(|content| &content.title)),
        description: text(|content| &content.description),
        severity: severity(notification.severity.as_ref()),
        state,
        category,
        policy: None,
        target: None,
        component: notification.component,
        // CreatedDate is not validated by the platform; the outer time stamp is its own.
        raised_at: callback.time_stamp,
        fields: told([
            ("event_id", notification.event_id),
            ("detail_uri", content.and_then(|content| content.detail_uri.clone())),
            ("priority", priority.clone()),
        ]),
        priority,
    }))
}

/// The alert in a notification as the list shows it. Where the list gives no id of its own, its content is its
/// identity: `eventId` is chosen by the sender and may come twice.
pub(crate) fn listed_alert(customer: &CustomerId, listed: &ListedNotification) -> Option<Alert> {
    let english = |content: &&ListedContent| is_english(content.language_tag.as_deref());
    let content = listed.content.iter().find(english).or(listed.content.first());
    let title = listed.title.clone().or_else(|| content?.title.clone()).unwrap_or_default();
    let description = listed.description.clone().or_else(|| content?.description.clone()).unwrap_or_default();
    let mut ids = [&listed.publish_notification_id, &listed.id].into_iter().flatten();
    let own = ids.find(|id| !id.trim().is_empty()).cloned();
    if own.is_none() && title.is_empty() && description.is_empty() {
        return None;
    }
    let id = own.unwrap_or_else(|| {
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let (event, created, component) = (text(&listed.event_id), text(&listed.created_date), text(&listed.component));
        format!("content-{}", digest([event.as_str(), &created, &component, &title, &description]))
    });
    let priority = listed.priority.as_ref().and_then(priority);
    Some(Alert {
        customer_id: customer.to_string(),
        source: CITRIX_CLOUD.to_owned(),
        id,
        title: titled(title),
        description,
        severity: severity(listed.severity.as_ref()),
        state: AlertState::Raised,
        priority,
        category: None,
        policy: None,
        target: None,
        component: listed.component.clone(),
        raised_at: listed.created_at(),
        fields: told([
            ("event_id", listed.event_id.clone()),
            ("detail_uri", content.and_then(|content| content.detail_uri.clone())),
        ]),
    })
}

/// The alert that Monitor tells of. `policies` are the names of its alert policies.
pub(crate) fn monitor_alert(customer: &CustomerId, told_of: &MonitorAlert, policies: &HashMap<i64, String>) -> Alert {
    let rule = told_of.notification_rule.as_ref();
    let name = |text: Option<&String>| text.filter(|text| !text.trim().is_empty()).cloned();
    let condition = name(rule.and_then(|rule| rule.name.as_ref()));
    let policy = rule.and_then(|rule| rule.notification_rule_group_id).and_then(|id| policies.get(&id));
    let target = told_of.notification_target.as_ref();
    let target =
        target.and_then(|target| name(target.notification_target_value.as_ref()).or(name(target.name.as_ref())));
    let mut title = condition.clone().unwrap_or_else(|| "Citrix Monitor alert".to_owned());
    if let Some(target) = &target {
        title = format!("{title}: {target}");
    }
    let plain = |value: &Option<Value>| match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let instant = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    Alert {
        customer_id: customer.to_string(),
        source: MONITOR.to_owned(),
        id: told_of.id.clone(),
        title,
        description: name(rule.and_then(|rule| rule.description.as_ref())).unwrap_or_default(),
        severity: monitor_severity(told_of.notification_priority.as_ref()),
        state: monitor_state(told_of),
        priority: plain(&told_of.notification_priority),
        category: condition,
        policy: policy.cloned(),
        target,
        component: Some("Citrix Monitor".to_owned()),
        raised_at: told_of.first_time_notification_triggered.or(told_of.first_time_condition_true),
        // When it was last true is none of them: that moves while the condition lasts, and is no news.
        fields: told([
            ("rule_id", plain(&told_of.notification_rule_id)),
            ("target_id", plain(&told_of.notification_target_id)),
            ("scope", plain(&told_of.scope_entities)),
            ("first_true_at", instant(told_of.first_time_condition_true)),
            ("announced_again_at", instant(told_of.last_reannouncement_time)),
        ]),
    }
}

/// Unknown, active, dismissed, complete: numbers in the order of the published list.
fn monitor_state(told_of: &MonitorAlert) -> AlertState {
    let is_over = match &told_of.lifecycle_state {
        Some(Value::Number(number)) => matches!(number.as_i64(), Some(2 | 3)),
        Some(Value::String(word)) => {
            ["NotificationDismissed", "NotificationComplete"].iter().any(|over| over.eq_ignore_ascii_case(word))
        }
        _ => false,
    };
    match told_of.last_reannouncement_time {
        _ if is_over => AlertState::Ended,
        Some(_) => AlertState::Changed,
        None => AlertState::Raised,
    }
}

/// Alarm (0) is the critical threshold, Alert (1) the warning.
fn monitor_severity(priority: Option<&Value>) -> Severity {
    match priority {
        Some(Value::Number(number)) if number.as_i64() == Some(0) => Severity::Critical,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("Alarm") => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn is_english(tag: Option<&str>) -> bool {
    tag.is_some_and(|tag| tag.starts_with("en"))
}

fn titled(title: String) -> String {
    if title.trim().is_empty() { "Citrix Cloud notification".to_owned() } else { title }
}

/// What was told, by name.
fn told<const N: usize>(fields: [(&str, Option<String>); N]) -> HashMap<String, String> {
    let told = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    told.filter(|(_, value)| !value.is_empty()).collect()
}

/// Numbers in webhooks, words elsewhere; what is not known is worth a look.
fn severity(value: Option<&Value>) -> Severity {
    match value {
        Some(Value::Number(number)) => match number.as_i64() {
            Some(0) => Severity::Information,
            Some(1) => Severity::Success,
            Some(3) => Severity::Error,
            _ => Severity::Warning,
        },
        Some(Value::String(word)) => match word.to_ascii_lowercase().as_str() {
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
fn priority(value: &Value) -> Option<String> {
    let word = match value {
        Value::Number(number) => match number.as_i64()? {
            0 => "normal",
            1 => "low",
            2 => "high",
            3 => "urgent",
            _ => return None,
        },
        Value::String(word) => word,
        _ => return None,
    };
    Some(word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty())
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
        let alert = webhook_alert(&body(after), None).ok().flatten().unwrap_or_else(|| panic!("an alert"));
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
            assert!(matches!(webhook_alert(body.to_string().as_bytes(), None), Ok(None)));
        }
    }

    #[test]
    fn a_record_that_says_one_thing_under_two_names_can_be_read() -> Result<()> {
        let customer = CustomerId::parse("acmecorp0001")?;
        for (published, own, id) in [("p", "i", "p"), (" ", "i", "i")] {
            let listed =
                serde_json::json!({"publishNotificationId": published, "id": own, "title": "Connector offline"});
            let listed: Option<ListedNotification> = serde_json::from_value(listed).ok();
            let alert = listed.and_then(|listed| listed_alert(&customer, &listed));
            assert_eq!(alert.map(|alert| alert.id).as_deref(), Some(id));
        }
        for (value, own, target) in [("VDA-7", "seven", "VDA-7"), ("", "seven", "seven")] {
            let told_of: Option<MonitorAlert> = serde_json::from_value(serde_json::json!({
                "Id": "1", "ModifiedDate": "2026-02-11T08:14:03Z",
                "NotificationTarget": {"NotificationTargetValue": value, "Name": own},
            }))
            .ok();
            let alert = told_of.map(|told_of| monitor_alert(&customer, &told_of, &HashMap::new()));
            assert_eq!(alert.and_then(|alert| alert.target).as_deref(), Some(target));
        }
        Ok(())
    }

    #[test]
    fn what_is_not_a_callback_is_refused() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        for bad in [&b""[..], b"{}", b"[]", b"<html>", deep.as_bytes(), &body("{"), &body("[]"), &body("{}")] {
            assert!(webhook_alert(bad, None).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
