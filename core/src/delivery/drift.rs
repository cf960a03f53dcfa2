//! Clocks that are set while an attempt is under way: a jump forward must not make "not there yet" look like "not made".

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;

use crate::clock::Chance;

/// What a clock may be slewed by without anybody having set it.
const SLEW: TimeDelta = TimeDelta::seconds(1);

/// Watches the clock of this process; cheap to clone, all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drift(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// The clock less the time that went by evenly, as last seen.
    offset: Option<TimeDelta>,
    /// Until when, on the even time, the clock's word for "long enough" does not count.
    distrusted_until: Option<Duration>,
}

impl Drift {
    /// Whether the clock can be asked how long ago something was: not until `longest` has gone by since it was set.
    pub(super) fn trusts(&self, chance: &Chance, longest: Duration) -> bool {
        let (now, even) = (chance.now(), chance.clock.elapsed());
        let offset = (now - chrono::DateTime::UNIX_EPOCH) - TimeDelta::from_std(even).unwrap_or(TimeDelta::MAX);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let jumped = seen.offset.is_some_and(|before| (offset - before).abs() > SLEW);
        seen.offset = Some(offset);
        if jumped {
            tracing::warn!("the clock was set; outcomes that are unknown are waited for anew");
            seen.distrusted_until = Some(even + longest);
        }
        seen.distrusted_until.is_none_or(|until| even >= until)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::clock::{BoxFuture, Clock, SystemRandom};

    /// Both times by hand, in seconds.
    #[derive(Default)]
    struct Hands(AtomicI64, AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.1.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn a_clock_that_was_set_is_not_believed_for_the_longest_time() {
        let hands = Arc::new(Hands::default());
        let chance = Chance { clock: hands.clone(), random: Arc::new(SystemRandom) };
        let (drift, longest) = (Drift::default(), Duration::from_secs(62));
        let at = |clock, even| {
            hands.0.store(clock, Ordering::Relaxed);
            hands.1.store(even, Ordering::Relaxed);
            drift.trusts(&chance, longest)
        };
        assert!(at(100, 0) && at(700, 600), "time that goes by is no jump");
        assert!(!at(4300, 601), "an hour forward in a second");
        assert!(!at(4361, 662) && at(4362, 663), "62 s later it is believed again");
        assert!(!at(763, 664), "back is a jump too");
    }
}
