//! What Citrix says when something fails: ten envelopes, read by one reader. Content type first, then
//! status, then the words. (Citrix Cloud APIs, "Common error codes" and "Troubleshooting".)
//!
//! | | Shape | From |
//! |---|---|---|
//! | E1 | `type`, `detail`, `parameters` as a list | the platform |
//! | E2 | the same with `parameters` as an object | `DaaS` gateway |
//! | E3 | `Error` with `Message`, `Type` | a bad or missing token |
//! | E4 | `statusCode`, `message`, `activityId` | API gateway |
//! | E5 | `statusCode`, `message`, header `Retry-After` | throttling |
//! | E6 | `error`, `error_description` | token endpoint |
//! | E7 | `ErrorMessage`, `SdkErrorId`, … | `DaaS` |
//! | E8 | RFC 7807 | administrators |
//! | E9 | `error` as an object | Monitor |
//! | E10 | a page | load balancers |

use std::time::Duration;

use ::http::StatusCode;
use serde_json::Value;

use super::hosts::environment_of;
use crate::{
    error::{Error, ErrorKind, Retry},
    transport::{Response, Verdict, clean, content_type_is_json, is_html, json_depth_ok},
};

/// Longest text of the remote that is repeated.
const TEXT: usize = 200;
/// Longest word that is taken for a code.
const CODE: usize = 48;
/// Larger answers to a failed call are not read for words.
const ENVELOPE: usize = 64 * 1024;
/// A site that sleeps; Citrix's own number.
pub(super) const FROZEN: u16 = 530;

/// What an envelope says, whichever it is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The remote's own sentence.
    text: Option<String>,
    /// The last word of an E1 type, such as `rateLimitExceeded`, or the code of another envelope.
    pub(super) code: Option<String>,
    /// The parameter `reason` of E1 and E2.
    reason: Option<String>,
    /// Where the customer lives, from a redirect to another region.
    pub(super) region: Option<String>,
    /// E4 names the call by an id of its own.
    activity: Option<String>,
    /// The wait that it asks for.
    delay: Option<Duration>,
}

pub(super) fn read(response: &Response) -> Said {
    if response.body.len() > ENVELOPE || !json_depth_ok(&response.body) {
        return Said::default();
    }
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return Said::default() };
    // E3 and E9 hold the words one level below.
    let inner = ["Error", "error"].iter().filter_map(|key| body.get(key)).find(|value| value.is_object());
    let source = inner.unwrap_or(&body);
    let first = |names: &[&str]| names.iter().find_map(|name| source.get(name).and_then(words));
    let message =
        first(&["detail", "Message", "message", "ErrorMessage", "errorMessage", "error_description", "title"]);
    let code =
        ["type", "Type", "SdkErrorId", "code", "error"].iter().find_map(|name| code(source.get(name)?.as_str()?));
    let parameter = |name: &str| parameter(body.get("parameters")?, name);
    let from_text = || seconds(message.as_deref()?.split_once("ry again in ")?.1.split(' ').next()?);
    Said {
        delay: parameter("retryDelay").and_then(|text| seconds(&text)).or_else(from_text),
        reason: parameter("reason"),
        region: parameter("customerDataRegion"),
        activity: body.get("activityId").and_then(words),
        text: message,
        code,
    }
}

/// The last word of an address such as that of E1, or a code as it stands.
fn code(text: &str) -> Option<String> {
    let word = text.rsplit('/').next().unwrap_or_default();
    let is_code = !word.is_empty()
        && word.len() <= CODE
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    is_code.then(|| word.to_owned())
}

/// E1 lists its parameters, E2 names them.
fn parameter(parameters: &Value, name: &str) -> Option<String> {
    match parameters {
        Value::Array(list) => list
            .iter()
            .find(|one| one.get("name").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(name)))
            .and_then(|one| words(one.get("value")?)),
        Value::Object(map) => words(map.get(name)?),
        _ => None,
    }
}

/// A text of the remote as it may be shown.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => clean(text, TEXT),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Seconds as the remote writes them, at most a day.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

/// True when the answer is what was asked for by its form: a success that holds JSON.
fn is_data(response: &Response) -> bool {
    let begins_like_json = || response.body.trim_ascii_start().first().is_some_and(|b| b"{[".contains(b));
    content_type_is_json(&response.headers)
        || (!response.headers.contains_key(::http::header::CONTENT_TYPE) && begins_like_json())
}

/// Judges an answer to a call with a token. A redirect to another region and a frozen site are let through:
/// the client deals with both.
pub(super) fn judge(response: &Response) -> Verdict {
    match response.status.as_u16() {
        307 | FROZEN => Verdict::Done,
        200..=299 if is_html(response) || !is_data(response) => Verdict::Unknown(not_data(response)),
        200 => Verdict::Done,
        _ => failed(response),
    }
}

/// Judges an answer to the call that wakes a site: it says nothing but its status.
pub(super) fn judge_activation(response: &Response) -> Verdict {
    match response.status.as_u16() {
        200 | 202 if !is_html(response) => Verdict::Done,
        307 => Verdict::Done,
        200..=299 => Verdict::Unknown(not_data(response)),
        _ => failed(response),
    }
}

/// Judges an answer of the token endpoint. Its sentence is not repeated, because it answers to a secret (T6).
pub(super) fn judge_token(response: &Response) -> Verdict {
    let said = read(response);
    let refused = || {
        Error::new(ErrorKind::Unauthorized, "Citrix Cloud refused the secure client.")
            .remedy(
                "Check id and secret of the secure client, and the customer id they belong to, in Citrix Cloud \
                 (Identity and Access Management, API Access). It ends when its administrator is removed.",
            )
            .with("code", said.code.as_deref().unwrap_or("none"))
    };
    match response.status.as_u16() {
        429 => Verdict::NotDone(without_text(response, &said, ErrorKind::Throttled), said.delay),
        200..=299 if is_html(response) || !is_data(response) => Verdict::Unknown(not_data(response)),
        // A success may carry an error all the same; Citrix's own client looks for it.
        200 if said.code.is_none() => Verdict::Done,
        200 | 400 if said.code.as_deref().is_some_and(is_about_client) => Verdict::Refused(refused()),
        400 | 401 | 403 if !is_html(response) => match said.code.as_deref() {
            Some("invalid_request" | "unsupported_grant_type" | "invalid_scope") => {
                Verdict::Refused(without_text(response, &said, ErrorKind::Protocol))
            }
            _ if response.status == StatusCode::BAD_REQUEST => {
                Verdict::Refused(without_text(response, &said, ErrorKind::Protocol))
            }
            _ => Verdict::Refused(refused()),
        },
        404 => Verdict::Refused(
            without_text(response, &said, ErrorKind::NotFound)
                .remedy("Check the customer id and the environment of the account."),
        ),
        // Redirects are never followed with a secret in the body.
        307 => Verdict::Refused(elsewhere(without_text(response, &said, ErrorKind::InvalidInput), &said)),
        503 if said.delay.is_some() => {
            Verdict::NotDone(without_text(response, &said, ErrorKind::Unavailable), said.delay)
        }
        // Asking again is the caller's to decide: a token that nobody received does no harm.
        500..=599 => Verdict::Unknown(without_text(response, &said, ErrorKind::Unavailable).retry(Retry::Now)),
        _ => Verdict::Refused(without_text(response, &said, ErrorKind::Protocol)),
    }
}

fn is_about_client(code: &str) -> bool {
    matches!(code, "invalid_client" | "unauthorized_client" | "access_denied" | "invalid_grant")
}

fn without_text(response: &Response, said: &Said, kind: ErrorKind) -> Error {
    Error::new(kind, format!("The token endpoint of Citrix Cloud answered {}.", response.status.as_u16()))
        .transaction(said.activity.clone())
}

/// Another region is the customer's home, and it cannot be asked in this call.
pub(super) fn elsewhere(error: Error, said: &Said) -> Error {
    let region = said.region.as_deref().unwrap_or("unknown");
    let home = environment_of(region).and_then(|environment| serde_json::to_value(environment).ok());
    let home = home.as_ref().and_then(Value::as_str).unwrap_or("the customer's home region");
    error.remedy(format!("Set the account's environment to {home}.")).with("region", region)
}

fn not_data(response: &Response) -> Error {
    let what = if is_html(response) { "a page made for people" } else { "something that is not JSON" };
    Error::new(ErrorKind::Protocol, format!("Citrix Cloud answered {what} instead of data."))
}

fn failed(response: &Response) -> Verdict {
    let status = response.status.as_u16();
    let said = if is_html(response) { Said::default() } else { read(response) };
    let error = |kind| {
        let text = match &said.text {
            Some(text) => format!("Citrix Cloud answered {status}: {text}"),
            None if is_html(response) => format!("Citrix Cloud answered {status} with a page made for people"),
            None => format!("Citrix Cloud answered {status}"),
        };
        let error = Error::new(kind, format!("{}.", text.trim_end_matches('.'))).transaction(said.activity.clone());
        said.code.iter().fold(error, |error, code| error.with("code", code))
    };
    if is_missing(status, &said) {
        return Verdict::Refused(error(ErrorKind::NotFound));
    }
    match status {
        429 => Verdict::NotDone(error(ErrorKind::Throttled), said.delay),
        401 => Verdict::Refused(
            said.reason
                .iter()
                .fold(error(ErrorKind::Unauthorized), |error, reason| error.with("reason", reason))
                .with("token", "rejected"),
        ),
        403 => Verdict::Refused(error(ErrorKind::Forbidden).remedy(
            "Use a secure client of an administrator with Full access, and check the account's environment: another \
             region answers the same.",
        )),
        404 => Verdict::Refused(error(ErrorKind::NotFound)),
        400 => Verdict::Refused(error(ErrorKind::InvalidInput)),
        409 => Verdict::Refused(error(ErrorKind::IllegalState)),
        408 => Verdict::Unknown(error(ErrorKind::Timeout)),
        501 => Verdict::Refused(error(ErrorKind::Protocol)),
        // A wait means that it was turned away at the door.
        503 if said.delay.is_some() => Verdict::NotDone(error(ErrorKind::Unavailable), said.delay),
        500..=599 => Verdict::Unknown(error(ErrorKind::Unavailable)),
        _ => Verdict::Refused(error(ErrorKind::Protocol)),
    }
}

/// A missing object may also answer 500 or 400, with these words. (Seen in Citrix's Terraform provider.)
fn is_missing(status: u16, said: &Said) -> bool {
    let text = said.text.as_deref().unwrap_or_default().to_ascii_lowercase();
    match status {
        500 => text.starts_with("object does not exist"),
        400 => text.contains("cannot be found") || text.contains("could not be found"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
