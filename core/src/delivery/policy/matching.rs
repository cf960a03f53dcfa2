//! Which alerts a rule, or a maintenance window, is for.

use std::fmt;

use wildmatch::WildMatch;

use super::field::{Field, severity_word};
use crate::{
    error::{Error, Result},
    model::{Alert, AlertMatch, Severity},
    transport::clean,
};

/// Texts that one condition may list.
const MOST: usize = 1000;
/// Longest text of a condition, in bytes.
const LONGEST: usize = 512;
/// Longer values are compared by their beginning: what is matched are names, and a text of a megabyte against a
/// pattern with many stars would take its time (T13).
const COMPARED: usize = 1024;

/// Conditions, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    severity: Vec<Severity>,
    severity_at_least: Option<Severity>,
    texts: Vec<(Field, Vec<Pattern>)>,
}

/// One text of a condition.
#[derive(Debug)]
struct Pattern {
    /// The beginning, when pattern and text are ASCII and a star stands at the end at the most: what nearly all are,
    /// and many times faster than the general way.
    plain: Option<Plain>,
    wild: WildMatch,
}

#[derive(Debug)]
struct Plain {
    text: Box<[u8]>,
    /// Whether anything may follow.
    open: bool,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let (text, open) = pattern.strip_suffix('*').map_or((pattern, false), |text| (text, true));
        let is_plain = text.is_ascii() && !text.contains(['*', '?']);
        let plain = is_plain.then(|| Plain { text: text.as_bytes().into(), open });
        Self { plain, wild: WildMatch::new_case_insensitive(pattern) }
    }

    fn matches(&self, text: &str) -> bool {
        match &self.plain {
            Some(Plain { text: own, open }) if text.is_ascii() => {
                let fits = text.as_bytes().get(..own.len()).is_some_and(|head| head.eq_ignore_ascii_case(own));
                fits && (*open || text.len() == own.len())
            }
            _ => self.wild.matches(text),
        }
    }
}

/// Why an alert does not fit.
#[derive(Debug)]
pub(super) struct Miss {
    field: String,
    seen: Option<String>,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.seen {
            Some(seen) => write!(f, "It does not fit: the alert's {} is {seen}.", self.field),
            None => write!(f, "It does not fit: the alert has no {}.", self.field),
        }
    }
}

impl Matcher {
    /// # Errors
    /// `invalid_input` for lists and texts beyond bounds.
    pub(super) fn compile(given: &AlertMatch) -> Result<Self> {
        let named = [
            (Field::Source, &given.source),
            (Field::Priority, &given.priority),
            (Field::Category, &given.category),
            (Field::Component, &given.component),
            (Field::Policy, &given.policy),
            (Field::Target, &given.target),
        ];
        let mut texts = Vec::new();
        for (field, patterns) in named.into_iter().filter(|(_, patterns)| !patterns.is_empty()) {
            texts.push((field, compile(patterns)?));
        }
        for (name, patterns) in &given.fields {
            if patterns.0.is_empty() {
                return Err(Error::invalid(format!("The condition on {} lists no text.", clean(name, 80))));
            }
            texts.push((Field::Other(name.clone()), compile(&patterns.0)?));
        }
        Ok(Self { severity: given.severity.clone(), severity_at_least: given.severity_at_least, texts })
    }

    pub(super) fn fits(&self, alert: &Alert) -> bool {
        self.misfit(alert).is_none()
    }

    /// Why the alert does not fit; none when it does.
    pub(super) fn miss(&self, alert: &Alert) -> Option<Miss> {
        let field = self.misfit(alert)?;
        let name = super::field::FIELDS.iter().find(|(_, own)| own == field).map(|(name, _)| (*name).to_owned());
        let name = name.unwrap_or_else(|| match field {
            Field::Other(name) => format!("field {}", clean(name, 80)),
            _ => String::new(),
        });
        Some(Miss { field: name, seen: field.of(alert).map(|text| clean(&text, 80)) })
    }

    fn misfit(&self, alert: &Alert) -> Option<&Field> {
        let listed = self.severity.is_empty() || self.severity.contains(&alert.severity);
        if !listed || self.severity_at_least.is_some_and(|least| alert.severity < least) {
            return Some(&Field::Severity);
        }
        let fits = |field: &Field, patterns: &[Pattern]| {
            field.of(alert).is_some_and(|text| {
                let text = beginning(&text);
                patterns.iter().any(|pattern| pattern.matches(text))
            })
        };
        self.texts.iter().find(|(field, patterns)| !fits(field, patterns)).map(|(field, _)| field)
    }
}

/// Conditions in words, for the reason of a decision.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |list: &[Severity]| list.iter().map(|one| severity_word(*one)).collect::<Vec<_>>().join(" or ");
        let least = self.severity_at_least.map(|least| format!("severity at least {}", severity_word(least)));
        let listed = (!self.severity.is_empty()).then(|| format!("severity {}", words(&self.severity)));
        let count = match self.texts.len() {
            0 => None,
            1 => Some("one text".to_owned()),
            many => Some(format!("{many} texts")),
        };
        let all: Vec<String> = [least, listed, count].into_iter().flatten().collect();
        if all.is_empty() { f.write_str("It is for every alert.") } else { write!(f, "It fits: {}.", all.join(", ")) }
    }
}

fn compile(patterns: &[String]) -> Result<Vec<Pattern>> {
    if patterns.len() > MOST {
        return Err(Error::invalid(format!("A condition lists more than {MOST} texts.")));
    }
    patterns
        .iter()
        .map(|pattern| {
            if pattern.len() > LONGEST {
                return Err(Error::invalid(format!("A text of a condition is longer than {LONGEST} bytes.")));
            }
            Ok(Pattern::new(pattern))
        })
        .collect()
}

fn beginning(text: &str) -> &str {
    let mut end = COMPARED.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_says_what_the_general_one_says() {
        let words =
            ["", "a", "A", "VDA-7", "vda-", "vda-7*", "straße", "STRASSE", "\u{212a}", "k", "ÄB", "äb", "a?c", "x\n"];
        let patterns =
            ["", "*", "a", "vda-*", "VDA-7", "*7", "v?a-7", "straße", "k", "äb", "a?*", "**", "vda-7*", "x*"];
        for (pattern, text) in patterns.iter().flat_map(|pattern| words.iter().map(move |text| (pattern, text))) {
            let general = WildMatch::new_case_insensitive(pattern).matches(text);
            assert_eq!(Pattern::new(pattern).matches(text), general, "{pattern:?} on {text:?}");
        }
    }
}
