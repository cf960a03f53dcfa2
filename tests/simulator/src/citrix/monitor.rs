//! Monitor `OData`: 100 records a page, one query at a time per customer.

use std::cmp::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::account;
use super::authorization::{self, Wording};
use super::envelope;
use super::odata;
use super::route;
use crate::gate::{Busy, Pass};
use crate::http_message::{Answer, Ask, encode};
use crate::world::World;

/// Records on one page.
const PAGE: usize = 100;

/// Takes the customer's only query slot.
///
/// # Errors
/// 429 when another query of the customer runs.
pub(crate) async fn enter(world: &World, customer: &str) -> Result<Option<Pass>, Box<Answer>> {
    let Some(busy) = world.citrix.monitor_queries.take(customer) else {
        return Err(Box::new(envelope::throttled(1, Some("E1"))));
    };
    let takes = world.citrix.state().accounts.get(customer).map_or(0, |account| account.monitor_query_ms);
    tokio::time::sleep(Duration::from_millis(takes)).await;
    Ok(Some(only(busy)))
}

fn only(busy: Busy) -> Pass {
    Pass::Only { _busy: busy }
}

/// `GET /monitorodata/{set}`.
pub(super) fn answer(world: &World, ask: &Ask) -> Answer {
    let Some(customer) = route::customer(world, ask) else {
        return envelope::gateway(world, 500, "Internal server error");
    };
    let mut state = world.citrix.state();
    let account = match authorization::check(world, &mut state, ask, &customer, Wording::Platform) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    if ask.method != http::Method::GET {
        return envelope::common(405, "notImplemented", "Monitor data can only be read.", &[]);
    }
    let parts = ask.parts();
    let set = parts.get(1).copied().unwrap_or("");
    let records = match set {
        "Notifications" => account.alerts.clone(),
        "NotificationRules" => rules(&account.alerts),
        "NotificationRuleGroups" => groups(),
        "NotificationTargets" => targets(&account.alerts),
        "NotificationsLogs" | "NotificationRuleTargets" => Vec::new(),
        _ => {
            return envelope::common(
                404,
                "notFound",
                "The entity set was not found.",
                &[("entityType", "entitySet"), ("id", set)],
            );
        }
    };
    match select(ask, set, records) {
        Ok(value) => Answer::bytes(200, "application/json; odata.metadata=minimal; charset=utf-8", value.to_string()),
        Err(detail) => envelope::common(400, "invalidString", &detail, &[("parameter", "query")]),
    }
}

fn select(ask: &Ask, set: &str, mut records: Vec<Value>) -> Result<Value, String> {
    let params = ask.params();
    let number = |name: &str| -> Result<Option<usize>, String> {
        params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.parse().map_err(|_| format!("{name} is not a number")))
            .transpose()
    };
    for (key, value) in &params {
        match key.as_str() {
            "$filter" => records = odata::filter(records, set, value)?,
            "$orderby" => order(&mut records, set, value)?,
            "$expand" => expand(&mut records, set, value)?,
            "$select" => odata::selected(set, value)?,
            "$top" | "$skip" | "$count" | "$format" => {}
            other if other.starts_with('$') => return Err(format!("{other} is not supported")),
            _ => {}
        }
    }
    let (skip, top) = (number("$skip")?.unwrap_or(0), number("$top")?);
    let total = records.len();
    let wanted = top.unwrap_or(usize::MAX);
    let size = wanted.min(PAGE);
    let page: Vec<Value> = records.into_iter().skip(skip).take(size).collect();
    let mut answer = json!({"@odata.context": format!("{}/monitorodata/$metadata#{set}", ask.base)});
    if params.iter().any(|(key, value)| key == "$count" && value == "true") {
        answer["@odata.count"] = json!(total);
    }
    let next = skip + page.len();
    if next < total && wanted > page.len() {
        answer["@odata.nextLink"] = json!(next_link(ask, set, &params, next, top.map(|top| top - page.len())));
    }
    let fields = params.iter().find(|(key, _)| key == "$select").map(|(_, value)| value.as_str());
    answer["value"] = page.into_iter().map(|record| project(record, fields)).collect();
    Ok(answer)
}

fn next_link(ask: &Ask, set: &str, params: &[(String, String)], skip: usize, top: Option<usize>) -> String {
    let mut query: Vec<String> = params
        .iter()
        .filter(|(key, _)| key != "$skip" && key != "$top")
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    query.extend(top.map(|top| format!("$top={top}")));
    query.push(format!("$skip={skip}"));
    format!("{}/monitorodata/{set}?{}", ask.base, query.join("&"))
}

fn project(record: Value, fields: Option<&str>) -> Value {
    let (Some(fields), Value::Object(object)) = (fields, &record) else { return record };
    let kept: Map<String, Value> = fields
        .split(',')
        .filter_map(|name| object.get(name.trim()).map(|value| (name.trim().to_owned(), value.clone())))
        .collect();
    Value::Object(kept)
}

fn order(records: &mut [Value], set: &str, text: &str) -> Result<(), String> {
    let (field, direction) = text.trim().split_once(' ').unwrap_or((text.trim(), "asc"));
    odata::kind(set, field)?;
    let is_descending = match direction.trim() {
        "asc" => false,
        "desc" => true,
        other => return Err(format!("{other} is no direction")),
    };
    records.sort_by(|one, other| {
        let order = match (&one[field], &other[field]) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
            (a, b) => a.as_str().unwrap_or("").cmp(b.as_str().unwrap_or("")),
        };
        if is_descending { order.reverse() } else { order }
    });
    Ok(())
}

/// Puts the records that are pointed to inside of those that point to them.
fn expand(records: &mut [Value], set: &str, text: &str) -> Result<(), String> {
    let (rules, targets) = (rules(records), targets(records));
    for name in text.split(',').map(str::trim) {
        let pointed = match (set, name) {
            ("Notifications", "NotificationLogs") => {
                // Of which none are kept.
                for record in records.iter_mut() {
                    record[name] = json!([]);
                }
                continue;
            }
            ("Notifications", "NotificationRule") => &rules,
            ("Notifications", "NotificationTarget") => &targets,
            _ => return Err(format!("{set} has no property {name} to expand")),
        };
        for record in records.iter_mut() {
            let id = record[format!("{name}Id")].clone();
            record[name] = pointed.iter().find(|one| one["Id"] == id).cloned().unwrap_or(Value::Null);
        }
    }
    Ok(())
}

fn targets(alerts: &[Value]) -> Vec<Value> {
    let mut ids: Vec<i64> = alerts.iter().filter_map(|alert| alert["NotificationTargetId"].as_i64()).collect();
    ids.sort_unstable();
    ids.dedup();
    let target = |id| {
        json!({
            "Id": id, "NotificationRuleTargetType": 5, "NotificationRuleSubTargetType": 0,
            "NotificationTargetValue": format!("VDA-{id}"),
        })
    };
    ids.into_iter().map(target).collect()
}

fn rules(alerts: &[Value]) -> Vec<Value> {
    let mut ids: Vec<i64> = alerts.iter().filter_map(|alert| alert["NotificationRuleId"].as_i64()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .map(|id| {
            json!({
                "Id": id, "Enabled": true, "IsAggregate": false, "Name": format!("Condition {id}"), "Description": "", "NotificationTemplateId": 1,
                "NotificationRuleGroupId": 1, "DataSource": 1, "ScopeType": 3, "NextDueAt": null,
            })
        })
        .collect()
}

fn groups() -> Vec<Value> {
    vec![json!({
        "Id": 1, "Name": "Site policy", "Description": "", "Webhook": null, "IsSnmpEnabled": false, "IsEmailAttachmentEnabled": false,
        "IsWebhookAttachmentEnabled": false, "NotificationGroupState": 0, "NotificationWebhookProfileId": null,
    })]
}

/// Alerts for the control API: a number makes that many, a list of objects is laid over made ones.
pub(crate) fn alerts_from(customer: &str, value: &Value, now: DateTime<Utc>) -> Option<Vec<Value>> {
    if let Some(count) = value.as_i64() {
        return Some((0..count).map(|n| account::alert(customer, n, now)).collect());
    }
    let mut made = Vec::new();
    for (n, given) in (0_i64..).zip(value.as_array()?) {
        let mut alert = account::alert(customer, n, now);
        for (key, field) in given.as_object()? {
            alert[key] = field.clone();
        }
        made.push(alert);
    }
    Some(made)
}
