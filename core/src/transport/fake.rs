//! A transport for tests: answers from a script, remembers what was sent, and when.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::{Request, Response, SendFailure, Transport, Wire};
use crate::{
    clock::{Chance, Clock, ManualClock, SystemRandom},
    config::Config,
};

/// What happens to one request.
#[derive(Debug)]
enum Step {
    Answer(Response),
    Fail(SendFailure),
    Hang,
}

/// The script and the record. Clones share both.
#[derive(Clone)]
pub(crate) struct Fake {
    clock: ManualClock,
    steps: Arc<Mutex<VecDeque<Step>>>,
    sent: Arc<Mutex<Vec<(Duration, Request)>>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// Starts at a fixed instant.
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(start());
        Self { clock, steps: Arc::default(), sent: Arc::default() }
    }

    /// The next request gets this answer.
    pub(crate) fn answer(&self, status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> &Self {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect::<HeaderMap>();
        let status = StatusCode::from_u16(status).unwrap();
        self.step(Step::Answer(Response { status, headers, body: body.into().into() }))
    }

    /// The next request gets this answer in JSON.
    pub(crate) fn json(&self, status: u16, body: &str) -> &Self {
        self.answer(status, &[("content-type", "application/json; charset=utf-8")], body)
    }

    /// The next request fails like this.
    pub(crate) fn fail(&self, failure: SendFailure) -> &Self {
        self.step(Step::Fail(failure))
    }

    /// The next request never ends.
    pub(crate) fn hang(&self) -> &Self {
        self.step(Step::Hang)
    }

    fn step(&self, step: Step) -> &Self {
        self.steps.lock().unwrap().push_back(step);
        self
    }

    /// What was sent so far, each with the time since the start.
    pub(crate) fn sent(&self) -> Vec<(Duration, Request)> {
        assert!(self.steps.lock().unwrap().is_empty(), "the script was not played to its end");
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn chance(&self) -> Chance {
        Chance { clock: Arc::new(self.clock.clone()), random: Arc::new(SystemRandom) }
    }

    pub(crate) fn wire(&self, config: &Config) -> Wire {
        Wire::new(Arc::new(self.clone()), config, self.chance())
    }

    /// Runs to the end, moving the clock on whenever nothing else can happen.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        for _ in 0..1_000_000 {
            if let Some(done) = (&mut work).now_or_never() {
                return done;
            }
            self.clock.advance(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

#[async_trait]
impl Transport for Fake {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let at = (self.clock.now() - start()).to_std().unwrap();
        self.sent.lock().unwrap().push((at, request));
        let step = self.steps.lock().unwrap().pop_front();
        match step.expect("a request that the script does not know") {
            Step::Answer(response) => Ok(response),
            Step::Fail(failure) => Err((failure, "scripted".to_owned())),
            Step::Hang => std::future::pending().await,
        }
    }
}
