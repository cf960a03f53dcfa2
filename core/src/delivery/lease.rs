//! A lease of the store, given back whatever becomes of its holder.

use std::sync::Arc;

use crate::store::{Lease, Store};

/// A lease in hand. A caller that goes away gives it back too, so that the next one need not wait for its end.
pub(super) struct HeldLease {
    pub(super) store: Arc<dyn Store>,
    pub(super) lease: Option<Lease>,
}

impl HeldLease {
    pub(super) async fn give_back(mut self) {
        if let Some(lease) = self.lease.take() {
            release(&*self.store, &lease).await;
        }
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
