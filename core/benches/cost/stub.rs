//! A server that answers at once and always well: it stands in for both systems, in a process of its own, on a
//! core of its own.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Records in the stub's table.
pub(crate) const RECORDS: usize = 100_000;

pub(crate) struct Stub {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
    http: reqwest::Client,
}

impl Stub {
    pub(crate) fn start(latency: Duration) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--stub", &latency.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        output.read_line(&mut url).unwrap();
        Self { child, output, url: url.trim().to_owned(), http: crate::plain::http() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// How the token endpoint answers from now on.
    pub(crate) async fn token_status(&self, status: u16) {
        self.http.get(format!("{}/bench/token/{status}", self.url)).send().await.unwrap();
    }

    /// Token requests since the last question.
    pub(crate) async fn token_requests(&self) -> usize {
        self.http
            .get(format!("{}/bench/requests", self.url))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        let _ = &self.output;
    }
}

struct Shared {
    latency: Duration,
    token_status: AtomicU64,
    token_requests: AtomicUsize,
    pages: Vec<String>,
}

/// Serves until standard input ends.
pub(crate) fn serve() {
    crate::measure::pin(1);
    let latency = std::env::args().nth(2).and_then(|ms| ms.parse().ok()).map_or(Duration::ZERO, Duration::from_millis);
    let shared = Arc::new(Shared {
        latency,
        token_status: AtomicU64::new(200),
        token_requests: AtomicUsize::new(0),
        pages: (0..RECORDS / 1000).map(page).collect(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        let router = Router::new()
            .route("/oauth_token.do", post(token))
            .route("/cctrustoauth2/{customer}/tokens/clients", post(citrix_token))
            .route("/api/now/table/{table}", get(list).post(insert))
            .route("/api/now/v1/batch", post(batch))
            .route(
                "/api/now/ui/user/current_user",
                get(|| async {
                    json(r#"{"result":{"user_sys_id":"6816f79cc0a8016401c5a33be04be441","user_name":"user"}}"#)
                }),
            )
            .route("/bench/token/{status}", get(set_status))
            .route(
                "/bench/requests",
                get(|State(shared): State<Arc<Shared>>| async move {
                    shared.token_requests.swap(0, Ordering::SeqCst).to_string()
                }),
            )
            .fallback(any(citrix))
            .with_state(shared);
        let stop = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
        });
        let server = axum::serve(listener, router);
        tokio::select! {
            _ = server => {}
            _ = stop => {}
        }
    });
    std::process::exit(0);
}

fn json(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn set_status(State(shared): State<Arc<Shared>>, axum::extract::Path(status): axum::extract::Path<u64>) {
    shared.token_status.store(status, Ordering::SeqCst);
}

async fn token(State(shared): State<Arc<Shared>>) -> Response {
    shared.token_requests.fetch_add(1, Ordering::SeqCst);
    match shared.token_status.load(Ordering::SeqCst) {
        200 => json(
            r#"{"access_token":"stub-access-token","refresh_token":"stub-refresh-token","scope":"useraccount","token_type":"Bearer","expires_in":1799}"#,
        ),
        status => {
            let status = StatusCode::from_u16(u16::try_from(status).unwrap_or(500)).unwrap_or_default();
            (status, json(r#"{"error":{"message":"no","detail":null},"status":"failure"}"#)).into_response()
        }
    }
}

async fn citrix_token() -> Response {
    json(r#"{"token_type":"bearer","access_token":"stub-citrix-token","expires_in":"3600"}"#)
}

/// Everything else that Citrix Cloud is asked for.
async fn citrix(uri: axum::http::Uri) -> Response {
    let path = uri.path();
    if path.ends_with("/serviceStates") {
        json(
            r#"{"items":[{"serviceName":"xendesktop","state":"Production"},{"serviceName":"itsm","state":"Production"}]}"#,
        )
    } else if path.ends_with("/me") {
        json(r#"{"UserId":"1","Customers":[{"Id":"benchcustomer","Sites":[{"Id":"s","Name":"cloudxdsite"}]}]}"#)
    } else if path.ends_with("/Sites") {
        json(r#"{"Items":[{"Id":"s","Name":"cloudxdsite"}],"ContinuationToken":null}"#)
    } else if path.contains("/Sites/") {
        json(r#"{"Id":"s","Name":"cloudxdsite","ProductEdition":"Premium"}"#)
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Waits to the microsecond. The timers of the runtime are rounded up to whole milliseconds, two hundredths of fifty of
/// them, which would be laid to the client's account; so the last of it is waited for awake.
async fn hold(latency: Duration) {
    let end = Instant::now() + latency;
    if let Some(most) = latency.checked_sub(Duration::from_millis(2)) {
        tokio::time::sleep(most).await;
    }
    while Instant::now() < end {
        tokio::task::yield_now().await;
    }
}

async fn insert(State(shared): State<Arc<Shared>>, uri: axum::http::Uri, body: axum::body::Bytes) -> Response {
    hold(shared.latency).await;
    assert!(!body.is_empty());
    if uri.query().is_some_and(|query| query.contains("correlation_id")) {
        // Who asks for the key gets the one that was sent.
        let text = std::str::from_utf8(&body).unwrap();
        let key = text.split(r#""correlation_id":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let row = format!(
            r#"{{"result":{{"sys_id":"0123456789abcdef0123456789abcdef","number":"INC0010001","short_description":"Cloud Connector EDGE01 is offline","priority":"3","state":"1","correlation_id":"{key}","sys_created_by":"user"}}}}"#
        );
        return (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], row).into_response();
    }
    (StatusCode::CREATED, json(r#"{"result":{"sys_id":"0123456789abcdef0123456789abcdef","number":"INC0010001"}}"#))
        .into_response()
}

/// Makes what each part asks for, and gives its key back.
async fn batch(State(shared): State<Arc<Shared>>, body: axum::body::Bytes) -> Response {
    hold(shared.latency).await;
    let request: Value = serde_json::from_slice(&body).unwrap();
    let made = |part: &Value| {
        let record = STANDARD.decode(part["body"].as_str().unwrap()).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let made = json!({"result": {
            "sys_id": "0123456789abcdef0123456789abcdef", "number": "INC0010001", "correlation_id": record["correlation_id"],
        }});
        json!({
            "id": part["id"], "status_code": 201, "headers": [{"name": "Content-Type", "value": "application/json"}],
            "body": STANDARD.encode(made.to_string()),
        })
    };
    let parts: Vec<_> = request["rest_requests"].as_array().unwrap().iter().map(made).collect();
    let whole = json!({
        "batch_request_id": request["batch_request_id"], "serviced_requests": parts, "unserviced_requests": [],
    });
    ([(header::CONTENT_TYPE, "application/json")], whole.to_string()).into_response()
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    axum::extract::Path(table): axum::extract::Path<String>,
) -> Response {
    if table != "incident" {
        return json(r#"{"result":[]}"#);
    }
    let condition = query.get("sysparm_query").map(String::as_str).unwrap_or_default();
    let next = match condition.strip_prefix("sys_id>").and_then(|rest| rest.split('^').next()) {
        None => 0,
        Some(last) => usize::from_str_radix(last, 16).unwrap_or(RECORDS) + 1,
    };
    match shared.pages.get(next / 1000) {
        Some(page) => ([(header::CONTENT_TYPE, "application/json")], page.clone()).into_response(),
        None => json(r#"{"result":[]}"#),
    }
}

/// A thousand records of the usual width, written once.
fn page(n: usize) -> String {
    let rows: Vec<String> = (n * 1000..(n + 1) * 1000)
        .map(|id| {
            format!(
                r#"{{"sys_id":"{id:032x}","number":"INC{id:07}","short_description":"Cloud Connector EDGE01 is offline","state":"1","priority":"3","impact":"2","urgency":"2","sys_created_on":"2026-02-11 08:20:17","sys_created_by":"svc.citrix","correlation_id":"citrix-{id:040x}"}}"#
            )
        })
        .collect();
    format!(r#"{{"result":[{}]}}"#, rows.join(","))
}
