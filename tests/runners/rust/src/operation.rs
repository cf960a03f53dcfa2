//! From the name of an operation to its call: the part that a language with reflection does not need.

use chrono::{DateTime, Utc};
use itsm_adapter::{
    AddAccount, Alert, Authorize, CheckAll, Client, ClientOptions, Condition, Connect, CreateWebhook, DeliveryStatus,
    OauthServer, Query, ReauthenticateServiceAccount, Record, RegisterServiceAccount, Result, RunOptions, Secret,
    UpdateAccount, Worker, egress_ranges,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::Failure;

/// What a call came to: its result, or the error's data.
pub(crate) type Outcome = std::result::Result<Value, Value>;

/// Arguments by name.
struct With<'a>(&'a Value);

impl<'a> With<'a> {
    fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        serde_json::from_value(self.0[name].clone()).map_err(|error| format!("the argument {name}: {error}"))
    }
    fn text(&self, name: &str) -> Result<&'a str, Failure> {
        self.optional(name).ok_or_else(|| format!("the argument {name} is missing, or no text"))
    }
    fn string(&self, name: &str) -> Result<String, Failure> {
        self.text(name).map(str::to_owned)
    }
    fn optional(&self, name: &str) -> Option<&'a str> {
        self.0[name].as_str()
    }
    fn owned(&self, name: &str) -> Option<String> {
        self.optional(name).map(str::to_owned)
    }
    fn secret(&self, name: &str) -> Result<Secret, Failure> {
        self.text(name).map(Secret::from)
    }
    fn some_secret(&self, name: &str) -> Option<Secret> {
        self.optional(name).map(Secret::from)
    }
    fn number(&self, name: &str) -> Option<u32> {
        self.0[name].as_u64().and_then(|number| number.try_into().ok())
    }
    fn list(&self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.0[name].as_array().into_iter().flatten()
    }
    fn fields(&self) -> Vec<&'a str> {
        self.list("fields").filter_map(Value::as_str).collect()
    }
    fn conditions(&self) -> Result<Vec<Condition>, Failure> {
        if self.0["query"].is_null() { Ok(Vec::new()) } else { self.word("query") }
    }
    fn size(&self, name: &str) -> Result<u32, Failure> {
        self.number(name).ok_or_else(|| format!("the argument {name} is missing, or no number"))
    }
}

fn json<T: Serialize>(result: Result<T>) -> Outcome {
    result.map(|value| json!(value)).map_err(|error| json!(error.info()))
}

fn connect(with: &With<'_>) -> Result<Connect, Failure> {
    Ok(Connect {
        customer_id: with.string("customer_id")?,
        instance_url: with.string("instance_url")?,
        instance_name: with.owned("instance_name"),
    })
}

fn register(with: &With<'_>) -> Result<RegisterServiceAccount, Failure> {
    Ok(RegisterServiceAccount {
        customer_id: with.string("customer_id")?,
        instance_url: with.string("instance_url")?,
        instance_name: with.owned("instance_name"),
        client_id: with.string("client_id")?,
        client_secret: with.secret("client_secret")?,
        user_name: with.string("user_name")?,
        password: with.secret("password")?,
    })
}

fn authorize(with: &With<'_>) -> Result<Authorize, Failure> {
    Ok(Authorize {
        customer_id: with.string("customer_id")?,
        instance_url: with.string("instance_url")?,
        instance_name: with.owned("instance_name"),
        client_id: with.owned("client_id"),
        client_secret: with.some_secret("client_secret"),
        redirect_url: with.owned("redirect_url"),
        session: with.some_secret("session"),
        moves_from: with.owned("moves_from"),
        allow_another_user: with.word::<Option<bool>>("allow_another_user")?.unwrap_or_default(),
    })
}

fn run_options(with: &With<'_>) -> Result<RunOptions, Failure> {
    serde_json::from_value(if with.0.is_null() { json!({}) } else { with.0.clone() })
        .map_err(|error| format!("the arguments: {error}"))
}

fn alert(with: &Value) -> Result<Alert, Failure> {
    let with = With(with);
    Ok(Alert {
        customer_id: with.string("customer_id")?,
        source: with.string("source")?,
        id: with.string("id")?,
        title: with.string("title")?,
        description: with.string("description")?,
        severity: with.word("severity")?,
        state: with.word::<Option<_>>("state")?.unwrap_or_default(),
        priority: with.owned("priority"),
        category: with.owned("category"),
        policy: with.owned("policy"),
        target: with.owned("target"),
        component: with.owned("component"),
        raised_at: with.word::<Option<DateTime<Utc>>>("raised_at")?,
        fields: with.word::<Option<_>>("fields")?.unwrap_or_default(),
    })
}

/// Starts the worker that `alerts.run` gives.
///
/// # Errors
/// A sentence when the scenario gives an argument that is not there.
pub(crate) async fn run(client: &Client, with: &Value) -> Result<Result<Worker, Value>, Failure> {
    let options = run_options(&With(with))?;
    Ok(client.alerts().run(options).await.map_err(|error| json!(error.info())))
}

/// Calls the operation of a worker.
///
/// # Errors
/// A sentence when there is no such operation.
pub(crate) async fn of_worker(worker: &Worker, operation: &str) -> Result<Outcome, Failure> {
    match operation {
        "worker.stop" => Ok(json(worker.stop().await)),
        "worker.ended" => Ok(json(worker.ended().await)),
        _ => Err(format!("{operation} is no operation of a worker")),
    }
}

/// Calls the operation of that name.
///
/// # Errors
/// A sentence when the scenario names an operation or an argument that is not there.
#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
pub(crate) async fn call(client: &Client, operation: &str, with: &Value) -> Result<Outcome, Failure> {
    let with = With(with);
    let customer = || with.text("customer_id");
    let instance = || with.text("instance_url");
    let (after, limit) = (with.optional("after"), with.number("limit"));
    Ok(match operation {
        "accounts.add" => json(
            client
                .accounts()
                .add(AddAccount {
                    customer_id: with.string("customer_id")?,
                    environment: with.word("environment")?,
                    client_id: with.string("client_id")?,
                    client_secret: with.secret("client_secret")?,
                    name: with.owned("name"),
                })
                .await,
        ),
        "accounts.update" => json(
            client
                .accounts()
                .update(UpdateAccount {
                    customer_id: with.string("customer_id")?,
                    client_id: with.owned("client_id"),
                    client_secret: with.some_secret("client_secret"),
                    name: with.owned("name"),
                })
                .await,
        ),
        "accounts.get" => json(client.accounts().get(customer()?).await),
        "accounts.list" => json(client.accounts().list(after, limit).await),
        "accounts.test" => json(client.accounts().test(customer()?).await),
        "accounts.entitlement" => json(client.accounts().entitlement(customer()?).await),
        "accounts.disable" => json(client.accounts().disable(customer()?).await),
        "accounts.enable" => json(client.accounts().enable(customer()?).await),
        "accounts.remove" => json(client.accounts().remove(customer()?).await),
        "instances.get" => json(client.instances().get(instance()?).await),
        "instances.list" => json(client.instances().list(after, limit).await),
        "connections.connect" => json(client.connections().connect(connect(&with)?).await),
        "connections.test" => json(client.connections().test(connect(&with)?).await),
        "connections.get" => json(client.connections().get(customer()?, instance()?).await),
        "connections.list" => json(client.connections().list(with.optional("customer_id"), after, limit).await),
        "connections.disconnect" => json(client.connections().disconnect(customer()?, instance()?).await),
        "registrations.register" => json(client.registrations().register(register(&with)?).await),
        "registrations.test" => json(client.registrations().test(register(&with)?).await),
        "registrations.reauthenticate" => json(
            client
                .registrations()
                .reauthenticate(ReauthenticateServiceAccount {
                    customer_id: with.string("customer_id")?,
                    instance_url: with.string("instance_url")?,
                    client_id: with.owned("client_id"),
                    client_secret: with.some_secret("client_secret"),
                    user_name: with.owned("user_name"),
                    password: with.some_secret("password"),
                })
                .await,
        ),
        "registrations.unregister" => json(client.registrations().unregister(customer()?, instance()?).await),
        "registrations.check" => json(client.registrations().check(customer()?, instance()?).await),
        "registrations.authorize" => json(client.registrations().authorize(authorize(&with)?).await),
        "registrations.complete" => {
            let session = with.some_secret("session");
            json(client.registrations().complete(with.text("callback_url")?, session.as_ref()).await)
        }
        "registrations.abandon" => json(client.registrations().abandon(with.text("flow_id")?).await),
        "registrations.listen" => json(client.registrations().listen(authorize(&with)?).await),
        "registrations.wait_for" => {
            json(client.registrations().wait_for(with.text("flow_id")?, with.number("timeout_ms")).await)
        }
        "registrations.authorize_in_browser" => {
            let timeout_ms = with.number("timeout_ms");
            json(client.registrations().authorize_in_browser(authorize(&with)?, timeout_ms).await)
        }
        "registrations.check_all" => {
            let request = CheckAll { customer_id: with.owned("customer_id"), concurrency: with.number("concurrency") };
            json(client.registrations().check_all(request).await)
        }
        "registrations.update_endpoint_secret" => {
            let secret = with.secret("client_secret")?;
            json(client.registrations().update_endpoint_secret(customer()?, instance()?, &secret).await)
        }
        "registrations.probe" => json(client.registrations().probe(customer()?).await),
        "registrations.relocate" => {
            json(client.registrations().relocate(with.text("from_instance_url")?, register(&with)?).await)
        }
        "alerts.submit" => json(client.alerts().submit(alert(&with.0["alert"])?).await),
        "alerts.submit_many" => {
            let alerts = with.list("alerts").map(alert).collect::<Result<_, _>>()?;
            json(client.alerts().submit_many(alerts).await)
        }
        "alerts.drain" => json(client.alerts().drain(run_options(&with)?).await),
        "alerts.lag" => json(client.alerts().lag(with.optional("customer_id")).await),
        "alerts.replay" => json(client.alerts().replay(with.text("delivery_id")?).await),
        "alerts.submit_webhook" => {
            let expected = with.some_secret("expected");
            let (body, authorization) = (with.text("body")?.as_bytes(), with.optional("authorization"));
            let bound_to = with.optional("customer_id");
            json(client.alerts().submit_webhook(body, authorization, expected.as_ref(), bound_to).await)
        }
        "alerts.deliver" => json(client.alerts().deliver(with.text("delivery_id")?).await),
        "alerts.get" => json(client.alerts().get(with.text("delivery_id")?).await),
        "alerts.list" => {
            let statuses: Vec<DeliveryStatus> = with.word::<Option<_>>("statuses")?.unwrap_or_default();
            json(client.alerts().list(with.optional("customer_id"), &statuses, after, limit).await)
        }
        "alerts.submit_mapped" => {
            let expected = with.some_secret("expected");
            let (body, authorization) = (with.text("body")?.as_bytes(), with.optional("authorization"));
            let mapping = with.optional("mapping");
            json(client.alerts().submit_mapped(customer()?, body, mapping, authorization, expected.as_ref()).await)
        }
        "policies.set" => json(client.policies().set(customer()?, with.text("document")?).await),
        "policies.get" => json(client.policies().get(customer()?).await),
        "policies.remove" => json(client.policies().remove(customer()?).await),
        "policies.explain" => {
            let at = with.word::<Option<DateTime<Utc>>>("at")?;
            json(client.policies().explain(alert(&with.0["alert"])?, at, with.optional("document")).await)
        }
        "sources.poll" => {
            let since = with.word::<Option<DateTime<Utc>>>("since")?;
            json(client.sources().poll(customer()?, with.word("source")?, since).await)
        }
        "webhooks.create" => json(
            client
                .webhooks()
                .create(CreateWebhook {
                    customer_id: with.string("customer_id")?,
                    url: with.string("url")?,
                    authorization: with.some_secret("authorization"),
                    description: with.owned("description"),
                    event_type: with.owned("event_type"),
                    change_type: with.owned("change_type"),
                })
                .await,
        ),
        "webhooks.list" => json(client.webhooks().list(customer()?).await),
        "webhooks.remove" => json(client.webhooks().remove(customer()?, with.text("webhook_id")?).await),
        "events.list" => json(client.events().list(with.optional("customer_id"), after, limit).await),
        "client.rotate_key" => json(client.rotate_key(with.some_secret("new_key")).await.map(drop)),
        "client.is_closed" => Ok(json!(client.is_closed())),
        "client.egress_ranges" => Ok(json!(egress_ranges(with.word("environment")?))),
        _ => match operation.strip_prefix("records.") {
            Some(operation) => records(client, operation, &with).await?,
            None => return Err(format!("there is no operation {operation}")),
        },
    })
}

async fn records(client: &Client, operation: &str, with: &With<'_>) -> Result<Outcome, Failure> {
    let records = client.records();
    let (customer, table, fields) = (with.text("customer_id")?, with.text("table")?, &with.fields()[..]);
    let query = match Query::of(&with.conditions()?) {
        Ok(query) => query,
        Err(error) => return Ok(Err(json!(error.info()))),
    };
    Ok(match operation {
        "get" => json(records.get::<Record>(customer, table, with.text("sys_id")?, fields).await),
        "query" => json(records.query::<Record>(customer, table, &query, fields, with.size("limit")?).await),
        "page" => {
            let page = records
                .page::<Record>(customer, table, &query, fields, with.size("size")?, with.optional("after"))
                .await;
            json(page.map(|page| json!({"items": page.items, "next": page.next})))
        }
        "pages" => {
            let mut pages = records.pages::<Record>(customer, table, query, fields, with.size("size")?);
            let mut all = Vec::new();
            loop {
                match pages.next().await {
                    Ok(Some(page)) => all.extend(page),
                    Ok(None) => break Ok(json!(all)),
                    Err(error) => break Err(json!(error.info())),
                }
            }
        }
        "insert" => json(records.insert::<Record>(customer, table, &with.0["record"], fields).await),
        "insert_many" => {
            let rows: Vec<Value> = with.list("records").cloned().collect();
            let made = records.insert_many::<Record, _>(customer, table, &rows, fields, with.size("in_flight")?).await;
            let told = |one: Result<Record>| match one {
                Ok(record) => json!({"record": record}),
                Err(error) => json!({"error": error.info()}),
            };
            json(made.map(|made| made.into_iter().map(told).collect::<Vec<_>>()))
        }
        "update" => {
            json(records.update::<Record>(customer, table, with.text("sys_id")?, &with.0["record"], fields).await)
        }
        _ => return Err(format!("there is no operation records.{operation}")),
    })
}

/// Client options as a scenario names them.
///
/// # Errors
/// A sentence when there is no such option.
pub(crate) fn options(with: &Value) -> Result<ClientOptions, Failure> {
    const NAMES: [&str; 21] = [
        "store",
        "key",
        "old_keys",
        "citrix_url",
        "instance_hosts",
        "allow_private_networks",
        "proxy",
        "root_certificates",
        "connect_timeout_ms",
        "attempt_timeout_ms",
        "total_timeout_ms",
        "max_attempts",
        "concurrency_per_remote",
        "transaction_limit_ms",
        "wake_up_interval_ms",
        "oauth_servers",
        "grant_warning_days",
        "probe",
        "keep_deliveries_days",
        "keep_dead_letters_days",
        "keep_events_days",
    ];
    if let Some(unknown) =
        with.as_object().into_iter().flat_map(|map| map.keys()).find(|name| !NAMES.contains(&name.as_str()))
    {
        return Err(format!("there is no option {unknown}"));
    }
    let with = With(with);
    Ok(ClientOptions {
        store: with.owned("store"),
        key: with.some_secret("key"),
        old_keys: with
            .word::<Option<Vec<String>>>("old_keys")?
            .map(|keys| keys.into_iter().map(Secret::from).collect()),
        citrix_url: with.owned("citrix_url"),
        instance_hosts: with.word("instance_hosts")?,
        allow_private_networks: with.word("allow_private_networks")?,
        proxy: with.some_secret("proxy"),
        root_certificates: with.word("root_certificates")?,
        connect_timeout_ms: with.number("connect_timeout_ms"),
        attempt_timeout_ms: with.number("attempt_timeout_ms"),
        total_timeout_ms: with.number("total_timeout_ms"),
        max_attempts: with.number("max_attempts"),
        concurrency_per_remote: with.number("concurrency_per_remote"),
        transaction_limit_ms: with.number("transaction_limit_ms"),
        wake_up_interval_ms: with.number("wake_up_interval_ms"),
        oauth_servers: with
            .word::<Option<Vec<Value>>>("oauth_servers")?
            .map(|servers| servers.iter().map(|server| oauth_server(&With(server))).collect()),
        grant_warning_days: with.word("grant_warning_days")?,
        probe: with.word("probe")?,
        keep_deliveries_days: with.number("keep_deliveries_days"),
        keep_dead_letters_days: with.number("keep_dead_letters_days"),
        keep_events_days: with.number("keep_events_days"),
    })
}

fn oauth_server(with: &With<'_>) -> OauthServer {
    OauthServer {
        instance_url: with.owned("instance_url"),
        authorization_url: with.owned("authorization_url"),
        token_url: with.owned("token_url"),
        revocation_url: with.owned("revocation_url"),
        issuer: with.owned("issuer"),
        scope: with.owned("scope"),
        access_token_lifespan_s: with.number("access_token_lifespan_s"),
        refresh_token_lifespan_s: with.number("refresh_token_lifespan_s"),
    }
}
