//! SIGKILL at any moment of connect, register, re-authenticate, unregister and disconnect. Whoever opens the store
//! next finds the old state or the new one, complete, and finishes what was begun.
//!
//! The random part kills 300 times, or 2,000 times with `ITSM_LONG=1`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use itsm_adapter::{Client, CustomerId, EventKind, InstanceId, store::Store};
use itsm_simulator::{Fault, FaultKind, TokenKind};
use support::{
    ACME, DEV1, World,
    actor::{self, Deed, Dice, State, credentials},
    child::{self, Other, Scene},
    clock::TestClock,
    until,
};

/// Not a test of its own: what the started processes do.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Some((part, scene)) = child::part() else { return };
    let client = child::client(&scene).await;
    if part == "work until killed" {
        return actor::work(&client, &scene).await;
    }
    let (stops, deed): (bool, Deed) = serde_json::from_str(&part).unwrap();
    if stops {
        client.observe(actor::stop_at_commit());
    }
    actor::perform(&client, &scene.instance_url, deed).await.unwrap();
    child::say("done");
}

/// The event log as far as it has been read, and the state that it tells.
#[derive(Debug, Default)]
struct Log {
    after: Option<String>,
    told: Option<String>,
}

impl Log {
    /// Reads on. Every entry about the connection begins where the one before it ended.
    async fn read(&mut self, client: &Client, about: &str) -> &str {
        loop {
            let page = client.events().list(Some(ACME), self.after.as_deref(), Some(1000)).await.unwrap();
            for event in &page.items {
                self.after = Some(event.sequence.to_string());
                let (Some(from), Some(to)) = (event.detail.get("from"), event.detail.get("to")) else { continue };
                assert_eq!(self.told.as_deref().unwrap_or("none"), from, "{about}: the log has a gap at {event:?}");
                assert_ne!(event.kind, EventKind::Unauthorized, "{about}");
                self.told = Some(to.clone());
            }
            if page.next.is_none() {
                return self.told.as_deref().unwrap_or("none");
            }
        }
    }
}

/// What the next process finds: complete, in one of these states, told by the log, usable, and finished.
async fn examine(world: &World, log: &mut Log, allowed: &[State], thorough: bool, about: &str) -> State {
    // Later than any lease of the process that died, and than any test of tokens that it had in hand.
    let clock = TestClock::new(1);
    clock.advance(Duration::from_secs(601));
    let client = Client::builder().config(world.config()).clock(Arc::new(clock)).open().await.unwrap();
    let found = actor::state(&client, &world.url()).await;
    assert!(allowed.contains(&found), "{about}: found {found:?}");
    assert_eq!(log.read(&client, about).await, found.word(), "{about}: the log tells another story");

    let store = world.store();
    let (customer, instance) = (CustomerId::parse(ACME).unwrap(), InstanceId::parse(&world.url()).unwrap());
    let row = store.connection(&customer, &instance).await.unwrap();
    let has_secrets = row.as_ref().is_some_and(|row| row.sealed.is_some());
    assert_eq!(has_secrets, matches!(found, State::Registered(_)), "{about}: secrets and status do not agree");

    if let State::Registered(set) = found {
        if thorough {
            // Only secret, user and password together can help now.
            world.simulator.revoke_tokens(DEV1, TokenKind::Both, None);
        }
        support::read(&client, ACME).await.unwrap_or_else(|error| panic!("{about}: {error:?}"));
        let reader = world.asked("table").pop().unwrap().user;
        assert_eq!(reader.as_deref(), Some(credentials(set).2), "{about}: somebody else's token");
    }
    if thorough {
        client.accounts().entitlement(ACME).await.unwrap_or_else(|error| panic!("{about}: {error:?}"));
    }
    // Fails where there is no registration, but first finishes what still waits.
    let _ = client.registrations().check(ACME, &world.url()).await;
    assert!(store.revocations(None, 10).await.unwrap().is_empty(), "{about}: tokens still wait to be revoked");
    assert_eq!(actor::state(&client, &world.url()).await, found, "{about}: looking has changed it");
    found
}

/// What a killed process had said last: the states that may be found.
fn allowed(said: &[String], before: State) -> Vec<State> {
    match said.last().map(|word| word.split_once(' ').unwrap()) {
        None => vec![before],
        Some(("begin", what)) => {
            let (from, deed): (State, Deed) = serde_json::from_str(what).unwrap();
            vec![from, from.after(deed)]
        }
        Some(("done", state)) => vec![serde_json::from_str(state).unwrap()],
        Some((_, failure)) => panic!("the process failed before it was killed: {failure}"),
    }
}

/// Kills a working process at a moment chosen by chance: after some of its words, then after some of its requests,
/// then some microseconds later.
fn kill_at_random(world: &World, dice: &mut Dice) -> Vec<String> {
    world.simulator.clear_requests();
    let mut other = Other::start("work until killed", &Scene::of(world, dice.roll(u64::MAX)));
    let mut said = Vec::new();
    for _ in 0..=dice.roll(6) {
        said.extend(other.next());
    }
    let enough = world.simulator.requests().len() + usize::try_from(dice.roll(8)).unwrap();
    let patience = Instant::now() + Duration::from_millis(dice.roll(30));
    while world.simulator.requests().len() < enough && Instant::now() < patience {
        std::thread::yield_now();
    }
    let moment = Instant::now() + Duration::from_micros(dice.roll(3000));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    other.kill();
    said.extend(other.finish().0);
    said
}

fn kills() -> u64 {
    if std::env::var("ITSM_LONG").is_ok_and(|long| long == "1") { 2000 } else { 300 }
}

#[test]
fn a_process_killed_at_any_moment_leaves_the_old_state_or_the_new_one() {
    let start = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let kill = |half: u64| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let world = World::new().await;
            world.added(ACME).await;
            let (mut log, mut dice, mut state) = (Log::default(), Dice::new(start + half), State::None);
            let mut interrupted = 0;
            for round in 0..kills() / 2 {
                let said = kill_at_random(&world, &mut dice);
                let about = format!("start {start}, half {half}, round {round}, after {:?}", said.last());
                let allowed = allowed(&said, state);
                interrupted += u64::from(allowed.len() > 1);
                state = examine(&world, &mut log, &allowed, round % 3 == 0, &about).await;
            }
            assert!(interrupted > kills() / 8, "only {interrupted} kills hit a process at work");
        });
    };
    std::thread::scope(|threads| {
        let halves: Vec<_> = (0..2).map(|half| threads.spawn(move || kill(half))).collect();
        for half in halves {
            half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// Brings the connection into a state.
async fn bring(world: &World, to: State) {
    let now = actor::state(&world.client, &world.url()).await;
    let deeds: &[Deed] = match (now, to) {
        (State::None, State::None) | (State::Unregistered, State::Unregistered) => &[],
        (_, State::None) => &[Deed::Disconnect],
        (State::None, State::Unregistered) => &[Deed::Connect],
        (State::Registered(_), State::Unregistered) => &[Deed::Unregister],
        (_, State::Registered(set)) => &[Deed::Register(set)],
    };
    for deed in deeds {
        actor::perform(&world.client, &world.url(), *deed).await.unwrap();
    }
}

/// Starts a process that does one thing, and gives it back to be killed.
fn doing(world: &World, deed: Deed, stops: bool) -> Other {
    Other::start(&serde_json::to_string(&(stops, deed)).unwrap(), &Scene::of(world, 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_while_a_request_is_on_its_way_has_changed_nothing_before_the_commit_and_all_after_it() {
    use Deed::{Connect, Disconnect, Reauthenticate, Register, Unregister};
    use State::{None, Registered, Unregistered};
    const CITRIX: &[&str] = &["token", "service_states", "sites:list", "sites:get"];
    const INSTANCE: &[&str] = &[
        "token",
        "current_user",
        "table:incident:list",
        "table:sys_user_has_role:list",
        "table:sys_store_app:list",
        "table:sys_scope:list",
    ];
    let world = World::new().await;
    world.added(ACME).await;
    let mut log = Log::default();
    for (from, deed, on, routes) in [
        (None, Connect, "citrix", CITRIX),
        (Unregistered, Connect, "citrix", CITRIX),
        (Registered(0), Connect, "citrix", CITRIX),
        (None, Register(0), "citrix", CITRIX),
        (None, Register(0), DEV1, INSTANCE),
        (Unregistered, Register(1), DEV1, INSTANCE),
        (Registered(0), Register(1), DEV1, INSTANCE),
        (Registered(1), Reauthenticate(0), DEV1, INSTANCE),
        (Registered(0), Register(1), DEV1, &["revoke"]),
        (Registered(0), Reauthenticate(1), DEV1, &["revoke"]),
        (Registered(0), Unregister, DEV1, &["revoke"]),
        (Registered(0), Disconnect, DEV1, &["revoke"]),
    ] {
        for route in routes {
            for skip in 0..=u32::from(*route == "revoke") {
                let about = format!("{deed:?} from {from:?}, {route} number {skip} on {on}");
                bring(&world, from).await;
                if on == "citrix" {
                    world.simulator.expire_account_tokens(ACME);
                }
                world.simulator.clear_requests();
                world.simulator.fault(Fault::new(on, FaultKind::Hang).route(*route).skip(skip));
                let mut other = doing(&world, deed, false);
                until(&about, || world.simulator.requests().iter().any(|asked| asked.fault.is_some())).await;
                other.kill();
                drop(other);
                world.simulator.clear_faults();
                let expected = if *route == "revoke" { from.after(deed) } else { from };
                examine(&world, &mut log, &[expected], true, &about).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_right_after_its_commit_leaves_the_new_state_and_what_is_still_to_do() {
    use Deed::{Connect, Disconnect, Reauthenticate, Register, Unregister};
    use State::{None, Registered, Unregistered};
    let world = World::new().await;
    world.added(ACME).await;
    let mut log = Log::default();
    for (from, deed, waiting) in [
        (None, Connect, 0),
        (None, Register(0), 0),
        (Unregistered, Register(0), 0),
        (Registered(0), Register(1), 1),
        (Registered(0), Register(0), 0),
        (Registered(0), Reauthenticate(1), 1),
        (Registered(0), Unregister, 1),
        (Registered(0), Disconnect, 1),
        (Unregistered, Disconnect, 0),
    ] {
        let about = format!("{deed:?} from {from:?}");
        bring(&world, from).await;
        let mut other = doing(&world, deed, true);
        assert_eq!(other.next().as_deref(), Some("committed"), "{about}");
        other.kill();
        drop(other);
        assert_eq!(world.store().revocations(Option::None, 10).await.unwrap().len(), waiting, "{about}");
        examine(&world, &mut log, &[from.after(deed)], true, &about).await;
    }
}
