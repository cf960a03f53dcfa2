//! The pages of the listener: no script, no address from outside, nothing that could be framed or kept.

use std::{fmt::Write, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    model::Authorized,
};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#f4f5f7;--card:#fff;--good:#0b6e3a;--bad:#a3221b;--calm:#47505c}\
@media(prefers-color-scheme:dark){\
:root{--ink:#e8eaed;--paper:#16181c;--card:#22252b;--good:#5ed39a;--bad:#ff8f86;--calm:#b4bcc8}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--paper);color:var(--ink);\
font:1.0625rem/1.5 system-ui,sans-serif}\
main{width:100%;max-width:34rem;padding:2.25rem 1.5rem 2rem;background:var(--card);border-radius:.5rem;\
box-shadow:inset 0 .375rem var(--tone);overflow:hidden;overflow-wrap:anywhere}\
.good{--tone:var(--good)}.bad{--tone:var(--bad)}.calm{--tone:var(--calm)}\
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25;color:var(--tone)}p{margin:.5rem 0 0}";

/// Allows the style sheet above, word for word, and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The page for what became of the flow. Whoever reads it is the person who signed in.
pub(super) fn of(outcome: &Result<Authorized>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(done) => {
            let who = done.user_name.as_deref().unwrap_or("The person who signed in");
            let (account, instance) = (&done.connection.customer_id, &done.connection.instance_id);
            let lines = [
                format!("{who} has allowed it: the account {account} is registered with {instance}."),
                "You can close this window.".to_owned(),
            ];
            page(StatusCode::OK, "good", "Registered", &lines)
        }
        Err(error) if error.kind() == ErrorKind::ConsentDenied => {
            let lines = [
                "The access was not allowed, and nothing was changed.".to_owned(),
                "To register after all, begin again in the program and choose Allow. You can close this window."
                    .to_owned(),
            ];
            page(StatusCode::OK, "calm", "Not allowed", &lines)
        }
        Err(error) => failed(error),
    }
}

/// The page for a flow that failed; nothing was saved.
fn failed(error: &Error) -> Response<Full<Bytes>> {
    let info = error.info();
    let lines = [info.message, info.remedy, "Nothing was changed. You can close this window.".to_owned()];
    page(StatusCode::OK, "bad", "Not registered", &lines)
}

/// The page for a callback that is none, or of another flow; the own one goes on.
pub(super) fn foreign() -> Response<Full<Bytes>> {
    let lines = [
        "This address is not the answer to the sign-in that is waited for. Nothing was changed.".to_owned(),
        "Go back to the window that was opened last, and go on there.".to_owned(),
    ];
    page(StatusCode::BAD_REQUEST, "calm", "This does not belong here", &lines)
}

/// For whatever is not a callback: a status, and no word about what runs here.
pub(super) fn turned_away(status: StatusCode) -> Response<Full<Bytes>> {
    finished(status, Full::default())
}

fn page(status: StatusCode, tone: &str, title: &str, lines: &[String]) -> Response<Full<Bytes>> {
    let mut body = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title} \u{2013} ITSM Adapter</title><style>{STYLE}</style></head>\
         <body><main class=\"{tone}\"><h1>{title}</h1>"
    );
    for line in lines {
        // Writing to a string does not fail.
        let _ = write!(body, "<p>{}</p>", escaped(line));
    }
    body.push_str("</main></body></html>");
    let mut response = finished(status, Full::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn finished(status: StatusCode, body: Full<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_remote_stay_words() {
        let error = Error::new(ErrorKind::Protocol, "<script>alert('1')</script>\"&\u{7}");
        let page = failed(&error);
        let body = format!("{:?}", page.body());
        assert!(!body.contains("<script") && body.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{body}");
    }

    #[test]
    fn the_policy_allows_the_own_style_and_nothing_else() {
        let policy = POLICY.to_str().unwrap_or_default().to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for status in [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED, StatusCode::MISDIRECTED_REQUEST] {
            assert!(turned_away(status).headers().contains_key(header::CONTENT_SECURITY_POLICY));
        }
    }
}
