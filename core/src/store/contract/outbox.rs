//! Claims, later states, and counts.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    assert_refusal, done, ok, refused,
    samples::{customer, deliver, delivery, event, new, now, origin, over, world},
};
use crate::{
    id::DeliveryId,
    model::{AlertState, DeliveryStatus, Severity},
    store::{Arrival, Arrived, Change, Claim, Claimed, DeliveryRecord, DeliveryStep, Refusal, Store, Trace, Wanted},
};

/// What this owner asks for at this second, for thirty seconds.
pub(super) fn claim(owner: &str, second: i64, limit: u32) -> Claim {
    let at = now() + TimeDelta::seconds(second);
    let wanted = Wanted::Ready { customers: vec![customer("a")], limit };
    Claim { wanted, owner: owner.to_owned(), now: at, until: at + TimeDelta::seconds(30) }
}

fn one(owner: &str, second: i64) -> Claim {
    Claim { wanted: Wanted::One(DeliveryId("1".to_owned())), ..claim(owner, second, 1) }
}

fn ready(id: &str) -> DeliveryRecord {
    DeliveryRecord { not_before: None, ..delivery(id, "a", id, DeliveryStatus::Pending) }
}

fn ids(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|one| one.row.value.delivery.id.as_str()).collect()
}

fn step(id: &str, state: AlertState) -> Change {
    let mut alert = delivery(id, "a", id, DeliveryStatus::Pending).delivery.alert;
    alert.state = state;
    Change::Step { delivery_id: DeliveryId(id.to_owned()), step: DeliveryStep { number: 0, alert, accepted_at: now() } }
}

pub(super) async fn a_delivery_has_one_holder_and_a_late_one_is_fenced_off(store: Arc<dyn Store>) {
    done(&store, vec![deliver(new(ready("1")))]).await;
    let first = ok(store.claim(claim("x", 0, 5)).await).remove(0);
    assert!(ok(store.claim(claim("y", 29, 5)).await).is_empty(), "it is held for another second");
    assert!(ok(store.claim(one("y", 29)).await).is_empty(), "by name as well");
    ok(store.give_back(&first.row.value.delivery.id, "y").await);
    assert!(ok(store.claim(claim("y", 29, 5)).await).is_empty(), "only its holder gives it back");
    let second = ok(store.claim(claim("y", 30, 5)).await).remove(0);
    assert!(second.row.version > first.row.version);
    let late = vec![deliver(over(first.row.value.clone(), first.row.version))];
    assert_refusal!(refused(&store, late).await, Refusal::Conflict);
    // The holder goes on, in the version that its write gave it.
    let held = done(&store, vec![deliver(over(second.row.value.clone(), second.row.version))]).await;
    assert!(ok(store.claim(claim("x", 59, 5)).await).is_empty(), "a write in between ends no claim");
    let free = DeliveryRecord { claimed_until: None, ..second.row.value };
    done(&store, vec![deliver(over(free, held.version))]).await;
    let third = ok(store.claim(one("x", 31)).await).remove(0);
    ok(store.give_back(&third.row.value.delivery.id, "x").await);
    assert_eq!(ids(&ok(store.claim(claim("y", 31, 5)).await)), ["1"], "what is given back is ready");
}

pub(super) async fn an_alert_is_accepted_once(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let arrival = |id, account, alert: &str| Arrival {
        key: alert.to_owned(),
        trace: None,
        record: delivery(id, account, alert, DeliveryStatus::Pending),
        event: event(Some(account), id),
    };
    let asked =
        vec![arrival("1", "a", "x"), arrival("2", "nobody", "x"), arrival("3", "a", "y"), arrival("4", "a", "x")];
    let answers = ok(store.accept(asked).await);
    let [Arrived::New(first), Arrived::NoAccount, Arrived::New(third), Arrived::Known { row, last_step: None }] =
        answers.as_slice()
    else {
        panic!("each for itself, but: {answers:?}");
    };
    assert_eq!((row.value.delivery.id.as_str(), row.version), ("1", first.version), "the one that was there first");
    assert_eq!(third.first_event, first.first_event + 1);
    let told = ok(store.events(None, 0, 10).await);
    assert_eq!(told.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    done(&store, vec![step("1", AlertState::Changed), step("1", AlertState::Ended)]).await;
    let again = ok(store.accept(vec![arrival("5", "a", "x")]).await);
    let [Arrived::Known { last_step: Some(last), .. }] = again.as_slice() else {
        panic!("known with its last state, but: {again:?}");
    };
    assert_eq!(last.alert.state, AlertState::Ended);
    assert!(ok(store.delivery(&DeliveryId("5".to_owned())).await).is_none());
    // What stayed of a removed delivery must be known.
    let trace = Trace { key: "z".to_owned(), generation: 3, number: None };
    let gone = done(&store, vec![deliver(new(delivery("6", "a", "z", DeliveryStatus::Dead)))]).await;
    let id = DeliveryId("6".to_owned());
    done(&store, vec![Change::RemoveDelivery { id, version: gone.version, trace: Some(trace.clone()) }]).await;
    let told = ok(store.accept(vec![arrival("7", "a", "z")]).await);
    assert!(matches!(told.as_slice(), [Arrived::Traced(known)] if *known == trace), "{told:?}");
    let knowing = Arrival { trace: Some(trace), ..arrival("7", "a", "z") };
    assert!(matches!(ok(store.accept(vec![knowing]).await).as_slice(), [Arrived::New(_)]));
}

pub(super) async fn what_becomes_more_severe_moves_forward_and_stays_one(store: Arc<dyn Store>) {
    let was = done(&store, vec![deliver(new(ready("1"))), deliver(new(ready("2")))]).await;
    let mut worse = ready("2");
    worse.delivery.alert.severity = Severity::Critical;
    done(&store, vec![deliver(over(worse, was.version))]).await;
    assert_eq!(ids(&ok(store.claim(claim("x", 0, 9)).await)), ["2", "1"]);
    assert!(ok(store.claim(claim("y", 1, 9)).await).is_empty(), "nothing stands there twice");
}

pub(super) async fn the_highest_severity_comes_first_then_the_oldest(store: Arc<dyn Store>) {
    use Severity::{Critical, Error, Information, Success, Warning};
    for (id, severity) in
        [("1", Information), ("2", Warning), ("3", Critical), ("4", Success), ("5", Error), ("6", Critical)]
    {
        let mut value = ready(id);
        value.delivery.alert.severity = severity;
        done(&store, vec![deliver(new(value))]).await;
    }
    done(
        &store,
        vec![deliver(new(DeliveryRecord { not_before: None, ..delivery("0", "b", "0", DeliveryStatus::Pending) }))],
    )
    .await;
    assert_eq!(ids(&ok(store.claim(claim("x", 0, 4)).await)), ["3", "6", "5", "2"]);
    assert_eq!(ids(&ok(store.claim(claim("x", 0, 4)).await)), ["4", "1"]);
    let both = Wanted::Ready { customers: vec![customer("a"), customer("b")], limit: 9 };
    assert_eq!(ids(&ok(store.claim(Claim { wanted: both, ..claim("x", 0, 9) }).await)), ["0"]);
}

pub(super) async fn what_is_not_due_waits(store: Arc<dyn Store>) {
    assert_eq!(ok(store.due(&[customer("a")], now()).await), None);
    let later = now() + TimeDelta::seconds(5);
    done(&store, vec![deliver(new(DeliveryRecord { not_before: Some(later), ..ready("1") }))]).await;
    for (id, status) in [("2", DeliveryStatus::Delivered), ("3", DeliveryStatus::Dead), ("4", DeliveryStatus::Grouped)]
    {
        done(&store, vec![deliver(new(delivery(id, "a", id, status)))]).await;
    }
    assert_eq!(ok(store.due(&[customer("a")], now()).await), Some(later));
    assert_eq!(ok(store.due(&[customer("b")], now()).await), None);
    assert!(ok(store.claim(claim("x", 4, 5)).await).is_empty());
    assert_eq!(ids(&ok(store.claim(one("x", 4)).await)), ["1"], "asked for by name it need not be due");
    ok(store.give_back(&DeliveryId("1".to_owned()), "x").await);
    assert_eq!(ok(store.due(&[customer("a")], now()).await), Some(now()));
    assert_eq!(ids(&ok(store.claim(claim("x", 5, 5)).await)), ["1"]);
}

pub(super) async fn of_many_accounts_the_most_severe_comes_first(store: Arc<dyn Store>) {
    let names: Vec<String> = (0..40).map(|number| format!("account{number:02}")).collect();
    let customers: Vec<_> = names.iter().map(|name| customer(name)).collect();
    for (id, account, severity, wait) in
        [("1", 7, Severity::Warning, 0), ("2", 30, Severity::Critical, 0), ("3", 12, Severity::Critical, 60)]
    {
        let mut value = DeliveryRecord {
            not_before: (wait > 0).then(|| now() + TimeDelta::seconds(wait)),
            ..delivery(id, &names[account], id, DeliveryStatus::Pending)
        };
        value.delivery.alert.severity = severity;
        done(&store, vec![deliver(new(value))]).await;
    }
    let of_all =
        |second| Claim { wanted: Wanted::Ready { customers: customers.clone(), limit: 5 }, ..claim("x", second, 5) };
    assert_eq!(ok(store.due(&customers, now()).await), Some(now()));
    assert_eq!(ids(&ok(store.claim(of_all(0)).await)), ["2", "1"]);
    assert_eq!(ok(store.due(&customers[31..], now()).await), None);
    assert_eq!(ok(store.due(&customers, now()).await), Some(now() + TimeDelta::seconds(30)), "when the claims end");
    assert_eq!(ids(&ok(store.claim(of_all(60)).await)), ["2", "3", "1"]);
}

pub(super) async fn later_states_queue_behind_their_delivery(store: Arc<dyn Store>) {
    let id = DeliveryId("1".to_owned());
    done(&store, vec![deliver(new(ready("1")))]).await;
    let held = ok(store.claim(claim("x", 0, 5)).await).remove(0);
    assert_eq!(held.steps, []);
    // A state that comes while somebody works on the delivery changes no version.
    done(&store, vec![step("1", AlertState::Changed)]).await;
    done(&store, vec![step("1", AlertState::Ended)]).await;
    let mut delivered = held.row.value;
    delivered.delivery.status = DeliveryStatus::Delivered;
    delivered.claimed_until = None;
    done(&store, vec![deliver(over(delivered, held.row.version))]).await;
    let next = ok(store.claim(claim("x", 0, 5)).await).remove(0);
    let states: Vec<_> = next.steps.iter().map(|step| step.alert.state).collect();
    assert_eq!(states, [AlertState::Changed, AlertState::Ended]);
    assert_eq!(found(ok(store.last_step(&id).await)).number, next.steps[1].number);
    let rest = DeliveryRecord { claimed_until: None, ..next.row.value };
    let forget = |through| Change::RemoveSteps { delivery_id: DeliveryId("1".to_owned()), through };
    let version = next.row.version;
    done(&store, vec![forget(next.steps[0].number), deliver(over(rest.clone(), version))]).await;
    let last = ok(store.claim(claim("x", 0, 5)).await).remove(0);
    assert_eq!(last.steps, next.steps[1..]);
    done(&store, vec![forget(last.steps[0].number), deliver(over(rest, last.row.version))]).await;
    assert_eq!(ok(store.due(&[customer("a")], now()).await), None, "all is done");
    done(&store, vec![step("1", AlertState::Raised)]).await;
    assert_eq!(ids(&ok(store.claim(claim("x", 0, 5)).await)), ["1"], "a new state makes it ready again");
}

fn found(step: Option<DeliveryStep>) -> DeliveryStep {
    match step {
        Some(step) => step,
        None => panic!("a step must be there"),
    }
}

pub(super) async fn deliveries_are_counted_as_they_move(store: Arc<dyn Store>) {
    for id in ["1", "2", "3"] {
        done(&store, vec![deliver(new(ready(id)))]).await;
    }
    done(&store, vec![deliver(new(delivery("4", "b", "4", DeliveryStatus::Dead)))]).await;
    let claimed = ok(store.claim(claim("x", 0, 1)).await).remove(0);
    let mut value = claimed.row.value;
    value.delivery.status = DeliveryStatus::Delivered;
    value.delivery.instance_id = Some(origin("one"));
    value.claimed_until = None;
    done(&store, vec![deliver(over(value, claimed.row.version))]).await;
    let counts = ok(store.counts(None).await);
    let counts: Vec<_> = counts.iter().map(|one| (one.customer_id.as_str(), one.status, one.count)).collect();
    assert_eq!(
        counts,
        [("a", DeliveryStatus::Pending, 2), ("a", DeliveryStatus::Delivered, 1), ("b", DeliveryStatus::Dead, 1),]
    );
    assert_eq!(ok(store.counts(Some(&customer("b"))).await).len(), 1);
}

pub(super) async fn accounts_with_something_to_do_are_found(store: Arc<dyn Store>) {
    let at = |second| now() + TimeDelta::seconds(second);
    let busy = async |second| ok(store.busy(at(second)).await);
    assert!(busy(0).await.is_empty());
    for (id, of, due) in [("1", "a", None), ("2", "a", None), ("3", "b", Some(5)), ("4", "c", None)] {
        let status = if of == "c" { DeliveryStatus::Ignored } else { DeliveryStatus::Pending };
        let value = DeliveryRecord { not_before: due.map(at), ..delivery(id, of, id, status) };
        done(&store, vec![deliver(new(value))]).await;
    }
    assert_eq!(busy(0).await, [customer("a")], "each once; what is not due waits");
    assert_eq!(busy(5).await, [customer("a"), customer("b")]);
    assert_eq!(ok(store.claim(claim("x", 0, 5)).await).len(), 2);
    assert!(busy(4).await.is_empty(), "what somebody holds is nobody else's");
    assert_eq!(busy(30).await, [customer("a"), customer("b")], "until the claim ends");
}
