//! Time and chance: the only two sources the rest of the crate may ask, so that tests can hold them still.

use std::{
    fmt::{self, Write},
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant, UTC.
    fn now(&self) -> DateTime<Utc>;
    /// Completes when this much time has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Time since some fixed instant, which goes on evenly when somebody sets the clock. Unless overridden, the clock
    /// is believed to be never set.
    fn elapsed(&self) -> Duration {
        (self.now() - DateTime::UNIX_EPOCH).to_std().unwrap_or_default()
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn elapsed(&self) -> Duration {
        static BEGAN: OnceLock<std::time::Instant> = OnceLock::new();
        BEGAN.get_or_init(std::time::Instant::now).elapsed()
    }
}

/// Where chance comes from.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        // Fails only where the operating system has no generator at all; going on without one would be worse.
        #[allow(clippy::expect_used)]
        getrandom::fill(buffer).expect("the operating system provides random bytes");
    }
}

/// Both together, as every component holds them.
#[derive(Clone)]
pub(crate) struct Chance {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Default for Chance {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A random number in `0..=max`.
    pub(crate) fn up_to(&self, max: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        match max.checked_add(1) {
            Some(bound) => u64::from_le_bytes(bytes) % bound,
            None => u64::from_le_bytes(bytes),
        }
    }

    /// An id for a call, to be found again in the logs of both sides: random once per process, then counted.
    pub(crate) fn call_id(&self) -> String {
        static PROCESS: OnceLock<String> = OnceLock::new();
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let process = PROCESS.get_or_init(|| format!("{:016x}-", self.up_to(u64::MAX)));
        let mut id = String::with_capacity(process.len() + 16);
        id.push_str(process);
        // Writing to a text cannot fail.
        let _ = write!(id, "{:x}", CALLS.fetch_add(1, Ordering::Relaxed));
        id
    }

    /// A random (version 4) UUID, for transaction ids and record ids.
    pub(crate) fn uuid(&self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(any(test, feature = "testing"))]
pub use manual::ManualClock;

#[cfg(any(test, feature = "testing"))]
mod manual {
    use std::sync::{Arc, Mutex, PoisonError};

    use super::{BoxFuture, Clock, DateTime, Duration, Utc};

    /// A clock that stands still until it is moved. Clones share the time.
    #[derive(Debug, Clone)]
    pub struct ManualClock(Arc<(Mutex<DateTime<Utc>>, tokio::sync::Notify)>);

    impl ManualClock {
        /// Starts at this instant.
        pub fn new(now: DateTime<Utc>) -> Self {
            Self(Arc::new((Mutex::new(now), tokio::sync::Notify::new())))
        }

        /// Moves the clock forward and wakes whoever sleeps on it.
        pub fn advance(&self, by: Duration) {
            let mut now = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            *now += by;
            drop(now);
            self.0.1.notify_waiters();
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> DateTime<Utc> {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let clock = self.clone();
            let until = self.now() + duration;
            Box::pin(async move {
                loop {
                    let moved = clock.0.1.notified();
                    tokio::pin!(moved);
                    moved.as_mut().enable();
                    if clock.now() >= until {
                        return;
                    }
                    moved.await;
                }
            })
        }
    }
}
