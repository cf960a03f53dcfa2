//! Who hears, within this process, that there may be something to do.

use tokio::sync::broadcast;

use crate::id::CustomerId;

/// Rings that a worker may be behind; one that is further behind looks at everything.
const BEHIND: usize = 1024;

/// What has happened.
#[derive(Debug, Clone)]
pub(crate) enum Ring {
    /// Something of this account was accepted.
    Accepted(CustomerId),
    /// A registration has changed.
    Registered,
}

/// Rings for every worker of the process, and waits for none; all clones are one.
#[derive(Clone)]
pub(crate) struct Bell(broadcast::Sender<Ring>);

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }
}

impl Bell {
    pub(crate) fn ring(&self, ring: Ring) {
        // Nobody may be listening.
        let _ = self.0.send(ring);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Ring> {
        self.0.subscribe()
    }
}
