//! What stays of a delivery that was removed.

use super::Shown;
use crate::model::AlertState;

/// The last incident of an alert whose delivery was removed. The instance may keep that incident for years, so the next
/// one of the same alert must be told apart from it by its key and by its record id. Small, and kept for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The same for the same alert (account, source, id), and for no other.
    pub key: String,
    /// The [`Shown::generation`] of that incident.
    pub generation: i32,
    /// Its number, if it had one.
    pub number: Option<String>,
}

impl Shown {
    /// What a new delivery of an alert in this state begins with.
    pub(crate) fn beginning(state: AlertState, trace: Option<&Trace>) -> Self {
        let Some(Trace { generation, number, .. }) = trace else { return Self { state, ..Self::default() } };
        let generation = generation.saturating_add(1);
        Self { state, generation, born: generation, follows: number.clone(), ..Self::default() }
    }
}
