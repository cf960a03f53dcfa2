//! What is read from, and written into, headers.

use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, NaiveDateTime, Utc};

use super::Response;
use crate::error::{Error, Result};

/// Longest wait that is believed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Headers that carry the remote's transaction id: those of an instance, of Citrix's platform, of its desktops, of its
/// licensing.
const TRANSACTION_IDS: [&str; 4] =
    ["x-transaction-id", "x-cws-transactionid", "citrix-transactionid", "cc-transactionid"];

/// The wait that the remote asks for: whole seconds or a date of HTTP, at most a day. (RFC 9110, 10.2.3.)
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.parse().map_or(DAY, Duration::from_secs).min(DAY));
    }
    let date = DateTime::parse_from_rfc2822(text).map(|date| date.to_utc()).ok().or_else(|| {
        ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|old| NaiveDateTime::parse_from_str(text, old).ok())
            .map(|date| date.and_utc())
    })?;
    Some((date - now).to_std().unwrap_or_default().min(DAY))
}

/// Whether the remote says when to come back: it turned the request away then, and did not do it.
pub(crate) fn asks_to_wait(headers: &HeaderMap) -> bool {
    retry_after(headers, DateTime::UNIX_EPOCH).is_some()
}

/// What the remote allows in an hour and when the hour ends, where it says so.
pub(crate) fn hourly_limit(headers: &HeaderMap) -> Option<(u32, DateTime<Utc>)> {
    let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let limit = u32::try_from(number("x-ratelimit-limit")?).ok()?;
    Some((limit, DateTime::from_timestamp(number("x-ratelimit-reset")?, 0)?))
}

/// True for `application/json` and its relatives, with or without parameters.
pub(crate) fn content_type_is_json(headers: &HeaderMap) -> bool {
    let essence = essence(headers);
    let end = essence.len().checked_sub(5).and_then(|at| essence.get(at..)).unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        || essence.eq_ignore_ascii_case("text/json")
        || end.eq_ignore_ascii_case("+json")
}

/// True for a page made for people: by its content type, or because it begins like one whatever the content
/// type claims (T11).
pub(crate) fn is_html(response: &Response) -> bool {
    let essence = essence(&response.headers);
    essence.eq_ignore_ascii_case("text/html")
        || essence.eq_ignore_ascii_case("application/xhtml+xml")
        || response.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&response.body).trim_ascii_start().starts_with(b"<")
}

/// The content type without its parameters, in the case that it came in.
fn essence(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// A header value that is never printed (T6). Line breaks and NUL are refused, so that a value cannot become
/// another header (T12).
///
/// # Errors
/// `invalid_input`, without the value.
pub(crate) fn secret_header(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::invalid("A credential holds a character that cannot be sent, such as a line break.")
            .remedy("Copy the credential again, without white space around it.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The remote's own transaction id, where it sent one worth showing.
pub(crate) fn transaction_id(headers: &HeaderMap) -> Option<String> {
    TRANSACTION_IDS
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .map(str::trim)
        .find(|id| !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn one(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date() {
        let now = DateTime::from_timestamp(784_111_777, 0).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
        for (text, seconds) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("86401", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let wait = retry_after(&one("retry-after", text), now);
            assert_eq!(wait.map(|wait| wait.as_secs()), seconds, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn json_is_told_by_its_content_type() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("application/Problem+JSON ;x=y", true),
            ("text/html", false),
            ("application/jsonx", false),
            ("", false),
        ] {
            assert_eq!(content_type_is_json(&one("content-type", value)), json, "{value}");
        }
    }

    #[test]
    fn a_page_is_recognised_even_when_it_claims_to_be_json() {
        for (kind, body, html) in [
            ("text/html;charset=UTF-8", "", true),
            ("application/json", " \r\n<html>", true),
            ("application/json", "\u{feff}<!doctype html>", true),
            ("application/json", "{\"a\":\"<b>\"}", false),
            ("text/plain", "ok", false),
        ] {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let response = Response { status: ::http::StatusCode::OK, headers: one("content-type", kind), body };
            assert_eq!(is_html(&response), html, "{kind} {:?}", response.body);
        }
    }

    #[test]
    fn a_credential_cannot_add_a_header_and_is_not_printed() {
        for bad in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
            let error = secret_header(bad).unwrap_err();
            assert!(!error.to_string().contains("Evil"), "{error}");
        }
        let value = secret_header("CwsAuth Bearer=hunter2").unwrap();
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn the_transaction_id_is_read_from_all_four_headers_and_only_when_it_is_one() {
        for name in TRANSACTION_IDS {
            assert_eq!(transaction_id(&one(name, "abc-1")).as_deref(), Some("abc-1"));
        }
        assert_eq!(transaction_id(&one("x-transaction-id", "")), None);
        assert_eq!(transaction_id(&one("x-transaction-id", &"x".repeat(200))), None);
        assert_eq!(transaction_id(&one("x-transaction-id", "a b")), None);
    }
}
