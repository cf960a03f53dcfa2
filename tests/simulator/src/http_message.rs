//! One request and one answer, as the two simulated systems see them.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

/// A request that has been read completely.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Path as it was sent, still percent-encoded.
    pub(crate) path: String,
    /// Path split at `/` and decoded; empty parts are left out.
    pub(crate) segments: Vec<String>,
    /// Query string as it was sent; empty when there was none.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `http://host:port` as the client named it; absolute links are built on it.
    pub(crate) base: String,
}

impl Ask {
    /// Builds a request from its parts; `base` is used when no `Host` came.
    pub(crate) fn new(method: Method, target: &str, headers: HeaderMap, body: Bytes, base: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect();
        let base = headers
            .get(http::header::HOST)
            .and_then(|host| host.to_str().ok())
            .map_or_else(|| base.to_owned(), |host| format!("http://{host}"));
        Self { method, path: path.to_owned(), segments, query: query.to_owned(), headers, body, base }
    }

    /// One header as text; unreadable bytes count as absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The decoded segments as string slices, for matching.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Query parameters in order.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        pairs(self.query.as_bytes())
    }

    /// The first query parameter of that name.
    pub(crate) fn param(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body read as a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The media type without its parameters, lower case; `None` when there is no `Content-Type`.
    pub(crate) fn media_type(&self) -> Option<String> {
        self.header("content-type").map(|text| text.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
    }

    /// Every cookie of the request.
    pub(crate) fn cookies(&self) -> Vec<(&str, &str)> {
        self.headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .collect()
    }

    /// One cookie by name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// Form or query text as pairs, percent-decoding done.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// The value of `name` in a list of pairs.
pub(crate) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Decodes `%41` but leaves `+` alone: the rule for paths.
pub(crate) fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let kept = text.replace('+', "%2B");
    form_urlencoded::parse(kept.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

/// Encodes a value for a query string.
pub(crate) fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// What the log should know about an answer beside its status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note {
    pub(crate) customer: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) grant_type: Option<String>,
    pub(crate) transaction_id: Option<String>,
}

/// An answer before faults have touched it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) note: Note,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            note: Note::default(),
        }
    }

    /// Any bytes with their media type.
    pub(crate) fn bytes(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status);
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        answer.body = body.into();
        answer
    }

    /// JSON with the plain media type.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", value.to_string())
    }

    /// An HTML page.
    pub(crate) fn html(status: u16, page: impl Into<Bytes>) -> Self {
        Self::bytes(status, "text/html;charset=UTF-8", page)
    }

    /// Sets a header; a value that cannot be one is left out rather than panicking.
    pub(crate) fn with<'a>(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.set(name, value);
        self
    }

    /// As [`Answer::with`], in place.
    pub(crate) fn set<'a>(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        let text: Cow<'a, str> = value.into();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text)) {
            self.headers.insert(name, value);
        }
    }

    /// Adds a header beside those of the same name.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            self.headers.append(name, value);
        }
    }
}

/// A map key of a JSON object as text, if it is a string.
pub(crate) fn text_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
