//! What the store said a moment ago, for questions that are asked again and again and whose answers hardly ever change.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
    time::Duration,
};

use crate::{clock::Chance, error::Result};

/// How long another process may go on with a registration, or an account, that this one has changed.
pub(crate) const TRUST: Duration = Duration::from_secs(5);
/// How long it may go on with a policy, or with what a probe learned.
pub(crate) const MOMENT: Duration = Duration::from_millis(250);
/// Answers that are kept; with more than that, all are forgotten.
const KEPT: usize = 10_000;

/// The answers to one kind of question. What this process changes itself is seen at once: whoever changes it says so.
pub(crate) struct Recent<K, V> {
    chance: Chance,
    /// How long an answer is believed.
    span: Duration,
    kept: RwLock<Kept<K, V>>,
}

struct Kept<K, V> {
    /// Counts what was forgotten, so that an answer from before is not kept after it.
    era: u64,
    answers: HashMap<K, (Duration, V)>,
}

impl<K: Eq + Hash + Clone, V: Clone> Recent<K, V> {
    pub(crate) fn new(chance: Chance, span: Duration) -> Self {
        Self { chance, span, kept: RwLock::new(Kept { era: 0, answers: HashMap::new() }) }
    }

    /// The answer of a moment ago, or a new one.
    pub(crate) async fn get(&self, key: &K, ask: impl Future<Output = Result<V>>) -> Result<V> {
        let now = self.chance.clock.elapsed();
        let era = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            // A clock that was set back does not prolong the trust.
            let serves = |until: Duration| now < until && until <= now + self.span;
            if let Some((_, answer)) = kept.answers.get(key).filter(|(until, _)| serves(*until)) {
                return Ok(answer.clone());
            }
            kept.era
        };
        let answer = ask.await?;
        let mut kept = self.kept();
        if kept.era == era {
            if kept.answers.len() >= KEPT {
                kept.answers.clear();
            }
            kept.answers.insert(key.clone(), (now + self.span, answer.clone()));
        }
        Ok(answer)
    }

    /// What this is about was changed: it is asked anew.
    pub(crate) fn forget(&self, key: &K) {
        let mut kept = self.kept();
        kept.era += 1;
        kept.answers.remove(key);
    }

    fn kept(&self) -> RwLockWriteGuard<'_, Kept<K, V>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use chrono::DateTime;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn an_answer_is_believed_for_a_moment_and_no_longer_than_until_it_changes() {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let recent = Recent::new(Chance { clock: Arc::new(clock.clone()), ..Chance::default() }, MOMENT);
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            Ok(asked.get())
        };
        assert_eq!((recent.get(&1, ask()).await.unwrap(), recent.get(&1, ask()).await.unwrap()), (1, 1));
        assert_eq!(recent.get(&2, ask()).await.unwrap(), 2, "another question");
        clock.advance(MOMENT);
        assert_eq!(recent.get(&1, ask()).await.unwrap(), 3);
        recent.forget(&1);
        assert_eq!(recent.get(&1, ask()).await.unwrap(), 4);
        // What was asked before something changed may be the answer from before.
        let late = recent.get(&3, async {
            recent.forget(&3);
            Ok(0)
        });
        assert_eq!(late.await.unwrap(), 0);
        assert_eq!(recent.get(&3, ask()).await.unwrap(), 5);
    }
}
