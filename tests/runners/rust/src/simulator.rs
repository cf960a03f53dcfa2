//! The simulator as a process of its own, and its control API.

use std::{path::PathBuf, process::Stdio};

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::Failure;

/// A running simulator; it ends with this value.
#[derive(Debug)]
pub struct Simulator {
    /// Its end closes the process's input, which ends the process.
    _process: Child,
    startup: Value,
}

impl Simulator {
    /// Starts the program that `ITSM_SIMULATOR` names, else builds and starts the one of this workspace.
    ///
    /// # Errors
    /// A sentence when it cannot be built or started.
    pub async fn start(arguments: &[String]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| format!("the simulator cannot be started: {error}");
        let program = match std::env::var_os("ITSM_SIMULATOR") {
            Some(path) => PathBuf::from(path),
            None => built().await?,
        };
        let mut process = Command::new(program)
            .args(arguments)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("the simulator has no output")?;
        BufReader::new(output).read_line(&mut line).await.map_err(failed)?;
        let startup = serde_json::from_str(&line).map_err(|error| format!("the simulator's first line: {error}"))?;
        Ok(Self { _process: process, startup })
    }

    /// What every scenario may refer to.
    pub(crate) fn variables(&self) -> Value {
        let by = |list: &str, name: &str| -> Value {
            let list = self.startup[list].as_array().into_iter().flatten().rev();
            list.map(|one| (one[name].as_str().unwrap_or_default().to_owned(), one.clone()))
                .collect::<Map<_, _>>()
                .into()
        };
        let mut clients = Map::new();
        for client in self.startup["oauth_clients"].as_array().into_iter().flatten() {
            let of = clients.entry(client["instance"].as_str().unwrap_or_default()).or_insert_with(|| json!([]));
            of.as_array_mut().into_iter().for_each(|list| list.push(client.clone()));
        }
        json!({
            "citrix_url": self.startup["citrix_url"], "control_url": self.startup["control_url"],
            "instances": self.startup["instances"], "accounts": by("accounts", "customer_id"),
            "users": by("users", "user_name"), "clients": clients,
        })
    }

    /// Every secret of the startup line.
    pub(crate) fn secrets(&self) -> Vec<String> {
        fn collect(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Array(list) => list.iter().for_each(|one| collect(one, into)),
                Value::Object(fields) => {
                    for (key, value) in fields {
                        match (key.as_str(), value) {
                            ("client_secret" | "password", Value::String(secret)) => into.push(secret.clone()),
                            _ => collect(value, into),
                        }
                    }
                }
                _ => {}
            }
        }
        let mut secrets = Vec::new();
        collect(&self.startup, &mut secrets);
        secrets
    }

    /// One call of the control API: status and answer.
    pub(crate) async fn control(&self, request: &str, body: &Value) -> Result<(u64, Value), Failure> {
        let (method, path) = request.split_once(' ').ok_or_else(|| format!("{request} is not a method and a path"))?;
        let url = self.startup["control_url"].as_str().unwrap_or_default();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = ask(method, &format!("{}{path}", url.trim_end_matches('/')), &body).await?;
        let value = serde_json::from_str(&body).map_err(|error| format!("{request}: {error}: {body}"))?;
        Ok((status, value))
    }
}

/// The page at that address, as a browser asks for it: status and body.
pub(crate) async fn visit(url: &str) -> Result<(u64, String), Failure> {
    ask("GET", url, "").await
}

async fn ask(method: &str, url: &str, body: &str) -> Result<(u64, String), Failure> {
    let failed = |error: std::io::Error| format!("{method} {url}: {error}");
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} is not an http URL"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = TcpStream::connect(host).await.map_err(failed)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{method} {url}: no answer"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, body.to_owned()))
}

/// The program beside this one, built anew: an old one would be another simulator.
async fn built() -> Result<PathBuf, Failure> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = here.ancestors().nth(2).ok_or("the runner is not in a target directory")?.to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--package", "itsm-simulator", "--bin", "itsm-simulator"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.arg("--target-dir").arg(folder.parent().ok_or("the runner is not in a target directory")?);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let done = cargo.status().await.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if done.success() { Ok(folder.join("itsm-simulator")) } else { Err("the simulator cannot be built".to_owned()) }
}
