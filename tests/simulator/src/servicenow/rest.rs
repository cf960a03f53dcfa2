//! The REST layer: who asks, what they accept, and which API answers.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};

use super::Moment;
use super::aggregate;
use super::batch;
use super::cicd;
use super::client;
use super::envelope;
use super::glide::Glide;
use super::identity::{self, Proof, Who};
use super::import_set;
use super::list;
use super::role;
use super::route;
use super::session::Cookies;
use super::write;
use crate::chance::stable_hex32;
use crate::http_message::{Answer, Ask};

/// Answers an API request and says which session cookies to set.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, route_name: &str) -> (Answer, Option<Cookies>) {
    let Some(who) = identity::authenticate(glide, ask, moment) else {
        return (envelope::not_authenticated(), None);
    };
    let cookies = open_session(glide, ask, &who, moment);
    let answer = serve(glide, ask, moment, route_name, &who);
    (shape(ask, answer, &who), cookies)
}

/// Answers for somebody already known: the part a batch shares with a single request.
pub(super) fn serve(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, route_name: &str, who: &Who) -> Answer {
    if who.client_id.as_deref().is_some_and(|id| client::is_restricted(glide, id)) {
        return envelope::unscoped();
    }
    if let Some(refusal) = check_headers(ask) {
        return refusal;
    }
    if ask.body.len() > glide.switches.max_body_bytes {
        let detail = format!(
            "Rejected large REST payload with content-length = {} bytes. Max allowed: {} bytes.",
            ask.body.len(),
            glide.switches.max_body_bytes
        );
        return envelope::failure(400, "Exception while reading request", Some(&detail));
    }
    let limit = match rate(glide, who, moment, route_name) {
        Ok(headers) => headers,
        Err(refusal) => return *refusal,
    };
    let mut answer = dispatch(glide, ask, moment, route_name, who);
    if let Some((limit, reset)) = limit {
        answer.set("x-ratelimit-limit", limit.to_string());
        answer.set("x-ratelimit-reset", reset.to_string());
        answer.set("x-ratelimit-rule", stable_hex32("rate limit rule"));
    }
    answer
}

fn dispatch(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, route_name: &str, who: &Who) -> Answer {
    let parts = ask.parts();
    if let Some(path) = route::table(&parts) {
        return match (route::method(ask).as_str(), path.id) {
            ("GET", None) => list::many(glide, ask, moment, who, path.table, path.is_v1),
            ("GET", Some(id)) => list::one(glide, ask, moment, who, path.table, id),
            ("POST", None) => write::insert(glide, ask, moment, who, path.table),
            ("PUT" | "PATCH", Some(id)) => write::update(glide, ask, moment, who, path.table, id),
            ("DELETE", Some(id)) => write::delete(glide, who, path.table, id),
            _ => envelope::failure(405, "Method not supported", None),
        };
    }
    match route_name {
        "current_user" if ask.method == Method::GET => {
            if glide.switches.current_user_api || who.proof == Proof::Session {
                current_user(glide, who)
            } else {
                envelope::not_authenticated()
            }
        }
        "batch" if ask.method == Method::POST => batch::answer(glide, ask, moment, who),
        "stats" if ask.method == Method::GET => aggregate::answer(glide, ask, who, parts.last().copied().unwrap_or("")),
        "import" if ask.method == Method::POST => {
            import_set::answer(glide, ask, moment, who, parts.last().copied().unwrap_or(""))
        }
        "role_inheritance" if ask.method == Method::GET => role::inheritance(glide, ask, who),
        "cicd:start" | "cicd:progress" => cicd::answer(glide, ask, moment, who),
        "unknown" => envelope::no_resource(&ask.path),
        _ => envelope::failure(405, "Method not supported", None),
    }
}

/// `Accept` must allow JSON; a body needs a JSON media type. XML is not served here, see the README.
fn check_headers(ask: &Ask) -> Option<Answer> {
    if let Some(accept) = ask.header("accept") {
        let is_fine = accept.split(',').any(|part| {
            matches!(
                part.split(';').next().unwrap_or("").trim(),
                "application/json" | "*/*" | "application/*" | "text/json" | ""
            )
        });
        if !is_fine {
            return Some(envelope::failure(406, "Unsupported Accept type", Some(accept)));
        }
    }
    if matches!(ask.method.as_str(), "POST" | "PUT" | "PATCH") && !ask.headers.contains_key("x-http-method-override") {
        match ask.media_type().as_deref() {
            None => return Some(envelope::failure(400, "Content-Type header is missing", None)),
            Some("application/json" | "text/json") => {}
            Some(other) => return Some(envelope::failure(415, "Unsupported content-type", Some(other))),
        }
    }
    None
}

/// Counts the request against the hourly rule, if there is one.
fn rate(
    glide: &mut Glide,
    who: &Who,
    moment: &Moment<'_>,
    route_name: &str,
) -> Result<Option<(u32, i64)>, Box<Answer>> {
    let Some(limit) = glide.switches.rate_limit_per_hour.filter(|_| route_name.starts_with("table:")) else {
        return Ok(None);
    };
    let hour = TimeDelta::hours(1);
    let window = glide.hourly.entry(who.user_name.clone()).or_insert((moment.now, 0));
    if window.0 + hour <= moment.now {
        *window = (moment.now, 0);
    }
    window.1 += 1;
    let reset = (window.0 + hour).timestamp();
    if window.1 > limit {
        let wait = u64::try_from(reset - moment.now.timestamp()).unwrap_or(1).max(1);
        return Err(Box::new(envelope::rate_limited(wait, moment.now.timestamp(), limit)));
    }
    Ok(Some((limit, reset)))
}

fn current_user(glide: &Glide, who: &Who) -> Answer {
    let shown = glide
        .table("sys_user")
        .and_then(|table| table.rows.get(&who.user_id).map(|row| table.value(row, "name").to_owned()))
        .unwrap_or_default();
    let initials: String =
        shown.split(['.', ' ']).filter_map(|word| word.chars().next()).collect::<String>().to_uppercase();
    envelope::result(
        200,
        &json!({
            "user_sys_id": who.user_id.as_str(), "user_name": who.user_name, "user_display_name": shown, "user_initials": initials,
        }),
    )
}

/// A request without a known session opens one.
fn open_session(glide: &mut Glide, ask: &Ask, who: &Who, moment: &Moment<'_>) -> Option<Cookies> {
    let is_known = ask.cookie("JSESSIONID").is_some_and(|id| glide.sessions.find(id).is_some());
    if is_known || !glide.switches.session_cookies {
        return None;
    }
    let session_id = moment.chance.hex32().to_ascii_uppercase();
    glide.sessions.open(session_id.clone(), Some(who.user_id), moment.chance.hex32());
    Some(Cookies { session_id, user: format!("U0N2M{}", stable_hex32(&who.user_name)) })
}

/// What every REST answer carries, and what the request asked to leave out.
fn shape(ask: &Ask, mut answer: Answer, who: &Who) -> Answer {
    answer.set("x-is-logged-in", "true");
    answer.note.user = Some(who.user_name.clone());
    if ask.header("x-no-response-body") == Some("true") && answer.status.is_success() {
        answer.body = bytes::Bytes::new();
        answer.headers.remove(http::header::CONTENT_TYPE);
    }
    answer
}

/// The body as a JSON object; of a list only the first object counts.
pub(super) fn object(ask: &Ask) -> Result<serde_json::Map<String, Value>, Box<Answer>> {
    let value = if ask.body.is_empty() { Ok(json!({})) } else { serde_json::from_slice::<Value>(&ask.body) };
    match value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Array(list)) => match list.into_iter().next() {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(Box::new(envelope::failure(
                400,
                "Exception while reading request",
                Some("The payload is not valid JSON."),
            ))),
        },
        Ok(_) => Err(Box::new(envelope::failure(
            400,
            "Exception while reading request",
            Some("The payload is not valid JSON."),
        ))),
        Err(error) => Err(Box::new(envelope::failure(
            400,
            "Exception while reading request",
            Some(&format!("The payload is not valid JSON: {error}")),
        ))),
    }
}
