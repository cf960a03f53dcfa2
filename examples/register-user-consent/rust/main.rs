//! A small web application: a Register button that sends the person to the instance to sign in and click Allow, and
//! the Manage list.
//!
//! `CUSTOMER_ID` and `INSTANCE_URL` say what is registered; `SERVICENOW_CLIENT_ID` and `SERVICENOW_CLIENT_SECRET` are
//! the OAuth endpoint's, whose redirect URL is `PUBLIC_URL` and `/callback`. `LISTEN` is the address to listen on
//! (127.0.0.1:8080), `ITSM_ADAPTER_STORE` the database that the account was added to.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use itsm_adapter::{Authorize, Client, ConnectionStatus, Error, ErrorKind, Result};

/// The cookie that ties a flow to the browser that began it.
const COOKIE: &str = "itsm_consent";

struct App {
    client: Client,
    customer: String,
    instance: String,
    client_id: String,
    client_secret: String,
    public_url: String,
}

/// The Manage list, and the button.
async fn manage(State(app): State<Arc<App>>) -> Response {
    let list = match app.client.connections().list(None, None, Some(1000)).await {
        Ok(page) => page.items,
        Err(error) => return app.shown(&error),
    };
    let mut body = String::new();
    for line in &list {
        let grant = line.grant.as_ref();
        let status = match line.status {
            ConnectionStatus::Registered => "Registered",
            ConnectionStatus::Unregistered => "Not registered",
            _ => "ServiceNow Instance Unauthorized",
        };
        let days = grant.and_then(|grant| grant.days_left).map(|days| days.to_string());
        body = body + "<section><h2>" + &escaped(line.instance_id.as_str()) + "</h2><dl>";
        for (name, value) in [
            ("Account", line.customer_id.as_str()),
            ("Status", status),
            ("User", grant.map_or("none", |grant| grant.user_name.as_str())),
            ("Days left", days.as_deref().unwrap_or("none")),
        ] {
            body = body + "<div><dt>" + name + "</dt><dd>" + &escaped(value) + "</dd></div>";
        }
        body += "</dl></section>";
    }
    if list.is_empty() {
        body += "<p>No instance is registered yet.</p>";
    }
    body += "<form method=\"post\" action=\"/register\"><button>Register with your user account</button></form>";
    app.page("ServiceNow instances", &body)
}

/// The button: begins a flow, ties it to this browser, and sends it to the instance.
async fn register(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    // A form of another site must not begin a flow in this browser.
    if headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() != app.public_url.as_bytes()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let session = uuid::Uuid::new_v4().simple().to_string();
    let request = Authorize {
        customer_id: app.customer.clone(),
        instance_url: app.instance.clone(),
        client_id: Some(app.client_id.clone()),
        client_secret: Some(app.client_secret.as_str().into()),
        redirect_url: Some(format!("{}/callback", app.public_url)),
        session: Some(session.as_str().into()),
        ..Authorize::default()
    };
    match app.client.registrations().authorize(request).await {
        Ok(begun) => {
            let secure = if app.public_url.starts_with("https:") { "; Secure" } else { "" };
            // Lax: the cookie comes along when the instance sends the browser back.
            let cookie = format!("{COOKIE}={session}; Path=/callback; HttpOnly; SameSite=Lax; Max-Age=600{secure}");
            ([(header::SET_COOKIE, cookie)], Redirect::to(&begun.authorization_url)).into_response()
        }
        Err(error) => app.shown(&error),
    }
}

/// Where the instance sends the browser back to.
async fn callback(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let came_to = format!("{}{uri}", app.public_url);
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or("");
    let own = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
    let session = own.map(|(_, value)| value.into());
    match app.client.registrations().complete(&came_to, session.as_ref()).await {
        // On to the list: the code does not stay in the address, and a reload asks for nothing again.
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => app.shown(&error),
    }
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("style.css")).into_response()
}

impl App {
    fn shown(&self, error: &Error) -> Response {
        let info = error.info();
        let (status, title, text) = match error.kind() {
            ErrorKind::ConsentDenied => {
                (StatusCode::OK, "Not allowed", "You did not allow the access. Nothing was changed.".to_owned())
            }
            // A second click, or the back button: the first answer counts.
            ErrorKind::FlowExpired if error.context("reason") == Some("used") => {
                (StatusCode::BAD_REQUEST, "Already answered", info.message + " The list says how it is now.")
            }
            ErrorKind::InvalidInput | ErrorKind::FlowExpired => {
                (StatusCode::BAD_REQUEST, "Not registered", format!("{} {}", info.message, info.remedy))
            }
            _ => (StatusCode::BAD_GATEWAY, "Not registered", format!("{} {}", info.message, info.remedy)),
        };
        let body = format!("<p>{}</p><p><a href=\"/\">Back to the list</a></p>", escaped(&text));
        (status, self.page(title, &body)).into_response()
    }

    fn page(&self, title: &str, body: &str) -> Response {
        // The form leads to the instance, and from there perhaps to a sign-in of the company's own.
        let policy = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' https: {}; frame-ancestors 'none'; base-uri 'none'",
            self.instance
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy.as_str()),
            // Not `no-referrer`: a browser would then say `Origin: null` when the form is sent.
            (header::REFERRER_POLICY, "same-origin"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} \u{2013} ITSM Adapter</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\
             <body><main><h1>{title}</h1>{body}</main></body></html>"
        );
        (headers, Html(html)).into_response()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[tokio::main]
async fn main() -> Result<()> {
    let variable = |name: &str| {
        std::env::var(name).map_err(|_| Error::new(ErrorKind::InvalidInput, format!("{name} is not set.")))
    };
    let app = Arc::new(App {
        client: Client::from_env().await?,
        customer: variable("CUSTOMER_ID")?,
        instance: variable("INSTANCE_URL")?,
        client_id: variable("SERVICENOW_CLIENT_ID")?,
        client_secret: variable("SERVICENOW_CLIENT_SECRET")?,
        public_url: variable("PUBLIC_URL")?,
    });
    let unheard = |error: std::io::Error| Error::new(ErrorKind::Unavailable, format!("Nothing listens: {error}."));
    let address = variable("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await.map_err(unheard)?;
    println!("Open {}", app.public_url);
    let routes = Router::new()
        .route("/", get(manage))
        .route("/register", post(register))
        .route("/callback", get(callback))
        .route("/style.css", get(style))
        .with_state(app);
    axum::serve(listener, routes).await.map_err(unheard)
}
