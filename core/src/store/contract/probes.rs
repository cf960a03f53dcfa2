//! What probes learned: one for each connection, and gone with it.

use std::sync::Arc;

use super::{assert_refusal, done, found, ok, refused, samples::*};
use crate::{
    model::ConnectionStatus,
    store::{Change, Committed, Refusal, Store},
};

/// The world, with account `a` connected to both instances.
async fn connected(store: &Arc<dyn Store>) -> Committed {
    let one = connection("a", "one", ConnectionStatus::Unregistered);
    let two = connection("a", "two", ConnectionStatus::Unregistered);
    done(store, world()).await;
    done(store, vec![Change::Connection(new(one)), Change::Connection(new(two))]).await
}

async fn number(store: &Arc<dyn Store>, instance: &str) -> Option<String> {
    let row = ok(store.probe(&customer("a"), &origin(instance)).await);
    row.map(|row| row.value.incident_number)
}

pub(super) async fn a_probe_is_read_back_and_replaces_the_version_it_names(store: Arc<dyn Store>) {
    connected(&store).await;
    assert!(number(&store, "one").await.is_none());
    let hostile = "INC1\0'; DROP TABLE probes; --\u{202e}";
    let first = done(&store, vec![Change::Probe(new(probe("a", "one", hostile)))]).await;
    let row = found(store.probe(&customer("a"), &origin("one")).await);
    assert_eq!((row.value, row.sealed, row.version), (probe("a", "one", hostile), None, first.version));
    assert!(number(&store, "two").await.is_none(), "another instance");
    assert!(ok(store.probe(&customer("b"), &origin("one")).await).is_none(), "another account");
    for stale in [None, Some(first.version - 1), Some(first.version + 1)] {
        let put = crate::store::Put { value: probe("a", "one", "2"), sealed: None, replaces: stale };
        assert_refusal!(refused(&store, vec![Change::Probe(put)]).await, Refusal::Conflict);
    }
    done(&store, vec![Change::Probe(over(probe("a", "one", "2"), first.version))]).await;
    assert_eq!(number(&store, "one").await.as_deref(), Some("2"));
}

pub(super) async fn a_probe_needs_its_connection_and_goes_with_it(store: Arc<dyn Store>) {
    let start = connected(&store).await;
    assert_refusal!(refused(&store, vec![Change::Probe(new(probe("b", "one", "1")))]).await, Refusal::Missing);
    let remove = |name| Change::RemoveConnection {
        customer_id: customer("a"),
        instance_id: origin(name),
        version: start.version,
    };
    done(
        &store,
        vec![
            Change::Probe(new(probe("a", "one", "1"))),
            Change::Probe(new(probe("a", "two", "2"))),
            remove("one"),
            // The connection comes back, without what it had.
            Change::Connection(new(connection("a", "one", ConnectionStatus::Unregistered))),
        ],
    )
    .await;
    assert_eq!((number(&store, "one").await, number(&store, "two").await.as_deref()), (None, Some("2")));
}

pub(super) async fn a_probe_is_forgotten_and_a_refused_commit_forgets_nothing(store: Arc<dyn Store>) {
    let start = connected(&store).await;
    done(&store, vec![Change::Probe(new(probe("a", "one", "1"))), Change::Probe(new(probe("a", "two", "2")))]).await;
    let forget = |name| Change::RemoveProbe { customer_id: customer("a"), instance_id: origin(name) };
    let remove =
        Change::RemoveConnection { customer_id: customer("a"), instance_id: origin("two"), version: start.version };
    let refusal = refused(&store, vec![forget("one"), remove, Change::Account(new(account("a")))]).await;
    assert_refusal!(refusal, Refusal::Conflict);
    assert_eq!(number(&store, "one").await.as_deref(), Some("1"));
    assert_eq!(number(&store, "two").await.as_deref(), Some("2"));
    done(&store, vec![forget("one"), forget("one")]).await;
    assert_eq!((number(&store, "one").await, number(&store, "two").await.as_deref()), (None, Some("2")));
}
