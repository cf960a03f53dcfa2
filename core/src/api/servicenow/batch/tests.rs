#![allow(clippy::unwrap_used)]

use std::time::Duration;

use serde_json::{json, value::to_raw_value};

use super::*;
use crate::{
    clock::Chance,
    config::Config,
    error::Retry,
    id::InstanceId,
    secret::Secret,
    transport::{SendFailure, fake::Fake},
};

#[derive(Debug, Deserialize)]
struct Row {
    sys_id: String,
}

fn servicenow(fake: &Fake) -> ServiceNow {
    let mut config = Config::default();
    config.retry.max_attempts = 2;
    let chance: Chance = fake.chance();
    ServiceNow::new(fake.wire(&config), &config, chance).unwrap()
}

/// Asks for so many records at once.
fn ask(fake: &Fake, records: usize) -> Result<Vec<Result<Row, Failure>>, Failure> {
    ask_of(&servicenow(fake), fake, records)
}

fn ask_of(servicenow: &ServiceNow, fake: &Fake, records: usize) -> Result<Vec<Result<Row, Failure>>, Failure> {
    let instance = InstanceId::parse("https://dev1.service-now.com").unwrap();
    let access = Access::new(&instance, &Secret::from("token")).unwrap();
    let records: Vec<_> =
        (0..records).map(|number| to_raw_value(&json!({"short_description": number.to_string()})).unwrap()).collect();
    let records: Vec<_> = records.iter().map(|record| &**record).collect();
    fake.run(servicenow.insert_together(&access, "incident", &records, &["sys_id", "number"]))
}

fn part(id: impl Into<Value>, status: u16, headers: &[(&str, &str)], body: &str) -> Value {
    let headers: Vec<_> = headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"id": id.into(), "status_code": status, "headers": headers, "body": STANDARD.encode(body)})
}

fn whole(parts: &[Value], unserviced: &[&str]) -> String {
    json!({"batch_request_id": "1", "serviced_requests": parts, "unserviced_requests": unserviced}).to_string()
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json;charset=UTF-8")];
const MADE: &str = r#"{"result":{"sys_id":"a"}}"#;

/// The kind and the outcome of a part that failed.
fn failed(part: &Result<Row, Failure>) -> (ErrorKind, Outcome) {
    let failure = part.as_ref().unwrap_err();
    (failure.error.kind(), failure.outcome)
}

#[test]
fn a_part_goes_out_as_the_documentation_has_it() {
    let fake = Fake::new();
    fake.json(200, &whole(&[part("1", 201, JSON, r#"{"result":{"sys_id":"b"}}"#), part("0", 201, JSON, MADE)], &[]));
    let made = ask(&fake, 2).unwrap();
    let ids: Vec<_> = made.iter().map(|row| row.as_ref().unwrap().sys_id.as_str()).collect();
    assert_eq!(ids, ["a", "b"], "each answer goes to its part, in whatever order they come");
    let (_, sent) = fake.sent().pop().unwrap();
    assert_eq!((sent.method.as_str(), sent.url.path()), ("POST", "/api/now/v1/batch"));
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let first = &body["rest_requests"][0];
    let url = "/api/now/table/incident?sysparm_fields=sys_id%2Cnumber&sysparm_exclude_reference_link=true";
    assert_eq!(
        (first["id"].as_str(), first["method"].as_str(), first["url"].as_str()),
        (Some("0"), Some("POST"), Some(url))
    );
    assert_eq!(STANDARD.decode(first["body"].as_str().unwrap()).unwrap(), br#"{"short_description":"0"}"#);
    assert_eq!(body["rest_requests"].as_array().unwrap().len(), 2);
}

#[test]
fn each_part_has_the_outcome_that_it_would_have_alone() {
    let fake = Fake::new();
    let error = |message: &str| json!({"error": {"message": message, "detail": null}, "status": "failure"}).to_string();
    let wait = &[JSON[0], ("Retry-After", "7")];
    fake.json(
        200,
        &whole(
            &[
                part(0, 201, JSON, MADE),
                part("1", 403, JSON, &error("Operation Failed")),
                part("2", 429, wait, &error("Rate limit")),
                part("3", 503, wait, &error("Down")),
                part("4", 503, JSON, &error("Down")),
                part("5", 401, JSON, &error("User Not Authenticated")),
                part("6", 200, &[("Content-Type", "text/html")], "<html>Log in</html>"),
                part("7", 201, JSON, r#"{"result":{"sys_id":"a"}"#),
                part("8", 201, &[], MADE),
                part("9", 202, &[], ""),
            ],
            &["10"],
        ),
    );
    let parts = ask(&fake, 12).unwrap();
    for made in [0, 8] {
        assert_eq!(parts[made].as_ref().unwrap().sys_id, "a", "{made}");
    }
    for (number, kind, outcome) in [
        (1, ErrorKind::Forbidden, Outcome::NotDone),
        (2, ErrorKind::Throttled, Outcome::NotDone),
        (3, ErrorKind::Unavailable, Outcome::NotDone),
        (4, ErrorKind::Unavailable, Outcome::Unknown),
        (5, ErrorKind::Unauthorized, Outcome::NotDone),
        (6, ErrorKind::Protocol, Outcome::Unknown),
        (7, ErrorKind::Protocol, Outcome::Unknown),
        (9, ErrorKind::Unavailable, Outcome::Unknown),
        (10, ErrorKind::Unavailable, Outcome::Unknown),
        (11, ErrorKind::Unavailable, Outcome::Unknown),
    ] {
        assert_eq!(failed(&parts[number]), (kind, outcome), "part {number}");
    }
    let waits = |number: usize| parts[number].as_ref().unwrap_err().error.retry_advice();
    assert_eq!((waits(2), waits(3)), (Retry::After(Duration::from_secs(7)), Retry::After(Duration::from_secs(7))));
    assert_eq!(parts[5].as_ref().unwrap_err().error.context("token"), Some("rejected"));
}

#[test]
fn a_pause_that_a_part_asks_for_is_kept_by_every_call() {
    let fake = Fake::new();
    let servicenow = servicenow(&fake);
    let wait = &[JSON[0], ("Retry-After", "3600")];
    fake.json(200, &whole(&[part("0", 201, JSON, MADE), part("1", 429, wait, "{}")], &[]));
    let parts = ask_of(&servicenow, &fake, 2).unwrap();
    assert_eq!(failed(&parts[1]), (ErrorKind::Throttled, Outcome::NotDone));
    let refused = ask_of(&servicenow, &fake, 1).unwrap_err();
    assert_eq!((refused.error.kind(), refused.outcome), (ErrorKind::Throttled, Outcome::NotDone));
    assert_eq!(fake.sent().len(), 1, "nothing is sent while the pause lasts");
}

#[test]
fn what_is_said_twice_is_not_believed() {
    let fake = Fake::new();
    let twice = [part("0", 403, JSON, "{}"), part("0", 201, JSON, MADE), part("1", 403, JSON, "{}")];
    fake.json(200, &whole(&twice, &["1"]));
    let parts = ask(&fake, 2).unwrap();
    for part in &parts {
        assert_eq!(failed(part), (ErrorKind::Unavailable, Outcome::Unknown));
    }
}

#[test]
fn a_lost_answer_leaves_all_parts_unknown_and_a_refusal_none() {
    for (status, body, outcome) in [
        (200, r#"{"result":[]}"#, Outcome::Unknown),
        (200, r#"{"serviced_requests":[{"id""#, Outcome::Unknown),
        (
            200,
            r#"{"serviced_requests":[],"error":{"message":"Transaction cancelled"},"status":"failure"}"#,
            Outcome::Unknown,
        ),
        (500, r#"{"error":{"message":"x"},"status":"failure"}"#, Outcome::Unknown),
        (202, "", Outcome::Unknown),
        (403, r#"{"error":{"message":"x"},"status":"failure"}"#, Outcome::NotDone),
        (404, r#"{"error":{"message":"x"},"status":"failure"}"#, Outcome::NotDone),
    ] {
        let fake = Fake::new();
        fake.json(status, body);
        assert_eq!(ask(&fake, 3).unwrap_err().outcome, outcome, "{status} {body}");
        assert_eq!(fake.sent().len(), 1, "{status} {body}");
    }
    let fake = Fake::new();
    fake.fail(SendFailure::Interrupted);
    assert_eq!(ask(&fake, 3).unwrap_err().outcome, Outcome::Unknown);
    // What was certainly not done is sent again, as a whole.
    fake.json(429, "").json(200, &whole(&[part("0", 201, JSON, MADE)], &[]));
    assert!(ask(&fake, 1).unwrap()[0].is_ok());
}
