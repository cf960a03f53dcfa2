//! What gives one thing after the other: `for` and `async for` over what the core hands out.

use std::{mem, process, sync::Arc};

use itsm_adapter::{Client, Error, ErrorKind, Event, JsonPages, Result, Subscription};
use pyo3::{IntoPyObjectExt, exceptions::PyStopAsyncIteration, inspect::PyStaticExpr, prelude::*};
use tokio::sync::Mutex;

use crate::{convert::RecordPage, opened::Here};

/// A source of items.
pub(crate) trait Source: Send + 'static {
    type Item: Send + 'static;

    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

impl Source for Subscription {
    type Item = Event;

    async fn next(&mut self) -> Result<Option<Event>> {
        Ok(Self::next(self).await)
    }
}

/// A walk over pages of records, which begins when the first one is asked for.
pub(crate) struct Walked {
    here: Here,
    begin: Option<Begin>,
    pages: Option<JsonPages>,
}

type Begin = Box<dyn FnOnce(&Client) -> Result<JsonPages> + Send>;

impl Walked {
    pub(crate) fn over(here: Here, begin: impl FnOnce(&Client) -> Result<JsonPages> + Send + 'static) -> Feed<Self> {
        Feed::new(Self { here, begin: Some(Box::new(begin)), pages: None })
    }
}

impl Source for Walked {
    type Item = RecordPage;

    async fn next(&mut self) -> Result<Option<RecordPage>> {
        if self.begin.is_some() {
            let client = self.here.clone().client().await?;
            self.pages = self.begin.take().map(|begin| begin(&client)).transpose()?;
        }
        match &mut self.pages {
            Some(pages) => Ok(pages.next().await?.map(RecordPage::from)),
            None => Ok(None),
        }
    }
}

/// A source, in the process where it was begun. Anywhere else it is left as it is: its tasks belong to the process that
/// this one was forked from.
pub(crate) struct Feed<S>(Arc<Owned<S>>);

struct Owned<S> {
    pid: u32,
    source: Option<Mutex<S>>,
}

impl<S: Source> Feed<S> {
    pub(crate) fn new(source: S) -> Self {
        Self(Arc::new(Owned { pid: process::id(), source: Some(Mutex::new(source)) }))
    }

    /// The next item; none after the last one.
    pub(crate) fn next(&self) -> impl Future<Output = Result<Option<S::Item>>> + Send + use<S> {
        let owned = Arc::clone(&self.0);
        async move {
            match &owned.source {
                Some(source) if owned.pid == process::id() => source.lock().await.next().await,
                _ => Err(Error::new(ErrorKind::IllegalState, "The iterator belongs to the process before the fork.")
                    .remedy("Begin it again in this process.")),
            }
        }
    }
}

impl<S> Drop for Owned<S> {
    fn drop(&mut self) {
        if self.pid != process::id() {
            mem::forget(self.source.take());
        }
    }
}

/// What is given at the end of an `async for`, or the next item of it.
pub(crate) struct Next<T>(pub(crate) Option<T>);

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Next<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr = T::OUTPUT_TYPE;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let item = self.0.ok_or_else(|| PyStopAsyncIteration::new_err(()))?;
        item.into_bound_py_any(py)
    }
}

/// Two classes around a feed: for `for`, and for `async for`.
macro_rules! feeds {
    ($blocking:ident, $asyncio:ident of $item:ty;) => {
        #[pyo3::pymethods]
        impl $blocking {
            fn __iter__(slf: pyo3::Bound<'_, Self>) -> pyo3::Bound<'_, Self> {
                slf
            }

            fn __next__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<Option<$item>> {
                $crate::runtime::wait(py, self.0.next())
            }
        }

        #[pyo3::pymethods]
        impl $asyncio {
            fn __aiter__(slf: pyo3::Bound<'_, Self>) -> pyo3::Bound<'_, Self> {
                slf
            }

            fn __anext__(
                &self,
                py: pyo3::Python<'_>,
            ) -> pyo3::PyResult<$crate::convert::Coroutine<$crate::feed::Next<$item>>> {
                let next = self.0.next();
                $crate::runtime::coroutine(py, async { next.await.map($crate::feed::Next) })
            }
        }
    };
}
pub(crate) use feeds;

/// A walk over the pages of records.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct RecordPages(pub(crate) Feed<Walked>);

/// A walk over the pages of records.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct AsyncRecordPages(pub(crate) Feed<Walked>);

feeds! {
    RecordPages, AsyncRecordPages of RecordPage;
}
