//! URLs of tables, made once for as long as a token lives: making one costs a good part of what a request costs.

use std::sync::{PoisonError, RwLock};

use url::Url;

use super::{below, query::is_name};
use crate::error::{Error, Result};

/// Most URLs that are kept; a program that asks for more does not repeat itself.
const MOST: usize = 32;

/// The URLs that an access has been used for.
#[derive(Debug, Default)]
pub(crate) struct Targets(RwLock<Vec<Target>>);

#[derive(Debug)]
struct Target {
    table: String,
    fields: Vec<String>,
    url: Url,
}

impl Targets {
    /// The records of a table, with these fields; none means all.
    ///
    /// # Errors
    /// `invalid_input` for a name that is none.
    pub(super) fn table(&self, base: &Url, table: &str, fields: &[&str]) -> Result<Url> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = known.iter().find(|target| target.table == table && target.fields == fields) {
            return Ok(target.url.clone());
        }
        drop(known);
        let mut url = below(base, &["api", "now", "table", name(table)?])?;
        add_fields(&mut url, fields)?;
        let fields = fields.iter().map(|&field| field.to_owned()).collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.push(Target { table: table.to_owned(), fields, url: url.clone() });
        Ok(url)
    }
}

/// Adds the fields that are asked for, and what every question says.
pub(super) fn add_fields(url: &mut Url, fields: &[&str]) -> Result<()> {
    if let Some(field) = fields.iter().find(|field| !is_name(field)) {
        return Err(Error::invalid(format!("{} is not a field name.", crate::transport::clean(field, 40))));
    }
    let mut pairs = url.query_pairs_mut();
    if !fields.is_empty() {
        pairs.append_pair("sysparm_fields", &fields.join(","));
    }
    // Without this, reference fields are objects with links in place of plain ids.
    pairs.append_pair("sysparm_exclude_reference_link", "true");
    Ok(())
}

/// The name of a table, checked.
pub(super) fn name(table: &str) -> Result<&str> {
    if is_name(table) && !table.contains('.') {
        Ok(table)
    } else {
        Err(Error::invalid(format!("{} is not a table name.", crate::transport::clean(table, 40))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_url_is_that_of_its_table_and_fields_and_of_no_other() {
        let base = Url::parse("https://dev1.service-now.com").unwrap();
        let targets = Targets::default();
        for _ in 0..2 {
            for (table, fields, rest) in [
                ("incident", &[][..], "incident?"),
                ("incident", &["sys_id"], "incident?sysparm_fields=sys_id&"),
                ("incident", &["sys_id", "number"], "incident?sysparm_fields=sys_id%2Cnumber&"),
                ("sys_user", &["sys_id"], "sys_user?sysparm_fields=sys_id&"),
            ] {
                let url = targets.table(&base, table, fields).unwrap();
                let whole = format!("{base}api/now/table/{rest}sysparm_exclude_reference_link=true");
                assert_eq!(url.as_str(), whole);
            }
            assert_eq!(targets.0.read().unwrap().len(), 4);
        }
    }

    #[test]
    fn names_that_are_none_are_refused_and_the_number_of_urls_is_bounded() {
        let base = Url::parse("https://dev1.service-now.com").unwrap();
        let targets = Targets::default();
        for (table, field) in [("in/cident", "a"), ("task.incident", "a"), ("incident", "a,b"), ("incident", "a&b=c")] {
            assert!(targets.table(&base, table, &[field]).is_err(), "{table} {field}");
        }
        for n in 0..10 * MOST {
            targets.table(&base, &format!("table{n}"), &[]).unwrap();
        }
        assert!(targets.0.read().unwrap().len() <= MOST);
    }
}
