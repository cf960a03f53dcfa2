//! A claim in hand. A holder that goes away half-way gives it back, so that the next one need not wait for its end.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    id::{CustomerId, DeliveryId},
    model::DeliveryStatus,
    store::{Claimed, Store},
};

/// Pause before a claim is given back once more to a store that failed.
const GIVE_BACK_AGAIN: Duration = Duration::from_secs(1);

/// A claimed delivery that nobody has begun to work on.
pub(super) struct Held {
    claimed: Claimed,
    claim: InHand,
}

/// The claim alone.
pub(super) struct InHand {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    id: DeliveryId,
    owner: Option<String>,
    /// How long the claim lasts at the most.
    span: Duration,
}

impl Held {
    pub(super) fn new(
        claimed: Claimed,
        owner: &str,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        span: Duration,
    ) -> Self {
        let id = claimed.row.value.delivery.id.clone();
        Self { claimed, claim: InHand { store, clock, id, owner: Some(owner.to_owned()), span } }
    }

    pub(super) fn customer(&self) -> &CustomerId {
        &self.claimed.row.value.delivery.customer_id
    }

    pub(super) fn id(&self) -> &DeliveryId {
        &self.claim.id
    }

    /// Whether an insert is what is next for it; else something is to be asked or changed first.
    pub(super) fn is_insert(&self) -> bool {
        let record = &self.claimed.row.value;
        record.delivery.status == DeliveryStatus::Pending
            && record.attempt_deadline.is_none()
            && record.unsure_at.is_empty()
    }

    /// To work on it.
    pub(super) fn open(self) -> (Claimed, InHand) {
        (self.claimed, self.claim)
    }

    /// Gives it back untouched. A store that fails now is asked again in the background.
    pub(super) async fn give_back(mut self) {
        let claim = &mut self.claim;
        if let Some(owner) = &claim.owner
            && claim.store.give_back(&claim.id, owner).await.is_ok()
        {
            claim.owner = None;
        }
    }
}

impl InHand {
    /// Whoever worked on it has written what it came to, and with that has given it back.
    pub(super) fn end(mut self) {
        self.owner = None;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let (Some(owner), Ok(runtime)) = (self.owner.take(), tokio::runtime::Handle::try_current()) {
            let (store, clock, id) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.id.clone());
            let end = clock.elapsed() + self.span;
            runtime.spawn(async move {
                // A store that fails now may serve again long before the claim ends by itself.
                while let Err(error) = store.give_back(&id, &owner).await {
                    if clock.elapsed() >= end {
                        tracing::warn!(error = %error, "a claim could not be given back; it ends by itself");
                        return;
                    }
                    clock.sleep(GIVE_BACK_AGAIN).await;
                }
            });
        }
    }
}
