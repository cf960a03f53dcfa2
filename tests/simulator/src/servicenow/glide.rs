//! The changeable state of one instance.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cicd::Operation;
use super::consent::Code;
use super::filter::Tables;
use super::profile::Switches;
use super::record::{Row, SysId};
use super::role::{self, Roles};
use super::session::Sessions;
use super::table::Table;
use super::token_store::TokenStore;

/// Tables, tokens, sessions and switches behind one lock.
#[derive(Debug)]
pub(crate) struct Glide {
    pub(crate) name: String,
    pub(crate) switches: Switches,
    pub(crate) tables: Tables,
    pub(crate) tokens: TokenStore,
    pub(crate) sessions: Sessions,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) operations: HashMap<String, Operation>,
    pub(crate) next_number: u64,
    /// Counts lists, so that an unordered one can differ from the last.
    pub(crate) lists: u64,
    /// Start of the hour and requests in it, by user.
    pub(crate) hourly: HashMap<String, (DateTime<Utc>, u32)>,
    roles: HashMap<SysId, Arc<Roles>>,
    choices: HashMap<(String, String, String), String>,
}

impl Glide {
    pub(crate) fn new(name: &str, switches: Switches, now: DateTime<Utc>) -> Self {
        let mut glide = Self {
            name: name.to_owned(),
            switches,
            tables: Tables::new(),
            tokens: TokenStore::default(),
            sessions: Sessions::default(),
            codes: HashMap::new(),
            operations: HashMap::new(),
            next_number: 10_001,
            lists: 0,
            hourly: HashMap::new(),
            roles: HashMap::new(),
            choices: HashMap::new(),
        };
        super::data::fill(&mut glide, now);
        glide
    }

    /// What a user may; read once and kept until the role tables change.
    pub(crate) fn roles(&mut self, user: SysId) -> Arc<Roles> {
        if let Some(roles) = self.roles.get(&user) {
            return roles.clone();
        }
        let roles = Arc::new(role::read(self, user));
        self.roles.insert(user, roles.clone());
        roles
    }

    pub(crate) fn forget_roles(&mut self) {
        self.roles.clear();
    }

    pub(crate) fn forget_choices(&mut self) {
        self.choices.clear();
    }

    /// Label of a choice, or the value itself where there is none.
    pub(crate) fn choice_label(&self, table: &str, element: &str, value: &str) -> Option<&str> {
        self.choices.get(&(table.to_owned(), element.to_owned(), value.to_owned())).map(String::as_str)
    }

    /// Reads the choice table when a change has made the copy stale.
    pub(crate) fn load_choices(&mut self) {
        if !self.choices.is_empty() {
            return;
        }
        let Some(table) = self.tables.get("sys_choice") else { return };
        for row in table.rows.values() {
            let key = |column| table.value(row, column).to_owned();
            self.choices.insert((key("name"), key("element"), key("value")), key("label"));
        }
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Changes a row; false when there is none.
    pub(crate) fn change(&mut self, table: &str, id: SysId, pairs: &[(&str, String)]) -> bool {
        let Some(table) = self.tables.get_mut(table) else { return false };
        table.change(id, |schema, row| {
            for (column, value) in pairs {
                if let Some(at) = schema.find(column) {
                    row.set(at, value.clone());
                }
            }
        })
    }

    /// Inserts a row of plain values.
    pub(crate) fn put(&mut self, table: &str, id: &str, pairs: &[(&str, &str)]) {
        let Some(table) = self.tables.get_mut(table) else { return };
        let Some(id) = SysId::parse(id) else { return };
        let mut row = Row::new(id);
        for (column, value) in pairs {
            table.put(&mut row, column, (*value).to_owned());
        }
        table.insert(row);
    }

    /// Writes the true reason of something opaque to the system log.
    pub(crate) fn log(&mut self, id: &str, stamp: &str, source: &str, message: &str) {
        self.put(
            "syslog",
            id,
            &[
                ("level", "2"),
                ("source", source),
                ("message", message),
                ("sys_created_on", stamp),
                ("sys_created_by", "system"),
            ],
        );
    }
}
