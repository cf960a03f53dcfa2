//! The end of the interpreter. A thread that is inside Python then is ended by Python on the spot, which Rust does not
//! survive: so threads of ours enter through here, and the end waits for those inside and lets no more in.

use std::{
    sync::atomic::{AtomicBool, AtomicIsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

use crate::runtime;

/// How long an observer or a handler of log lines can hold up the end.
const PATIENCE: Duration = Duration::from_secs(5);

static INSIDE: AtomicIsize = AtomicIsize::new(0);
static ENDED: AtomicBool = AtomicBool::new(false);

/// Somebody who is inside Python, and is waited for.
pub(crate) struct Inside(());

impl Inside {
    /// None when the interpreter is about to end.
    pub(crate) fn enter() -> Option<Self> {
        INSIDE.fetch_add(1, SeqCst);
        let inside = Self(());
        (!has_ended()).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, SeqCst);
    }
}

/// Runs Python on any thread; none when the interpreter is about to end.
pub(crate) fn attached<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    let _inside = Inside::enter()?;
    Python::try_attach(work)
}

pub(crate) fn has_ended() -> bool {
    ENDED.load(SeqCst)
}

/// After a fork nobody but the thread that forked is there; below 0 when it forked in here.
pub(crate) fn begin_anew() {
    INSIDE.store(0, SeqCst);
}

/// Registered with `atexit` when the module is loaded.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) {
    ENDED.store(true, SeqCst);
    if runtime::is_of_this_process(py) {
        py.detach(|| {
            let began = Instant::now();
            while INSIDE.load(SeqCst) > 0 && began.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
        });
    }
}
