//! Batch API: several inserts in one request, each with an answer and an outcome of its own.
//!
//! That the request as a whole was answered says nothing about its parts. A part is read as if it had come alone, by
//! the same judge. What the instance did not get to within its time is named in `unserviced_requests`, and whether such a
//! part was done is not known; nor is it of a part that the answer does not mention, or mentions twice.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{
    ServiceNow, below,
    envelope::{self, judge, judge_failure, judge_page},
};
use crate::{
    error::{Error, ErrorKind, Result},
    oauth::Access,
    transport::{Failure, Outcome, Repeat, Response, Verdict, Wire, parse_json},
};

/// Headers of an answered part that are read; more than there are.
const HEADERS: usize = 64;

#[derive(Serialize)]
struct Request<'a> {
    batch_request_id: &'a str,
    rest_requests: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Part<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
    headers: [Header<&'static str>; 2],
    /// Base64.
    body: String,
    /// They tell the kind of the content, and how long to wait.
    exclude_response_headers: bool,
}

#[derive(Serialize, Deserialize)]
struct Header<T> {
    name: T,
    value: T,
}

#[derive(Deserialize)]
struct Answer {
    serviced_requests: Option<Vec<Serviced>>,
    #[serde(default)]
    unserviced_requests: Vec<Value>,
    error: Option<envelope::Failure>,
}

#[derive(Deserialize)]
struct Serviced {
    id: Value,
    status_code: u16,
    #[serde(default)]
    headers: Vec<Header<String>>,
    /// Base64.
    #[serde(default)]
    body: String,
}

impl ServiceNow {
    /// Makes records with one request, and answers each of them in their order.
    ///
    /// # Errors
    /// Of the request as a whole: then all of them were certainly not made, or nobody knows of any.
    pub(crate) async fn insert_together<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        records: &[&RawValue],
        fields: &[&str],
    ) -> Result<Vec<Result<T, Failure>>, Failure> {
        let target = access.targets.table(&access.base, table, fields)?;
        let url = [target.path(), target.query().unwrap_or_default()].join("?");
        let id = self.settings.chance.call_id();
        let json = "application/json";
        let part = |(number, record): (usize, &&RawValue)| Part {
            id: number.to_string(),
            method: "POST",
            url: &url,
            headers: [Header { name: "Accept", value: json }, Header { name: "Content-Type", value: json }],
            body: STANDARD.encode(record.get()),
            exclude_response_headers: false,
        };
        let request = Request { batch_request_id: &id, rest_requests: records.iter().enumerate().map(part).collect() };
        let body = serde_json::to_vec(&request)
            .map_err(|error| Error::invalid("The records cannot be written as JSON.").because(error))?;
        let url = below(&access.base, &["api", "now", "v1", "batch"])?;
        let call = self.call(access, Method::POST, url, Some(body.into()), Repeat::IfNotDone)?;
        let answer = self.ask(call, judge_batch).await?;
        let mut parts = answered(answer);
        let mut part = |number: usize| parts.remove(&number.to_string()).flatten();
        Ok((0..records.len()).map(|number| read(part(number), &self.wire, &access.remote)).collect())
    }
}

/// Reads the answer to the request as a whole.
fn judge_batch(response: &Response, answer: &mut Option<Answer>) -> Verdict {
    if let Some(page) = judge_page(response) {
        return page;
    }
    match response.status.as_u16() {
        200 | 201 => match parse_json::<Answer>(response) {
            Ok(Answer { error: Some(failure), .. }) => Verdict::Unknown(Error::new(
                ErrorKind::Unavailable,
                format!("The instance broke its answer off: {}.", failure.text("no reason given")),
            )),
            Ok(Answer { serviced_requests: None, .. }) => {
                Verdict::Unknown(Error::new(ErrorKind::Protocol, "The instance's answer holds no parts."))
            }
            Ok(whole) => {
                *answer = Some(whole);
                Verdict::Done
            }
            Err(error) => Verdict::Unknown(error),
        },
        status => judge_failure(response, status),
    }
}

/// The answered parts by their ids. One that is answered twice, or is said to be unserviced as well, counts as none.
fn answered(answer: Answer) -> HashMap<String, Option<Serviced>> {
    let mut parts: HashMap<String, Option<Serviced>> = HashMap::new();
    for part in answer.serviced_requests.unwrap_or_default() {
        parts.entry(text(&part.id)).and_modify(|known| *known = None).or_insert(Some(part));
    }
    for id in answer.unserviced_requests {
        parts.insert(text(&id), None);
    }
    parts
}

/// Ids come back as texts, whatever they were.
fn text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// Reads one part as if it had come alone.
fn read<T: DeserializeOwned>(part: Option<Serviced>, wire: &Wire, remote: &str) -> Result<T, Failure> {
    let unknown = |kind, message| Failure { error: Error::new(kind, message), outcome: Outcome::Unknown };
    let Some(part) = part else {
        return Err(unknown(ErrorKind::Unavailable, "The instance did not answer this part of a request."));
    };
    let response = part.response().ok_or_else(|| {
        unknown(ErrorKind::Protocol, "The instance's answer to this part of a request makes no sense.")
    })?;
    let mut answer = None;
    let verdict = judge(&response, &mut answer);
    wire.judged_part(remote, verdict, &response)?;
    answer.ok_or_else(|| unknown(ErrorKind::Internal, "An answer was accepted without being read."))
}

impl Serviced {
    fn response(self) -> Option<Response> {
        let body = Bytes::from(STANDARD.decode(&self.body).ok()?);
        let mut headers = HeaderMap::new();
        for Header { name, value } in self.headers.into_iter().take(HEADERS) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
                headers.insert(name, value);
            }
        }
        // Some instances leave it out; the body itself says what it is.
        if !headers.contains_key(header::CONTENT_TYPE) && body.starts_with(b"{") {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Some(Response { status: StatusCode::from_u16(self.status_code).ok()?, headers, body })
    }
}

#[cfg(test)]
mod tests;
