//! Table API: get, query, insert, update. Records are typed over raw bytes; all values are strings.

use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    ServiceNow,
    envelope::judge,
    query::{Query, is_name},
    url,
};
use crate::{
    error::{Error, Result},
    oauth::Access,
    transport::{Failure, Repeat},
};

impl ServiceNow {
    /// One record; `fields` empty means all.
    pub(crate) async fn get<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        sys_id: &str,
        fields: &[&str],
    ) -> Result<T> {
        let mut url = url(&access.instance_id, &["api", "now", "table", name(table)?, record_id(sys_id)?])?;
        add_fields(&mut url, fields)?;
        let call = self.call(access, Method::GET, url, None, Repeat::Freely)?;
        Ok(self.ask(call, judge::<T>).await?)
    }

    /// Records that match, at most `limit`, as any kind of list. No rows can mean no rights: "empty" is not
    /// "does not exist".
    pub(crate) async fn query<R: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        query: &Query,
        fields: &[&str],
        limit: u32,
    ) -> Result<R> {
        let mut url = url(&access.instance_id, &["api", "now", "table", name(table)?])?;
        url.query_pairs_mut()
            .append_pair("sysparm_query", &query.to_string())
            .append_pair("sysparm_limit", &limit.to_string())
            .append_pair("sysparm_no_count", "true");
        add_fields(&mut url, fields)?;
        let call = self.call(access, Method::GET, url, None, Repeat::Freely)?;
        Ok(self.ask(call, judge::<R>).await?)
    }

    /// Makes a record. Repeated only when it was certainly not made; an unknown outcome comes back as such.
    pub(crate) async fn insert<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T, Failure> {
        let call = self.write(access, Method::POST, &["api", "now", "table", name(table)?], record, fields)?;
        self.ask(call, judge::<T>).await
    }

    /// Changes the fields given. A second time gives the same record, so an unknown outcome may be repeated.
    pub(crate) async fn update<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        sys_id: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T, Failure> {
        let path = ["api", "now", "table", name(table)?, record_id(sys_id)?];
        let call = self.write(access, Method::PATCH, &path, record, fields)?;
        self.ask(call, judge::<T>).await
    }

    fn write(
        &self,
        access: &Access,
        method: Method,
        path: &[&str],
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<crate::transport::Call> {
        let mut url = url(&access.instance_id, path)?;
        add_fields(&mut url, fields)?;
        let body = serde_json::to_vec(record)
            .map_err(|error| Error::invalid("The record cannot be written as JSON.").because(error))?;
        self.call(access, method, url, Some(body.into()), Repeat::IfNotDone)
    }
}

fn add_fields(url: &mut url::Url, fields: &[&str]) -> Result<()> {
    if let Some(field) = fields.iter().find(|field| !is_name(field)) {
        return Err(Error::invalid(format!("{} is not a field name.", crate::transport::clean(field, 40))));
    }
    let mut pairs = url.query_pairs_mut();
    if !fields.is_empty() {
        pairs.append_pair("sysparm_fields", &fields.join(","));
    }
    // Without this, reference fields are objects with links in place of plain ids.
    pairs.append_pair("sysparm_exclude_reference_link", "true");
    Ok(())
}

fn name(table: &str) -> Result<&str> {
    if is_name(table) && !table.contains('.') {
        Ok(table)
    } else {
        Err(Error::invalid(format!("{} is not a table name.", crate::transport::clean(table, 40))))
    }
}

fn record_id(sys_id: &str) -> Result<&str> {
    if sys_id.len() == 32 && sys_id.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(sys_id)
    } else {
        Err(Error::invalid("A sys_id is 32 hexadecimal digits."))
    }
}
