//! The questions, one statement each. Values are bound; only words of this file enter the text of a statement.
//! Ids are never empty, so the empty text stands for "from the beginning".

use rusqlite::{Connection as Database, Params, params, params_from_iter, types::Value};
use serde::de::DeserializeOwned;

use super::error::failure;
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, DeliveryId, InstanceId},
    model::{Account, AccountPolicy, Connection, ConnectionStatus, DeliveryStatus, Event, Instance, ProbeReport},
    store::{
        ConnectionFilter, DeliveryFilter, DeliveryRecord, PendingFlow, PendingRevocation, ResumePoint, Row, Sealed,
    },
};

pub(super) fn account(database: &Database, id: &CustomerId) -> Result<Option<Row<Account>>> {
    let sql = "SELECT value, version, key_id, sealed FROM accounts WHERE customer_id = ?1";
    first(database, sql, params![id.as_str()])
}

pub(super) fn accounts(database: &Database, after: Option<&str>, limit: u32) -> Result<Vec<Row<Account>>> {
    let sql = "SELECT value, version, key_id, sealed FROM accounts
               WHERE customer_id > ?1 ORDER BY customer_id LIMIT ?2";
    list(database, sql, params![after.unwrap_or_default(), limit])
}

pub(super) fn instance(database: &Database, id: &InstanceId) -> Result<Option<Row<Instance>>> {
    let sql = "SELECT value, version, key_id, sealed FROM instances WHERE instance_id = ?1";
    first(database, sql, params![id.as_str()])
}

pub(super) fn instances(database: &Database, after: Option<&str>, limit: u32) -> Result<Vec<Row<Instance>>> {
    let sql = "SELECT value, version, key_id, sealed FROM instances
               WHERE instance_id > ?1 ORDER BY instance_id LIMIT ?2";
    list(database, sql, params![after.unwrap_or_default(), limit])
}

pub(super) fn connection(
    database: &Database,
    customer: &CustomerId,
    instance: &InstanceId,
) -> Result<Option<Row<Connection>>> {
    let sql = "SELECT value, version, key_id, sealed FROM connections WHERE customer_id = ?1 AND instance_id = ?2";
    first(database, sql, params![customer.as_str(), instance.as_str()])
}

pub(super) fn connections(
    database: &Database,
    filter: &ConnectionFilter,
    after: Option<&(String, String)>,
    limit: u32,
) -> Result<Vec<Row<Connection>>> {
    let mut sql = String::from("SELECT value, version, key_id, sealed FROM connections WHERE TRUE");
    let mut values: Vec<Value> = Vec::new();
    if let Some(id) = &filter.customer_id {
        sql.push_str(" AND customer_id = ?");
        values.push(id.as_str().to_owned().into());
    }
    if let Some(id) = &filter.instance_id {
        sql.push_str(" AND instance_id = ?");
        values.push(id.as_str().to_owned().into());
    }
    if !filter.statuses.is_empty() {
        let words: Vec<_> = filter.statuses.iter().map(|status| format!("'{}'", connection_word(*status))).collect();
        sql.push_str(" AND status IN (");
        sql.push_str(&words.join(", "));
        sql.push(')');
    }
    if let Some((customer, instance)) = after {
        sql.push_str(" AND (customer_id, instance_id) > (?, ?)");
        values.extend([customer.clone().into(), instance.clone().into()]);
    }
    sql.push_str(" ORDER BY customer_id, instance_id LIMIT ?");
    values.push(i64::from(limit).into());
    list(database, &sql, params_from_iter(values))
}

pub(super) fn revocations(
    database: &Database,
    customer: Option<&CustomerId>,
    limit: u32,
) -> Result<Vec<Row<PendingRevocation>>> {
    let Some(id) = customer else {
        let sql = "SELECT value, version, key_id, sealed FROM revocations ORDER BY created_at, id LIMIT ?1";
        return list(database, sql, params![limit]);
    };
    let sql = "SELECT value, version, key_id, sealed FROM revocations
               WHERE customer_id = ?1 ORDER BY created_at, id LIMIT ?2";
    list(database, sql, params![id.as_str(), limit])
}

pub(super) fn flow(database: &Database, id: &str) -> Result<Option<Row<PendingFlow>>> {
    first(database, "SELECT value, version, key_id, sealed FROM flows WHERE id = ?1", params![id])
}

pub(super) fn flows(database: &Database, limit: u32) -> Result<Vec<Row<PendingFlow>>> {
    let sql = "SELECT value, version, key_id, sealed FROM flows ORDER BY expires_at, id LIMIT ?1";
    list(database, sql, params![limit])
}

pub(super) fn delivery(database: &Database, id: &DeliveryId) -> Result<Option<Row<DeliveryRecord>>> {
    let sql = "SELECT value, version, key_id, sealed FROM deliveries WHERE id = ?1";
    first(database, sql, params![id.as_str()])
}

pub(super) fn delivery_of(
    database: &Database,
    customer: &CustomerId,
    source: &str,
    alert: &str,
) -> Result<Option<Row<DeliveryRecord>>> {
    let sql = "SELECT value, version, key_id, sealed FROM deliveries
               WHERE customer_id = ?1 AND source = ?2 AND alert_id = ?3";
    first(database, sql, params![customer.as_str(), source, alert])
}

pub(super) fn deliveries(
    database: &Database,
    filter: &DeliveryFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Row<DeliveryRecord>>> {
    let (sql, customer) = deliveries_statement(filter);
    let mut values: Vec<Value> = vec![after.unwrap_or_default().to_owned().into(), i64::from(limit).into()];
    values.extend(customer.map(|id| Value::from(id.as_str().to_owned())));
    list(database, &sql, params_from_iter(values))
}

/// The statement for a filter: ?1 is the last id seen, ?2 the limit, ?3 the account if there is one.
pub(super) fn deliveries_statement(filter: &DeliveryFilter) -> (String, Option<&CustomerId>) {
    let mut part = String::from("SELECT value, version, key_id, sealed, id FROM deliveries WHERE id > ?1");
    if filter.customer_id.is_some() {
        part.push_str(" AND customer_id = ?3");
    }
    let mut words: Vec<_> = filter.statuses.iter().map(|status| delivery_word(*status)).collect();
    words.sort_unstable();
    words.dedup();
    // One part per status: SQLite merges them in the order of the index, and stops at the limit, instead of
    // reading and sorting all that waits.
    let mut sql = match words.as_slice() {
        [] => part,
        words => {
            words.iter().map(|word| format!("{part} AND status = '{word}'")).collect::<Vec<_>>().join(" UNION ALL ")
        }
    };
    sql.push_str(" ORDER BY id LIMIT ?2");
    (sql, filter.customer_id.as_ref())
}

pub(super) fn policy(database: &Database, id: &CustomerId) -> Result<Option<Row<AccountPolicy>>> {
    let sql = "SELECT value, version, NULL, NULL FROM policies WHERE customer_id = ?1";
    first(database, sql, params![id.as_str()])
}

pub(super) fn resume_point(database: &Database, id: &CustomerId, source: &str) -> Result<Option<Row<ResumePoint>>> {
    let sql = "SELECT value, version, NULL, NULL FROM resume_points WHERE customer_id = ?1 AND source = ?2";
    first(database, sql, params![id.as_str(), source])
}

pub(super) fn probe(
    database: &Database,
    customer: &CustomerId,
    instance: &InstanceId,
) -> Result<Option<Row<ProbeReport>>> {
    let sql = "SELECT value, version, NULL, NULL FROM probes WHERE customer_id = ?1 AND instance_id = ?2";
    first(database, sql, params![customer.as_str(), instance.as_str()])
}

pub(super) fn events(database: &Database, customer: Option<&CustomerId>, after: i64, limit: u32) -> Result<Vec<Event>> {
    let Some(id) = customer else {
        let sql = "SELECT value, sequence FROM events WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
        return each(database, sql, params![after, limit], event);
    };
    let sql = "SELECT value, sequence FROM events
               WHERE customer_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    each(database, sql, params![id.as_str(), after, limit], event)
}

fn first<T: DeserializeOwned>(database: &Database, sql: &str, values: impl Params) -> Result<Option<Row<T>>> {
    Ok(list(database, sql, values)?.pop())
}

pub(super) fn list<T: DeserializeOwned>(database: &Database, sql: &str, values: impl Params) -> Result<Vec<Row<T>>> {
    each(database, sql, values, row)
}

pub(super) fn each<T>(
    database: &Database,
    sql: &str,
    values: impl Params,
    decode: impl Fn(&rusqlite::Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = database.prepare_cached(sql).map_err(failure)?;
    let mut rows = statement.query(values).map_err(failure)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(failure)? {
        out.push(decode(row)?);
    }
    Ok(out)
}

/// Columns: value, version, key id, sealed.
pub(super) fn row<T: DeserializeOwned>(row: &rusqlite::Row<'_>) -> Result<Row<T>> {
    let key_id: Option<String> = row.get(2).map_err(failure)?;
    let sealed: Option<Vec<u8>> = row.get(3).map_err(failure)?;
    Ok(Row {
        value: value(row)?,
        sealed: key_id.zip(sealed).map(|(key_id, bytes)| Sealed::from_parts(key_id, bytes)),
        version: row.get(1).map_err(failure)?,
    })
}

/// Columns: value, sequence.
fn event(row: &rusqlite::Row<'_>) -> Result<Event> {
    let mut event: Event = value(row)?;
    event.sequence = row.get(1).map_err(failure)?;
    Ok(event)
}

pub(super) fn value<T: DeserializeOwned>(row: &rusqlite::Row<'_>) -> Result<T> {
    let text = row.get_ref(0).map_err(failure)?.as_str().map_err(|error| unreadable().because(error))?;
    serde_json::from_str(text).map_err(|error| unreadable().because(error))
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Store, "A row of the database cannot be understood.")
        .remedy("It was written by a newer version of this library, or is damaged: update, or restore a backup.")
}

/// The word in the column, the same as in the value.
pub(super) const fn connection_word(status: ConnectionStatus) -> &'static str {
    match status {
        ConnectionStatus::Unregistered => "unregistered",
        ConnectionStatus::Registered => "registered",
        ConnectionStatus::Unauthorized => "unauthorized",
    }
}

/// The word in the column, the same as in the value.
pub(super) const fn delivery_word(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Unknown => "unknown",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Dead => "dead",
        DeliveryStatus::Ignored => "ignored",
        DeliveryStatus::Grouped => "grouped",
    }
}

/// The status that a word means.
pub(super) fn delivery_status(word: &str) -> Result<DeliveryStatus> {
    use DeliveryStatus::{Dead, Delivered, Grouped, Ignored, Pending, Unknown};
    let all = [Pending, Unknown, Delivered, Dead, Ignored, Grouped];
    all.into_iter().find(|status| delivery_word(*status) == word).ok_or_else(unreadable)
}
