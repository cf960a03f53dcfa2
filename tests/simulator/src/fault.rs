//! Faults by name: which there are, and which request meets one.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lock::lock;

/// The names a fault can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// 429 with `Retry-After` (parameter `retry_after_s`, default 1), and how many requests an hour allows (`limit`,
    /// default 100).
    Throttle,
    /// `ServiceNow`'s other 429: no `Retry-After`, no rate headers.
    Semaphore,
    /// The given `status` (default 500) in that system's envelope.
    FailTimes,
    /// 500 "Transaction cancelled: maximum execution time exceeded".
    Quota,
    /// Waits `delay_ms` (default 1000), then goes on as usual.
    Slow,
    /// Never answers; ends when the client goes.
    Hang,
    /// Resets the connection before anything was processed.
    Cut,
    /// Processes the request, then resets the connection without a byte of answer.
    CutAfter,
    /// 200 with a login page.
    Html,
    /// 502 (parameter `status`) with the page of a load balancer.
    HtmlError,
    /// 200 with the page of a hibernating instance.
    Hibernating,
    /// 200 whose body breaks off: parameter `variant` is `invalid` (default), `valid` or `cut`.
    Truncate,
    /// 202, and the request was dropped.
    Accepted,
    /// 200 with an error object.
    #[serde(rename = "error_in_200")]
    ErrorIn200,
    /// Processes the request, then answers 502 with HTML.
    CreatedThenHtml,
    /// Processes the request, then waits `delay_ms` (default 1000) before the answer.
    CreatedThenSlow,
    /// 307 to `location`; from Citrix with the regional body.
    Redirect,
    /// 530, the frozen site.
    Frozen,
    /// The token presented is expired from now on.
    Expire,
    /// The token presented is revoked from now on.
    Revoke,
    /// One 401 although the token is good.
    #[serde(rename = "stray_401")]
    Stray401,
    /// One 403 although the rights are there.
    #[serde(rename = "stray_403")]
    Stray403,
    /// A body of `bytes` (default 256 MiB) of well-formed JSON.
    BigBody,
    /// The right answer, `chunk` bytes (default 1) every `delay_ms` (default 100).
    Drip,
    /// 200 `application/json` with noise in it.
    Garbage,
    /// A small gzip body that opens to `bytes` (default 256 MiB).
    GzipBomb,
    /// The right answer under `text/plain` (parameter `content_type`).
    WrongContentType,
    /// The right answer with cookies that look like another person's session.
    SetCookie,
    /// A Citrix error envelope: parameter `kind` is `E1` … `E10`, `status` its status.
    Envelope,
}

impl FaultKind {
    /// The name used in the control API.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Parameters a fault may have beside its own fields.
pub(crate) const PARAMETERS: [&str; 12] = [
    "retry_after_s",
    "limit",
    "status",
    "delay_ms",
    "location",
    "region",
    "variant",
    "bytes",
    "chunk",
    "content_type",
    "kind",
    "processed",
];

/// A fault that waits for its request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// `citrix`, or the name of a `ServiceNow` instance, or `any`.
    pub on: String,
    /// Route name or the beginning of one (`table`, `table:incident`, `table:incident:insert`), or `any`.
    #[serde(default = "any")]
    pub route: String,
    /// Which fault.
    pub fault: FaultKind,
    /// How many requests meet it; `None` means until cleared.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// How many matching requests pass before the first one meets it.
    #[serde(default)]
    pub skip: u32,
    /// Only requests of this Citrix customer.
    #[serde(default)]
    pub customer: Option<String>,
    /// Only token calls of this grant type.
    #[serde(default)]
    pub grant_type: Option<String>,
    /// Further parameters, by name.
    #[serde(flatten)]
    pub parameters: Map<String, Value>,
}

fn any() -> String {
    "any".to_owned()
}

#[allow(clippy::unnecessary_wraps, reason = "the shape serde asks for")]
fn once() -> Option<u32> {
    Some(1)
}

impl Fault {
    /// A fault that strikes once, on any route.
    pub fn new(on: impl Into<String>, fault: FaultKind) -> Self {
        Self {
            on: on.into(),
            route: any(),
            fault,
            times: Some(1),
            skip: 0,
            customer: None,
            grant_type: None,
            parameters: Map::new(),
        }
    }

    /// Limits it to a route.
    #[must_use]
    pub fn route(mut self, route: impl Into<String>) -> Self {
        self.route = route.into();
        self
    }

    /// Lets it strike `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets it strike until it is cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Lets `skip` matching requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Limits it to one Citrix customer.
    #[must_use]
    pub fn customer(mut self, customer: impl Into<String>) -> Self {
        self.customer = Some(customer.into());
        self
    }

    /// Limits it to token calls of one grant type.
    #[must_use]
    pub fn grant_type(mut self, grant_type: impl Into<String>) -> Self {
        self.grant_type = Some(grant_type.into());
        self
    }

    /// Sets a further parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.parameters.get(name).and_then(Value::as_u64).unwrap_or(default)
    }

    pub(crate) fn status(&self, default: u16) -> u16 {
        u16::try_from(self.number("status", u64::from(default))).unwrap_or(default)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameters.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn hits(&self, on: &str, route: &str, customer: Option<&str>, grant_type: Option<&str>) -> bool {
        (self.on == "any" || self.on == on)
            && matches_route(&self.route, route)
            && self.customer.as_deref().is_none_or(|wanted| Some(wanted) == customer)
            && self.grant_type.as_deref().is_none_or(|wanted| Some(wanted) == grant_type)
    }
}

/// Whether `wanted` names `route` or one of its parents.
fn matches_route(wanted: &str, route: &str) -> bool {
    wanted == "any" || route == wanted || route.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(':'))
}

/// All faults that still wait, in the order they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        if fault.times != Some(0) {
            lock(&self.waiting).push(fault);
        }
    }

    pub(crate) fn clear(&self) {
        lock(&self.waiting).clear();
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        lock(&self.waiting).clone()
    }

    /// Takes the first fault that hits this request and counts it down.
    pub(crate) fn take(
        &self,
        on: &str,
        route: &str,
        customer: Option<&str>,
        grant_type: Option<&str>,
    ) -> Option<Fault> {
        let mut waiting = lock(&self.waiting);
        let mut at = 0;
        while let Some(fault) = waiting.get_mut(at) {
            if fault.hits(on, route, customer, grant_type) {
                if fault.skip > 0 {
                    fault.skip -= 1;
                } else {
                    let taken = fault.clone();
                    if let Some(left) = fault.times.as_mut() {
                        *left -= 1;
                        if *left == 0 {
                            waiting.remove(at);
                        }
                    }
                    return Some(taken);
                }
            }
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_its_route_and_all_below_it() {
        for (wanted, route, hit) in [
            ("any", "me", true),
            ("table", "table:incident:insert", true),
            ("table:incident", "table:incident:insert", true),
            ("table:inc", "table:incident:insert", false),
            ("token", "token", true),
            ("token", "token:legacy", true),
            ("table:incident:insert", "table:incident:list", false),
        ] {
            assert_eq!(matches_route(wanted, route), hit, "{wanted} on {route}");
        }
    }

    #[test]
    fn skip_and_times_are_counted_per_matching_request() {
        let faults = Faults::default();
        faults.add(Fault::new("dev1", FaultKind::Quota).route("table").skip(1).times(2));
        let hits: Vec<bool> = ["table", "token", "table", "table", "table"]
            .iter()
            .map(|route| faults.take("dev1", route, None, None).is_some())
            .collect();
        assert_eq!(hits, [false, false, true, true, false]);
        assert!(faults.all().is_empty());
    }
}
