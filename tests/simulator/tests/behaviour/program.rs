//! The program itself: one line, then serving until it is told to stop.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{client, send};

fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_itsm-simulator"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn it_prints_one_line_and_stops_when_asked() {
    let (mut child, line) = start(&["--instance", "dev1", "--instance", "old:upgraded-vancouver"]);
    assert_eq!(line["servicenow_url"], line["instances"]["dev1"]);
    assert!(line["instances"]["old"].is_string() && line["control_url"].is_string() && line["citrix_url"].is_string());
    assert_eq!(line["accounts"].as_array().unwrap().len(), itsm_simulator::seed::ACCOUNTS.len());
    assert_eq!((line["users"].as_array().unwrap().len(), line["oauth_clients"].as_array().unwrap().len()), (18, 4));
    assert!(line["accounts"][0]["client_secret"].is_string() && line["accounts"][0]["edition"] == "Premium");
    let stop = client().post(format!("{}/stop", line["control_url"].as_str().unwrap()));
    assert_eq!(send(stop).await.status, 200);
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn it_ends_with_its_input_when_told_so() {
    let (mut child, line) = start(&["--until-stdin-closes"]);
    assert!(line["instances"]["dev1"].is_string());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn help_and_mistakes_have_their_own_endings() {
    let help = Command::new(env!("CARGO_BIN_EXE_itsm-simulator")).arg("--help").output().unwrap();
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("--until-stdin-closes"));
    let wrong = Command::new(env!("CARGO_BIN_EXE_itsm-simulator")).arg("--instance=a:b").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
