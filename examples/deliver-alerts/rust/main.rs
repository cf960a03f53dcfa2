//! Makes incidents of alerts: one JSON object per line, from a file or standard input.
//!
//! Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. At
//! most 16 are delivered at a time. `ITSM_ADAPTER_STORE` names the database in which the account is registered.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    process::ExitCode,
};

use futures_util::{StreamExt, stream};
use itsm_adapter::{Alert, Client, Config, Delivery, Error, ErrorKind, Result};

async fn deliver(client: &Client, delivery: Delivery) -> bool {
    let alert = &delivery.alert.id;
    match client.alerts().deliver(delivery.id.as_str()).await {
        Ok(delivered) => {
            println!("{alert}: {}", delivered.incident.map_or("?".to_owned(), |incident| incident.number));
            true
        }
        Err(error) => {
            let when = if error.is_retryable() { "later" } else { "needs a person" };
            println!("{alert}: {when}: {error}");
            false
        }
    }
}

async fn run() -> Result<bool> {
    let unreadable = |error: &dyn std::fmt::Display| Error::new(ErrorKind::InvalidInput, error.to_string());
    let input: Box<dyn BufRead> = match std::env::args().nth(1) {
        None => Box::new(io::stdin().lock()),
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|error| unreadable(&error))?)),
    };
    let client = Client::open(Config::from_env()?).await?;
    let mut accepted = Vec::new();
    for line in input.lines().map_while(io::Result::ok).filter(|line| !line.trim().is_empty()) {
        let alert: Alert = serde_json::from_str(&line).map_err(|error| unreadable(&error))?;
        accepted.push(client.alerts().submit(alert).await?);
    }
    let deliveries = stream::iter(accepted).map(|delivery| deliver(&client, delivery));
    let done: Vec<bool> = deliveries.buffer_unordered(16).collect().await;
    println!("{} of {} alerts are incidents", done.iter().filter(|done| **done).count(), done.len());
    Ok(done.iter().all(|done| *done))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(all) => ExitCode::from(u8::from(!all)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
