//! The ten shapes of a Citrix failure (E1 to E10).

use serde_json::{Value, json};

use crate::http_message::Answer;
use crate::page;
use crate::world::World;

/// E1: the common platform form, parameters as a list.
pub(crate) fn common(status: u16, kind: &str, detail: &str, parameters: &[(&str, &str)]) -> Answer {
    let list: Vec<Value> = parameters.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    Answer::json(
        status,
        &json!({
            "type": format!("https://errors-api.cloud.com/common/{kind}"), "detail": detail, "parameters": list,
        }),
    )
}

/// E2: as E1 with the parameters as an object.
pub(crate) fn common_object(status: u16, kind: &str, detail: &str, parameters: &[(&str, &str)]) -> Answer {
    let object: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    Answer::json(
        status,
        &json!({
            "type": format!("https://errors-api.cloud.com/common/{kind}"), "detail": detail, "parameters": object,
        }),
    )
}

/// E3: the `CwsAuth` header is missing or malformed.
pub(crate) fn cws_auth(message: &str) -> Answer {
    Answer::json(401, &json!({"Error": {"Message": message, "Type": "CWSAuthException"}}))
}

/// E4: the API gateway.
pub(crate) fn gateway(world: &World, status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"statusCode": status, "message": message, "activityId": world.chance.guid()}))
}

/// E5, or E1 when asked for: too many requests.
pub(crate) fn throttled(wait_s: u64, kind: Option<&str>) -> Answer {
    let wait = wait_s.to_string();
    let answer = if kind == Some("E1") {
        common(429, "rateLimitExceeded", "Too many requests.", &[("retryDelay", &wait)])
    } else {
        Answer::json(
            429,
            &json!({
                "statusCode": 429, "message": format!("Rate limit is exceeded. Try again in {wait} seconds."),
            }),
        )
    };
    answer.with("retry-after", wait)
}

/// E6: the token endpoint.
pub(crate) fn oauth(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "error_description": description}))
}

/// E7: orchestration.
pub(crate) fn orchestration(world: &World, status: u16, id: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({
            "ErrorMessage": message, "SdkErrorId": id, "ErrorType": "SdkError", "ErrorDetails": null, "SupportLink": null,
            "ErrorReport": {
                "CitrixErrorId": world.chance.guid(), "ComponentName": "Orchestration", "ComponentVersion": "1.0", "ErrorData": {},
            },
        }),
    )
}

/// E8: RFC 7807.
pub(crate) fn problem(status: u16, title: &str, detail: &str, instance: &str) -> Answer {
    let value = json!({
        "type": format!("https://httpstatuses.com/{status}"), "title": title, "status": status, "detail": detail, "instance": instance,
    });
    Answer::bytes(status, "application/problem+json", value.to_string())
}

/// E9: `OData`.
pub(crate) fn odata(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"code": code, "message": message}}))
}

/// E10: a load balancer.
pub(crate) fn balancer(status: u16) -> Answer {
    Answer::html(status, page::BAD_GATEWAY)
}

/// The site is frozen.
pub(crate) fn frozen() -> Answer {
    Answer::json(
        530,
        &json!({
            "ErrorMessage": "The site is in a frozen state.", "SdkErrorId": "Citrix.SiteFrozen", "ErrorType": "SdkError",
            "ErrorDetails": null, "SupportLink": null,
            "ErrorReport": {"CitrixErrorId": "SiteFrozen", "ComponentName": "Gateway", "ComponentVersion": "1.0", "ErrorData": {}},
        }),
    )
}

/// 307 to the region that serves the customer.
pub(crate) fn regional(customer: &str, home: &str, here: &str, location: &str) -> Answer {
    common(
        307,
        "Redirect",
        "Regional customer must use their designated regional endpoint",
        &[("Citrix-CustomerId", customer), ("customerDataRegion", home), ("currentAPIMRegion", here)],
    )
    .with("location", location)
}

/// A failure with that status, in the form the route normally uses.
pub(crate) fn for_status(world: &World, route: &str, status: u16) -> Answer {
    if route.starts_with("token") {
        return match status {
            400 | 401 => oauth(status, "invalid_client", "Invalid client id or client secret."),
            429 => throttled(1, None),
            _ if status >= 500 => gateway(world, status, "Internal server error"),
            _ => oauth(status, "invalid_request", "The request was refused."),
        };
    }
    match status {
        401 => common(401, "authentication", "Authentication failed.", &[("reason", "invalid")]),
        403 => common(
            403,
            "authorization",
            "Not authenticated for the specified resource.",
            &[("entityType", "customer"), ("id", "")],
        ),
        404 => common(404, "notFound", "The resource was not found.", &[("entityType", "object"), ("id", "")]),
        429 => {
            Answer::json(429, &json!({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 1 seconds."}))
        }
        503 => common(503, "serviceUnavailable", "The service is unavailable.", &[("retryDelay", "1")]),
        530 => frozen(),
        502 | 504 => balancer(status),
        _ if status >= 500 => gateway(world, status, "Internal server error"),
        _ => common(status, "invalidString", "The request was refused.", &[]),
    }
}

/// Any of the ten envelopes on demand, with its usual status unless another is asked for.
pub(crate) fn sample(world: &World, kind: &str, status: Option<u16>) -> Answer {
    match kind {
        "E2" => {
            common_object(status.unwrap_or(401), "authentication", "Authentication failed.", &[("reason", "invalid")])
        }
        "E3" => {
            let mut answer = cws_auth("Invalid CWSAuth bearer value.");
            answer.status = Answer::empty(status.unwrap_or(401)).status;
            answer
        }
        "E4" => gateway(world, status.unwrap_or(500), "Internal server error"),
        "E5" => {
            let mut answer = throttled(1, None);
            answer.status = Answer::empty(status.unwrap_or(429)).status;
            answer
        }
        "E6" => oauth(status.unwrap_or(400), "invalid_client", "Invalid client id or client secret."),
        "E7" => orchestration(world, status.unwrap_or(400), "Citrix.InvalidRequest", "The request is invalid."),
        "E8" => problem(status.unwrap_or(400), "Bad Request", "One value is not valid.", "/administrators"),
        "E9" => odata(status.unwrap_or(400), "BadRequest", "The query specified in the URI is not valid."),
        "E10" => balancer(status.unwrap_or(503)),
        _ => {
            let status = status.unwrap_or(503);
            let (kind, name, value) = match status {
                400 => ("missing", "field", "name"),
                401 => ("authentication", "reason", "invalid"),
                403 => ("authorization", "entityType", "customer"),
                404 => ("notFound", "entityType", "object"),
                406 => ("notAcceptable", "contentType", "text/html"),
                409 => ("optimisticConcurrency", "entityType", "object"),
                415 => ("unsupportedMediaType", "mediaType", "text/plain"),
                429 => ("rateLimitExceeded", "retryDelay", "1"),
                501 => ("notImplemented", "entityType", "operation"),
                _ => ("serviceUnavailable", "retryDelay", "1"),
            };
            common(status, kind, "A failure asked for by name.", &[(name, value)])
        }
    }
}
