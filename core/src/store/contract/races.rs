//! Many at once: what the versions and invariants are for.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{done, found, ok, outbox::claim, samples::*};
use crate::{
    model::{Account, ConnectionStatus, DeliveryStatus},
    store::{Arrival, Arrived, Change, ConnectionFilter, DeliveryRecord, Refusal, Store},
};

const TASKS: usize = 50;

/// Runs one task per number at the same time and collects their answers.
async fn at_once<T, Fut>(store: &Arc<dyn Store>, task: impl Fn(Arc<dyn Store>, usize) -> Fut) -> Vec<T>
where
    T: Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS).map(|number| tokio::spawn(task(Arc::clone(store), number))).collect();
    let mut answers = Vec::with_capacity(TASKS);
    for task in tasks {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => panic!("a task of the race ended badly: {error}"),
        }
    }
    answers
}

/// Counts how many won, after checking that the others were told why.
fn winners(outcomes: Vec<Result<crate::store::Committed, Refusal>>, expected: impl Fn(&Refusal) -> bool) -> usize {
    let mut won = 0;
    for outcome in outcomes {
        match outcome {
            Ok(_) => won += 1,
            Err(refusal) => assert!(expected(&refusal), "a loser was told {refusal:?}"),
        }
    }
    won
}

pub(super) async fn no_increment_is_lost(store: Arc<dyn Store>) {
    done(&store, vec![Change::Account(new(account("a")))]).await;
    at_once(&store, |store, _| async move {
        loop {
            let row = found(store.account(&customer("a")).await);
            let count = row.value.client_id.parse::<usize>().unwrap_or_default() + 1;
            let value = Account { client_id: count.to_string(), ..row.value };
            match store.commit(vec![Change::Account(over(value, row.version))]).await {
                Ok(_) => return,
                Err(Refusal::Conflict) => {}
                Err(other) => panic!("an increment was refused: {other:?}"),
            }
        }
    })
    .await;
    assert_eq!(found(store.account(&customer("a")).await).value.client_id, TASKS.to_string());
}

pub(super) async fn one_of_many_registrations_wins(store: Arc<dyn Store>) {
    let instances = (0..TASKS).map(|number| Change::Instance(new(instance(&format!("i{number}")))));
    done(&store, instances.chain([Change::Account(new(account("a")))]).collect()).await;
    let outcomes = at_once(&store, |store, number| async move {
        let value = connection("a", &format!("i{number}"), ConnectionStatus::Registered);
        // The event comes first: what a loser has written already must not stay with what others commit.
        store.commit(vec![Change::Event(event(Some("a"), "registered")), Change::Connection(new(value))]).await
    })
    .await;
    assert_eq!(winners(outcomes, |refusal| matches!(refusal, Refusal::Held { .. })), 1, "one registration wins");
    assert_eq!(ok(store.connections(&ConnectionFilter::default(), None, 100).await).len(), 1);
    assert_eq!(ok(store.events(None, 0, 100).await).len(), 1, "only the winner is in the log");
}

pub(super) async fn one_of_many_accounts_takes_an_old_instance(store: Arc<dyn Store>) {
    let accounts = (0..TASKS).map(|number| Change::Account(new(account(&format!("a{number}")))));
    done(&store, accounts.chain([Change::Instance(new(old_instance("old")))]).collect()).await;
    let outcomes = at_once(&store, |store, number| async move {
        let value = connection(&format!("a{number}"), "old", ConnectionStatus::Registered);
        store.commit(vec![Change::Connection(new(value))]).await
    })
    .await;
    assert_eq!(winners(outcomes, |refusal| matches!(refusal, Refusal::Occupied { .. })), 1, "one account wins");
}

pub(super) async fn one_of_many_submissions_of_an_alert_wins(store: Arc<dyn Store>) {
    let outcomes = at_once(&store, |store, number| async move {
        let value = delivery(&format!("d{number}"), "a", "the same", DeliveryStatus::Pending);
        store.commit(vec![deliver(new(value))]).await
    })
    .await;
    assert_eq!(winners(outcomes, |refusal| matches!(refusal, Refusal::Conflict)), 1, "one submission wins");
}

pub(super) async fn one_of_many_arrivals_of_an_alert_is_new(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let arrived = at_once(&store, |store, number| async move {
        let record = delivery(&format!("d{number}"), "a", "the same", DeliveryStatus::Pending);
        ok(store
            .accept(vec![Arrival { key: "k".to_owned(), trace: None, record, event: event(Some("a"), "new") }])
            .await)
    })
    .await;
    assert_eq!(arrived.into_iter().flatten().filter(|one| matches!(one, Arrived::New(_))).count(), 1);
    assert_eq!(ok(store.events(None, 0, 10).await).len(), 1, "told once");
}

pub(super) async fn what_is_refused_half_way_is_not_counted_and_gives_no_version(store: Arc<dyn Store>) {
    let (rounds, mut versions) = (30, Vec::new());
    for round in 0..rounds {
        let outcomes = at_once(&store, |store, number| async move {
            let id = format!("{round}-{number}");
            let value = delivery(&id, "a", &id, DeliveryStatus::Pending);
            let refused = Change::RemovePolicy { customer_id: customer("a"), version: 1 };
            let more = (number % 3 == 0).then_some(refused);
            store.commit([deliver(new(value))].into_iter().chain(more).collect()).await
        })
        .await;
        versions.extend(outcomes.into_iter().flatten().map(|committed| committed.version));
    }
    let kept = versions.len();
    assert_eq!(kept, rounds * (0..TASKS).filter(|number| number % 3 != 0).count());
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), kept, "every commit has a version of its own");
    let count: i64 = ok(store.counts(None).await).iter().map(|one| one.count).sum();
    assert_eq!(usize::try_from(count), Ok(kept));
}

pub(super) async fn events_of_a_commit_stay_together(store: Arc<dyn Store>) {
    let firsts = at_once(&store, |store, number| async move {
        let changes = (0..4).map(|_| Change::Event(event(None, &number.to_string()))).collect();
        done(&store, changes).await.first_event
    })
    .await;
    let events = ok(store.events(None, 0, 1000).await);
    assert_eq!(events.len(), 4 * TASKS);
    for (number, first) in firsts.into_iter().enumerate() {
        let own = events.iter().filter(|event| (first..first + 4).contains(&event.sequence));
        assert_eq!(own.filter(|event| event.message == number.to_string()).count(), 4, "four numbers from {first} on");
    }
}

pub(super) async fn one_of_many_takes_a_lease(store: Arc<dyn Store>) {
    let leases = at_once(&store, |store, number| async move {
        let until = now() + TimeDelta::seconds(30);
        ok(store.acquire("work", &format!("owner {number}"), now(), until).await)
    })
    .await;
    assert_eq!(leases.into_iter().flatten().count(), 1, "one holder");
}

pub(super) async fn one_of_many_claims_a_delivery(store: Arc<dyn Store>) {
    for number in 0..20 {
        let value = delivery(&format!("{number:02}"), "a", &number.to_string(), DeliveryStatus::Unknown);
        done(&store, vec![deliver(new(DeliveryRecord { not_before: None, ..value }))]).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { ok(store.claim(claim(&worker.to_string(), 0, 5)).await) });
    }
    let mut ids: Vec<_> = tasks.join_all().await.into_iter().flatten().map(|one| one.row.value.delivery.id).collect();
    ids.sort();
    assert_eq!(ids.len(), 20, "all are claimed");
    ids.dedup();
    assert_eq!(ids.len(), 20, "none is claimed twice");
}
