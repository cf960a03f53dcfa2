//! Pending authorizations: used once, and one redirect URL for one registration.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{assert_refusal, done, found, ok, refused, samples::*};
use crate::{
    model::{Connection, ConnectionStatus, OauthEndpoint},
    store::{Change, PendingFlow, Put, Refusal, Store},
};

const HERE: &str = "https://adapter.example/here";
const THERE: &str = "https://adapter.example/there";

fn registered(account: &str, instance: &str, redirect_url: Option<&str>) -> Connection {
    let redirect_url = redirect_url.map(str::to_owned);
    let endpoint = Some(OauthEndpoint { client_id: "client".to_owned(), redirect_url });
    Connection { endpoint, ..connection(account, instance, ConnectionStatus::Registered) }
}

pub(super) async fn a_flow_is_read_back_and_forgotten(store: Arc<dyn Store>) {
    let (first, second) = (flow("1", "a", "one", HERE, 0), flow("2", "a", "one", HERE, 60));
    let secret = Some(sealed("state and verifier"));
    let put = Put { value: first.clone(), sealed: secret.clone(), replaces: None };
    let version = done(&store, vec![Change::Flow(put), Change::Flow(new(second.clone()))]).await.version;
    let row = found(store.flow("1").await);
    assert_eq!((row.value, row.sealed, row.version), (first.clone(), secret, version), "a flow");
    let rows = ok(store.flows(10).await).into_iter().map(|row| row.value).collect::<Vec<_>>();
    assert_eq!(rows, [second, first], "the one that ends first comes first");
    assert_eq!(ok(store.flows(1).await).len(), 1, "the limit");
    let remove = |account: &str| Change::RemoveFlow { customer_id: customer(account), id: "1".to_owned() };
    done(&store, vec![remove("b")]).await;
    assert!(ok(store.flow("1").await).is_some(), "a flow of another account is left alone");
    done(&store, vec![remove("a")]).await;
    done(&store, vec![remove("a")]).await;
    assert!(ok(store.flow("1").await).is_none(), "a forgotten flow");
}

pub(super) async fn what_a_flow_is_for_never_changes(store: Arc<dyn Store>) {
    let own = flow("1", "a", "one", HERE, 0);
    let version = done(&store, vec![Change::Flow(new(own.clone()))]).await.version;
    for other in [
        PendingFlow { customer_id: customer("b"), ..own.clone() },
        PendingFlow { instance_id: origin("two"), ..own.clone() },
        PendingFlow { redirect_url: THERE.to_owned(), ..own.clone() },
    ] {
        assert_refusal!(refused(&store, vec![Change::Flow(over(other, version))]).await, Refusal::Conflict);
    }
    assert_refusal!(refused(&store, vec![Change::Flow(new(own.clone()))]).await, Refusal::Conflict);
    assert_refusal!(refused(&store, vec![Change::Flow(over(own, version + 1))]).await, Refusal::Conflict);
}

pub(super) async fn one_of_many_uses_a_flow(store: Arc<dyn Store>) {
    let own = flow("1", "a", "one", HERE, 0);
    let version = done(&store, vec![Change::Flow(new(own.clone()))]).await.version;
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (store, own) = (Arc::clone(&store), own.clone());
        takers.spawn(async move {
            let used = PendingFlow { used_at: Some(now()), ..own };
            store.commit(vec![Change::Flow(over(used, version))]).await.is_ok()
        });
    }
    assert_eq!(takers.join_all().await.into_iter().filter(|won| *won).count(), 1, "who used the flow");
}

pub(super) async fn a_redirect_url_belongs_to_one_registration(store: Arc<dyn Store>) {
    done(&store, world()).await;
    done(&store, vec![Change::Connection(new(registered("a", "one", Some(HERE))))]).await;
    // A second connection, and a flow, of anybody else.
    let refusal = refused(&store, vec![Change::Connection(new(registered("b", "one", Some(HERE))))]).await;
    assert_refusal!(refusal, Refusal::RedirectTaken { by, at } if *by == customer("a") && *at == origin("one"));
    for (account, instance) in [("b", "one"), ("a", "two"), ("b", "two")] {
        let refusal = refused(&store, vec![Change::Flow(new(flow("1", account, instance, HERE, 0)))]).await;
        assert_refusal!(refusal, Refusal::RedirectTaken { by, at } if *by == customer("a") && *at == origin("one"));
    }
    // Its own flow, another URL, and none at all.
    done(&store, vec![Change::Flow(new(flow("1", "a", "one", HERE, 0)))]).await;
    done(&store, vec![Change::Connection(new(registered("b", "one", Some(THERE))))]).await;
    done(&store, vec![Change::Connection(new(registered("c", "one", None)))]).await;
}

pub(super) async fn a_redirect_url_belongs_to_one_pending_flow_as_long_as_it_lives(store: Arc<dyn Store>) {
    done(&store, vec![Change::Flow(new(flow("1", "a", "one", HERE, 0)))]).await;
    let refusal = refused(&store, vec![Change::Flow(new(flow("2", "b", "two", HERE, -599)))]).await;
    assert_refusal!(refusal, Refusal::RedirectTaken { by, at } if *by == customer("a") && *at == origin("one"));
    // A second window of the same registration.
    done(&store, vec![Change::Flow(new(flow("3", "a", "one", HERE, -60)))]).await;
    let later = flow("4", "b", "two", HERE, -660);
    assert_eq!(later.created_at, now() + TimeDelta::minutes(11), "after both");
    done(&store, vec![Change::Flow(new(later))]).await;
}
