//! The adapter's log lines in Python's `logging`, under the logger `itsm_adapter`.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use itsm_adapter::log::{LogLevel, forward_logs};
use pyo3::prelude::*;

use crate::exit::{self, Inside};

/// The level that is forwarded now; none yet below 0.
static LEVEL: AtomicI32 = AtomicI32::new(-1);

/// Forwards log lines down to the level that the logger `itsm_adapter` has now. Every client does so when it is
/// opened; call this when you have changed the level since.
#[pyfunction(name = "forward_logs")]
pub(crate) fn follow(py: Python<'_>) -> PyResult<()> {
    let _inside = Inside::python(py);
    let logger = py.import("logging")?.call_method1("getLogger", ("itsm_adapter",))?;
    let level = logger.call_method0("getEffectiveLevel")?.extract()?;
    // Not said again when nothing changes: after a fork, another thread's lock could be in the way.
    if LEVEL.swap(level, Ordering::Relaxed) != level {
        let down_to = match level {
            ..=5 => LogLevel::Trace,
            6..=10 => LogLevel::Debug,
            11..=20 => LogLevel::Info,
            21..=30 => LogLevel::Warn,
            _ => LogLevel::Error,
        };
        forward_logs(down_to, Arc::new(log));
    }
    Ok(())
}

/// The number that `logging` knows a level by.
fn number(level: LogLevel) -> i32 {
    match level {
        LogLevel::Error => 40,
        LogLevel::Warn => 30,
        LogLevel::Info => 20,
        LogLevel::Debug => 10,
        LogLevel::Trace => 5,
    }
}

fn log(level: LogLevel, target: &str, message: &str) {
    exit::attached(|py| {
        let logged = || {
            let logger = py.import("logging")?.call_method1("getLogger", (target.replace("::", "."),))?;
            logger.call_method1("log", (number(level), "%s", message))
        };
        if let Err(error) = logged() {
            error.write_unraisable(py, None);
        }
    });
}
