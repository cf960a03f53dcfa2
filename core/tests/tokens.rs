//! Tokens under many callers: one exchange for all of them, in one process and between processes, also when it
//! fails, when its caller goes away, and when the process that made it dies.

#![allow(clippy::unwrap_used)]

mod support;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use itsm_adapter::{Client, Error, ErrorKind, Retry};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use support::{
    ACME, DEV1, World,
    child::{self, Other, Scene},
    read, until,
};
use tokio::task::JoinSet;

const CALLERS: usize = 200;
const HOUR: Duration = Duration::from_secs(3600);

/// Many tasks that make the same call at once.
async fn together<F>(client: &Client, callers: usize, call: impl Fn(Client) -> F) -> Vec<Result<(), Error>>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        tasks.spawn(call(client.clone()));
    }
    tasks.join_all().await
}

async fn read_there(client: Client) -> Result<(), Error> {
    read(&client, ACME).await
}

async fn ask_citrix(client: Client) -> Result<(), Error> {
    client.accounts().entitlement(ACME).await.map(drop)
}

/// A registered account whose tokens are all over, here and there.
async fn with_old_tokens() -> World {
    let world = World::with(&[DEV1], 0).await;
    world.registered(ACME).await;
    world.simulator.advance(HOUR * 2);
    world.clock.advance(HOUR * 2);
    world.simulator.clear_requests();
    world
}

fn token_calls(world: &World, citrix: bool) -> usize {
    world.asked("token").iter().filter(|asked| asked.instance.is_none() == citrix).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_of_an_old_token_cost_one_exchange() {
    let world = with_old_tokens().await;
    for result in together(&world.client, CALLERS, read_there).await {
        result.unwrap();
    }
    assert_eq!((token_calls(&world, false), world.asked("table").len()), (1, CALLERS));
    for result in together(&world.client, CALLERS, ask_citrix).await {
        result.unwrap();
    }
    assert_eq!((token_calls(&world, true), world.asked("service_states").len()), (1, CALLERS));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_whose_token_was_revoked_meanwhile_cost_one_exchange() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    for result in together(&world.client, CALLERS, read_there).await {
        result.unwrap();
    }
    assert_eq!(world.asked("token").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_callers_share_a_failed_exchange_and_its_back_off() {
    let world = with_old_tokens().await;
    for (on, what, kind) in [
        (DEV1, FaultKind::Throttle, ErrorKind::Throttled),
        (DEV1, FaultKind::Semaphore, ErrorKind::Throttled),
        (DEV1, FaultKind::FailTimes, ErrorKind::Unavailable),
        (DEV1, FaultKind::Hibernating, ErrorKind::Unavailable),
        (DEV1, FaultKind::Html, ErrorKind::Protocol),
        (DEV1, FaultKind::Cut, ErrorKind::Unavailable),
        (DEV1, FaultKind::Hang, ErrorKind::Timeout),
        ("citrix", FaultKind::Throttle, ErrorKind::Throttled),
        ("citrix", FaultKind::FailTimes, ErrorKind::Unavailable),
        ("citrix", FaultKind::Html, ErrorKind::Protocol),
        ("citrix", FaultKind::Hang, ErrorKind::Timeout),
    ] {
        let about = format!("{what:?} of {on}");
        let citrix = on == "citrix";
        world.simulator.clear_requests();
        world.simulator.fault(Fault::new(on, what).route("token").with("retry_after_s", 30).always());
        let call =
            |client: Client| async move { if citrix { ask_citrix(client).await } else { read_there(client).await } };
        for wave in 1..=2 {
            for result in together(&world.client, CALLERS, call).await {
                assert_eq!(result.unwrap_err().kind(), kind, "{about}");
            }
            assert_eq!(token_calls(&world, citrix), 1, "{about}: wave {wave}");
        }
        if what == FaultKind::Throttle {
            let advice = call(world.client.clone()).await.unwrap_err().retry_advice();
            assert_eq!(advice, Retry::After(Duration::from_secs(30)), "{about}");
            world.clock.advance(Duration::from_secs(24));
            assert!(call(world.client.clone()).await.is_err());
            assert_eq!(token_calls(&world, citrix), 1, "{about}: asked before it may be");
        }
        world.clock.advance(Duration::from_secs(31));
        assert!(call(world.client.clone()).await.is_err());
        assert_eq!(token_calls(&world, citrix), 2, "{about}: asked again after the pause");
        world.simulator.clear_faults();
        world.clock.advance(Duration::from_secs(61));
    }
    world.reads(ACME, "at the end").await;
    ask_citrix(world.client.clone()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_take_the_exchange_with_it() {
    let world = with_old_tokens().await;
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", 200));
    let caller = tokio::spawn(read_there(world.client.clone()));
    until("the exchange under way", || token_calls(&world, false) == 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.reads(ACME, "the next caller").await;
    assert_eq!(token_calls(&world, false), 1, "the exchange of the first caller served the second");
    // And it is stored: a client that knows nothing of it needs no exchange of its own.
    read(&world.another_client().await, ACME).await.unwrap();
    assert_eq!(token_calls(&world, false), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_ends_and_not_long_before() {
    let world = World::with(&[DEV1], 0).await;
    world.registered(ACME).await;
    ask_citrix(world.client.clone()).await.unwrap();
    for (citrix, life) in [(false, 1800), (true, 3600)] {
        let call = || async { if citrix { ask_citrix(world.client.clone()).await } else { world.read(ACME).await } };
        call().await.unwrap();
        world.simulator.clear_requests();
        world.clock.advance(Duration::from_secs(life - 130));
        call().await.unwrap();
        assert_eq!(token_calls(&world, citrix), 0, "more than two minutes are left");
        world.clock.advance(Duration::from_secs(75));
        call().await.unwrap();
        assert_eq!(token_calls(&world, citrix), 1, "less than a minute is left");
        assert!(
            world.simulator.requests().iter().all(|asked| asked.status != Some(401)),
            "nobody had to be refused first"
        );
        world.clock.advance(HOUR * 3);
    }
}

/// Not a test of its own: what the started processes do.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((part, scene)) = child::part() else { return };
    let client = child::client(&scene).await;
    match part.as_str() {
        "read at the signal" => {
            child::say("ready");
            let signal = signal(&scene.database);
            until("the signal", || signal.exists()).await;
            let failed = together(&client, 50, read_there).await.into_iter().filter_map(Result::err).count();
            child::say(format!("{failed} failed"));
        }
        "read" => drop(read(&client, ACME).await),
        other => panic!("no such part: {other}"),
    }
}

fn signal(database: &std::path::Path) -> PathBuf {
    database.with_extension("go")
}

/// Two processes, fifty callers each, all at once; gives how many token calls there were.
async fn two_processes_at_once(world: &World) -> Vec<itsm_simulator::LoggedRequest> {
    world.simulator.clear_requests();
    let _ = std::fs::remove_file(signal(&world.database()));
    let mut others: Vec<Other> =
        (0..2).map(|number| Other::start("read at the signal", &Scene::of(world, number))).collect();
    for other in &mut others {
        assert_eq!(other.next().as_deref(), Some("ready"));
    }
    std::fs::write(signal(&world.database()), "").unwrap();
    for other in others {
        let finished = tokio::task::spawn_blocking(move || other.finish()).await.unwrap();
        assert_eq!(finished, (vec!["0 failed".to_owned()], true));
    }
    world.asked("token")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_file_never_exchange_at_the_same_time() {
    const TAKES: i64 = 150;
    let world = World::new().await;
    world.registered(ACME).await;
    // An instance that gives a new refresh token each time ends the grant when an old one comes again (T15).
    world.simulator.patch_instance(DEV1, &serde_json::json!({"rotate_refresh_tokens": true})).unwrap();
    for kind in [TokenKind::Access, TokenKind::Both, TokenKind::Access] {
        let slow = Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", TAKES).always();
        world.simulator.fault(slow);
        world.simulator.revoke_tokens(DEV1, kind, None);
        let calls = two_processes_at_once(&world).await;
        // A refused refresh token costs one call more, of the same exchange.
        let exchanges = calls.iter().filter(|call| call.status == Some(200)).count();
        assert!((1..=2).contains(&exchanges), "{calls:?}");
        for pair in calls.windows(2) {
            let apart = (pair[1].at - pair[0].at).num_milliseconds();
            assert!(apart >= TAKES, "two exchanges overlap: {apart} ms apart");
        }
        world.simulator.clear_faults();
    }
    let causes: Vec<String> = world.simulator.syslog(DEV1).into_iter().map(|row| row["message"].clone()).collect();
    assert!(!causes.iter().any(|cause| cause.contains("used twice")), "{causes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_process_that_died_is_taken_over_when_it_ends() {
    let world = World::new().await;
    world.registered(ACME).await;
    world.simulator.clear_requests();
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.simulator.fault(Fault::new(DEV1, FaultKind::Hang).route("token"));
    let mut other = Other::start("read", &Scene::of(&world, 0));
    until("the exchange of the other process", || world.asked("token").len() == 1).await;
    other.kill();
    assert!(!tokio::task::spawn_blocking(move || other.finish()).await.unwrap().1);

    let reading = tokio::spawn(read_there(world.client.clone()));
    until("our own refused read", || world.asked("table").len() == 2).await;
    assert_eq!(world.asked("token").len(), 1, "the lease is kept as long as it lasts");
    assert!(!reading.is_finished());
    world.clock.advance(Duration::from_secs(91));
    reading.await.unwrap().unwrap();
    assert_eq!(world.asked("token").len(), 2);
}

/// An exchange may take as long as one call may, with all its waits: its lease does not end before (T15).
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_does_not_end_before_the_exchange_can() {
    let patient = |config: &mut itsm_adapter::Config| {
        config.total_timeout = Duration::from_secs(120);
        config.attempt_timeout = config.total_timeout;
    };
    let world = World::made(&[DEV1], 1, patient).await;
    world.registered(ACME).await;
    let mut config = world.config();
    patient(&mut config);
    let other = Client::builder().config(config).clock(Arc::new(world.clock.clone())).open().await.unwrap();
    world.simulator.clear_requests();
    world.simulator.revoke_tokens(DEV1, TokenKind::Access, None);
    world.simulator.fault(Fault::new(DEV1, FaultKind::Slow).route("token").with("delay_ms", 800));
    let reading = tokio::spawn(read_there(world.client.clone()));
    until("the exchange under way", || token_calls(&world, false) == 1).await;
    world.clock.advance(Duration::from_secs(100));
    read(&other, ACME).await.unwrap();
    reading.await.unwrap().unwrap();
    assert_eq!(token_calls(&world, false), 1, "the other one waited, and took what was stored");
}

/// The user may be locked behind a page that says nothing of it (T16).
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_a_page_answers_with_401_is_not_sent_again_for_an_hour() {
    let world = with_old_tokens().await;
    // Near the wall, so that the password is what renews.
    world.clock.advance(HOUR * 24 * 100);
    let page = Fault::new(DEV1, FaultKind::HtmlError).route("token").with("status", 401);
    world.simulator.fault(page.always());
    for minute in 0..60 {
        for result in together(&world.client, 50, read_there).await {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Protocol);
        }
        assert_eq!(token_calls(&world, false), 1, "in minute {minute}");
        world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(world.connection(ACME).await.status, itsm_adapter::ConnectionStatus::Registered, "no proof");
    world.simulator.clear_faults();
    world.reads(ACME, "after the pause").await;
}
