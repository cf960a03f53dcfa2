//! Doing one step and looking at what came of it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use itsm_adapter::{Client, Config, Event, Observer, Subscription, Worker};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use crate::{
    Failure, Simulator,
    operation::{self, Outcome},
    pattern::matches,
    simulator::visit,
    story::Common,
    value::{at, over, resolved},
};

/// Nothing takes longer.
const STEP: Duration = Duration::from_secs(60);
/// How long something that happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);
/// Longest text of an error.
const LONGEST: usize = 4096;

/// Steps, and which modifiers each takes.
const STEPS: [(&str, &[&str]); 13] = [
    ("start", &["call", "with", "on", "worker"]),
    ("call", &["with", "on", "expect", "error", "save", "parallel", "winners", "worker"]),
    ("open", &["on", "error"]),
    ("close", &["on"]),
    ("await", &["expect", "error", "save"]),
    ("cancel", &[]),
    ("subscribe", &["on"]),
    ("next", &["expect", "save"]),
    ("events", &["on"]),
    ("control", &["body", "status", "expect", "save"]),
    ("requests", &["count", "expect"]),
    ("visit", &["expect", "save"]),
    ("use", &[]),
];

type Call = JoinHandle<Result<Outcome, Failure>>;

/// Where a scenario is played: its clients, calls under way and variables.
pub(crate) struct Stage<'a> {
    simulator: &'a Simulator,
    common: &'a Common,
    options: Value,
    variables: Value,
    secrets: Vec<String>,
    clients: HashMap<String, (Client, Arc<Told>)>,
    calls: HashMap<String, Call>,
    subscriptions: HashMap<String, Subscription>,
    workers: HashMap<String, Arc<Worker>>,
}

/// What a client's observer was told.
#[derive(Default)]
struct Told(Mutex<Vec<Value>>);

impl Observer for Told {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(json!(event));
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(simulator: &'a Simulator, common: &'a Common, options: Value, variables: Value) -> Self {
        Self {
            simulator,
            common,
            options,
            variables,
            secrets: simulator.secrets(),
            clients: HashMap::new(),
            calls: HashMap::new(),
            subscriptions: HashMap::new(),
            workers: HashMap::new(),
        }
    }

    pub(crate) async fn perform(&mut self, steps: &[Value]) -> Result<(), Failure> {
        self.step(&json!({"open": {}})).await.map_err(|why| format!("opening the client: {why}"))?;
        for (at, step) in steps.iter().enumerate() {
            let done = match tokio::time::timeout(STEP, self.step(step)).await {
                Ok(done) => done,
                Err(_) => Err("it took too long".to_owned()),
            };
            done.map_err(|why| format!("step {} {}: {why}", at + 1, abridged(step)))?;
        }
        Ok(())
    }

    pub(crate) fn close(self) {
        self.calls.values().for_each(JoinHandle::abort);
        self.clients.values().for_each(|(client, _)| client.close());
    }

    fn step<'s>(&'s mut self, step: &'s Value) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 's>> {
        Box::pin(async move {
            let step = &resolved(step, &self.variables)?;
            let fields = step.as_object().ok_or("a step is an object")?;
            let (kind, allowed) =
                STEPS.iter().find(|(kind, _)| fields.contains_key(*kind)).ok_or("this is no step of the format")?;
            if let Some(key) =
                fields.keys().find(|key| key != kind && *key != "note" && !allowed.contains(&key.as_str()))
            {
                return Err(format!("{key} does not belong to {kind}"));
            }
            let name = step[*kind].as_str().unwrap_or_default();
            match *kind {
                "call" if fields.contains_key("parallel") => self.parallel(step).await,
                "call" if name == "alerts.run" => self.run(step).await,
                "call" => self.outcome(step, self.begin(step)?).await,
                "open" => self.open(step).await,
                "close" => self.client(step).map(|(client, _)| client.close()),
                "start" => {
                    let call = self.begin(step)?;
                    self.calls.insert(name.to_owned(), call);
                    Ok(())
                }
                "await" => {
                    let call = self.calls.remove(name).ok_or("no such call was begun")?;
                    self.outcome(step, call).await
                }
                "cancel" => {
                    let call = self.calls.remove(name).ok_or("no such call was begun")?;
                    call.abort();
                    let _ = call.await;
                    Ok(())
                }
                "subscribe" => {
                    let subscription = self.client(step)?.0.subscribe();
                    self.subscriptions.insert(name.to_owned(), subscription);
                    Ok(())
                }
                "next" => {
                    let event = self.subscriptions.get_mut(name).ok_or("there is no such subscription")?.next().await;
                    self.judge(step, &Ok(json!(event)))
                }
                "events" => self.events(step).await,
                "control" => {
                    let (status, answer) = self.simulator.control(name, &step["body"]).await?;
                    let wanted = step["status"].as_u64().unwrap_or(200);
                    if status != wanted {
                        return Err(format!("the simulator answered {status} {answer}"));
                    }
                    self.judge(step, &Ok(answer))
                }
                "requests" => self.requests(step).await,
                "visit" => {
                    let (status, body) = visit(name).await?;
                    self.judge(step, &Ok(json!({"status": status, "body": body})))
                }
                _ => {
                    let steps = self.common.recipes.get(name).ok_or_else(|| format!("there is no recipe {name}"))?;
                    for step in steps {
                        self.step(step).await.map_err(|why| format!("{}: {why}", abridged(step)))?;
                    }
                    Ok(())
                }
            }
        })
    }

    fn client(&self, step: &Value) -> Result<&(Client, Arc<Told>), Failure> {
        let name = step["on"].as_str().unwrap_or("main");
        self.clients.get(name).ok_or_else(|| format!("there is no client {name}"))
    }

    async fn open(&mut self, step: &Value) -> Result<(), Failure> {
        let name = step["on"].as_str().unwrap_or("main").to_owned();
        if let Some((client, _)) = self.clients.remove(&name) {
            client.close();
        }
        let options = operation::options(&over(&resolved(&self.options, &self.variables)?, &step["open"]))?;
        let opened = match Config::resolve(options) {
            Ok(config) => Client::open(config).await,
            Err(error) => Err(error),
        };
        let outcome = match opened {
            Ok(client) => {
                let told = Arc::new(Told::default());
                client.observe(told.clone());
                self.clients.insert(name, (client, told));
                Ok(Value::Null)
            }
            Err(error) => Err(json!(error.info())),
        };
        self.judge(step, &outcome)
    }

    async fn run(&mut self, step: &Value) -> Result<(), Failure> {
        let outcome = match operation::run(&self.client(step)?.0, &step["with"]).await? {
            Ok(worker) => {
                let name = step["worker"].as_str().ok_or("the worker has no name")?;
                self.workers.insert(name.to_owned(), Arc::new(worker));
                Ok(Value::Null)
            }
            Err(error) => Err(error),
        };
        self.judge(step, &outcome)
    }

    fn begin(&self, step: &Value) -> Result<Call, Failure> {
        if let Some(name) = step["worker"].as_str() {
            let worker = Arc::clone(self.workers.get(name).ok_or_else(|| format!("there is no worker {name}"))?);
            let operation = step["call"].as_str().unwrap_or_default().to_owned();
            return Ok(tokio::spawn(async move { operation::of_worker(&worker, &operation).await }));
        }
        let client = self.client(step)?.0.clone();
        let operation = step["call"].as_str().unwrap_or_default().to_owned();
        let with = step["with"].clone();
        Ok(tokio::spawn(async move { operation::call(&client, &operation, &with).await }))
    }

    async fn outcome(&mut self, step: &Value, call: Call) -> Result<(), Failure> {
        let outcome = call.await.map_err(|error| error.to_string())??;
        self.judge(step, &outcome)
    }

    async fn parallel(&mut self, step: &Value) -> Result<(), Failure> {
        let copies = step["parallel"].as_u64().ok_or("parallel is a number")?;
        let calls = (0..copies).map(|_| self.begin(step)).collect::<Result<Vec<_>, _>>()?;
        let Some(winners) = step["winners"].as_u64() else {
            for call in calls {
                self.outcome(step, call).await?;
            }
            return Ok(());
        };
        let mut won = 0;
        for call in calls {
            let outcome = call.await.map_err(|error| error.to_string())??;
            won += u64::from(outcome.is_ok());
            let other = if outcome.is_ok() { "error" } else { "expect" };
            let step: Map<_, _> = step
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(key, _)| *key != other)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            self.judge(&Value::Object(step), &outcome)?;
        }
        if won == winners { Ok(()) } else { Err(format!("{won} calls succeeded, not {winners}")) }
    }

    /// Compares a result or an error with what the step wants of it, looks for secrets, and keeps what is to be kept.
    fn judge(&mut self, step: &Value, outcome: &Outcome) -> Result<(), Failure> {
        let (value, wanted) = match (outcome, step.get("error")) {
            (Ok(value), None) => (value, step.get("expect")),
            (Err(error), Some(wanted)) => (error, Some(wanted)),
            (Ok(value), Some(_)) => return Err(format!("no error, but {value}")),
            (Err(error), None) => return Err(format!("an error: {error}")),
        };
        if step.get("control").is_none() {
            self.without_secrets(value)?;
        }
        if outcome.is_err() && longest(value) > LONGEST {
            return Err(format!("a text of the error is longer than {LONGEST} characters"));
        }
        if let Some(wanted) = wanted {
            matches(wanted, value)?;
        }
        for (name, path) in step["save"].as_object().into_iter().flatten() {
            let kept =
                path.as_str().and_then(|path| at(value, path)).ok_or_else(|| format!("nothing at {path} to save"))?;
            self.variables[name] = kept.clone();
        }
        Ok(())
    }

    fn without_secrets(&self, value: &Value) -> Result<(), Failure> {
        let mut texts = Vec::new();
        collect(value, &mut texts);
        let shown = self.secrets.iter().any(|secret| texts.iter().any(|text| text.contains(secret)));
        if shown { Err(format!("a secret is shown: {value}")) } else { Ok(()) }
    }

    async fn events(&self, step: &Value) -> Result<(), Failure> {
        let told = &self.client(step)?.1;
        eventually(async || {
            let events = Value::Array(told.0.lock().unwrap_or_else(PoisonError::into_inner).clone());
            self.without_secrets(&events)?;
            matches(&step["events"], &events)?;
            told.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
            Ok(())
        })
        .await
    }

    async fn requests(&self, step: &Value) -> Result<(), Failure> {
        eventually(async || {
            let (_, log) = self.simulator.control("GET /requests", &Value::Null).await?;
            let all = log["requests"].as_array().cloned().unwrap_or_default();
            let found: Vec<Value> = all.into_iter().filter(|entry| matches(&step["requests"], entry).is_ok()).collect();
            if let Some(count) = step.get("count") {
                matches(count, &json!(found.len())).map_err(|why| format!("count: {why}: {}", json!(found)))?;
            }
            step.get("expect").map_or(Ok(()), |wanted| matches(wanted, &json!(found)))
        })
        .await
    }
}

/// Looks again until it holds, or for too long.
async fn eventually(mut look: impl AsyncFnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        match look().await {
            Err(_) if started.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}

fn collect<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter().for_each(|one| collect(one, into)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            into.push(key);
            collect(value, into);
        }),
        _ => {}
    }
}

fn longest(value: &Value) -> usize {
    let mut texts = Vec::new();
    collect(value, &mut texts);
    texts.into_iter().map(|text| text.chars().count()).max().unwrap_or_default()
}

fn abridged(step: &Value) -> String {
    let kind = STEPS.iter().find_map(|(kind, _)| Some(format!("{kind} {}", step.get(kind)?)));
    kind.unwrap_or_default().chars().take(120).collect()
}
