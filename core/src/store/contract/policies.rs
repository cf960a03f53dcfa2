//! Policies and resume points: what belongs to an account and goes with it.

use std::sync::Arc;

use super::{assert_refusal, done, found, ok, refused, samples::*};
use crate::store::{Change, Refusal, Store};

pub(super) async fn a_policy_and_a_resume_point_are_read_back(store: Arc<dyn Store>) {
    done(&store, world()).await;
    assert!(ok(store.policy(&customer("a")).await).is_none());
    assert!(ok(store.resume_point(&customer("a"), "monitor").await).is_none());
    let hostile = "{\"rules\":[]} '; DROP TABLE policies; --\0\u{202e}";
    let committed = done(
        &store,
        vec![
            Change::Policy(new(policy("a", hostile))),
            Change::ResumePoint(new(resume_point("a", "monitor", hostile))),
            Change::ResumePoint(new(resume_point("a", "citrix_cloud", "1"))),
            Change::ResumePoint(new(resume_point("b", "monitor", "2"))),
        ],
    )
    .await;
    let row = found(store.policy(&customer("a")).await);
    assert_eq!((row.value, row.sealed, row.version), (policy("a", hostile), None, committed.version));
    for (account, source, position) in [("a", "monitor", hostile), ("a", "citrix_cloud", "1"), ("b", "monitor", "2")] {
        let row = found(store.resume_point(&customer(account), source).await);
        assert_eq!((row.value, row.version), (resume_point(account, source, position), committed.version));
    }
    assert!(ok(store.policy(&customer("b")).await).is_none(), "another account's policy");
    assert!(ok(store.resume_point(&customer("b"), "citrix_cloud").await).is_none(), "another source");
}

pub(super) async fn each_replaces_the_version_it_names(store: Arc<dyn Store>) {
    done(&store, world()).await;
    let first = done(
        &store,
        vec![Change::Policy(new(policy("a", "1"))), Change::ResumePoint(new(resume_point("a", "monitor", "1")))],
    )
    .await;
    for stale in [None, Some(first.version - 1), Some(first.version + 1)] {
        let put = |value| crate::store::Put { value, sealed: None, replaces: stale };
        assert_refusal!(refused(&store, vec![Change::Policy(put(policy("a", "2")))]).await, Refusal::Conflict);
        let put = crate::store::Put { value: resume_point("a", "monitor", "2"), sealed: None, replaces: stale };
        assert_refusal!(refused(&store, vec![Change::ResumePoint(put)]).await, Refusal::Conflict);
    }
    let second = done(
        &store,
        vec![
            Change::Policy(over(policy("a", "2"), first.version)),
            Change::ResumePoint(over(resume_point("a", "monitor", "2"), first.version)),
        ],
    )
    .await;
    assert_eq!(found(store.policy(&customer("a")).await).value.document, "2");
    assert_eq!(found(store.resume_point(&customer("a"), "monitor").await).value.position, "2");
    let remove = |version| Change::RemovePolicy { customer_id: customer("a"), version };
    assert_refusal!(refused(&store, vec![remove(first.version)]).await, Refusal::Conflict);
    done(&store, vec![remove(second.version)]).await;
    assert!(ok(store.policy(&customer("a")).await).is_none());
    assert_refusal!(refused(&store, vec![remove(second.version)]).await, Refusal::Conflict);
}

pub(super) async fn both_need_their_account_and_go_with_it(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    assert_refusal!(refused(&store, vec![Change::Policy(new(policy("nobody", "{}")))]).await, Refusal::Missing);
    let point = Change::ResumePoint(new(resume_point("nobody", "monitor", "")));
    assert_refusal!(refused(&store, vec![point]).await, Refusal::Missing);
    done(
        &store,
        vec![
            Change::Policy(new(policy("a", "{}"))),
            Change::ResumePoint(new(resume_point("a", "monitor", "1"))),
            Change::ResumePoint(new(resume_point("b", "monitor", "1"))),
            Change::RemoveAccount { customer_id: customer("a"), version: start.version },
            // The account comes back, without what it had.
            Change::Account(new(account("a"))),
        ],
    )
    .await;
    assert!(ok(store.policy(&customer("a")).await).is_none());
    assert!(ok(store.resume_point(&customer("a"), "monitor").await).is_none());
    assert!(ok(store.resume_point(&customer("b"), "monitor").await).is_some());
}

pub(super) async fn a_refused_commit_leaves_both_as_they_were(store: Arc<dyn Store>) {
    let start = done(&store, world()).await;
    let made = done(
        &store,
        vec![Change::Policy(new(policy("a", "1"))), Change::ResumePoint(new(resume_point("a", "monitor", "1")))],
    )
    .await;
    let refusal = refused(
        &store,
        vec![
            Change::Policy(over(policy("a", "2"), made.version)),
            Change::ResumePoint(over(resume_point("a", "monitor", "2"), made.version)),
            Change::RemoveAccount { customer_id: customer("a"), version: start.version },
            Change::Account(new(account("b"))),
        ],
    )
    .await;
    assert_refusal!(refusal, Refusal::Conflict);
    let policy = found(store.policy(&customer("a")).await);
    assert_eq!((policy.value.document.as_str(), policy.version), ("1", made.version));
    let point = found(store.resume_point(&customer("a"), "monitor").await);
    assert_eq!((point.value.position.as_str(), point.version), ("1", made.version));
}
