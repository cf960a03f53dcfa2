//! Tokens: the current form, the legacy trust form, and the one of an on-premises controller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::envelope;
use super::state::{State, Token};
use crate::clock::rfc3339;
use crate::http_message::{Answer, Ask, text_of, value_of};
use crate::seed;
use crate::world::World;

pub(super) fn answer(world: &World, ask: &Ask, route: &str) -> Answer {
    if ask.method != http::Method::POST {
        return envelope::gateway(world, 405, "Method not allowed");
    }
    match route {
        "token" => current(world, ask),
        "token:legacy" => legacy(world, ask),
        _ => controller(world, ask),
    }
}

/// `POST /cctrustoauth2/{c}/tokens/clients`.
fn current(world: &World, ask: &Ask) -> Answer {
    let mut state = world.citrix.state();
    // The media type must be exactly this: a charset parameter is refused.
    let media_type = ask.header("content-type").unwrap_or("");
    if !media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return envelope::common(
            state.switches.wrong_media_type_status,
            "unsupportedMediaType",
            "The Content-Type header must be application/x-www-form-urlencoded.",
            &[("mediaType", media_type)],
        );
    }
    if state.switches.token_needs_accept && !accepts_json(ask) {
        return envelope::common(
            406,
            "notAcceptable",
            "The Accept header must allow application/json.",
            &[("contentType", ask.header("accept").unwrap_or(""))],
        );
    }
    let form = ask.form();
    let path_customer = ask.segments.get(1).map_or("", String::as_str);
    let grant = value_of(&form, "grant_type").unwrap_or("").to_owned();
    let mut answer = if grant == "client_credentials" {
        let id = value_of(&form, "client_id").unwrap_or("");
        let secret = value_of(&form, "client_secret").unwrap_or("");
        match find(&state, path_customer, id, secret, false) {
            Ok(customer) => {
                let token = issue(world, &mut state, &customer, id);
                let lifetime = state.switches.token_lifetime_s.to_string();
                // Indented with a leading line break, as the documented raw body is.
                let body = format!(
                    "\r\n{{\r\n    \"token_type\": \"bearer\",\r\n    \"access_token\": {},\r\n    \"expires_in\": {}\r\n}}",
                    Value::from(token),
                    Value::from(lifetime)
                );
                let mut answer = Answer::bytes(200, "application/json; charset=utf-8", body);
                answer.note.customer = Some(customer);
                answer
            }
            Err(status) => envelope::oauth(status, "invalid_client", "Invalid client id or client secret."),
        }
    } else {
        envelope::oauth(400, "unsupported_grant_type", "The grant type is not supported.")
    };
    answer.note.grant_type = Some(grant);
    answer
}

/// `POST /{c}/tokens/clients`, JSON both ways.
fn legacy(world: &World, ask: &Ask) -> Answer {
    if ask.media_type().as_deref() != Some("application/json") {
        return envelope::common(
            415,
            "unsupportedMediaType",
            "The Content-Type header must be application/json.",
            &[("mediaType", ask.header("content-type").unwrap_or(""))],
        );
    }
    let Ok(body) = serde_json::from_slice::<Value>(&ask.body) else {
        return envelope::common(400, "invalidJson", "The body is not valid JSON.", &[]);
    };
    let (id, secret) = (text_of(&body, "clientId").unwrap_or(""), text_of(&body, "clientSecret").unwrap_or(""));
    let path_customer = ask.segments.first().map_or("", String::as_str);
    let mut state = world.citrix.state();
    let customer = match find(&state, path_customer, id, secret, true) {
        Ok(customer) => customer,
        Err(status) => {
            return envelope::common(
                if status == 400 { 401 } else { status },
                "authentication",
                "Invalid client id or client secret.",
                &[("reason", "invalid")],
            );
        }
    };
    let token = issue(world, &mut state, &customer, id);
    let lifetime = state.switches.token_lifetime_s;
    let is_gov = state.accounts.get(&customer).is_some_and(|account| account.environment == "gov");
    let value = if is_gov && state.switches.gov_token_pascal_case {
        json!({
            "Token": token, "Principal": "ops@example.org", "UserId": id, "CustomerId": customer,
            "ExpiresAt": (world.now() + TimeDelta::seconds(lifetime_s(&state))).timestamp(),
        })
    } else {
        json!({
            "principal": "ops@example.org", "subject": id, "token": token, "openIdToken": world.chance.jwt_like(), "expiresIn": lifetime,
        })
    };
    let mut answer = Answer::json(200, &value);
    answer.note.customer = Some(customer);
    answer.note.grant_type = Some("client_credentials".to_owned());
    answer
}

/// `POST …/Tokens` of an on-premises controller, Basic with `DOMAIN\user`.
fn controller(world: &World, ask: &Ask) -> Answer {
    let given = ask
        .header("authorization")
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, value)| STANDARD.decode(value.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let expected = format!("{}:{}", seed::ON_PREMISES_USER, seed::ON_PREMISES_PASSWORD);
    if given.as_deref() != Some(expected.as_str()) {
        return envelope::orchestration(
            world,
            401,
            "Citrix.Unauthorized",
            "The credentials are not valid for this site.",
        );
    }
    let mut state = world.citrix.state();
    let token = issue(world, &mut state, seed::ON_PREMISES_CUSTOMER, seed::ON_PREMISES_USER);
    let expires = world.now() + TimeDelta::seconds(lifetime_s(&state));
    Answer::json(
        200,
        &json!({
            "Token": token, "Principal": seed::ON_PREMISES_USER, "UserId": "S-1-5-21-1004", "CustomerId": seed::ON_PREMISES_CUSTOMER,
            "ExpiresAt": rfc3339(expires),
        }),
    )
}

fn accepts_json(ask: &Ask) -> bool {
    ask.header("accept").is_some_and(|text| {
        text.split(',').any(|part| {
            matches!(part.split(';').next().unwrap_or("").trim(), "application/json" | "*/*" | "application/*")
        })
    })
}

/// Whose client this is; the status of the refusal otherwise. `root` stands for any customer.
fn find(state: &State, path_customer: &str, id: &str, secret: &str, is_legacy: bool) -> Result<String, u16> {
    let owner = state.accounts.values().find(|account| {
        account.clients.iter().any(|client| client.active && client.client_id == id && client.client_secret == secret)
    });
    let Some(owner) = owner.filter(|_| !id.is_empty()) else { return Err(400) };
    // Gov only has the legacy form.
    if owner.environment == "gov" && !is_legacy {
        return Err(400);
    }
    if path_customer != "root" && path_customer != owner.customer_id {
        return Err(state.switches.foreign_client_status);
    }
    Ok(owner.customer_id.clone())
}

/// Life of a token; bounded, so that no clock overflows.
fn lifetime_s(state: &State) -> i64 {
    state.switches.token_lifetime_s.clamp(0, 3_155_760_000)
}

fn issue(world: &World, state: &mut State, customer: &str, client: &str) -> String {
    let now = world.now();
    state.tokens.retain(|_, token| token.expires_at + TimeDelta::hours(6) > now);
    let token = world.chance.jwt_like();
    state.tokens.insert(
        token.clone(),
        Token {
            customer_id: customer.to_owned(),
            client_id: client.to_owned(),
            expires_at: now + TimeDelta::seconds(lifetime_s(state)),
            is_revoked: false,
        },
    );
    token
}
