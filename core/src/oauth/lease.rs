//! The lease on a token: one exchange at a time over all processes (T15).

use std::time::Duration;

use super::{
    flight::TokenKey,
    refresh::{Inner, Renewed},
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    secret::Secret,
    store::Lease,
};

/// Added to the longest time that one call may take: what is read and saved around it.
pub(super) const MARGIN: Duration = Duration::from_secs(30);
/// Pause between two looks at a lease that somebody else holds.
const LEASE_POLL: Duration = Duration::from_millis(50);

/// Wait for somebody else's exchange after which it is not an ordinary one.
const ORDINARY: Duration = Duration::from_secs(2);

/// What waiting for a lease came to.
pub(super) enum Leased {
    Fresh(Renewed),
    Held(Lease),
}

impl Inner {
    /// Waits for the lease; ends early when whoever holds it has stored a token that serves.
    pub(super) async fn lease(&self, key: &TokenKey, refused: Option<&Secret>) -> Result<Leased> {
        let name = lease_name(key);
        let owner = self.chance.uuid().to_string();
        let began = self.chance.now();
        let give_up = began + self.lease_span * 2;
        let mut doubt = None;
        loop {
            let now = self.chance.now();
            if now > began + ORDINARY {
                doubt.get_or_insert_with(|| self.doubts.begin(key, now + ORDINARY));
            }
            let lease = self.store.acquire(&name, &owner, now, now + self.lease_span).await?;
            let serving = match self.stored(key).await {
                Ok(cached) => cached.filter(|cached| cached.serves(now, refused)),
                Err(error) => {
                    if let Some(lease) = &lease {
                        self.release(lease).await;
                    }
                    return Err(error);
                }
            };
            match (lease, serving) {
                (lease, Some(cached)) => {
                    if let Some(lease) = &lease {
                        self.release(lease).await;
                    }
                    return Ok(Leased::Fresh(cached));
                }
                (Some(lease), None) => return Ok(Leased::Held(lease)),
                (None, None) if now > give_up => {
                    return Err(held_too_long());
                }
                (None, None) => self.chance.clock.sleep(LEASE_POLL).await,
            }
        }
    }

    /// Waits for the lease, whatever is stored.
    pub(super) async fn lease_for_change(&self, key: &TokenKey) -> Result<Lease> {
        let (name, owner) = (lease_name(key), self.chance.uuid().to_string());
        let give_up = self.chance.now() + self.lease_span * 2;
        loop {
            let now = self.chance.now();
            if let Some(lease) = self.store.acquire(&name, &owner, now, now + self.lease_span).await? {
                return Ok(lease);
            }
            if now > give_up {
                return Err(held_too_long());
            }
            self.chance.clock.sleep(LEASE_POLL).await;
        }
    }

    /// Keeps the lease for one more call.
    ///
    /// # Errors
    /// `unavailable` when somebody else had it in between: what they have stored counts.
    pub(super) async fn prolong(&self, lease: &Lease) -> Result<()> {
        let now = self.chance.now();
        match self.store.acquire(&lease.name, &lease.owner, now, now + self.lease_span).await? {
            Some(held) if held.fence == lease.fence => Ok(()),
            other => {
                if let Some(taken_anew) = &other {
                    self.release(taken_anew).await;
                }
                Err(Error::new(ErrorKind::Unavailable, "Another process has taken over the exchange of the token.")
                    .retry(Retry::Now))
            }
        }
    }

    pub(super) async fn release(&self, lease: &Lease) {
        if let Err(error) = self.store.release(lease).await {
            tracing::warn!(error = %error, "a lease could not be released; it ends by itself");
        }
    }
}

fn lease_name(key: &TokenKey) -> String {
    match key {
        TokenKey::Citrix(customer) => format!("token:{customer}"),
        TokenKey::ServiceNow(customer, instance) => format!("token:{customer}@{instance}"),
    }
}

fn held_too_long() -> Error {
    Error::new(ErrorKind::Unavailable, "Another process has been exchanging the token for too long.").retry(Retry::Now)
}
