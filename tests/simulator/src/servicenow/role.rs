//! Roles: which contain which, and what a user has.

use std::collections::HashSet;

use serde_json::json;

use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::record::SysId;
use super::table::Table;
use crate::chance::stable_hex32;
use crate::http_message::{Answer, Ask};

/// A role and the roles it contains.
const CONTAINS: [(&str, &[&str]); 6] = [
    ("incident_manager", &["itil"]),
    ("sn_incident_admin", &["incident_manager"]),
    ("itil_admin", &["itil"]),
    ("itil", &["sn_incident_write", "snc_platform_rest_api_access"]),
    ("sn_incident_write", &["sn_incident_read"]),
    ("x_cion_citrix_it_s.ctx_itsm_admin", &["x_cion_citrix_it_s.ctx_itsm_operator"]),
];

/// The roles that exist without being granted to anybody in the seed.
pub(super) const KNOWN: [&str; 21] = [
    "admin",
    "security_admin",
    "itil",
    "itil_admin",
    "incident_manager",
    "sn_incident_admin",
    "sn_incident_read",
    "sn_incident_write",
    "oauth_admin",
    "mi_admin",
    "user_admin",
    "snc_internal",
    "snc_read_only",
    "snc_basic_auth_api_access",
    "snc_platform_rest_api_access",
    "sn_cicd.sys_ci_automation",
    "x_cion_citrix_it_s.ctx_itsm_admin",
    "x_cion_citrix_it_s.ctx_itsm_operator",
    "x_cion_citrix_it_s.ctx_itsm_event_manager",
    "x_cion_citrix_it_s.ctx_itsm_resource_manager",
    "x_cion_citrix_it_s.ctx_itsm_helpdesk",
];

/// What a user may, by role name.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    names: HashSet<String>,
}

impl Roles {
    /// Administrators pass everything.
    pub(crate) fn is_admin(&self) -> bool {
        self.names.contains("admin")
    }

    /// Whether the user has the role or is an administrator.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.is_admin() || self.names.contains(name)
    }

    /// Whether the user has one of the roles or is an administrator.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// Whether the user has a role of that scope or is an administrator.
    pub(crate) fn has_scope(&self, prefix: &str) -> bool {
        self.is_admin() || self.names.iter().any(|name| name.starts_with(prefix))
    }
}

/// A role with everything below it; the role itself comes first.
pub(crate) fn closure(role: &str) -> Vec<String> {
    let mut all = vec![role.to_owned()];
    let mut at = 0;
    while let Some(name) = all.get(at).cloned() {
        for (outer, inner) in CONTAINS {
            if outer == name {
                for role in inner {
                    if !all.iter().any(|known| known == role) {
                        all.push((*role).to_owned());
                    }
                }
            }
        }
        at += 1;
    }
    all
}

/// Reads what the role tables say about a user.
pub(crate) fn read(glide: &Glide, user: SysId) -> Roles {
    let mut roles = Roles::default();
    let (Some(grants), Some(known)) = (glide.tables.get("sys_user_has_role"), glide.tables.get("sys_user_role")) else {
        return roles;
    };
    let Some(at) = grants.schema.find("user") else { return roles };
    for row in grants.indexed(at, user.as_str()).unwrap_or(&[]).iter().filter_map(|id| grants.rows.get(id)) {
        if grants.value(row, "state") != "active" {
            continue;
        }
        let role = SysId::parse(grants.value(row, "role")).and_then(|id| known.rows.get(&id));
        if let Some(role) = role {
            roles.names.extend(closure(known.value(role, "name")));
        }
    }
    roles
}

/// Replaces the roles of a user: a row for each grant and for each role that comes with it.
pub(crate) fn grant(glide: &mut Glide, user: SysId, roles: &[&str], stamp: &str) {
    for role in roles.iter().flat_map(|role| closure(role)) {
        ensure(glide, &role, stamp);
    }
    let Some(mut table) = glide.tables.remove("sys_user_has_role") else { return };
    let old: Vec<SysId> =
        table.rows.values().filter(|row| table.value(row, "user") == user.as_str()).map(|row| row.id).collect();
    for id in old {
        table.remove(id);
    }
    for role in roles {
        for (n, name) in closure(role).iter().enumerate() {
            let Some(id) = SysId::parse(&stable_hex32(&format!("grant {role} {name} {}", user.as_str()))) else {
                continue;
            };
            let mut row = super::record::Row::new(id);
            for (column, value) in [
                ("user", user.as_str().to_owned()),
                ("role", id_of(name)),
                ("inherited", if n == 0 { "false" } else { "true" }.to_owned()),
                ("state", "active".to_owned()),
                ("sys_created_on", stamp.to_owned()),
                ("sys_created_by", "admin".to_owned()),
            ] {
                table.put(&mut row, column, value);
            }
            table.insert(row);
        }
    }
    glide.tables.insert("sys_user_has_role".to_owned(), table);
    glide.forget_roles();
}

/// The stable id of a role.
pub(super) fn id_of(name: &str) -> String {
    stable_hex32(&format!("role {name}"))
}

/// Makes sure that a role exists.
pub(super) fn ensure(glide: &mut Glide, name: &str, stamp: &str) {
    let Some(table) = glide.tables.get_mut("sys_user_role") else { return };
    let Some(id) = SysId::parse(&id_of(name)) else { return };
    if !table.rows.contains_key(&id) {
        insert_role(table, id, name, stamp);
    }
}

fn insert_role(table: &mut Table, id: SysId, name: &str, stamp: &str) {
    let mut row = super::record::Row::new(id);
    table.put(&mut row, "name", name.to_owned());
    table.put(&mut row, "sys_created_on", stamp.to_owned());
    table.insert(row);
}

/// `GET /api/global/user_role_inheritance?user_sysid=…`; needs `user_admin`.
pub(super) fn inheritance(glide: &Glide, ask: &Ask, who: &Who) -> Answer {
    if !who.roles.has("user_admin") {
        return envelope::failure(403, "User Not Authorized", Some("The role user_admin is needed"));
    }
    let id = ask.param("user_sysid").unwrap_or_default();
    let (Some(users), Some(grants), Some(known)) =
        (glide.table("sys_user"), glide.table("sys_user_has_role"), glide.table("sys_user_role"))
    else {
        return envelope::no_record();
    };
    let Some(user) = SysId::parse(&id).and_then(|id| users.rows.get(&id)) else { return envelope::no_record() };
    let direct: Vec<String> = grants
        .rows
        .values()
        .filter(|row| grants.value(row, "user") == id && grants.value(row, "inherited") == "false")
        .filter_map(|row| SysId::parse(grants.value(row, "role")).and_then(|role| known.rows.get(&role)))
        .map(|row| known.value(row, "name").to_owned())
        .collect();
    let paths: Vec<String> = direct
        .iter()
        .flat_map(|role| {
            closure(role)
                .into_iter()
                .map(move |inner| if inner == *role { format!("/{role}") } else { format!("/{role}/{inner}") })
        })
        .collect();
    envelope::result(200, &json!({"user_name": users.value(user, "user_name"), "from_group": [], "from_role": paths}))
}
