//! What the store said a moment ago, for questions that are asked again and again and whose answers hardly ever change.

use std::{
    collections::HashMap,
    hash::Hash,
    panic::AssertUnwindSafe,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
    time::Duration,
};

use foldhash::fast::RandomState;
use futures_util::{FutureExt, future::Shared};

use crate::{
    clock::{BoxFuture, Chance},
    error::{Error, ErrorKind, Result},
};

/// How long another process may go on with a registration, or an account, that this one has changed.
pub(crate) const TRUST: Duration = Duration::from_secs(5);
/// How long it may go on with a policy, or with what a probe learned.
pub(crate) const MOMENT: Duration = Duration::from_millis(250);
/// Answers that are kept; with more than that, all are forgotten.
const KEPT: usize = 10_000;

/// The answers to one kind of question. However many ask at the same time, the store is asked once. What this process
/// changes itself is seen at once: whoever changes it says so.
pub(crate) struct Recent<K, V: Clone> {
    chance: Chance,
    /// How long an answer is believed, from when it was asked for.
    span: Duration,
    kept: RwLock<HashMap<K, Kept<V>, RandomState>>,
}

struct Kept<V: Clone> {
    until: Duration,
    answer: Answer<V>,
}

/// Given, or still to come: whoever waits for it moves it on, so nobody is held up by one who has stopped waiting.
type Answer<V> = Shared<BoxFuture<'static, Result<V>>>;

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    pub(crate) fn new(chance: Chance, span: Duration) -> Self {
        Self { chance, span, kept: RwLock::default() }
    }

    /// The answer of a moment ago, or a new one. A failure is told to all who wait for it, and to nobody after them.
    pub(crate) async fn get<F>(&self, key: &K, ask: impl FnOnce() -> F) -> Result<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            let now = self.chance.clock.elapsed();
            if let Some(Ok(given)) = kept.get(key).filter(|kept| kept.serves(now, self.span)).and_then(Kept::given) {
                return Ok(given.clone());
            }
        }
        self.ask(key, ask).await
    }

    fn ask<F>(&self, key: &K, ask: impl FnOnce() -> F) -> Answer<V>
    where
        F: Future<Output = Result<V>> + Send + 'static,
    {
        let mut kept = self.kept();
        // Read under the lock: what somebody else was faster to ask was not asked later than now.
        let now = self.chance.clock.elapsed();
        if let Some(present) = kept.get(key).filter(|kept| kept.serves(now, self.span)) {
            return present.answer.clone();
        }
        if kept.len() >= KEPT {
            kept.retain(|_, kept| kept.serves(now, self.span));
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        // A panic is a failure like any other: else everybody who asks for this would panic until the time is over.
        let asking: BoxFuture<'static, _> = Box::pin(AssertUnwindSafe(ask()).catch_unwind().map(|asked| {
            let panicked = |_| Err(Error::new(ErrorKind::Internal, "A question to the store ended in a panic."));
            asked.unwrap_or_else(panicked)
        }));
        let answer = asking.shared();
        kept.insert(key.clone(), Kept { until: now + self.span, answer: answer.clone() });
        answer
    }

    /// What this is about was changed: it is asked anew.
    pub(crate) fn forget(&self, key: &K) {
        self.kept().remove(key);
    }

    fn kept(&self) -> RwLockWriteGuard<'_, HashMap<K, Kept<V>, RandomState>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Clone> Kept<V> {
    fn serves(&self, now: Duration, span: Duration) -> bool {
        // A clock that was set back does not prolong the trust.
        now < self.until && self.until <= now + span && !self.given().is_some_and(Result::is_err)
    }

    fn given(&self) -> Option<&Result<V>> {
        self.answer.peek()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    };

    use chrono::DateTime;
    use futures_util::future::join_all;
    use tokio::sync::Notify;

    use super::*;
    use crate::clock::ManualClock;

    /// Answers with how often it was asked.
    #[derive(Clone, Default)]
    struct Source(Arc<AtomicI32>);

    impl Source {
        fn ask(&self) -> impl Future<Output = Result<i32>> + Send + use<> {
            let asked = Arc::clone(&self.0);
            async move { Ok(asked.fetch_add(1, Ordering::Relaxed) + 1) }
        }
    }

    fn recent() -> (Recent<i32, i32>, ManualClock, Source) {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let chance = Chance { clock: Arc::new(clock.clone()), ..Chance::default() };
        (Recent::new(chance, MOMENT), clock, Source::default())
    }

    #[tokio::test]
    async fn an_answer_is_believed_for_a_moment_and_no_longer_than_until_it_changes() {
        let (recent, clock, source) = recent();
        let get = async |key| recent.get(&key, || source.ask()).await.unwrap();
        assert_eq!((get(1).await, get(1).await), (1, 1));
        assert_eq!(get(2).await, 2, "another question");
        clock.advance(MOMENT);
        assert_eq!(get(1).await, 3);
        recent.forget(&1);
        assert_eq!(get(1).await, 4);
    }

    #[tokio::test]
    async fn what_was_asked_before_a_change_is_not_kept_after_it() {
        let (recent, _, source) = recent();
        let change = Arc::new(Notify::new());
        let slow = {
            let (changed, asked) = (Arc::clone(&change), source.ask());
            async move {
                changed.notified().await;
                asked.await
            }
        };
        let before = recent.get(&1, || slow);
        let after = async {
            recent.forget(&1);
            change.notify_one();
            recent.get(&1, || source.ask()).await.unwrap()
        };
        let (before, after) = tokio::join!(before, after);
        assert_ne!(before.unwrap(), after);
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), after);
    }

    #[tokio::test]
    async fn a_hundred_who_ask_at_once_ask_the_store_once() {
        let (recent, _, source) = recent();
        let answers = join_all((0..100).map(|_| recent.get(&1, || source.ask()))).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == 1));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_those_who_wait_and_kept_for_nobody() {
        let (recent, _, source) = recent();
        let fail = || async { Err(Error::new(ErrorKind::Store, "The disk is full.")) };
        let answers = join_all((0..3).map(|_| recent.get(&1, fail))).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_panic_of_the_store_is_a_failure_and_kept_for_nobody() {
        let (recent, _, source) = recent();
        let panics = || async { panic!("the disk is gone") };
        assert_eq!(recent.get(&1, panics).await.unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn whoever_stops_waiting_holds_nobody_up() {
        let (recent, _, source) = recent();
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (started, go_on, asked) = (Arc::clone(&started), Arc::clone(&go_on), source.ask());
            async move {
                started.notify_one();
                go_on.notified().await;
                asked.await
            }
        };
        // Still there, and not waited for any more: as in a branch of `select!` that comes back to it later.
        let mut forgotten = Box::pin(recent.get(&1, || slow));
        tokio::select! {
            biased;
            _ = &mut forgotten => panic!("it cannot be done"),
            () = started.notified() => {}
        }
        go_on.notify_one();
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), 1);
        assert_eq!(forgotten.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_does_not_prolong_the_trust() {
        let (mut recent, clock, source) = recent();
        clock.advance(MOMENT * 10);
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), 1);
        recent.chance.clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        assert_eq!(recent.get(&1, || source.ask()).await.unwrap(), 2);
    }
}
