//! Makes incidents of alerts: one JSON object per line, from a file or standard input.
//!
//! All alerts are stored first and cannot be lost; a second run with the same lines makes no second incident. Then the
//! adapter delivers whatever waits, as fast as the instance likes. `ITSM_ADAPTER_STORE` names the database in which
//! the account is registered.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    process::ExitCode,
};

use itsm_adapter::{Alert, Client, Delivery, Error, ErrorKind, Result, RunOptions};

fn read(input: &mut dyn BufRead) -> Result<Vec<Alert>> {
    let unreadable = |error: &dyn std::fmt::Display| Error::new(ErrorKind::InvalidInput, error.to_string());
    let mut alerts = Vec::new();
    for line in input.lines() {
        let line = line.map_err(|error| unreadable(&error))?;
        if !line.trim().is_empty() {
            alerts.push(serde_json::from_str(&line).map_err(|error| unreadable(&error))?);
        }
    }
    Ok(alerts)
}

fn tell(delivery: &Delivery) -> bool {
    let alert = &delivery.alert.id;
    match &delivery.incident {
        Some(incident) => println!("{alert}: {}", incident.number),
        None => println!("{alert}: {}: {}", delivery.status, delivery.failure.as_deref().unwrap_or("")),
    }
    delivery.incident.is_some()
}

async fn run() -> Result<bool> {
    let alerts = match std::env::args().nth(1) {
        None => read(&mut io::stdin().lock())?,
        Some(path) => {
            let file = File::open(&path);
            let unreadable = |error| Error::new(ErrorKind::InvalidInput, format!("{path}: {error}"));
            read(&mut BufReader::new(file.map_err(unreadable)?))?
        }
    };
    let client = Client::from_env().await?;
    let submitted = client.alerts().submit_many(alerts).await?;
    let lag = client.alerts().drain(RunOptions::default()).await?;
    let mut made = 0;
    for delivery in &submitted {
        made += usize::from(tell(&client.alerts().get(delivery.id.as_str()).await?));
    }
    println!("{made} of {} alerts are incidents; {} dead letters", submitted.len(), lag.dead);
    Ok(lag.pending + lag.unknown + lag.dead == 0)
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
