//! How fast one instance is asked: more as long as it likes it, half when it does not, and nothing while it is down.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::attempt::PLACE;

/// Failures of the instance in a row after which it is left alone for a while.
const PATIENCE: u32 = 5;
/// Bounds of that while; the second is reached by doubling.
const REST: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// An answer this many times slower than usual is a sign of too many at once.
const SLOW: u32 = 4;
/// Below this, slowness is noise.
const QUICK: Duration = Duration::from_millis(20);

/// The window of one lane: doubles with every window of good answers until the first bad one, which halves it, as every
/// later one does; from then on it grows by one for every window of good answers.
#[derive(Debug)]
pub(super) struct Pace {
    most: f64,
    window: f64,
    failures: u32,
    rests: u32,
    closed_until: Option<DateTime<Utc>>,
    /// One cut per round trip: the answers to what was sent before it say nothing new.
    cut_at: Option<DateTime<Utc>>,
    /// The usual time of an answer.
    usual: Option<Duration>,
    /// When a delivery last came to its end.
    settled_at: DateTime<Utc>,
}

impl Pace {
    pub(super) fn new(most: usize, now: DateTime<Utc>) -> Self {
        let most = f64::from(u32::try_from(most.max(1)).unwrap_or(u32::MAX));
        Self {
            most,
            window: most.min(4.0),
            failures: 0,
            rests: 0,
            closed_until: None,
            cut_at: None,
            usual: None,
            settled_at: now,
        }
    }

    /// How many more may be started, with this many under way.
    pub(super) fn room(&self, under_way: usize, now: DateTime<Utc>) -> usize {
        if self.closed_until(now).is_some() {
            return 0;
        }
        // After a rest, one goes ahead and looks.
        let window = if self.failures >= PATIENCE { 1.0 } else { self.window };
        // A window is between 1 and a few hundred.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (window as usize).saturating_sub(under_way)
    }

    /// How many may write down that they begin while all places are taken: a quarter of them, as long as one becomes free
    /// for each soon.
    pub(super) fn ahead(&self, now: DateTime<Utc>) -> usize {
        let soon = self.usual.is_some_and(|usual| usual <= PLACE);
        if soon && self.failures == 0 { self.room(0, now) / 4 } else { 0 }
    }

    /// A delivery came to its end.
    pub(super) fn settled(&mut self, now: DateTime<Utc>) {
        self.settled_at = now;
    }

    /// How long none has.
    pub(super) fn idle(&self, now: DateTime<Utc>) -> Duration {
        (now - self.settled_at).to_std().unwrap_or_default()
    }

    /// Until when nothing may be started.
    pub(super) fn closed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.closed_until.filter(|until| *until > now)
    }

    /// The instance answered what was started at this time.
    pub(super) fn answered(&mut self, started: DateTime<Utc>, now: DateTime<Utc>) {
        self.failures = 0;
        self.rests = 0;
        let took = (now - started).to_std().unwrap_or_default();
        let usual = self.usual.unwrap_or(took);
        // What stays slow becomes the usual.
        self.usual = Some((usual * 7 + took.min(usual * SLOW)) / 8);
        if took > QUICK && took > usual * SLOW {
            return self.cut(started, now);
        }
        let more = if self.cut_at.is_none() { 1.0 } else { 1.0 / self.window };
        self.window = (self.window + more).min(self.most);
    }

    /// The instance asked not to be called until then (none: it did not say).
    pub(super) fn throttled(&mut self, started: DateTime<Utc>, now: DateTime<Utc>, until: Option<DateTime<Utc>>) {
        self.cut(started, now);
        if let Some(until) = until {
            self.close(until);
        }
    }

    /// The instance could not be reached, or was not itself. `chance`: a number up to the given one.
    pub(super) fn failed(&mut self, started: DateTime<Utc>, now: DateTime<Utc>, chance: impl FnOnce(u64) -> u64) {
        self.cut(started, now);
        self.failures += 1;
        if self.failures >= PATIENCE && self.closed_until(now).is_none() {
            let bound = REST.0.saturating_mul(1 << self.rests.min(16)).min(REST.1);
            self.rests += 1;
            // Half of it for certain: many workers spread out, and none comes back at once.
            let half = u64::try_from(bound.as_millis() / 2).unwrap_or(u64::MAX);
            self.close(now + Duration::from_millis(half + chance(half)));
        }
    }

    fn close(&mut self, until: DateTime<Utc>) {
        if self.closed_until.is_none_or(|present| present < until) {
            self.closed_until = Some(until);
        }
    }

    fn cut(&mut self, started: DateTime<Utc>, now: DateTime<Utc>) {
        if self.cut_at.is_none_or(|at| started >= at) {
            self.window = (self.window / 2.0).max(1.0);
            self.cut_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn the_window_grows_to_its_bound_and_halves_once_per_round_trip() {
        let mut pace = Pace::new(16, at(0));
        for n in 0..1000 {
            pace.answered(at(n), at(n + 1));
        }
        assert_eq!(pace.room(0, at(2000)), 16);
        for _ in 0..10 {
            pace.throttled(at(1999), at(2000), None);
        }
        assert_eq!(pace.room(0, at(2000)), 8, "ten refusals of one moment are one sign");
        pace.throttled(at(2001), at(2002), None);
        assert_eq!(pace.room(1, at(2002)), 3);
    }

    #[test]
    fn the_window_doubles_until_the_first_sign_of_too_many() {
        let mut pace = Pace::new(64, at(0));
        for n in 0..28 {
            pace.answered(at(n), at(n + 1));
        }
        assert_eq!(pace.room(0, at(100)), 32, "three windows: 4, 8, 16");
        pace.throttled(at(100), at(101), None);
        for n in 0..16 {
            pace.answered(at(200 + n), at(201 + n));
        }
        assert_eq!(pace.room(0, at(300)), 16, "a window of answers is worth one");
        pace.answered(at(300), at(301));
        assert_eq!(pace.room(0, at(301)), 17);
    }

    #[test]
    fn an_instance_that_asks_for_time_gets_it() {
        let mut pace = Pace::new(16, at(0));
        pace.throttled(at(0), at(0), Some(at(60_000)));
        pace.throttled(at(0), at(0), Some(at(5_000)));
        assert_eq!(pace.room(0, at(59_999)), 0);
        assert!(pace.room(0, at(60_000)) > 0);
    }

    #[test]
    fn an_instance_that_is_down_is_asked_about_once_a_minute() {
        let (mut pace, mut now, mut asked) = (Pace::new(16, at(0)), 0, 0);
        while now < 86_400_000 {
            if let Some(until) = pace.closed_until(at(now)) {
                now = u64::try_from(until.timestamp_millis()).unwrap();
            }
            asked += pace.room(0, at(now));
            pace.failed(at(now), at(now), |_| 0);
        }
        assert!(asked < 2900, "{asked} times: more than one in thirty seconds");
        pace.answered(at(now + 60_000), at(now + 60_001));
        assert!(pace.room(0, at(now + 60_001)) >= 1);
    }

    #[test]
    fn a_quarter_begins_ahead_of_its_place_where_places_become_free_soon() {
        let mut pace = Pace::new(16, at(0));
        assert_eq!(pace.ahead(at(0)), 0, "nothing is known yet");
        for n in 0..100 {
            pace.answered(at(n * 100), at(n * 100 + 50));
        }
        assert_eq!(pace.ahead(at(20_000)), 4);
        pace.failed(at(20_000), at(20_050), |_| 0);
        assert_eq!(pace.ahead(at(20_050)), 0, "it may be about to close");
        for n in 0..100 {
            pace.answered(at(30_000 + n * 1500), at(31_500 + n * 1500));
        }
        assert_eq!(pace.ahead(at(200_000)), 0, "they would wait for longer than an attempt may");
    }

    #[test]
    fn slow_answers_make_the_window_smaller() {
        let mut pace = Pace::new(16, at(0));
        for n in 0..1000 {
            pace.answered(at(n * 100), at(n * 100 + 30));
        }
        pace.answered(at(200_000), at(200_500));
        assert_eq!(pace.room(0, at(200_500)), 8);
    }

    #[test]
    fn what_stays_slow_becomes_the_usual() {
        let mut pace = Pace::new(16, at(0));
        for n in 0..100 {
            pace.answered(at(n), at(n + 3));
        }
        for n in 0..400 {
            pace.answered(at(1000 + n * 500), at(1500 + n * 500));
        }
        assert_eq!(pace.room(0, at(300_000)), 16);
    }
}
