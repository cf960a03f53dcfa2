//! The shapes of a ServiceNow failure.

use serde_json::{Value, json};

use crate::http_message::Answer;
use crate::page;

/// Media type of every REST answer.
pub(crate) const JSON: &str = "application/json;charset=UTF-8";

const CANCELLED: &str = "Transaction cancelled: maximum execution time exceeded";
const CANCELLED_DETAIL: &str = "Transaction cancelled: maximum execution time exceeded Check logs for error trace or enable \
glide.rest.debug property to verify REST request processing";

/// `{"error":{"message","detail"},"status":"failure"}`.
pub(crate) fn failure(status: u16, message: &str, detail: Option<&str>) -> Answer {
    let value = json!({"error": {"message": message, "detail": detail}, "status": "failure"});
    Answer::bytes(status, JSON, value.to_string())
}

/// `{"result": …}`.
pub(crate) fn result(status: u16, value: &Value) -> Answer {
    Answer::bytes(status, JSON, json!({"result": value}).to_string())
}

/// 401 of the REST layer.
pub(crate) fn not_authenticated() -> Answer {
    failure(401, "User Not Authenticated", Some("Required to provide Auth information"))
        .with("www-authenticate", "BASIC realm=\"Service-now\"")
        .with("x-is-logged-in", "false")
}

/// 403 of a securely scoped OAuth client.
pub(crate) fn unscoped() -> Answer {
    failure(403, "User Not Authorized", Some("Access to unscoped api is not allowed")).with("x-is-logged-in", "true")
}

/// 404 for absent and hidden records alike.
pub(crate) fn no_record() -> Answer {
    failure(404, "No Record found", Some("Record doesn't exist or ACL restricts the record retrieval"))
}

/// 403 of a create, write or delete rule.
pub(crate) fn acl(operation: &str) -> Answer {
    failure(403, "Operation Failed", Some(&format!("ACL Exception {operation} Failed due to security constraints")))
}

/// 403 of a data policy; `labels` are field labels, not names.
pub(crate) fn data_policy(labels: &[&str]) -> Answer {
    let detail = format!("Data Policy Exception: The following fields are mandatory: {}", labels.join(", "));
    failure(403, "Operation Failed", Some(&detail))
}

/// 400 for a table that does not exist.
pub(crate) fn invalid_table(table: &str) -> Answer {
    failure(400, &format!("Invalid table {table}"), None)
}

/// 400 for a path that no API serves.
pub(crate) fn no_resource(path: &str) -> Answer {
    failure(400, "Requested URI does not represent any resource", Some(path))
}

/// The one answer of the token endpoint to everything it dislikes.
pub(crate) fn token_refused() -> Answer {
    Answer::bytes(401, JSON, r#"{"error_description":"access_denied","error":"server_error"}"#)
}

/// 429 of a rate-limit rule.
pub(crate) fn rate_limited(wait_s: u64, now: i64, limit: u32) -> Answer {
    let detail = format!("Rate limit of {limit} requests per hour for Table API exceeded");
    failure(429, "Rate limit exceeded", Some(&detail))
        .with("retry-after", wait_s.to_string())
        .with("x-ratelimit-limit", limit.to_string())
        .with("x-ratelimit-reset", (now + i64::try_from(wait_s).unwrap_or(3600)).to_string())
        .with("x-ratelimit-rule", "6d0b4e1f1b21301016f3c8c3604bcb4c")
}

/// 429 of a full semaphore queue: no `Retry-After`, no rate headers.
pub(crate) fn semaphore_full() -> Answer {
    Answer::html(429, "<html><body>Too many requests: the semaphore queue is full</body></html>")
}

/// A transaction that ran out of time; with status 200 when the answer had already begun.
pub(crate) fn quota(status: u16) -> Answer {
    failure(status, CANCELLED, Some(CANCELLED_DETAIL))
}

/// A failure with that status in the form the route normally uses.
pub(crate) fn for_status(route: &str, status: u16) -> Answer {
    match status {
        _ if route == "token" && status < 500 => {
            let mut answer = token_refused();
            answer.status = Answer::empty(status).status;
            answer
        }
        401 => not_authenticated(),
        403 => failure(403, "Operation Failed", Some("ACL Exception Insert Failed due to security constraints")),
        404 => no_record(),
        429 => semaphore_full(),
        502..=504 => Answer::html(status, page::BAD_GATEWAY),
        _ => failure(status, "Exception while processing request", None),
    }
}
