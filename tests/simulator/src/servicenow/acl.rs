//! Who may do what to which table, row and field.

use super::identity::Who;
use super::profile::Switches;
use super::record::Row;
use super::table::Table;
use crate::seed::CONNECTOR_SCOPE;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Insert,
    Update,
    Delete,
}

impl Wish {
    /// The word of the refusal.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Insert => "Insert",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

const ADMIN_TABLES: [&str; 12] = [
    "sys_properties",
    "v_plugin",
    "sys_plugins",
    "sys_scope",
    "sys_store_app",
    "sys_app_version",
    "syslog",
    "oauth_credential",
    "oauth_entity_profile",
    "oauth_entity_scope",
    "sys_rate_limit_rules",
    "sys_attachment",
];

const OAUTH_ROLES: [&str; 2] = ["oauth_admin", "mi_admin"];

/// Whether a row may be read. Rows that may not simply do not appear.
pub(super) fn may_read(who: &Who, table: &Table, row: &Row, switches: &Switches) -> bool {
    if who.roles.is_admin() {
        return true;
    }
    if switches.hidden_rows.contains(row.id.as_str()) {
        return false;
    }
    let is_own = |column: &str| table.value(row, column) == who.user_id.as_str();
    match table.name.as_str() {
        "incident" => who.roles.has("sn_incident_read") || is_own("caller_id") || is_own("opened_by"),
        "sys_user" => row.id == who.user_id || who.roles.has("itil"),
        "sys_user_has_role" | "sys_user_role" => !switches.hide_role_tables,
        "sys_user_group" | "cmdb_ci" | "sys_journal_field" => who.roles.has("itil"),
        "sys_choice" => true,
        "oauth_entity" => who.roles.has_any(&OAUTH_ROLES),
        name if name.starts_with(CONNECTOR_SCOPE) => who.roles.has_scope(CONNECTOR_SCOPE),
        name if ADMIN_TABLES.contains(&name) => false,
        _ => who.roles.has("itil"),
    }
}

/// Whether a write is allowed at all.
pub(super) fn may_write(who: &Who, table: &Table, wish: Wish) -> bool {
    if who.roles.is_admin() {
        return true;
    }
    if who.roles.has("snc_read_only") {
        return false;
    }
    match (table.name.as_str(), wish) {
        ("incident", Wish::Insert | Wish::Update) => who.roles.has("sn_incident_write"),
        ("oauth_entity", _) => who.roles.has_any(&OAUTH_ROLES),
        ("sys_user" | "sys_user_has_role" | "sys_user_role" | "sys_user_group", _) => who.roles.has("user_admin"),
        (name, _) if name.starts_with(CONNECTOR_SCOPE) => {
            who.roles.has_any(&["x_cion_citrix_it_s.ctx_itsm_admin", "x_cion_citrix_it_s.ctx_itsm_operator"])
        }
        _ => false,
    }
}

/// Whether a field may be read; a field that may not is left out of the record.
pub(super) fn may_read_field(who: &Who, table: &str, row: &Row, field: &str) -> bool {
    match (table, field) {
        ("sys_user", "locked_out" | "failed_attempts" | "password_needs_reset" | "user_password" | "roles") => {
            who.roles.is_admin()
        }
        ("sys_user", "last_login_time") => who.roles.is_admin() || row.id == who.user_id,
        _ => true,
    }
}
