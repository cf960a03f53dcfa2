//! Citrix Cloud notifications: raising and listing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::authorization::{self, Wording};
use super::envelope;
use super::route;
use super::webhook;
use crate::http_message::{Answer, Ask, text_of};
use crate::world::World;

/// Items on one page of the list.
const PAGE: usize = 100;

pub(super) fn answer(world: &Arc<World>, ask: &Ask, route_name: &str) -> Answer {
    let Some(customer) = route::customer(world, ask) else {
        return envelope::gateway(world, 500, "Internal server error");
    };
    let mut state = world.citrix.state();
    let account = match authorization::check(world, &mut state, ask, &customer, Wording::Platform) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    if route_name == "notifications:list" {
        let start = ask
            .param("continuationToken")
            .and_then(|token| token.strip_prefix("at-").and_then(|n| n.parse().ok()))
            .unwrap_or(0_usize);
        // Of an inbox of one's own: what an administrator dismisses, only this one does not see.
        let is_dismissed = |item: &Value| account.dismissed.iter().any(|title| item["title"] == **title);
        let inbox: Vec<&Value> = account.notifications.iter().filter(|item| !is_dismissed(item)).collect();
        let items: Vec<&Value> = inbox.iter().skip(start).take(PAGE).copied().collect();
        let next = (start + items.len() < inbox.len()).then(|| format!("at-{}", start + items.len()));
        return Answer::json(200, &json!({"items": items, "continuationToken": next}));
    }
    if ask.media_type().as_deref() != Some("application/json") {
        return envelope::common(
            415,
            "unsupportedMediaType",
            "The media type is not supported.",
            &[("mediaType", ask.header("content-type").unwrap_or(""))],
        );
    }
    let Ok(body) = serde_json::from_slice::<Value>(&ask.body) else {
        return envelope::common(400, "invalidJson", "The body is not valid JSON.", &[]);
    };
    for field in ["destinationAdmin", "component", "createdDate", "eventId", "severity", "priority", "content"] {
        if body.get(field).is_none_or(Value::is_null) {
            return envelope::common(400, "missing", "A required field is missing.", &[("field", field)]);
        }
    }
    drop(state);
    match raise(world, &customer, &body) {
        Some(echo) => Answer::json(200, &echo),
        None => envelope::common(
            404,
            "notFound",
            "The customer was not found.",
            &[("entityType", "customer"), ("id", &customer)],
        ),
    }
}

/// Stores a notification, calls the webhooks, and returns the echo with its null fields.
///
/// Neither `eventId` nor `createdDate` is checked, as on the real service: duplicates are welcome.
pub(crate) fn raise(world: &Arc<World>, customer: &str, body: &Value) -> Option<Value> {
    let mut echo = body.clone();
    for field in ["categories", "data", "externalId"] {
        echo.as_object_mut()?.entry(field).or_insert(Value::Null);
    }
    echo["suppressEmail"] = json!(body.get("suppressEmail").and_then(Value::as_bool).unwrap_or(false));
    for content in echo.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        content.as_object_mut()?.entry("detailUri").or_insert(Value::Null);
    }
    {
        let mut state = world.citrix.state();
        let account = state.accounts.get_mut(customer)?;
        let mut item = echo.clone();
        // The list exposes the text at the top of each item.
        let first = body.pointer("/content/0").cloned().unwrap_or_default();
        item["title"] = first.get("title").cloned().unwrap_or_default();
        item["description"] = first.get("description").cloned().unwrap_or_default();
        account.notifications.push(item);
    }
    webhook::publish(world, customer, "Notifications", "Create", &published(world, customer, body));
    Some(echo)
}

/// The decoded `AfterChange` of a new notification: `PascalCase`, numeric severity and priority.
fn published(world: &World, customer: &str, body: &Value) -> Value {
    let severity = match text_of(body, "severity").unwrap_or("") {
        "Success" => 1,
        "Warning" => 2,
        "Error" | "Critical" => 3,
        _ => 0,
    };
    let priority = match text_of(body, "priority").unwrap_or("") {
        "Low" => 1,
        "High" => 2,
        "Urgent" => 3,
        _ => 0,
    };
    let content: Vec<Value> = body
        .get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|item| {
            json!({
                "LanguageTag": item.get("languageTag"), "Title": item.get("title"), "Description": item.get("description"),
                "DetailUri": item.get("detailUri"),
            })
        })
        .collect();
    json!({
        "PublishNotificationId": format!("{}_{}", 2_518_000_000_000_000_000_i64 + world.now().timestamp(), &world.chance.hex32()[..5]),
        "Destination": format!("{customer};{}", text_of(body, "destinationAdmin").unwrap_or("*")),
        "Component": body.get("component"), "CreatedDate": body.get("createdDate"), "Categories": [], "Severity": severity,
        "EventId": body.get("eventId"), "Priority": priority, "Content": content, "Data": null, "ExternalId": null,
    })
}
