//! What a listener and whoever waits for it know of each other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::{
    error::{Error, ErrorKind, Result},
    model::Authorized,
};

/// One flow at a listener. It is taken once: by the first callback, or by whoever gives it up.
#[derive(Clone, Default)]
pub(crate) struct Hearing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    taken: AtomicBool,
    /// What became of the flow; none while it goes on.
    outcome: watch::Sender<Option<Result<Authorized>>>,
    /// Browsers that wait for the page that says so.
    showing: watch::Sender<usize>,
}

impl Hearing {
    /// True for the one who takes the flow.
    pub(super) fn take(&self) -> bool {
        !self.0.taken.swap(true, Ordering::SeqCst)
    }

    pub(super) fn tell(&self, outcome: Result<Authorized>) {
        self.0.outcome.send_replace(Some(outcome));
    }

    /// Takes the flow so that no callback can; false when one has come before, whose outcome is to be waited for.
    pub(crate) fn give_up(&self) -> bool {
        let is_first = self.take();
        if is_first {
            self.tell(Err(gone()));
        }
        is_first
    }

    /// What becomes of the flow.
    pub(crate) async fn outcome(&self) -> Result<Authorized> {
        let mut outcome = self.0.outcome.subscribe();
        let ended = outcome.wait_for(Option::is_some).await;
        ended.ok().and_then(|ended| ended.clone()).unwrap_or_else(|| Err(gone()))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.outcome.borrow().is_some()
    }

    /// Notes that a browser waits for the page, until the answer is dropped.
    pub(super) fn show(&self) -> Showing {
        self.0.showing.send_modify(|browsers| *browsers += 1);
        Showing(self.clone())
    }

    /// Waits until no browser waits for the page.
    pub(crate) async fn shown(&self) {
        let mut showing = self.0.showing.subscribe();
        // The sender is ours, and lives.
        drop(showing.wait_for(|browsers| *browsers == 0).await);
    }
}

/// A browser that waits for the page.
pub(super) struct Showing(Hearing);

impl Drop for Showing {
    fn drop(&mut self) {
        self.0.0.showing.send_modify(|browsers| *browsers -= 1);
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Cancelled, "The authorization was given up; nothing was changed.")
        .remedy("Begin a new authorization.")
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_flow_is_taken_once() {
        let hearing = Hearing::default();
        assert!(hearing.take() && !hearing.take() && !hearing.give_up());
        assert!(hearing.outcome().now_or_never().is_none() && !hearing.has_ended(), "the callback goes on");
        hearing.tell(Err(Error::new(ErrorKind::ConsentDenied, "No.")));
        let told = hearing.outcome().now_or_never().unwrap().unwrap_err();
        assert!(told.kind() == ErrorKind::ConsentDenied && hearing.has_ended());

        let hearing = Hearing::default();
        assert!(hearing.give_up() && !hearing.take());
        assert_eq!(hearing.outcome().now_or_never().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn the_page_is_waited_for_as_long_as_a_browser_waits_for_it() {
        let hearing = Hearing::default();
        assert!(hearing.shown().now_or_never().is_some(), "nobody waits");
        let (one, other) = (hearing.show(), hearing.show());
        drop(one);
        assert!(hearing.shown().now_or_never().is_none());
        drop(other);
        assert!(hearing.shown().now_or_never().is_some());
    }
}
