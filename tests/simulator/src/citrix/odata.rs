//! What `OData` knows of Monitor's entity sets: which properties there are, and what they may be compared with.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Date,
    Flag,
    Guid,
    Number,
    Text,
}

/// The properties of a set by name.
fn properties(set: &str) -> &'static [(&'static str, Kind)] {
    match set {
        "Notifications" => &[
            ("Id", Kind::Guid),
            ("FirstTimeConditionTrue", Kind::Date),
            ("FirstTimeNotificationTriggered", Kind::Date),
            ("LastReannouncementTime", Kind::Date),
            ("LastTimeConditionTrue", Kind::Date),
            ("LifecycleState", Kind::Number),
            ("NotificationRuleId", Kind::Number),
            ("NotificationTargetId", Kind::Number),
            ("NotificationPriority", Kind::Number),
            ("ScopeEntities", Kind::Text),
            ("CreatedDate", Kind::Date),
            ("ModifiedDate", Kind::Date),
        ],
        "NotificationsLogs" => &[
            ("Id", Kind::Number),
            ("NotificationState", Kind::Number),
            ("NotificationStateChangeDate", Kind::Date),
            ("IsReannouncement", Kind::Flag),
            ("NotificationRuleId", Kind::Number),
            ("NotificationPriority", Kind::Number),
            ("NotificationId", Kind::Guid),
        ],
        "NotificationRules" => &[
            ("Id", Kind::Number),
            ("Enabled", Kind::Flag),
            ("IsAggregate", Kind::Flag),
            ("Name", Kind::Text),
            ("Description", Kind::Text),
            ("NotificationTemplateId", Kind::Number),
            ("NotificationRuleGroupId", Kind::Number),
            ("DataSource", Kind::Number),
            ("ScopeType", Kind::Number),
            ("NextDueAt", Kind::Date),
        ],
        "NotificationRuleGroups" => &[
            ("Id", Kind::Number),
            ("Name", Kind::Text),
            ("Description", Kind::Text),
            ("Webhook", Kind::Text),
            ("IsSnmpEnabled", Kind::Flag),
            ("IsEmailAttachmentEnabled", Kind::Flag),
            ("IsWebhookAttachmentEnabled", Kind::Flag),
            ("NotificationGroupState", Kind::Number),
            ("NotificationWebhookProfileId", Kind::Number),
        ],
        "NotificationTargets" | "NotificationRuleTargets" => &[
            ("Id", Kind::Number),
            ("NotificationRuleTargetType", Kind::Number),
            ("NotificationRuleSubTargetType", Kind::Number),
            ("NotificationTargetValue", Kind::Text),
        ],
        _ => &[],
    }
}

/// What a property of the set holds.
///
/// # Errors
/// A sentence when there is no such property.
pub(super) fn kind(set: &str, name: &str) -> Result<Kind, String> {
    let found = properties(set).iter().find(|(own, _)| *own == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| format!("{set} has no property {name}"))
}

/// # Errors
/// A sentence when `$select` names what there is not.
pub(super) fn selected(set: &str, names: &str) -> Result<(), String> {
    names.split(',').try_for_each(|name| kind(set, name.trim()).map(drop))
}

/// `field op literal`, joined by `and`: what an incremental reader needs, nothing more.
///
/// # Errors
/// A sentence about what cannot be read, or does not fit the property.
pub(super) fn filter(mut records: Vec<Value>, set: &str, text: &str) -> Result<Vec<Value>, String> {
    for clause in text.split(" and ") {
        let words: Vec<&str> = clause.trim().trim_matches(['(', ')']).splitn(3, ' ').collect();
        let [field, operator, literal] = words.as_slice() else {
            return Err(format!("cannot read the filter {clause}"));
        };
        if !matches!(*operator, "eq" | "ne" | "gt" | "ge" | "lt" | "le") {
            return Err(format!("unknown operator {operator}"));
        }
        let literal = read(kind(set, field)?, literal)?;
        records.retain(|record| {
            let order = compare(&record[*field], &literal);
            match *operator {
                "eq" => order == Some(Ordering::Equal),
                "ne" => order != Some(Ordering::Equal),
                "gt" => order == Some(Ordering::Greater),
                "ge" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                "lt" => order == Some(Ordering::Less),
                _ => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            }
        });
    }
    Ok(records)
}

/// A literal of a filter.
enum Literal {
    Null,
    Date(DateTime<FixedOffset>),
    Flag(bool),
    Number(f64),
    Text(String),
}

/// Only texts stand in quotes: a quoted date is a text, which no date is compared with.
fn read(kind: Kind, literal: &str) -> Result<Literal, String> {
    let wrong = || format!("{literal} cannot be compared with the property");
    if literal == "null" {
        return Ok(Literal::Null);
    }
    match kind {
        Kind::Date if literal.contains('T') => {
            DateTime::parse_from_rfc3339(literal).map(Literal::Date).map_err(|_| wrong())
        }
        Kind::Flag => literal.parse().map(Literal::Flag).map_err(|_| wrong()),
        Kind::Number => literal.parse().map(Literal::Number).map_err(|_| wrong()),
        Kind::Guid if is_guid(literal) => Ok(Literal::Text(literal.to_owned())),
        Kind::Date | Kind::Guid => Err(wrong()),
        Kind::Text => {
            let text = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).ok_or_else(wrong)?;
            Ok(Literal::Text(text.replace("''", "'")))
        }
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// None where one of them is nothing, or they are of two kinds: then only `ne` holds.
fn compare(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(value), Literal::Flag(flag)) => Some(value.cmp(flag)),
        (Value::Number(value), Literal::Number(number)) => value.as_f64()?.partial_cmp(number),
        (Value::String(value), Literal::Date(date)) => Some(DateTime::parse_from_rfc3339(value).ok()?.cmp(date)),
        (Value::String(value), Literal::Text(text)) => Some(value.as_str().cmp(text)),
        _ => None,
    }
}
