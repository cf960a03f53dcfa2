//! What the tables of an instance hold at the start.

use chrono::{DateTime, Utc};

use super::choice;
use super::glide::Glide;
use super::record::SysId;
use super::role;
use super::table::Table;
use crate::chance::stable_hex32;
use crate::clock::glide as glide_time;
use crate::seed;

const INCIDENT: &str = "number short_description description caller_id>sys_user opened_by>sys_user opened_at@ category subcategory \
business_service>cmdb_ci service_offering>cmdb_ci cmdb_ci>cmdb_ci contact_type impact# urgency# priority# severity# state# incident_state# hold_reason# \
assignment_group>sys_user_group assigned_to>sys_user watch_list work_notes* comments* correlation_id correlation_display close_code \
close_notes resolved_at@ resolved_by>sys_user closed_at@ closed_by>sys_user active? parent>incident parent_incident>incident problem_id made_sla? \
upon_approval approval knowledge? notify# escalation# reassignment_count# reopen_count# sys_class_name sys_domain sys_tags";

/// Tables every instance has, with their columns.
const TABLES: [(&str, &str); 21] = [
    ("incident", INCIDENT),
    (
        "sys_user",
        "name user_name first_name last_name email active? locked_out? password_needs_reset? web_service_access_only? \
internal_integration_user? identity_type failed_attempts# last_login_time@ user_password! time_zone roles",
    ),
    ("sys_user_group", "name description active? manager>sys_user"),
    ("sys_user_role", "name description"),
    ("sys_user_has_role", "user>sys_user role>sys_user_role inherited? state"),
    ("sys_choice", "label name element value language sequence# inactive?"),
    ("sys_properties", "name value description"),
    ("v_plugin", "name id active version"),
    ("sys_plugins", "name source id active version"),
    ("sys_scope", "name scope version"),
    ("sys_store_app", "name scope version latest_version update_available? active? vendor"),
    ("sys_app_version", "version source_app_id name"),
    (
        "oauth_entity",
        "name type client_id client_secret! redirect_url logo_url login_url active? access_token_lifespan# \
refresh_token_lifespan# token_format scope_restriction_status inbound_grant_type default_grant_type user>sys_user public_client? comments",
    ),
    ("oauth_entity_profile", "name oauth_entity>oauth_entity grant_type default?"),
    ("oauth_entity_scope", "name oauth_entity>oauth_entity oauth_entity_scope"),
    ("oauth_credential", "name type expires@ token_received@ user>sys_user peer>oauth_entity"),
    ("syslog", "message level source"),
    ("sys_journal_field", "name element element_id value"),
    ("cmdb_ci", "name sys_class_name operational_status#"),
    ("sys_rate_limit_rules", "name"),
    ("sys_attachment", "file_name table_name table_sys_id content_type size_bytes#"),
];

/// The connector's tables. Their physical names are not public: these follow the labels (see the README).
const CONNECTOR_TABLES: [(&str, &str); 5] = [
    ("x_cion_citrix_it_s_citrix_customers", "customer_id name region status"),
    ("x_cion_citrix_it_s_citrix_itsm_sites", "name customer>x_cion_citrix_it_s_citrix_customers site_id type enabled?"),
    ("x_cion_citrix_it_s_cvad_alert_policies", "name customer>x_cion_citrix_it_s_citrix_customers enabled?"),
    (
        "x_cion_citrix_it_s_citrix_alert",
        "description customer>x_cion_citrix_it_s_citrix_customers category sub_category type state priority \
condition comment trigger_value policy_name>x_cion_citrix_it_s_cvad_alert_policies site>x_cion_citrix_it_s_citrix_itsm_sites target \
incident>incident",
    ),
    (
        "x_cion_citrix_it_s_citrix_cloud_notification_policies",
        "name customer>x_cion_citrix_it_s_citrix_customers create_incident? enabled? \
priority severity title description policy_priority# service_now_action category impact",
    ),
];

/// Fills an empty instance.
pub(super) fn fill(glide: &mut Glide, now: DateTime<Utc>) {
    let stamp = glide_time(now);
    for (name, columns) in TABLES {
        glide.tables.insert(name.to_owned(), Table::new(name, columns));
    }
    for name in role::KNOWN {
        role::ensure(glide, name, &stamp);
    }
    users(glide, &stamp);
    oauth_clients(glide, &stamp);
    choice::fill(glide);
    others(glide, &stamp);
    refresh(glide);
}

fn users(glide: &mut Glide, stamp: &str) {
    for user in &seed::USERS {
        let id = seed::user_sys_id(&glide.name, user.user_name);
        let flag = |special: &str| if user.special == special { "true" } else { "false" };
        glide.put(
            "sys_user",
            &id,
            &[
                ("name", user.user_name),
                ("user_name", user.user_name),
                ("last_name", user.user_name),
                ("email", &format!("{}@example.org", user.user_name)),
                ("active", if user.special == "inactive" { "false" } else { "true" }),
                ("locked_out", flag("locked")),
                ("password_needs_reset", flag("reset")),
                ("web_service_access_only", flag("web_service")),
                ("internal_integration_user", "false"),
                ("failed_attempts", "0"),
                ("user_password", user.password),
                ("sys_created_on", stamp),
                ("sys_created_by", "admin"),
            ],
        );
        if let Some(id) = SysId::parse(&id) {
            role::grant(glide, id, user.roles, stamp);
        }
    }
}

fn oauth_clients(glide: &mut Glide, stamp: &str) {
    for client in seed::oauth_clients(&glide.name.clone()) {
        glide.put(
            "oauth_entity",
            &stable_hex32(&format!("entity {}", client.client_id)),
            &[
                ("name", &client.name),
                ("type", "client"),
                ("client_id", &client.client_id),
                ("client_secret", &client.client_secret),
                ("redirect_url", &client.redirect_url),
                ("active", "true"),
                ("access_token_lifespan", "1800"),
                ("refresh_token_lifespan", "8640000"),
                ("token_format", "opaque"),
                ("scope_restriction_status", "unrestricted"),
                ("public_client", "false"),
                ("sys_created_on", stamp),
                ("sys_created_by", "admin"),
            ],
        );
    }
}

fn others(glide: &mut Glide, stamp: &str) {
    for name in ["Service Desk", "Citrix Operations", "Network"] {
        glide.put(
            "sys_user_group",
            &stable_hex32(&format!("group {name}")),
            &[("name", name), ("active", "true"), ("sys_created_on", stamp)],
        );
    }
    for name in ["Citrix DaaS", "VDA-01"] {
        glide.put(
            "cmdb_ci",
            &stable_hex32(&format!("ci {name}")),
            &[("name", name), ("sys_class_name", "cmdb_ci_service"), ("sys_created_on", stamp)],
        );
    }
}

/// Writes the rows that follow from the switches: plug-ins, the connector, properties, close codes.
pub(super) fn refresh(glide: &mut Glide) {
    let switches = glide.switches.clone();
    for (id, name, is_active) in [
        ("com.snc.runbook_automation", "Orchestration", switches.orchestration_active),
        (
            "com.snc.runbook_automation.runtime",
            "Orchestration - Runtime",
            switches.orchestration_active || switches.orchestration_runtime_active,
        ),
        ("com.snc.platform.security.oauth", "OAuth 2.0", true),
        ("com.glide.continuousdelivery", "CI/CD", switches.cicd_active),
    ] {
        let active = if is_active { "active" } else { "inactive" };
        let row = [("name", name), ("id", id), ("source", id), ("active", active), ("version", "1.0.0")];
        glide.put("v_plugin", &stable_hex32(&format!("v_plugin {id}")), &row);
        glide.put("sys_plugins", &stable_hex32(&format!("sys_plugins {id}")), &row);
    }
    for (name, value) in [
        ("glide.buildname", build_name(&switches.build)),
        ("glide.buildtag", switches.build.clone()),
        ("glide.buildtag.last", switches.build.clone()),
        ("glide.war", format!("{}.zip", switches.build)),
        ("glide.oauth.inbound.ropc.grant_type.disabled", switches.ropc_disabled.to_string()),
        ("glide.oauth.inbound.client.credential.grant_type.enabled", switches.client_credentials_enabled.to_string()),
        ("glide.oauth.state.parameter.required", switches.state_required.to_string()),
        ("glide.rest.table_api.admin_only_sys_fields", switches.admin_only_sys_fields.to_string()),
        ("glide.invalid_query.returns_no_rows", switches.invalid_query_returns_no_rows.to_string()),
    ] {
        glide.put("sys_properties", &stable_hex32(&format!("property {name}")), &[("name", name), ("value", &value)]);
    }
    connector(glide);
    choice::close_codes(glide);
}

/// The connector's app rows and tables come and go with its version.
fn connector(glide: &mut Glide) {
    let switches = glide.switches.clone();
    let scope_row = stable_hex32("scope of the connector");
    for (table, id) in [("sys_store_app", seed::CONNECTOR_APP), ("sys_scope", scope_row.as_str())] {
        if let (Some(table), Some(id)) = (glide.tables.get_mut(table), SysId::parse(id)) {
            table.remove(id);
        }
    }
    let Some(version) = &switches.connector_version else {
        glide.tables.retain(|name, _| !name.starts_with("x_cion_citrix_it_s_"));
        return;
    };
    let name = "Citrix IT Service Management Connector";
    let has_update = (*version != switches.connector_latest_version).to_string();
    glide.put(
        "sys_store_app",
        seed::CONNECTOR_APP,
        &[
            ("name", name),
            ("scope", seed::CONNECTOR_SCOPE),
            ("version", version),
            ("latest_version", &switches.connector_latest_version),
            ("update_available", &has_update),
            ("active", if switches.connector_active { "true" } else { "false" }),
            ("vendor", "Citrix Systems"),
        ],
    );
    glide.put("sys_scope", &scope_row, &[("name", name), ("scope", seed::CONNECTOR_SCOPE), ("version", version)]);
    for (name, columns) in CONNECTOR_TABLES {
        glide.tables.entry(name.to_owned()).or_insert_with(|| Table::new(name, columns));
    }
}

/// `glide-zurich-07…` is the family Zurich.
fn build_name(build: &str) -> String {
    let mut name = build.split('-').nth(1).unwrap_or("").to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}
