//! Records cross as JSON text: the face writes and parses it.

use itsm_adapter::{self as core, Error, ErrorInfo, ErrorKind, Query};
use napi::{Env, Result, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    promise::{CallOptions, start},
    request::{GetRecord, InsertRecord, InsertRecords, PageRecords, QueryRecords, UpdateRecord},
};

/// Records of the instance that an account is registered with (Table API): `client.records`.
#[napi]
pub struct Records(pub(crate) core::Client);

#[napi]
impl Records {
    /// One record.
    ///
    /// Rejects with `not_found` when there is none or it is hidden, `illegal_state` when the account is not registered,
    /// `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
    #[napi(ts_return_type = "Promise<Record<string, string>>")]
    pub fn get<'e>(
        &self,
        env: &'e Env,
        request: GetRecord,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, String>> {
        start(&self.0, env, options, |core| async move {
            let fields = names(&request.fields);
            core.records().get(&request.customer_id, &request.table, &request.sys_id, &fields).await.map(text)
        })
    }

    /// Records that match the query, at most `limit` of them. No records can also mean no right to read them.
    ///
    /// Rejects as `get`.
    #[napi(ts_return_type = "Promise<Array<Record<string, string>>>")]
    pub fn query<'e>(
        &self,
        env: &'e Env,
        request: QueryRecords,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, String>> {
        start(&self.0, env, options, |core| async move {
            let (query, fields) = (Query::of(&request.query.unwrap_or_default())?, names(&request.fields));
            core.records().query(&request.customer_id, &request.table, &query, &fields, request.limit).await.map(list)
        })
    }

    /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory. The page
    /// parses its records when they are asked for. `pages` walks over all of them.
    ///
    /// Rejects as `get`.
    #[napi(ts_return_type = "Promise<RecordPage>")]
    pub fn page<'e>(
        &self,
        env: &'e Env,
        request: PageRecords,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, (String, Option<String>)>> {
        start(&self.0, env, options, |core| async move {
            let (query, fields) = (Query::of(&request.query.unwrap_or_default())?, names(&request.fields));
            let after = request.after.as_deref();
            let page = core
                .records()
                .page_json(&request.customer_id, &request.table, &query, &fields, request.size, after)
                .await?;
            Ok((text(page.json), page.next))
        })
    }

    /// Makes a record and gives it back as stored.
    ///
    /// Rejects with `outcome_unknown` when the record may or may not exist: look it up by a key of yours. Else as `get`,
    /// and nothing was made.
    #[napi(ts_return_type = "Promise<Record<string, string>>")]
    pub fn insert<'e>(
        &self,
        env: &'e Env,
        request: InsertRecord,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, String>> {
        start(&self.0, env, options, |core| async move {
            let (record, fields) = (json::<&RawValue>(&request.record)?, names(&request.fields));
            core.records().insert(&request.customer_id, &request.table, &record, &fields).await.map(text)
        })
    }

    /// Makes many records and tells of each, in the order given, how it went. One that fails does not stop the others.
    ///
    /// Rejects with `invalid_input` for `inFlight`, `illegal_state` when the account is not registered.
    #[napi(ts_return_type = "Promise<Array<PromiseSettledResult<Record<string, string>>>>")]
    pub fn insert_many<'e>(
        &self,
        env: &'e Env,
        request: InsertRecords,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, (String, Vec<Option<ErrorInfo>>)>> {
        start(&self.0, env, options, |core| async move {
            let (records, fields) = (json::<Vec<&RawValue>>(&request.records)?, names(&request.fields));
            let in_flight = request.in_flight as usize;
            let made =
                core.records().insert_many(&request.customer_id, &request.table, &records, &fields, in_flight).await?;
            let errors = made.iter().map(|made| made.as_ref().err().map(core::Error::info)).collect();
            Ok((list(made.into_iter().map(core::Result::unwrap_or_default).collect()), errors))
        })
    }

    /// Changes the columns given and gives the record back.
    ///
    /// Rejects as `insert`; repeating an update whose outcome is unknown is safe.
    #[napi(ts_return_type = "Promise<Record<string, string>>")]
    pub fn update<'e>(
        &self,
        env: &'e Env,
        request: UpdateRecord,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, String>> {
        start(&self.0, env, options, |core| async move {
            let (record, fields) = (json::<&RawValue>(&request.record)?, names(&request.fields));
            core.records()
                .update(&request.customer_id, &request.table, &request.sys_id, &record, &fields)
                .await
                .map(text)
        })
    }
}

fn names(fields: &Option<Vec<String>>) -> Vec<&str> {
    fields.iter().flatten().map(String::as_str).collect()
}

fn text(json: Box<RawValue>) -> String {
    Box::<str>::from(json).into()
}

fn list(records: Vec<Box<RawValue>>) -> String {
    let records: Vec<&str> = records.iter().map(|record| record.get()).collect();
    format!("[{}]", records.join(","))
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> core::Result<T> {
    serde_json::from_str(text)
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "A record is not an object of columns and values."))
}
