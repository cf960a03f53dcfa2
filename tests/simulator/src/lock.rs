//! Taking a mutex without caring whether an earlier holder panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. A poisoned lock is taken anyway: one failed request must not end the simulator for all others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
