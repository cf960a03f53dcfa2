//! A walk over records that asks ahead: every record once and in order, whatever happens to the page that is on its
//! way.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use http::{Method, StatusCode};
use itsm_adapter::{
    Client, Error, ErrorKind, Query, Record,
    transport::{Request, Response, SendFailure, Transport},
};
use serde_json::json;
use support::{ACME, World, is, until, wire::LookingOn};

/// What becomes of a question for a list.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// The answer comes with its last row spoilt, and its frame as it should be.
    Spoilt,
    /// The answer is broken off by an error, in a frame as it should be.
    BrokenOff,
    /// The instance forbids it.
    Forbidden,
    /// Nothing ever comes.
    Hangs,
    /// From here on, of a million records none is shown.
    Hides,
}

/// Passes everything on but the question of this number, counted from nought.
#[derive(Debug)]
struct Meddler {
    inner: LookingOn,
    at: usize,
    fate: Fate,
    asked: AtomicUsize,
    let_go: Arc<AtomicBool>,
}

/// Says so when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Meddler {
    async fn send(&self, request: Request) -> Result<Response, (SendFailure, String)> {
        let is_list = request.method == Method::GET && request.url.path().ends_with("/table/incident");
        let is_met = is_list && {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            asked == self.at || (matches!(self.fate, Fate::Hides) && asked > self.at)
        };
        if !is_met {
            return self.inner.send(request).await;
        }
        if let Fate::Hangs = self.fate {
            let _held = Dropped(self.let_go.clone());
            return std::future::pending().await;
        }
        let mut response = self.inner.send(request).await?;
        let body = String::from_utf8(response.body.to_vec()).unwrap();
        match self.fate {
            Fate::Spoilt => response.body = format!("{}!}}]}}", &body[..body.len() - 4]).into(),
            Fate::BrokenOff => {
                let error = r#","error":{"message":"Transaction cancelled","detail":null},"more":[]}"#;
                response.body = format!("{}{error}", &body[..body.len() - 1]).into();
            }
            Fate::Forbidden => response.status = StatusCode::FORBIDDEN,
            Fate::Hides => {
                response.body = r#"{"result":[]}"#.into();
                response.headers.insert("x-total-count", http::HeaderValue::from_static("1000000"));
            }
            Fate::Hangs => {}
        }
        Ok(response)
    }
}

const ROWS: usize = 7;

/// A world with seven incidents to walk over, two a page, and a client whose question of this number goes wrong.
async fn walked(at: usize, fate: Fate, places: usize) -> (World, Client, Arc<Meddler>) {
    let world = World::new().await;
    world.registered(ACME).await;
    for n in 0..ROWS {
        let record = json!({"short_description": format!("row {n}"), "correlation_id": "walk"});
        world.client.records().insert::<Record>(ACME, "incident", &record, &["sys_id"]).await.unwrap();
    }
    let let_go = Arc::default();
    let meddler = Arc::new(Meddler { inner: world.wire.clone(), at, fate, asked: AtomicUsize::new(0), let_go });
    let mut config = world.config();
    config.concurrency_per_remote = places;
    let client = Client::builder().config(config).transport(meddler.clone()).open().await.unwrap();
    (world, client, meddler)
}

fn query() -> Query {
    Query::new().equals("correlation_id", "walk").unwrap()
}

/// Everything that the walk gives, read here or by the caller, and the errors on the way.
async fn everything(client: &Client, as_text: bool) -> (Vec<String>, Vec<Error>) {
    let fields = ["sys_id", "short_description"];
    let mut rows = client.records().pages::<Record>(ACME, "incident", query(), &fields, 2);
    let mut texts = client.records().pages_json(ACME, "incident", query(), &fields, 2);
    let mut next = async || {
        if !as_text {
            return rows.next().await;
        }
        let page = texts.next().await?;
        Ok(page.map(|page| {
            let rows: Vec<Record> = serde_json::from_str(page.json.get()).unwrap();
            assert_eq!(page.next.as_ref(), rows.last().map(|row| &row["sys_id"]));
            rows
        }))
    };
    let (mut ids, mut errors) = (Vec::new(), Vec::new());
    loop {
        match next().await {
            Ok(Some(page)) => ids.extend(page.into_iter().map(|row| row["sys_id"].clone())),
            Ok(None) => break,
            Err(error) => errors.push(error),
        }
    }
    assert!(next().await.unwrap().is_none(), "the end stays the end");
    (ids, errors)
}

fn in_order(world: &World) -> Vec<String> {
    let mut ids: Vec<String> = world.incidents("walk").iter().map(|row| row["sys_id"].clone()).collect();
    ids.sort();
    assert_eq!(ids.len(), ROWS);
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_read_is_asked_for_again_and_nothing_is_lost_or_given_twice() {
    for fate in [Fate::Spoilt, Fate::BrokenOff] {
        for (at, as_text) in (0..4).flat_map(|at| [(at, false), (at, true)]) {
            let (world, client, meddler) = walked(at, fate, 64).await;
            let (ids, errors) = everything(&client, as_text).await;
            assert_eq!(ids, in_order(&world), "{fate:?} {at}");
            assert!(errors.is_empty(), "{fate:?} {at}: {errors:?}");
            // Four pages with rows, one without, whether anything follows that, the bad one again, and at most one that
            // was asked for in vain.
            let asked = meddler.asked.load(Ordering::SeqCst);
            assert!((7..=8).contains(&asked), "{fate:?} {at}: {asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_page_ahead_is_told_in_its_turn_and_the_walk_goes_on() {
    for (at, as_text) in (0..5).flat_map(|at| [(at, false), (at, true)]) {
        let (world, client, _) = walked(at, Fate::Forbidden, 64).await;
        let (ids, errors) = everything(&client, as_text).await;
        assert_eq!(ids, in_order(&world), "{at}");
        assert_eq!(errors.len(), 1, "{at}");
        is(&errors[0], ErrorKind::Forbidden, "the page ahead");
        assert_eq!(errors[0].info().operation, "records.page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_waits_for_its_caller_holds_no_place() {
    let (world, client, _) = walked(usize::MAX, Fate::Hangs, 1).await;
    let mut pages = client.records().pages::<Record>(ACME, "incident", query(), &["sys_id"], 2);
    let mut seen = 0;
    while let Some(page) = pages.next().await.unwrap() {
        for row in page {
            // The only place of the instance must be free for this, also while the next page is on its way.
            let id = &row["sys_id"];
            client.records().get::<Record>(ACME, "incident", id, &["sys_id"]).await.unwrap();
            seen += 1;
        }
    }
    assert_eq!(seen, in_order(&world).len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_is_dropped_ends_its_request() {
    let (_world, client, meddler) = walked(1, Fate::Hangs, 64).await;
    let mut pages = client.records().pages::<Record>(ACME, "incident", query(), &["sys_id"], 2);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    until("the next page is asked for", || meddler.asked.load(Ordering::SeqCst) == 2).await;
    assert!(!meddler.let_go.load(Ordering::SeqCst));
    drop(pages);
    until("the request is let go", || meddler.let_go.load(Ordering::SeqCst)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_may_begin_where_another_one_ended() {
    let (world, client, _) = walked(usize::MAX, Fate::Forbidden, 64).await;
    let all = in_order(&world);
    for (at, key) in all.iter().enumerate() {
        let mut rest =
            client.records().pages::<Record>(ACME, "incident", query(), &["sys_id"], 3).after(key.clone().into());
        let mut ids = Vec::new();
        while let Some(page) = rest.next().await.unwrap() {
            ids.extend(page.into_iter().map(|row| row["sys_id"].clone()));
        }
        assert_eq!(ids, all[at + 1..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_in_another_order_than_its_own_is_refused_before_anything_is_sent() {
    let (world, client, meddler) = walked(usize::MAX, Fate::Hangs, 64).await;
    let records = client.records();
    let sorted = || query().order_by("number").unwrap();
    let error = records.pages::<Record>(ACME, "incident", sorted(), &[], 2).next().await.unwrap_err();
    is(&error, ErrorKind::InvalidInput, "pages");
    let error = records.page::<Record>(ACME, "incident", &sorted(), &[], 2, None).await.unwrap_err();
    is(&error, ErrorKind::InvalidInput, "page");
    assert!(error.message().contains("sys_id"), "{error}");
    assert_eq!(meddler.asked.load(Ordering::SeqCst), 0);
    // The order of a walk may be said.
    let own = query().order_by("sys_id").unwrap();
    let page = records.page::<Record>(ACME, "incident", &own, &["sys_id"], 10, None).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row["sys_id"].clone()).collect::<Vec<_>>(), in_order(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_rows_that_are_all_hidden_do_not_end_a_walk() {
    let (world, client, _) = walked(usize::MAX, Fate::Hangs, 64).await;
    let all = in_order(&world);
    for hidden in [0..2, 0..5, 2..4, 1..6, 2..7, 5..7, 0..7] {
        let shown: Vec<String> = [&all[..hidden.start], &all[hidden.end..]].concat();
        world.simulator.patch_instance(support::DEV1, &json!({"hidden_rows": all[hidden.clone()]})).unwrap();
        for as_text in [false, true] {
            let (ids, errors) = everything(&client, as_text).await;
            assert!(errors.is_empty(), "{hidden:?}: {errors:?}");
            assert_eq!(ids, shown, "{hidden:?}");
        }
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let records = client.records();
            let page = records.page::<Record>(ACME, "incident", &query(), &["sys_id"], 2, after.as_deref()).await;
            let page = page.unwrap();
            assert_eq!(page.items.is_empty(), page.next.is_none(), "{hidden:?}");
            ids.extend(page.items.into_iter().map(|row| row["sys_id"].clone()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(ids, shown, "{hidden:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_says_so_when_too_much_is_hidden_from_it() {
    let (_world, client, meddler) = walked(1, Fate::Hides, 64).await;
    let mut pages = client.records().pages::<Record>(ACME, "incident", query(), &["sys_id"], 2);
    assert_eq!(pages.next().await.unwrap().unwrap().len(), 2);
    is(&pages.next().await.unwrap_err(), ErrorKind::Forbidden, "a million");
    assert_eq!(meddler.asked.load(Ordering::SeqCst), 22);
}
