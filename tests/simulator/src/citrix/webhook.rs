//! Webhook subscriptions and their callbacks; callbacks only ever go to loopback.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::account::Subscription;
use super::authorization::{self, Wording};
use super::envelope;
use crate::clock::rfc3339;
use crate::http_message::{Answer, Ask, text_of};
use crate::world::World;

/// How long one callback may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn answer(world: &World, ask: &Ask, route_name: &str) -> Answer {
    let customer = ask.segments.first().cloned().unwrap_or_default();
    let mut state = world.citrix.state();
    let account = match authorization::check(world, &mut state, ask, &customer, Wording::Platform) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    match (ask.method.as_str(), route_name) {
        ("POST", "subscriptions:create") => match read(world, ask, &customer) {
            Ok(subscription) => {
                let answer = Answer::json(200, &subscription.body);
                account.subscriptions.push(subscription);
                answer
            }
            Err(refusal) => *refusal,
        },
        ("GET", "subscriptions:list") => {
            let items: Vec<&Value> = account.subscriptions.iter().map(|item| &item.body).collect();
            Answer::json(200, &json!({"items": items}))
        }
        (method, "subscriptions:one") => {
            let id = ask.segments.get(2).map_or("", String::as_str);
            let Some(at) = account.subscriptions.iter().position(|item| item.id == id) else {
                return envelope::common(
                    404,
                    "notFound",
                    "The subscription was not found.",
                    &[("entityType", "subscription"), ("id", id)],
                );
            };
            match method {
                "GET" => Answer::json(200, &account.subscriptions[at].body),
                "DELETE" => {
                    account.subscriptions.remove(at);
                    Answer::empty(200)
                }
                _ => envelope::gateway(world, 405, "Method not allowed"),
            }
        }
        _ => envelope::gateway(world, 405, "Method not allowed"),
    }
}

fn read(world: &World, ask: &Ask, customer: &str) -> Result<Subscription, Box<Answer>> {
    if ask.media_type().as_deref() != Some("application/json") {
        let media_type = ask.header("content-type").unwrap_or("");
        return Err(Box::new(envelope::common(
            415,
            "unsupportedMediaType",
            "The media type is not supported.",
            &[("mediaType", media_type)],
        )));
    }
    let invalid =
        |field: &str| Box::new(envelope::common(400, "missing", "A required field is missing.", &[("field", field)]));
    let body: Value = serde_json::from_slice(&ask.body)
        .map_err(|_| Box::new(envelope::common(400, "invalidJson", "The body is not valid JSON.", &[])))?;
    let text = |field: &str| text_of(&body, field).filter(|text| !text.is_empty()).map(str::to_owned);
    let url = text("url").ok_or_else(|| invalid("url"))?;
    if url::Url::parse(&url).is_err() {
        return Err(Box::new(envelope::common(400, "invalidString", "The url is not valid.", &[("field", "url")])));
    }
    let id = world.chance.guid();
    let mut echo = body.clone();
    echo["customerId"] = json!(customer);
    echo["id"] = json!(id);
    echo["subscriptionType"] = json!("Webhook");
    echo["createdBy"] = json!("itsm-connector");
    echo["eTag"] = json!(format!("W/\"datetime'{}'\"", rfc3339(world.now()).replace(':', "%3A")));
    Ok(Subscription {
        id,
        url,
        auth_headers: text("authHeaders"),
        change_type: text("changeType").ok_or_else(|| invalid("changeType"))?,
        event_type: text("eventType").ok_or_else(|| invalid("eventType"))?,
        body: echo,
    })
}

/// Calls every subscription that asked for this kind of change; the calls run on their own. `changed` is what there is
/// after the change, or was before it where it is a `Delete`.
pub(crate) fn publish(world: &Arc<World>, customer: &str, event_type: &str, change_type: &str, changed: &Value) {
    let state = world.citrix.state();
    let Some(account) = state.accounts.get(customer) else { return };
    let changed = if changed.is_null() { Value::Null } else { Value::String(changed.to_string()) };
    let (before, after) = if change_type == "Delete" { (changed, Value::Null) } else { (Value::Null, changed) };
    let callback = json!({
        "CustomerId": customer, "Type": event_type, "ChangeType": change_type, "TransactionId": world.chance.guid(),
        "Identity": account.clients.first().map(|client| client.client_id.as_str()), "BeforeChange": before,
        "AfterChange": after, "TimeStamp": rfc3339(world.now()),
    });
    let wants = |wanted: &str, given: &str| wanted == "*" || wanted.split(',').any(|word| word.trim() == given);
    for subscription in &account.subscriptions {
        if wants(&subscription.event_type, event_type) && wants(&subscription.change_type, change_type) {
            let attempts = state.switches.webhook_attempts.max(1);
            tokio::spawn(call(
                subscription.url.clone(),
                subscription.auth_headers.clone(),
                callback.to_string(),
                attempts,
            ));
        }
    }
}

async fn call(url: String, auth_headers: Option<String>, body: String, attempts: u32) {
    for _ in 0..attempts {
        let sent = tokio::time::timeout(PATIENCE, post(&url, auth_headers.as_deref(), &body)).await;
        if matches!(sent, Ok(Some(status)) if status < 400) {
            return;
        }
    }
}

/// Posts to a loopback address; `None` for any other address and for every failure.
async fn post(url: &str, auth_headers: Option<&str>, body: &str) -> Option<u16> {
    let url = url::Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let address: IpAddr = if host == "localhost" { IpAddr::from([127, 0, 0, 1]) } else { host.parse().ok()? };
    if !address.is_loopback() {
        return None;
    }
    let port = url.port_or_known_default()?;
    let stream = TcpStream::connect((address, port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut request = http::Request::post(target)
        .header("host", format!("{host}:{port}"))
        .header("content-type", "application/json")
        .header("user-agent", "Citrix-Webhooks");
    if let Some(value) = auth_headers {
        request = request.header("authorization", value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).ok()?;
    let response = sender.send_request(request).await.ok()?;
    Some(response.status().as_u16())
}
