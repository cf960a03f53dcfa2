//! Registers an account with an instance through a service account: tests first, then saves.
//!
//! Takes the customer id and the address of the instance as arguments, the secrets from the environment:
//! `SERVICENOW_CLIENT_ID`, `SERVICENOW_CLIENT_SECRET`, `SERVICENOW_USER`, `SERVICENOW_PASSWORD`.
//! `ITSM_ADAPTER_STORE` names the database that the account was added to.

use std::process::ExitCode;

use itsm_adapter::{CheckOutcome, Client, Error, ErrorKind, RegisterServiceAccount, Result};

async fn register(customer: String, instance: String) -> Result<bool> {
    let from_environment = |name: &str| {
        std::env::var(name).map_err(|_| Error::new(ErrorKind::InvalidInput, format!("{name} is not set.")))
    };
    let request = || -> Result<RegisterServiceAccount> {
        Ok(RegisterServiceAccount {
            customer_id: customer.clone(),
            instance_url: instance.clone(),
            instance_name: None,
            client_id: from_environment("SERVICENOW_CLIENT_ID")?,
            client_secret: from_environment("SERVICENOW_CLIENT_SECRET")?.into(),
            user_name: from_environment("SERVICENOW_USER")?,
            password: from_environment("SERVICENOW_PASSWORD")?.into(),
        })
    };
    let client = Client::from_env().await?;
    let report = client.registrations().test(request()?).await?;
    for check in &report.checks {
        println!("{:<8} {:<16} {}", check.outcome, check.name, check.seen);
        if check.outcome == CheckOutcome::Fail {
            println!("{:25} {}", "", check.remedy);
        }
    }
    if !report.passed {
        println!("Nothing was saved.");
        return Ok(false);
    }
    let connection = client.registrations().register(request()?).await?;
    let days = connection.grant.and_then(|grant| grant.days_left);
    println!("{customer} is {} with {}, days left: {days:?}", connection.status, connection.instance_id);
    Ok(true)
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(customer), Some(instance)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: register-service-account CUSTOMER_ID INSTANCE_URL");
        return ExitCode::from(2);
    };
    match register(customer, instance).await {
        Ok(saved) => ExitCode::from(u8::from(!saved)),
        Err(error) => {
            eprintln!("{error} (transaction {})", error.transaction_id().unwrap_or("none"));
            ExitCode::FAILURE
        }
    }
}
