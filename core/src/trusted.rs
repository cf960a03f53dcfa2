//! What was read of an account a moment ago, believed for a moment.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::id::CustomerId;

/// How long another process may go on with what this one has changed.
const TRUST: Duration = Duration::from_secs(5);

/// A cache with a short life; what this client changes itself is forgotten at once.
pub(crate) struct Trusted<V>(RwLock<HashMap<CustomerId, (V, DateTime<Utc>)>>);

impl<V> Default for Trusted<V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<V: Clone> Trusted<V> {
    pub(crate) fn get(&self, customer: &CustomerId, now: DateTime<Utc>) -> Option<V> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back does not prolong the trust.
        let serves = |until: DateTime<Utc>| now < until && until <= now + TRUST;
        known.get(customer).filter(|(_, until)| serves(*until)).map(|(value, _)| value.clone())
    }

    pub(crate) fn put(&self, customer: CustomerId, value: V, now: DateTime<Utc>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(customer, (value, now + TRUST));
    }

    pub(crate) fn forget(&self, customer: &CustomerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(customer);
    }
}
