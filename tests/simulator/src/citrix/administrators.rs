//! Administrators (failures in RFC 7807 form) and resource locations.

use serde_json::{Value, json};

use super::account::Account;
use super::authorization::{self, Wording};
use super::envelope;
use super::route;
use super::state::CitrixSwitches;
use crate::http_message::{Answer, Ask};
use crate::world::World;

pub(super) fn answer(world: &World, ask: &Ask, route_name: &str) -> Answer {
    let Some(customer) = route::customer(world, ask) else {
        return envelope::gateway(world, 500, "Internal server error");
    };
    let mut state = world.citrix.state();
    let switches = state.switches.clone();
    let is_administrators = route_name == "administrators";
    let wording = if is_administrators { Wording::Problem } else { Wording::Platform };
    let account = match authorization::check(world, &mut state, ask, &customer, wording) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    if is_administrators { administrators(account, ask, &switches) } else { locations(account, ask, &switches) }
}

fn administrators(account: &mut Account, ask: &Ask, switches: &CitrixSwitches) -> Answer {
    let parts = ask.parts();
    match (ask.method.as_str(), &parts[1..]) {
        ("GET", []) => list(account, ask),
        ("GET", [id, "access"]) => match find(account, id) {
            Some(item) => Answer::json(200, &json!({"accessType": item["accessType"], "policies": []})),
            None => missing(404, ask),
        },
        ("DELETE", [id]) => {
            let before = account.administrators.len();
            account.administrators.retain(|item| !is_called(item, id));
            if account.administrators.len() < before {
                Answer::empty(200)
            } else {
                missing(switches.missing_delete_status, ask)
            }
        }
        _ => envelope::problem(404, "Not Found", "There is no such operation.", &ask.path),
    }
}

/// `GET /administrators/?type=&providerType=&maxItemCount=&requestContinuation=&id=`.
fn list(account: &Account, ask: &Ask) -> Answer {
    const KINDS: [&str; 3] = ["AdministratorUser", "AdministratorGroup", "ServicePrincipal"];
    let kind = ask.param("type").filter(|kind| !kind.is_empty());
    if kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
        return envelope::problem(400, "Bad Request", "The value of type is not valid.", &ask.path);
    }
    let provider = ask.param("providerType");
    let id = ask.param("id");
    let found: Vec<&Value> = account
        .administrators
        .iter()
        .filter(|item| kind.as_deref().is_none_or(|kind| item["type"] == kind))
        .filter(|item| provider.as_deref().is_none_or(|provider| item["providerType"] == provider))
        .filter(|item| id.as_deref().is_none_or(|id| is_called(item, id)))
        .collect();
    let size = ask.param("maxItemCount").and_then(|text| text.parse().ok()).unwrap_or(100_usize).max(1);
    let start = ask.param("requestContinuation").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let page: Vec<&Value> = found.iter().skip(start).take(size).copied().collect();
    let next = (start + page.len() < found.len()).then(|| (start + page.len()).to_string());
    Answer::json(200, &json!({"items": page, "continuationToken": next}))
}

fn is_called(item: &Value, id: &str) -> bool {
    item["userId"] == id || item["ucOid"] == id
}

fn find<'a>(account: &'a Account, id: &str) -> Option<&'a Value> {
    account.administrators.iter().find(|item| is_called(item, id))
}

/// A missing administrator is told in three ways in the field.
fn missing(status: u16, ask: &Ask) -> Answer {
    match status {
        500 => envelope::problem(500, "Internal Server Error", "Object does not exist.", &ask.path),
        400 => Answer::json(400, &json!({"errorMessage": "The administrator cannot be found."})),
        _ => envelope::problem(404, "Not Found", "The administrator was not found.", &ask.path),
    }
}

fn locations(account: &Account, ask: &Ask, switches: &CitrixSwitches) -> Answer {
    if ask.method != http::Method::GET {
        return envelope::common(501, "notImplemented", "The simulator only lists resource locations.", &[]);
    }
    let parts = ask.parts();
    let id = parts.iter().skip_while(|part| **part != "resourcelocations").nth(1);
    match id {
        None => Answer::json(200, &json!({"items": account.resource_locations})),
        Some(id) => match account.resource_locations.iter().find(|item| item["id"] == *id) {
            Some(item) => Answer::json(200, item),
            None if switches.resource_location_204 => Answer::empty(204),
            None => envelope::common(
                404,
                "notFound",
                "The resource location was not found.",
                &[("entityType", "resourceLocation"), ("id", id)],
            ),
        },
    }
}
