//! The end of the interpreter. A thread that is inside Python then is ended by Python on the spot, which Rust does not
//! survive: so threads of ours enter through here, and the end waits for those inside and lets no more in.

use std::{
    cell::Cell,
    sync::{
        OnceLock,
        atomic::{AtomicIsize, Ordering::SeqCst},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

use crate::runtime;

/// How long an observer or a handler of log lines can hold up the end.
const PATIENCE: Duration = Duration::from_secs(5);

static INSIDE: AtomicIsize = AtomicIsize::new(0);
/// The thread that ends the interpreter; it alone goes on as before.
static ENDING: OnceLock<ThreadId> = OnceLock::new();

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Somebody who is inside Python, and is waited for.
pub(crate) struct Inside(());

impl Inside {
    /// For a thread that is attached and about to run Python. Daemon threads get no further at the end; that is what
    /// Python does with them, too.
    pub(crate) fn python(py: Python<'_>) -> Self {
        match Self::enter() {
            Some(inside) => inside,
            None => py.detach(|| {
                loop {
                    thread::park();
                }
            }),
        }
    }

    fn enter() -> Option<Self> {
        let outermost = DEPTH.replace(DEPTH.get() + 1) == 0;
        if outermost {
            INSIDE.fetch_add(1, SeqCst);
        }
        let inside = Self(());
        let may = !outermost || ENDING.get().is_none_or(|ending| *ending == thread::current().id());
        may.then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            INSIDE.fetch_sub(1, SeqCst);
        }
    }
}

/// Runs Python on any thread; none when the interpreter is about to end.
pub(crate) fn attached<R>(work: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    let _inside = Inside::enter()?;
    Python::try_attach(work)
}

pub(crate) fn has_begun() -> bool {
    ENDING.get().is_some()
}

/// After a fork nobody but the thread that forked is there; below 0 when it forked in here.
pub(crate) fn begin_anew() {
    INSIDE.store(0, SeqCst);
}

/// Has Python call [`end`] when it ends.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(end, py)?,)).map(drop)
}

#[pyfunction]
fn end(py: Python<'_>) {
    // A second time only in a fork, where it makes no difference.
    let _ = ENDING.set(thread::current().id());
    if runtime::built(py).is_some() {
        py.detach(|| {
            let began = Instant::now();
            while INSIDE.load(SeqCst) > 0 && began.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
        });
    }
}
