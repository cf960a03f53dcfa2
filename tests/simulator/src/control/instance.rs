//! `/instances` of the control API.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::Outcome;
use crate::http_message::{Ask, text_of};
use crate::options::InstanceOptions;
use crate::servicenow::instance::{Instance, plain};
use crate::servicenow::profile::Profile;
use crate::system::Spoil;
use crate::world::World;

pub(super) async fn answer(world: &Arc<World>, ask: &Ask, method: &Method, rest: &[&str], body: &Value) -> Outcome {
    match (method, rest) {
        (&Method::GET, []) => {
            Ok(json!({"instances": world.instances().iter().map(|instance| instance.describe()).collect::<Vec<_>>()}))
        }
        (&Method::POST, []) => add(world, body).await,
        (method, [name, rest @ ..]) => {
            let instance = world.instance(name).ok_or_else(|| format!("no instance {name}"))?;
            one(world, &instance, ask, method, rest, body)
        }
        _ => Err(format!("there is no {method} /instances/{}", rest.join("/"))),
    }
}

/// `{"name", "profile"?, "port"?, "switches"?}`.
async fn add(world: &Arc<World>, body: &Value) -> Outcome {
    let name = text_of(body, "name")
        .filter(|name| !name.is_empty() && !matches!(*name, "citrix" | "any"))
        .ok_or("name is needed")?;
    let profile: Profile = text_of(body, "profile").map_or(Ok(Profile::default()), str::parse)?;
    let mut options = InstanceOptions::with_profile(name, profile);
    options.port = body.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
    let url = super::add_instance(world, options).await.map_err(|error| error.to_string())?;
    if let Some(switches) = body.get("switches") {
        world.instance(name).ok_or("the instance is gone")?.patch(switches)?;
    }
    Ok(json!({"name": name, "url": url, "oauth_clients": crate::seed::oauth_clients(name)}))
}

fn one(world: &World, instance: &Instance, ask: &Ask, method: &Method, rest: &[&str], body: &Value) -> Outcome {
    match (method, rest) {
        (&Method::GET, []) => Ok(instance.describe()),
        (&Method::PATCH, []) => instance.patch(body),
        (&Method::GET, ["tables", table]) => rows(instance, ask, table),
        (&Method::POST, ["tables", table]) => {
            let values: BTreeMap<String, String> = body
                .as_object()
                .ok_or("an object is needed")?
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect();
            Ok(json!({"sys_id": instance.put_record(table, &values, &world.chance.hex32(), world.now())}))
        }
        (&Method::GET, ["syslog"]) => Ok(json!({"entries": instance.records("syslog").unwrap_or_default()})),
        (&Method::PATCH, ["users", user]) => instance.patch_user(user, body, world.now()),
        (&Method::PATCH, ["oauth_clients", client]) => instance.patch_oauth_client(client, body),
        (&Method::POST, ["consent"]) => {
            let url = text_of(body, "url").ok_or("url is needed")?;
            let user = text_of(body, "user").ok_or("user is needed")?;
            let decision = text_of(body, "decision").unwrap_or("authorize");
            let callback = instance.consent(url, user, decision, &world.chance, world.now())?;
            Ok(json!({"callback": callback}))
        }
        (&Method::POST, ["tokens", how @ ("expire" | "revoke")]) => {
            let how = if *how == "expire" { Spoil::Expire } else { Spoil::Revoke };
            // `{"access": true}` means access tokens only; with neither word, both kinds.
            let flag = |name: &str| body.get(name).and_then(Value::as_bool);
            let (access, refresh) = match (flag("access"), flag("refresh")) {
                (None, None) => (true, true),
                (access, refresh) => (access.unwrap_or(false), refresh.unwrap_or(false)),
            };
            let count = instance.spoil_tokens(text_of(body, "user"), access, refresh, how, world.now())?;
            Ok(json!({"count": count}))
        }
        _ => Err(format!("there is no {method} {}", ask.path)),
    }
}

/// All rows; query parameters filter by equality.
fn rows(instance: &Instance, ask: &Ask, table: &str) -> Outcome {
    let wanted = ask.params();
    let rows: Vec<BTreeMap<String, String>> = instance
        .records(table)
        .ok_or_else(|| format!("no table {table}"))?
        .into_iter()
        .filter(|row| wanted.iter().all(|(key, value)| row.get(key) == Some(value)))
        .collect();
    Ok(json!({"count": rows.len(), "rows": rows}))
}
