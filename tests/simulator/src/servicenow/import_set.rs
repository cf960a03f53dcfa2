//! Import Set API: one staging table that maps to incidents, with `correlation_id` as the coalesce field.

use http::Method;
use serde_json::{Map, Value, json};

use super::Moment;
use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::instance::plain;
use super::rest;
use super::write;
use crate::http_message::{Answer, Ask};

/// The staging table; its columns are those of the incident with `u_` before them.
const STAGING: &str = "u_imp_incident";

/// `POST /api/now/import/{staging}`: 201 even when the row could not be transformed.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, staging: &str) -> Answer {
    if staging != STAGING {
        return envelope::invalid_table(staging);
    }
    let given = match rest::object(ask) {
        Ok(given) => given,
        Err(refusal) => return *refusal,
    };
    if !who.roles.has("sn_incident_write") {
        return envelope::acl("Insert");
    }
    let mapped: Map<String, Value> = given
        .iter()
        .filter_map(|(key, value)| key.strip_prefix("u_").map(|name| (name.to_owned(), Value::from(plain(value)))))
        .collect();
    let key = mapped.get("correlation_id").and_then(Value::as_str).unwrap_or("").to_owned();
    let known = glide
        .table("incident")
        .and_then(|table| table.find("correlation_id", &key))
        .map(|row| row.id)
        .filter(|_| !key.is_empty());
    let inner = Ask {
        method: Method::POST,
        query: String::new(),
        body: Value::Object(mapped.clone()).to_string().into(),
        ..ask.clone()
    };
    let (answer, done) = match known {
        Some(id) => (write::update(glide, &inner, moment, who, "incident", id.as_str()), "updated"),
        None => (write::insert(glide, &inner, moment, who, "incident"), "inserted"),
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut line = json!({"transform_map": "Citrix incident", "table": "incident"});
    if answer.status.is_success() && !mapped.is_empty() {
        let id = body["result"]["sys_id"].as_str().unwrap_or("");
        line["display_name"] = json!("number");
        line["display_value"] = body["result"]["number"].clone();
        line["record_link"] = json!(format!("{}/api/now/table/incident/{id}", moment.base));
        line["status"] = json!(done);
        line["sys_id"] = json!(id);
    } else {
        line["status"] = json!("error");
        line["error_message"] =
            body.pointer("/error/detail").cloned().unwrap_or_else(|| json!("No transform entry matched"));
    }
    let result = json!({"import_set": "ISET0010001", "staging_table": STAGING, "result": [line]});
    Answer::bytes(201, envelope::JSON, result.to_string())
}
