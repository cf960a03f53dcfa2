//! What follows an empty page of a walk: the instance applies the limit before it hides rows, so a page can be empty
//! although rows that may be read follow it.

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    ServiceNow,
    envelope::judge,
    table::{Select, judge_page_of},
};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    oauth::Access,
    transport::{Response, Verdict},
};

/// Rows of one look.
const LOOK: u32 = 10_000;
/// Looks at rows that are all hidden, before the walk is given up.
const LOOKS: u32 = 20;

/// The first row that a look shows, and how many rows match, hidden ones among them.
type Seen = (Option<String>, Option<u64>);

#[derive(Deserialize)]
struct Key {
    sys_id: String,
}

impl ServiceNow {
    /// The page after the rows that an empty page has hidden, and the key to go on after; none when nothing follows.
    pub(crate) async fn beyond<R: DeserializeOwned + Send>(
        &self,
        access: &Access,
        empty: &Select<'_>,
    ) -> Result<Option<(R, String)>> {
        let Some(first) = self.first_shown(access, empty).await? else { return Ok(None) };
        let query = empty.query.clone().begin_at(&first)?;
        let page = Select::new(empty.table, query, &empty.fields, empty.limit);
        match self.ask(self.question(access, &page)?, judge_page_of::<R>).await? {
            (rows, Some(last)) => Ok(Some((rows, last))),
            (_, None) => {
                Err(Error::new(ErrorKind::Unavailable, "Records went away while a page was on its way.")
                    .retry(Retry::Now))
            }
        }
    }

    /// The key of the first row behind the empty page that is not hidden.
    async fn first_shown(&self, access: &Access, empty: &Select<'_>) -> Result<Option<String>> {
        let look = Select::new(empty.table, empty.query.clone(), &["sys_id"], LOOK);
        let mut offset = empty.limit;
        for _ in 0..LOOKS {
            let (first, matching) = self.ask(self.counted(access, &look, offset)?, judge_seen).await?;
            offset += LOOK;
            if first.is_some() || matching.is_none_or(|matching| matching <= offset.into()) {
                return Ok(first);
            }
        }
        Err(Error::new(ErrorKind::Forbidden, format!("The instance hides more than {offset} records in a row."))
            .remedy("Let the instance's user read them, or ask for fewer by conditions."))
    }
}

fn judge_seen(response: &Response, answer: &mut Option<Seen>) -> Verdict {
    let mut rows = None::<Vec<Key>>;
    let verdict = judge(response, &mut rows);
    let count = response.headers.get("x-total-count").and_then(|count| count.to_str().ok()?.trim().parse().ok());
    *answer = rows.map(|rows| (rows.into_iter().next().map(|key| key.sys_id), count));
    verdict
}
