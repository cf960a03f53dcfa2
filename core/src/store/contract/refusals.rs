//! The invariants of the state machine, and what the store says when a change would break one.

use std::sync::Arc;

use super::{assert_refusal, done, found, ok, refused, samples::*};
use crate::{
    model::{ConnectionStatus, DeliveryStatus, Instance},
    store::{Change, Refusal, Store},
};

const REGISTERED: ConnectionStatus = ConnectionStatus::Registered;
const UNAUTHORIZED: ConnectionStatus = ConnectionStatus::Unauthorized;
const UNREGISTERED: ConnectionStatus = ConnectionStatus::Unregistered;

fn connect(account: &str, instance: &str, status: ConnectionStatus) -> Change {
    Change::Connection(new(connection(account, instance, status)))
}

fn change(account: &str, instance: &str, status: ConnectionStatus, version: i64) -> Change {
    Change::Connection(over(connection(account, instance, status), version))
}

pub(super) async fn a_second_registration_is_held_by_the_first(store: Arc<dyn Store>) {
    done(&store, world()).await;
    done(&store, vec![connect("a", "one", REGISTERED)]).await;
    let waiting = done(&store, vec![connect("a", "two", UNREGISTERED)]).await;
    for status in [REGISTERED, UNAUTHORIZED] {
        let refusal = refused(&store, vec![change("a", "two", status, waiting.version)]).await;
        assert_refusal!(refusal, Refusal::Held { by } if *by == origin("one"));
    }
    // Another account is another matter.
    done(&store, vec![connect("b", "two", REGISTERED)]).await;
    let row = found(store.connection(&customer("a"), &origin("two")).await);
    assert_eq!(row.version, waiting.version, "a refused registration changes nothing");
}

pub(super) async fn an_unauthorized_registration_still_holds_its_account(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let first = done(&store, vec![connect("a", "one", REGISTERED)]).await;
    let second = done(&store, vec![change("a", "one", UNAUTHORIZED, first.version)]).await;
    let refusal = refused(&store, vec![connect("a", "two", REGISTERED)]).await;
    assert_refusal!(refusal, Refusal::Held { by } if *by == origin("one"));
    done(&store, vec![change("a", "one", UNREGISTERED, second.version)]).await;
    done(&store, vec![connect("a", "two", REGISTERED)]).await;
}

pub(super) async fn an_old_connector_serves_one_account(store: Arc<dyn Store>) {
    done(&store, world()).await;
    done(&store, vec![Change::Instance(new(old_instance("old")))]).await;
    let first = done(&store, vec![connect("a", "old", REGISTERED)]).await;
    let refusal = refused(&store, vec![connect("b", "old", REGISTERED)]).await;
    assert_refusal!(refusal, Refusal::Occupied { by } if *by == customer("a"));
    // Being connected is not yet being served.
    let waiting = done(&store, vec![connect("b", "old", UNREGISTERED)]).await;
    for status in [REGISTERED, UNAUTHORIZED] {
        let refusal = refused(&store, vec![change("b", "old", status, waiting.version)]).await;
        assert_refusal!(refusal, Refusal::Occupied { by } if *by == customer("a"));
    }
    // The one that is served may change as it likes.
    let second = done(&store, vec![change("a", "old", UNAUTHORIZED, first.version)]).await;
    let third = done(&store, vec![change("a", "old", UNREGISTERED, second.version)]).await;
    let fourth = done(&store, vec![change("b", "old", REGISTERED, waiting.version)]).await;
    let refusal = refused(&store, vec![change("a", "old", REGISTERED, third.version)]).await;
    assert_refusal!(refusal, Refusal::Occupied { by } if *by == customer("b"));
    // When the connector is updated, the second account fits.
    let row = found(store.instance(&origin("old")).await);
    let updated = Instance { connector_version: Some("22.3.0".to_owned()), ..row.value };
    done(&store, vec![Change::Instance(over(updated, row.version))]).await;
    done(&store, vec![change("a", "old", REGISTERED, third.version)]).await;
    assert_eq!(found(store.connection(&customer("b"), &origin("old")).await).version, fourth.version);
}

/// The version of the connector is learned late, and may change. An instance is never refused because of it,
/// and who is registered already stays able to change.
pub(super) async fn a_registration_in_place_survives_an_old_connector(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    let both = done(&store, vec![connect("a", "one", REGISTERED), connect("b", "one", REGISTERED)]).await;
    done(&store, vec![Change::Instance(over(old_instance("one"), start.version))]).await;
    let a = done(&store, vec![change("a", "one", UNAUTHORIZED, both.version)]).await;
    let a = done(&store, vec![change("a", "one", REGISTERED, a.version)]).await;
    done(&store, vec![change("b", "one", REGISTERED, both.version)]).await;
    assert_refusal!(refused(&store, vec![connect("c", "one", REGISTERED)]).await, Refusal::Occupied { .. });
    // Who leaves does not come back while the other is there.
    let a = done(&store, vec![change("a", "one", UNREGISTERED, a.version)]).await;
    let refusal = refused(&store, vec![change("a", "one", REGISTERED, a.version)]).await;
    assert_refusal!(refusal, Refusal::Occupied { by } if *by == customer("b"));
}

pub(super) async fn a_connection_needs_its_account_and_instance(store: Arc<dyn Store>) {
    done(&store, world()).await;
    for status in [UNREGISTERED, REGISTERED] {
        assert_refusal!(refused(&store, vec![connect("nobody", "one", status)]).await, Refusal::Missing);
        assert_refusal!(refused(&store, vec![connect("a", "nowhere", status)]).await, Refusal::Missing);
    }
    // Both may come in the same commit.
    let together = vec![
        Change::Account(new(account("d"))),
        Change::Instance(new(instance("three"))),
        connect("d", "three", REGISTERED),
    ];
    done(&store, together).await;
}

pub(super) async fn an_account_in_use_stays(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    let made = done(&store, vec![connect("a", "one", UNREGISTERED)]).await;
    let forget = || Change::RemoveAccount { customer_id: customer("a"), version: start.version };
    assert_refusal!(refused(&store, vec![forget()]).await, Refusal::InUse);
    let (customer_id, instance_id) = (customer("a"), origin("one"));
    done(&store, vec![Change::RemoveConnection { customer_id, instance_id, version: made.version }]).await;
    done(&store, vec![forget()]).await;
    // What waits to be revoked outlives its account.
    done(&store, vec![Change::Revocation(new(revocation("r", "a", 0)))]).await;
}

pub(super) async fn an_alert_has_one_delivery_for_good(store: Arc<dyn Store>) {
    let submit = |id, account, alert| deliver(new(delivery(id, account, alert, DeliveryStatus::Pending)));
    let first = done(&store, vec![submit("1", "a", "alert")]).await;
    assert_refusal!(refused(&store, vec![submit("2", "a", "alert")]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![submit("1", "a", "another")]).await, Refusal::Conflict);
    done(&store, vec![submit("2", "b", "alert"), submit("3", "a", "another")]).await;
    // A delivery moves neither to another account nor to another alert.
    for (account, alert) in [("b", "alert"), ("a", "another"), ("a", "free"), ("c", "alert")] {
        let moved = deliver(over(delivery("1", account, alert, DeliveryStatus::Dead), first.version));
        assert_refusal!(refused(&store, vec![moved]).await, Refusal::Conflict);
    }
    let done_now = deliver(over(delivery("1", "a", "alert", DeliveryStatus::Delivered), first.version));
    done(&store, vec![done_now]).await;
    assert_refusal!(refused(&store, vec![submit("4", "a", "alert")]).await, Refusal::Conflict);
    // Nor does a revocation.
    let kept = done(&store, vec![Change::Revocation(new(revocation("r", "a", 0)))]).await;
    let moved = Change::Revocation(over(revocation("r", "b", 0), kept.version));
    assert_refusal!(refused(&store, vec![moved]).await, Refusal::Conflict);
}

/// A stale writer is told that it is stale, not what its outdated change would have run into.
pub(super) async fn the_version_is_looked_at_first(store: Arc<dyn Store>) {
    done(&store, world()).await;
    done(&store, vec![Change::Instance(new(old_instance("old"))), connect("b", "old", REGISTERED)]).await;
    done(&store, vec![connect("a", "one", REGISTERED)]).await;
    let waiting = done(&store, vec![connect("a", "two", UNREGISTERED), connect("c", "old", UNREGISTERED)]).await;
    let stale = waiting.version - 1;
    assert_refusal!(refused(&store, vec![change("a", "two", REGISTERED, stale)]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![connect("a", "two", REGISTERED)]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![change("c", "old", REGISTERED, stale)]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![connect("c", "old", REGISTERED)]).await, Refusal::Conflict);
    let stale = Change::RemoveAccount { customer_id: customer("a"), version: stale };
    assert_refusal!(refused(&store, vec![stale]).await, Refusal::Conflict);
    // Of two reasons, the account's own comes first.
    assert_refusal!(refused(&store, vec![connect("a", "old", REGISTERED)]).await, Refusal::Held { .. });
}

pub(super) async fn forgetting_a_revocation_twice_is_allowed(store: Arc<dyn Store>) {
    done(&store, vec![Change::Revocation(new(revocation("r", "a", 0)))]).await;
    done(&store, vec![Change::RemoveRevocation { customer_id: customer("b"), id: "r".to_owned() }]).await;
    assert_eq!(ok(store.revocations(None, 10).await).len(), 1, "another account's id forgets nothing");
    for _ in 0..2 {
        done(&store, vec![Change::RemoveRevocation { customer_id: customer("a"), id: "r".to_owned() }]).await;
    }
    assert!(ok(store.revocations(None, 10).await).is_empty());
    done(&store, vec![Change::Revocation(new(revocation("r", "a", 0)))]).await;
}
