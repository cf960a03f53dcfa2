//! `oauth_auth.do`: the browser part of the authorization-code grant.

use chrono::{DateTime, TimeDelta, Utc};

use super::Moment;
use super::client::{self, Client};
use super::glide::Glide;
use super::login;
use super::profile::{DenyShape, RedirectMismatch};
use super::record::SysId;
use super::user;
use crate::http_message::{Answer, Ask, encode, pairs, value_of};
use crate::page;

/// An authorization code that waits for its token call.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) client_id: String,
    pub(crate) user_id: SysId,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A checked authorization request.
struct Request {
    client: Client,
    redirect_uri: String,
    /// What the client sent; the token call must repeat it.
    sent_redirect_uri: String,
    state: Option<String>,
    challenge: Option<String>,
}

/// `GET` shows login or consent, `POST` takes the decision.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Answer {
    let form = ask.form();
    let decision = if ask.method == http::Method::POST { value_of(&form, "oauth_auth_check_action") } else { None };
    let session_id = ask.cookie("JSESSIONID").unwrap_or("");
    let mut params = pairs(ask.query.as_bytes());
    if decision.is_some() && value_of(&params, "client_id").is_none() {
        // A form sent without the request in its address answers the page that the session saw last.
        params = glide.sessions.find(session_id).map(|session| session.asked.clone()).unwrap_or_default();
    }
    let request = match check(glide, &params) {
        Ok(request) => request,
        Err(message) => {
            glide.log(
                &moment.chance.hex32(),
                &moment.stamp(),
                "OAuth",
                &format!("Exception on authorization flow - {message}"),
            );
            return error_page(message);
        }
    };
    let session = glide.sessions.find(session_id).map(|session| (session.user_id, session.check.clone()));
    let Some((Some(user_id), check_value)) = session else {
        return login::form(&target(&params), "");
    };
    if user::check_state(glide, user_id).is_err() {
        return login::form(&target(&params), "");
    }
    glide.sessions.set_asked(session_id, &params);
    match decision {
        None => consent_page(glide, &request, user_id, &check_value, &params),
        // A form that was not shown in this session does not count.
        Some(_) if value_of(&form, "sysparm_ck") != Some(check_value.as_str()) => {
            consent_page(glide, &request, user_id, &check_value, &params)
        }
        Some("authorize") => allow(glide, moment, request, user_id),
        Some(_) => deny(glide, &request),
    }
}

/// What a person does in a browser, in one step: signs in as this user, and presses the button (`authorize` or `deny`).
/// Gives the address that the browser is sent back to.
pub(super) fn decide(
    glide: &mut Glide,
    query: &str,
    user_name: &str,
    button: &str,
    moment: &Moment<'_>,
) -> Result<String, String> {
    let request = check(glide, &pairs(query.as_bytes()))?;
    let found = glide.table("sys_user").and_then(|table| table.find("user_name", user_name)).map(|row| row.id);
    let user_id = found.ok_or_else(|| format!("no user {user_name}"))?;
    user::check_state(glide, user_id)?;
    let answer = match button {
        "authorize" => allow(glide, moment, request, user_id),
        "deny" => deny(glide, &request),
        _ => return Err("decision is authorize or deny".to_owned()),
    };
    let location = answer.headers.get("location").and_then(|location| location.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| "the browser is not sent back".to_owned())
}

fn check(glide: &Glide, params: &[(String, String)]) -> Result<Request, &'static str> {
    let get = |name: &str| value_of(params, name).filter(|value| !value.is_empty());
    let client = client::find(glide, get("client_id").unwrap_or(""))
        .filter(|client| client.is_active)
        .ok_or("Invalid client_id")?;
    if get("response_type") != Some("code") {
        return Err("Invalid response_type");
    }
    let sent = get("redirect_uri").ok_or("Missing redirect_uri parameter in request")?.to_owned();
    let redirect_uri = if client.redirect_urls.contains(&sent) {
        sent.clone()
    } else {
        match (glide.switches.redirect_mismatch, client.redirect_urls.first()) {
            (RedirectMismatch::UseFirst, Some(first)) => first.clone(),
            _ => return Err("Invalid redirect_uri"),
        }
    };
    let state = get("state").map(str::to_owned);
    if state.is_none() && glide.switches.state_required {
        return Err("Missing State parameter in request");
    }
    let challenge = get("code_challenge").map(str::to_owned);
    if challenge.is_some() && get("code_challenge_method") != Some("S256") {
        return Err("Invalid code_challenge_method");
    }
    if client.is_public && challenge.is_none() {
        return Err("Missing code_challenge parameter in request");
    }
    Ok(Request { client, redirect_uri, sent_redirect_uri: sent, state, challenge })
}

const CARRIED: [&str; 7] =
    ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"];

/// The request as a path of this instance: where the login leads back to.
fn target(params: &[(String, String)]) -> String {
    let query: Vec<String> = CARRIED
        .iter()
        .filter_map(|name| value_of(params, name).map(|value| format!("{name}={}", encode(value))))
        .collect();
    format!("/oauth_auth.do?{}", query.join("&"))
}

fn allow(glide: &mut Glide, moment: &Moment<'_>, request: Request, user_id: SysId) -> Answer {
    let code = moment.chance.opaque();
    let lifetime = TimeDelta::seconds(glide.switches.code_lifetime_s.clamp(0, 86_400));
    glide.codes.retain(|_, code| code.expires_at > moment.now);
    let location = with_query(&request.redirect_uri, &[("code", Some(&code)), ("state", request.state.as_deref())]);
    glide.codes.insert(
        code,
        Code {
            client_id: request.client.id,
            user_id,
            redirect_uri: request.sent_redirect_uri,
            challenge: request.challenge,
            expires_at: moment.now + lifetime,
        },
    );
    Answer::empty(302).with("location", location)
}

fn deny(glide: &Glide, request: &Request) -> Answer {
    match glide.switches.deny_shape {
        DenyShape::Redirect => {
            let location = with_query(
                &request.redirect_uri,
                &[("error", Some("access_denied")), ("state", request.state.as_deref())],
            );
            Answer::empty(302).with("location", location)
        }
        DenyShape::Page => error_page("Access was denied"),
    }
}

fn with_query(url: &str, params: &[(&str, Option<&str>)]) -> String {
    let query: Vec<String> =
        params.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={}", encode(value)))).collect();
    format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"))
}

fn error_page(message: &str) -> Answer {
    Answer::html(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>OAuth</title></head><body><h1>Request failed</h1><p class=\"oauth-error\">{}</p></body></html>",
            page::escape(message)
        ),
    )
}

/// Two buttons of one name; the second is Allow.
fn consent_page(glide: &Glide, request: &Request, user_id: SysId, check: &str, params: &[(String, String)]) -> Answer {
    let user = glide
        .table("sys_user")
        .and_then(|table| table.rows.get(&user_id).map(|row| table.value(row, "user_name").to_owned()))
        .unwrap_or_default();
    Answer::html(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Authorize</title></head><body>\
<h1>{name} would like to connect to your account</h1><p>You are logged in as <b id=\"current_user\">{user}</b>.</p>\
<form action=\"{action}\" method=\"post\"><input type=\"hidden\" name=\"sysparm_ck\" value=\"{check}\">\
<button type=\"submit\" name=\"oauth_auth_check_action\" value=\"deny\">Deny</button>\
<button type=\"submit\" name=\"oauth_auth_check_action\" value=\"authorize\">Allow</button></form></body></html>",
            name = page::escape(&request.client.name),
            user = page::escape(&user),
            action = page::escape(&target(params)),
        ),
    )
}
