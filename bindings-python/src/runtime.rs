//! One tokio runtime per process, and the two ways of waiting for it: blocking, and as a coroutine.

use std::{
    cell::RefCell,
    mem,
    pin::Pin,
    process,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use itsm_adapter::{Error, ErrorKind, Result, ffi::guarded};
use pyo3::{IntoPyObjectExt, exceptions::PyRuntimeError, intern, prelude::*, sync::PyOnceLock};
use tokio::{
    runtime::{Builder, Handle},
    task::AbortHandle,
};

use crate::{
    convert::Coroutine,
    error::raise,
    exit::{self, Inside},
};

/// How often a blocked call looks whether Ctrl-C was pressed.
const SIGNALS: Duration = Duration::from_millis(50);

/// The process that built it, and the runtime. Locked only while attached to the interpreter, so that nobody holds
/// the lock when Python forks, and without running Python meanwhile.
static RUNTIME: Mutex<Option<(u32, Handle)>> = Mutex::new(None);

/// The runtime of this process. Its threads are never joined: at the exit of the interpreter they may be on their
/// way into it, where they can only be left alone.
fn runtime(py: Python<'_>) -> PyResult<Handle> {
    if let Some(handle) = built(py) {
        return Ok(handle);
    }
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
    let built = Builder::new_multi_thread().worker_threads(threads).thread_name("itsm-adapter").enable_all().build();
    let built = built.map_err(|error| {
        raise(Error::new(ErrorKind::Unavailable, format!("The adapter's threads could not be started: {error}.")))
    })?;
    exit::prepare(py)?;
    let pid = process::id();
    let mut slot = lock(&RUNTIME);
    match &*slot {
        Some((owner, handle)) if *owner == pid => {
            // Another thread was quicker.
            built.shutdown_background();
            Ok(handle.clone())
        }
        before => {
            if before.is_some() {
                exit::begin_anew();
            }
            let handle = built.handle().clone();
            mem::forget(built);
            *slot = Some((pid, handle.clone()));
            Ok(handle)
        }
    }
}

/// The runtime, if this process, and not one that it was forked from, has built it.
pub(crate) fn built(_: Python<'_>) -> Option<Handle> {
    let slot = lock(&RUNTIME);
    slot.as_ref().filter(|(owner, _)| *owner == process::id()).map(|(_, handle)| handle.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does the work and waits for it, detached from the interpreter; Ctrl-C ends it. What is ready at once needs no other
/// thread; everything else wakes this one once, when it is done.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let runtime = runtime(py)?;
    if Handle::try_current().is_ok() {
        let error =
            Error::new(ErrorKind::IllegalState, "An observer, or a handler of log lines, made a blocking call.");
        return Err(raise(error.remedy("Hand the work over to another thread.")));
    }
    py.detach(|| {
        let mut work = Box::pin(guarded(work));
        {
            let _entered = runtime.enter();
            if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Ok(done);
            }
        }
        let (tell, told) = mpsc::channel();
        // Nobody listens any more when Ctrl-C came first.
        let task = runtime.spawn(async move { drop(tell.send(work.await)) });
        loop {
            match told.recv_timeout(SIGNALS) {
                Ok(done) => return PyResult::Ok(done),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(interrupted) = exit::attached(signals).unwrap_or(Ok(())) {
                        task.abort();
                        // Until the work is dropped.
                        let _ = told.recv();
                        return Err(interrupted);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(Error::new(ErrorKind::Cancelled, "The adapter's threads have ended.")));
                }
            }
        }
    })?
    .map_err(raise)
}

/// Lets Python handle the signals that have come; an exception ends the call.
fn signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// A coroutine for the work, which begins when it is awaited and is dropped when that is cancelled.
pub(crate) fn coroutine<T: for<'a> IntoPyObject<'a> + Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<Coroutine<T>> {
    static RUN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let work = async move {
        let done = guarded(work).await;
        Box::new(move |py: Python<'_>| done.map_err(raise)?.into_py_any(py)) as Answer
    };
    let call = Call { work: Mutex::new(Some(Box::pin(work))), task: OnceLock::new() };
    let _inside = Inside::python(py);
    RUN.import(py, "itsm_adapter._call", "run")?.call1((call,)).map(Coroutine::from)
}

/// Makes the Python value or exception, on the thread of the event loop.
type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// One call of the asyncio client.
#[pyclass(frozen)]
struct Call {
    work: Mutex<Option<Pin<Box<dyn Future<Output = Answer> + Send>>>>,
    task: OnceLock<AbortHandle>,
}

#[pymethods]
impl Call {
    /// Begins the work; gives the future of the running loop that gets its result.
    fn start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if exit::has_begun() {
            return Err(raise(Error::new(ErrorKind::IllegalState, "The interpreter is about to end.")));
        }
        let mailbox = Mailbox::of_the_running_loop(py)?;
        let future = mailbox.get().event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let work = lock(&self.work).take().ok_or_else(|| PyRuntimeError::new_err("the call was awaited already"))?;
        let waiting = future.clone().unbind();
        let task = runtime(py)?.spawn(async move {
            let answer = work.await;
            Mailbox::put(&mailbox, waiting, answer);
        });
        // Set once, because the work was taken once.
        let _ = self.task.set(task.abort_handle());
        Ok(future)
    }

    /// Drops the work, wherever it is.
    fn abort(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

/// Answers on their way to one event loop: however many have come when it looks, they woke it up once.
#[pyclass(frozen)]
struct Mailbox {
    event_loop: Py<PyAny>,
    answers: Mutex<Vec<(Py<PyAny>, Answer)>>,
}

thread_local! {
    /// The mailbox of the loop that ran last on this thread.
    static LAST: RefCell<Option<Py<Mailbox>>> = const { RefCell::new(None) };
}

impl Mailbox {
    fn of_the_running_loop(py: Python<'_>) -> PyResult<Py<Self>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio", "get_running_loop")?.call0()?;
        let last = LAST.with_borrow(|last| last.as_ref().map(|last| last.clone_ref(py)));
        match last {
            Some(mailbox) if mailbox.get().event_loop.is(&event_loop) => Ok(mailbox),
            _ => {
                let mailbox = Py::new(py, Self { event_loop: event_loop.unbind(), answers: Mutex::default() })?;
                // What was there is dropped outside of the borrow: it can run Python code.
                let _before = LAST.replace(Some(mailbox.clone_ref(py)));
                Ok(mailbox)
            }
        }
    }

    /// Puts an answer in from any thread; only the first one attaches, to wake the loop.
    fn put(this: &Py<Self>, future: Py<PyAny>, answer: Answer) {
        let first = {
            let mut answers = lock(&this.get().answers);
            answers.push((future, answer));
            answers.len() == 1
        };
        if first {
            exit::attached(|py| {
                // Fails when the loop is closed: nobody waits any more.
                let _ = this.get().event_loop.bind(py).call_method1(intern!(py, "call_soon_threadsafe"), (this,));
            });
        }
    }
}

#[pymethods]
impl Mailbox {
    /// Hands the answers out. Called by the loop.
    fn __call__(&self, py: Python<'_>) {
        // Taken out first: in the head of the loop, the lock would be held until its end.
        let answers = mem::take(&mut *lock(&self.answers));
        for (future, answer) in answers {
            let future = future.bind(py);
            if let Err(error) = settle(py, future, answer) {
                error.write_unraisable(py, Some(future));
            }
        }
    }
}

fn settle(py: Python<'_>, future: &Bound<'_, PyAny>, answer: Answer) -> PyResult<()> {
    if future.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    match answer(py) {
        Ok(value) => future.call_method1(intern!(py, "set_result"), (value,)),
        Err(error) => future.call_method1(intern!(py, "set_exception"), (error.into_value(py),)),
    }
    .map(drop)
}
