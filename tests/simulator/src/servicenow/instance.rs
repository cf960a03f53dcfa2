//! An instance: its name, its address and its state.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Moment;
use super::consent;
use super::data;
use super::glide::Glide;
use super::profile::{Profile, Switches};
use super::record::{Row, SysId};
use super::role;
use super::table::Table;
use crate::chance::Chance;
use crate::clock::glide as glide_time;
use crate::gate::Pass;
use crate::http_message::{Answer, Ask, value_of};
use crate::lock::lock;
use crate::options::InstanceOptions;
use crate::seed;
use crate::system::Spoil;

/// One ServiceNow instance.
pub(crate) struct Instance {
    pub(crate) name: String,
    pub(crate) profile: Profile,
    pub(crate) url: OnceLock<String>,
    initial: Switches,
    glide: Mutex<Glide>,
}

impl Instance {
    pub(crate) fn new(options: InstanceOptions, now: DateTime<Utc>) -> Self {
        let InstanceOptions { name, profile, switches, .. } = options;
        let glide = Mutex::new(Glide::new(&name, switches.clone(), now));
        Self { name, profile, url: OnceLock::new(), initial: switches, glide }
    }

    pub(crate) fn glide(&self) -> MutexGuard<'_, Glide> {
        lock(&self.glide)
    }

    pub(crate) fn url(&self) -> String {
        self.url.get().cloned().unwrap_or_default()
    }

    /// Back to the seed, with the switches it was started with.
    pub(crate) fn reset(&self, now: DateTime<Utc>) {
        *self.glide() = Glide::new(&self.name, self.initial.clone(), now);
    }

    /// Waits for the turn of the request's session.
    ///
    /// # Errors
    /// 202 when too many already wait: the request is dropped.
    pub(crate) async fn enter(&self, ask: &Ask) -> Result<Option<Pass>, Box<Answer>> {
        let Some(id) = ask.cookie("JSESSIONID") else { return Ok(None) };
        let found = {
            let glide = self.glide();
            glide.sessions.find(id).map(|session| (session.queue.clone(), glide.switches.session_queue))
        };
        let Some((queue, limit)) = found else { return Ok(None) };
        match queue.enter(limit).await {
            Some(pass) => Ok(Some(pass)),
            None => Err(Box::new(Answer::empty(202))),
        }
    }

    /// Expires or revokes the token a request presents: a refresh token in a token call, else the bearer.
    pub(crate) fn spoil_presented(&self, ask: &Ask, how: Spoil, now: DateTime<Utc>) {
        let form = ask.form();
        let presented = value_of(&form, "refresh_token").or_else(|| {
            ask.header("authorization").and_then(|text| text.split_once(' ')).map(|(_, token)| token.trim())
        });
        if let Some(token) = presented {
            self.glide().tokens.spoil(token, how, now);
        }
    }

    /// Every row of a table, raw values; `None` when there is no such table.
    pub(crate) fn records(&self, table: &str) -> Option<Vec<BTreeMap<String, String>>> {
        let glide = self.glide();
        let table = glide.table(table)?;
        Some(table.rows.values().map(|row| table.plain(row)).collect())
    }

    /// Puts a row into a table without asking any rule; makes table and columns where they are missing.
    pub(crate) fn put_record(
        &self,
        table: &str,
        values: &BTreeMap<String, String>,
        id: &str,
        now: DateTime<Utc>,
    ) -> String {
        let mut glide = self.glide();
        let entry = glide.tables.entry(table.to_owned()).or_insert_with(|| Table::new(table, "name"));
        let chosen = values
            .get("sys_id")
            .and_then(|text| SysId::parse(text))
            .or_else(|| SysId::parse(id))
            .unwrap_or_else(|| SysId::bound(id));
        let mut row = entry.rows.get(&chosen).cloned().unwrap_or_else(|| Row::new(chosen));
        entry.put(&mut row, "sys_created_on", glide_time(now));
        for (name, value) in values {
            let column = entry.schema.add(name);
            row.set(column, value.clone());
        }
        entry.insert(row);
        glide.forget_roles();
        glide.forget_choices();
        chosen.as_str().to_owned()
    }

    /// Takes a row out of a table without asking any rule.
    pub(crate) fn remove_record(&self, table: &str, id: &str) -> bool {
        let mut glide = self.glide();
        let Some(id) = SysId::parse(id) else { return false };
        let removed = glide.tables.get_mut(table).and_then(|table| table.remove(id)).is_some();
        glide.forget_roles();
        glide.forget_choices();
        removed
    }

    /// Changes switches by name.
    ///
    /// # Errors
    /// A sentence saying which switch or value is wrong.
    pub(crate) fn patch(&self, change: &Value) -> Result<Value, String> {
        let mut glide = self.glide();
        let mut merged = serde_json::to_value(&glide.switches).map_err(|error| error.to_string())?;
        let fields = change.as_object().ok_or("an object is needed")?;
        for (name, value) in fields {
            merged[name] = value.clone();
        }
        glide.switches = serde_json::from_value(merged).map_err(|error| error.to_string())?;
        data::refresh(&mut glide);
        serde_json::to_value(&glide.switches).map_err(|error| error.to_string())
    }

    pub(crate) fn describe(&self) -> Value {
        json!({"name": self.name, "url": self.url(), "profile": self.profile, "switches": self.glide().switches})
    }

    /// Changes a user: `password`, `roles`, or any column of `sys_user`.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub(crate) fn patch_user(&self, user_name: &str, change: &Value, now: DateTime<Utc>) -> Result<Value, String> {
        let mut glide = self.glide();
        let id = glide
            .table("sys_user")
            .and_then(|table| table.find("user_name", user_name))
            .map(|row| row.id)
            .ok_or_else(|| format!("no user {user_name}"))?;
        for (name, value) in change.as_object().ok_or("an object is needed")? {
            match name.as_str() {
                "roles" => {
                    let roles: Vec<&str> =
                        value.as_array().ok_or("roles is a list")?.iter().filter_map(Value::as_str).collect();
                    role::grant(&mut glide, id, &roles, &glide_time(now));
                }
                "password" => {
                    glide.change("sys_user", id, &[("user_password", plain(value))]);
                }
                column if glide.table("sys_user").is_some_and(|table| table.schema.find(column).is_some()) => {
                    glide.change("sys_user", id, &[(column, plain(value))]);
                }
                other => return Err(format!("unknown field {other}")),
            }
        }
        let users = glide.table("sys_user").ok_or("no users")?;
        let row = users.rows.get(&id).ok_or("no such user")?;
        Ok(json!(users.plain(row)))
    }

    /// Changes an OAuth client: any column of `oauth_entity`, `client_secret` included.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub(crate) fn patch_oauth_client(&self, client_id: &str, change: &Value) -> Result<Value, String> {
        let mut glide = self.glide();
        let id = glide
            .table("oauth_entity")
            .and_then(|table| table.find("client_id", client_id))
            .map(|row| row.id)
            .ok_or_else(|| format!("no OAuth client {client_id}"))?;
        for (name, value) in change.as_object().ok_or("an object is needed")? {
            if glide.table("oauth_entity").is_none_or(|table| table.schema.find(name).is_none()) {
                return Err(format!("unknown field {name}"));
            }
            glide.change("oauth_entity", id, &[(name, plain(value))]);
        }
        let clients = glide.table("oauth_entity").ok_or("no clients")?;
        let row = clients.rows.get(&id).ok_or("no such client")?;
        Ok(json!(clients.plain(row)))
    }

    /// Expires or revokes tokens of one user or of everybody.
    pub(crate) fn spoil_tokens(
        &self,
        user: Option<&str>,
        access: bool,
        refresh: bool,
        how: Spoil,
        now: DateTime<Utc>,
    ) -> Result<usize, String> {
        let mut glide = self.glide();
        let id = match user {
            None => None,
            Some(name) => {
                let found = glide.table("sys_user").and_then(|table| table.find("user_name", name)).map(|row| row.id);
                Some(found.ok_or_else(|| format!("no user {name}"))?)
            }
        };
        Ok(glide.tokens.spoil_all(id, access, refresh, how, now))
    }

    /// Decides an authorization request as a person at a browser would.
    pub(crate) fn consent(
        &self,
        authorization_url: &str,
        user: &str,
        button: &str,
        chance: &Chance,
        now: DateTime<Utc>,
    ) -> Result<String, String> {
        let base = self.url.get().map_or("", String::as_str);
        let rest = authorization_url.strip_prefix(base).and_then(|rest| rest.strip_prefix("/oauth_auth.do?"));
        let query = rest.ok_or("url is no authorization URL of this instance")?;
        consent::decide(&mut self.glide(), query, user, button, &Moment { now, chance, base })
    }

    /// The seed users with their passwords, for the line the program prints.
    pub(crate) fn announce_users(&self) -> Vec<Value> {
        seed::USERS
            .iter()
            .map(|user| {
                json!({
                    "instance": self.name, "user_name": user.user_name, "password": user.password, "roles": user.roles,
                    "sys_id": user.sys_id(&self.name), "special": user.special,
                })
            })
            .collect()
    }
}

/// A JSON value as a table keeps it.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
