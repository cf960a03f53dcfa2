//! What the last probe of each registration learned.

use std::sync::Arc;

use crate::{
    clock::Chance,
    error::Result,
    id::{CustomerId, InstanceId},
    model::ProbeReport,
    recent::{MOMENT, Recent},
    store::Store,
};

/// Gives out what was learned; cheap to clone.
#[derive(Clone)]
pub(crate) struct Learned(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    recent: Recent<(CustomerId, InstanceId), Option<Arc<ProbeReport>>>,
}

impl Learned {
    pub(crate) fn new(store: Arc<dyn Store>, chance: Chance) -> Self {
        Self(Arc::new(Inner { store, recent: Recent::new(chance, MOMENT) }))
    }

    /// None when it was never probed.
    pub(super) async fn of(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Option<Arc<ProbeReport>>> {
        let key = (customer.clone(), instance.clone());
        let stored = || {
            let (store, (customer, instance)) = (Arc::clone(&self.0.store), key.clone());
            async move { Ok(store.probe(&customer, &instance).await?.map(|row| Arc::new(row.value))) }
        };
        self.0.recent.get(&key, stored).await
    }

    /// Something else was learned.
    pub(super) fn forget(&self, customer: &CustomerId, instance: &InstanceId) {
        self.0.recent.forget(&(customer.clone(), instance.clone()));
    }
}
