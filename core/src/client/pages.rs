//! A walk over records that asks for the next page while the caller still has the last one in hands.

use std::{marker::PhantomData, sync::Arc};

use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::{Inner, JsonPage};
use crate::{
    api::servicenow::{Query, last_key, read_page},
    error::{Error, ErrorKind, Result},
    oauth::Access,
    transport::Response,
};

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

    /// The next page; none after the last one. The walk can be continued after an error.
    ///
    /// # Errors
    /// As [`Records::get`](super::Records::get).
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        Ok(self.0.next().await?.map(|(items, _)| items))
    }
}

impl JsonPages {
    pub(super) const fn over(walker: Walker) -> Self {
        Self(walker)
    }

    /// The next page; none after the last one. The walk can be continued after an error.
    ///
    /// # Errors
    /// As [`Records::get`](super::Records::get).
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
struct Question {
    customer_id: String,
    table: String,
    query: Query,
    fields: Vec<String>,
    size: u32,
}

impl Question {
    fn fields(&self) -> Vec<&str> {
        self.fields.iter().map(String::as_str).collect()
    }
}

impl Walker {
    pub(super) fn new(
        inner: &Arc<Inner>,
        customer_id: &str,
        table: &str,
        query: Query,
        fields: &[&str],
        size: u32,
    ) -> Self {
        let question = Question {
            customer_id: customer_id.to_owned(),
            table: table.to_owned(),
            query,
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            size,
        };
        let (inner, question) = (Arc::clone(inner), Arc::new(question));
        Self { inner, question, next: None, ahead: JoinSet::new(), came: None, ended: false }
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
        let (rows, last) = match self.came.take().and_then(|page| read_page(&page)) {
            Some(rows) => (rows, last),
            None => self.again().await?,
        };
        self.ended = last.is_none();
        self.next.clone_from(&last);
        Ok(last.map(|last| (rows, last)))
    }

    /// Sends the request for the page after this key.
    fn ask(&mut self, after: Option<String>) {
        self.ahead.spawn(answer(Arc::clone(&self.inner), Arc::clone(&self.question), after));
    }

    /// The page once more, judged whole: what came could not be read. The page after it is not believed either.
    async fn again<R: DeserializeOwned + Send>(&mut self) -> Result<(R, Option<String>)> {
        self.ahead = JoinSet::new();
        let Question { customer_id, table, query, size, .. } = &*self.question;
        self.inner.page(customer_id, table, query, &self.question.fields(), *size, self.next.as_deref()).await
    }
}

/// The answer with the page after this key.
async fn answer(inner: Arc<Inner>, question: Arc<Question>, after: Option<String>) -> Result<Response> {
    let work = async {
        let fields = question.fields();
        let walk = Walk::new(&question.query, &fields, question.size, after.as_deref())?;
        let (customer, instance) = inner.registered(&question.customer_id).await?;
        let work = |access: Arc<Access>| {
            let (inner, question, walk) = (&inner, &question, &walk);
            async move {
                inner.servicenow.page_unread(&access, &question.table, &walk.query, &walk.fields, question.size).await
            }
        };
        inner.tokens.with_access(&customer, &instance, work).await
    };
    inner.run("records.page", work).await
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "The runtime ended while a page was on its way.")
}

/// The question for one page of a walk in the order of `sys_id`.
pub(super) struct Walk<'q> {
    pub(super) query: Query,
    pub(super) fields: Vec<&'q str>,
}

impl<'q> Walk<'q> {
    pub(super) fn new(query: &Query, fields: &[&'q str], size: u32, after: Option<&str>) -> Result<Self> {
        if !(1..=10_000).contains(&size) {
            return Err(Error::invalid("size must be between 1 and 10000."));
        }
        let query = match after {
            None => query.clone(),
            Some(last) => query.clone().greater("sys_id", last)?,
        };
        let mut fields = fields.to_vec();
        if !fields.is_empty() && !fields.contains(&"sys_id") {
            fields.push("sys_id");
        }
        Ok(Self { query: query.order_by("sys_id")?, fields })
    }
}
