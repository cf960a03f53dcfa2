//! Records of instances: they cross as JSON text, and the face parses it.

use std::sync::Arc;

use itsm_adapter::{
    self as core, ErrorInfo, JsonPages, Query,
    ffi::{self, list, names, text},
};
use napi::{Env, Result, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::{
    client::Client,
    operation::operations,
    promise::{CallOptions, Keep, promise},
    request::{GetRecord, InsertRecord, InsertRecords, PageRecords, QueryRecords, UpdateRecord},
};

/// A list of records as JSON, and the key of the next page.
type Page = (String, Option<String>);
/// A list of records as JSON, and the error in place of each that failed.
type Settled = (String, Vec<Option<ErrorInfo>>);

operations! {
    /// Records of the instance that an account is registered with (Table API): `client.records`.
    Records records |core| {
        /// One record.
        ///
        /// Rejects with `not_found` when there is none or it is hidden, `illegal_state` when the account is not
        /// registered, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
        get(request: GetRecord { customer_id, table, sys_id, fields }) -> String ["Promise<Record<string, string>>"] {
            core.records().get(&customer_id, &table, &sys_id, &names(&fields)).await.map(text)
        }

        /// Records that match the query, at most `limit` of them. No records can also mean no right to read them.
        ///
        /// Rejects as `get`.
        query(request: QueryRecords { customer_id, table, query, fields, limit }) -> String
        ["Promise<Array<Record<string, string>>>"] {
            let query = Query::of(&query.unwrap_or_default())?;
            core.records().query(&customer_id, &table, &query, &names(&fields), limit).await.map(|found| list(&found))
        }

        /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
        /// The page parses its records when they are asked for. `pages` walks over all of them.
        ///
        /// Rejects as `get`.
        page(request: PageRecords { customer_id, table, query, fields, size, after }) -> Page ["Promise<RecordPage>"] {
            let (query, fields) = (Query::of(&query.unwrap_or_default())?, names(&fields));
            let page = core.records().page_json(&customer_id, &table, &query, &fields, size, after.as_deref()).await?;
            Ok((text(page.json), page.next))
        }

        /// Walks over all records that match, page by page; see `page`. While you have one page, the next one is on its
        /// way already; leaving the loop, or aborting, ends that request.
        ///
        /// Rejects as `get`.
        pages(request: PageRecords { customer_id, table, query, fields, size, after }) -> Walk
        ["AsyncGenerator<RecordPage, void, void>"] {
            let query = Query::of(&query.unwrap_or_default())?;
            let pages = core.records().pages_json(&customer_id, &table, query, &names(&fields), size).after(after);
            Ok(Walk(Arc::new(Mutex::new(Some(pages)))))
        }

        /// Makes a record and gives it back as stored.
        ///
        /// Rejects with `outcome_unknown` when the record may or may not exist: look it up by a key of yours. Else as
        /// `get`, and nothing was made.
        insert(request: InsertRecord { customer_id, table, record, fields }) -> String
        ["Promise<Record<string, string>>"] {
            let record = ffi::records::<&RawValue>(&record)?;
            core.records().insert(&customer_id, &table, &record, &names(&fields)).await.map(text)
        }

        /// Makes many records and tells of each, in the order given, how it went. One that fails does not stop the
        /// others.
        ///
        /// Rejects with `invalid_input` for `inFlight`, `illegal_state` when the account is not registered.
        insert_many(request: InsertRecords { customer_id, table, records, fields, in_flight }) -> Settled
        ["Promise<Array<PromiseSettledResult<Record<string, string>>>>"] {
            let (given, fields) = (ffi::records::<Vec<&RawValue>>(&records)?, names(&fields));
            let made = core.records().insert_many(&customer_id, &table, &given, &fields, in_flight).await?;
            let errors = made.iter().map(|made| made.as_ref().err().map(core::Error::info)).collect();
            Ok((list(&made.into_iter().map(core::Result::unwrap_or_default).collect::<Vec<_>>()), errors))
        }

        /// Changes the columns given and gives the record back.
        ///
        /// Rejects as `insert`. Repeating an update whose outcome is unknown is safe, unless it writes a journal column
        /// such as `work_notes`.
        update(request: UpdateRecord { customer_id, table, sys_id, record, fields }) -> String
        ["Promise<Record<string, string>>"] {
            let record = ffi::records::<&RawValue>(&record)?;
            core.records().update(&customer_id, &table, &sys_id, &record, &names(&fields)).await.map(text)
        }
    }
}

/// A walk over pages; the face makes a generator of it.
#[napi]
pub struct Walk(Arc<Mutex<Option<JsonPages>>>);

#[napi]
impl Walk {
    /// The next page; nothing after the last one, or after `end`.
    #[napi(skip_typescript)]
    pub fn next<'e>(
        &self,
        env: &'e Env,
        _: Option<()>,
        options: Option<CallOptions>,
    ) -> Result<PromiseRaw<'e, Option<Page>>> {
        let walk = self.0.clone();
        promise(env, options, Keep::Alive, async move {
            let mut walk = walk.lock().await;
            let Some(pages) = &mut *walk else { return Ok(None) };
            Ok(pages.next().await?.map(|page| (text(page.json), page.next)))
        })
    }

    /// Ends the request that is under way, when nobody waits for it.
    #[napi(skip_typescript)]
    pub fn end(&self) {
        drop(self.0.try_lock().map(|mut walk| walk.take()));
    }
}
