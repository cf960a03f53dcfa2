//! Citrix Cloud: token service, entitlement, `DaaS`, Monitor and platform APIs, all hosts collapsed to one port.

pub(crate) mod account;
mod administrators;
mod authorization;
mod daas;
mod entitlement;
pub(crate) mod envelope;
mod job;
pub(crate) mod monitor;
pub(crate) mod notification;
mod odata;
pub(crate) mod route;
mod site;
mod state;
mod token;
pub(crate) mod webhook;

use std::sync::Arc;

pub(crate) use state::Citrix;
pub use state::CitrixSwitches;

use crate::http_message::{Answer, Ask};
use crate::world::World;

/// Answers one request honestly.
pub(crate) fn answer(world: &Arc<World>, ask: &Ask) -> Answer {
    let answer = match authorization::regional(world, ask) {
        Some(redirect) => redirect,
        None => dispatch(world, ask),
    };
    dress(world, ask, answer)
}

fn dispatch(world: &Arc<World>, ask: &Ask) -> Answer {
    let route = route::name(ask);
    match route.split(':').next().unwrap_or("") {
        "token" => token::answer(world, ask, route),
        "service_states" => entitlement::answer(world, ask),
        "me" | "sites" | "jobs" | "activation" | "health" => daas::answer(world, ask, route),
        "monitor" => monitor::answer(world, ask),
        "notifications" => notification::answer(world, ask, route),
        "subscriptions" => webhook::answer(world, ask, route),
        "administrators" | "resource_locations" => administrators::answer(world, ask, route),
        _ => envelope::common(
            404,
            "notFound",
            "The resource was not found.",
            &[("entityType", "route"), ("id", &ask.path)],
        ),
    }
}

/// Adds the transaction id: the client's own or a new one, under the names each service uses.
pub(crate) fn dress(world: &World, ask: &Ask, mut answer: Answer) -> Answer {
    let id = ask
        .header("citrix-transactionid")
        .filter(|id| uuid::Uuid::try_parse(id).is_ok())
        .map_or_else(|| world.chance.guid(), str::to_owned);
    let route = route::name(ask);
    let is_daas = matches!(route.split(':').next(), Some("me" | "sites" | "jobs" | "health" | "monitor"));
    answer.set(if is_daas { "citrix-transactionid" } else { "x-cws-transactionid" }, id.as_str());
    if route.starts_with("token") {
        answer.set("cache-control", "no-store");
        answer.set("pragma", "no-cache");
        let account = answer.note.customer.clone();
        let state = world.citrix.state();
        let region = account.and_then(|id| state.accounts.get(&id)).map_or("us", |account| account.region());
        answer.set("x-cc-localgeo", region);
    }
    answer.note.transaction_id = Some(id);
    answer
}
