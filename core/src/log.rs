//! Log lines for a language that has a log of its own.

use std::{
    fmt::{self, Write},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Registry,
    layer::{Context, Layer, SubscriberExt},
};

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
pub enum LogLevel {
    /// Something failed that the adapter cannot mend.
    Error,
    /// Something to look at.
    Warn,
    /// What happened.
    Info,
    /// Each request, without headers, bodies and queries.
    Debug,
    /// Everything.
    Trace,
}

/// Takes log lines. Called on any thread, under no lock of the adapter; be quick.
pub trait LogSink: Send + Sync {
    /// Takes one line. `target` is the part of the adapter that wrote it.
    fn log(&self, level: LogLevel, target: &str, message: &str);
}

impl<F: Fn(LogLevel, &str, &str) + Send + Sync> LogSink for F {
    fn log(&self, level: LogLevel, target: &str, message: &str) {
        self(level, target, message);
    }
}

static SINK: RwLock<Option<(LogLevel, Arc<dyn LogSink>)>> = RwLock::new(None);
static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Sends the adapter's log lines, down to this level, to a sink; a later call replaces the earlier one, for the
/// whole process. False when the program has a `tracing` subscriber of its own, which then gets the lines.
pub fn forward_logs(level: LogLevel, sink: Arc<dyn LogSink>) -> bool {
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = Some((level, sink));
    let installed =
        *INSTALLED.get_or_init(|| tracing::subscriber::set_global_default(Registry::default().with(Forward)).is_ok());
    tracing::callsite::rebuild_interest_cache();
    installed
}

struct Forward;

impl<S: Subscriber> Layer<S> for Forward {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        // Lines of the libraries below could show what ours never do (T6).
        metadata.target().starts_with("itsm_adapter")
            && current().is_some_and(|(wanted, _)| level(*metadata.level()) <= wanted)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match current().map(|(wanted, _)| wanted) {
            None => LevelFilter::OFF,
            Some(LogLevel::Error) => LevelFilter::ERROR,
            Some(LogLevel::Warn) => LevelFilter::WARN,
            Some(LogLevel::Info) => LevelFilter::INFO,
            Some(LogLevel::Debug) => LevelFilter::DEBUG,
            Some(LogLevel::Trace) => LevelFilter::TRACE,
        })
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let Some((_, sink)) = current() else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        sink.log(level(*metadata.level()), metadata.target(), &format!("{}{}", line.message, line.fields));
    }
}

fn current() -> Option<(LogLevel, Arc<dyn LogSink>)> {
    SINK.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// The message first, then `name=value` for each field.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}
