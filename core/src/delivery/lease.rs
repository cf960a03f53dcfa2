//! A lease of the store, given back whatever becomes of its holder.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::{
    clock::Chance,
    detached::detached,
    error::Result,
    store::{Lease, Store},
};

/// A lease in hand. A caller that goes away gives it back too, so that the next one need not wait for its end.
pub(super) struct HeldLease {
    store: Arc<dyn Store>,
    lease: Option<Lease>,
}

impl HeldLease {
    /// None: somebody else holds it. By a task of its own: when nobody waits for it any more, it goes back.
    pub(super) async fn take(
        store: &Arc<dyn Store>,
        chance: &Chance,
        name: String,
        span: TimeDelta,
    ) -> Result<Option<(Self, Lease)>> {
        let (store, owner, now) = (Arc::clone(store), chance.uuid().to_string(), chance.now());
        let taking = async move {
            let lease = store.acquire(&name, &owner, now, now + span).await?;
            Ok(lease.map(|lease| (Self { store, lease: Some(lease.clone()) }, lease)))
        };
        detached("A lease ended unexpectedly.", taking).await
    }

    pub(super) async fn give_back(mut self) {
        if let Some(lease) = self.lease.take() {
            release(&*self.store, &lease).await;
        }
    }

    /// It is not given back: it ends by itself.
    pub(super) fn keep(mut self) {
        self.lease = None;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        if let (Some(lease), Ok(runtime)) = (self.lease.take(), tokio::runtime::Handle::try_current()) {
            let store = Arc::clone(&self.store);
            runtime.spawn(async move { release(&*store, &lease).await });
        }
    }
}

async fn release(store: &dyn Store, lease: &Lease) {
    if let Err(error) = store.release(lease).await {
        tracing::warn!(error = %error, "a lease could not be released; it ends by itself");
    }
}
