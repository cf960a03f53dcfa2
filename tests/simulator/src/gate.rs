//! Queues for work that one party may only do one after another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::lock::lock;

/// Permission to run; given back when dropped.
pub(crate) enum Pass {
    /// The turn of a session.
    Turn { _guard: OwnedMutexGuard<()>, _place: Place },
    /// The only query of a customer.
    Only { _busy: Busy },
}

/// A place in a queue.
pub(crate) struct Place {
    queue: Arc<Queue>,
}

impl Drop for Place {
    fn drop(&mut self) {
        *lock(&self.queue.length) -= 1;
    }
}

/// The queue of one session.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    turn: Arc<Turn<()>>,
    length: Mutex<usize>,
}

impl Queue {
    /// Waits for the turn; `None` when more than `limit` already wait behind the one that runs.
    pub(crate) async fn enter(self: Arc<Self>, limit: usize) -> Option<Pass> {
        {
            let mut length = lock(&self.length);
            if *length > limit {
                return None;
            }
            *length += 1;
        }
        let place = Place { queue: self.clone() };
        let guard = self.turn.clone().lock_owned().await;
        Some(Pass::Turn { _guard: guard, _place: place })
    }
}

/// Counts who is busy, by name.
#[derive(Debug, Default)]
pub(crate) struct BusyBoard {
    busy: Arc<Mutex<HashMap<String, u32>>>,
}

impl BusyBoard {
    /// Takes the name unless somebody holds it.
    pub(crate) fn take(&self, name: &str) -> Option<Busy> {
        let mut busy = lock(&self.busy);
        if busy.contains_key(name) {
            return None;
        }
        busy.insert(name.to_owned(), 1);
        Some(Busy { board: self.busy.clone(), name: name.to_owned() })
    }
}

/// A name that is taken until this is dropped.
pub(crate) struct Busy {
    board: Arc<Mutex<HashMap<String, u32>>>,
    name: String,
}

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.board).remove(&self.name);
    }
}
