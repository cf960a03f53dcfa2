//! Receives the callbacks of a Citrix Cloud webhook and makes incidents of them.
//!
//! `receive-webhooks CUSTOMER_ID PUBLIC_URL` listens on `LISTEN` (127.0.0.1:8080) for what comes to `/citrix`, where
//! `PUBLIC_URL` must lead. It subscribes to the account's notifications with `WEBHOOK_AUTHORIZATION`, a long random value of
//! yours, takes callbacks about that account only, and removes the subscription at the end of standard input. A callback is
//! answered when its alert is stored; a worker delivers what is, also from the last time. `ITSM_ADAPTER_STORE` names the
//! database in which the account is registered.

use std::{process::ExitCode, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use itsm_adapter::{Client, CreateWebhook, Error, ErrorKind, Event, EventKind, Observer, Result, RunOptions, Secret};
use tokio::{io::AsyncReadExt, net::TcpListener};

struct Receiver {
    client: Client,
    customer: String,
    authorization: Secret,
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let alerts = receiver.client.alerts();
    let (expected, customer) = (Some(&receiver.authorization), Some(receiver.customer.as_str()));
    match alerts.submit_webhook(&body, authorization, expected, customer).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(error) => {
            eprintln!("{error}");
            match error.kind() {
                ErrorKind::Forbidden => StatusCode::UNAUTHORIZED,
                ErrorKind::InvalidInput | ErrorKind::NotFound => StatusCode::BAD_REQUEST,
                // Not stored: the sender may try again.
                _ => StatusCode::SERVICE_UNAVAILABLE,
            }
        }
    }
}

/// Tells what becomes of the alerts.
struct Told;

impl Observer for Told {
    fn on_event(&self, event: &Event) {
        if matches!(event.kind, EventKind::DeliveryDone | EventKind::DeliveryFailed) {
            println!("{}", event.message);
        }
    }
}

async fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(customer), Some(public_url)) = (arguments.next(), arguments.next()) else {
        return Err(Error::new(ErrorKind::InvalidInput, "Give the customer id and the public URL."));
    };
    let unable =
        |error: std::io::Error| Error::new(ErrorKind::Unavailable, format!("The port cannot be used: {error}."));
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await.map_err(unable)?;
    let authorization = Secret::from(std::env::var("WEBHOOK_AUTHORIZATION").unwrap_or_default());
    if authorization.expose().len() < 16 {
        return Err(Error::new(ErrorKind::InvalidInput, "Set WEBHOOK_AUTHORIZATION to a long random value."));
    }
    let client = Client::from_env().await?;
    client.observe(Arc::new(Told));
    let worker = client.alerts().run(RunOptions::default()).await?;
    let receiver = Arc::new(Receiver { client, customer: customer.clone(), authorization: authorization.clone() });
    let app = Router::new().route("/citrix", post(receive)).with_state(Arc::clone(&receiver));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let webhooks = receiver.client.webhooks();
    let request = CreateWebhook {
        customer_id: customer.clone(),
        url: public_url,
        authorization: Some(authorization),
        ..CreateWebhook::default()
    };
    let webhook = webhooks.create(request).await?;
    println!("subscribed as {}", webhook.id);
    let mut rest = Vec::new();
    // Until whoever started this program closes its input.
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    webhooks.remove(&customer, &webhook.id).await?;
    worker.stop().await.map(drop)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
