//! Table API: get, query, insert, update. Records are typed over raw bytes; all values are strings.

use http::{Method, StatusCode};
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use url::Url;

use super::{
    ServiceNow, below,
    envelope::judge,
    query::Query,
    target::{add_fields, name},
};
use crate::{
    error::{Error, Result},
    oauth::Access,
    transport::{Call, Failure, Repeat, Response, Verdict, content_type_is_json},
};

/// What is asked of a table: records that match, at most `limit`; `fields` empty means all.
pub(crate) struct Select<'a> {
    pub(crate) table: &'a str,
    pub(crate) query: Query,
    pub(crate) fields: Vec<&'a str>,
    pub(crate) limit: u32,
}

impl<'a> Select<'a> {
    pub(crate) fn new(table: &'a str, query: Query, fields: &[&'a str], limit: u32) -> Self {
        Self { table, query, fields: fields.to_vec(), limit }
    }
}

impl ServiceNow {
    /// One record; `fields` empty means all.
    pub(crate) async fn get<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        sys_id: &str,
        fields: &[&str],
    ) -> Result<T> {
        let mut url = below(&access.base, &["api", "now", "table", name(table)?, record_id(sys_id)?])?;
        add_fields(&mut url, fields)?;
        let call = self.call(access, Method::GET, url, None, Repeat::Freely)?;
        Ok(self.ask(call, judge::<T>).await?)
    }

    /// Records that match, at most `limit`, as any kind of list. No rows can mean no rights: "empty" is not
    /// "does not exist".
    pub(crate) async fn query<R: DeserializeOwned + Send>(&self, access: &Access, select: &Select<'_>) -> Result<R> {
        let call = self.question(access, select)?;
        Ok(self.ask(call, judge::<R>).await?)
    }

    pub(super) fn question(&self, access: &Access, select: &Select<'_>) -> Result<Box<Call>> {
        self.list(access, select, ("sysparm_no_count", "true"))
    }

    /// The same, without the first rows, and with the count of all that match.
    pub(super) fn counted(&self, access: &Access, select: &Select<'_>, offset: u32) -> Result<Box<Call>> {
        self.list(access, select, ("sysparm_offset", &offset.to_string()))
    }

    fn list(&self, access: &Access, select: &Select<'_>, also: (&str, &str)) -> Result<Box<Call>> {
        let Select { table, query, fields, limit } = select;
        let mut url = access.targets.table(&access.base, table, fields)?;
        url.query_pairs_mut()
            .append_pair("sysparm_query", &query.to_string())
            .append_pair("sysparm_limit", &limit.to_string())
            .append_pair(also.0, also.1);
        self.call(access, Method::GET, url, None, Repeat::Freely)
    }

    /// One page of a walk in the order of `sys_id`, and the key to go on after; none when no page follows.
    pub(crate) async fn page<R: DeserializeOwned + Send>(
        &self,
        access: &Access,
        select: &Select<'_>,
    ) -> Result<(R, Option<String>)> {
        let call = self.question(access, select)?;
        match self.ask(call, judge_page_of::<R>).await? {
            (empty, None) => {
                let beyond = self.beyond(access, select).await?;
                Ok(beyond.map_or((empty, None), |(rows, last)| (rows, Some(last))))
            }
            page => Ok(page),
        }
    }

    /// One page, empty or not, with its rows unread: see [`read_page`], [`last_key`] and [`ServiceNow::beyond`].
    pub(crate) async fn page_unread(&self, access: &Access, select: &Select<'_>) -> Result<Response> {
        let call = self.question(access, select)?;
        Ok(self.send(call, judge_frame).await?)
    }

    /// Makes a record. Repeated only when it was certainly not made; an unknown outcome comes back as such.
    pub(crate) async fn insert<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T, Failure> {
        let url = access.targets.table(&access.base, table, fields)?;
        let call = self.write(access, Method::POST, url, record)?;
        self.ask(call, judge::<T>).await
    }

    /// Changes the fields given. Not repeated when its outcome is unknown: a journal field would get a second entry.
    pub(crate) async fn update<T: DeserializeOwned + Send>(
        &self,
        access: &Access,
        table: &str,
        sys_id: &str,
        record: &(impl Serialize + Sync),
        fields: &[&str],
    ) -> Result<T, Failure> {
        let mut url = below(&access.base, &["api", "now", "table", name(table)?, record_id(sys_id)?])?;
        add_fields(&mut url, fields)?;
        let call = self.write(access, Method::PATCH, url, record)?;
        self.ask(call, judge::<T>).await
    }

    fn write(&self, access: &Access, method: Method, url: Url, record: &(impl Serialize + Sync)) -> Result<Box<Call>> {
        let body = serde_json::to_vec(record)
            .map_err(|error| Error::invalid("The record cannot be written as JSON.").because(error))?;
        self.call(access, method, url, Some(body.into()), Repeat::IfNotDone)
    }
}

/// Reads a page of rows, and the key of the last one.
pub(super) fn judge_page_of<R: DeserializeOwned>(
    response: &Response,
    answer: &mut Option<(R, Option<String>)>,
) -> Verdict {
    let mut rows = None;
    let verdict = judge(response, &mut rows);
    *answer = rows.map(|rows| (rows, last_key(&response.body)));
    verdict
}

/// Accepts what has the frame of a whole list and leaves the rows unread; reads anything else to its end.
fn judge_frame(response: &Response) -> Verdict {
    let framed = response.body.starts_with(b"{\"result\":[") && response.body.ends_with(b"]}");
    if framed && response.status == StatusCode::OK && content_type_is_json(&response.headers) {
        return Verdict::Done;
    }
    judge(response, &mut None::<Vec<IgnoredAny>>)
}

/// The rows of a page that came unread; none when it is not what its frame promised.
pub(crate) fn read_page<R: DeserializeOwned>(response: &Response) -> Option<R> {
    let mut rows = None;
    judge(response, &mut rows);
    rows
}

/// The `sys_id` of the last row of a page; counts only when the page can be read without error. Looked for from the
/// end: reading the rows a second time for one key would cost as much as reading them for the caller. The name in
/// quotes cannot be part of a value, where quotes are escaped, nor of a longer name.
pub(crate) fn last_key(page: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"sys_id\":\"";
    let at = memchr::memmem::rfind(page, NAME).map(|at| at + NAME.len());
    if let Some(key) = at.and_then(|at| page.get(at..at + 32))
        && key.iter().all(u8::is_ascii_hexdigit)
        && page.get(at.unwrap_or_default() + 32) == Some(&b'"')
    {
        return std::str::from_utf8(key).ok().map(str::to_owned);
    }
    // Written in another way than instances do: read the keys properly.
    let Keys { result } = serde_json::from_slice(page).ok()?;
    result.into_iter().next_back().map(|key| key.sys_id)
}

#[derive(Deserialize)]
struct Keys {
    result: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    sys_id: String,
}

fn record_id(sys_id: &str) -> Result<&str> {
    if sys_id.len() == 32 && sys_id.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(sys_id)
    } else {
        Err(Error::invalid("A sys_id is 32 hexadecimal digits."))
    }
}

#[cfg(test)]
mod tests {
    use super::last_key;

    #[test]
    fn the_last_key_is_found_however_the_page_is_written() {
        let key = |n: u8| format!("{n:032x}");
        for (page, last) in [
            (r#"{"result":[]}"#.to_owned(), None),
            (
                format!(r#"{{"result":[{{"sys_id":"{}"}},{{"sys_id":"{}","number":"1"}}]}}"#, key(1), key(2)),
                Some(key(2)),
            ),
            (format!(r#"{{"result":[{{"sys_id" : "{}"}}]}}"#, key(3)), Some(key(3))),
            (format!(r#"{{"result":[{{"sys_id":"{}","text":"\"sys_id\":\"{}\""}}]}}"#, key(4), key(9)), Some(key(4))),
            (format!(r#"{{"result":[{{"sys_id":"{}","caller_id.sys_id":"{}"}}]}}"#, key(5), key(9)), Some(key(5))),
        ] {
            assert_eq!(last_key(page.as_bytes()), last, "{page}");
        }
    }
}
