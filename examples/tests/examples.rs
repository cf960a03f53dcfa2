//! The tasks do what they say, one after the other, against the simulator.

// A test stops where something is not as it expects.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/browser.rs"]
#[allow(dead_code)]
mod browser;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use browser::Browser;
use itsm_adapter::{AddAccount, Client, Config, Environment, StoreConfig};
use itsm_simulator::{Options, Simulator, seed};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    run_with(Stdio::null(), program, arguments, environment)
}

fn run_with(input: Stdio, program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().copied()).stdin(input);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.success(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tasks_work_one_after_the_other() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let (citrix, instance) = (simulator.citrix_url(), simulator.instance_url("dev1").unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("adapter.db");

    let mut config = Config::default();
    config.store = StoreConfig::Sqlite { path: store.clone() };
    config.citrix_url = Some(citrix.clone());
    let client = Client::open(config).await.unwrap();
    let account = AddAccount {
        customer_id: seed::ACME.customer_id.to_owned(),
        environment: Environment::Us,
        client_id: seed::ACME.client_id(),
        client_secret: seed::ACME.client_secret.into(),
        name: None,
    };
    client.accounts().add(account).await.unwrap();

    let endpoint = seed::oauth_clients("dev1").remove(0);
    let environment = [
        ("ITSM_ADAPTER_STORE", store.to_str().unwrap()),
        ("CITRIX_URL", &citrix),
        ("SERVICENOW_HOSTS", "127.0.0.1"),
        ("ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS", "true"),
        ("SERVICENOW_CLIENT_ID", &endpoint.client_id),
        ("SERVICENOW_CLIENT_SECRET", &endpoint.client_secret),
        ("SERVICENOW_USER", seed::USERS[0].user_name),
        ("SERVICENOW_PASSWORD", seed::USERS[0].password),
    ];
    let register = env!("CARGO_BIN_EXE_register-service-account");
    let (ok, text) = run(register, &[seed::ACME.customer_id, &instance], &environment);
    assert!(ok && text.contains("is registered with"), "{text}");

    let alerts = concat!(env!("CARGO_MANIFEST_DIR"), "/deliver-alerts/alerts.jsonl");
    let deliver = env!("CARGO_BIN_EXE_deliver-alerts");
    let lines = std::fs::File::open(alerts).unwrap();
    for (ok, text) in [run(deliver, &[alerts], &environment), run_with(lines.into(), deliver, &[], &environment)] {
        assert!(ok && text.contains("3 of 3 alerts are incidents; 0 dead letters"), "{text}");
    }
    let made =
        simulator.records("dev1", "incident").into_iter().filter(|row| !row["correlation_id"].is_empty()).count();
    assert_eq!(made, 3, "a second run makes no second incident");

    receive_a_webhook(&simulator, &environment).await;

    let (ok, text) = run(env!("CARGO_BIN_EXE_manage-list"), &[], &environment);
    assert!(ok && text.contains("registered") && text.contains("available"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_application_registers_with_the_consent_of_whoever_began_it() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let (citrix, instance) = (simulator.citrix_url(), simulator.instance_url("dev1").unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("adapter.db");
    let mut config = Config::default();
    config.store = StoreConfig::Sqlite { path: store.clone() };
    config.citrix_url = Some(citrix.clone());
    config.instance_hosts.allow_private_networks = true;
    let client = Client::open(config.clone()).await.unwrap();
    let account = AddAccount {
        customer_id: seed::ACME.customer_id.to_owned(),
        environment: Environment::Us,
        client_id: seed::ACME.client_id(),
        client_secret: seed::ACME.client_secret.into(),
        name: None,
    };
    client.accounts().add(account).await.unwrap();

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let public = format!("http://{free}");
    let endpoint = seed::oauth_clients("dev1").remove(0);
    let redirect = json!({"redirect_url": format!("{public}/callback")});
    simulator.patch_oauth_client("dev1", &endpoint.client_id, &redirect).unwrap();
    let mut application = Command::new(env!("CARGO_BIN_EXE_register-user-consent"))
        .env("ITSM_ADAPTER_STORE", &store)
        .env("CITRIX_URL", &citrix)
        .env("SERVICENOW_HOSTS", "127.0.0.1")
        .env("ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS", "true")
        .env("CUSTOMER_ID", seed::ACME.customer_id)
        .env("INSTANCE_URL", &instance)
        .env("SERVICENOW_CLIENT_ID", &endpoint.client_id)
        .env("SERVICENOW_CLIENT_SECRET", &endpoint.client_secret)
        .env("PUBLIC_URL", &public)
        .env("LISTEN", free.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(application.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), format!("Open {public}"));

    let press = async |browser: &mut Browser| {
        let sent = browser.post(&format!("{public}/register"), &[]).await;
        sent.location().unwrap_or_else(|| panic!("{}: {}", sent.status, sent.body)).to_string()
    };
    let (mut person, mut other) = (Browser::new(&config), Browser::new(&config));
    let list = person.get(&public).await;
    assert!(list.body.contains("Register with your user account"), "{}", list.body);

    // Deny, and then a callback that another browser brings.
    let away = press(&mut person).await;
    let consent = person.sign_in(&away, "svc.citrix").await;
    let denied = person.decide(&consent, "deny").await;
    let page = person.get(&denied).await;
    assert!(page.body.contains("did not allow"), "{}", page.body);
    let away = press(&mut person).await;
    let back = person.allow(&away, "svc.citrix").await;
    let stolen = other.get(&back).await;
    assert!(stolen.status == 400 && stolen.body.contains("another session"), "{}", stolen.body);

    let done = person.get(&back).await;
    assert_eq!(done.location().map(String::from), Some(format!("{public}/")), "{}", done.body);
    let list = person.get(&public).await;
    assert!(
        ["<dd>Registered</dd>", "<dd>svc.citrix</dd>"].iter().all(|cell| list.body.contains(cell)),
        "{}",
        list.body
    );
    let again = person.get(&back).await;
    assert!(again.status == 400 && again.body.contains("answered before"), "{}", again.body);
    application.kill().unwrap();
    application.wait().unwrap();
}

/// The program subscribes, is called, makes an incident, and leaves no subscription behind.
async fn receive_a_webhook(simulator: &Simulator, environment: &[(&str, &str)]) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (address, customer) = (format!("127.0.0.1:{port}"), seed::ACME.customer_id);
    let mut program = Command::new(env!("CARGO_BIN_EXE_receive-webhooks"))
        .args([customer, &format!("http://{address}/citrix")])
        .envs(environment.iter().copied())
        .envs([("LISTEN", address.as_str()), ("WEBHOOK_AUTHORIZATION", "Bearer 5f0c0a6d3b1e4f7c9a2b")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("subscribed as "), "{first}");
    let forged = post(&address, "Bearer 5f0c0a6d3b1e4f7c9a2c").await;
    assert!(forged.starts_with("HTTP/1.1 401"), "{forged}");
    let body = json!({"component": "Citrix Cloud", "severity": "Error", "priority": "Urgent", "eventId": "e", "content":
        [{"languageTag": "en-US", "title": "Connector EDGE02 is offline", "description": "Not heard of for 15 minutes."}]});
    simulator.notify(customer, &body).unwrap();
    let second = lines.next().unwrap().unwrap();
    assert!(second.starts_with("The alert is incident INC"), "{second}");
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    let removed =
        simulator.requests().into_iter().any(|asked| asked.route == "subscriptions:one" && asked.method == "DELETE");
    assert!(removed, "the subscription is removed");
}

/// A callback of somebody who does not know the authorization.
async fn post(address: &str, authorization: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /citrix HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
