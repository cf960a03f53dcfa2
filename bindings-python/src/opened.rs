//! An open client that survives `fork`: each process that uses it opens its own over the same store.

use std::{
    fmt, mem, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use itsm_adapter::{
    Client, ClientOptions, Config, Result,
    store::{after_fork, before_fork},
};
use pyo3::{prelude::*, sync::PyOnceLock, types::IntoPyDict};
use tokio::sync::OnceCell;

use crate::{log, runtime::wait};

/// A client and the process that opened it. In any other process it is left as it is: its connections and threads
/// belong to the one that it was forked from.
struct Owned(u32, Client);

impl Drop for Owned {
    fn drop(&mut self) {
        if self.0 != process::id() {
            mem::forget(self.1.clone());
        }
    }
}

/// What all parts of a Python client share.
pub(crate) struct Opened {
    first: Arc<Owned>,
    /// The process that asked last, and its client. Locked only while attached, see `runtime`.
    here: Mutex<(u32, Arc<OnceCell<Owned>>)>,
}

impl Opened {
    pub(crate) fn open(py: Python<'_>, options: ClientOptions) -> PyResult<Arc<Self>> {
        log::follow(py)?;
        prepare_for_forks(py)?;
        let client = wait(py, async { Client::open(Config::resolve(options)?).await })?;
        let pid = process::id();
        let here = Mutex::new((pid, Arc::new(OnceCell::new_with(Some(Owned(pid, client.clone()))))));
        Ok(Arc::new(Self { first: Arc::new(Owned(pid, client)), here }))
    }

    /// The way to the client of this process, to be taken from inside the work.
    pub(crate) fn here(&self, py: Python<'_>) -> Here {
        let (pid, client) = {
            let here = self.of_this_process(py);
            (here.0, here.1.clone())
        };
        Here { pid, first: self.first.clone(), client }
    }

    fn of_this_process(&self, _: Python<'_>) -> MutexGuard<'_, (u32, Arc<OnceCell<Owned>>)> {
        let pid = process::id();
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        if here.0 != pid {
            *here = (pid, Arc::default());
        }
        here
    }

    /// Closes the client of this process, if it has one: what was inherited is not this process's to close.
    pub(crate) fn close(&self, py: Python<'_>) {
        if let Some(owned) = self.here(py).client.get() {
            owned.1.close();
        }
    }

    pub(crate) fn is_closed(&self, py: Python<'_>) -> bool {
        self.of_this_process(py).1.get().unwrap_or(&self.first).1.is_closed()
    }

    /// The client of this process, now. One that is there is given without waiting, so to observers too.
    pub(crate) fn now(&self, py: Python<'_>) -> PyResult<Client> {
        let here = self.here(py);
        match here.client.get() {
            Some(owned) => Ok(owned.1.clone()),
            None => wait(py, here.client()),
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.1.fmt(f)
    }
}

/// Has Python put the stores' connections away for the moment of a fork.
fn prepare_for_forks(py: Python<'_>) -> PyResult<()> {
    #[pyfunction]
    fn before(py: Python<'_>) {
        py.detach(before_fork);
    }

    #[pyfunction]
    fn after() {
        after_fork();
    }

    static DONE: PyOnceLock<()> = PyOnceLock::new();
    #[cfg(unix)]
    DONE.get_or_try_init(py, || {
        let (before, after) = (wrap_pyfunction!(before, py)?, wrap_pyfunction!(after, py)?);
        let hooks = [("before", &before), ("after_in_parent", &after), ("after_in_child", &after)].into_py_dict(py)?;
        py.import("os")?.call_method("register_at_fork", (), Some(&hooks)).map(drop)
    })?;
    Ok(())
}

#[derive(Clone)]
pub(crate) struct Here {
    pid: u32,
    first: Arc<Owned>,
    client: Arc<OnceCell<Owned>>,
}

impl Here {
    /// # Errors
    /// After a fork, as [`Client::reopen`].
    pub(crate) async fn client(self) -> Result<Client> {
        let reopened = async { Ok(Owned(self.pid, self.first.1.reopen().await?)) };
        self.client.get_or_try_init(|| reopened).await.map(|owned| owned.1.clone())
    }
}
