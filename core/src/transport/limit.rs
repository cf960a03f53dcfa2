//! How many requests one remote gets at a time, and when it gets none. A slow or throttling remote holds up
//! nobody but itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use foldhash::fast::RandomState;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ErrorKind;

/// The window of a limit that remotes tell of.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// A clock that has gone back by more than this since a pause began was set, and the pause is over.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);
/// Below this many remotes nothing is swept.
const SWEEP_AT: usize = 1024;

/// A place among the requests in flight; free again on drop.
pub(super) type Permit = OwnedSemaphorePermit;

/// From when until when a remote gets nothing, and what it said when it asked for that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) since: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
    pub(super) kind: ErrorKind,
}

/// The limits of all remotes.
#[derive(Debug)]
pub(super) struct Limits {
    per_remote: usize,
    remotes: Mutex<Remotes>,
}

#[derive(Debug)]
struct Remotes {
    known: HashMap<String, Arc<Remote>, RandomState>,
    sweep_at: usize,
}

/// One remote's share.
#[derive(Debug)]
pub(super) struct Remote {
    places: Arc<Semaphore>,
    size: usize,
    pause: Mutex<Option<Pause>>,
    quota: Mutex<Option<Quota>>,
}

/// What the remote allows in an hour, as it says in `X-RateLimit-Limit` and `X-RateLimit-Reset`.
#[derive(Debug, Clone, Copy)]
struct Quota {
    limit: u32,
    left: u32,
    reset: DateTime<Utc>,
}

impl Limits {
    pub(super) fn new(per_remote: usize) -> Self {
        let remotes = Remotes { known: HashMap::default(), sweep_at: SWEEP_AT };
        Self { per_remote: per_remote.clamp(1, Semaphore::MAX_PERMITS), remotes: Mutex::new(remotes) }
    }

    /// The remote of this name. It is kept as long as somebody holds it or its pause lasts.
    pub(super) fn remote(&self, name: &str, now: DateTime<Utc>) -> Arc<Remote> {
        let mut remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remote) = remotes.known.get(name) {
            return remote.clone();
        }
        if remotes.known.len() >= remotes.sweep_at {
            // Each sweep is paid for by the insertions since the last one: ten thousand accounts cost no more
            // per call than ten.
            remotes.known.retain(|_, remote| Arc::strong_count(remote) > 1 || remote.pause(now).is_some());
            remotes.sweep_at = (remotes.known.len() * 2).max(SWEEP_AT);
        }
        let remote = Arc::new(Remote {
            places: Arc::new(Semaphore::new(self.per_remote)),
            size: self.per_remote,
            pause: Mutex::new(None),
            quota: Mutex::new(None),
        });
        remotes.known.insert(name.to_owned(), remote.clone());
        remote
    }
}

impl Pause {
    fn lasts(&self, now: DateTime<Utc>) -> bool {
        now < self.until && self.since <= now.checked_add_signed(SET_BACK).unwrap_or(now)
    }
}

impl Remote {
    /// A place, when one is free and nobody waits for it.
    pub(super) fn free_place(&self) -> Option<Permit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Waits for a place, first come, first served.
    pub(super) async fn place(&self) -> Option<Permit> {
        // None only for a closed semaphore, and nobody closes it.
        self.places.clone().acquire_owned().await.ok()
    }

    /// The pause that lasts at this moment.
    pub(super) fn pause(&self, now: DateTime<Utc>) -> Option<Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner).filter(|pause| pause.lasts(now))
    }

    /// Takes one request out of what the remote allows in this hour; without one, the remote gets a pause until the
    /// next. One that says nothing of an hourly limit allows everything.
    pub(super) fn spend(&self, now: DateTime<Utc>) {
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(quota) = quota.as_mut() else { return };
        if quota.reset <= now || quota.reset > now + HOUR + SET_BACK {
            (quota.left, quota.reset) = (quota.limit, now + HOUR);
        }
        quota.left = quota.left.saturating_sub(1);
        if quota.left == 0 {
            let until = quota.reset;
            self.start_pause(Pause { since: now, until, kind: ErrorKind::Throttled });
        }
    }

    /// The remote said how much it allows, and until when. What is under way may be counted, or not yet.
    pub(super) fn learn(&self, limit: u32, reset: DateTime<Utc>, now: DateTime<Utc>) {
        let under_way = self.size.saturating_sub(self.places.available_permits());
        // Whole seconds, cut off; and a clock that is far from ours says nothing.
        let reset = reset + TimeDelta::seconds(1);
        if limit == 0 || reset <= now || reset > now + HOUR + SET_BACK {
            return;
        }
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let left = match *quota {
            Some(known) if known.limit == limit => known.left,
            _ => limit.saturating_sub(u32::try_from(under_way).unwrap_or(u32::MAX)),
        };
        *quota = Some(Quota { limit, left, reset });
    }

    /// Starts a pause, or prolongs the one that lasts; never shortens it.
    pub(super) fn start_pause(&self, pause: Pause) {
        let mut present = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if present.is_none_or(|present| present.until < pause.until || !present.lasts(pause.since)) {
            *present = Some(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn pause(until: DateTime<Utc>) -> Pause {
        Pause { since: DateTime::UNIX_EPOCH, until, kind: ErrorKind::Throttled }
    }

    #[test]
    fn a_clock_that_was_set_back_prolongs_no_pause() {
        let (limits, set_back) = (Limits::new(1), DateTime::UNIX_EPOCH - TimeDelta::hours(2));
        let remote = limits.remote("a", DateTime::UNIX_EPOCH);
        remote.start_pause(pause(DateTime::UNIX_EPOCH + TimeDelta::seconds(60)));
        assert!(remote.pause(DateTime::UNIX_EPOCH - TimeDelta::seconds(5)).is_some(), "clocks are not that even");
        assert!(remote.pause(set_back).is_none());
        let until = set_back + TimeDelta::seconds(60);
        remote.start_pause(Pause { since: set_back, until, kind: ErrorKind::Throttled });
        assert_eq!(remote.pause(set_back).map(|pause| pause.until), Some(until), "a new one counts");
        let quota = limits.remote("b", DateTime::UNIX_EPOCH);
        quota.learn(2, DateTime::UNIX_EPOCH + HOUR, DateTime::UNIX_EPOCH);
        quota.spend(set_back);
        assert!(quota.pause(set_back).is_none());
        quota.spend(set_back);
        assert!(quota.pause(set_back).is_some_and(|pause| pause.until == set_back + HOUR));
    }

    #[test]
    fn an_hourly_limit_is_kept_by_pausing_and_not_by_being_refused() {
        let (limits, mut now) = (Limits::new(2), DateTime::UNIX_EPOCH);
        let remote = limits.remote("a", now);
        for hour in 0..3 {
            let reset = now + HOUR;
            let mut sent = 0;
            while remote.pause(now).is_none() {
                let _place = remote.free_place();
                remote.spend(now);
                remote.learn(10, reset, now);
                sent += 1;
            }
            assert_eq!(sent, 10, "hour {hour}");
            assert!(remote.pause(now + HOUR).is_none_or(|pause| pause.until <= now + HOUR + TimeDelta::seconds(1)));
            now = now + HOUR + TimeDelta::seconds(1);
        }
    }

    #[tokio::test]
    async fn a_full_remote_delays_only_itself_and_serves_in_order() {
        let (limits, now) = (Limits::new(1), DateTime::UNIX_EPOCH);
        let (slow, other) = (limits.remote("slow", now), limits.remote("other", now));
        let held = slow.place().await;
        let mut first = Box::pin(slow.place());
        let mut second = Box::pin(slow.place());
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        assert!(other.place().now_or_never().flatten().is_some());
        drop(held);
        assert!((&mut second).now_or_never().is_none(), "the second must not overtake");
        assert!(first.now_or_never().flatten().is_some());
        assert!(second.now_or_never().flatten().is_some());
    }

    #[test]
    fn a_pause_is_prolonged_and_never_shortened() {
        let (limits, now) = (Limits::new(1), DateTime::UNIX_EPOCH);
        let remote = limits.remote("a", now);
        remote.start_pause(pause(now + TimeDelta::seconds(60)));
        remote.start_pause(pause(now + TimeDelta::seconds(5)));
        assert_eq!(remote.pause(now).map(|pause| pause.until), Some(now + TimeDelta::seconds(60)));
        assert!(remote.pause(now + TimeDelta::seconds(60)).is_none());
        assert!(limits.remote("b", now).pause(now).is_none());
    }

    #[test]
    fn remotes_that_nobody_uses_are_forgotten_and_paused_ones_are_not() {
        let (limits, now) = (Limits::new(1), DateTime::UNIX_EPOCH);
        let held = limits.remote("held", now);
        limits.remote("paused", now).start_pause(pause(now + TimeDelta::seconds(60)));
        for account in 0..10_000 {
            limits.remote(&account.to_string(), now);
        }
        let known = &limits.remotes.lock().unwrap().known;
        assert!(known.len() <= SWEEP_AT, "{}", known.len());
        assert!(known.contains_key("paused"));
        assert!(Arc::ptr_eq(&held, &known["held"]));
    }

    #[test]
    fn a_limit_of_none_still_lets_one_through() {
        assert!(Limits::new(0).remote("a", DateTime::UNIX_EPOCH).place().now_or_never().flatten().is_some());
    }
}
