//! `serviceStates`: what an account is entitled to.

use serde_json::json;

use super::authorization::{self, Wording};
use super::envelope;
use crate::http_message::{Answer, Ask};
use crate::world::World;

/// `GET /{customerId}/serviceStates`.
pub(super) fn answer(world: &World, ask: &Ask) -> Answer {
    if ask.method != http::Method::GET {
        return envelope::gateway(world, 405, "Method not allowed");
    }
    let customer = ask.segments.first().map_or("", String::as_str);
    let mut state = world.citrix.state();
    match authorization::check(world, &mut state, ask, customer, Wording::Platform) {
        Ok(account) => {
            Answer::bytes(200, "application/json; charset=utf-8", json!({"items": account.services}).to_string())
        }
        Err(refusal) => *refusal,
    }
}
