//! Events, told to a callback or taken one by one.

use itsm_adapter::{Client, Event, Observer};
use pyo3::{exceptions::PyTypeError, inspect::PyStaticExpr, prelude::*, type_hint_identifier, type_hint_subscript};

use crate::{
    convert::goes_in,
    exit,
    feed::{Feed, feeds},
};

/// A Python callable that is told events. What it raises goes to `sys.unraisablehook`.
pub(crate) struct Callback(Py<PyAny>);

goes_in! {
    Callback: type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Callable"),
        PyStaticExpr::List { elts: &[<Event as IntoPyObject<'static>>::OUTPUT_TYPE] },
        type_hint_identifier!("builtins", "object")
    ) => |given| {
        let callable = given.is_callable().then(|| Self(given.to_owned().unbind()));
        callable.ok_or_else(|| PyTypeError::new_err("the observer cannot be called"))
    };
}

impl Observer for Callback {
    fn on_event(&self, event: &Event) {
        exit::attached(|py| {
            if let Err(error) = self.0.call1(py, (event.clone(),)) {
                error.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }
}

/// Events from the moment of subscribing on, until the client is closed.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct Subscription(Feed<itsm_adapter::Subscription>);

/// Events from the moment of subscribing on, until the client is closed.
#[pyclass(frozen, module = "itsm_adapter")]
pub(crate) struct AsyncSubscription(Feed<itsm_adapter::Subscription>);

feeds! {
    Subscription, AsyncSubscription of Event;
}

impl From<&Client> for Subscription {
    fn from(client: &Client) -> Self {
        Self(Feed::new(client.subscribe()))
    }
}

impl From<&Client> for AsyncSubscription {
    fn from(client: &Client) -> Self {
        Self(Feed::new(client.subscribe()))
    }
}
