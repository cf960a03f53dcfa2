//! The changes. They run on the writer's thread, inside an immediate transaction: nobody else writes meanwhile, so what
//! is read here stays true until the commit.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection as Database, ErrorCode, OptionalExtension, Params, ffi, params};
use serde::Serialize;

use super::{
    error::failure,
    forget, outbox,
    read::{connection_word, delivery_word},
    writer::Writing,
};
use crate::{
    error::{Error, ErrorKind},
    id::{CustomerId, InstanceId},
    model::{Account, AccountPolicy, Connection, Event, Instance, ProbeReport, serves_many},
    store::{
        Change, Committed, DeliveryRecord, Lease, PendingFlow, PendingRevocation, Put, Refusal, ResumePoint, Sealed,
        outbox::Due,
    },
};

pub(super) type Done<T = ()> = Result<T, Refusal>;

/// Makes the changes one after the other. The caller takes them all back when one is refused.
pub(super) fn commit(database: &Writing<'_>, changes: &[Change]) -> Done<Committed> {
    let version = database.next_version()?;
    let mut first_event = 0;
    for change in changes {
        match change {
            Change::Account(put) => put_account(database, put, version)?,
            Change::RemoveAccount { customer_id, version } => remove_account(database, customer_id, *version)?,
            Change::Instance(put) => put_instance(database, put, version)?,
            Change::Connection(put) => put_connection(database, put, version)?,
            Change::RemoveConnection { customer_id, instance_id, version } => {
                let sql = "DELETE FROM connections WHERE customer_id = ?1 AND instance_id = ?2 AND version = ?3";
                one(execute(database, sql, params![customer_id.as_str(), instance_id.as_str(), version]))?;
            }
            Change::Revocation(put) => put_revocation(database, put, version)?,
            Change::RemoveRevocation { customer_id, id } => {
                let delete = "DELETE FROM revocations WHERE customer_id = ?1 AND id = ?2";
                execute(database, delete, params![customer_id.as_str(), id]).map_err(failure)?;
            }
            Change::Flow(put) => put_flow(database, put, version)?,
            Change::RemoveFlow { customer_id, id } => {
                let delete = "DELETE FROM flows WHERE customer_id = ?1 AND id = ?2";
                execute(database, delete, params![customer_id.as_str(), id]).map_err(failure)?;
            }
            Change::Delivery(put) => {
                put_delivery(database, &put.value, put.sealed.as_ref(), put.replaces, version)?;
            }
            Change::Step { delivery_id, step } => outbox::append(database, delivery_id, step)?,
            Change::Group(put) => outbox::put_group(database, put, version)?,
            Change::CountInGroup { customer_id, key } => outbox::count_in_group(database, customer_id, key)?,
            Change::RemoveSteps { delivery_id, through } => outbox::remove(database, delivery_id, *through)?,
            Change::Policy(put) => put_policy(database, put, version)?,
            Change::RemovePolicy { customer_id, version } => {
                let sql = "DELETE FROM policies WHERE customer_id = ?1 AND version = ?2";
                one(execute(database, sql, params![customer_id.as_str(), version]))?;
            }
            Change::ResumePoint(put) => put_resume_point(database, put, version)?,
            Change::Probe(put) => put_probe(database, put, version)?,
            Change::RemoveProbe { customer_id, instance_id } => {
                let delete = "DELETE FROM probes WHERE customer_id = ?1 AND instance_id = ?2";
                execute(database, delete, params![customer_id.as_str(), instance_id.as_str()]).map_err(failure)?;
            }
            Change::RemoveDelivery { id, version, trace } => forget::delivery(database, id, *version, trace.as_ref())?,
            Change::RemoveEvents { through } => forget::events(database, *through)?,
            Change::Event(event) => {
                let number = append_event(database, event)?;
                if first_event == 0 {
                    first_event = number;
                }
            }
        }
    }
    Ok(Committed { version, first_event })
}

fn put_account(database: &Database, put: &Put<Account>, version: i64) -> Done {
    let sql = match put.replaces {
        None => "INSERT INTO accounts (customer_id, version, value, key_id, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
        Some(_) => {
            "UPDATE accounts SET version = ?2, value = ?3, key_id = ?4, sealed = ?5
             WHERE customer_id = ?1 AND version = ?6"
        }
    };
    let (key_id, sealed) = parts(put.sealed.as_ref());
    let id = put.value.customer_id.as_str();
    let value = json(&put.value)?;
    match put.replaces {
        None => one(execute(database, sql, params![id, version, value, key_id, sealed])),
        Some(old) => one(execute(database, sql, params![id, version, value, key_id, sealed, old])),
    }
}

fn remove_account(database: &Database, customer: &CustomerId, version: i64) -> Done {
    let sql = "DELETE FROM accounts WHERE customer_id = ?1 AND version = ?2";
    match execute(database, sql, params![customer.as_str(), version]) {
        Err(error) if is_constraint(&error) => Err(Refusal::InUse),
        outcome => one(outcome),
    }
}

fn put_instance(database: &Database, put: &Put<Instance>, version: i64) -> Done {
    let sql = match put.replaces {
        None => {
            "INSERT INTO instances (instance_id, version, shared, value, key_id, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        }
        Some(_) => {
            "UPDATE instances SET version = ?2, shared = ?3, value = ?4, key_id = ?5, sealed = ?6
             WHERE instance_id = ?1 AND version = ?7"
        }
    };
    let (key_id, sealed) = parts(put.sealed.as_ref());
    let id = put.value.id.as_str();
    let shared = serves_many(put.value.connector_version.as_deref());
    let value = json(&put.value)?;
    match put.replaces {
        None => one(execute(database, sql, params![id, version, shared, value, key_id, sealed])),
        Some(old) => one(execute(database, sql, params![id, version, shared, value, key_id, sealed, old])),
    }
}

fn put_connection(database: &Database, put: &Put<Connection>, version: i64) -> Done {
    let sql = match put.replaces {
        None => {
            "INSERT INTO connections (customer_id, instance_id, version, status, value, key_id, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        }
        Some(_) => {
            "UPDATE connections SET version = ?3, status = ?4, value = ?5, key_id = ?6, sealed = ?7
             WHERE customer_id = ?1 AND instance_id = ?2 AND version = ?8"
        }
    };
    let (key_id, sealed) = parts(put.sealed.as_ref());
    let (customer, instance) = (put.value.customer_id.as_str(), put.value.instance_id.as_str());
    let status = connection_word(put.value.status);
    let value = json(&put.value)?;
    let outcome = match put.replaces {
        None => execute(database, sql, params![customer, instance, version, status, value, key_id, sealed]),
        Some(old) => execute(database, sql, params![customer, instance, version, status, value, key_id, sealed, old]),
    };
    match outcome {
        Err(error) if is_constraint(&error) => Err(explain(database, put, error)),
        outcome => one(outcome),
    }
}

/// Says which constraint refused a connection, in the order in which every backend answers.
fn explain(database: &Database, put: &Put<Connection>, error: rusqlite::Error) -> Refusal {
    let why = || -> rusqlite::Result<Option<Refusal>> {
        let (customer, instance) = (put.value.customer_id.as_str(), put.value.instance_id.as_str());
        let find = |sql: &str, values: &[&str]| -> rusqlite::Result<Option<String>> {
            database.prepare_cached(sql)?.query_row(rusqlite::params_from_iter(values), |row| row.get(0)).optional()
        };
        let exists = "SELECT instance_id FROM connections WHERE customer_id = ?1 AND instance_id = ?2";
        if put.replaces.is_none() && find(exists, &[customer, instance])?.is_some() {
            return Ok(Some(Refusal::Conflict));
        }
        let account = find("SELECT customer_id FROM accounts WHERE customer_id = ?1", &[customer])?;
        let target = find("SELECT instance_id FROM instances WHERE instance_id = ?1", &[instance])?;
        if account.is_none() || target.is_none() {
            return Ok(Some(Refusal::Missing));
        }
        if let Some(redirect) = put.value.endpoint.as_ref().and_then(|endpoint| endpoint.redirect_url.as_deref())
            && let Some((by, at)) = redirect_owner(database, redirect, (customer, instance), None)?
        {
            return Ok(Some(Refusal::RedirectTaken { by, at }));
        }
        let holder = "SELECT instance_id FROM connections
                      WHERE customer_id = ?1 AND instance_id <> ?2 AND status IN ('registered', 'unauthorized')";
        if let Some(by) = find(holder, &[customer, instance])? {
            return Ok(Some(Refusal::Held { by: InstanceId(by) }));
        }
        let occupant = "SELECT customer_id FROM connections
                        WHERE customer_id <> ?1 AND instance_id = ?2 AND status IN ('registered', 'unauthorized')
                        ORDER BY customer_id LIMIT 1";
        Ok(find(occupant, &[customer, instance])?.map(|by| Refusal::Occupied { by: CustomerId(by) }))
    };
    match why() {
        Ok(Some(refusal)) => refusal,
        Ok(None) => Refusal::Failed(failure(error)),
        Err(other) => Refusal::Failed(failure(other)),
    }
}

/// Whose redirect URL it is, besides this pair's: a registration's, or at that instant a pending flow's.
fn redirect_owner(
    database: &Database,
    redirect_url: &str,
    (customer, instance): (&str, &str),
    at: Option<i64>,
) -> rusqlite::Result<Option<(CustomerId, InstanceId)>> {
    let sql = "SELECT customer_id, instance_id FROM connections
               WHERE json_extract(value, '$.endpoint.redirect_url') IS NOT NULL
                 AND json_extract(value, '$.endpoint.redirect_url') = ?1 AND (customer_id, instance_id) <> (?2, ?3)
               UNION ALL SELECT customer_id, instance_id FROM flows
               WHERE redirect_url = ?1 AND expires_at > ?4 AND (customer_id, instance_id) <> (?2, ?3) LIMIT 1";
    let mut statement = database.prepare_cached(sql)?;
    statement
        .query_row(params![redirect_url, customer, instance, at.unwrap_or(i64::MAX)], |row| {
            Ok((CustomerId(row.get(0)?), InstanceId(row.get(1)?)))
        })
        .optional()
}

fn put_flow(database: &Database, put: &Put<PendingFlow>, version: i64) -> Done {
    // What a flow is for never changes.
    let sql = match put.replaces {
        None => {
            "INSERT INTO flows (id, customer_id, instance_id, redirect_url, created_at, expires_at, version, value,
                                key_id, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        }
        Some(_) => {
            "UPDATE flows SET created_at = ?5, expires_at = ?6, version = ?7, value = ?8, key_id = ?9, sealed = ?10
             WHERE id = ?1 AND customer_id = ?2 AND instance_id = ?3 AND redirect_url = ?4 AND version = ?11"
        }
    };
    let (key_id, sealed) = parts(put.sealed.as_ref());
    let flow = &put.value;
    let (customer, instance) = (flow.customer_id.as_str(), flow.instance_id.as_str());
    let (created, expires) = (flow.created_at.timestamp_micros(), flow.expires_at.timestamp_micros());
    let value = json(flow)?;
    let columns = params![
        flow.id,
        customer,
        instance,
        flow.redirect_url,
        created,
        expires,
        version,
        value,
        key_id,
        sealed,
        put.replaces
    ];
    let outcome = match put.replaces {
        None => execute(database, sql, &columns[..10]),
        Some(_) => execute(database, sql, columns),
    };
    match outcome {
        Err(error) if is_constraint(&error) && !is_taken(&error) => {
            match redirect_owner(database, &flow.redirect_url, (customer, instance), Some(created)) {
                Ok(Some((by, at))) => Err(Refusal::RedirectTaken { by, at }),
                Ok(None) => Err(Refusal::Failed(failure(error))),
                Err(other) => Err(Refusal::Failed(failure(other))),
            }
        }
        outcome => one(outcome),
    }
}

fn put_revocation(database: &Database, put: &Put<PendingRevocation>, version: i64) -> Done {
    let sql = match put.replaces {
        None => {
            "INSERT INTO revocations (id, customer_id, created_at, version, value, key_id, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        }
        Some(_) => {
            "UPDATE revocations SET created_at = ?3, version = ?4, value = ?5, key_id = ?6, sealed = ?7
             WHERE id = ?1 AND customer_id = ?2 AND version = ?8"
        }
    };
    let (key_id, sealed) = parts(put.sealed.as_ref());
    let (id, customer) = (&put.value.id, put.value.customer_id.as_str());
    let created_at = put.value.created_at.timestamp_micros();
    let value = json(&put.value)?;
    match put.replaces {
        None => one(execute(database, sql, params![id, customer, created_at, version, value, key_id, sealed])),
        Some(old) => {
            one(execute(database, sql, params![id, customer, created_at, version, value, key_id, sealed, old]))
        }
    }
}

pub(super) fn put_delivery(
    database: &Writing<'_>,
    record: &DeliveryRecord,
    sealed: Option<&Sealed>,
    replaces: Option<i64>,
    version: i64,
) -> Done {
    let (key_id, sealed) = parts(sealed);
    let delivery = &record.delivery;
    let (id, customer) = (delivery.id.as_str(), delivery.customer_id.as_str());
    let (source, alert) = (&delivery.alert.source, &delivery.alert.id);
    let status = delivery_word(delivery.status);
    let value = json(record)?;
    let may_have_steps = replaces.is_some() && record.claimed_until.is_none() && record.waits_for_steps();
    let has_steps = may_have_steps && outbox::has_steps(database, &delivery.id)?;
    let (ready, due_at) = match record.due(has_steps) {
        Due::Never => (false, None),
        Due::Now => (true, None),
        Due::At(at) => (false, Some(at.timestamp_micros())),
    };
    let rank = record.rank();
    let instance = delivery.instance_id.as_ref().map_or("", InstanceId::as_str);
    let held = record.claimed_until.is_some();
    // OR FAIL: the way back is the transaction's, so SQLite need keep none for the statement.
    match replaces {
        None => {
            let sql = "INSERT OR FAIL INTO deliveries
                       (id, customer_id, source, alert_id, version, status, value, key_id, sealed, ready, due_at, rank,
                        instance_id)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
            let values = params![
                id, customer, source, alert, version, status, value, key_id, sealed, ready, due_at, rank, instance
            ];
            one(execute(database, sql, values))?;
        }
        Some(old) => {
            // Whose delivery it is, and of which alert, never changes.
            let sql = "SELECT rowid, instance_id, status, ready, due_at, rank FROM deliveries
                       WHERE id = ?1 AND customer_id = ?2 AND source = ?3 AND alert_id = ?4 AND version = ?5";
            let before = |row: &rusqlite::Row<'_>| {
                let turn: (bool, Option<i64>, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, turn))
            };
            let mut statement = database.prepare_cached(sql).map_err(failure)?;
            let found = statement.query_row(params![id, customer, source, alert, old], before).optional();
            let Some((rowid, place, word, turn)) = found.map_err(failure)? else { return Err(Refusal::Conflict) };
            let (rowid, place, word): (i64, String, String) = (rowid, place, word);
            let columns = params![rowid, version, status, value, key_id, sealed, instance, ready, due_at, rank, held];
            // A holder that goes on keeps its claim. Where its turn stays as it is, SQLite need not move it in its indexes.
            one(if held && turn == (ready, due_at, rank) {
                let sql =
                    "UPDATE OR FAIL deliveries SET version = ?2, status = ?3, value = ?4, key_id = ?5, sealed = ?6,
                           instance_id = ?7 WHERE rowid = ?1";
                execute(database, sql, &columns[..7])
            } else {
                let sql =
                    "UPDATE OR FAIL deliveries SET version = ?2, status = ?3, value = ?4, key_id = ?5, sealed = ?6,
                           instance_id = ?7, ready = ?8, due_at = ?9, rank = ?10, owner = CASE WHEN ?11 THEN owner END
                           WHERE rowid = ?1";
                execute(database, sql, columns)
            })?;
            database.count(customer, &place, &word, -1);
        }
    }
    database.count(customer, instance, status, 1);
    Ok(())
}

fn put_policy(database: &Database, put: &Put<AccountPolicy>, version: i64) -> Done {
    let sql = match put.replaces {
        None => "INSERT INTO policies (customer_id, version, value) VALUES (?1, ?2, ?3)",
        Some(_) => "UPDATE policies SET version = ?2, value = ?3 WHERE customer_id = ?1 AND version = ?4",
    };
    let (id, value) = (put.value.customer_id.as_str(), json(&put.value)?);
    owned(match put.replaces {
        None => execute(database, sql, params![id, version, value]),
        Some(old) => execute(database, sql, params![id, version, value, old]),
    })
}

fn put_resume_point(database: &Database, put: &Put<ResumePoint>, version: i64) -> Done {
    let sql = match put.replaces {
        None => "INSERT INTO resume_points (customer_id, source, version, value) VALUES (?1, ?2, ?3, ?4)",
        Some(_) => {
            "UPDATE resume_points SET version = ?3, value = ?4 WHERE customer_id = ?1 AND source = ?2 AND version = ?5"
        }
    };
    let (id, source, value) = (put.value.customer_id.as_str(), &put.value.source, json(&put.value)?);
    owned(match put.replaces {
        None => execute(database, sql, params![id, source, version, value]),
        Some(old) => execute(database, sql, params![id, source, version, value, old]),
    })
}

fn put_probe(database: &Database, put: &Put<ProbeReport>, version: i64) -> Done {
    let sql = match put.replaces {
        None => "INSERT INTO probes (customer_id, instance_id, version, value) VALUES (?1, ?2, ?3, ?4)",
        Some(_) => {
            "UPDATE probes SET version = ?3, value = ?4 WHERE customer_id = ?1 AND instance_id = ?2 AND version = ?5"
        }
    };
    let (customer, instance) = (put.value.customer_id.as_str(), put.value.instance_id.as_str());
    let value = json(&put.value)?;
    owned(match put.replaces {
        None => execute(database, sql, params![customer, instance, version, value]),
        Some(old) => execute(database, sql, params![customer, instance, version, value, old]),
    })
}

/// As [`one`], for rows whose only reference is their owner, an account or a connection.
fn owned(outcome: rusqlite::Result<usize>) -> Done {
    match outcome {
        Err(error) if is_constraint(&error) && !is_taken(&error) => Err(Refusal::Missing),
        outcome => one(outcome),
    }
}

pub(super) fn append_event(database: &Database, event: &Event) -> Done<i64> {
    let sql = "INSERT OR FAIL INTO events (customer_id, value) VALUES (?1, ?2)";
    let customer = event.customer_id.as_ref().map(CustomerId::as_str);
    execute(database, sql, params![customer, json(event)?]).map_err(failure)?;
    Ok(database.last_insert_rowid())
}

/// See [`Store::acquire`](crate::store::Store::acquire).
pub(super) fn acquire(
    database: &Database,
    name: &str,
    owner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Done<Option<Lease>> {
    let sql = "SELECT owner, fence, until FROM leases WHERE name = ?1";
    let mut statement = database.prepare_cached(sql).map_err(failure)?;
    let held: Option<(Option<String>, i64, String)> =
        statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional().map_err(failure)?;
    let fence = match held {
        None => 1,
        Some((Some(holder), fence, _)) if holder == owner => fence,
        Some((Some(_), _, ends)) if instant(&ends)? > now => return Ok(None),
        Some((_, fence, _)) => fence + 1,
    };
    let sql = "INSERT INTO leases (name, owner, fence, until) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (name) DO UPDATE SET owner = ?2, fence = ?3, until = ?4";
    let ends = until.to_rfc3339_opts(SecondsFormat::Nanos, true);
    execute(database, sql, params![name, owner, fence, ends]).map_err(failure)?;
    Ok(Some(Lease { name: name.to_owned(), owner: owner.to_owned(), fence, until }))
}

/// See [`Store::release`](crate::store::Store::release).
pub(super) fn release(database: &Database, lease: &Lease) -> Done {
    let sql = "UPDATE leases SET owner = NULL WHERE name = ?1 AND owner = ?2 AND fence = ?3";
    execute(database, sql, params![lease.name, lease.owner, lease.fence]).map_err(failure)?;
    Ok(())
}

fn instant(text: &str) -> Done<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text);
    Ok(parsed
        .map_err(|error| Error::new(ErrorKind::Store, "A lease in the database cannot be read.").because(error))?
        .with_timezone(&Utc))
}

pub(super) fn execute(database: &Database, sql: &str, values: impl Params) -> rusqlite::Result<usize> {
    database.prepare_cached(sql)?.execute(values)
}

/// Exactly one row was written; anything else means that the row is not as the caller saw it.
pub(super) fn one(outcome: rusqlite::Result<usize>) -> Done {
    match outcome {
        Ok(1) => Ok(()),
        Ok(_) => Err(Refusal::Conflict),
        Err(error) if is_taken(&error) => Err(Refusal::Conflict),
        Err(error) => Err(Refusal::Failed(failure(error))),
    }
}

/// A key that must not exist yet exists.
fn is_taken(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|inner| inner.extended_code);
    matches!(code, Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE))
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

pub(super) fn json(value: &impl Serialize) -> Done<String> {
    Ok(serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "A record cannot be written as JSON.").because(error))?)
}

fn parts(sealed: Option<&Sealed>) -> (Option<&str>, Option<&[u8]>) {
    (sealed.map(Sealed::key_id), sealed.map(Sealed::bytes))
}
