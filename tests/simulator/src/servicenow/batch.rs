//! Batch API: several requests in one, bodies in Base64 both ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::Moment;
use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::instance::plain;
use super::rest;
use super::route;
use crate::http_message::{Answer, Ask, text_of};

/// Largest body of one item.
const ITEM_LIMIT: usize = 5 << 20;

/// `POST /api/now/v1/batch`.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who) -> Answer {
    let object = match rest::object(ask) {
        Ok(object) => object,
        Err(refusal) => return *refusal,
    };
    let items = object.get("rest_requests").and_then(Value::as_array).cloned().unwrap_or_default();
    let served = items.len().saturating_sub(glide.switches.batch_unserviced);
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for (n, item) in items.iter().enumerate() {
        let id = item.get("id").map(plain).unwrap_or_default();
        if n >= served {
            if glide.switches.batch_unserviced_run {
                run(glide, ask, moment, who, item);
            }
            left.push(id);
            continue;
        }
        match run(glide, ask, moment, who, item) {
            Some(answer) => done.push(describe(&id, item, &answer)),
            None => left.push(id),
        }
    }
    let body = json!({
        "batch_request_id": object.get("batch_request_id").map(plain).unwrap_or_default(),
        "serviced_requests": done, "unserviced_requests": left,
    });
    Answer::bytes(200, envelope::JSON, body.to_string())
}

/// Runs one item as the caller; nothing when the item is too large or unreadable.
fn run(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, item: &Value) -> Option<Answer> {
    let method = Method::from_bytes(text_of(item, "method")?.as_bytes()).ok()?;
    let body = STANDARD.decode(text_of(item, "body").unwrap_or("")).ok()?;
    if body.len() > ITEM_LIMIT {
        return None;
    }
    let mut headers = HeaderMap::new();
    for header in item.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let name = HeaderName::from_bytes(text_of(header, "name")?.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(text_of(header, "value")?).ok()?);
    }
    let url = text_of(item, "url")?;
    // Item addresses are relative, and what needs encoding must be encoded.
    if !url.starts_with('/') || url.contains([' ', ',', '|']) {
        return Some(envelope::no_resource(url));
    }
    let inner = Ask::new(method, url, headers, body.into(), &ask.base);
    let name = route::name(&inner);
    if !name.starts_with("table:") && !matches!(name.as_str(), "current_user" | "stats") {
        return Some(envelope::no_resource(url));
    }
    Some(rest::serve(glide, &inner, moment, &name, who))
}

fn describe(id: &str, item: &Value, answer: &Answer) -> Value {
    let wants_headers = item.get("exclude_response_headers").and_then(Value::as_bool) != Some(true);
    let headers: Vec<Value> = answer
        .headers
        .iter()
        .filter(|_| wants_headers)
        .map(|(name, value)| json!({"name": name.as_str(), "value": value.to_str().unwrap_or("")}))
        .collect();
    json!({
        "id": id, "status_code": answer.status.as_u16(), "status_text": answer.status.canonical_reason().unwrap_or(""), "headers": headers,
        "body": STANDARD.encode(&answer.body), "execution_time": 7, "redirect_url": "", "error_message": "",
    })
}
