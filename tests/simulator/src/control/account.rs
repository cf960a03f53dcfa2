//! `/accounts` of the control API.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::Outcome;
use crate::citrix::{account, notification, webhook};
use crate::http_message::text_of;
use crate::world::World;

pub(super) fn answer(world: &Arc<World>, method: &Method, rest: &[&str], body: &Value) -> Outcome {
    match (method, rest) {
        (&Method::GET, []) => Ok(json!({"accounts": world.citrix.describe(None)})),
        (&Method::GET, [customer]) => {
            world.citrix.describe(Some(customer)).pop().ok_or_else(|| format!("no account {customer}"))
        }
        (&Method::PATCH, [customer]) => world.citrix.patch_account(customer, body, world.now()),
        (&Method::POST, [customer, "tokens", "expire"]) => {
            Ok(json!({"count": world.citrix.expire_tokens(customer, world.now())}))
        }
        (&Method::GET, [customer, "notifications"]) => {
            let state = world.citrix.state();
            let found = state.accounts.get(*customer).ok_or_else(|| format!("no account {customer}"))?;
            Ok(json!({"items": found.notifications}))
        }
        (&Method::POST, [customer, "notifications"]) => {
            notification::raise(world, customer, &filled(world, body)).ok_or_else(|| format!("no account {customer}"))
        }
        (&Method::POST, [customer, "events"]) => {
            let event = text_of(body, "event_type").ok_or("event_type is needed")?;
            let changed = body.get("after").or(body.get("before")).unwrap_or(&Value::Null);
            webhook::publish(world, customer, event, text_of(body, "change_type").unwrap_or("Create"), changed);
            Ok(json!({}))
        }
        (&Method::POST, [customer, "alerts"]) => {
            let mut state = world.citrix.state();
            let found = state.accounts.get_mut(*customer).ok_or_else(|| format!("no account {customer}"))?;
            let next = i64::try_from(found.alerts.len()).unwrap_or(0) + 1000;
            let mut alert = account::alert(customer, next, world.now());
            alert["Id"] = json!(world.chance.guid());
            for (key, value) in body.as_object().into_iter().flatten() {
                alert[key] = value.clone();
            }
            found.alerts.push(alert.clone());
            Ok(alert)
        }
        _ => Err(format!("there is no {method} /accounts/{}", rest.join("/"))),
    }
}

/// A notification with everything the body leaves out.
fn filled(world: &World, body: &Value) -> Value {
    let mut whole = json!({
        "destinationAdmin": "*", "component": "Citrix Cloud", "createdDate": crate::clock::rfc3339(world.now()),
        "eventId": world.chance.guid(), "severity": "Information", "priority": "Normal",
        "content": [{
            "languageTag": "en-US", "title": text_of(body, "title").unwrap_or("Connector offline"),
            "description": text_of(body, "description").unwrap_or("The connector EDGE01 does not answer."),
        }],
    });
    for (key, value) in body.as_object().into_iter().flatten() {
        if key != "title" && key != "description" {
            whole[key] = value.clone();
        }
    }
    whole
}
