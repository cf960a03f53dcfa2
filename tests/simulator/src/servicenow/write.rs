//! Table API writes: insert, update, delete.

use serde_json::{Map, Value};

use super::Moment;
use super::acl::{self, Wish};
use super::choice;
use super::client;
use super::credential;
use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::incident;
use super::instance::plain;
use super::list;
use super::profile::ClientSysId;
use super::record::{Row, SysId};
use super::rest;
use super::schema::Kind;
use crate::http_message::{Answer, Ask};

type Failure = Box<Answer>;

/// `POST /api/now/table/{t}`.
pub(super) fn insert(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, name: &str) -> Answer {
    match try_insert(glide, ask, moment, who, name) {
        Ok(id) => {
            let location = format!("{}/api/now/table/{name}/{}", moment.base, id.as_str());
            written(glide, ask, moment, who, name, id, 201).with("location", location)
        }
        Err(refusal) => *refusal,
    }
}

fn try_insert(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, name: &str) -> Result<SysId, Failure> {
    let table = glide.table(name).ok_or_else(|| Box::new(envelope::invalid_table(name)))?;
    let given = rest::object(ask)?;
    if !acl::may_write(who, table, Wish::Insert) {
        return Err(Box::new(envelope::acl(Wish::Insert.word())));
    }
    let id = choose_id(glide, moment, who, name, &given)?;
    let mut row = Row::new(id);
    let stamp = moment.stamp();
    let table = glide.table(name).ok_or_else(|| Box::new(envelope::invalid_table(name)))?;
    for (column, value) in [
        ("sys_created_by", who.user_name.clone()),
        ("sys_created_on", stamp.clone()),
        ("sys_updated_by", who.user_name.clone()),
        ("sys_updated_on", stamp.clone()),
        ("sys_mod_count", "0".to_owned()),
    ] {
        table.put(&mut row, column, value);
    }
    let journal = take_values(glide, ask, who, name, &mut row, &given);
    match name {
        "incident" => incident::prepare_insert(glide, &mut row, who, &stamp)?,
        "oauth_entity" => prepare_client(glide, &mut row, moment)?,
        _ => {}
    }
    if let Some(table) = glide.tables.get_mut(name) {
        table.insert(row);
    }
    after_write(glide, name, id, journal, who, moment);
    Ok(id)
}

/// The id of a new record: the client's, where the instance honours it.
fn choose_id(
    glide: &Glide,
    moment: &Moment<'_>,
    who: &Who,
    name: &str,
    given: &Map<String, Value>,
) -> Result<SysId, Failure> {
    let fresh = || SysId::parse(&moment.chance.hex32()).ok_or_else(|| Box::new(envelope::failure(500, "No id", None)));
    let given = given.get("sys_id").map(plain).filter(|given| !given.is_empty());
    let Some(given) = given else { return fresh() };
    if glide.switches.client_sys_id == ClientSysId::Refused {
        return Err(Box::new(envelope::acl(Wish::Insert.word())));
    }
    let Some(chosen) = SysId::parse(&given) else { return fresh() };
    let is_closed_to = glide.switches.admin_only_sys_fields && !who.roles.is_admin();
    match glide.switches.client_sys_id {
        ClientSysId::Refused | ClientSysId::Ignored => fresh(),
        ClientSysId::Honoured if is_closed_to => fresh(),
        ClientSysId::Honoured => {
            if glide.table(name).is_some_and(|table| table.rows.contains_key(&chosen)) {
                let detail = format!("Error during insert of {name}: Unique Key violation detected by database");
                return Err(Box::new(envelope::failure(
                    glide.switches.duplicate_sys_id_status,
                    "Operation Failed",
                    Some(&detail),
                )));
            }
            Ok(chosen)
        }
    }
}

/// System fields that the platform keeps up to date by itself.
const SYSTEM: [&str; 8] = [
    "sys_created_by",
    "sys_created_on",
    "sys_updated_by",
    "sys_updated_on",
    "sys_mod_count",
    "sys_class_name",
    "sys_domain",
    "sys_tags",
];

/// Takes the values of the body into the row; returns the journal entries. Unknown fields are ignored.
fn take_values(
    glide: &Glide,
    ask: &Ask,
    who: &Who,
    name: &str,
    row: &mut Row,
    given: &Map<String, Value>,
) -> Vec<(String, String)> {
    let mut journal = Vec::new();
    let Some(table) = glide.table(name) else { return journal };
    let input_display = ask.param("sysparm_input_display_value").as_deref() == Some("true");
    for (field, value) in given {
        let Some(at) = table.schema.find(field).filter(|_| field != "sys_id") else { continue };
        if SYSTEM.contains(&field.as_str()) && glide.switches.admin_only_sys_fields && !who.roles.is_admin() {
            continue;
        }
        let text = match value {
            Value::Object(object) => object.get("value").map(plain).unwrap_or_default(),
            other => plain(other),
        };
        match table.schema.column(at).map(|column| &column.kind) {
            Some(Kind::Journal) => {
                if !text.is_empty() {
                    journal.push((field.clone(), text));
                }
            }
            // Without display-value input a password is stored as it is, which no login will ever match.
            Some(Kind::Secret) if name == "sys_user" && !input_display => {
                row.set(at, format!("unusable:{}", text.len()));
            }
            Some(Kind::Reference(target)) => row.set(at, reference(glide, target, &text)),
            Some(Kind::Boolean) => row.set(at, if matches!(text.as_str(), "true" | "1") { "true" } else { "false" }),
            _ => row.set(at, text),
        }
    }
    journal
}

/// A reference sent as an id stays; one sent by its display value is looked up; anything else is dropped.
fn reference(glide: &Glide, target: &str, text: &str) -> String {
    if text.is_empty() || SysId::parse(text).is_some() {
        return text.to_owned();
    }
    let Some(table) = glide.table(target) else { return String::new() };
    let display = table.schema.column(table.schema.display).map_or("name", |column| &column.name);
    table.find(display, text).map(|row| row.id.as_str().to_owned()).unwrap_or_default()
}

/// `PUT` and `PATCH /api/now/table/{t}/{sys_id}`: both change only what is sent.
pub(super) fn update(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, name: &str, id: &str) -> Answer {
    match try_update(glide, ask, moment, who, name, id) {
        Ok(id) => written(glide, ask, moment, who, name, id, 200),
        Err(refusal) => *refusal,
    }
}

fn try_update(
    glide: &mut Glide,
    ask: &Ask,
    moment: &Moment<'_>,
    who: &Who,
    name: &str,
    id: &str,
) -> Result<SysId, Failure> {
    let table = glide.table(name).ok_or_else(|| Box::new(envelope::invalid_table(name)))?;
    let given = rest::object(ask)?;
    let old = SysId::parse(id)
        .and_then(|id| table.rows.get(&id))
        .filter(|row| acl::may_read(who, table, row, &glide.switches))
        .cloned()
        .ok_or_else(|| Box::new(envelope::no_record()))?;
    if !acl::may_write(who, table, Wish::Update) {
        return Err(Box::new(envelope::acl(Wish::Update.word())));
    }
    let mut row = old.clone();
    let journal = take_values(glide, ask, who, name, &mut row, &given);
    let stamp = moment.stamp();
    if name == "incident" {
        incident::prepare_update(glide, &old, &mut row, &journal, who, &stamp)?;
    }
    if let Some(table) = glide.tables.get_mut(name) {
        let count = table.value(&old, "sys_mod_count").parse::<u64>().unwrap_or(0) + 1;
        table.put(&mut row, "sys_mod_count", count.to_string());
        if !given.contains_key("sys_updated_by") || glide.switches.admin_only_sys_fields {
            table.put(&mut row, "sys_updated_by", who.user_name.clone());
        }
        table.put(&mut row, "sys_updated_on", stamp.clone());
        table.insert(row);
    }
    after_write(glide, name, old.id, journal, who, moment);
    if name == "incident" {
        incident::follow_parent(glide, &old, who, &stamp);
    }
    Ok(old.id)
}

/// `DELETE /api/now/table/{t}/{sys_id}`.
pub(super) fn delete(glide: &mut Glide, who: &Who, name: &str, id: &str) -> Answer {
    let Some(table) = glide.table(name) else { return envelope::invalid_table(name) };
    let row = SysId::parse(id)
        .and_then(|id| table.rows.get(&id))
        .filter(|row| acl::may_read(who, table, row, &glide.switches));
    let Some(id) = row.map(|row| row.id) else { return envelope::no_record() };
    if !acl::may_write(who, table, Wish::Delete) {
        return envelope::acl(Wish::Delete.word());
    }
    if let Some(table) = glide.tables.get_mut(name) {
        table.remove(id);
    }
    match name {
        "sys_user_has_role" | "sys_user_role" => glide.forget_roles(),
        "sys_choice" => glide.forget_choices(),
        "oauth_credential" => credential::deleted(glide, id),
        _ => {}
    }
    Answer::empty(204)
}

fn after_write(
    glide: &mut Glide,
    name: &str,
    id: SysId,
    journal: Vec<(String, String)>,
    who: &Who,
    moment: &Moment<'_>,
) {
    for (element, value) in journal {
        let entry = moment.chance.hex32();
        glide.put(
            "sys_journal_field",
            &entry,
            &[
                ("name", name),
                ("element", &element),
                ("element_id", id.as_str()),
                ("value", &value),
                ("sys_created_on", &moment.stamp()),
                ("sys_created_by", &who.user_name),
            ],
        );
    }
    match name {
        "sys_user_has_role" | "sys_user_role" => glide.forget_roles(),
        "sys_choice" => glide.forget_choices(),
        "sys_properties" => choice_of_property(glide),
        _ => {}
    }
}

/// A property written through the API changes the switch behind it.
fn choice_of_property(glide: &mut Glide) {
    let value = |name: &str| {
        let table = glide.table("sys_properties")?;
        Some(table.value(table.find("name", name)?, "value") == "true")
    };
    let found = [
        value("glide.oauth.inbound.ropc.grant_type.disabled"),
        value("glide.oauth.inbound.client.credential.grant_type.enabled"),
        value("glide.oauth.state.parameter.required"),
        value("glide.rest.table_api.admin_only_sys_fields"),
        value("glide.invalid_query.returns_no_rows"),
    ];
    let switches = &mut glide.switches;
    for (switch, value) in [
        &mut switches.ropc_disabled,
        &mut switches.client_credentials_enabled,
        &mut switches.state_required,
        &mut switches.admin_only_sys_fields,
        &mut switches.invalid_query_returns_no_rows,
    ]
    .into_iter()
    .zip(found)
    {
        *switch = value.unwrap_or(*switch);
    }
    choice::close_codes(glide);
}

/// A new OAuth client: unique name, generated id and secret, and the scope restriction of the generation.
fn prepare_client(glide: &Glide, row: &mut Row, moment: &Moment<'_>) -> Result<(), Failure> {
    let Some(table) = glide.table("oauth_entity") else { return Ok(()) };
    let name = table.value(row, "name");
    if name.is_empty() || table.find("name", name).is_some() {
        let detail = "Error during insert of oauth_entity: the name must be given and unique";
        return Err(Box::new(envelope::failure(403, "Operation Failed", Some(detail))));
    }
    let own_id = table.value(row, "client_id").to_owned();
    if own_id.is_empty() || client::find(glide, &own_id).is_some() {
        table.put(row, "client_id", moment.chance.hex32());
    }
    let restriction = if glide.switches.new_clients_scope_restricted { "securely_scoped" } else { "unrestricted" };
    for (column, default) in [
        ("type", "client".to_owned()),
        ("client_secret", moment.chance.noise(32)),
        ("active", "true".to_owned()),
        ("access_token_lifespan", "1800".to_owned()),
        ("refresh_token_lifespan", "8640000".to_owned()),
        ("token_format", "opaque".to_owned()),
        ("scope_restriction_status", restriction.to_owned()),
        ("public_client", "false".to_owned()),
    ] {
        if table.value(row, column).is_empty() {
            table.put(row, column, default);
        }
    }
    Ok(())
}

fn written(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who, name: &str, id: SysId, status: u16) -> Answer {
    glide.load_choices();
    let glide = &*glide;
    let Some(table) = glide.table(name) else { return envelope::invalid_table(name) };
    match table.rows.get(&id) {
        Some(row) => Answer::bytes(status, envelope::JSON, list::single(glide, ask, moment, who, table, row)),
        None => envelope::no_record(),
    }
}
