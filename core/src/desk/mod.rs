//! A browser flow on a desk (RFC 8252): a listener on loopback for one callback, and a page that says what happened.

mod listener;
mod page;

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::{sync::watch, task::AbortHandle};

pub(crate) use self::listener::{Listener, Place};
use crate::{error::Result, model::Authorized};

/// What became of a flow; none while it goes on.
pub(crate) type Outcome = Option<Result<Authorized>>;

/// Opens an address in a browser that the person in front of this machine sees.
pub trait OpenBrowser: Send + Sync {
    /// Opens it and returns at once.
    ///
    /// # Errors
    /// When there is no browser to be opened.
    fn open(&self, url: &str) -> std::io::Result<()>;
}

/// The system's own browser, the one that opens when a person clicks a link.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemBrowser;

impl OpenBrowser for SystemBrowser {
    fn open(&self, url: &str) -> std::io::Result<()> {
        open::that_detached(url)
    }
}

/// The listeners of one client, by the id of their flow.
#[derive(Default)]
pub(crate) struct Desk(Mutex<HashMap<String, Seat>>);

struct Seat {
    outcome: watch::Receiver<Outcome>,
    expires_at: DateTime<Utc>,
    task: AbortHandle,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Keeps a listener; the ones whose flows have ended meanwhile are let go.
    pub(crate) fn seat(
        &self,
        flow_id: String,
        outcome: watch::Receiver<Outcome>,
        expires_at: DateTime<Utc>,
        task: AbortHandle,
        now: DateTime<Utc>,
    ) {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|_, seat| now < seat.expires_at);
        seats.insert(flow_id, Seat { outcome, expires_at, task });
    }

    /// What a listener will have heard, and when its flow ends.
    pub(crate) fn find(&self, flow_id: &str) -> Option<(watch::Receiver<Outcome>, DateTime<Utc>)> {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.get(flow_id).map(|seat| (seat.outcome.clone(), seat.expires_at))
    }

    /// Ends a listener. A callback that it has taken already runs to its end.
    pub(crate) fn leave(&self, flow_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(flow_id);
    }

    /// Ends all listeners.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
