//! The control API: JSON over HTTP for tests in any language.

mod account;
mod instance;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::announce;
use crate::clock::rfc3339;
use crate::fault::{self, Fault};
use crate::http_message::{Answer, Ask};
use crate::options::InstanceOptions;
use crate::server;
use crate::servicenow::instance::Instance;
use crate::system::System;
use crate::world::World;

/// What a handler gives: a value, or a sentence for a 400.
type Outcome = Result<Value, String>;

/// Opens a listener for a new instance and returns its URL.
pub(crate) async fn add_instance(world: &Arc<World>, options: InstanceOptions) -> io::Result<String> {
    let (listener, url) = server::listen(options.port).await?;
    let instance = Arc::new(Instance::new(options, world.now()));
    let _ = instance.url.set(url.clone());
    if !world.adopt(instance.clone()) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("there is an instance {} already", instance.name),
        ));
    }
    server::start(world, System::ServiceNow(instance), listener, url.clone());
    Ok(url)
}

/// Answers one control request.
pub(crate) async fn answer(world: &Arc<World>, ask: &Ask) -> Answer {
    // A page in a browser must not be able to steer the simulator.
    if ask.headers.contains_key("origin") {
        return Answer::json(403, &json!({"error": "requests from web pages are refused"}));
    }
    let body = if ask.body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(&ask.body) };
    let outcome = match body {
        Ok(body) => dispatch(world, ask, &body).await,
        Err(error) => Err(format!("the body is not JSON: {error}")),
    };
    match outcome {
        Ok(value) => Answer::json(200, &value),
        Err(message) => Answer::json(400, &json!({"error": message})),
    }
}

async fn dispatch(world: &Arc<World>, ask: &Ask, body: &Value) -> Outcome {
    let parts = ask.parts();
    match (&ask.method, parts.as_slice()) {
        (&Method::GET, []) => Ok(announce::describe(world)),
        (&Method::POST, ["faults"]) => add_faults(world, body),
        (&Method::GET, ["faults"]) => Ok(json!({"faults": world.faults.all()})),
        (&Method::DELETE, ["faults"]) => {
            world.faults.clear();
            Ok(json!({}))
        }
        (&Method::GET, ["requests"]) => Ok(json!({"requests": world.log.all()})),
        (&Method::DELETE, ["requests"]) => {
            world.log.clear();
            Ok(json!({}))
        }
        (&Method::GET, ["clock"]) => Ok(clock(world)),
        (&Method::POST, ["clock"]) => {
            let seconds =
                body.get("advance_s").and_then(Value::as_f64).filter(|seconds| *seconds >= 0.0 && *seconds < 1e10);
            world
                .clock
                .advance(Duration::from_secs_f64(seconds.ok_or("advance_s is a number of seconds, not negative")?));
            Ok(clock(world))
        }
        (&Method::POST, ["reset"]) => {
            world.reset();
            Ok(json!({}))
        }
        (&Method::POST, ["stop"]) => {
            world.stop();
            Ok(json!({}))
        }
        (&Method::GET, ["citrix"]) => Ok(json!({"switches": world.citrix.state().switches})),
        (&Method::PATCH, ["citrix"]) => world.citrix.patch_switches(body),
        (method, ["accounts", rest @ ..]) => account::answer(world, method, rest, body),
        (method, ["instances", rest @ ..]) => instance::answer(world, ask, method, rest, body).await,
        _ => Err(format!("there is no {} {}", ask.method, ask.path)),
    }
}

/// One fault, or a list of them.
fn add_faults(world: &World, body: &Value) -> Outcome {
    let list = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    let faults = list
        .into_iter()
        .map(serde_json::from_value::<Fault>)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    for fault in &faults {
        if let Some(name) = fault.parameters.keys().find(|name| !fault::PARAMETERS.contains(&name.as_str())) {
            return Err(format!("unknown parameter {name}"));
        }
        if !matches!(fault.on.as_str(), "citrix" | "any") && world.instance(&fault.on).is_none() {
            return Err(format!("{} is neither citrix nor an instance", fault.on));
        }
    }
    let count = faults.len();
    for fault in faults {
        world.faults.add(fault);
    }
    Ok(json!({"added": count}))
}

fn clock(world: &World) -> Value {
    json!({"now": rfc3339(world.now()), "offset_s": world.clock.offset().as_secs_f64()})
}
