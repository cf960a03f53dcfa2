//! ServiceNow: one listener per instance, with tables, rules, OAuth, sessions and the quirks of each generation.

mod acl;
mod aggregate;
mod batch;
mod choice;
mod cicd;
mod client;
mod consent;
mod credential;
mod data;
pub(crate) mod envelope;
mod filter;
mod glide;
mod identity;
mod import_set;
mod incident;
pub(crate) mod instance;
mod list;
mod login;
pub(crate) mod profile;
mod query;
mod record;
mod render;
mod rest;
mod role;
pub(crate) mod route;
mod schema;
mod session;
mod table;
mod token;
mod token_store;
mod user;
mod write;

use chrono::{DateTime, Utc};

use crate::chance::Chance;
use crate::clock::glide as glide_time;
use crate::http_message::{Answer, Ask};
use crate::page;
use crate::world::World;
use instance::Instance;
use session::Cookies;

/// What every part of an answer may need to know.
pub(crate) struct Moment<'a> {
    pub(crate) now: DateTime<Utc>,
    pub(crate) chance: &'a Chance,
    /// `http://host:port` as the client named it.
    pub(crate) base: &'a str,
}

impl Moment<'_> {
    /// Now, as ServiceNow stores it.
    pub(crate) fn stamp(&self) -> String {
        glide_time(self.now)
    }
}

/// Answers one request honestly.
pub(crate) fn answer(world: &World, instance: &Instance, ask: &Ask) -> Answer {
    let moment = Moment { now: world.now(), chance: &world.chance, base: &ask.base };
    let mut glide = instance.glide();
    if ask.path.len() + ask.query.len() > glide.switches.max_url_length {
        return Answer::html(414, "<html><head><title>414 Request-URI Too Large</title></head></html>");
    }
    let route = route::name(ask);
    let (answer, cookies) = match route.as_str() {
        "token" => (token::answer(&mut glide, ask, &moment), None),
        "revoke" => (token::revoke(&mut glide, ask, &moment), None),
        "authorize" => (consent::answer(&mut glide, ask, &moment), None),
        "login" => (login::answer(&mut glide, ask, &moment), None),
        "page" => (Answer::html(200, page::LOGIN_SHAPED), None),
        _ => rest::answer(&mut glide, ask, &moment, &route),
    };
    drop(glide);
    dress(world, instance, answer, cookies)
}

/// Adds the headers every answer of an instance carries.
pub(crate) fn dress(world: &World, instance: &Instance, mut answer: Answer, cookies: Option<Cookies>) -> Answer {
    let id = format!("{:012x}", world.chance.next() >> 16);
    answer.set("server", "ServiceNow");
    answer.set("x-transaction-id", id.as_str());
    answer.set("strict-transport-security", "max-age=63072000; includeSubDomains");
    answer.set("cache-control", "no-cache,no-store,must-revalidate,max-age=-1");
    answer.set("pragma", "no-store,no-cache");
    answer.set("server-timing", "wall;dur=7, sem_wait;dur=0, sesh_wait;dur=0");
    if let Some(cookies) = cookies {
        cookies.write(&mut answer, &instance.name);
    }
    answer.note.transaction_id = Some(id);
    answer
}
