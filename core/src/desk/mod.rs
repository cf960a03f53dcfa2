//! A browser flow on a desk (RFC 8252): a listener on loopback for one callback, and a page that says what happened.

mod hearing;
mod listener;
mod page;

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use url::Url;

pub(crate) use self::{
    hearing::Hearing,
    listener::{Listener, Place},
};

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

/// A listener that runs.
pub(crate) struct Seat {
    pub(crate) hearing: Hearing,
    pub(crate) redirect_url: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) task: JoinHandle<()>,
    /// Nobody waits for it any more.
    pub(crate) is_left: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hearing.give_up();
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
    pub(crate) fn seat(&self, flow_id: String, seat: Seat, now: DateTime<Utc>) {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|_, seat| now < seat.expires_at);
        seats.insert(flow_id, seat);
    }

    /// Ends the listeners at this address whose flow has ended, and that only stay to show their page again, so that
    /// somebody can begin anew.
    pub(crate) async fn make_room(&self, redirect_url: &str) {
        let Ok(redirect_url) = Url::parse(redirect_url).map(String::from) else { return };
        let over: Vec<Seat> = {
            let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let over = |_: &String, seat: &mut Seat| seat.redirect_url == redirect_url && seat.hearing.has_ended();
            seats.extract_if(over).map(|(_, seat)| seat).collect()
        };
        for mut seat in over {
            seat.task.abort();
            // The address is free when the task is gone, not before.
            drop((&mut seat.task).await);
        }
    }

    /// What a listener hears, and when its flow ends.
    pub(crate) fn find(&self, flow_id: &str) -> Option<(Hearing, DateTime<Utc>)> {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.get(flow_id).filter(|seat| !seat.is_left).map(|seat| (seat.hearing.clone(), seat.expires_at))
    }

    /// Ends a listener. A callback that it has taken already runs to its end.
    pub(crate) fn leave(&self, flow_id: &str) {
        if let Some(seat) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(flow_id) {
            seat.is_left = true;
            seat.hearing.give_up();
            seat.task.abort();
        }
    }

    /// Ends all listeners.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
