use std::sync::Mutex;

use ::http::Method;
use bytes::Bytes;
use url::Url;

use super::*;
use crate::{
    clock::{Random, SystemRandom},
    transport::fake::Fake,
};

fn call(repeat: Repeat) -> Call {
    let authorization = headers::secret_header("CwsAuth Bearer=hunter2-token").unwrap();
    Call {
        method: Method::POST,
        url: Url::parse("https://dev1.service-now.com/api/now/table/incident?sysparm_query=hunter2").unwrap(),
        headers: vec![(::http::header::AUTHORIZATION, authorization)],
        body: Bytes::from_static(b"password=hunter2"),
        timeout: Duration::from_secs(30),
        remote: "https://dev1.service-now.com".into(),
        repeat,
        transaction_id: Some("ours-1".to_owned()),
    }
}

/// 200 done, 400 refused, 429 not done, anything else unknown.
fn judge(response: &Response) -> Verdict {
    match response.status.as_u16() {
        200 => Verdict::Done,
        400 => Verdict::Refused(Error::new(ErrorKind::InvalidInput, "No.")),
        429 => Verdict::NotDone(Error::new(ErrorKind::Throttled, "Slow down."), None),
        430 => Verdict::NotDone(Error::new(ErrorKind::Throttled, "Slow down."), Some(Duration::from_secs(7))),
        _ => Verdict::Unknown(Error::new(ErrorKind::Unavailable, "Down.")),
    }
}

fn run(fake: &Fake, config: &Config, repeat: Repeat) -> Result<Response, Failure> {
    fake.run(fake.wire(config).call(call(repeat), judge))
}

fn failed(fake: &Fake, repeat: Repeat) -> Failure {
    run(fake, &Config::default(), repeat).unwrap_err()
}

/// One step of a script.
type Scripted = fn(&Fake) -> &Fake;

#[test]
fn what_is_repeated_depends_on_the_outcome_and_on_what_the_call_changes() {
    use Repeat::{Freely, IfNotDone, Never};
    let not_connected: Scripted = |fake| fake.fail(SendFailure::NotConnected);
    let interrupted: Scripted = |fake| fake.fail(SendFailure::Interrupted);
    let timed_out: Scripted = |fake| fake.fail(SendFailure::TimedOut);
    let too_large: Scripted = |fake| fake.fail(SendFailure::TooLarge);
    let refused: Scripted = |fake| fake.fail(SendFailure::Refused);
    let throttled: Scripted = |fake| fake.json(429, "{}");
    let broken: Scripted = |fake| fake.json(500, "{}");
    let wrong: Scripted = |fake| fake.json(400, "{}");
    for (step, repeat, attempts, kind, outcome, retry) in [
        (not_connected, Freely, 4, ErrorKind::Unavailable, Outcome::NotDone, Retry::Now),
        (not_connected, IfNotDone, 4, ErrorKind::Unavailable, Outcome::NotDone, Retry::Now),
        (not_connected, Never, 1, ErrorKind::Unavailable, Outcome::NotDone, Retry::Now),
        (interrupted, Freely, 4, ErrorKind::Unavailable, Outcome::Unknown, Retry::Now),
        (interrupted, IfNotDone, 1, ErrorKind::Unavailable, Outcome::Unknown, Retry::Never),
        (interrupted, Never, 1, ErrorKind::Unavailable, Outcome::Unknown, Retry::Never),
        (timed_out, Freely, 4, ErrorKind::Timeout, Outcome::Unknown, Retry::Now),
        (timed_out, IfNotDone, 1, ErrorKind::Timeout, Outcome::Unknown, Retry::Never),
        (too_large, Freely, 1, ErrorKind::Protocol, Outcome::Unknown, Retry::Never),
        (refused, Freely, 1, ErrorKind::InvalidInput, Outcome::NotDone, Retry::Never),
        (throttled, Freely, 4, ErrorKind::Throttled, Outcome::NotDone, Retry::Now),
        (throttled, IfNotDone, 4, ErrorKind::Throttled, Outcome::NotDone, Retry::Now),
        (throttled, Never, 1, ErrorKind::Throttled, Outcome::NotDone, Retry::Now),
        (broken, Freely, 4, ErrorKind::Unavailable, Outcome::Unknown, Retry::Now),
        (broken, IfNotDone, 1, ErrorKind::Unavailable, Outcome::Unknown, Retry::Never),
        (broken, Never, 1, ErrorKind::Unavailable, Outcome::Unknown, Retry::Never),
        (wrong, Freely, 1, ErrorKind::InvalidInput, Outcome::NotDone, Retry::Never),
    ] {
        let fake = Fake::new();
        for _ in 0..attempts {
            step(&fake);
        }
        let Failure { error, outcome: seen } = failed(&fake, repeat);
        assert_eq!(fake.sent().len(), attempts, "{error:?}");
        assert_eq!((error.kind(), seen, error.retry_advice()), (kind, outcome, retry), "{repeat:?} {error:?}");
        assert_eq!(error.info().attempts as usize, attempts);
        assert_eq!(error.transaction_id(), Some("ours-1"));
    }
}

#[test]
fn an_attempt_that_succeeds_ends_the_repeating() {
    let fake = Fake::new();
    fake.fail(SendFailure::NotConnected).json(429, "{}").json(200, "{}");
    assert!(run(&fake, &Config::default(), Repeat::IfNotDone).is_ok());
    assert_eq!(fake.sent().len(), 3);
}

#[test]
fn an_unknown_attempt_is_not_forgotten_when_a_later_one_was_not_done() {
    let fake = Fake::new();
    fake.fail(SendFailure::Interrupted).json(400, "{}");
    assert_eq!(failed(&fake, Repeat::Freely).outcome, Outcome::Unknown);
}

#[test]
fn the_wait_that_the_remote_asks_for_is_never_undercut() {
    for (headers, status, least) in [
        (vec![("retry-after", "3")], 429, 3),
        (vec![], 430, 7),
        (vec![("retry-after", "9")], 430, 9),
        (vec![("retry-after", "4")], 503, 4),
    ] {
        let fake = Fake::new();
        fake.answer(status, &headers, "").json(200, "{}");
        assert!(run(&fake, &Config::default(), Repeat::Freely).is_ok());
        let waited = fake.sent()[1].0;
        let least = Duration::from_secs(least);
        assert!(waited >= least && waited < least + Duration::from_millis(20), "{waited:?}");
    }
}

#[test]
fn a_wait_that_does_not_fit_is_told_at_once() {
    let fake = Fake::new();
    fake.answer(429, &[("retry-after", "600")], "");
    let error = failed(&fake, Repeat::Freely).error;
    assert_eq!((error.kind(), error.retry_advice()), (ErrorKind::Throttled, Retry::After(Duration::from_secs(600))));
    assert_eq!(fake.sent().len(), 1);
}

#[test]
fn a_paused_remote_gets_nothing_and_delays_only_itself() {
    let fake = Fake::new();
    let wire = fake.wire(&Config::default());
    fake.answer(429, &[("retry-after", "600")], "");
    fake.run(wire.call(call(Repeat::Never), judge)).unwrap_err();
    let Failure { error, outcome } = fake.run(wire.call(call(Repeat::Freely), judge)).unwrap_err();
    assert_eq!((error.kind(), outcome, error.info().attempts), (ErrorKind::Throttled, Outcome::NotDone, 0));
    assert!(matches!(error.retry_advice(), Retry::After(wait) if wait > Duration::from_secs(590)));
    fake.json(200, "{}");
    let other = Call { remote: "https://dev2.service-now.com".into(), ..call(Repeat::Freely) };
    assert!(fake.run(wire.call(other, judge)).is_ok());
    assert_eq!(fake.sent().len(), 2);
}

#[test]
fn the_total_deadline_ends_an_attempt_that_hangs_and_leaves_it_unknown() {
    let fake = Fake::new();
    fake.json(429, "{}").hang();
    let Failure { error, outcome } = failed(&fake, Repeat::IfNotDone);
    assert_eq!((error.kind(), outcome, error.info().attempts), (ErrorKind::Timeout, Outcome::Unknown, 2));
    assert_eq!(error.retry_advice(), Retry::Never);
}

#[test]
fn an_attempt_is_never_given_more_time_than_is_left() {
    let fake = Fake::new();
    fake.answer(429, &[("retry-after", "100")], "").json(200, "{}");
    run(&fake, &Config::default(), Repeat::Freely).unwrap();
    let timeouts: Vec<_> = fake.sent().iter().map(|(_, request)| request.timeout).collect();
    assert_eq!(timeouts[0], Duration::from_secs(30));
    assert!(timeouts[1] <= Duration::from_secs(20), "{timeouts:?}");
}

#[test]
fn waiting_for_a_place_ends_with_the_total_deadline_and_sends_nothing() {
    let fake = Fake::new();
    let config = Config { concurrency_per_remote: 1, ..Config::default() };
    let wire = fake.wire(&config);
    fake.hang();
    let blocker = wire.call(Call { timeout: Duration::MAX, ..call(Repeat::Freely) }, judge);
    let (first, second) = fake.run(futures_util::future::join(blocker, wire.call(call(Repeat::Never), judge)));
    assert_eq!(first.unwrap_err().outcome, Outcome::Unknown);
    let Failure { error, outcome } = second.unwrap_err();
    assert_eq!((error.kind(), outcome, error.retry_advice()), (ErrorKind::Timeout, Outcome::NotDone, Retry::Now));
    assert_eq!(fake.sent().len(), 1);
}

/// Gives the largest numbers, or the smallest.
struct Extreme(u8);

impl Random for Extreme {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

#[test]
fn back_off_is_full_jitter_below_a_bound_that_doubles_and_ends() {
    let fake = Fake::new();
    let wait = |attempts: u32, random: Arc<dyn Random>, retry: RetryConfig| {
        let config = Config { retry, ..Config::default() };
        let chance = Chance { random, ..fake.chance() };
        let wire = Wire::new(Arc::new(fake.clone()), &config, chance);
        let call = call(Repeat::Freely);
        let deadline = wire.0.chance.now();
        let run = Run { shared: &wire.0, call: &call, judge, deadline, attempts, unknown: false, last: None };
        run.back_off()
    };
    for (attempts, bound) in [(1, 200), (2, 400), (3, 800), (7, 10_000), (1000, 10_000), (u32::MAX, 10_000)] {
        let bound = Duration::from_millis(bound);
        let waits: Vec<_> = (0..200).map(|_| wait(attempts, Arc::new(SystemRandom), RetryConfig::default())).collect();
        assert!(waits.iter().all(|wait| *wait <= bound), "{attempts}");
        assert!(waits.iter().any(|wait| *wait > bound / 2) && waits.iter().any(|wait| *wait < bound / 2));
    }
    assert_eq!(wait(1, Arc::new(Extreme(0)), RetryConfig::default()), Duration::ZERO);
    let endless = RetryConfig { backoff_base: Duration::MAX, backoff_max: Duration::MAX, max_attempts: u32::MAX };
    assert!(wait(u32::MAX, Arc::new(Extreme(0xff)), endless) <= LONGEST);
}

#[test]
fn the_transaction_id_of_the_remote_wins_over_ours() {
    let fake = Fake::new();
    fake.answer(400, &[("x-transaction-id", "theirs-1")], "");
    let error = failed(&fake, Repeat::Never).error;
    assert_eq!(error.transaction_id(), Some("theirs-1"));
    assert_eq!(error.context("host"), Some("dev1.service-now.com"));
    assert_eq!(error.context("status"), Some("400"));
}

#[test]
fn extreme_settings_do_not_overflow() {
    let fake = Fake::new();
    fake.json(200, "{}");
    let config = Config { total_timeout: Duration::MAX, attempt_timeout: Duration::MAX, ..Config::default() };
    assert!(run(&fake, &config, Repeat::Freely).is_ok());
    let none = Config {
        retry: RetryConfig { max_attempts: 0, ..RetryConfig::default() },
        total_timeout: Duration::ZERO,
        ..Config::default()
    };
    fake.json(429, "{}");
    assert!(run(&fake, &none, Repeat::Freely).is_err());
}

/// Collects every field of every event as text.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<String>>);

impl tracing::Subscriber for Collector {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut |field: &tracing::field::Field, value: &dyn fmt::Debug| {
            use fmt::Write;
            let _ = write!(self.0.lock().unwrap(), "{field}={value:?} ");
        });
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn neither_traces_nor_errors_nor_debug_texts_hold_a_secret() {
    let fake = Fake::new();
    fake.answer(500, &[("set-cookie", "hunter2")], "hunter2").fail(SendFailure::TimedOut);
    fake.answer(400, &[], "hunter2");
    let collector = Collector::default();
    let error = tracing::subscriber::with_default(collector.clone(), || failed(&fake, Repeat::Freely).error);
    let traced = collector.0.lock().unwrap().clone();
    let all = format!("{traced} {error} {error:?} {:?} {:?}", error.info(), call(Repeat::Never));
    assert!(!all.contains("hunter2"), "{all}");
    assert!(traced.contains("method=POST") && traced.contains("attempt=3"), "{traced}");
    assert!(traced.contains("path=\"/api/now/table/incident\""), "{traced}");
}
