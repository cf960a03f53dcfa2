use std::fmt;

use crate::{
    error::{Error, Result},
    model::{Condition, Operator},
};

/// An encoded query, built and never concatenated (T10): field names have a strict alphabet, values are
/// escaped (`^` becomes `^^`), and what cannot be escaped is refused.
///
/// ```
/// # use itsm_adapter::Query;
/// let query = Query::new().equals("correlation_id", "a^b")?.order_by("sys_id")?;
/// assert_eq!(query.to_string(), "correlation_id=a^^b^ORDERBYsys_id");
/// # Ok::<(), itsm_adapter::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    conditions: String,
    /// Kept apart: a walk adds conditions of its own, and has an order of its own.
    order: String,
}

impl Query {
    /// A query without conditions: all records.
    pub fn new() -> Self {
        Self::default()
    }

    /// All of these conditions.
    ///
    /// # Errors
    /// As [`Query::equals`].
    pub fn of(conditions: &[Condition]) -> Result<Self> {
        conditions.iter().try_fold(Self::new(), |query, condition| {
            let Condition { field, operator, value } = condition;
            match operator {
                Operator::Equals => query.equals(field, value),
                Operator::NotEquals => query.not_equals(field, value),
                Operator::Greater => query.greater(field, value),
                Operator::StartsWith => query.starts_with(field, value),
                Operator::OneOf => query.one_of(field, &value.split(',').collect::<Vec<_>>()),
            }
        })
    }

    /// Field equals value. The strongest condition: query rules of the instance may forbid the others.
    ///
    /// # Errors
    /// `invalid_input` for a field name outside `a-z 0-9 _ .`, or a value with control characters or a script.
    pub fn equals(self, field: &str, value: &str) -> Result<Self> {
        self.condition(field, "=", value)
    }

    /// Or, in place of the condition before, field equals value.
    pub(crate) fn or_equals(self, field: &str, value: &str) -> Result<Self> {
        let joined = self.conditions.len() + "^".len();
        let mut query = self.equals(field, value)?;
        query.conditions.insert_str(joined, "OR");
        Ok(query)
    }

    /// Field differs from value.
    ///
    /// # Errors
    /// As [`Query::equals`].
    pub fn not_equals(self, field: &str, value: &str) -> Result<Self> {
        self.condition(field, "!=", value)
    }

    /// Field is greater than value, as text or number as the column has it.
    ///
    /// # Errors
    /// As [`Query::equals`]; also for a value that begins with `=`, which would become part of the operator.
    pub fn greater(self, field: &str, value: &str) -> Result<Self> {
        if value.trim_start().starts_with('=') {
            return Err(Error::invalid(format!("The value that {} is greater than begins with =.", shown(field))));
        }
        self.condition(field, ">", value)
    }

    /// Field begins with value.
    ///
    /// # Errors
    /// As [`Query::equals`].
    pub fn starts_with(self, field: &str, value: &str) -> Result<Self> {
        self.condition(field, "STARTSWITH", value)
    }

    /// Field is one of the values.
    ///
    /// # Errors
    /// As [`Query::equals`]; also for no values at all, and for a value with a comma, which the operator cannot carry.
    pub fn one_of(self, field: &str, values: &[&str]) -> Result<Self> {
        if values.iter().all(|value| value.is_empty()) {
            // Instances would take it for a question after empty fields.
            return Err(Error::invalid(format!("A list condition on {} has no values.", shown(field))));
        }
        if values.iter().any(|value| value.contains(',')) {
            return Err(Error::invalid("A value of a list condition holds a comma."));
        }
        if values.iter().any(|value| is_script(value)) {
            return Err(unfit(field));
        }
        self.condition(field, "IN", &values.join(","))
    }

    /// Ascending order. Walks over pages have an order of their own, that of `sys_id`, and refuse any other.
    ///
    /// # Errors
    /// As [`Query::equals`].
    pub fn order_by(mut self, field: &str) -> Result<Self> {
        add(&mut self.order, "ORDERBY", field)?;
        Ok(self)
    }

    /// The records after this key, in the order of `sys_id`: one step of a walk.
    pub(crate) fn walk(self, after: Option<&str>) -> Result<Self> {
        let order = Self::new().order_by("sys_id")?.order;
        if !self.order.is_empty() && self.order != order {
            return Err(Error::invalid("A walk over records is in the order of sys_id: the query may have no other.")
                .remedy("Leave the order out, and sort the records once they are read."));
        }
        let query = match after {
            None => self,
            Some(last) if is_key(last) => self.greater("sys_id", last)?,
            Some(last) => {
                return Err(Error::invalid(format!("{} is no key of a record to go on after.", shown(last)))
                    .remedy("Give what the page before said to be next."));
            }
        };
        Ok(Self { order, ..query })
    }

    /// Those of a walk's records that come from this key on.
    pub(super) fn begin_at(self, first: &str) -> Result<Self> {
        self.condition("sys_id", ">=", first)
    }

    fn condition(mut self, field: &str, operator: &str, value: &str) -> Result<Self> {
        if is_script(value) || value.chars().any(char::is_control) {
            return Err(unfit(field));
        }
        add(&mut self.conditions, "", field)?;
        self.conditions.push_str(operator);
        self.conditions.push_str(&value.replace('^', "^^"));
        Ok(self)
    }

    /// The record of whoever is signed in: the one script the code itself may send.
    pub(super) fn current_user() -> Self {
        Self { conditions: "sys_id=javascript:gs.getUserID()".to_owned(), order: String::new() }
    }
}

/// Begins another part with this field.
fn add(parts: &mut String, keyword: &str, field: &str) -> Result<()> {
    if !is_name(field) {
        return Err(Error::invalid(format!("{} is not a field name.", shown(field))));
    }
    if !parts.is_empty() {
        parts.push('^');
    }
    parts.push_str(keyword);
    parts.push_str(field);
    Ok(())
}

/// The query as it goes onto the wire, before percent-encoding.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conditions, order } = self;
        let between = if conditions.is_empty() || order.is_empty() { "" } else { "^" };
        write!(f, "{conditions}{between}{order}")
    }
}

/// Names of tables and fields: lower-case letters, digits, `_`, and dots for dot-walking.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && !text.starts_with('.')
        && !text.ends_with('.')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.')
}

/// Nearly all are 32 hexadecimal digits, but some of the platform's own records are called by a word.
fn is_key(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_script(value: &str) -> bool {
    value.trim_start().get(..11).is_some_and(|start| start.eq_ignore_ascii_case("javascript:"))
}

fn unfit(field: &str) -> Error {
    Error::invalid(format!("The value for {} holds a script or control characters.", shown(field)))
}

fn shown(field: &str) -> String {
    crate::transport::clean(field, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_condition() {
        for value in ["a^b", "x^NQactive=true", "^ORDERBYnumber", "a^^b"] {
            let query = Query::new().equals("correlation_id", value).map(|q| q.to_string()).unwrap_or_default();
            let inside = query.strip_prefix("correlation_id=").unwrap_or_default().replace("^^", "");
            assert!(!inside.contains('^'), "{value} became {query}");
        }
    }

    #[test]
    fn an_alternative_stands_beside_the_condition_before_it() {
        let query = Query::new().equals("a", "1").and_then(|query| query.or_equals("a", "2^ORb=3"));
        assert_eq!(query.map(|query| query.to_string()).unwrap_or_default(), "a=1^ORa=2^^ORb=3");
    }

    #[test]
    fn the_order_stands_behind_all_conditions_and_a_walk_takes_none_but_its_own() {
        let by = |field| Query::new().equals("a", "1").and_then(|query| query.order_by(field));
        let text = |query: Result<Query>| query.map(|query| query.to_string()).unwrap_or_default();
        assert_eq!(text(by("number").and_then(|query| query.equals("b", "2"))), "a=1^b=2^ORDERBYnumber");
        assert_eq!(text(Query::new().order_by("a")), "ORDERBYa");
        assert_eq!(text(by("sys_id").and_then(|query| query.walk(Some("7")))), "a=1^sys_id>7^ORDERBYsys_id");
        assert_eq!(text(Query::new().walk(None)), "ORDERBYsys_id");
        assert!(by("number").and_then(|query| query.walk(None)).is_err());
        assert!(by("sys_id").and_then(|query| query.order_by("number")?.walk(None)).is_err());
    }

    #[test]
    fn scripts_and_control_characters_are_refused() {
        for value in ["javascript:gs.getUserID()", "  JavaScript:x", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
            assert!(Query::new().equals("name", value).is_err(), "{value:?}");
        }
        assert!(Query::new().equals("name", "about javascript: the language").is_ok());
    }

    #[test]
    fn field_names_come_from_a_strict_alphabet() {
        for field in ["", "a^b", "a=b", "Name", "a b", ".a", "a.", "a\n"] {
            assert!(Query::new().equals(field, "x").is_err(), "{field:?}");
            assert!(Query::new().order_by(field).is_err(), "{field:?}");
        }
        assert!(Query::new().equals("role.name", "itil").is_ok());
    }

    #[test]
    fn a_list_value_cannot_add_another() {
        assert!(Query::new().one_of("sys_id", &["a,b"]).is_err());
        assert!(Query::new().one_of("sys_id", &["a", " javascript:x"]).is_err());
    }

    #[test]
    fn a_value_cannot_change_its_operator() {
        for value in ["=5", " =5", "="] {
            assert!(Query::new().greater("impact", value).is_err(), "{value:?}");
        }
        assert!(Query::new().greater("impact", "5=").is_ok());
        for values in [&[][..], &[""], &["", ""]] {
            assert!(Query::new().one_of("sys_id", values).is_err(), "{values:?}");
        }
        assert!(Query::new().one_of("assigned_to", &["", "a"]).is_ok());
    }

    #[test]
    fn a_walk_goes_on_after_the_key_of_a_record_only() {
        for after in ["", "=0", "0^active=true", "a b", "javascript:x", &"0".repeat(33)] {
            assert!(Query::new().walk(Some(after)).is_err(), "{after:?}");
        }
        for after in ["0123456789abcdef0123456789abcdef", "ABCDEF0123456789ABCDEF0123456789", "global"] {
            assert!(Query::new().walk(Some(after)).is_ok(), "{after:?}");
        }
    }
}
