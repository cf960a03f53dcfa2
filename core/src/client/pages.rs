//! A walk over records that asks for the next page while the caller still has the last one in hands.

use std::{marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{Inner, JsonPage};
use crate::{
    api::servicenow::{Query, Select, last_key, read_page},
    bounds::within,
    error::{Error, ErrorKind, Result},
    oauth::Access,
    transport::Response,
};

/// Records of a page where none is said.
const SIZE: u32 = 1000;

/// A walk over records; see [`Records::pages`](super::Records::pages).
///
/// The key of a page's last record is found before the page is read, so the next page is on its way meanwhile: at
/// most one page ahead, held as the bytes that came. Dropping the walk ends that request.
#[must_use]
pub struct Pages<T>(Walker, PhantomData<fn() -> T>);

/// A walk over records as JSON text; see [`Records::pages_json`](super::Records::pages_json), and [`Pages`].
#[must_use]
pub struct JsonPages(Walker);

impl<T: DeserializeOwned + Send> Pages<T> {
    pub(super) const fn over(walker: Walker) -> Self {
        Self(walker, PhantomData)
    }

    /// Begins after this key, the `next` of a page; without one at the beginning.
    pub fn after(self, key: Option<String>) -> Self {
        Self(self.0.after(key), PhantomData)
    }

    /// The next page; none after the last one. The walk can be continued after an error.
    ///
    /// # Errors
    /// As [`Records::page`](super::Records::page).
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        Ok(self.0.next().await?.map(|(items, _)| items))
    }
}

impl JsonPages {
    pub(super) const fn over(walker: Walker) -> Self {
        Self(walker)
    }

    /// Begins after this key, the `next` of a page; without one at the beginning.
    pub fn after(self, key: Option<String>) -> Self {
        Self(self.0.after(key))
    }

    /// The next page; none after the last one. The walk can be continued after an error.
    ///
    /// # Errors
    /// As [`Records::page`](super::Records::page).
    pub async fn next(&mut self) -> Result<Option<JsonPage>> {
        Ok(self.0.next().await?.map(|(json, next)| JsonPage { json, next: Some(next) }))
    }
}

/// A walk, whatever its pages are read into.
pub(super) struct Walker {
    inner: Arc<Inner>,
    question: Arc<Question>,
    next: Option<String>,
    /// The request under way; one at most. A task of its own: it must not wait, with its place among the
    /// requests in flight, for a caller who is busy with other requests.
    ahead: JoinSet<Result<Response>>,
    /// The page that came last, not yet handed over.
    came: Option<Response>,
    ended: bool,
}

/// What a walk asks for.
pub(super) struct Question {
    customer_id: String,
    table: String,
    query: Query,
    fields: Vec<String>,
    size: Option<u32>,
}

impl Question {
    pub(super) fn new(customer_id: &str, table: &str, query: Query, fields: &[&str], size: Option<u32>) -> Self {
        let fields = fields.iter().map(|&field| field.to_owned()).collect();
        Self { customer_id: customer_id.to_owned(), table: table.to_owned(), query, fields, size }
    }

    /// What is asked for the page after this key, in the order of `sys_id`.
    fn page(&self, after: Option<&str>) -> Result<Select<'_>> {
        let size = within("size", self.size, SIZE, 10_000)?;
        let mut fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
        if !fields.is_empty() && !fields.contains(&"sys_id") {
            fields.push("sys_id");
        }
        Ok(Select { table: &self.table, query: self.query.clone().walk(after)?, fields, limit: size })
    }
}

impl Walker {
    pub(super) fn new(inner: &Arc<Inner>, question: Question) -> Self {
        let (inner, question) = (Arc::clone(inner), Arc::new(question));
        Self { inner, question, next: None, ahead: JoinSet::new(), came: None, ended: false }
    }

    fn after(self, key: Option<String>) -> Self {
        Self { next: key, ..self }
    }

    /// The next page and the key of its last row; none after the last page.
    async fn next<R: DeserializeOwned + Send>(&mut self) -> Result<Option<(R, String)>> {
        if self.ended {
            return Ok(None);
        }
        if self.came.is_none() {
            if self.ahead.is_empty() {
                self.ask(self.next.clone());
            }
            let came = self.ahead.join_next().await;
            let came = came.ok_or_else(|| stopped().operation("records.page"))?;
            self.came = Some(came.map_err(|error| stopped().because(error).operation("records.page"))??);
        }
        let last = self.came.as_ref().and_then(|page| last_key(&page.body));
        if last.is_some() && self.ahead.is_empty() {
            self.ask(last.clone());
            // The request goes out before this thread is taken by reading.
            tokio::task::yield_now().await;
        }
        let page = match (self.came.take().and_then(|page| read_page(&page)), last) {
            (Some(rows), Some(last)) => Some((rows, last)),
            (Some::<R>(_), None) => self.inner.page_beyond(&self.question, self.next.as_deref()).await?,
            (None, _) => self.again().await?,
        };
        self.ended = page.is_none();
        self.next = page.as_ref().map(|(_, last)| last.clone());
        Ok(page)
    }

    /// Sends the request for the page after this key.
    fn ask(&mut self, after: Option<String>) {
        let (inner, question) = (Arc::clone(&self.inner), Arc::clone(&self.question));
        self.ahead.spawn(async move { inner.page_unread(&question, after.as_deref()).await });
    }

    /// The page once more, judged whole: what came could not be read. The page after it is not believed either.
    async fn again<R: DeserializeOwned + Send>(&mut self) -> Result<Option<(R, String)>> {
        self.ahead = JoinSet::new();
        let (rows, last) = self.inner.page(&self.question, self.next.as_deref()).await?;
        Ok(last.map(|last| (rows, last)))
    }
}

impl Inner {
    /// The page after this key: its rows, and the key to go on after.
    pub(super) async fn page<R: DeserializeOwned + Send>(
        &self,
        question: &Question,
        after: Option<&str>,
    ) -> Result<(R, Option<String>)> {
        let work = async {
            let asked = &question.page(after)?;
            let (customer, instance) = self.registered(&question.customer_id).await?;
            let work = |access: Arc<Access>| async move { self.servicenow.page(&access, asked).await };
            self.tokens.with_access(&customer, &instance, work).await
        };
        self.run("records.page", work).await
    }

    /// What follows the page after this key, which is empty.
    async fn page_beyond<R: DeserializeOwned + Send>(
        &self,
        question: &Question,
        after: Option<&str>,
    ) -> Result<Option<(R, String)>> {
        let work = async {
            let asked = &question.page(after)?;
            let (customer, instance) = self.registered(&question.customer_id).await?;
            let work = |access: Arc<Access>| async move { self.servicenow.beyond(&access, asked).await };
            self.tokens.with_access(&customer, &instance, work).await
        };
        self.run("records.page", work).await
    }

    /// The page after this key, empty or not, with its rows unread.
    async fn page_unread(&self, question: &Question, after: Option<&str>) -> Result<Response> {
        let work = async {
            let asked = &question.page(after)?;
            let (customer, instance) = self.registered(&question.customer_id).await?;
            let work = |access: Arc<Access>| async move { self.servicenow.page_unread(&access, asked).await };
            self.tokens.with_access(&customer, &instance, work).await
        };
        self.run("records.page", work).await
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "The runtime ended while a page was on its way.")
}
