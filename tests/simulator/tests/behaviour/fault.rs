//! Every fault, as a client sees it.

use std::time::{Duration, Instant};

use itsm_simulator::{Fault, FaultKind, seed};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Rig, read, send};

/// Sets a fault on the incident table of dev1 and sends one insert into it.
async fn insert_under(rig: &Rig, fault: Fault) -> Result<crate::support::Reply, reqwest::Error> {
    let token = rig.token("svc.citrix").await;
    rig.sim.fault(fault.route("table:incident:insert"));
    match rig.post("/api/now/table/incident", &token, &json!({"short_description": "x"})).send().await {
        Ok(response) => Ok(read(response).await),
        Err(error) => Err(error),
    }
}

fn stored(rig: &Rig) -> usize {
    rig.sim.records("dev1", "incident").len()
}

#[tokio::test]
async fn faults_that_answer_instead_leave_no_row() {
    let rig = Rig::start().await;
    for (fault, status, word) in [
        (FaultKind::Throttle, 429, "Rate limit"),
        (FaultKind::Semaphore, 429, "semaphore"),
        (FaultKind::FailTimes, 500, "failure"),
        (FaultKind::Quota, 500, "Transaction cancelled"),
        (FaultKind::Html, 200, "user_password"),
        (FaultKind::HtmlError, 502, "502 Bad Gateway"),
        (FaultKind::Hibernating, 200, "Instance Hibernating page"),
        (FaultKind::Accepted, 202, ""),
        (FaultKind::ErrorIn200, 200, "\"error\""),
        (FaultKind::Redirect, 307, ""),
        (FaultKind::Stray401, 401, "User Not Authenticated"),
        (FaultKind::Stray403, 403, "security constraints"),
        (FaultKind::Garbage, 200, "~%"),
    ] {
        let reply = insert_under(&rig, Fault::new("dev1", fault)).await.unwrap();
        assert_eq!(reply.status, status, "{fault:?}");
        assert!(reply.text.contains(word), "{fault:?}: {}", reply.text);
        assert_eq!(rig.sim.requests().last().unwrap().fault, Some(fault.name()));
    }
    assert_eq!(stored(&rig), 0);
    let waits = insert_under(&rig, Fault::new("dev1", FaultKind::Throttle).with("retry_after_s", 7)).await.unwrap();
    assert_eq!(waits.header("retry-after"), "7");
    let full = insert_under(&rig, Fault::new("dev1", FaultKind::Semaphore)).await.unwrap();
    assert!(full.header("retry-after").is_empty() && full.header("x-ratelimit-limit").is_empty());
}

#[tokio::test]
async fn lost_answers_leave_the_row() {
    let rig = Rig::start().await;
    assert_eq!(insert_under(&rig, Fault::new("dev1", FaultKind::CreatedThenHtml)).await.unwrap().status, 502);
    assert_eq!(stored(&rig), 1);
    assert!(insert_under(&rig, Fault::new("dev1", FaultKind::CutAfter)).await.is_err());
    assert_eq!(stored(&rig), 2);
    assert!(insert_under(&rig, Fault::new("dev1", FaultKind::Cut)).await.is_err());
    assert_eq!(stored(&rig), 2);
    let begun = Instant::now();
    let slow = insert_under(&rig, Fault::new("dev1", FaultKind::CreatedThenSlow).with("delay_ms", 60)).await.unwrap();
    assert_eq!((slow.status, stored(&rig)), (201, 3));
    assert!(begun.elapsed() >= Duration::from_millis(60));
    let accepted = insert_under(&rig, Fault::new("dev1", FaultKind::Accepted).with("processed", true)).await.unwrap();
    assert_eq!((accepted.status, stored(&rig)), (202, 4));
}

#[tokio::test]
async fn a_cut_connection_is_reset_without_a_byte() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    rig.sim.fault(Fault::new("dev1", FaultKind::CutAfter));
    let mut stream = TcpStream::connect(rig.dev1.trim_start_matches("http://")).await.unwrap();
    let request = format!("GET /api/now/table/incident HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(rig.sim.requests().last().unwrap().status, None);
}

#[tokio::test]
async fn a_hanging_request_ends_with_its_client() {
    let rig = Rig::start().await;
    rig.sim.fault(Fault::new("citrix", FaultKind::Hang).route("token"));
    let call = rig
        .citrix_token_call(seed::ACME.customer_id, &seed::ACME.client_id(), seed::ACME.client_secret)
        .timeout(Duration::from_millis(50));
    assert!(call.send().await.unwrap_err().is_timeout());
    assert_eq!(rig.sim.requests()[0].status, None);
    rig.citrix_token(&seed::ACME).await;
}

#[tokio::test]
async fn lists_break_off_in_three_ways() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    for _ in 0..6 {
        rig.incident(&token, &json!({})).await;
    }
    let list = || rig.get("/api/now/table/incident?sysparm_fields=number", &token);
    rig.sim.fault(Fault::new("dev1", FaultKind::Truncate));
    let broken = send(list()).await;
    assert_eq!(broken.status, 200);
    assert!(
        broken.text.contains("Transaction cancelled")
            && serde_json::from_str::<serde_json::Value>(&broken.text).is_err()
    );
    rig.sim.fault(Fault::new("dev1", FaultKind::Truncate).with("variant", "valid"));
    let both = send(list()).await.json();
    assert!(both["error"]["message"].is_string() && (1..6).contains(&both["result"].as_array().unwrap().len()));
    rig.sim.fault(Fault::new("dev1", FaultKind::Truncate).with("variant", "cut"));
    assert!(list().send().await.unwrap().text().await.is_err());
}

#[tokio::test]
async fn bodies_can_be_too_large_too_slow_or_a_bomb() {
    let rig = Rig::start().await;
    let token = rig.token("svc.citrix").await;
    let list = || rig.get("/api/now/table/incident", &token);
    rig.sim.fault(Fault::new("dev1", FaultKind::BigBody).with("bytes", 4 << 20));
    assert!(send(list()).await.text.len() > 4 << 20);
    rig.sim.fault(Fault::new("dev1", FaultKind::Drip).with("chunk", 5).with("delay_ms", 1));
    assert_eq!(send(list()).await.text, r#"{"result":[]}"#);
    rig.sim.fault(Fault::new("dev1", FaultKind::GzipBomb).with("bytes", 4 << 20));
    let bomb = list().send().await.unwrap();
    assert_eq!(bomb.headers()["content-encoding"], "gzip");
    assert!(bomb.bytes().await.unwrap().len() < 64 << 10);
    rig.sim.fault(Fault::new("dev1", FaultKind::WrongContentType));
    assert_eq!(send(list()).await.header("content-type"), "text/plain");
    rig.sim.fault(Fault::new("dev1", FaultKind::SetCookie));
    assert!(
        send(list())
            .await
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|value| value.to_str().unwrap().contains("0123456789ABCDEF"))
    );
}

#[tokio::test]
async fn a_token_can_expire_or_be_revoked_at_the_moment_it_is_used() {
    let rig = Rig::start().await;
    let grant = rig.grant("svc.citrix").await;
    let access = grant["access_token"].as_str().unwrap();
    rig.sim.fault(Fault::new("dev1", FaultKind::Expire).route("table"));
    assert_eq!(send(rig.get("/api/now/table/incident", access)).await.status, 401);
    assert_eq!(send(rig.get("/api/now/table/incident", access)).await.status, 401, "it stays so");
    let refresh = grant["refresh_token"].as_str().unwrap();
    rig.sim.fault(Fault::new("dev1", FaultKind::Revoke).route("token").grant_type("refresh_token"));
    rig.grant("svc.second").await;
    assert_eq!(send(rig.refresh_call(refresh)).await.status, 401);
    let token = rig.citrix_token(&seed::ACME).await;
    rig.sim.fault(Fault::new("citrix", FaultKind::Revoke).route("me").customer("acmecorp0001"));
    assert_eq!(send(rig.daas("/cvad/manage/me", "acmecorp0001", &token)).await.status, 401);
}

#[tokio::test]
async fn citrix_faults_speak_citrix() {
    let rig = Rig::start().await;
    let token = rig.citrix_token(&seed::ACME).await;
    let me = || rig.daas("/cvad/manage/me", "acmecorp0001", &token);
    for (fault, status, word) in [
        (Fault::new("citrix", FaultKind::Throttle).with("retry_after_s", 3), 429, "Try again in 3 seconds"),
        (Fault::new("citrix", FaultKind::Throttle).with("kind", "E1"), 429, "retryDelay"),
        (Fault::new("citrix", FaultKind::Frozen), 530, "frozen"),
        (Fault::new("citrix", FaultKind::Redirect), 307, "customerDataRegion"),
        (Fault::new("citrix", FaultKind::FailTimes).with("status", 503), 503, "serviceUnavailable"),
        (Fault::new("citrix", FaultKind::HtmlError), 502, "<html>"),
    ] {
        rig.sim.fault(fault.customer("acmecorp0001"));
        let reply = send(me()).await;
        assert_eq!(reply.status, status);
        assert!(reply.text.contains(word), "{}", reply.text);
    }
    rig.sim.fault(Fault::new("citrix", FaultKind::FailTimes).customer("globexcorp02"));
    assert_eq!(send(me()).await.status, 200, "a fault for another customer does not strike");
    rig.sim.clear_faults();
    rig.sim.fault(Fault::new("citrix", FaultKind::ErrorIn200).route("token"));
    let reply =
        send(rig.citrix_token_call(seed::ACME.customer_id, &seed::ACME.client_id(), seed::ACME.client_secret)).await;
    assert_eq!((reply.status, reply.json()["error"].clone()), (200, json!("invalid_client")));
}
