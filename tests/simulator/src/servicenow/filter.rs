//! Applying a query to the rows of a table.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::query::{Operator, Query};
use super::record::{Row, SysId};
use super::schema::{Kind, SYS_ID};
use super::table::Table;

/// Tables by name.
pub(crate) type Tables = BTreeMap<String, Table>;

/// A field, walked through references: the column in the table itself, then table and column of each hop.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) first: u16,
    hops: Vec<(String, u16)>,
    pub(crate) kind: Kind,
}

impl Path {
    /// Resolves `user.user_name` and the like; `None` when a part does not exist.
    pub(crate) fn resolve(tables: &Tables, table: &Table, name: &str) -> Option<Self> {
        let mut parts = name.split('.');
        let first = table.schema.find(parts.next()?)?;
        let mut kind = table.schema.column(first)?.kind.clone();
        let mut hops = Vec::new();
        for part in parts {
            let Kind::Reference(target) = &kind else { return None };
            let target = target.clone();
            let schema = &tables.get(&target)?.schema;
            let at = schema.find(part)?;
            kind = schema.column(at)?.kind.clone();
            hops.push((target, at));
        }
        Some(Self { first, hops, kind })
    }

    /// The value the path leads to; empty when a reference leads nowhere.
    pub(crate) fn value<'a>(&self, tables: &'a Tables, row: &'a Row) -> &'a str {
        let mut value = Table::cell(row, self.first);
        for (table, at) in &self.hops {
            let next = tables.get(table).and_then(|table| SysId::parse(value).and_then(|id| table.rows.get(&id)));
            match next {
                Some(row) => value = Table::cell(row, *at),
                None => return "",
            }
        }
        value
    }

    /// Whether this is a plain column of the table.
    pub(crate) fn is_plain(&self) -> bool {
        self.hops.is_empty()
    }
}

#[derive(Debug)]
struct Check {
    path: Path,
    operator: Operator,
    value: String,
    list: Vec<String>,
}

/// A query ready to run.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    alternatives: Vec<Vec<Vec<Check>>>,
    order: Vec<(Path, bool)>,
    /// Fields or operators the table does not know.
    pub(crate) unknown: Vec<String>,
    /// Fields used with a range operator or for sorting.
    pub(crate) ranged: Vec<String>,
}

impl Filter {
    /// Resolves names and `javascript:` values. Conditions that cannot be resolved are dropped and reported in `unknown`.
    pub(crate) fn compile(tables: &Tables, table: &Table, query: &Query, user_id: &str, user_name: &str) -> Self {
        let mut filter = Self::default();
        for group in &query.alternatives {
            let mut eithers = Vec::new();
            for either in group {
                let mut checks = Vec::new();
                for condition in either {
                    let path = Path::resolve(tables, table, &condition.field);
                    let (Some(path), Some(operator)) = (path, condition.operator) else {
                        filter.unknown.push(condition.field.clone());
                        continue;
                    };
                    if operator.is_range() {
                        filter.ranged.push(condition.field.clone());
                    }
                    let value = script(&condition.value, user_id, user_name);
                    let list = if matches!(operator, Operator::In | Operator::NotIn) {
                        value.split(',').map(|item| item.trim().to_owned()).collect()
                    } else {
                        Vec::new()
                    };
                    checks.push(Check { path, operator, value, list });
                }
                if !checks.is_empty() {
                    eithers.push(checks);
                }
            }
            filter.alternatives.push(eithers);
        }
        for (field, descends) in &query.order {
            match Path::resolve(tables, table, field) {
                Some(path) => {
                    filter.ranged.push(field.clone());
                    filter.order.push((path, *descends));
                }
                None => filter.unknown.push(field.clone()),
            }
        }
        filter
    }

    /// Whether a row fits.
    pub(crate) fn matches(&self, tables: &Tables, row: &Row) -> bool {
        self.alternatives
            .iter()
            .any(|group| group.iter().all(|either| either.iter().any(|check| check.holds(tables, row))))
    }

    /// Whether rows already come out of the table in the order asked for.
    pub(crate) fn is_id_order(&self) -> bool {
        matches!(self.order.as_slice(), [(path, false), ..] if path.first == SYS_ID && path.is_plain())
    }

    pub(crate) fn has_order(&self) -> bool {
        !self.order.is_empty()
    }

    /// The rows that can match at all, found as cheaply as the query allows, in the order of their ids.
    pub(crate) fn candidates<'a>(&self, table: &'a Table) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        if let [group] = self.alternatives.as_slice() {
            let mut start = Bound::Unbounded;
            for check in
                group.iter().filter_map(|either| if let [only] = either.as_slice() { Some(only) } else { None })
            {
                if !check.path.is_plain() {
                    continue;
                }
                let column = check.path.first;
                match check.operator {
                    Operator::Equals if column == SYS_ID => return pick(table, std::slice::from_ref(&check.value)),
                    Operator::In if column == SYS_ID => return pick(table, &check.list),
                    Operator::Equals => {
                        if let Some(ids) = table.indexed(column, &check.value) {
                            let mut ids = ids.to_vec();
                            ids.sort_unstable();
                            return Box::new(ids.into_iter().filter_map(|id| table.rows.get(&id)));
                        }
                    }
                    Operator::Greater if column == SYS_ID => start = Bound::Excluded(SysId::bound(&check.value)),
                    Operator::GreaterOrEqual if column == SYS_ID => start = Bound::Included(SysId::bound(&check.value)),
                    _ => {}
                }
            }
            return Box::new(table.rows.range((start, Bound::Unbounded)).map(|(_, row)| row));
        }
        Box::new(table.rows.values())
    }

    /// Sorts rows as the query asks.
    pub(crate) fn sort(&self, tables: &Tables, rows: &mut [&Row]) {
        rows.sort_by(|one, other| {
            for (path, descends) in &self.order {
                let (a, b) = (path.value(tables, one), path.value(tables, other));
                let order = compare(&path.kind, a, b);
                let order = if *descends { order.reverse() } else { order };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
    }
}

fn pick<'a>(table: &'a Table, ids: &[String]) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
    let mut ids: Vec<SysId> = ids.iter().filter_map(|id| SysId::parse(id)).collect();
    ids.sort_unstable();
    ids.dedup();
    Box::new(ids.into_iter().filter_map(|id| table.rows.get(&id)))
}

/// The two scripts every integration uses; any other one evaluates to nothing.
fn script(value: &str, user_id: &str, user_name: &str) -> String {
    match value.strip_prefix("javascript:") {
        None => value.to_owned(),
        Some(text) => match text.trim().trim_end_matches(';') {
            "gs.getUserID()" => user_id.to_owned(),
            "gs.getUserName()" => user_name.to_owned(),
            _ => String::new(),
        },
    }
}

fn compare(kind: &Kind, a: &str, b: &str) -> Ordering {
    if *kind == Kind::Integer
        && let (Ok(a), Ok(b)) = (a.parse::<i64>(), b.parse::<i64>())
    {
        return a.cmp(&b);
    }
    a.cmp(b)
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

impl Check {
    fn holds(&self, tables: &Tables, row: &Row) -> bool {
        // What cannot be read cannot be guessed by asking for it either.
        let value = if self.path.kind == Kind::Secret { "" } else { self.path.value(tables, row) };
        let wanted = self.value.as_str();
        match self.operator {
            Operator::Equals => self.equals(value, wanted),
            Operator::NotEquals => !self.equals(value, wanted),
            Operator::In => self.list.iter().any(|item| self.equals(value, item)),
            Operator::NotIn => !self.list.iter().any(|item| self.equals(value, item)),
            Operator::Contains => contains(value, wanted),
            Operator::NotContains => !contains(value, wanted),
            Operator::StartsWith => value.to_lowercase().starts_with(&wanted.to_lowercase()),
            Operator::EndsWith => value.to_lowercase().ends_with(&wanted.to_lowercase()),
            Operator::Greater => compare(&self.path.kind, value, wanted) == Ordering::Greater,
            Operator::GreaterOrEqual => compare(&self.path.kind, value, wanted) != Ordering::Less,
            Operator::Less => compare(&self.path.kind, value, wanted) == Ordering::Less,
            Operator::LessOrEqual => compare(&self.path.kind, value, wanted) != Ordering::Greater,
            Operator::IsEmpty => value.is_empty(),
            Operator::IsNotEmpty => !value.is_empty(),
            Operator::Anything => true,
        }
    }

    fn equals(&self, value: &str, wanted: &str) -> bool {
        if self.path.kind == Kind::Boolean {
            let is_true = |text: &str| matches!(text, "true" | "1");
            return is_true(value) == is_true(wanted);
        }
        value == wanted
    }
}
