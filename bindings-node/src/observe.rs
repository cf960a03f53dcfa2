//! Functions of JavaScript that are told events and log lines. They are weak: they do not keep a process alive.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use itsm_adapter::{
    Environment, Event, Observer,
    ffi::missed_events,
    log::{self, LogLevel},
};
use napi::{Env, Result, bindgen_prelude::Function};
use napi_derive::napi;

use crate::promise::Callback;

/// What it lets wait for too long it misses, and is told so with the next event.
pub(crate) struct Watcher {
    callback: Callback<Event>,
    missed: AtomicU64,
}

impl Watcher {
    pub(crate) fn new(callback: Callback<Event>) -> Self {
        Self { callback, missed: AtomicU64::new(0) }
    }
}

impl Observer for Watcher {
    fn on_event(&self, event: &Event) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let comes_after = missed == 0 || self.callback.tell(missed_events(missed));
        if !comes_after || !self.callback.tell(event.clone()) {
            let again = if comes_after { 0 } else { missed };
            self.missed.fetch_add(again + 1, Ordering::Relaxed);
        }
    }
}

/// One line of the adapter's log.
#[napi(object, object_from_js = false)]
pub(crate) struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the adapter that wrote it.
    pub target: String,
    /// The line, without secrets.
    pub message: String,
}

/// Sends the adapter's log lines, down to this level, to a function; a later call replaces the earlier one, for
/// the whole process with all its threads. Does not keep the process alive. False when the lines go elsewhere.
#[napi(ts_args_type = "level: LogLevel, callback: (line: LogLine) => void")]
pub(crate) fn forward_logs(env: &Env, level: LogLevel, callback: Function<'_, LogLine, ()>) -> Result<bool> {
    let callback = Callback::new(env, &callback)?;
    let sink = move |level, target: &str, message: &str| {
        // Lines that nobody comes to take are let go.
        let _ = callback.tell(LogLine { level, target: target.to_owned(), message: message.to_owned() });
    };
    Ok(log::forward_logs(level, Arc::new(sink)))
}

/// Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
/// publishes none.
#[napi]
pub(crate) fn egress_ranges(environment: Environment) -> Vec<&'static str> {
    itsm_adapter::egress_ranges(environment).to_vec()
}
