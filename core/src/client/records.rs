use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::Inner;
use crate::{
    api::servicenow::Query,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    oauth::Access,
    transport::{Failure, Outcome},
};

/// A record of any table: column names and values. ServiceNow sends every value as text; references are the
/// `sys_id` of the record they point to.
pub type Record = BTreeMap<String, String>;

/// Records of the instance that an account is registered with (Table API). See
/// [`Client::records`](crate::Client::records). Types of your own work wherever [`Record`] does.
#[derive(Clone, Copy)]
pub struct Records<'a>(pub(super) &'a Inner);

impl<'a> Records<'a> {
    /// One record; `fields` empty means all.
    ///
    /// # Errors
    /// `not_found` when there is none or it is hidden, `illegal_state` when the account is not registered,
    /// `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
    pub async fn get<T: DeserializeOwned + Send>(self, customer_id: &str, table: &str, sys_id: &str, fields: &[&str]) -> Result<T> {
        let inner = self.0;
        inner
            .run("records.get", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                let work = |access: Arc<Access>| async move { inner.servicenow.get(&access, table, sys_id, fields).await };
                inner.tokens.with_access(&customer, &instance, work).await
            })
            .await
    }

    /// Records that match the query, at most `limit` of them. No records can also mean no right to read them.
    ///
    /// # Errors
    /// As [`Records::get`].
    pub async fn query<T: DeserializeOwned + Send>(
        self,
        customer_id: &str,
        table: &str,
        query: &Query,
        fields: &[&str],
        limit: u32,
    ) -> Result<Vec<T>> {
        let inner = self.0;
        inner
            .run("records.query", async {
                let (customer, instance) = inner.registered(customer_id).await?;
                let work = |access: Arc<Access>| async move { inner.servicenow.query(&access, table, query, fields, limit).await };
                inner.tokens.with_access(&customer, &instance, work).await
            })
            .await
    }

    /// Walks over all records that match, page by page in the order of `sys_id`: stable, and in constant
    /// memory. A column `sys_id` is always asked for.
    pub fn pages<T: DeserializeOwned + Send>(self, customer_id: &str, table: &str, query: Query, fields: &[&str], page_size: u32) -> Pages<'a, T> {
        let mut fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        if !fields.is_empty() && !fields.iter().any(|field| field == "sys_id") {
            fields.push("sys_id".to_owned());
        }
        Pages {
            inner: self.0,
            customer_id: customer_id.to_owned(),
            table: table.to_owned(),
            query,
            fields,
            page_size,
            last: Some(String::new()),
            records: std::marker::PhantomData,
        }
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
                let work = |access: Arc<Access>| async move { inner.servicenow.insert(&access, table, record, fields).await };
                inner.tokens.with_access(&customer, &instance, work).await.map_err(told)
            })
            .await
    }

    /// Changes the columns given and gives the record back.
    ///
    /// # Errors
    /// As [`Records::insert`]; repeating an update whose outcome is unknown is safe.
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
                let work = |access: Arc<Access>| async move { inner.servicenow.update(&access, table, sys_id, record, fields).await };
                inner.tokens.with_access(&customer, &instance, work).await.map_err(told)
            })
            .await
    }
}

/// A walk over records; see [`Records::pages`].
#[must_use]
pub struct Pages<'a, T> {
    inner: &'a Inner,
    customer_id: String,
    table: String,
    query: Query,
    fields: Vec<String>,
    page_size: u32,
    /// The last key seen; none at the end.
    last: Option<String>,
    records: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send> Pages<'_, T> {
    /// The next page; none after the last one. A page can be short, or empty, in the middle: the instance
    /// counts before it hides records.
    ///
    /// # Errors
    /// As [`Records::get`]. The walk can be continued after an error.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        let Some(last) = self.last.clone() else { return Ok(None) };
        let inner = self.inner;
        inner
            .run("records.pages", async {
                if !(1..=10_000).contains(&self.page_size) {
                    return Err(Error::invalid("page_size must be between 1 and 10000."));
                }
                let (customer, instance) = inner.registered(&self.customer_id).await?;
                let mut query = self.query.clone();
                if !last.is_empty() {
                    query = query.greater("sys_id", &last)?;
                }
                let query = query.order_by("sys_id")?;
                let fields: Vec<&str> = self.fields.iter().map(String::as_str).collect();
                let (table, query, fields, size) = (&self.table, &query, &fields, self.page_size);
                let work = |access: Arc<Access>| async move { inner.servicenow.page(&access, table, query, fields, size).await };
                let (records, keys) = inner.tokens.with_access(&customer, &instance, work).await?;
                self.last = keys;
                Ok((!(self.last.is_none() && records.is_empty())).then_some(records))
            })
            .await
    }
}

impl Inner {
    /// The account, and the instance it is registered with.
    pub(super) async fn registered(&self, customer_id: &str) -> Result<(CustomerId, InstanceId)> {
        let customer = CustomerId::parse(customer_id)?;
        match self.holder(&customer).await? {
            Some(instance) => Ok((customer, instance)),
            None => {
                self.account(&customer).await?;
                Err(Error::new(ErrorKind::IllegalState, format!("The account {customer} is not registered with any instance."))
                    .remedy("Register it first.")
                    .with("status", "unregistered"))
            }
        }
    }
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
        .because(error),
    }
}
