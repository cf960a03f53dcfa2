//! Encoded queries: text to conditions.

/// An operator of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    NotEquals,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
    In,
    NotIn,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    IsEmpty,
    IsNotEmpty,
    Anything,
}

impl Operator {
    /// Whether a query rule would call it a range operation.
    pub(crate) fn is_range(self) -> bool {
        matches!(
            self,
            Self::Contains
                | Self::NotContains
                | Self::StartsWith
                | Self::EndsWith
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::Less
                | Self::LessOrEqual
        )
    }
}

/// Words, longest first where one begins with another.
const OPERATORS: [(&str, Operator); 19] = [
    ("ISNOTEMPTY", Operator::IsNotEmpty),
    ("ISEMPTY", Operator::IsEmpty),
    ("STARTSWITH", Operator::StartsWith),
    ("ENDSWITH", Operator::EndsWith),
    ("NOT LIKE", Operator::NotContains),
    ("NOTLIKE", Operator::NotContains),
    ("LIKE", Operator::Contains),
    ("CONTAINS", Operator::Contains),
    ("DOES NOT CONTAIN", Operator::NotContains),
    ("NOT IN", Operator::NotIn),
    ("NOTIN", Operator::NotIn),
    ("IN", Operator::In),
    ("ANYTHING", Operator::Anything),
    ("!=", Operator::NotEquals),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equals),
];

/// `field operator value`; `operator` is absent when the word is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) operator: Option<Operator>,
    pub(crate) value: String,
}

/// Conditions of which one must hold.
pub(crate) type Either = Vec<Condition>;

/// A parsed query: one of `alternatives` (parted by `^NQ`) must hold, each a list of [`Either`] that must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) alternatives: Vec<Vec<Either>>,
    /// Field and whether it descends.
    pub(crate) order: Vec<(String, bool)>,
}

impl Query {
    /// Reads an encoded query; `^^` stands for a caret inside a value.
    pub(crate) fn parse(text: &str) -> Self {
        let mut query = Self { alternatives: vec![Vec::new()], order: Vec::new() };
        for (n, term) in split(text).into_iter().enumerate() {
            if term.is_empty() || term == "EQ" {
                continue;
            }
            if let Some(field) = term.strip_prefix("ORDERBYDESC") {
                query.order.push((field.to_owned(), true));
            } else if let Some(field) = term.strip_prefix("ORDERBY") {
                query.order.push((field.to_owned(), false));
            } else if let Some(rest) = term.strip_prefix("NQ").filter(|_| n > 0) {
                query.alternatives.push(vec![vec![condition(rest)]]);
            } else if let Some(rest) = term.strip_prefix("OR").filter(|_| n > 0) {
                query.last_either().push(condition(rest));
            } else if let Some(group) = query.alternatives.last_mut() {
                group.push(vec![condition(&term)]);
            }
        }
        query
    }

    fn last_either(&mut self) -> &mut Either {
        if self.alternatives.is_empty() {
            self.alternatives.push(Vec::new());
        }
        let last = self.alternatives.len() - 1;
        let group = &mut self.alternatives[last];
        if group.is_empty() {
            group.push(Vec::new());
        }
        let last = group.len() - 1;
        &mut group[last]
    }
}

/// Parts at single carets; a doubled caret is one caret of the value.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign != '^' {
            if let Some(term) = terms.last_mut() {
                term.push(sign);
            }
        } else if signs.peek() == Some(&'^') {
            signs.next();
            if let Some(term) = terms.last_mut() {
                term.push('^');
            }
        } else {
            terms.push(String::new());
        }
    }
    terms
}

fn condition(term: &str) -> Condition {
    let end = term
        .find(|sign: char| !(sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_' || sign == '.'))
        .unwrap_or(term.len());
    let (field, rest) = term.split_at(end);
    let rest_trimmed = rest.trim_start();
    let found = OPERATORS.iter().find(|(word, _)| rest_trimmed.starts_with(word));
    match found {
        Some((word, operator)) => Condition {
            field: field.to_owned(),
            operator: Some(*operator),
            value: rest_trimmed[word.len()..].to_owned(),
        },
        None => Condition { field: field.to_owned(), operator: None, value: rest.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(field: &str, operator: Operator, value: &str) -> Condition {
        Condition { field: field.into(), operator: Some(operator), value: value.into() }
    }

    #[test]
    fn and_or_and_new_query_group_as_documented() {
        let query = Query::parse("a=1^b=2^ORc=3^NQd!=4^ORDERBYDESCa^ORDERBYb");
        assert_eq!(
            query.alternatives,
            vec![
                vec![
                    vec![one("a", Operator::Equals, "1")],
                    vec![one("b", Operator::Equals, "2"), one("c", Operator::Equals, "3")]
                ],
                vec![vec![one("d", Operator::NotEquals, "4")]],
            ]
        );
        assert_eq!(query.order, vec![("a".to_owned(), true), ("b".to_owned(), false)]);
    }

    #[test]
    fn a_doubled_caret_is_part_of_the_value() {
        let query = Query::parse("correlation_id=a^^NQb^active=true");
        assert_eq!(
            query.alternatives,
            vec![vec![
                vec![one("correlation_id", Operator::Equals, "a^NQb")],
                vec![one("active", Operator::Equals, "true")],
            ]]
        );
    }

    #[test]
    fn every_operator_is_read_with_its_value() {
        for (text, operator, value) in [
            ("f=v", Operator::Equals, "v"),
            ("f!=v", Operator::NotEquals, "v"),
            ("fLIKEv", Operator::Contains, "v"),
            ("fNOT LIKEv", Operator::NotContains, "v"),
            ("fSTARTSWITHv", Operator::StartsWith, "v"),
            ("fENDSWITHv", Operator::EndsWith, "v"),
            ("fINv,w", Operator::In, "v,w"),
            ("f>v", Operator::Greater, "v"),
            ("f>=v", Operator::GreaterOrEqual, "v"),
            ("f<v", Operator::Less, "v"),
            ("f<=v", Operator::LessOrEqual, "v"),
            ("fISEMPTY", Operator::IsEmpty, ""),
            ("fISNOTEMPTY", Operator::IsNotEmpty, ""),
        ] {
            assert_eq!(Query::parse(text).alternatives, vec![vec![vec![one("f", operator, value)]]], "{text}");
        }
    }

    #[test]
    fn operators_are_case_sensitive() {
        assert_eq!(Query::parse("flikev").alternatives[0][0][0].operator, None);
    }
}
