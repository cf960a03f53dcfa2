//! Which route a request is for, and for whom.

use crate::http_message::Ask;
use crate::world::World;

/// Path segments below the `DaaS` base, whichever of its three spellings was used; `None` elsewhere.
pub(crate) fn below_daas<'a>(parts: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let lower: Vec<String> = parts.iter().take(3).map(|part| part.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        ["cvad", "manage", ..] => Some(&parts[2..]),
        ["cvadapis", ..] => Some(&parts[1..]),
        ["citrix", "orchestration", "api"] => Some(&parts[3..]),
        _ => None,
    }
}

/// The `DaaS` operation with its own segments, once customer and site in the path are taken off.
pub(crate) fn daas_operation<'a>(parts: &'a [&'a str]) -> Option<&'a [&'a str]> {
    const WORDS: [&str; 6] = ["me", "sites", "jobs", "healthcheck", "tokens", "ping"];
    let mut rest = below_daas(parts)?;
    for _ in 0..2 {
        match rest.first() {
            Some(first) if !WORDS.contains(&first.to_ascii_lowercase().as_str()) => rest = &rest[1..],
            _ => break,
        }
    }
    Some(rest)
}

/// The route's name, as faults and the log use it.
pub(crate) fn name(ask: &Ask) -> &'static str {
    let parts = ask.parts();
    if let Some(operation) = daas_operation(&parts) {
        return daas_name(operation);
    }
    let is_post = ask.method == http::Method::POST;
    match parts.as_slice() {
        ["cctrustoauth2", _, "tokens", "clients"] => "token",
        ["cctrustoauth2", ..] => "unknown",
        ["resourceprovider", _, "site", "activation"] => "activation",
        ["monitorodata", ..] => "monitor",
        ["notifications"] | [_, "notifications", "items"] if is_post => "notifications:create",
        ["notifications"] | [_, "notifications"] => "notifications:list",
        ["administrators", ..] => "administrators",
        ["resourcelocations", ..] | [_, "resourcelocations", ..] => "resource_locations",
        [_, "tokens", "clients"] => "token:legacy",
        [_, "serviceStates"] => "service_states",
        [_, "subscriptions"] if is_post => "subscriptions:create",
        [_, "subscriptions"] => "subscriptions:list",
        [_, "subscriptions", _] => "subscriptions:one",
        _ => "unknown",
    }
}

fn daas_name(operation: &[&str]) -> &'static str {
    let words: Vec<String> = operation.iter().map(|word| word.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["me"] => "me",
        ["tokens", ..] => "token:controller",
        ["healthcheck" | "ping"] => "health",
        ["sites"] => "sites:list",
        ["sites", _] => "sites:get",
        ["sites", _, "status"] => "sites:status",
        ["sites", _, "testreport"] => "sites:report",
        ["sites", _, "$test"] => "sites:test",
        ["jobs", ..] => "jobs",
        _ => "unknown",
    }
}

/// The customer a request is for: from the path where the old hosts carry it, else from the header.
pub(crate) fn customer(world: &World, ask: &Ask) -> Option<String> {
    let parts = ask.parts();
    let in_path = match parts.as_slice() {
        ["cctrustoauth2" | "resourceprovider", id, ..]
        | [id, "tokens" | "serviceStates" | "subscriptions" | "resourcelocations" | "notifications", ..] => Some(*id),
        ["citrix", "orchestration", "api", id, ..] if world.citrix.knows(id) => Some(*id),
        _ => None,
    };
    in_path.filter(|id| *id != "root").or_else(|| ask.header("citrix-customerid")).map(str::to_owned)
}

/// The site a request names: header, or a segment of the path's older spellings.
pub(crate) fn instance_id(ask: &Ask) -> Option<String> {
    ask.header("citrix-instanceid").map(str::to_owned).or_else(|| {
        let parts = ask.parts();
        below_daas(&parts)?
            .iter()
            .take(2)
            .find(|part| uuid::Uuid::try_parse(part).is_ok())
            .map(|part| (*part).to_owned())
    })
}
