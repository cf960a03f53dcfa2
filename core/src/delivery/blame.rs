//! Whose trouble a failure is, so that it slows what it is about and nothing else.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::pace::Pace;
use crate::{
    error::{Error, ErrorKind},
    id::CustomerId,
};

/// What a failure says something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// This delivery, and no other: its budget counts it.
    Delivery,
    /// The account: its grant, its registration, its secrets. Other accounts of the instance go on.
    Account,
    /// The instance, or the way to it.
    Instance,
    /// This process or its store.
    Own,
}

impl Blame {
    pub(super) fn of(error: &Error) -> Self {
        match cause(error) {
            // The account was disconnected under the delivery's feet.
            ErrorKind::NotFound if error.context("status") == Some("none") => Self::Account,
            // An instance that drops a condition has answered.
            ErrorKind::Protocol if error.context("look_up") == Some("broken") => Self::Delivery,
            ErrorKind::Forbidden if error.context("missing") == Some("network") => Self::Instance,
            ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::OutcomeUnknown => {
                Self::Delivery
            }
            ErrorKind::Unauthorized
            | ErrorKind::IllegalState
            | ErrorKind::AlreadyRegistered
            | ErrorKind::NotEntitled
            | ErrorKind::ConsentDenied
            | ErrorKind::FlowExpired
            | ErrorKind::Sealed => Self::Account,
            ErrorKind::PrerequisiteMissing
            | ErrorKind::Throttled
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Protocol => Self::Instance,
            ErrorKind::Cancelled | ErrorKind::Store | ErrorKind::Internal => Self::Own,
        }
    }
}

/// What lies under an outcome that is unknown; else the kind itself.
pub(super) fn cause(error: &Error) -> ErrorKind {
    let named = |word: &str| ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    match error.kind() {
        ErrorKind::OutcomeUnknown => error.context("cause").and_then(named).unwrap_or(ErrorKind::OutcomeUnknown),
        kind => kind,
    }
}

/// Accounts in trouble, one after the other and none that is not, after which it is the instance that has it.
const TOO_MANY: usize = 5;

/// The accounts of one lane that are in trouble of their own. Each rests by itself, longer every time.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    of: HashMap<CustomerId, Pace>,
    /// Those that failed since one did not.
    lately: HashSet<CustomerId>,
}

impl Troubles {
    /// The account's grant did not serve, by the instance's own word (`was_said`) or ours. `chance`: a number up to the
    /// given one. True: neither does anybody else's, by its word.
    pub(super) fn failed(
        &mut self,
        customer: CustomerId,
        was_said: bool,
        started: DateTime<Utc>,
        now: DateTime<Utc>,
        chance: impl FnOnce(u64) -> u64,
    ) -> bool {
        if was_said {
            self.lately.insert(customer.clone());
        }
        self.of.entry(customer).or_insert_with(|| Pace::new(1, now)).failed(started, now, chance);
        was_said && self.lately.len() >= TOO_MANY
    }

    /// The account is to be left alone until then.
    pub(super) fn rests(
        &mut self,
        customer: CustomerId,
        started: DateTime<Utc>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) {
        self.of.entry(customer).or_insert_with(|| Pace::new(1, now)).throttled(started, now, Some(until));
    }

    /// It did.
    pub(super) fn answered(&mut self, customer: &CustomerId) {
        self.of.remove(customer);
        self.lately.clear();
    }

    /// The accounts that are not resting now; those that are gone are forgotten.
    pub(super) fn awake(&mut self, customers: &[CustomerId], now: DateTime<Utc>) -> Vec<CustomerId> {
        self.of.retain(|customer, _| customers.contains(customer));
        customers.iter().filter(|customer| !self.is_at_rest(customer, now)).cloned().collect()
    }

    /// Whether no account has any.
    pub(super) fn are_none(&self) -> bool {
        self.of.is_empty()
    }

    /// Whether nothing is to be begun for this account now.
    pub(super) fn is_at_rest(&self, customer: &CustomerId, now: DateTime<Utc>) -> bool {
        self.of.get(customer).is_some_and(|pace| pace.closed_until(now).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_is_blamed_on_what_it_is_about() {
        let wrapped = |kind: ErrorKind| Error::new(ErrorKind::OutcomeUnknown, "?").with("cause", kind);
        for (error, blame) in [
            (Error::new(ErrorKind::Timeout, "slow"), Blame::Instance),
            (wrapped(ErrorKind::Throttled), Blame::Instance),
            (wrapped(ErrorKind::IllegalState), Blame::Account),
            (wrapped(ErrorKind::Protocol), Blame::Instance),
            (wrapped(ErrorKind::Protocol).with("look_up", "broken"), Blame::Delivery),
            (wrapped(ErrorKind::Forbidden), Blame::Delivery),
            (Error::new(ErrorKind::Forbidden, "no").with("missing", "network"), Blame::Instance),
            (Error::new(ErrorKind::NotFound, "gone").with("status", "none"), Blame::Account),
            (Error::new(ErrorKind::Store, "disk"), Blame::Own),
        ] {
            assert_eq!(Blame::of(&error), blame, "{error:?}");
        }
    }

    #[test]
    fn an_account_in_trouble_rests_and_the_others_do_not() {
        let (acme, globex) = (CustomerId::parse("acme").unwrap(), CustomerId::parse("globex").unwrap());
        let (both, now) = ([acme.clone(), globex.clone()], DateTime::UNIX_EPOCH);
        let mut troubles = Troubles::default();
        for _ in 0..20 {
            troubles.failed(acme.clone(), true, now, now, |most| most);
        }
        assert_eq!(troubles.awake(&both, now), [globex]);
        assert_eq!(troubles.awake(&both, now + Duration::from_secs(60)).len(), 2);
        troubles.answered(&acme);
        assert_eq!(troubles.awake(&both, now).len(), 2);
        troubles.rests(acme, now, now, now + Duration::from_secs(30));
        assert_eq!(troubles.awake(&both, now + Duration::from_secs(29)).len(), 1);
        assert_eq!(troubles.awake(&both, now + Duration::from_secs(30)).len(), 2);
    }

    #[test]
    fn what_befalls_one_account_after_the_other_is_the_instances() {
        let (now, mut troubles) = (DateTime::UNIX_EPOCH, Troubles::default());
        let fails = |troubles: &mut Troubles, name: &str, was_said| {
            troubles.failed(CustomerId::parse(name).unwrap(), was_said, now, now, |_| 0)
        };
        for _ in 0..10 {
            for name in ["a1", "a2", "a3", "a4"] {
                assert!(!fails(&mut troubles, name, true), "four accounts say nothing of a fifth");
            }
            for name in ["b1", "b2", "b3", "b4", "b5"] {
                assert!(
                    !fails(&mut troubles, name, false),
                    "accounts that we have disabled say nothing of the instance"
                );
            }
        }
        assert!(fails(&mut troubles, "a5", true));
        troubles.answered(&CustomerId::parse("a6").unwrap());
        assert!(!fails(&mut troubles, "a1", true));
    }
}
