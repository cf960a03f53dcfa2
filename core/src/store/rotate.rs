//! Rotation: a new key seals from now on, and everything that is stored is sealed again with it.
//!
//! Every step may be the last one of a process: the new key is durable before anything is sealed with it, each
//! row is replaced by compare-and-set, and old keys are forgotten only when no row names them. Running it again
//! finishes what was begun.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::{Binding, Change, ConnectionFilter, KeyRing, Put, Refusal, Row, Sealed, Store};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{Account, Connection, RotationReport},
    secret::Secret,
    store::PendingRevocation,
};

/// Rows read, and rows sealed again, at a time.
const PAGE: u32 = 64;
/// A row that changes this often while it is sealed again is left for the next run.
const ATTEMPTS: usize = 100;

/// Where a sealed value is.
enum Place {
    Account(CustomerId),
    Connection(CustomerId, InstanceId),
    Revocation(CustomerId, String),
    Flow(CustomerId, String),
}

/// Rotates. Without a new key a random one is made where this process keeps the keys (a key file, the memory
/// store); keys that were given by the caller stay as they are, and what is sealed with another than the
/// current one is sealed again.
///
/// The key that was current until now is kept for opening until the next rotation: another process may have
/// sealed with it a moment ago and not have stored the result yet.
///
/// # Errors
/// `sealed` when a row does not open (the others are done nevertheless), `store` when the store fails. What
/// was not done is done by the next run.
pub(crate) async fn rotate(store: &dyn Store, ring: &KeyRing, new_key: Option<Secret>) -> Result<RotationReport> {
    let spent = ring.advance(new_key.as_ref())?;
    let key_id = ring.current_key_id();
    let (places, _) = survey(store, &key_id).await?;
    let mut outcomes = stream::iter(places).map(|place| reseal(store, ring, place)).buffer_unordered(PAGE as usize);
    let mut resealed: i64 = 0;
    let mut failure = None;
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(true) => resealed += 1,
            Ok(false) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let (_, used) = survey(store, &key_id).await?;
    let unused: Vec<String> = spent.into_iter().filter(|id| !used.contains(id)).collect();
    let forgotten = if unused.is_empty() { 0 } else { ring.forget(&unused)? };
    Ok(RotationReport { resealed, key_id, forgotten: i64::try_from(forgotten).unwrap_or(i64::MAX) })
}

/// Finds what is sealed with another key than this one, and which keys are in use at all.
async fn survey(store: &dyn Store, key_id: &str) -> Result<(Vec<Place>, BTreeSet<String>)> {
    let mut old = Vec::new();
    let mut used = BTreeSet::new();
    let mut look = |sealed: Option<&Sealed>| {
        sealed.is_some_and(|sealed| {
            used.insert(sealed.key_id().to_owned());
            sealed.key_id() != key_id
        })
    };
    let mut after: Option<String> = None;
    loop {
        let rows = store.accounts(after.as_deref(), PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.value.customer_id.as_str().to_owned());
        let found = rows.into_iter().filter(|row| look(row.sealed.as_ref()));
        old.extend(found.map(|row| Place::Account(row.value.customer_id)));
    }
    let mut after: Option<(String, String)> = None;
    loop {
        let last = after.as_ref().map(|(customer, instance)| (customer.as_str(), instance.as_str()));
        let rows = store.connections(&ConnectionFilter::default(), last, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.value.customer_id.as_str().to_owned(), last.value.instance_id.as_str().to_owned()));
        let found = rows.into_iter().filter(|row| look(row.sealed.as_ref()));
        old.extend(found.map(|row| Place::Connection(row.value.customer_id, row.value.instance_id)));
    }
    let rows = store.revocations(None, u32::MAX).await?;
    let found = rows.into_iter().filter(|row| look(row.sealed.as_ref()));
    old.extend(found.map(|row| Place::Revocation(row.value.customer_id, row.value.id)));
    let rows = store.flows(u32::MAX).await?;
    let found = rows.into_iter().filter(|row| look(row.sealed.as_ref()));
    old.extend(found.map(|row| Place::Flow(row.value.customer_id, row.value.id)));
    Ok((old, used))
}

/// Seals one row again; false when there was nothing left to do.
async fn reseal(store: &dyn Store, ring: &KeyRing, place: Place) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let change = match &place {
            Place::Account(customer) => {
                let row: Option<Row<Account>> = store.account(customer).await?;
                renew(ring, row, Binding::account(customer))?.map(Change::Account)
            }
            Place::Connection(customer, instance) => {
                let row: Option<Row<Connection>> = store.connection(customer, instance).await?;
                renew(ring, row, Binding::connection(customer, instance))?.map(Change::Connection)
            }
            Place::Revocation(customer, id) => {
                let rows: Vec<Row<PendingRevocation>> = store.revocations(Some(customer), u32::MAX).await?;
                let row = rows.into_iter().find(|row| row.value.id == *id);
                renew(ring, row, Binding::revocation(customer, id))?.map(Change::Revocation)
            }
            Place::Flow(customer, id) => {
                renew(ring, store.flow(id).await?, Binding::flow(customer, id))?.map(Change::Flow)
            }
        };
        let Some(change) = change else { return Ok(false) };
        match store.commit(vec![change]).await {
            Ok(_) => return Ok(true),
            // Somebody changed the row meanwhile: look again.
            Err(Refusal::Conflict) => {}
            Err(Refusal::Failed(error)) => return Err(error),
            Err(other) => {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!("The store refused to seal a row again: {other:?}."),
                ));
            }
        }
    }
    Err(Error::new(ErrorKind::Store, "A row changed too often to be sealed again.").remedy("Run the rotation again."))
}

/// The row sealed with the current key; none when it is gone, holds no secret, or is sealed with it already.
fn renew<T>(ring: &KeyRing, row: Option<Row<T>>, binding: Binding<'_>) -> Result<Option<Put<T>>> {
    let Some(Row { value, sealed: Some(sealed), version }) = row else { return Ok(None) };
    if sealed.key_id() == ring.current_key_id() {
        return Ok(None);
    }
    let plain = ring.open(&sealed, binding)?;
    let sealed = ring.seal(&plain, binding)?;
    Ok(Some(Put { value, sealed: Some(sealed), replaces: Some(version) }))
}

#[cfg(test)]
mod tests;
