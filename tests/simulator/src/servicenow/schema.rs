//! Which columns a table has, and of which kind.

use std::collections::HashMap;

use super::record::Text;

/// The kind of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Boolean,
    DateTime,
    /// Points to a row of that table.
    Reference(String),
    /// Written here, kept in `sys_journal_field`, read back as the empty string.
    Journal,
    /// Kept, but read back as something unusable.
    Secret,
}

/// One column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: Text,
    pub(crate) label: String,
    pub(crate) kind: Kind,
}

/// The columns of a table.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    columns: Vec<Column>,
    by_name: HashMap<Text, u16>,
    /// The column shown for a reference to a row of this table.
    pub(crate) display: u16,
}

/// Column 0 of every table is the id, which is kept apart from the values.
pub(crate) const SYS_ID: u16 = 0;

const SYSTEM_COLUMNS: &str = "sys_created_by sys_created_on@ sys_updated_by sys_updated_on@ sys_mod_count#";

impl Schema {
    /// Reads columns from one line: names parted by spaces, a sign at the end for the kind
    /// (`#` integer, `?` boolean, `@` date-time, `*` journal, `!` secret, `>table` reference). The first is the display column.
    pub(crate) fn parse(line: &str) -> Self {
        let mut schema = Self { columns: Vec::new(), by_name: HashMap::new(), display: 1 };
        schema.add("sys_id");
        for word in line.split_whitespace().chain(SYSTEM_COLUMNS.split_whitespace()) {
            schema.add(word);
        }
        schema
    }

    /// Adds one column unless it is there.
    pub(crate) fn add(&mut self, word: &str) -> u16 {
        let (name, kind) = read(word);
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        // No table comes near 65 535 columns.
        let at = u16::try_from(self.columns.len()).unwrap_or(u16::MAX);
        let name: Text = name.to_owned().into();
        self.columns.push(Column { label: label(&name), name: name.clone(), kind });
        self.by_name.insert(name, at);
        at
    }

    pub(crate) fn find(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn column(&self, at: u16) -> Option<&Column> {
        self.columns.get(usize::from(at))
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }
}

fn read(word: &str) -> (&str, Kind) {
    if let Some((name, table)) = word.split_once('>') {
        return (name, Kind::Reference(table.to_owned()));
    }
    for (sign, kind) in
        [('#', Kind::Integer), ('?', Kind::Boolean), ('@', Kind::DateTime), ('*', Kind::Journal), ('!', Kind::Secret)]
    {
        if let Some(name) = word.strip_suffix(sign) {
            return (name, kind);
        }
    }
    (word, Kind::Text)
}

/// What a person sees: messages of data policies name labels.
fn label(name: &str) -> String {
    match name {
        "close_code" => "Resolution code".to_owned(),
        "close_notes" => "Resolution notes".to_owned(),
        "comments" => "Additional comments".to_owned(),
        "caller_id" => "Caller".to_owned(),
        _ => {
            let mut text = name.replace('_', " ");
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            text
        }
    }
}
