//! Records as the Table API prints them.

use std::fmt::Write as _;
use std::io::Write as _;

use chrono::{NaiveDateTime, TimeDelta};

use super::acl;
use super::filter::Path;
use super::glide::Glide;
use super::identity::Who;
use super::record::{Row, SysId};
use super::schema::{Column, Kind};
use super::table::Table;
use crate::chance::stable_hex32;
use crate::http_message::Ask;

/// `sysparm_display_value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Value,
    Text,
    Both,
}

/// How a request wants its records.
pub(super) struct View<'a> {
    display: Display,
    links: bool,
    fields: Option<Vec<String>>,
    base: &'a str,
}

impl<'a> View<'a> {
    pub(super) fn read(ask: &Ask, base: &'a str) -> Self {
        let display = match ask.param("sysparm_display_value").as_deref() {
            Some("true") => Display::Text,
            Some("all") => Display::Both,
            _ => Display::Value,
        };
        let fields = ask
            .param("sysparm_fields")
            .filter(|text| !text.trim().is_empty())
            .map(|text| text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect());
        Self { display, links: ask.param("sysparm_exclude_reference_link").as_deref() != Some("true"), fields, base }
    }
}

/// A field ready to print: the key, the way to the value, and where it lives.
struct Cell<'a> {
    key: String,
    path: Path,
    table: &'a str,
    element: String,
}

/// Prints rows of one table for one reader.
pub(super) struct Printer<'a> {
    glide: &'a Glide,
    table: &'a Table,
    who: &'a Who,
    view: &'a View<'a>,
    cells: Vec<Cell<'a>>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(glide: &'a Glide, table: &'a Table, who: &'a Who, view: &'a View<'a>) -> Self {
        let names: Vec<String> = match &view.fields {
            Some(fields) => fields.clone(),
            None => table.schema.columns().iter().map(|column| column.name.to_string()).collect(),
        };
        let cells = names
            .into_iter()
            .filter_map(|name| {
                // Unknown names are silently left out.
                let path = Path::resolve(&glide.tables, table, &name)?;
                let element = name.rsplit('.').next().unwrap_or("").to_owned();
                Some(Cell { key: name, path, table: &table.name, element })
            })
            .collect();
        Self { glide, table, who, view, cells }
    }

    /// Appends the row as a JSON object.
    pub(super) fn print(&self, row: &Row, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut is_first = true;
        for cell in &self.cells {
            if !acl::may_read_field(self.who, &self.table.name, row, &cell.key) {
                continue;
            }
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            text(out, &cell.key);
            out.push(b':');
            self.value(row, cell, out);
        }
        out.push(b'}');
    }

    fn value(&self, row: &Row, cell: &Cell<'_>, out: &mut Vec<u8>) {
        let value = cell.path.value(&self.glide.tables, row);
        let display = self.view.display;
        match &cell.path.kind {
            Kind::Reference(target) => self.reference(target, value, out),
            Kind::Journal => match display {
                Display::Value => text(out, ""),
                Display::Text => text(out, &self.journal(row, &cell.element)),
                Display::Both => pair(out, &self.journal(row, &cell.element), ""),
            },
            Kind::Secret => {
                let shown = if value.is_empty() { String::new() } else { format!("enc:{}", stable_hex32(value)) };
                match display {
                    Display::Both => pair(out, "", &shown),
                    Display::Value | Display::Text => text(out, &shown),
                }
            }
            kind => match display {
                Display::Value => text(out, value),
                Display::Text => text(out, &self.shown(cell, kind, value)),
                Display::Both => pair(out, &self.shown(cell, kind, value), value),
            },
        }
    }

    fn shown(&self, cell: &Cell<'_>, kind: &Kind, value: &str) -> String {
        if *kind == Kind::DateTime {
            let minutes = i64::from(self.glide.switches.time_zone_minutes);
            return NaiveDateTime::parse_from_str(value, "%Y-%m-%d %H:%M:%S").map_or_else(
                |_| value.to_owned(),
                |at| (at + TimeDelta::minutes(minutes)).format("%Y-%m-%d %H:%M:%S").to_string(),
            );
        }
        self.glide.choice_label(cell.table, &cell.element, value).unwrap_or(value).to_owned()
    }

    fn reference(&self, target: &str, value: &str, out: &mut Vec<u8>) {
        if value.is_empty() {
            match self.view.display {
                Display::Both => pair(out, "", ""),
                Display::Value | Display::Text => text(out, ""),
            }
            return;
        }
        let display = || {
            let table = self.glide.table(target)?;
            let row = table.rows.get(&SysId::parse(value)?)?;
            Some(Table::cell(row, table.schema.display).to_owned())
        };
        let link = || format!("{}/api/now/table/{target}/{value}", self.view.base);
        let mut parts: Vec<(&str, String)> = Vec::new();
        match (self.view.display, self.view.links) {
            (Display::Value, false) => return text(out, value),
            (Display::Text, false) => return text(out, &display().unwrap_or_default()),
            (Display::Value, true) => parts.extend([("link", link()), ("value", value.to_owned())]),
            (Display::Text, true) => parts.extend([("display_value", display().unwrap_or_default()), ("link", link())]),
            (Display::Both, links) => {
                parts.extend([("display_value", display().unwrap_or_default()), ("value", value.to_owned())]);
                if links {
                    parts.push(("link", link()));
                }
            }
        }
        object(out, &parts);
    }

    /// All entries of a journal field, newest first.
    fn journal(&self, row: &Row, element: &str) -> String {
        let Some(table) = self.glide.table("sys_journal_field") else { return String::new() };
        let Some(at) = table.schema.find("element_id") else { return String::new() };
        let mut entries: Vec<&Row> = table
            .indexed(at, row.id.as_str())
            .unwrap_or(&[])
            .iter()
            .filter_map(|id| table.rows.get(id))
            .filter(|entry| table.value(entry, "element") == element)
            .collect();
        entries.reverse();
        let label = self
            .table
            .schema
            .find(element)
            .and_then(|at| self.table.schema.column(at))
            .map_or("", |column: &Column| column.label.as_str());
        entries.iter().fold(String::new(), |mut text, entry| {
            let value = |column| table.value(entry, column);
            // Writing into a string cannot fail.
            let _ = write!(
                text,
                "{} - {} ({label})\n{}\n\n",
                value("sys_created_on"),
                value("sys_created_by"),
                value("value")
            );
            text
        })
    }
}

/// Appends a JSON string.
pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    // Writing into a vector cannot fail.
    let _ = serde_json::to_writer(&mut *out, value);
}

fn pair(out: &mut Vec<u8>, display: &str, value: &str) {
    object(out, &[("display_value", display.to_owned()), ("value", value.to_owned())]);
}

fn object(out: &mut Vec<u8>, parts: &[(&str, String)]) {
    for (n, (key, value)) in parts.iter().enumerate() {
        let _ = out.write_all(if n == 0 { b"{" } else { b"," });
        text(out, key);
        out.push(b':');
        text(out, value);
    }
    out.push(b'}');
}
