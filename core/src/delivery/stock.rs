//! What a lane has claimed and not begun: so that a place that becomes free is taken at once, and the store is asked for
//! many at a time.

use std::collections::VecDeque;

use super::held::Held;
use crate::id::CustomerId;

#[derive(Default)]
pub(super) struct Stock(VecDeque<Held>);

impl Stock {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn put(&mut self, held: impl IntoIterator<Item = Held>) {
        self.0.extend(held);
    }

    /// What came first, up to so many, and up to the first that does not go: told how many go before it, and which it is.
    pub(super) fn take(&mut self, most: usize, goes: impl Fn(usize, &Held) -> bool) -> Vec<Held> {
        let first = self.0.iter().take(most).enumerate();
        let count = first.take_while(|(before, held)| goes(*before, held)).count();
        self.0.drain(..count).collect()
    }

    /// Gives back what this says of an account is not to be begun now.
    pub(super) async fn give_back(&mut self, is_unwanted: impl Fn(&CustomerId) -> bool) -> usize {
        let (unwanted, wanted): (VecDeque<_>, _) = self.0.drain(..).partition(|held| is_unwanted(held.customer()));
        self.0 = wanted;
        let count = unwanted.len();
        futures_util::future::join_all(unwanted.into_iter().map(Held::give_back)).await;
        count
    }
}
