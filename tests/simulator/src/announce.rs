//! What a caller needs to know to use a running simulator, as one JSON object.

use serde_json::{Map, Value, json};

use crate::seed;
use crate::world::World;

/// Addresses and seed, secrets included: they are made up and the same everywhere.
pub(crate) fn describe(world: &World) -> Value {
    let instances = world.instances();
    let urls: Map<String, Value> =
        instances.iter().map(|instance| (instance.name.clone(), json!(instance.url()))).collect();
    let main = world.instance("dev1").or_else(|| instances.first().cloned());
    let accounts: Vec<Value> = seed::ACCOUNTS
        .iter()
        .map(|account| {
            let sites: Vec<Value> =
                account.sites.iter().map(|(name, edition)| json!({"id": account.site_id(name), "name": name, "edition": edition})).collect();
            json!({
                "customer_id": account.customer_id, "name": account.name, "environment": account.environment,
                "client_id": account.client_id(), "client_secret": account.client_secret,
                "edition": account.sites.first().map(|(_, edition)| *edition),
                "services": account.services.iter().map(|(name, state)| ((*name).to_owned(), json!(state))).collect::<Map<_, _>>(),
                "sites": sites, "frozen": account.frozen,
            })
        })
        .collect();
    json!({
        "citrix_url": world.citrix_url(),
        "servicenow_url": main.map(|instance| instance.url()),
        "instances": urls,
        "control_url": world.control_url(),
        "accounts": accounts,
        "users": instances.iter().flat_map(|instance| instance.announce_users()).collect::<Vec<_>>(),
        "oauth_clients": instances.iter().flat_map(|instance| seed::oauth_clients(&instance.name)).collect::<Vec<_>>(),
        "on_premises": {
            "url": format!("{}/cvad/manage", world.citrix_url()), "user_name": seed::ON_PREMISES_USER,
            "password": seed::ON_PREMISES_PASSWORD, "site": seed::ON_PREMISES_SITE,
        },
    })
}
