//! `DaaS` orchestration: who am I, sites, site tests, jobs, frozen sites.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::account::Account;
use super::authorization::{self, Wording};
use super::envelope;
use super::job;
use super::route;
use super::site;
use super::state::{CitrixSwitches, State};
use crate::clock::rfc3339;
use crate::http_message::{Answer, Ask};
use crate::world::World;

pub(super) fn answer(world: &World, ask: &Ask, route_name: &str) -> Answer {
    // Asked before the state is locked: telling a customer from a site looks into the state itself.
    let customer = route::customer(world, ask);
    let mut state = world.citrix.state();
    if route_name == "activation" {
        return activate(world, &mut state, ask);
    }
    if ask.header("accept").map(str::trim) != Some("application/json") {
        return envelope::common_object(
            406,
            "notAcceptable",
            "The Accept header must be exactly application/json.",
            &[("contentType", ask.header("accept").unwrap_or(""))],
        );
    }
    let Some(customer) = customer.or_else(|| on_premises_token(&state, ask)) else {
        return envelope::gateway(world, 500, "Internal server error");
    };
    let switches = state.switches.clone();
    let account = match authorization::check(world, &mut state, ask, &customer, Wording::Daas) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    if is_still_frozen(account, route_name) {
        return envelope::frozen();
    }
    let parts = ask.parts();
    let operation = route::daas_operation(&parts).unwrap_or(&[]);
    let name = operation.get(1).copied().unwrap_or("");
    let wanted = if matches!(route_name, "sites:test") { http::Method::POST } else { http::Method::GET };
    if ask.method != wanted && route_name != "jobs" {
        return envelope::orchestration(world, 405, "Citrix.MethodNotAllowed", "The method is not supported.");
    }
    match route_name {
        "me" => json_utf8(200, &me(world, account, &switches)),
        "health" => json_utf8(200, &Value::Bool(true)),
        "sites:list" => json_utf8(
            200,
            &json!({
                "Items": account.sites.iter().map(|site| json!({"Id": site.id, "Name": site.name})).collect::<Vec<_>>(),
                "ContinuationToken": null,
            }),
        ),
        "jobs" => {
            let account = account.clone();
            job::answer(world, &mut state, ask, operation, &account)
        }
        _ => {
            let Some(site) = account.site(name).cloned() else {
                return envelope::orchestration(world, 404, "Citrix.ObjectNotFound", "The site was not found.");
            };
            match route_name {
                "sites:get" => json_utf8(200, &site::details(&site)),
                "sites:status" => json_utf8(200, &site::status(&site)),
                "sites:report" => json_utf8(200, &site::report(&site, world.now())),
                "sites:test" if ask.param("async").as_deref() == Some("true") => {
                    job::start_test(world, &mut state, ask, &customer, &site)
                }
                "sites:test" => json_utf8(200, &site::test_summary(&site)),
                _ => envelope::orchestration(world, 404, "Citrix.NotFound", "There is no such operation."),
            }
        }
    }
}

/// A controller's own token needs no customer header: there is only one customer.
fn on_premises_token(state: &State, ask: &Ask) -> Option<String> {
    let token = ask.header("authorization")?.split_once('=')?.1.trim();
    let customer = &state.tokens.get(token)?.customer_id;
    (customer == crate::seed::ON_PREMISES_CUSTOMER).then(|| customer.clone())
}

/// Whether the site sleeps on; after activation each `me` brings the thaw one poll nearer.
fn is_still_frozen(account: &mut Account, route_name: &str) -> bool {
    if !account.is_frozen {
        return false;
    }
    if account.is_activated {
        if account.polls_left == 0 {
            account.is_frozen = false;
            return false;
        }
        if route_name == "me" {
            account.polls_left -= 1;
        }
    }
    true
}

/// `POST /resourceprovider/{c}/site/activation`.
fn activate(world: &World, state: &mut State, ask: &Ask) -> Answer {
    if ask.method != http::Method::POST {
        return envelope::gateway(world, 405, "Method not allowed");
    }
    let customer = ask.segments.get(1).cloned().unwrap_or_default();
    match authorization::check(world, state, ask, &customer, Wording::Platform) {
        Ok(account) => {
            account.is_activated = true;
            Answer::empty(if account.is_frozen { 202 } else { 200 })
        }
        Err(refusal) => *refusal,
    }
}

fn me(world: &World, account: &Account, switches: &CitrixSwitches) -> Value {
    let now = world.now();
    let time = |hours: i64| {
        let at = now + TimeDelta::hours(hours);
        if switches.me_clock_times { at.format("%-I:%M:%S %p").to_string() } else { rfc3339(at) }
    };
    let client = account.clients.first().map_or("S-1-5-21-1004", |client| client.client_id.as_str());
    json!({
        "UserId": client, "DisplayName": "itsm-connector", "ExpiryTime": time(1), "RefreshExpirationTime": time(12),
        "VerifiedEmail": "ops@example.org", "IsCspCustomer": false,
        "Customers": [{
            "Id": account.customer_id, "Name": null,
            "Sites": account.sites.iter().map(|site| json!({"Id": site.id, "Name": site.name})).collect::<Vec<_>>(),
        }],
    })
}

pub(super) fn json_utf8(status: u16, value: &Value) -> Answer {
    Answer::bytes(status, "application/json; charset=utf-8", value.to_string())
}
