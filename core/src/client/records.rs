use std::{collections::BTreeMap, future::poll_fn, pin::pin, sync::Arc, task::Poll};

use futures_util::{FutureExt, StreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Inner, JsonPages, Pages,
    pages::{Question, Walker},
    registrations::holder,
};
use crate::{
    api::servicenow::{Query, Select},
    bounds::within,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    oauth::Access,
    registration::no_account,
    transport::{Failure, Outcome},
};

/// A record of any table: column names and values. ServiceNow sends every value as text; references are the
/// `sys_id` of the record they point to.
pub type Record = BTreeMap<String, String>;

/// Records of a query where none is said.
const LIMIT: u32 = 100;
/// Inserts at a time.
const IN_FLIGHT: u32 = 64;

/// Records of the instance that an account is registered with (Table API). See
/// [`Client::records`](crate::Client::records). Types of your own work wherever [`Record`] does.
#[derive(Clone, Copy)]
pub struct Records<'a>(pub(super) &'a Arc<Inner>);

impl Records<'_> {
    /// One record; `fields` empty means all.
    ///
    /// # Errors
    /// `not_found` when there is none or it is hidden, `illegal_state` when the account is not registered,
    /// `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
    pub async fn get<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        sys_id: &str,
        fields: &[&str],
    ) -> Result<T> {
        let inner = self.0;
        inner
            .run("records.get", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                let work =
                    |access: Arc<Access>| async move { inner.servicenow.get(&access, table, sys_id, fields).await };
                inner.tokens.with_access(&customer, &instance, work).await
            })
            .await
    }

    /// Records that match the query, at most `limit` of them (1 to 10,000; 100). No records can also mean no right to
    /// read them.
    ///
    /// # Errors
    /// As [`Records::get`].
    pub async fn query<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        query: &Query,
        fields: &[&str],
        limit: impl Into<Option<u32>> + Send,
    ) -> Result<Vec<T>> {
        let (inner, limit) = (self.0, limit.into());
        inner
            .run("records.query", async {
                let limit = within("limit", limit, LIMIT, 10_000)?;
                let asked = &Select::new(table, query.clone(), fields, limit);
                let (customer, instance) = inner.registered(customer_id).await?;
                let work = |access: Arc<Access>| async move { inner.servicenow.query(&access, asked).await };
                inner.tokens.with_access(&customer, &instance, work).await
            })
            .await
    }

    /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
    /// `after` is the `next` of the page before, `size` 1 to 10,000 (1000). A column `sys_id` is always asked for.
    ///
    /// # Errors
    /// As [`Records::get`]; `invalid_input` also for a query with another order, `forbidden` also when the instance hides
    /// some 200,000 records in a row.
    pub async fn page<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        query: &Query,
        fields: &[&str],
        size: impl Into<Option<u32>> + Send,
        after: Option<&str>,
    ) -> Result<RecordPage<T>> {
        let (items, next) =
            self.0.page(&Question::new(customer_id, table, query.clone(), fields, size.into()), after).await?;
        Ok(RecordPage { items, next })
    }

    /// As [`Records::page`], with the page as the JSON text that the instance sent: for callers that parse it
    /// themselves.
    ///
    /// # Errors
    /// As [`Records::page`].
    pub async fn page_json(
        self,
        customer_id: &str,
        table: &str,
        query: &Query,
        fields: &[&str],
        size: impl Into<Option<u32>> + Send,
        after: Option<&str>,
    ) -> Result<JsonPage> {
        let (json, next) =
            self.0.page(&Question::new(customer_id, table, query.clone(), fields, size.into()), after).await?;
        Ok(JsonPage { json, next })
    }

    /// Walks over all records that match, page by page; see [`Records::page`]. While the caller has one page, the next
    /// one is already asked for.
    pub fn pages<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        query: Query,
        fields: &[&str],
        size: impl Into<Option<u32>>,
    ) -> Pages<T> {
        Pages::over(Walker::new(self.0, Question::new(customer_id, table, query, fields, size.into())))
    }

    /// The same, with each page as the JSON text that the instance sent.
    pub fn pages_json(
        self,
        customer_id: &str,
        table: &str,
        query: Query,
        fields: &[&str],
        size: impl Into<Option<u32>>,
    ) -> JsonPages {
        JsonPages::over(Walker::new(self.0, Question::new(customer_id, table, query, fields, size.into())))
    }

    /// Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent
    /// again: look the record up by a key of yours.
    ///
    /// # Errors
    /// `outcome_unknown` when the record may or may not exist; else as [`Records::get`], and nothing was made.
    pub async fn insert<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T> {
        let inner = self.0;
        inner
            .run("records.insert", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                let work =
                    |access: Arc<Access>| async move { inner.servicenow.insert(&access, table, record, fields).await };
                inner.tokens.with_access(&customer, &instance, work).await.map_err(told)
            })
            .await
    }

    /// Makes many records, at most `in_flight` (1 to 1000; 64) at a time, and tells of each, in the order given, how
    /// it went. One that fails does not stop the others.
    ///
    /// # Errors
    /// `invalid_input` for `in_flight`, `illegal_state` when the account is not registered. Everything else
    /// stands with the record that it happened to, as in [`Records::insert`].
    pub async fn insert_many<T: DeserializeOwned + Send, R: Serialize + Sync>(
        self,
        customer_id: &str,
        table: &str,
        records: &[R],
        fields: &[&str],
        in_flight: impl Into<Option<u32>> + Send,
    ) -> Result<Vec<Result<T>>> {
        let (inner, in_flight) = (self.0, in_flight.into());
        inner
            .run("records.insert_many", async {
                let in_flight = within("in_flight", in_flight, IN_FLIGHT, 1000)?;
                inner.registered(customer_id).await?;
                // By position: a closure over references makes a future that cannot be spawned.
                let inserts = (0..records.len())
                    .map(|at| self.insert(customer_id, table, &records[at], fields).map(move |made| (at, made)));
                // Whatever is answered first makes room for the next one.
                let inserted = stream::iter(inserts).buffer_unordered(in_flight as usize).collect();
                let mut made: Vec<_> = in_turn(inserted).await;
                made.sort_unstable_by_key(|(at, _)| *at);
                Ok(made.into_iter().map(|(_, made)| made).collect())
            })
            .await
    }

    /// Changes the columns given and gives the record back.
    ///
    /// # Errors
    /// As [`Records::insert`]. Repeating an update whose outcome is unknown is safe, unless it writes a journal
    /// column such as `work_notes`.
    pub async fn update<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        sys_id: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T> {
        let inner = self.0;
        inner
            .run("records.update", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                let work = |access: Arc<Access>| async move {
                    inner.servicenow.update(&access, table, sys_id, record, fields).await
                };
                inner.tokens.with_access(&customer, &instance, work).await.map_err(told)
            })
            .await
    }
}

/// One page of records.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordPage<T> {
    /// The records of this page. A page can be short in the middle: the instance counts before it hides records.
    pub items: Vec<T>,
    /// Give it to the next call to go on; only the last page, an empty one, has none.
    pub next: Option<String>,
}

/// One page of records as JSON text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JsonPage {
    /// A JSON array of objects, exactly as the instance sent it.
    pub json: Box<RawValue>,
    /// Give it to the next call to go on; only the last page, an empty one, has none.
    pub next: Option<String>,
}

impl Inner {
    /// The account, and the instance it is registered with.
    pub(super) async fn registered(&self, customer_id: &str) -> Result<(CustomerId, InstanceId)> {
        let customer = CustomerId::parse(customer_id)?;
        let ask = || {
            let (store, customer) = (Arc::clone(&self.store), customer.clone());
            async move {
                if let Some(instance) = holder(&*store, &customer).await? {
                    return Ok(instance);
                }
                store.account(&customer).await?.ok_or_else(|| no_account(&customer))?;
                let text = format!("The account {customer} is not registered with any instance.");
                let error = Error::new(ErrorKind::IllegalState, text).remedy("Register it first.");
                Err(error.with("status", "unregistered"))
            }
        };
        let instance = self.holders.get(&customer, ask).await?;
        Ok((customer, instance))
    }
}

/// Does the work. Whenever it is woken, everything else that can be done is done first: one look takes what has come on
/// all connections, in place of a look for each.
async fn in_turn<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut stands_back) = (pin!(work), false);
    poll_fn(|context| {
        stands_back = !stands_back;
        if stands_back {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        work.as_mut().poll(context)
    })
    .await
}

/// A failed write as the caller should hear it: "nobody knows" is a kind of its own.
fn told(failure: Failure) -> Error {
    let Failure { error, outcome } = failure;
    match outcome {
        Outcome::NotDone => error,
        Outcome::Unknown => Error::new(
            ErrorKind::OutcomeUnknown,
            format!("The write may or may not have been made: {}", error.message()),
        )
        .remedy("Look the record up by a key of yours before you write it again.")
        .with("cause", error.kind())
        .transaction(error.transaction_id())
        .attempts(error.info().attempts)
        .because(error),
    }
}
