//! The order from outside in: total deadline → retry → limiter → one attempt.
//!
//! What was *certainly not done* may be repeated, also when it changes something; what is *unknown* may be
//! repeated only when it changes nothing. A wait that the remote asks for is kept exactly, by every call to
//! that remote; waits of our own are random, so that many callers do not come back together.

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Call, Failure, Outcome, Repeat, Response, SendFailure, Transport, Verdict, headers,
    limit::{Limits, Pause, Remote},
};
use crate::{
    clock::Chance,
    config::{Config, RetryConfig},
    error::{Error, ErrorKind, Retry},
};

/// Longer than any call makes sense; keeps the arithmetic of instants in its range.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where all calls go out. Cheap to clone; clones share the limits.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Shared>);

struct Shared {
    transport: Arc<dyn Transport>,
    limits: Limits,
    retry: RetryConfig,
    total_timeout: Duration,
    chance: Chance,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.0.transport).finish()
    }
}

impl Wire {
    pub(crate) fn new(transport: Arc<dyn Transport>, config: &Config, chance: Chance) -> Self {
        Self(Arc::new(Shared {
            transport,
            limits: Limits::new(config.concurrency_per_remote),
            retry: config.retry.clone(),
            total_timeout: config.total_timeout.min(LONGEST),
            chance,
        }))
    }

    /// Sends the request, repeats what may be repeated, and returns the answer that the judge accepts.
    ///
    /// A call that is dropped half-way gives its place back; what it sent may have been done.
    pub(crate) fn call<J>(
        &self,
        call: impl Into<Box<Call>>,
        judge: J,
    ) -> impl Future<Output = Result<Response, Failure>> + Send
    where
        J: FnMut(&Response) -> Verdict + Send,
    {
        // Boxed: every future around this one would hold the call once more.
        let call = call.into();
        async move {
            let shared = &*self.0;
            let now = shared.chance.now();
            let deadline = later(now, shared.total_timeout);
            Run { shared, call: &call, judge, deadline, attempts: 0, unknown: false, last: None }.run(now).await
        }
    }

    /// What the verdict on a part of a remote's answer means, by the same rules as for a whole one; nothing is repeated
    /// here.
    ///
    /// # Errors
    /// What was not done, or may have been.
    pub(crate) fn judged_part(&self, remote: &str, verdict: Verdict, part: &Response) -> Result<(), Failure> {
        let now = self.0.chance.now();
        let Some(miss) = Miss::of(verdict, part, || now) else { return Ok(()) };
        miss.pauses(&self.0.limits.remote(remote, now), now);
        let outcome = miss.outcome;
        Err(Failure { error: miss.advised(outcome == Outcome::NotDone), outcome })
    }
}

/// One call under way.
struct Run<'a, J> {
    shared: &'a Shared,
    call: &'a Call,
    judge: J,
    deadline: DateTime<Utc>,
    attempts: u32,
    unknown: bool,
    last: Option<Error>,
}

/// An attempt that did not succeed.
struct Miss {
    error: Error,
    outcome: Outcome,
    /// Whether repeating may help at all.
    hope: bool,
    /// The wait that the remote asked for.
    asked: Option<Duration>,
}

impl Miss {
    /// What a verdict means; none: the answer is what was asked for.
    fn of(verdict: Verdict, response: &Response, now: impl FnOnce() -> DateTime<Utc>) -> Option<Self> {
        let header = || headers::retry_after(&response.headers, now());
        let asked = |judged: Option<Duration>| judged.max(header()).filter(|wait| !wait.is_zero());
        let (error, outcome, hope, asked) = match verdict {
            Verdict::Done => return None,
            Verdict::Refused(error) => (error, Outcome::NotDone, false, None),
            Verdict::NotDone(error, wait) => (error, Outcome::NotDone, true, asked(wait)),
            Verdict::Unknown(error) => (error, Outcome::Unknown, true, asked(None)),
        };
        let id = headers::transaction_id(&response.headers);
        let error = error.transaction(id).with("status", response.status.as_u16());
        Some(Self { error, outcome, hope, asked })
    }

    /// The remote gets the pause that it asked for.
    fn pauses(&self, remote: &Remote, now: DateTime<Utc>) {
        if let Some(asked) = self.asked {
            remote.start_pause(Pause { since: now, until: later(now, asked), kind: self.error.kind() });
        }
    }

    /// Its error, which says whether the caller may try again, and when. `harmless`: a repetition cannot do harm.
    fn advised(self, harmless: bool) -> Error {
        let Self { error, hope, asked, .. } = self;
        let advice = match asked {
            Some(wait) if hope && harmless => Retry::After(wait),
            None if hope && harmless && error.retry_advice() == Retry::Never => Retry::Now,
            _ => error.retry_advice(),
        };
        error.retry(advice)
    }
}

impl<'a, J: FnMut(&Response) -> Verdict + Send> Run<'a, J> {
    /// Whatever is waited for, it is waited for no longer than until the deadline. `now` is passed along and read again
    /// after every wait: a call that waits for nobody asks the clock once.
    async fn run(&mut self, mut now: DateTime<Utc>) -> Result<Response, Failure> {
        let shared = self.shared;
        let remote = shared.limits.remote(&self.call.remote, now);
        loop {
            let place = match remote.free_place() {
                Some(place) => Some(place),
                None => {
                    let place = tokio::select! {
                        biased;
                        place = remote.place() => place,
                        () = shared.chance.clock.sleep(self.left(now)) => return Err(self.out_of_time()),
                    };
                    now = shared.chance.now();
                    place
                }
            };
            now = self.sit_out_pause(&remote, now).await?;
            if self.left(now).is_zero() {
                return Err(self.out_of_time());
            }
            remote.spend(now);
            let miss = match self.attempt(&remote, now).await {
                Ok(response) => return Ok(response),
                Err(miss) => miss,
            };
            drop(place);
            self.unknown |= miss.outcome == Outcome::Unknown;
            now = shared.chance.now();
            miss.pauses(&remote, now);
            let wait = miss.asked.unwrap_or_else(|| self.back_off());
            if !self.may_repeat(&miss) || self.attempts >= shared.retry.max_attempts || wait >= self.left(now) {
                return Err(self.give_up(miss));
            }
            self.last = Some(miss.error);
            // What the remote asked for is waited for as its pause, before the next attempt.
            if miss.asked.is_none() {
                shared.chance.clock.sleep(wait).await;
                now = shared.chance.now();
            }
        }
    }

    /// Waits until the remote may be called, and says what time it is then; at once an error when that is too late
    /// for this call.
    async fn sit_out_pause(&mut self, remote: &Remote, mut now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
        loop {
            let Some(pause) = remote.pause(now) else { return Ok(now) };
            let wait = (pause.until - now).to_std().unwrap_or_default();
            if wait >= self.left(now) {
                let error = self.last.take().unwrap_or_else(|| {
                    Error::new(pause.kind, format!("{} asked not to be called for a while.", self.host()))
                });
                return Err(self.failure(error.retry(Retry::After(wait))));
            }
            self.shared.chance.clock.sleep(wait).await;
            now = self.shared.chance.now();
        }
    }

    async fn attempt(&mut self, remote: &Remote, started: DateTime<Utc>) -> Result<Response, Miss> {
        let shared = self.shared;
        let most = self.call.timeout.min(self.left(started));
        self.attempts = self.attempts.saturating_add(1);
        let sent = tokio::select! {
            biased;
            sent = shared.transport.send(self.call.request(most)) => sent,
            () = shared.chance.clock.sleep(most) => {
                Err((SendFailure::TimedOut, format!("no complete answer within {} ms", most.as_millis())))
            }
        };
        self.trace(&sent, started);
        match sent {
            Ok(response) => {
                if let Some((limit, reset)) = headers::hourly_limit(&response.headers) {
                    remote.learn(limit, reset, started);
                }
                self.judge(response)
            }
            Err((failure, why)) => Err(self.not_answered(failure, &why)),
        }
    }

    fn judge(&mut self, response: Response) -> Result<Response, Miss> {
        let verdict = (self.judge)(&response);
        match Miss::of(verdict, &response, || self.shared.chance.now()) {
            None => Ok(response),
            Some(miss) => Err(miss),
        }
    }

    fn not_answered(&self, failure: SendFailure, why: &str) -> Miss {
        let host = self.host();
        let (error, outcome, hope) = match failure {
            SendFailure::NotConnected => (
                Error::new(ErrorKind::Unavailable, format!("{host} cannot be reached: {why}."))
                    .remedy("Check the address, the network and the proxy, then try again."),
                Outcome::NotDone,
                true,
            ),
            SendFailure::Refused => (
                Error::invalid(format!("{host} may not be called: {why}."))
                    .remedy("Correct the address, or set allow_private_networks if it really is inside your network."),
                Outcome::NotDone,
                false,
            ),
            SendFailure::Interrupted => (
                Error::new(ErrorKind::Unavailable, format!("The connection to {host} broke: {why}.")),
                Outcome::Unknown,
                true,
            ),
            SendFailure::TimedOut => {
                (Error::new(ErrorKind::Timeout, format!("{host} was too slow: {why}.")), Outcome::Unknown, true)
            }
            // The next answer would be as large as this one.
            SendFailure::TooLarge => (
                Error::new(ErrorKind::Protocol, format!("{host} answered beyond bounds: {why}.")),
                Outcome::Unknown,
                false,
            ),
        };
        Miss { error, outcome, hope, asked: None }
    }

    fn may_repeat(&self, miss: &Miss) -> bool {
        miss.hope
            && match self.call.repeat {
                Repeat::Freely => true,
                Repeat::IfNotDone => miss.outcome == Outcome::NotDone,
                // T16: a credential that was refused is not tried again behind the caller's back.
                Repeat::Never => false,
            }
    }

    /// Full jitter: anything between nothing and a bound that doubles with each attempt.
    fn back_off(&self) -> Duration {
        let RetryConfig { backoff_base, backoff_max, .. } = self.shared.retry;
        let factor = 1_u32.checked_shl(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let bound = backoff_base.saturating_mul(factor).min(backoff_max).min(LONGEST);
        let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.shared.chance.up_to(micros))
    }

    /// The last word: the error is final here, and says whether the caller may try again, and when.
    fn give_up(&self, miss: Miss) -> Failure {
        let harmless = miss.outcome == Outcome::NotDone || self.call.repeat == Repeat::Freely;
        self.failure(miss.advised(harmless))
    }

    fn out_of_time(&mut self) -> Failure {
        let (host, total) = (self.host(), self.shared.total_timeout.as_millis());
        let error = self.last.take().unwrap_or_else(|| {
            let text = format!("Other calls to {host} took the total time of {total} ms.");
            Error::new(ErrorKind::Timeout, text).retry(Retry::Now)
        });
        let advice = if error.is_retryable() { error.retry_advice() } else { Retry::Now };
        self.failure(error.retry(advice))
    }

    fn failure(&self, error: Error) -> Failure {
        let sent = if error.transaction_id().is_none() { self.call.transaction_id.clone() } else { None };
        let error = error.attempts(self.attempts).with("host", self.host()).transaction(sent);
        Failure { error, outcome: if self.unknown { Outcome::Unknown } else { Outcome::NotDone } }
    }

    fn left(&self, now: DateTime<Utc>) -> Duration {
        (self.deadline - now).to_std().unwrap_or_default()
    }

    fn host(&self) -> &'a str {
        self.call.url.host_str().unwrap_or_default()
    }

    /// One event for each attempt. Headers, bodies and queries stay out of it (T6).
    fn trace(&self, sent: &Result<Response, (SendFailure, String)>, started: DateTime<Utc>) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let answered = sent.as_ref().ok().and_then(|response| headers::transaction_id(&response.headers));
        tracing::debug!(
            method = %self.call.method,
            host = self.host(),
            path = self.call.url.path(),
            status = sent.as_ref().ok().map(|response| response.status.as_u16()),
            failure = sent.as_ref().err().map(|(failure, _)| tracing::field::debug(*failure)),
            ms = (self.shared.chance.now() - started).num_milliseconds(),
            attempt = self.attempts,
            transaction_id = answered.as_deref().or(self.call.transaction_id.as_deref()),
            "attempt"
        );
    }
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait.min(LONGEST)).unwrap_or_default();
    now.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests;
