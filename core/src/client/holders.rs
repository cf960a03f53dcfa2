//! What was read a moment ago about where accounts are registered.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use chrono::{DateTime, Utc};

use crate::id::{CustomerId, InstanceId};

/// A cache with a short life; forgotten at once when this client changes a registration itself.
#[derive(Default)]
pub(super) struct Holders(RwLock<HashMap<CustomerId, (InstanceId, DateTime<Utc>)>>);

impl Holders {
    pub(super) fn get(&self, customer: &CustomerId, now: DateTime<Utc>) -> Option<InstanceId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(customer).filter(|(_, until)| now < *until).map(|(instance, _)| instance.clone())
    }

    pub(super) fn put(&self, customer: CustomerId, instance: InstanceId, until: DateTime<Utc>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(customer, (instance, until));
    }

    pub(super) fn forget(&self, customer: &CustomerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(customer);
    }
}
