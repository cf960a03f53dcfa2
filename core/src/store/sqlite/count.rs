//! How many deliveries stand where. Every change is noted here and written once, at the end of the transaction, so that
//! nobody ever counts a million rows.

use std::collections::BTreeMap;

use rusqlite::{Connection as Database, params};

use super::{
    error::failure,
    read::{delivery_status, each},
    write::execute,
};
use crate::{
    error::Result,
    id::{CustomerId, InstanceId},
    store::DeliveryCount,
};

/// What a transaction changes: by account, instance (empty: none yet) and status.
#[derive(Clone, Default)]
pub(super) struct Counts(BTreeMap<(String, String, String), i64>);

impl Counts {
    pub(super) fn add(&mut self, customer: &str, instance: &str, status: &str, by: i64) {
        *self.0.entry((customer.to_owned(), instance.to_owned(), status.to_owned())).or_default() += by;
    }

    pub(super) fn write(&self, database: &Database) -> Result<()> {
        let sql = "INSERT INTO delivery_counts VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (customer_id, instance_id, status) DO UPDATE SET count = count + ?4";
        for ((customer, instance, status), by) in self.0.iter().filter(|(_, by)| **by != 0) {
            execute(database, sql, params![customer, instance, status, by]).map_err(failure)?;
        }
        Ok(())
    }
}

/// See [`Store::counts`](crate::store::Store::counts).
pub(super) fn counts(database: &Database, customer: Option<&CustomerId>) -> Result<Vec<DeliveryCount>> {
    let sql = "SELECT customer_id, instance_id, status, count FROM delivery_counts
               WHERE count > 0 AND (?1 IS NULL OR customer_id = ?1) ORDER BY customer_id, instance_id, status";
    each(database, sql, params![customer.map(CustomerId::as_str)], |row| {
        let instance: String = row.get(1).map_err(failure)?;
        let word: String = row.get(2).map_err(failure)?;
        Ok(DeliveryCount {
            customer_id: CustomerId(row.get(0).map_err(failure)?),
            instance_id: (!instance.is_empty()).then_some(InstanceId(instance)),
            status: delivery_status(&word)?,
            count: row.get(3).map_err(failure)?,
        })
    })
}
