//! Reading an answer of the REST API: content type first, then status, then shape. Nothing that is not the
//! API's own envelope counts as an answer (T11).

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    error::{Error, ErrorKind, Retry},
    model::InstanceHealth,
    transport::{Response, Verdict, asks_to_wait, clean, content_type_is_json, is_html, parse_json},
};

/// `{"result": …}`, or `{"error": …, "status": "failure"}`, or, in an answer that a quota cut off, both.
#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<T>,
    error: Option<Failure>,
}

#[derive(Deserialize, Default)]
pub(super) struct Failure {
    message: Option<String>,
    detail: Option<String>,
}

/// Reads an answer whose result is a `T`.
pub(super) fn judge<T: DeserializeOwned>(response: &Response, answer: &mut Option<T>) -> Verdict {
    if let Some(page) = judge_page(response) {
        return page;
    }
    match response.status.as_u16() {
        200 | 201 => match parse_json::<Envelope<T>>(response) {
            Ok(Envelope { result: Some(result), error: None }) => {
                *answer = Some(result);
                Verdict::Done
            }
            Ok(Envelope { error: Some(failure), .. }) => Verdict::Unknown(
                health(
                    Error::new(
                        ErrorKind::Unavailable,
                        format!("The instance broke its answer off: {}.", failure.text("no reason given")),
                    )
                    .remedy("Try again with smaller pages; the instance cancelled the transaction."),
                    InstanceHealth::Unavailable,
                )
                .retry(Retry::Now),
            ),
            Ok(Envelope { result: None, error: None }) => {
                Verdict::Unknown(Error::new(ErrorKind::Protocol, "The instance's answer holds no result."))
            }
            Err(error) => Verdict::Unknown(error.retry(Retry::Now)),
        },
        status => judge_failure(response, status),
    }
}

/// A web page, or anything else that is not JSON, in place of the API.
pub(super) fn judge_page(response: &Response) -> Option<Verdict> {
    let status = response.status.as_u16();
    if content_type_is_json(&response.headers) && !is_html(response) {
        return None;
    }
    if status == 429 {
        return Some(throttled());
    }
    let body = String::from_utf8_lossy(&response.body[..response.body.len().min(64 * 1024)]).to_lowercase();
    let error = if body.contains("hibernat") {
        health(
            Error::new(ErrorKind::Unavailable, "The instance is hibernating.")
                .remedy("Sign in to the instance's developer site to wake it, then try again."),
            InstanceHealth::Hibernating,
        )
    } else if (500..600).contains(&status) {
        if status == 503 && asks_to_wait(&response.headers) {
            return Some(Verdict::NotDone(down(status), None));
        }
        down(status)
    } else if (300..400).contains(&status) {
        health(
            Error::new(
                ErrorKind::Protocol,
                format!("The instance redirects elsewhere ({status}) in place of answering."),
            )
            .remedy("Check the instance's address; a sign-in page in front of the API must let API calls pass."),
            InstanceHealth::Unexpected,
        )
    } else if response.body.is_empty() && status != 200 {
        return Some(judge_failure(response, status));
    } else {
        health(
            Error::new(
                ErrorKind::Protocol,
                format!("The instance answered with a web page ({status}) in place of the API."),
            )
            .remedy("Check the instance's address; a sign-in, maintenance or firewall page is in front of the API."),
            InstanceHealth::Unexpected,
        )
    };
    Some(Verdict::Unknown(error.with("status", status)))
}

pub(super) fn judge_failure(response: &Response, status: u16) -> Verdict {
    let failure = parse_json::<Envelope<serde::de::IgnoredAny>>(response).ok().and_then(|envelope| envelope.error);
    let has_envelope = failure.is_some();
    let failure = failure.unwrap_or_default();
    let text = failure.text("no reason given");
    let error = |kind, message: String| Error::new(kind, message).with("status", status);
    match status {
        401 => Verdict::Refused(
            error(ErrorKind::Unauthorized, format!("The instance does not accept the access token: {text}."))
                .with("token", "rejected"),
        ),
        403 => Verdict::Refused(forbidden(&failure, has_envelope).with("status", status)),
        404 => Verdict::Refused(
            error(ErrorKind::NotFound, format!("The instance has no such record, or hides it: {text}."))
                .remedy("Check the id and the user's read rights."),
        ),
        429 => throttled(),
        400 if text.starts_with("Invalid table") => Verdict::Refused(
            error(ErrorKind::NotFound, format!("The instance has no such table: {text}."))
                .remedy("Check the table's name and whether its application is installed."),
        ),
        // Usually without a body, and so without a content type.
        202 => Verdict::Unknown(
            health(
                error(
                    ErrorKind::Unavailable,
                    "The instance put the request into a queue and may drop it (202).".into(),
                ),
                InstanceHealth::Throttled,
            )
            .retry(Retry::Now),
        ),
        400..=499 => {
            Verdict::Refused(error(ErrorKind::InvalidInput, format!("The instance refused the request: {text}.")))
        }
        503 if asks_to_wait(&response.headers) => Verdict::NotDone(down(status), None),
        500 if text.contains("maximum execution time") => Verdict::Unknown(
            health(
                error(
                    ErrorKind::Unavailable,
                    "The instance cancelled the transaction: its time quota was used up.".into(),
                )
                .remedy("Try again with smaller pages or fewer records."),
                InstanceHealth::Available,
            )
            .retry(Retry::Now),
        ),
        500..=599 => Verdict::Unknown(down(status).with("reason", &text)),
        _ => Verdict::Unknown(error(
            ErrorKind::Protocol,
            format!("The instance answered with an unexpected status {status}."),
        )),
    }
}

/// Both kinds of 429: a rate rule says when to come back, which the wire reads; a full queue does not.
pub(super) fn throttled() -> Verdict {
    let error = Error::new(ErrorKind::Throttled, "The instance limits the rate of requests.").with("status", 429);
    Verdict::NotDone(health(error.retry(Retry::Now), InstanceHealth::Throttled), None)
}

fn down(status: u16) -> Error {
    let error = Error::new(ErrorKind::Unavailable, format!("The instance is not available ({status})."));
    health(error.retry(Retry::Now), InstanceHealth::Unavailable).with("status", status)
}

fn forbidden(failure: &Failure, has_envelope: bool) -> Error {
    let text = failure.text("no reason given");
    let error = Error::new(ErrorKind::Forbidden, format!("The instance forbids it: {text}."));
    if text.contains("unscoped api") || text.contains("api access scope") {
        error
            .remedy(
                "Open the OAuth client's scope in the instance: set it to Broadly scoped, or give it the auth scope useraccount.",
            )
            .with("missing", "scope")
    } else if text.contains("Data Policy") {
        error.remedy("Fill in the fields that the instance makes mandatory.").with("missing", "field")
    } else if has_envelope {
        error.remedy("Grant the user the role that this table needs.").with("missing", "role")
    } else {
        error
            .remedy("Allow the adapter's address in the instance's IP Address Access Control.")
            .with("missing", "network")
    }
}

/// Notes what the answer says of the instance's health; read back by [`health_of`].
fn health(error: Error, health: InstanceHealth) -> Error {
    let word = match health {
        InstanceHealth::Throttled => "throttled",
        InstanceHealth::Hibernating => "hibernating",
        InstanceHealth::Unexpected => "unexpected",
        InstanceHealth::Available => "available",
        InstanceHealth::Unavailable | InstanceHealth::Unknown => "unavailable",
    };
    error.with("health", word)
}

/// What a failed call says of the instance's health: an instance that refuses is available.
pub(crate) fn health_of(error: &Error) -> InstanceHealth {
    match error.context("health") {
        Some("throttled") => InstanceHealth::Throttled,
        Some("hibernating") => InstanceHealth::Hibernating,
        Some("unexpected") => InstanceHealth::Unexpected,
        Some("unavailable") => InstanceHealth::Unavailable,
        Some(_) => InstanceHealth::Available,
        None => match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Timeout => InstanceHealth::Unavailable,
            ErrorKind::Throttled => InstanceHealth::Throttled,
            ErrorKind::Protocol => InstanceHealth::Unexpected,
            _ => InstanceHealth::Available,
        },
    }
}

impl Failure {
    /// The instance's own words, cleaned and bounded: they come from outside.
    pub(super) fn text(&self, none: &str) -> String {
        let message = self.message.as_deref().unwrap_or_default();
        let detail = self.detail.as_deref().unwrap_or_default();
        let text = match (message, detail) {
            ("", "") => none.to_owned(),
            (one, "") | ("", one) => one.to_owned(),
            (message, detail) => format!("{message}: {detail}"),
        };
        clean(text.trim_end_matches('.'), 300)
    }
}
