//! Orders, pages and filters.

use std::sync::Arc;

use super::{done, ok, samples::*};
use crate::{
    model::{ConnectionStatus, DeliveryStatus},
    store::{Change, ConnectionFilter, DeliveryFilter, Store},
};

pub(super) async fn pages_follow_each_other_without_gap_or_repetition(store: Arc<dyn Store>) {
    // The order is that of the bytes, not of a language: Z before a, 10 before 9.
    let ids = ["10", "9", "A", "Z", "a", "b", "b-1", "b_1", "bb", "z"];
    let mut changes = Vec::new();
    for id in ids {
        changes.push(Change::Account(new(account(id))));
        changes.push(Change::Instance(new(instance(id))));
        changes.push(Change::Connection(new(connection(id, id, ConnectionStatus::Unregistered))));
    }
    changes.reverse();
    // Accounts and instances first: the reversed list would begin with connections.
    changes.sort_by_key(|change| matches!(change, Change::Connection(_)));
    done(&store, changes).await;
    let mut sorted: Vec<String> = ids.map(str::to_owned).into();
    sorted.sort_unstable();

    for limit in [1, 3, 10, 1000] {
        let (mut accounts, mut instances, mut connections) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let rows = ok(store.accounts(accounts.last().map(String::as_str), limit).await);
            assert!(rows.len() <= limit as usize, "a page is never longer than asked");
            if rows.is_empty() {
                break;
            }
            accounts.extend(rows.into_iter().map(|row| row.value.customer_id.0));
        }
        loop {
            let rows = ok(store.instances(instances.last().map(String::as_str), limit).await);
            if rows.is_empty() {
                break;
            }
            instances.extend(rows.into_iter().map(|row| row.value.id.0));
        }
        loop {
            let last: Option<&(String, String)> = connections.last();
            let after = last.map(|(customer, instance)| (customer.as_str(), instance.as_str()));
            let rows = ok(store.connections(&ConnectionFilter::default(), after, limit).await);
            if rows.is_empty() {
                break;
            }
            connections.extend(rows.into_iter().map(|row| (row.value.customer_id.0, row.value.instance_id.0)));
        }
        assert_eq!(accounts, sorted, "accounts by pages of {limit}");
        assert!(instances.is_sorted() && instances.len() == ids.len(), "instances by pages of {limit}: {instances:?}");
        assert!(connections.is_sorted() && connections.len() == ids.len(), "connections by pages of {limit}");
    }
    assert!(ok(store.accounts(None, 0).await).is_empty(), "a page of none");
    // The last key need not exist any more.
    let after = ok(store.accounts(Some("b-"), 1).await);
    assert_eq!(after[0].value.customer_id, customer("b-1"), "after a key that does not exist");
}

pub(super) async fn connections_are_filtered(store: Arc<dyn Store>) {
    use ConnectionStatus::{Registered, Unauthorized, Unregistered};
    done(&store, world()).await;
    let all = [
        ("a", "one", Registered),
        ("a", "two", Unregistered),
        ("b", "one", Unauthorized),
        ("b", "two", Unregistered),
        ("c", "two", Registered),
    ];
    for (account, instance, status) in all {
        done(&store, vec![Change::Connection(new(connection(account, instance, status)))]).await;
    }
    let filter = |account: Option<&str>, instance: Option<&str>, statuses: &[ConnectionStatus]| ConnectionFilter {
        customer_id: account.map(customer),
        instance_id: instance.map(origin),
        statuses: statuses.to_vec(),
    };
    for (filter, expected) in [
        (filter(None, None, &[]), vec![0, 1, 2, 3, 4]),
        (filter(Some("a"), None, &[]), vec![0, 1]),
        (filter(None, Some("two"), &[]), vec![1, 3, 4]),
        (filter(Some("b"), Some("two"), &[]), vec![3]),
        (filter(None, None, &[Registered]), vec![0, 4]),
        (filter(None, None, &[Registered, Unauthorized, Registered]), vec![0, 2, 4]),
        (filter(None, Some("one"), &[Unauthorized]), vec![2]),
        (filter(Some("c"), Some("one"), &[]), vec![]),
        (filter(Some("nobody"), None, &[]), vec![]),
    ] {
        let expected: Vec<_> =
            expected.into_iter().map(|place| (customer(all[place].0), origin(all[place].1))).collect();
        let rows = ok(store.connections(&filter, None, 100).await);
        let keys: Vec<_> = rows.into_iter().map(|row| (row.value.customer_id, row.value.instance_id)).collect();
        assert_eq!(keys, expected, "{filter:?}");
        // The same, one at a time.
        let mut after: Option<(String, String)> = None;
        for key in &expected {
            let last = after.as_ref().map(|(customer, instance)| (customer.as_str(), instance.as_str()));
            let rows = ok(store.connections(&filter, last, 1).await);
            assert_eq!(rows.len(), 1, "{filter:?} after {after:?}");
            assert_eq!((&rows[0].value.customer_id, &rows[0].value.instance_id), (&key.0, &key.1), "{filter:?}");
            after = Some((key.0.0.clone(), key.1.0.clone()));
        }
    }
}

pub(super) async fn deliveries_are_filtered_and_keep_their_order(store: Arc<dyn Store>) {
    use DeliveryStatus::{Dead, Delivered, Pending, Unknown};
    let statuses = [Pending, Delivered, Unknown, Pending, Dead, Delivered, Unknown, Pending];
    let mut changes = Vec::new();
    for (number, status) in statuses.into_iter().enumerate() {
        let account = if number % 2 == 0 { "a" } else { "b" };
        changes.push(deliver(new(delivery(&format!("{number:03}"), account, &number.to_string(), status))));
    }
    changes.reverse();
    done(&store, changes).await;
    let filter = |account: Option<&str>, statuses: &[DeliveryStatus]| DeliveryFilter {
        customer_id: account.map(customer),
        statuses: statuses.to_vec(),
    };
    for (filter, expected) in [
        (filter(None, &[]), vec![0, 1, 2, 3, 4, 5, 6, 7]),
        (filter(Some("a"), &[]), vec![0, 2, 4, 6]),
        (filter(None, &[Pending]), vec![0, 3, 7]),
        (filter(None, &[Unknown, Pending]), vec![0, 2, 3, 6, 7]),
        (filter(None, &[Pending, Pending]), vec![0, 3, 7]),
        (filter(Some("b"), &[Pending, Unknown, Dead]), vec![3, 7]),
        (filter(Some("a"), &[Pending, Unknown, Dead, Delivered]), vec![0, 2, 4, 6]),
        (filter(Some("nobody"), &[Pending]), vec![]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(|number: usize| format!("{number:03}")).collect();
        for limit in [1, 2, 100] {
            let mut ids: Vec<String> = Vec::new();
            loop {
                let rows = ok(store.deliveries(&filter, ids.last().map(String::as_str), limit).await);
                assert!(rows.len() <= limit as usize, "a page is never longer than asked");
                if rows.is_empty() {
                    break;
                }
                ids.extend(rows.into_iter().map(|row| row.value.delivery.id.0));
            }
            assert_eq!(ids, expected, "{filter:?} by pages of {limit}");
        }
    }
    // A delivery that changes its status changes its list.
    let row = ok(store.delivery_of(&customer("a"), "monitor", "0").await);
    let version = row.map(|row| row.version).unwrap_or_default();
    done(&store, vec![deliver(over(delivery("000", "a", "0", Delivered), version))]).await;
    let rows = ok(store.deliveries(&filter(None, &[Pending]), None, 1).await);
    assert_eq!(rows[0].value.delivery.id.as_str(), "003", "the first that still waits");
}

pub(super) async fn revocations_are_listed_oldest_first(store: Arc<dyn Store>) {
    for (id, account, age) in [("x", "a", 1), ("y", "b", 30), ("z", "a", 60), ("w", "a", 1)] {
        done(&store, vec![Change::Revocation(new(revocation(id, account, age)))]).await;
    }
    let ids = |rows: Vec<crate::store::Row<crate::store::PendingRevocation>>| -> Vec<String> {
        rows.into_iter().map(|row| row.value.id).collect()
    };
    assert_eq!(ids(ok(store.revocations(None, 10).await)), ["z", "y", "w", "x"]);
    assert_eq!(ids(ok(store.revocations(None, 2).await)), ["z", "y"]);
    assert_eq!(ids(ok(store.revocations(Some(&customer("a")), 2).await)), ["z", "w"]);
}

pub(super) async fn events_are_numbered_without_gaps(store: Arc<dyn Store>) {
    let batch = |count: usize| (0..count).map(|_| Change::Event(event(None, "x"))).collect::<Vec<_>>();
    let mut last = 0;
    for count in [1, 3, 2] {
        let committed = done(&store, batch(count)).await;
        assert!(committed.first_event > last, "numbers grow");
        let events = ok(store.events(None, committed.first_event - 1, 100).await);
        let numbers: Vec<i64> = events.iter().map(|event| event.sequence).collect();
        let expected: Vec<i64> = (committed.first_event..).take(count).collect();
        assert_eq!(numbers, expected, "the numbers of one commit follow each other");
        last = *numbers.last().unwrap_or(&0);
    }
    assert_eq!(ok(store.events(None, 0, 100).await).len(), 6);
    assert_eq!(ok(store.events(None, -5, 2).await).len(), 2, "from before the beginning, two at most");
    assert!(ok(store.events(None, last, 100).await).is_empty(), "after the last there is none");
    assert!(ok(store.events(None, i64::MAX, 100).await).is_empty(), "nor after the largest number");
}

pub(super) async fn events_are_told_apart_by_account(store: Arc<dyn Store>) {
    for (account, message) in [(Some("a"), "1"), (None, "2"), (Some("b"), "3"), (Some("a"), "4")] {
        done(&store, vec![Change::Event(event(account, message))]).await;
    }
    let told =
        |events: Vec<crate::model::Event>| -> Vec<String> { events.into_iter().map(|event| event.message).collect() };
    assert_eq!(told(ok(store.events(None, 0, 10).await)), ["1", "2", "3", "4"]);
    let of_a = ok(store.events(Some(&customer("a")), 0, 10).await);
    let first = of_a[0].sequence;
    assert_eq!(told(of_a), ["1", "4"]);
    assert_eq!(told(ok(store.events(Some(&customer("a")), first, 10).await)), ["4"]);
    assert_eq!(told(ok(store.events(Some(&customer("b")), 0, 10).await)), ["3"]);
    assert!(ok(store.events(Some(&customer("c")), 0, 10).await).is_empty());
}
