//! The texts of an incident, made from templates.
//!
//! A template is checked when the policy is saved: names that no alert has, unknown filters and broken syntax are
//! errors there, not when an alert comes. It is a small language on purpose. It has fields, filters and `if`, and
//! neither loops nor assignments nor repetition, so that its cost and its output are bounded by its own length (T13).
//! Nothing is escaped: what the instance stores is text, and is cleaned as such (T14).

use std::{borrow::Cow, io, sync::Arc};

use minijinja::{
    Environment, UndefinedBehavior, Value, filters,
    value::{Enumerator, Object},
};

use super::field::{FIELDS, Field};
use crate::{
    error::{Error, Result},
    model::{Alert, AlertState, Severity},
    transport::clean,
};

/// Longest template, in bytes.
const SOURCE: usize = 8 * 1024;
/// Longest value of a field that a template sees, in bytes: the longest column of an incident, in four-byte characters.
const VALUE: usize = 16_000;
/// Longest text that a template makes, in bytes.
const OUTPUT: usize = 64 * 1024;
/// Steps of the template engine.
const FUEL: u64 = 20_000;
/// The statements there are.
const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];

/// All templates of one policy.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

/// One template, by its place in [`Templates`], with the fields it needs.
#[derive(Debug)]
pub(super) struct Template {
    name: String,
    fields: Vec<(&'static str, Field)>,
    others: bool,
}

impl Templates {
    pub(super) fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("upper", filters::upper);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("capitalize", filters::capitalize);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("default", filters::default);
        environment.add_filter("length", filters::length);
        environment.add_filter("cut", cut);
        Self(environment)
    }

    /// Adds a template under this name, once it has stood every check.
    ///
    /// # Errors
    /// `invalid_input`, with the place of the mistake.
    pub(super) fn add(&mut self, name: String, source: &str) -> Result<Template> {
        if source.len() > SOURCE {
            return Err(Error::invalid(format!("A template is longer than {SOURCE} bytes.")));
        }
        only_conditions(source)?;
        let wrong = |error: minijinja::Error| {
            let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
            let detail = error.detail().map(|detail| format!(": {}", clean(detail, 200))).unwrap_or_default();
            Error::invalid(format!("The template cannot be used{line}: {}{detail}.", error.kind()))
        };
        self.0.add_template_owned(name.clone(), source.to_owned()).map_err(wrong)?;
        let template = self.0.get_template(&name).map_err(wrong)?;
        let names = template.undeclared_variables(true);
        for name in &names {
            let known = name == "fields" || Field::parse(name).is_ok();
            if !known {
                // Says which names there are.
                Field::parse(name)?;
            }
        }
        let used = |word: &str| names.iter().any(|name| name == word);
        let fields = FIELDS.into_iter().filter(|(word, _)| used(word)).collect();
        let others = names.iter().any(|name| name == "fields" || name.starts_with("fields."));
        let template = Template { name, fields, others };
        // What no look at the names can tell shows when it is rendered: with everything, and with nothing.
        for sample in [full(), bare()] {
            self.try_render(&template, &sample).map_err(wrong)?;
        }
        Ok(template)
    }

    /// The text, or in one sentence why there is none: the alert needs its incident all the same.
    pub(super) fn render(&self, template: &Template, alert: &Alert) -> Result<String, String> {
        self.try_render(template, alert).map_err(|error| format!("The template failed: {}.", error.kind()))
    }

    fn try_render(&self, template: &Template, alert: &Alert) -> Result<String, minijinja::Error> {
        let value = |field: &Field| Value::from(field.of(alert).as_deref().map_or("", beginning));
        let seen = Seen {
            fields: template.fields.iter().map(|(name, field)| (*name, value(field))).collect(),
            others: template.others.then(|| {
                let each = alert.fields.iter().map(|(name, text)| (name.clone(), Value::from(beginning(text))));
                Value::from_object(Others(each.collect()))
            }),
        };
        let mut text = Bounded(Vec::with_capacity(256));
        self.0.get_template(&template.name)?.render_captured_to(Value::from_object(seen), &mut text)?;
        // The engine writes whole characters, and the bound refuses whole writes.
        Ok(String::from_utf8_lossy(&text.0).into_owned())
    }
}

/// What a template sees of an alert: what it names, and nothing else.
#[derive(Debug)]
struct Seen {
    fields: Vec<(&'static str, Value)>,
    others: Option<Value>,
}

impl Object for Seen {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == "fields" {
            return self.others.clone();
        }
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }
}

/// The fields that only the source knows: one that an alert lacks is empty.
#[derive(Debug)]
struct Others(Vec<(String, Value)>);

impl Object for Others {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let told = self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        Some(told.unwrap_or_else(|| Value::from("")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// Takes what fits, and refuses the rest.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.0.len() + part.len() > OUTPUT {
            return Err(io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `{{ title | cut(80) }}`: at most this many characters.
// The engine hands its arguments over.
#[allow(clippy::needless_pass_by_value)]
fn cut(text: Cow<'_, str>, most: usize) -> String {
    text.chars().take(most).collect()
}

fn beginning(text: &str) -> &str {
    let mut end = VALUE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Refuses what could make much out of little: every statement but `if`, and the repeating `*`.
fn only_conditions(source: &str) -> Result<()> {
    let mut rest = source;
    while let Some(start) = ["{%", "{{", "{#"].into_iter().filter_map(|opening| rest.find(opening)).min() {
        let (kind, inside) = rest[start..].split_at(2);
        if kind == "{#" {
            // Nothing in a comment is read, quotes and braces neither.
            rest = inside.find("#}").map_or("", |end| &inside[end + 2..]);
            continue;
        }
        let end = if kind == "{%" { "%}" } else { "}}" };
        if kind == "{%" {
            let word = inside.trim_start_matches(['-', '+']).trim_start();
            let word: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !STATEMENTS.contains(&word.as_str()) {
                let word = clean(&word, 40);
                return Err(Error::invalid(format!("A template has no statement {word:?}."))
                    .remedy("Use fields, filters, and if, elif, else, endif."));
            }
        }
        let mut quote = None;
        // As the engine does: what closes a bracket ends nothing else.
        let mut open = 0_i32;
        let mut chars = inside.char_indices();
        let mut after = inside.len();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some(_), '\\') => drop(chars.next()),
                (Some(mark), c) if c == mark => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '*') => {
                    return Err(Error::invalid("A template neither multiplies nor repeats.")
                        .remedy("Take the * out, or put it outside of the braces."));
                }
                (None, _) if open == 0 && inside[at..].starts_with(end) => {
                    after = at + end.len();
                    break;
                }
                (None, '(' | '[' | '{') => open += 1,
                (None, ')' | ']' | '}') => open -= 1,
                _ => {}
            }
        }
        rest = &inside[after..];
    }
    Ok(())
}

/// An alert that has everything.
fn full() -> Alert {
    let text = || Some("x".to_owned());
    Alert {
        customer_id: "x".to_owned(),
        source: "x".to_owned(),
        id: "x".to_owned(),
        title: "x".to_owned(),
        description: "x".to_owned(),
        severity: Severity::Error,
        state: AlertState::Raised,
        priority: text(),
        category: text(),
        component: text(),
        policy: text(),
        target: text(),
        raised_at: Some(chrono::DateTime::UNIX_EPOCH),
        fields: std::collections::HashMap::new(),
    }
}

/// An alert that has next to nothing.
fn bare() -> Alert {
    let none = || None;
    Alert {
        title: String::new(),
        description: String::new(),
        priority: none(),
        category: none(),
        component: none(),
        policy: none(),
        target: none(),
        raised_at: None,
        ..full()
    }
}
