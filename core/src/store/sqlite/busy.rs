//! Which accounts have something to do. Skips from account to account in the two partial indexes of the outbox, so
//! that it costs what there are accounts with work, not what waits.

use rusqlite::{Connection as Database, params};

use super::{error::failure, read::each};
use crate::{error::Result, id::CustomerId};

const SQL: &str = "
WITH RECURSIVE
  ready(customer) AS (
    SELECT min(customer_id) FROM deliveries WHERE ready = 1
    UNION ALL
    SELECT (SELECT min(customer_id) FROM deliveries WHERE ready = 1 AND customer_id > customer)
    FROM ready WHERE customer IS NOT NULL
  ),
  scheduled(customer) AS (
    SELECT min(customer_id) FROM deliveries WHERE due_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(customer_id) FROM deliveries WHERE due_at IS NOT NULL AND customer_id > customer)
    FROM scheduled WHERE customer IS NOT NULL
  )
SELECT customer FROM ready WHERE customer IS NOT NULL
UNION
SELECT customer FROM scheduled WHERE customer IS NOT NULL
  AND EXISTS (SELECT 1 FROM deliveries WHERE customer_id = customer AND due_at IS NOT NULL AND due_at <= ?1)";

/// See [`Store::busy`](crate::store::Store::busy). `by`: in microseconds since 1970.
pub(super) fn busy(database: &Database, by: i64) -> Result<Vec<CustomerId>> {
    each(database, SQL, params![by], |row| Ok(CustomerId(row.get(0).map_err(failure)?)))
}
