//! Tokens that nobody can have for a while: a refused refresh token that is tried once more later, an exchange of another
//! process that takes long. Who has other things to do need not wait for it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::flight::TokenKey;
use crate::error::{Error, ErrorKind, Retry};

/// The tokens in doubt, each until when it will probably be known.
#[derive(Default)]
pub(super) struct Doubts(watch::Sender<HashMap<TokenKey, DateTime<Utc>>>);

/// Ends a doubt when it goes.
pub(super) struct Doubt<'a> {
    all: &'a Doubts,
    key: TokenKey,
}

impl Doubts {
    /// One exchange at a time per token, so there is one doubt of it at the most.
    pub(super) fn begin(&self, key: &TokenKey, until: DateTime<Utc>) -> Doubt<'_> {
        self.0.send_modify(|doubts| {
            doubts.insert(key.clone(), until);
        });
        Doubt { all: self, key: key.clone() }
    }

    /// Waits until the token is in doubt, and answers until when.
    pub(super) async fn of(&self, key: &TokenKey) -> DateTime<Utc> {
        let mut doubts = self.0.subscribe();
        match doubts.wait_for(|doubts| doubts.contains_key(key)).await.map(|doubts| doubts.get(key).copied()) {
            Ok(Some(until)) => until,
            // Whoever asks holds the sender.
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.all.0.send_modify(|doubts| {
            doubts.remove(&self.key);
        });
    }
}

/// What is said instead of waiting. Nothing is proven against the grant yet.
pub(super) fn in_doubt(until: DateTime<Utc>, now: DateTime<Utc>) -> Error {
    let wait = (until - now).to_std().unwrap_or_default();
    Error::new(
        ErrorKind::Unauthorized,
        format!("Whether the instance still accepts the account's grant will be known in about {} s.", wait.as_secs()),
    )
    .remedy("Wait; should the grant be refused for good, the registration becomes unauthorized.")
    .with("token", "in_doubt")
    .retry(Retry::After(wait))
}
