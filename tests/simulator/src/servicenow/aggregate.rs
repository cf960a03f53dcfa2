//! Aggregate API: counts, with grouping by one or more fields.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::acl;
use super::envelope;
use super::filter::{Filter, Path};
use super::glide::Glide;
use super::identity::Who;
use super::list;
use crate::http_message::{Answer, Ask};

/// `GET /api/now/stats/{t}`; only `sysparm_count` and `sysparm_group_by` are served.
pub(super) fn answer(glide: &Glide, ask: &Ask, who: &Who, name: &str) -> Answer {
    let Some(table) = glide.table(name) else { return envelope::invalid_table(name) };
    let filter = Filter::compile(&glide.tables, table, &list::query(ask), who.user_id.as_str(), &who.user_name);
    let rows = filter
        .candidates(table)
        .filter(|row| filter.matches(&glide.tables, row) && acl::may_read(who, table, row, &glide.switches));
    let fields: Vec<(String, Path)> = ask
        .param("sysparm_group_by")
        .unwrap_or_default()
        .split(',')
        .filter_map(|field| {
            Path::resolve(&glide.tables, table, field.trim()).map(|path| (field.trim().to_owned(), path))
        })
        .collect();
    if fields.is_empty() {
        return envelope::result(200, &json!({"stats": {"count": rows.count().to_string()}}));
    }
    let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for row in rows {
        let key = fields.iter().map(|(_, path)| path.value(&glide.tables, row).to_owned()).collect();
        *groups.entry(key).or_default() += 1;
    }
    let list: Vec<Value> = groups
        .into_iter()
        .map(|(key, count)| {
            let by: Vec<Value> =
                fields.iter().zip(key).map(|((field, _), value)| json!({"field": field, "value": value})).collect();
            json!({"stats": {"count": count.to_string()}, "groupby_fields": by})
        })
        .collect();
    envelope::result(200, &Value::Array(list))
}
