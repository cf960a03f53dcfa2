//! One exchange for any number of callers: the cache, the flight they share, and the memory of a failure.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use foldhash::fast::RandomState;
use futures_util::{FutureExt, future::Shared};

use crate::{
    clock::{BoxFuture, Chance},
    error::{Error, ErrorKind, Result, Retry},
    id::{CustomerId, InstanceId},
    secret::Secret,
};

/// Wait after the first failed exchange that the remote gave no time for; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whose token it is, and for what: never a bare string (T8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TokenKey {
    /// The account's token for Citrix Cloud.
    Citrix(CustomerId),
    /// The account's token for one instance.
    ServiceNow(CustomerId, InstanceId),
}

/// What is kept of a token: the token itself, or the token with all that goes along with it onto the wire.
pub(crate) trait Token: Clone + Send + Sync + 'static {
    fn secret(&self) -> &Secret;
}

impl Token for Arc<Secret> {
    fn secret(&self) -> &Secret {
        self
    }
}

impl Token for Secret {
    fn secret(&self) -> &Secret {
        self
    }
}

/// A token in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Cached<T> {
    pub(crate) token: T,
    pub(crate) renew_at: DateTime<Utc>,
}

impl<T: Token> Cached<T> {
    /// Good, not due, and not the one that was just refused.
    pub(crate) fn serves(&self, now: DateTime<Utc>, refused: Option<&Secret>) -> bool {
        now < self.renew_at && refused.is_none_or(|refused| !refused.matches(self.token.secret().expose()))
    }
}

/// An exchange under way.
#[derive(Clone)]
struct Flight<T: Clone> {
    /// The token that it replaces, because it was refused; none: it began for want of one.
    refused: Option<Secret>,
    landing: Shared<BoxFuture<'static, Result<Cached<T>>>>,
}

enum Boarded<T: Clone> {
    Served(T),
    Waits(Flight<T>),
}

/// What a failed exchange leaves behind, so that the next caller does not ask at once again.
struct Pause {
    /// On the clock that nobody sets.
    until: Duration,
    length: Duration,
    error: Error,
}

struct Aloft<T: Clone> {
    flights: HashMap<TokenKey, Flight<T>>,
    pauses: HashMap<TokenKey, Pause>,
}

pub(crate) struct Flights<T: Clone> {
    chance: Chance,
    cache: RwLock<HashMap<TokenKey, Cached<T>, RandomState>>,
    aloft: Mutex<Aloft<T>>,
}

impl<T: Token> Flights<T> {
    pub(crate) fn new(chance: Chance) -> Arc<Self> {
        let aloft = Aloft { flights: HashMap::new(), pauses: HashMap::new() };
        Arc::new(Self { chance, cache: RwLock::default(), aloft: Mutex::new(aloft) })
    }

    /// The token from the cache, else from the flight under way, else from a new one.
    ///
    /// The exchange runs as a task of its own: a caller that goes away does not end it (T15).
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: &TokenKey,
        refused: Option<&Secret>,
        exchange: impl Fn() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Cached<T>>> + Send + 'static,
    {
        loop {
            let flight = match self.aboard(key, refused, &exchange)? {
                Boarded::Served(token) => return Ok(token),
                Boarded::Waits(flight) => flight,
            };
            let landed = flight.landing.await?.token;
            // One that began without knowing of the refusal may bring the very token that was refused. It left the map
            // before it came here, so the next round begins an exchange, or learns what came of a later one.
            let Some(refused) = refused else { return Ok(landed) };
            let knew = flight.refused.is_some_and(|known| known.matches(refused.expose()));
            if knew || !refused.matches(landed.secret().expose()) {
                return Ok(landed);
            }
        }
    }

    /// What there is for a caller: a token, the failure of a moment ago, or a flight to wait for.
    fn aboard<F>(
        self: &Arc<Self>,
        key: &TokenKey,
        refused: Option<&Secret>,
        exchange: impl Fn() -> F,
    ) -> Result<Boarded<T>>
    where
        F: Future<Output = Result<Cached<T>>> + Send + 'static,
    {
        if let Some(hit) = self.hit(key, refused) {
            return Ok(Boarded::Served(hit));
        }
        let mut aloft = self.aloft.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever landed a moment ago has filled the cache before leaving the map.
        if let Some(hit) = self.hit(key, refused) {
            return Ok(Boarded::Served(hit));
        }
        if let Some(flight) = aloft.flights.get(key) {
            return Ok(Boarded::Waits(flight.clone()));
        }
        if let Some(pause) = aloft.pauses.get(key)
            && self.chance.clock.elapsed() < pause.until
        {
            return Err(pause.error.clone());
        }
        let flight = Flight { refused: refused.cloned(), landing: self.depart(key.clone(), exchange()) };
        aloft.flights.insert(key.clone(), flight.clone());
        Ok(Boarded::Waits(flight))
    }

    /// Forgets what is known of a key: its credentials have changed.
    pub(crate) fn forget(&self, key: &TokenKey) {
        self.cache.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.aloft.lock().unwrap_or_else(PoisonError::into_inner).pauses.remove(key);
    }

    fn hit(&self, key: &TokenKey, refused: Option<&Secret>) -> Option<T> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(key)?;
        cached.serves(self.chance.now(), refused).then(|| cached.token.clone())
    }

    fn depart<F>(self: &Arc<Self>, key: TokenKey, exchange: F) -> Shared<BoxFuture<'static, Result<Cached<T>>>>
    where
        F: Future<Output = Result<Cached<T>>> + Send + 'static,
    {
        let flights = Arc::clone(self);
        let task = tokio::spawn(async move {
            let landed = std::panic::AssertUnwindSafe(exchange).catch_unwind().await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Internal, "The exchange of a token ended unexpectedly."))
            });
            flights.land(&key, &landed);
            landed
        });
        async move {
            task.await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Cancelled, "The runtime ended while a token was exchanged.")
                    .retry(Retry::Now))
            })
        }
        .boxed()
        .shared()
    }

    fn land(&self, key: &TokenKey, landed: &Result<Cached<T>>) {
        if let Ok(cached) = landed {
            self.cache.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), cached.clone());
        }
        let mut aloft = self.aloft.lock().unwrap_or_else(PoisonError::into_inner);
        aloft.flights.remove(key);
        let before = aloft.pauses.remove(key);
        if let Err(error) = landed {
            let grown = || before.map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
            let (length, error) = match error.retry_advice() {
                Retry::After(wait) => (wait, error.clone().retry(Retry::After(wait))),
                Retry::Now => {
                    let length = grown();
                    (length, error.clone().retry(Retry::After(length)))
                }
                // Nobody answered as a token endpoint does: a page in front of it, silence. The next caller's
                // credentials need not go there at once again.
                Retry::Never if is_about_the_way(error.kind()) => (grown(), error.clone()),
                // Refused, and nothing that is stored will say so to the next caller.
                Retry::Never if is_kept_nowhere(key, error.kind()) => (grown(), error.clone()),
                // What else cannot succeed is decided by the stored record, which the next exchange reads first.
                Retry::Never => return,
            };
            let until = self.chance.clock.elapsed() + length.min(Duration::from_secs(86_400));
            aloft.pauses.insert(key.clone(), Pause { until, length, error });
        }
    }
}

/// Whether a failure says something of the remote and the way to it, and nothing of the credentials.
fn is_about_the_way(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Protocol)
}

/// Whether a refusal leaves no trace in the store: of a grant there is the status, of the rest nothing.
fn is_kept_nowhere(key: &TokenKey, kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::PrerequisiteMissing | ErrorKind::Forbidden => true,
        ErrorKind::Unauthorized => matches!(key, TokenKey::Citrix(_)),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::clock::{ManualClock, SystemRandom};

    fn key() -> TokenKey {
        TokenKey::Citrix(CustomerId::parse("acme").unwrap_or_else(|error| panic!("{error}")))
    }

    fn flights() -> (Arc<Flights<Arc<Secret>>>, ManualClock) {
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        (Flights::new(Chance { clock: Arc::new(clock.clone()), random: Arc::new(SystemRandom) }), clock)
    }

    /// What is exchanged once, and not again.
    fn once<F>(exchange: F) -> impl Fn() -> F {
        let exchange = Mutex::new(Some(exchange));
        move || exchange.lock().unwrap().take().unwrap_or_else(|| panic!("asked twice"))
    }

    fn token(text: &str, clock: &ManualClock) -> Cached<Arc<Secret>> {
        use crate::clock::Clock;
        Cached { token: Arc::new(Secret::from(text)), renew_at: clock.now() + Duration::from_secs(1000) }
    }

    #[tokio::test]
    async fn two_hundred_callers_share_one_exchange() {
        let (flights, clock) = flights();
        let exchanges = Arc::new(AtomicUsize::new(0));
        let (open, gate) = tokio::sync::watch::channel(false);
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let (flights, exchanges, clock, mut gate) =
                (flights.clone(), exchanges.clone(), clock.clone(), gate.clone());
            callers.spawn(async move {
                flights
                    .get(
                        &key(),
                        None,
                        once(async move {
                            exchanges.fetch_add(1, Ordering::SeqCst);
                            let _ = gate.wait_for(|open| *open).await;
                            Ok(token("t", &clock))
                        }),
                    )
                    .await
            });
        }
        open.send(true).unwrap_or_else(|error| panic!("{error}"));
        while let Some(result) = callers.join_next().await {
            assert!(matches!(result, Ok(Ok(token)) if token.matches("t")));
        }
        assert_eq!(exchanges.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn waiters_share_a_failure_and_its_pause() {
        let (flights, clock) = flights();
        let exchanges = Arc::new(AtomicUsize::new(0));
        let attempt = |wait: Retry| {
            let (flights, exchanges) = (flights.clone(), exchanges.clone());
            async move {
                let exchange = once(async move {
                    exchanges.fetch_add(1, Ordering::SeqCst);
                    Err(Error::new(ErrorKind::Throttled, "Slow down.").retry(wait))
                });
                flights.get(&key(), None, exchange).await
            }
        };
        let after = Retry::After(Duration::from_secs(30));
        assert!(attempt(after).await.is_err());
        assert!(attempt(after).await.is_err());
        assert_eq!(exchanges.load(Ordering::SeqCst), 1, "the second caller was told without asking");
        clock.advance(Duration::from_secs(29));
        assert!(attempt(after).await.is_err());
        assert_eq!(exchanges.load(Ordering::SeqCst), 1, "Retry-After is not undercut");
        clock.advance(Duration::from_secs(2));
        assert!(attempt(after).await.is_err());
        assert_eq!(exchanges.load(Ordering::SeqCst), 2);
    }

    /// T16: a refused secure client is not sent again by every caller.
    #[tokio::test]
    async fn a_refusal_that_nothing_keeps_is_asked_again_after_a_pause_that_grows() {
        let instance = || InstanceId::parse("https://dev1.service-now.com").unwrap();
        let of_instance = || TokenKey::ServiceNow(CustomerId::parse("acme").unwrap(), instance());
        for (key, kind, pauses) in [
            (key(), ErrorKind::Unauthorized, true),
            (of_instance(), ErrorKind::PrerequisiteMissing, true),
            (of_instance(), ErrorKind::Forbidden, true),
            (of_instance(), ErrorKind::Unauthorized, false),
            (of_instance(), ErrorKind::IllegalState, false),
        ] {
            let (flights, clock) = flights();
            let exchanges = Arc::new(AtomicUsize::new(0));
            let ask = async || {
                let exchanges = exchanges.clone();
                let exchange = once(async move {
                    exchanges.fetch_add(1, Ordering::SeqCst);
                    Err(Error::new(kind, "No."))
                });
                assert_eq!(flights.get(&key, None, exchange).await.unwrap_err().kind(), kind);
            };
            for _ in 0..60 {
                ask().await;
                ask().await;
                clock.advance(Duration::from_secs(1));
            }
            let asked = exchanges.load(Ordering::SeqCst);
            assert_eq!(asked, if pauses { 6 } else { 120 }, "{kind:?}");
            flights.forget(&key);
            ask().await;
            assert_eq!(exchanges.load(Ordering::SeqCst), asked + 1, "credentials that have changed are tried at once");
        }
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_prolongs_no_pause() {
        struct Set(ManualClock);
        impl crate::clock::Clock for Set {
            fn now(&self) -> DateTime<Utc> {
                // Every second that passes, somebody sets it back by two.
                DateTime::UNIX_EPOCH - self.elapsed()
            }
            fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
                self.0.sleep(duration)
            }
            fn elapsed(&self) -> Duration {
                self.0.elapsed()
            }
        }
        let clock = ManualClock::new(DateTime::UNIX_EPOCH);
        let flights: Arc<Flights<Arc<Secret>>> =
            Flights::new(Chance { clock: Arc::new(Set(clock.clone())), random: Arc::new(SystemRandom) });
        let failed = Err(Error::new(ErrorKind::Throttled, "Slow down.").retry(Retry::After(Duration::from_secs(30))));
        assert!(flights.get(&key(), None, once(async move { failed })).await.is_err());
        clock.advance(Duration::from_secs(31));
        let fresh = token("fresh", &clock);
        assert!(flights.get(&key(), None, once(async move { Ok(fresh) })).await.unwrap().matches("fresh"));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_end_the_exchange() {
        let (flights, clock) = flights();
        let (open, mut gate) = tokio::sync::watch::channel(false);
        let (flights2, clock2) = (flights.clone(), clock.clone());
        let caller = tokio::spawn(async move {
            flights2
                .get(
                    &key(),
                    None,
                    once(async move {
                        let _ = gate.wait_for(|open| *open).await;
                        Ok(token("kept", &clock2))
                    }),
                )
                .await
        });
        while flights.aloft.lock().unwrap_or_else(PoisonError::into_inner).flights.is_empty() {
            tokio::task::yield_now().await;
        }
        caller.abort();
        open.send(true).unwrap_or_else(|error| panic!("{error}"));
        let kept = flights.get(&key(), None, || async { panic!("asked twice") }).await;
        assert!(matches!(kept, Ok(token) if token.matches("kept")));
    }

    #[tokio::test]
    async fn a_refused_token_is_not_served_again() {
        let (flights, clock) = flights();
        let first = token("first", &clock);
        let _ = flights.get(&key(), None, once(async move { Ok(first) })).await;
        let second = token("second", &clock);
        let got = flights.get(&key(), Some(&Secret::from("first")), once(async move { Ok(second) })).await;
        assert!(matches!(got, Ok(token) if token.matches("second")));
    }

    /// A caller may take a token from the cache, and be refused with it, before the flight that brought the token has
    /// left the map.
    #[tokio::test]
    async fn a_flight_that_began_before_the_refusal_does_not_bring_the_refused_token() {
        for refused_again in [false, true] {
            let (flights, clock) = flights();
            let (open, mut gate) = tokio::sync::watch::channel(false);
            let (early, old) = (flights.clone(), token("old", &clock));
            let early = tokio::spawn(async move {
                let exchange = once(async move {
                    let _ = gate.wait_for(|open| *open).await;
                    Ok(old)
                });
                early.get(&key(), None, exchange).await
            });
            while flights.aloft.lock().unwrap().flights.is_empty() {
                tokio::task::yield_now().await;
            }
            let answer = if refused_again {
                Err(Error::new(ErrorKind::Throttled, "Slow down.").retry(Retry::After(Duration::from_secs(30))))
            } else {
                Ok(token("new", &clock))
            };
            let (key, refused) = (key(), Secret::from("old"));
            let late = flights.get(&key, Some(&refused), once(async move { answer }));
            let mut late = std::pin::pin!(late);
            assert!(futures_util::poll!(&mut late).is_pending(), "it waits for the flight under way");
            open.send(true).unwrap();
            assert!(early.await.unwrap().unwrap().matches("old"));
            match late.await {
                Ok(token) => assert!(!refused_again && token.matches("new")),
                Err(error) => assert!(refused_again && error.kind() == ErrorKind::Throttled, "{error:?}"),
            }
        }
    }

    /// ServiceNow may give the same token again: that is its answer, and not asked for once more by every waiter.
    #[tokio::test]
    async fn the_same_token_given_again_is_an_answer_for_everybody_who_was_refused() {
        let (flights, clock) = flights();
        let (refused, same) = (Secret::from("same"), token("same", &clock));
        let key = key();
        let first = flights.get(&key, Some(&refused), once(async move { Ok(same) }));
        let second = flights.get(&key, Some(&refused), || async { panic!("asked twice") });
        let (first, second) = tokio::join!(first, second);
        assert!(first.unwrap().matches("same") && second.unwrap().matches("same"));
    }

    #[tokio::test]
    async fn a_panic_in_an_exchange_is_an_error_for_everybody() {
        let (flights, _) = flights();
        let got = flights.get(&key(), None, || async { panic!("on purpose") }).await;
        assert!(matches!(got, Err(error) if error.kind() == ErrorKind::Internal));
    }
}
