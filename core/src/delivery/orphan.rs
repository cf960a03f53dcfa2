//! Records that probes left open, because their process died half-way.
//!
//! Nobody remembers them but the instance: the key of a probe's record says whose it is. A user who may not ask for keys
//! by their beginning leaves them to people; they say what they are.

use chrono::{NaiveDateTime, TimeDelta};

use super::{deliver::Courier, incident::IncidentRow, key::digest};
use crate::{
    api::servicenow::Query,
    error::Result,
    id::{CustomerId, InstanceId},
};

/// Younger ones may belong to a probe that is under way in another process.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(30);
/// Those that are closed at a time.
const MOST: u32 = 100;

/// How the keys of an account's probes begin.
pub(super) fn probe_key(customer: &CustomerId) -> String {
    let mut of_account = digest(["probe", customer.as_str()]);
    of_account.truncate(16);
    format!("citrix-probe-{of_account}-")
}

impl Courier {
    /// What earlier probes of this registration left open; `own` is a record of the probe under way, made just now by the
    /// instance's own clock.
    pub(super) async fn orphans(
        &self,
        customer: &CustomerId,
        instance: &InstanceId,
        own: &IncidentRow,
    ) -> Result<Vec<IncidentRow>> {
        let Some(before) = made_at(own).map(|now| now - UNDER_WAY) else { return Ok(Vec::new()) };
        let key = probe_key(customer);
        let query = Query::new().starts_with("correlation_id", &key)?.equals("active", "true")?;
        let mut rows = self.incidents(customer, instance, query, MOST).await?;
        let words = self.words(customer, instance).await?;
        // Whatever the instance makes of the question (T11), nothing else is touched.
        rows.retain(|row| {
            let is_open = !words.is_ended(&row.state);
            row.correlation_id.starts_with(&key) && is_open && made_at(row).is_some_and(|at| at < before)
        });
        Ok(rows)
    }
}

fn made_at(row: &IncidentRow) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(&row.sys_created_on, "%Y-%m-%d %H:%M:%S").ok()
}
