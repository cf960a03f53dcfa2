//! Rows and versions.

use std::sync::Arc;

use super::{assert_refusal, done, found, ok, refused, samples::*};
use crate::{
    id::DeliveryId,
    model::{ConnectionStatus, DeliveryStatus},
    store::{Change, ConnectionFilter, DeliveryFilter, Put, Refusal, Store},
};

pub(super) async fn an_empty_store_holds_nothing(store: Arc<dyn Store>) {
    assert!(ok(store.account(&customer("a")).await).is_none());
    assert!(ok(store.instance(&origin("one")).await).is_none());
    assert!(ok(store.connection(&customer("a"), &origin("one")).await).is_none());
    assert!(ok(store.delivery(&DeliveryId("1".to_owned())).await).is_none());
    assert!(ok(store.delivery_of(&customer("a"), "monitor", "1").await).is_none());
    assert!(ok(store.accounts(None, 10).await).is_empty());
    assert!(ok(store.instances(None, 10).await).is_empty());
    assert!(ok(store.connections(&ConnectionFilter::default(), None, 10).await).is_empty());
    assert!(ok(store.deliveries(&DeliveryFilter::default(), None, 10).await).is_empty());
    assert!(ok(store.revocations(None, 10).await).is_empty());
    assert!(ok(store.events(None, 0, 10).await).is_empty());
}

pub(super) async fn what_is_written_is_read_back(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let secret = Some(sealed("not in the clear"));
    let connected = connection("a", "one", ConnectionStatus::Registered);
    let submitted = delivery("1", "a", "alert", DeliveryStatus::Pending);
    let pending = revocation("r", "a", 0);
    let committed = done(
        &store,
        vec![
            Change::Connection(Put { value: connected.clone(), sealed: secret.clone(), replaces: None }),
            deliver(new(submitted.clone())),
            Change::Revocation(Put { value: pending.clone(), sealed: secret.clone(), replaces: None }),
        ],
    )
    .await;

    let row = found(store.connection(&customer("a"), &origin("one")).await);
    assert_eq!(row.value, connected, "the public part of a connection");
    assert_eq!(row.sealed, secret, "the sealed part of a connection");
    assert_eq!(row.version, committed.version, "the version of a connection");
    for row in [
        found(store.delivery(&DeliveryId("1".to_owned())).await),
        found(store.delivery_of(&customer("a"), "monitor", "alert").await),
    ] {
        assert_eq!(row.value, submitted, "the public part of a delivery");
        assert_eq!((row.sealed, row.version), (None, committed.version), "what a delivery has besides");
    }
    let rows = ok(store.revocations(Some(&customer("a")), 10).await);
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].value, &rows[0].sealed), (&pending, &secret), "a revocation");
    assert_eq!(found(store.account(&customer("b")).await).value, account("b"), "an account");
    assert_eq!(found(store.instance(&origin("two")).await).value, instance("two"), "an instance");

    // A secret that the next version does not carry is gone.
    done(&store, vec![Change::Connection(over(connected, committed.version))]).await;
    assert_eq!(found(store.connection(&customer("a"), &origin("one")).await).sealed, None, "a forgotten secret");
}

pub(super) async fn a_write_replaces_exactly_the_version_it_names(store: Arc<dyn Store>) {
    let first = done(&store, vec![Change::Account(new(account("a")))]).await;
    assert_refusal!(refused(&store, vec![Change::Account(new(account("a")))]).await, Refusal::Conflict);
    let second = done(&store, vec![Change::Account(over(account("a"), first.version))]).await;
    assert!(second.version > first.version, "versions grow");
    for stale in [first.version, 0, -1, i64::MAX, second.version + 1] {
        let refusal = refused(&store, vec![Change::Account(over(account("a"), stale))]).await;
        assert_refusal!(refusal, Refusal::Conflict);
    }
    let missing = refused(&store, vec![Change::Account(over(account("b"), second.version))]).await;
    assert_refusal!(missing, Refusal::Conflict);
    assert_eq!(found(store.account(&customer("a")).await).version, second.version, "a refused write changes nothing");
}

/// A row that was removed and made again is another row, however equal it looks (ABA).
pub(super) async fn a_version_never_comes_back(store: Arc<dyn Store>) {
    let first = done(&store, vec![Change::Account(new(account("a")))]).await;
    done(&store, vec![Change::RemoveAccount { customer_id: customer("a"), version: first.version }]).await;
    let again = done(&store, vec![Change::Account(new(account("a")))]).await;
    assert!(again.version > first.version, "a new row has a new version");
    let stale = vec![Change::Account(over(account("a"), first.version))];
    assert_refusal!(refused(&store, stale).await, Refusal::Conflict);
    let stale = vec![Change::RemoveAccount { customer_id: customer("a"), version: first.version }];
    assert_refusal!(refused(&store, stale).await, Refusal::Conflict);
}

pub(super) async fn one_commit_gives_one_version_to_all_its_rows(store: Arc<dyn Store>) {
    let committed = done(&store, world()).await;
    for row in ok(store.accounts(None, 10).await) {
        assert_eq!(row.version, committed.version);
    }
    for row in ok(store.instances(None, 10).await) {
        assert_eq!(row.version, committed.version);
    }
    assert_eq!(committed.first_event, 0, "a commit without events has no first one");
    // Also an empty commit is one.
    assert!(done(&store, Vec::new()).await.version > committed.version);
}

pub(super) async fn a_commit_makes_all_changes_or_none(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    let changed = crate::model::Account { client_id: "changed".to_owned(), ..account("a") };
    let refusal = refused(
        &store,
        vec![
            Change::Account(over(changed, start.version)),
            Change::Account(new(account("new"))),
            Change::Connection(new(connection("a", "one", ConnectionStatus::Registered))),
            deliver(new(delivery("1", "a", "alert", DeliveryStatus::Pending))),
            Change::Revocation(new(revocation("r", "a", 0))),
            Change::Event(event(Some("a"), "must not be seen")),
            Change::RemoveAccount { customer_id: customer("c"), version: start.version },
            // The same row twice: taking it back must go backwards.
            Change::Account(new(account("c"))),
            // The last one is refused.
            Change::Instance(new(instance("one"))),
        ],
    )
    .await;
    assert_refusal!(refusal, Refusal::Conflict);
    let row = found(store.account(&customer("a")).await);
    assert_eq!((row.value, row.version), (account("a"), start.version), "an account as before");
    assert!(ok(store.account(&customer("new")).await).is_none(), "no new account");
    assert_eq!(found(store.account(&customer("c")).await).version, start.version, "no account removed");
    assert!(ok(store.connections(&ConnectionFilter::default(), None, 10).await).is_empty(), "no connection");
    assert!(ok(store.deliveries(&DeliveryFilter::default(), None, 10).await).is_empty(), "no delivery");
    assert!(ok(store.delivery_of(&customer("a"), "monitor", "alert").await).is_none(), "no delivery by its alert");
    assert!(ok(store.revocations(None, 10).await).is_empty(), "no revocation");
    assert!(ok(store.events(None, 0, 10).await).is_empty(), "no event");
    // What was refused left nothing behind that could refuse it now.
    done(&store, vec![deliver(new(delivery("2", "a", "alert", DeliveryStatus::Pending)))]).await;
    done(&store, vec![Change::Connection(new(connection("a", "two", ConnectionStatus::Registered)))]).await;
}

/// One commit may free what a later change of it takes; not the other way round.
pub(super) async fn changes_are_made_in_their_order(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let first = done(&store, vec![Change::Connection(new(connection("a", "one", ConnectionStatus::Registered)))]).await;
    let free = || Change::Connection(over(connection("a", "one", ConnectionStatus::Unregistered), first.version));
    let take = || Change::Connection(new(connection("a", "two", ConnectionStatus::Registered)));
    assert_refusal!(refused(&store, vec![take(), free()]).await, Refusal::Held { .. });
    let second = done(&store, vec![free(), take()]).await;
    let account_version = found(store.account(&customer("a")).await).version;
    let remove = |name: &str| Change::RemoveConnection {
        customer_id: customer("a"),
        instance_id: origin(name),
        version: second.version,
    };
    let forget = || Change::RemoveAccount { customer_id: customer("a"), version: account_version };
    assert_refusal!(refused(&store, vec![remove("one"), forget(), remove("two")]).await, Refusal::InUse);
    done(&store, vec![remove("one"), remove("two"), forget()]).await;
    assert!(ok(store.account(&customer("a")).await).is_none());
}

pub(super) async fn removing_needs_the_present_version(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    let account = |version| Change::RemoveAccount { customer_id: customer("a"), version };
    assert_refusal!(refused(&store, vec![account(start.version + 1)]).await, Refusal::Conflict);
    done(&store, vec![account(start.version)]).await;
    assert_refusal!(refused(&store, vec![account(start.version)]).await, Refusal::Conflict);

    let made =
        done(&store, vec![Change::Connection(new(connection("b", "one", ConnectionStatus::Unregistered)))]).await;
    let connection =
        |version| Change::RemoveConnection { customer_id: customer("b"), instance_id: origin("one"), version };
    assert_refusal!(refused(&store, vec![connection(made.version - 1)]).await, Refusal::Conflict);
    done(&store, vec![connection(made.version)]).await;
    assert_refusal!(refused(&store, vec![connection(made.version)]).await, Refusal::Conflict);
}

pub(super) async fn large_values_are_kept(store: Arc<dyn Store>) {
    let long = "0123456789abcdef".repeat(64 * 1024);
    let mut value = delivery("1", "a", "alert", DeliveryStatus::Pending);
    value.delivery.alert.description.clone_from(&long);
    let put = Put { value: value.clone(), sealed: Some(sealed(&long)), replaces: None };
    done(&store, vec![deliver(put)]).await;
    let row = found(store.delivery(&value.delivery.id).await);
    assert!(row.value == value, "a description of a megabyte");
    assert_eq!(row.sealed.map(|sealed| sealed.bytes().len()), Some(long.len()), "a sealed part of a megabyte");
}

/// Ids and texts come from outside: none of them is ever part of a statement.
pub(super) async fn hostile_text_is_kept_as_it_is(store: Arc<dyn Store>) {
    let texts = [
        "",
        " ",
        "'",
        "'; DROP TABLE deliveries; --",
        "\" OR 1=1 --",
        "a\0b",
        "%_\\",
        "?1",
        "null",
        "\u{202e}olleh",
        "\u{10ffff}\u{1f600}",
        "{\"a\":1}",
        "line\r\nline",
        "ÄÖÜ ä",
        "A\u{308}",
    ];
    for (number, text) in texts.iter().enumerate() {
        let mut value = delivery(&format!("{number}{text}"), text, text, DeliveryStatus::Pending);
        (*text).clone_into(&mut value.delivery.alert.source);
        value.delivery.alert.fields.insert((*text).to_owned(), (*text).to_owned());
        done(&store, vec![deliver(new(value.clone())), Change::Event(event(Some(text), text))]).await;
        let row = found(store.delivery(&value.delivery.id).await);
        assert_eq!(row.value, value, "by id: {text:?}");
        let row = found(store.delivery_of(&customer(text), text, text).await);
        assert_eq!(row.value, value, "by alert: {text:?}");
        let events = ok(store.events(Some(&customer(text)), 0, 10).await);
        assert_eq!(events.len(), 1, "one event for {text:?}");
        assert_eq!(events[0].message, *text);
        let lease = ok(store.acquire(text, text, now(), now()).await);
        assert_eq!(lease.map(|lease| lease.name).as_deref(), Some(*text), "a lease called {text:?}");
    }
    let filter = DeliveryFilter { customer_id: Some(customer("' OR ''='")), statuses: Vec::new() };
    assert!(ok(store.deliveries(&filter, None, 100).await).is_empty(), "a filter is a value");
    assert_eq!(ok(store.deliveries(&DeliveryFilter::default(), None, 100).await).len(), texts.len());
}
