//! Versions that no row had before. A connection takes a block of them at a time, so that hardly any commit has to write
//! the counter; what is left of a block when the connection closes is never given.

use rusqlite::Connection as Database;

use super::error::failure;
use crate::error::Result;

/// Small in tests, so that blocks end everywhere.
const BLOCK: i64 = if cfg!(test) { 3 } else { 1024 };

/// What a connection may give. A block that was taken in a transaction is there only when that is committed.
#[derive(Clone, Copy, Default)]
pub(super) struct Versions {
    /// The one that was given last.
    last: i64,
    /// The last one of the block.
    end: i64,
}

impl Versions {
    pub(super) fn take(&mut self, database: &Database) -> Result<i64> {
        if self.last == self.end {
            let sql = "UPDATE counter SET version = version + ?1 WHERE id = 1 RETURNING version";
            let mut statement = database.prepare_cached(sql).map_err(failure)?;
            let end: i64 = statement.query_row([BLOCK], |row| row.get(0)).map_err(failure)?;
            *self = Self { last: end - BLOCK, end };
        }
        self.last += 1;
        Ok(self.last)
    }
}
