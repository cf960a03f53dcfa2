//! The outbox: claiming, giving back, counting. Statements touch the front of an index, never all that waits.

use std::{borrow::Cow, collections::HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection as Database, OptionalExtension, params};

use super::{
    busy,
    error::failure,
    forget,
    read::{self, each},
    write::{Done, append_event, execute, json, one, put_delivery},
    writer::Writing,
};
use crate::{
    error::Result,
    id::{CustomerId, DeliveryId},
    model::Delivery,
    store::{
        Arrival, Arrived, Claim, Claimed, Committed, DeliveryGroup, DeliveryRecord, DeliveryStep, Put, Row, Wanted,
        outbox::{PROMOTED, STEPS},
    },
};

/// Makes ready what has become due.
pub(super) const PROMOTE: &str = "UPDATE deliveries SET ready = 1, due_at = NULL, owner = NULL WHERE id IN
    (SELECT id FROM deliveries WHERE customer_id = ?1 AND due_at IS NOT NULL AND due_at <= ?2 ORDER BY due_at LIMIT ?3)";
/// The front of what is ready.
pub(super) const READY: &str =
    "SELECT rank, id, rowid FROM deliveries WHERE customer_id = ?1 AND ready = 1 ORDER BY rank, id LIMIT ?2";
/// When the next becomes ready.
pub(super) const NEXT: &str =
    "SELECT due_at FROM deliveries WHERE customer_id = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";

/// See [`Store::accept`](crate::store::Store::accept). Runs on the writer.
pub(super) fn accept(database: &Writing<'_>, arrivals: &[Arrival]) -> Done<Vec<Arrived>> {
    arrivals.iter().map(|arrival| accept_one(database, arrival)).collect()
}

fn accept_one(database: &Writing<'_>, Arrival { key, trace, record, event }: &Arrival) -> Done<Arrived> {
    let Delivery { customer_id, alert, .. } = &*record.delivery;
    if let Some(row) = read::delivery_of(database, customer_id, &alert.source, &alert.id)? {
        let last_step = last_step(database, &row.value.delivery.id)?.map(Box::new);
        return Ok(Arrived::Known { row: Box::new(row), last_step });
    }
    let exists = "SELECT EXISTS (SELECT 1 FROM accounts WHERE customer_id = ?1)";
    if !is(database, exists, customer_id.as_str())? {
        return Ok(Arrived::NoAccount);
    }
    if let Some(present) = forget::trace(database, key)?.filter(|present| trace.as_ref() != Some(present)) {
        return Ok(Arrived::Traced(present));
    }
    let version = database.next_version()?;
    put_delivery(database, record, None, None, version)?;
    Ok(Arrived::New(Committed { version, first_event: append_event(database, event)? }))
}

/// See [`Store::claim`](crate::store::Store::claim). Runs on the writer.
pub(super) fn claim(database: &Writing<'_>, claim: &Claim) -> Done<Vec<Claimed>> {
    let now = claim.now.timestamp_micros();
    let places = match &claim.wanted {
        Wanted::One(id) => {
            let sql = "SELECT 0, id, rowid FROM deliveries WHERE id = ?1 AND (owner IS NULL OR due_at <= ?2)";
            each(database, sql, params![id.as_str(), now], place)?
        }
        Wanted::Ready { customers, limit } => ready(database, customers, *limit, now)?,
    };
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let version = database.next_version()?;
    let take = "UPDATE OR FAIL deliveries SET version = ?2, ready = 0, due_at = ?3, owner = ?4 WHERE rowid = ?1";
    let taken = "SELECT value, version, key_id, sealed FROM deliveries WHERE rowid = ?1";
    let until = claim.until.timestamp_micros();
    let mut claimed = Vec::with_capacity(places.len());
    for (_, id, rowid) in places {
        execute(database, take, params![rowid, version, until, claim.owner]).map_err(failure)?;
        let rows: Vec<Result<Row<DeliveryRecord>>> = each(database, taken, [rowid], |found| Ok(read::row(found)))?;
        for row in rows {
            let mut row = match row {
                Ok(row) => row,
                // The others go on; this one is taken again when the claim is over.
                Err(error) => {
                    tracing::error!(%id, %error, "a delivery cannot be read");
                    continue;
                }
            };
            row.value.claimed_until = Some(claim.until);
            let steps = if row.value.waits_for_steps() { steps(database, &row.value.delivery.id)? } else { Vec::new() };
            claimed.push(Claimed { row, steps });
        }
    }
    Ok(claimed)
}

/// Rank, id and row of a delivery.
type Place = (i64, String, i64);

/// Accounts of which each is asked for by itself; with more, those come first that have something to do.
const FEW: usize = 16;

/// What comes first. Only an index is read, however many accounts there are and however much waits.
fn ready(database: &Database, customers: &[CustomerId], limit: u32, now: i64) -> Done<Vec<Place>> {
    let mut places = Vec::new();
    for customer in &*with_work(database, customers, now)? {
        execute(database, PROMOTE, params![customer.as_str(), now, PROMOTED]).map_err(failure)?;
        places.extend(each(database, READY, params![customer.as_str(), limit], place)?);
    }
    if customers.len() > 1 {
        places.sort_unstable();
        places.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(places)
}

/// Those of these accounts that have something ready, or due by then; with few of them, all.
fn with_work<'a>(database: &Database, customers: &'a [CustomerId], by: i64) -> Result<Cow<'a, [CustomerId]>> {
    if customers.len() <= FEW {
        return Ok(Cow::Borrowed(customers));
    }
    let wanted: HashSet<_> = customers.iter().collect();
    Ok(busy::busy(database, by)?.into_iter().filter(|customer| wanted.contains(customer)).collect())
}

/// Columns: rank, id, rowid.
fn place(row: &rusqlite::Row<'_>) -> Result<Place> {
    Ok((row.get(0).map_err(failure)?, row.get(1).map_err(failure)?, row.get(2).map_err(failure)?))
}

pub(super) fn steps(database: &Database, id: &DeliveryId) -> Result<Vec<DeliveryStep>> {
    let sql = "SELECT value, number FROM delivery_steps WHERE delivery_id = ?1 ORDER BY number LIMIT ?2";
    each(database, sql, params![id.as_str(), STEPS], step)
}

/// Columns: value, number.
fn step(row: &rusqlite::Row<'_>) -> Result<DeliveryStep> {
    let mut step: DeliveryStep = read::value(row)?;
    step.number = row.get(1).map_err(failure)?;
    Ok(step)
}

pub(super) fn last_step(database: &Database, id: &DeliveryId) -> Result<Option<DeliveryStep>> {
    let sql = "SELECT value, number FROM delivery_steps WHERE delivery_id = ?1 ORDER BY number DESC LIMIT 1";
    Ok(each(database, sql, params![id.as_str()], step)?.pop())
}

pub(super) fn append(database: &Database, id: &DeliveryId, step: &DeliveryStep) -> Done {
    let sql = "INSERT INTO delivery_steps (delivery_id, value)
               SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM deliveries WHERE id = ?1)";
    one(execute(database, sql, params![id.as_str(), json(step)?]))?;
    // Whoever holds the delivery sees the step when the claim ends.
    let sql = "UPDATE deliveries SET ready = 1
               WHERE id = ?1 AND status IN ('delivered', 'ignored', 'grouped') AND ready = 0 AND due_at IS NULL";
    execute(database, sql, params![id.as_str()]).map_err(failure)?;
    Ok(())
}

pub(super) fn remove(database: &Database, id: &DeliveryId, through: i64) -> Done {
    let sql = "DELETE FROM delivery_steps WHERE delivery_id = ?1 AND number <= ?2";
    execute(database, sql, params![id.as_str(), through]).map_err(failure)?;
    Ok(())
}

pub(super) fn has_steps(database: &Database, id: &DeliveryId) -> Done<bool> {
    is(database, "SELECT EXISTS (SELECT 1 FROM delivery_steps WHERE delivery_id = ?1)", id.as_str())
}

/// The answer to a question about one id.
fn is(database: &Database, sql: &str, id: &str) -> Done<bool> {
    let mut statement = database.prepare_cached(sql).map_err(failure)?;
    Ok(statement.query_row([id], |row| row.get(0)).map_err(failure)?)
}

pub(super) fn put_group(database: &Database, put: &Put<DeliveryGroup>, version: i64) -> Done {
    let (customer, key) = (put.value.customer_id.as_str(), &put.value.key);
    let value = json(&put.value)?;
    match put.replaces {
        None => {
            let sql =
                "INSERT INTO delivery_groups (customer_id, key, version, value, count) VALUES (?1, ?2, ?3, ?4, 1)";
            one(execute(database, sql, params![customer, key, version, value]))
        }
        Some(old) => {
            // Another parent begins to count anew.
            let sql = "UPDATE delivery_groups SET version = ?3, value = ?4,
                       count = CASE WHEN json_extract(value, '$.parent') = ?5 THEN count ELSE 1 END
                       WHERE customer_id = ?1 AND key = ?2 AND version = ?6";
            one(execute(database, sql, params![customer, key, version, value, put.value.parent.as_str(), old]))
        }
    }
}

pub(super) fn count_in_group(database: &Database, customer: &CustomerId, key: &str) -> Done {
    let sql = "UPDATE delivery_groups SET count = count + 1 WHERE customer_id = ?1 AND key = ?2";
    one(execute(database, sql, params![customer.as_str(), key]))
}

pub(super) fn group(
    database: &Database,
    customer: &CustomerId,
    key: &str,
) -> Result<Option<(Row<DeliveryGroup>, i64)>> {
    let sql = "SELECT value, version, count FROM delivery_groups WHERE customer_id = ?1 AND key = ?2";
    let row = |row: &rusqlite::Row<'_>| {
        let version = row.get(1).map_err(failure)?;
        Ok((Row { value: read::value(row)?, sealed: None, version }, row.get(2).map_err(failure)?))
    };
    Ok(each(database, sql, params![customer.as_str(), key], row)?.pop())
}

/// See [`Store::give_back`](crate::store::Store::give_back).
pub(super) fn give_back(database: &Database, id: &DeliveryId, owner: &str) -> Done {
    let sql = "UPDATE deliveries SET owner = NULL, ready = 1, due_at = NULL WHERE id = ?1 AND owner = ?2";
    execute(database, sql, params![id.as_str(), owner]).map_err(failure)?;
    Ok(())
}

/// See [`Store::due`](crate::store::Store::due).
pub(super) fn due(database: &Database, customers: &[CustomerId], now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let customers = with_work(database, customers, i64::MAX)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE customer_id = ?1 AND ready = 1)";
    let mut statement = database.prepare_cached(sql).map_err(failure)?;
    for customer in &*customers {
        if statement.query_row([customer.as_str()], |row| row.get(0)).map_err(failure)? {
            return Ok(Some(now));
        }
    }
    let mut statement = database.prepare_cached(NEXT).map_err(failure)?;
    let mut first: Option<i64> = None;
    for customer in &*customers {
        let at: Option<i64> = statement.query_row([customer.as_str()], |row| row.get(0)).optional().map_err(failure)?;
        first = first.into_iter().chain(at).min();
    }
    Ok(first.and_then(DateTime::from_timestamp_micros))
}
