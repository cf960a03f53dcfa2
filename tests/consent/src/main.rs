//! A desk for tests: begins consent flows with a listener and waits for them, as it is told by lines of JSON on its
//! input, and answers each with a line of JSON. It ends when its input ends.
//!
//! The environment says where everything is, as [`Client::from_env`] reads it.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use itsm_adapter::{AddAccount, Authorize, Authorized, Client, Environment, Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    task::AbortHandle,
};

/// What is to be done.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Order {
    AddAccount {
        customer_id: String,
        client_id: String,
        client_secret: String,
    },
    Listen {
        customer_id: String,
        instance_url: String,
        client_id: String,
        client_secret: String,
        redirect_url: String,
    },
    Wait {
        flow_id: String,
        timeout_ms: Option<u32>,
    },
    /// Drops the wait for this flow.
    Cancel {
        flow_id: String,
    },
    Complete {
        callback_url: String,
    },
    Status {
        customer_id: String,
        instance_url: String,
    },
    Unregister {
        customer_id: String,
        instance_url: String,
    },
    /// Waits, answers, and ends the program at once.
    WaitAndEnd {
        flow_id: String,
    },
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
    #[serde(flatten)]
    order: Order,
}

async fn act(client: &Client, order: Order) -> Result<Value> {
    match order {
        Order::AddAccount { customer_id, client_id, client_secret } => {
            let environment = Environment::Us;
            let client_secret = client_secret.into();
            let account = AddAccount { customer_id, environment, client_id, client_secret, name: None };
            client.accounts().add(account).await.map(|account| json!(account))
        }
        Order::Listen { customer_id, instance_url, client_id, client_secret, redirect_url } => {
            let request = Authorize {
                customer_id,
                instance_url,
                client_id: Some(client_id),
                client_secret: Some(client_secret.into()),
                redirect_url: Some(redirect_url),
                ..Authorize::default()
            };
            client.registrations().listen(request).await.map(|begun| json!(begun))
        }
        Order::Wait { flow_id, timeout_ms } => done(client.registrations().wait_for(&flow_id, timeout_ms).await?),
        Order::WaitAndEnd { flow_id } => done(client.registrations().wait_for(&flow_id, None).await?),
        Order::Complete { callback_url } => done(client.registrations().complete(&callback_url, None).await?),
        Order::Status { customer_id, instance_url } => {
            client.connections().get(&customer_id, &instance_url).await.map(|connection| json!(connection))
        }
        Order::Unregister { customer_id, instance_url } => {
            client.registrations().unregister(&customer_id, &instance_url).await.map(|left| json!(left))
        }
        // Only the main loop knows who waits.
        Order::Cancel { .. } => Ok(Value::Null),
    }
}

fn done(done: Authorized) -> Result<Value> {
    serde_json::to_value(done).map_err(|_| Error::new(ErrorKind::Internal, "The outcome cannot be written."))
}

fn answer(id: u64, outcome: Result<Value>) {
    let line = match outcome {
        Ok(value) => json!({"id": id, "ok": value}),
        Err(error) => json!({"id": id, "error": error.info()}),
    };
    println!("{line}");
}

#[tokio::main]
async fn main() -> Result<()> {
    let client = Arc::new(Client::from_env().await?);
    let mut waiting: HashMap<String, AbortHandle> = HashMap::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Numbered { id, order } = serde_json::from_str(&line)
            .map_err(|error| Error::new(ErrorKind::InvalidInput, format!("This is no order: {error}.")))?;
        if let Order::Cancel { flow_id } = &order
            && let Some(task) = waiting.remove(flow_id)
        {
            task.abort();
        }
        let awaited = if let Order::Wait { flow_id, .. } = &order { Some(flow_id.clone()) } else { None };
        let ends = matches!(order, Order::WaitAndEnd { .. });
        let own = Arc::clone(&client);
        let mut work = Box::pin(async move {
            answer(id, act(&own, order).await);
            if ends {
                std::process::exit(0);
            }
        });
        // Begun before the next order is read: what never began cannot be cancelled.
        let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        let task = tokio::spawn(async move {
            if begun.is_pending() {
                work.await;
            }
        });
        if let Some(flow_id) = awaited {
            waiting.insert(flow_id, task.abort_handle());
        }
    }
    Ok(())
}
