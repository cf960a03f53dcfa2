//! A clock for tests: as fast as wanted, and it can be moved.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use itsm_adapter::clock::{BoxFuture, Clock};
use tokio::sync::Notify;

/// Runs `speed` times as fast as the machine's clock (0: stands still), and jumps when it is told to. Clones share
/// the time.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Instant,
    began_at: DateTime<Utc>,
    speed: u32,
    moved: Mutex<TimeDelta>,
    jumped: Notify,
    /// Lengths of all sleeps that have begun.
    sleeps: Mutex<Vec<Duration>>,
}

impl TestClock {
    pub(crate) fn new(speed: u32) -> Self {
        Self(Arc::new(Shared {
            started: Instant::now(),
            began_at: Utc::now(),
            speed,
            moved: Mutex::default(),
            jumped: Notify::new(),
            sleeps: Mutex::default(),
        }))
    }

    /// Moves the clock forward and wakes whoever sleeps on it.
    pub(crate) fn advance(&self, by: Duration) {
        self.jump(TimeDelta::from_std(by).unwrap());
    }

    /// Sets the clock, forward or back.
    pub(crate) fn jump(&self, by: TimeDelta) {
        *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner) += by;
        self.0.jumped.notify_waiters();
    }

    /// How many sleeps of this length have begun so far.
    pub(crate) fn sleeps_of(&self, duration: Duration) -> usize {
        let sleeps = self.0.sleeps.lock().unwrap_or_else(PoisonError::into_inner);
        sleeps.iter().filter(|begun| **begun == duration).count()
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        let moved = *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.began_at + self.0.started.elapsed() * self.0.speed + moved
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let until = self.now() + duration;
        self.0.sleeps.lock().unwrap_or_else(PoisonError::into_inner).push(duration);
        Box::pin(async move {
            loop {
                let jumped = clock.0.jumped.notified();
                tokio::pin!(jumped);
                jumped.as_mut().enable();
                let left = (until - clock.now()).to_std().unwrap_or_default();
                if left.is_zero() {
                    return;
                }
                match left.checked_div(clock.0.speed) {
                    None => jumped.await,
                    Some(left) => tokio::select! {
                        () = jumped => {}
                        () = tokio::time::sleep(left) => {}
                    },
                }
            }
        })
    }
}
