//! The places of one lane: how many of its requests are under way.
//!
//! ```text
//! turn ahead ── writes its journal ── come() ──► place ── sent ── is_over() ──► the place goes on to who waits
//! ```
//!
//! Who writes a journal needs no place yet, so a few begin ahead of the places, and one that becomes free is used at
//! once. When something went wrong, a place goes back to the lane, which decides what that means before another one is
//! sent.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, oneshot};

use crate::clock::Chance;

/// The places of one lane; all clones are one.
#[derive(Clone)]
pub(super) struct Slots(Arc<Places>);

struct Places {
    chance: Chance,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// How many places there are; none: the lane is closed.
    most: usize,
    taken: usize,
    /// Turns that have no place yet.
    ahead: usize,
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// A place in hand; free again when it is dropped.
struct Place(Slots);

/// One piece of work among those of a lane.
pub(super) struct Turn {
    slots: Slots,
    stands: Stands,
    /// When its last request was sent, and came to its end; none: the instance was not asked.
    pub(super) asked: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

enum Stands {
    Ahead,
    Placed(#[allow(dead_code, reason = "held until it is dropped")] Place),
    Over,
}

impl Slots {
    pub(super) fn new(chance: Chance) -> Self {
        Self(Arc::new(Places { chance, state: Mutex::default(), changed: Notify::new() }))
    }

    /// A turn that has its place from the beginning.
    pub(super) fn placed(&self) -> Turn {
        self.state().taken += 1;
        self.turn(Stands::Placed(Place(self.clone())))
    }

    /// A turn that has something to do before it needs its place.
    pub(super) fn ahead(&self) -> Turn {
        self.state().ahead += 1;
        self.turn(Stands::Ahead)
    }

    fn turn(&self, stands: Stands) -> Turn {
        Turn { slots: self.clone(), stands, asked: None }
    }

    /// Turns that have a place, or will want one.
    pub(super) fn count(&self) -> usize {
        let state = self.state();
        state.taken + state.ahead
    }

    /// There are so many places now. None: who waits for one is sent away.
    pub(super) fn open(&self, most: usize) {
        let mut state = self.state();
        state.most = most;
        let away = if most == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        drop(away);
        self.hand_out();
    }

    /// None: the lane is closed.
    fn wait(&self) -> Option<oneshot::Receiver<Place>> {
        let (give, given) = oneshot::channel();
        {
            let mut state = self.state();
            if state.most == 0 {
                return None;
            }
            state.waiting.push_back(give);
        }
        self.hand_out();
        Some(given)
    }

    /// Gives free places to those that wait, in the order in which they came.
    fn hand_out(&self) {
        loop {
            let mut state = self.state();
            if state.taken >= state.most {
                return;
            }
            let Some(next) = state.waiting.pop_front() else { return };
            state.taken += 1;
            drop(state);
            // One that is gone drops its place, which is free again.
            let _ = next.send(Place(self.clone()));
        }
    }

    /// Until a place, or the need for one, has come or gone since this was last waited for.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits for a place. False: there will be none, because the lane is closed.
    pub(super) async fn come(&mut self) -> bool {
        if !matches!(self.stands, Stands::Ahead) {
            return matches!(self.stands, Stands::Placed(_));
        }
        let Some(given) = self.slots.wait() else { return false };
        let Ok(place) = given.await else { return false };
        self.stop_being_ahead();
        self.stands = Stands::Placed(place);
        true
    }

    /// Sends a request. What comes before and after it is our own work, and says nothing of the instance.
    pub(super) async fn asks<T>(&mut self, request: impl Future<Output = T>) -> T {
        let sent = self.slots.0.chance.now();
        let came = request.await;
        self.asked = Some((sent, self.slots.0.chance.now()));
        came
    }

    /// All went well: the next one need not wait for what is written down of this one.
    pub(super) fn is_over(&mut self) {
        self.stop_being_ahead();
        self.stands = Stands::Over;
        self.slots.hand_out();
    }

    fn stop_being_ahead(&self) {
        if matches!(self.stands, Stands::Ahead) {
            self.slots.state().ahead -= 1;
            self.slots.0.changed.notify_one();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.stop_being_ahead();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.0.changed.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;

    use super::*;

    fn slots(most: usize) -> Slots {
        let slots = Slots::new(Chance::default());
        slots.open(most);
        slots
    }

    #[tokio::test]
    async fn a_place_goes_on_to_who_came_first_and_nobody_sends_without_one() {
        let slots = slots(1);
        let (mut first, mut second, mut third) = (slots.ahead(), slots.ahead(), slots.ahead());
        assert!(first.come().await);
        let mut coming = (Box::pin(second.come()), Box::pin(third.come()));
        assert!(poll!(&mut coming.0).is_pending() && poll!(&mut coming.1).is_pending());
        assert_eq!(slots.count(), 3);
        first.is_over();
        assert!(poll!(&mut coming.1).is_pending(), "who came later");
        assert_eq!(poll!(&mut coming.0), Poll::Ready(true));
        assert_eq!(slots.count(), 2);
        slots.open(2);
        assert_eq!(poll!(&mut coming.1), Poll::Ready(true), "there is one more");
    }

    #[tokio::test]
    async fn after_a_failure_the_lane_has_the_place_and_gives_it_when_it_knows_what_to_think() {
        let slots = slots(1);
        let (failed, mut next) = (slots.placed(), slots.ahead());
        let mut coming = Box::pin(next.come());
        assert!(poll!(&mut coming).is_pending());
        drop(failed);
        assert!(poll!(&mut coming).is_pending());
        slots.open(1);
        assert_eq!(poll!(&mut coming), Poll::Ready(true));
    }

    #[tokio::test]
    async fn a_lane_that_closes_sends_away_who_waits_and_who_comes() {
        let slots = slots(1);
        let (_sent, mut waits, mut comes) = (slots.placed(), slots.ahead(), slots.ahead());
        let mut waiting = Box::pin(waits.come());
        assert!(poll!(&mut waiting).is_pending());
        slots.open(0);
        assert!(!waiting.await);
        assert!(!comes.come().await);
    }

    #[tokio::test]
    async fn who_goes_away_takes_no_place_along() {
        let slots = slots(1);
        let (sent, mut gone, mut next) = (slots.placed(), slots.ahead(), slots.ahead());
        let mut going = Box::pin(gone.come());
        assert!(poll!(&mut going).is_pending());
        let mut coming = Box::pin(next.come());
        assert!(poll!(&mut coming).is_pending());
        drop(sent);
        // The place is on its way to the first, who does not look any more.
        slots.open(1);
        drop(going);
        drop(gone);
        slots.open(1);
        assert_eq!(poll!(&mut coming), Poll::Ready(true));
        drop(coming);
        drop(next);
        assert_eq!(slots.count(), 0);
    }
}
