//! Who may call what: the `CwsAuth` header, the customer it belongs to, and the region.

use super::account::Account;
use super::envelope;
use super::route;
use super::state::State;
use crate::http_message::{Answer, Ask};
use crate::world::World;

/// How a service words its refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wording {
    /// E1.
    Platform,
    /// E2, as the `DaaS` gateway.
    Daas,
    /// E8, as Administrators.
    Problem,
}

/// Checks the token against the customer the request is for.
///
/// # Errors
/// The refusal to send.
pub(super) fn check<'a>(
    world: &World,
    state: &'a mut State,
    ask: &Ask,
    customer: &str,
    wording: Wording,
) -> Result<&'a mut Account, Box<Answer>> {
    let token = presented(ask)?;
    let now = world.now();
    let found = state.tokens.get(token).filter(|token| !token.is_revoked && token.expires_at > now);
    let owner = found.filter(|token| {
        let Some(account) = state.accounts.get(&token.customer_id) else { return false };
        // Deleting a secure client ends its tokens; a controller's users are no clients.
        account.environment == "on-premises"
            || account.clients.iter().any(|client| client.active && client.client_id == token.client_id)
    });
    let Some(owner) = owner.map(|token| token.customer_id.clone()) else {
        return Err(Box::new(match wording {
            Wording::Platform => {
                envelope::common(401, "authentication", "The bearer token is not valid.", &[("reason", "invalid")])
            }
            Wording::Daas => envelope::common_object(
                401,
                "authentication",
                "The bearer token is not valid.",
                &[("reason", "invalid")],
            ),
            Wording::Problem => envelope::problem(401, "Unauthorized", "The bearer token is not valid.", &ask.path),
        }));
    };
    if owner != customer {
        let parameters =
            [("entityType", "customer"), ("id", customer), ("message", "not authenticated for the specified resource")];
        let detail = "The caller is not authenticated for the specified resource.";
        return Err(Box::new(match wording {
            Wording::Problem => envelope::problem(403, "Forbidden", detail, &ask.path),
            Wording::Platform | Wording::Daas => envelope::common(403, "authorization", detail, &parameters),
        }));
    }
    state.accounts.get_mut(&owner).ok_or_else(|| Box::new(envelope::cws_auth("Unknown customer.")))
}

/// The token in `Authorization: CwsAuth Bearer=…`; scheme and key in any case.
fn presented(ask: &Ask) -> Result<&str, Box<Answer>> {
    let Some(text) = ask.header("authorization") else {
        return Err(Box::new(envelope::cws_auth("Missing CWSAuth header.")));
    };
    text.trim()
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("cwsauth"))
        .and_then(|(_, value)| value.trim().split_once('='))
        .filter(|(key, token)| key.trim().eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
        .map(|(_, token)| token.trim())
        .ok_or_else(|| Box::new(envelope::cws_auth("Invalid CWSAuth header: expected CWSAuth bearer=<token>.")))
}

/// 307 when a regional host is asked for a customer of another region.
pub(super) fn regional(world: &World, ask: &Ask) -> Option<Answer> {
    let host = ask.header("host")?.split(':').next()?;
    let here = match host {
        "api-us.cloud.com" => "us",
        "api-eu.cloud.com" => "eu",
        "api-ap-s.cloud.com" => "asp",
        _ => return None,
    };
    let customer = route::customer(world, ask)?;
    let state = world.citrix.state();
    let home = state.accounts.get(&customer)?.region();
    if !state.switches.regional_redirect || home == here || !matches!(home, "us" | "eu" | "asp") {
        return None;
    }
    let home_host = if home == "asp" { "ap-s" } else { home };
    // The path of the location is an internal one: following it blindly goes wrong, as on the real gateway.
    let location = format!("https://api-{home_host}.cloud.com/internal/r{}", ask.path);
    Some(envelope::regional(&customer, home, here, &location))
}
