//! The Manage list: checks every registration and shows status, health, and the days left of its grant.
//!
//! Ends with 1 when something needs a person. `ITSM_ADAPTER_STORE` names the database.

use std::process::ExitCode;

use itsm_adapter::{Client, Connection, ConnectionStatus, InstanceHealth, Result};

const SOON: i32 = 14;

async fn check(client: &Client, connection: Connection) -> Connection {
    if connection.status == ConnectionStatus::Unregistered {
        return connection;
    }
    let (account, instance) = (connection.customer_id.as_str(), connection.instance_id.as_str());
    match client.registrations().check(account, instance).await {
        Ok(checked) => checked,
        Err(error) => {
            eprintln!("{account} at {instance} cannot be checked: {error}");
            connection
        }
    }
}

async fn run() -> Result<bool> {
    let client = Client::from_env().await?;
    let (mut after, mut needs_a_person) = (None, false);
    println!("{:16} {:36} {:14} {:12} days left", "account", "instance", "status", "health");
    loop {
        let page = client.connections().list(None, after.as_deref(), None).await?;
        for known in page.items {
            let connection = check(&client, known).await;
            let days = connection.grant.as_ref().and_then(|grant| grant.days_left);
            let name = connection.instance_name.as_deref().unwrap_or(connection.instance_id.as_str());
            let (status, health) = (connection.status, connection.health);
            println!("{:16} {name:36} {status:14} {health:12} {days:?}", connection.customer_id.as_str());
            if connection.health == InstanceHealth::Hibernating {
                println!("{:16} sign in to the instance to wake it", "");
            }
            needs_a_person |=
                connection.status == ConnectionStatus::Unauthorized || days.is_some_and(|days| days < SOON);
        }
        after = page.next;
        if after.is_none() {
            return Ok(needs_a_person);
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(needs_a_person) => ExitCode::from(u8::from(needs_a_person)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
