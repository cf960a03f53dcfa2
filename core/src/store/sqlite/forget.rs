//! Removing what nobody needs any more.

use chrono::{DateTime, Utc};
use rusqlite::{Connection as Database, OptionalExtension, params};

use super::{
    error::failure,
    read::{each, value},
    write::{Done, execute},
    writer::Writing,
};
use crate::{
    error::Result,
    id::{CustomerId, DeliveryId},
    store::{DeliveryGroup, Refusal, Trace},
};

/// Groups of this account that this delivery is the parent of.
pub(super) const GROUPS: &str =
    "SELECT value FROM delivery_groups WHERE customer_id = ?1 AND json_extract(value, '$.parent') = ?2";

/// See [`Change::RemoveDelivery`](crate::store::Change::RemoveDelivery).
pub(super) fn delivery(database: &Writing<'_>, id: &DeliveryId, version: i64, trace: Option<&Trace>) -> Done {
    let sql = "DELETE FROM deliveries
               WHERE id = ?1 AND version = ?2 AND status NOT IN ('pending', 'unknown') AND owner IS NULL
                 AND NOT EXISTS (SELECT 1 FROM delivery_steps WHERE delivery_id = ?1)
               RETURNING customer_id, instance_id, status";
    let mut statement = database.prepare_cached(sql).map_err(failure)?;
    let place: Option<(String, String, String)> = statement
        .query_row(params![id.as_str(), version], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .map_err(failure)?;
    let Some((customer, instance, status)) = place else { return Err(Refusal::Conflict) };
    database.count(&customer, &instance, &status, -1);
    let sql = "DELETE FROM delivery_groups WHERE customer_id = ?1 AND json_extract(value, '$.parent') = ?2";
    execute(database, sql, params![customer, id.as_str()]).map_err(failure)?;
    if let Some(trace) = trace {
        let sql = "INSERT INTO delivery_traces (key, generation, number) VALUES (?1, ?2, ?3)
                   ON CONFLICT (key) DO UPDATE SET generation = ?2, number = ?3";
        execute(database, sql, params![trace.key, trace.generation, trace.number]).map_err(failure)?;
    }
    Ok(())
}

/// See [`Change::RemoveEvents`](crate::store::Change::RemoveEvents).
pub(super) fn events(database: &Database, through: i64) -> Done {
    execute(database, "DELETE FROM events WHERE sequence <= ?1", [through]).map_err(failure)?;
    Ok(())
}

/// See [`Store::trace`](crate::store::Store::trace).
pub(super) fn trace(database: &Database, key: &str) -> Result<Option<Trace>> {
    let sql = "SELECT key, generation, number FROM delivery_traces WHERE key = ?1";
    let trace = |row: &rusqlite::Row<'_>| Ok(Trace { key: row.get(0)?, generation: row.get(1)?, number: row.get(2)? });
    Ok(each(database, sql, [key], |row| trace(row).map_err(failure))?.pop())
}

/// See [`Store::has_open_group`](crate::store::Store::has_open_group).
pub(super) fn has_open_group(
    database: &Database,
    customer: &CustomerId,
    parent: &DeliveryId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let until = |row: &rusqlite::Row<'_>| Ok(value::<DeliveryGroup>(row)?.until);
    let ends = each(database, GROUPS, params![customer.as_str(), parent.as_str()], until)?;
    Ok(ends.into_iter().any(|until| until > now))
}
