//! A table: rows by id, and indexes on the columns that are looked up by equality.

use std::collections::{BTreeMap, HashMap};

use super::record::{Row, SysId, Text};
use super::schema::{SYS_ID, Schema};

/// Columns that get an index wherever they exist.
const INDEXED: [&str; 8] =
    ["correlation_id", "number", "user_name", "client_id", "user", "element_id", "parent_incident", "name"];

/// Rows and their indexes.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    pub(crate) rows: BTreeMap<SysId, Row>,
    indexes: Vec<(u16, HashMap<Text, Vec<SysId>>)>,
}

impl Table {
    pub(crate) fn new(name: &str, columns: &str) -> Self {
        let schema = Schema::parse(columns);
        let indexes = INDEXED.iter().filter_map(|column| schema.find(column)).map(|at| (at, HashMap::new())).collect();
        Self { name: name.to_owned(), schema, rows: BTreeMap::new(), indexes }
    }

    /// Value of a column by name; empty when there is no such column.
    pub(crate) fn value<'a>(&self, row: &'a Row, column: &str) -> &'a str {
        self.schema.find(column).map_or("", |at| row.get(at))
    }

    /// Sets a column by name; a column the table lacks is ignored.
    pub(crate) fn put(&self, row: &mut Row, column: &str, value: impl Into<Text>) {
        if let Some(at) = self.schema.find(column) {
            row.set(at, value);
        }
    }

    /// Value of column `at`, the id included.
    pub(crate) fn cell(row: &Row, at: u16) -> &str {
        if at == SYS_ID { row.id.as_str() } else { row.get(at) }
    }

    /// Inserts or replaces a row.
    pub(crate) fn insert(&mut self, row: Row) {
        self.remove(row.id);
        for (column, index) in &mut self.indexes {
            let value = row.get(*column);
            if !value.is_empty() {
                index.entry(Text::Owned(value.to_owned())).or_default().push(row.id);
            }
        }
        self.rows.insert(row.id, row);
    }

    pub(crate) fn remove(&mut self, id: SysId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        for (column, index) in &mut self.indexes {
            let value = row.get(*column);
            if let Some(ids) = index.get_mut(value) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    index.remove(value);
                }
            }
        }
        Some(row)
    }

    /// Changes a row and keeps the indexes right.
    pub(crate) fn change(&mut self, id: SysId, with: impl FnOnce(&Schema, &mut Row)) -> bool {
        let Some(mut row) = self.remove(id) else { return false };
        with(&self.schema, &mut row);
        self.insert(row);
        true
    }

    /// Ids of the rows whose indexed column has this value; `None` when the column has no index.
    pub(crate) fn indexed(&self, column: u16, value: &str) -> Option<&[SysId]> {
        if value.is_empty() {
            return None;
        }
        let (_, index) = self.indexes.iter().find(|(at, _)| *at == column)?;
        Some(index.get(value).map_or(&[], Vec::as_slice))
    }

    /// The first row whose column has this value.
    pub(crate) fn find(&self, column: &str, value: &str) -> Option<&Row> {
        let at = self.schema.find(column)?;
        match self.indexed(at, value) {
            Some(ids) => ids.first().and_then(|id| self.rows.get(id)),
            None => self.rows.values().find(|row| row.get(at) == value),
        }
    }

    /// Every value of a row by column name; secrets are left out.
    pub(crate) fn plain(&self, row: &Row) -> BTreeMap<String, String> {
        self.schema
            .columns()
            .iter()
            .zip(0_u16..)
            .filter(|(column, _)| column.kind != super::schema::Kind::Secret)
            .map(|(column, at)| (column.name.to_string(), Self::cell(row, at).to_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_follows_every_change() {
        let mut table = Table::new("t", "number correlation_id");
        let column = table.schema.find("correlation_id").unwrap();
        let ids: Vec<SysId> = ["0", "1", "2"].iter().map(|sign| SysId::parse(&sign.repeat(32)).unwrap()).collect();
        for id in &ids {
            let mut row = Row::new(*id);
            table.put(&mut row, "correlation_id", "same");
            table.insert(row);
        }
        assert_eq!(table.indexed(column, "same"), Some(ids.as_slice()));
        assert!(table.change(ids[1], |_, row| row.set(column, "other")));
        table.remove(ids[0]);
        assert_eq!(table.indexed(column, "same"), Some(&ids[2..]));
        assert_eq!(table.indexed(column, "other"), Some(&ids[1..2]));
        assert_eq!(table.indexed(column, "none"), Some(&[][..]));
        assert_eq!(table.indexed(column, ""), None, "the empty value is not indexed");
    }
}
