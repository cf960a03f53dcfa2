//! What follows once the accounts are registered: an alert's whole life, a storm, and a dead letter. Only against the
//! simulator: on a real instance, 500 incidents would be a poor joke.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use itsm_adapter::{
    Alert, AlertState, Client, Delivery, DeliveryStatus, Error, ErrorKind, Incident, Result, RunOptions, Severity,
};

use crate::{steps::Steps, target::Target};

/// Alerts of the storm.
const STORM: usize = 500;

/// One alert from its beginning to its end: an incident, a work note, resolved. Gives the incident as it is then.
pub(crate) async fn life(client: &Client, account: &str, run: &str, steps: &mut Steps) -> Result<Incident> {
    let alert = alert(account, &format!("{run}-life"), "Delivery group Finance: no machine is available");
    let opened = steps.time("an alert: an incident is opened", deliver(client, alert.clone())).await?;

    let changed =
        Alert { state: AlertState::Changed, description: "Two machines are back.".to_owned(), ..alert.clone() };
    steps.time("it changes: a work note is written", deliver(client, changed)).await?;

    let ended = Alert { state: AlertState::Ended, description: "All machines are back.".to_owned(), ..alert };
    steps.time("it ends: the incident is resolved", deliver(client, ended)).await?;
    crate::read_back(client, &opened).await
}

/// Many alerts at once, and how far they are while they are on their way.
pub(crate) async fn storm(client: &Client, account: &str, run: &str, steps: &mut Steps) -> Result<usize> {
    let alerts =
        (0..STORM).map(|n| alert(account, &format!("{run}-storm-{n}"), &format!("Machine VDA-{n:03} is unregistered")));
    let taken = client.alerts().submit_many(alerts.collect());
    let taken = steps.time(&format!("take {STORM} alerts, durably"), taken).await?;

    let before = client.alerts().lag(None).await?.delivered;
    let worker = client.alerts().drain(RunOptions::default());
    let watch = async {
        loop {
            let lag = client.alerts().lag(None).await?;
            progress(lag.delivered - before, lag.pending + lag.unknown, lag.oldest_age_ms);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let name = format!("deliver {STORM} alerts");
    let drained = async {
        tokio::select! {
            done = worker => done,
            failed = watch => failed,
        }
    };
    steps.time(&name, drained).await?;

    let mut incidents = std::collections::HashSet::new();
    for delivery in &taken {
        incidents.insert(incident(&client.alerts().get(delivery.id.as_str()).await?)?.sys_id);
    }
    Ok(incidents.len())
}

/// An instance that begins to demand a field makes a dead letter, which says so; the policy gives the field, and the
/// letter is replayed.
pub(crate) async fn dead_letter(
    client: &Client,
    target: &Target,
    account: &str,
    run: &str,
    steps: &mut Steps,
) -> Result<Incident> {
    target.demand(&["assignment_group"]);
    let refused = alert(account, &format!("{run}-dead"), "Cloud Connector EDGE01 is offline");
    let dead = steps.time("an alert that the instance refuses", deliver(client, refused)).await?;
    if dead.status != DeliveryStatus::Dead {
        return Err(unexpected("The instance took an incident without a field that it demands."));
    }
    eprintln!("     dead letter: {}", dead.failure.as_deref().unwrap_or_default());

    let policy = r#"{"otherwise": {"assignment_group": "Citrix Operations"}}"#;
    steps.time("a policy gives the missing field", client.policies().set(account, policy)).await?;
    let replayed = steps.time("replay the dead letter", async {
        client.alerts().replay(dead.id.as_str()).await?;
        client.alerts().drain(RunOptions::default()).await?;
        client.alerts().get(dead.id.as_str()).await
    });
    let replayed = replayed.await?;
    client.policies().remove(account).await?;
    target.demand(&[]);
    incident(&replayed)
}

async fn deliver(client: &Client, alert: Alert) -> Result<Delivery> {
    let taken = client.alerts().submit(alert).await?;
    client.alerts().drain(RunOptions::default()).await?;
    client.alerts().get(taken.id.as_str()).await
}

fn alert(account: &str, id: &str, title: &str) -> Alert {
    Alert {
        customer_id: account.to_owned(),
        source: "quickstart".to_owned(),
        id: id.to_owned(),
        title: title.to_owned(),
        description: "Raised by the quick start.".to_owned(),
        severity: Severity::Error,
        ..Alert::default()
    }
}

fn incident(delivery: &Delivery) -> Result<Incident> {
    delivery.incident.clone().ok_or_else(|| {
        let why = delivery.failure.as_deref().unwrap_or("it has no incident");
        unexpected(&format!("The alert {} is not delivered: {why}", delivery.alert.id))
    })
}

fn unexpected(message: &str) -> Error {
    Error::new(ErrorKind::Internal, message)
}

/// One line that is written over and over; nothing where nobody looks.
fn progress(delivered: i64, waiting: i64, oldest_age_ms: Option<i64>) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let age = oldest_age_ms.unwrap_or(0);
        let _ = write!(out, "\r     {delivered} delivered, {waiting} waiting, the oldest for {age} ms   \r");
        let _ = out.flush();
    }
}
