//! The whole life of the adapter in one program: nothing → connected → registered → an alert is an incident; then a
//! note on it and its end, a storm of alerts, and a dead letter replayed.
//!
//! Without options it runs against the simulator; with `CITRIX_CUSTOMER_ID` and its companions against real
//! systems. What happens is told on standard error; with `--json` one JSON object comes last on standard output.

mod deliveries;
mod options;
mod steps;
mod target;

use clap::Parser;
use itsm_adapter::{
    AddAccount, Client, ClientOptions, Config, Connect, Connection, Delivery, ErrorKind, Incident,
    RegisterServiceAccount, Result,
};

use crate::{
    options::Options,
    steps::Steps,
    target::{Plan, Target},
};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let mut steps = Steps::default();
    let outcome = run(&options, &mut steps).await;
    if let Err(error) = &outcome {
        eprintln!("\nIt ends here. {error}");
        if let Some(id) = error.transaction_id() {
            eprintln!("Transaction {id}.");
        }
    }
    if options.json {
        println!("{}", steps.json(outcome.as_ref().ok()));
    }
    std::process::ExitCode::from(u8::from(outcome.is_err()))
}

/// What the JSON object tells besides the steps.
struct Outcome {
    connections: Vec<Connection>,
    incidents: Vec<Incident>,
}

async fn run(options: &Options, steps: &mut Steps) -> Result<Outcome> {
    let state = options.state_dir()?;
    let target = Target::prepare(options, state.path(), steps).await?;

    let store = Some(state.path().join("adapter.db").display().to_string());
    let mut config = Config::resolve(ClientOptions { store, ..ClientOptions::default() })?;
    target.adjust(&mut config);
    let client = steps.time("open the store", Client::open(config)).await?;

    for plan in target.plans() {
        set_up(&client, plan, steps).await?;
    }
    let delivery = take_alert(&client, &target, options, steps).await?;
    let name = format!("deliver alert {}", delivery.alert.id);
    let delivery = steps.time(&name, client.alerts().deliver(delivery.id.as_str())).await?;

    let mut incidents = vec![read_back(&client, &delivery).await?];
    if let Some(account) = target.simulated_account() {
        let run = chrono::Utc::now().timestamp_millis().to_string();
        incidents.push(deliveries::life(&client, account, &run, steps).await?);
        let made = deliveries::storm(&client, account, &run, steps).await?;
        eprintln!("     {made} incidents, one for each alert");
        incidents.push(deliveries::dead_letter(&client, &target, account, &run, steps).await?);
    }
    let connections = client.connections().list(None, None, None).await?.items;
    steps::show(&connections, &incidents);
    if let Some(kept) = state.kept() {
        eprintln!("\nThe state is kept in {}; run again with the same option to go on from here.", kept.display());
    }
    client.close();
    target.stop().await;
    Ok(Outcome { connections, incidents })
}

/// Brings one account from nothing to registered; what is there already stays as it is.
async fn set_up(client: &Client, plan: &Plan, steps: &mut Steps) -> Result<()> {
    let account = &plan.customer_id;
    match client.accounts().get(account).await {
        Ok(_) => steps.skip(&format!("add account {account}"), "is there already"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let request = AddAccount {
                customer_id: account.clone(),
                environment: plan.environment,
                client_id: plan.client_id.clone(),
                client_secret: plan.client_secret.clone(),
                name: plan.name.clone(),
            };
            steps.time(&format!("add account {account}"), client.accounts().add(request)).await?;
        }
        Err(error) => return Err(error),
    }
    let before = match client.connections().get(account, &plan.instance_url).await {
        Ok(connection) => Some(connection),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if before.is_none() {
        let request = Connect {
            customer_id: account.clone(),
            instance_url: plan.instance_url.clone(),
            instance_name: Some(plan.instance_name.clone()),
        };
        steps.time(&format!("connect {account}"), client.connections().connect(request)).await?;
    } else {
        steps.skip(&format!("connect {account}"), "is connected already");
    }
    if before.is_some_and(|connection| connection.grant.is_some()) {
        let check = client.registrations().check(account, &plan.instance_url);
        steps.time(&format!("check {account}, registered already"), check).await?;
        return Ok(());
    }
    let request = RegisterServiceAccount {
        customer_id: account.clone(),
        instance_url: plan.instance_url.clone(),
        instance_name: None,
        client_id: plan.oauth_client_id.clone(),
        client_secret: plan.oauth_client_secret.clone(),
        user_name: plan.user_name.clone(),
        password: plan.password.clone(),
    };
    steps.time(&format!("register {account}"), client.registrations().register(request)).await?;
    Ok(())
}

async fn take_alert(client: &Client, target: &Target, options: &Options, steps: &mut Steps) -> Result<Delivery> {
    let body = options.alert(target.plans().first().map(|plan| plan.customer_id.as_str()))?;
    let taken = steps.time("take an alert", client.alerts().submit_webhook(&body, None, None, None)).await?;
    taken.ok_or_else(|| {
        itsm_adapter::Error::new(ErrorKind::InvalidInput, "The file tells of something else than a new notification.")
    })
}

/// The incident as the instance shows it now; as it was delivered when the instance does not have it any more.
async fn read_back(client: &Client, delivery: &Delivery) -> Result<Incident> {
    let stored = delivery
        .incident
        .clone()
        .ok_or_else(|| itsm_adapter::Error::new(ErrorKind::Internal, "A delivered alert has no incident."))?;
    let fields = ["sys_id", "number", "short_description", "priority", "state", "correlation_id", "sys_created_by"];
    let shown = client.records().get(delivery.customer_id.as_str(), "incident", &stored.sys_id, &fields).await;
    match shown {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(stored),
        shown => shown,
    }
}
