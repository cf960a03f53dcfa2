//! Rules of the incident table.

use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::record::{Row, SysId};
use super::table::Table;
use crate::http_message::Answer;

type Failure = Box<Answer>;

/// What an almost empty insert ends up with.
const DEFAULTS: [(&str, &str); 14] = [
    ("state", "1"),
    ("impact", "3"),
    ("urgency", "3"),
    ("severity", "3"),
    ("category", "inquiry"),
    ("approval", "not requested"),
    ("upon_approval", "proceed"),
    ("made_sla", "true"),
    ("active", "true"),
    ("knowledge", "false"),
    ("notify", "1"),
    ("escalation", "0"),
    ("reassignment_count", "0"),
    ("sys_class_name", "incident"),
];

/// Fills in what the platform decides about a new incident.
pub(super) fn prepare_insert(glide: &mut Glide, row: &mut Row, who: &Who, stamp: &str) -> Result<(), Failure> {
    let number = format!("INC{:07}", glide.next_number);
    glide.next_number += 1;
    let Some(table) = glide.table("incident") else { return Ok(()) };
    if table.value(row, "state").is_empty() {
        let mirrored = table.value(row, "incident_state").to_owned();
        table.put(row, "state", mirrored);
    }
    for (column, default) in DEFAULTS {
        if table.value(row, column).is_empty() {
            table.put(row, column, default);
        }
    }
    if table.value(row, "number").is_empty() {
        table.put(row, "number", number);
    }
    for (column, value) in [("opened_by", who.user_id.as_str()), ("opened_at", stamp), ("sys_domain", "global")] {
        if table.value(row, column).is_empty() {
            table.put(row, column, value.to_owned());
        }
    }
    let demanded = glide.switches.mandatory.iter().filter_map(|name| {
        let column = table.schema.find(name).and_then(|at| table.schema.column(at))?;
        table.value(row, name).trim().is_empty().then_some(column.label.as_str())
    });
    let missing: Vec<&str> = demanded.collect();
    if !missing.is_empty() {
        return Err(Box::new(envelope::data_policy(&missing)));
    }
    settle(glide, table, None, row, who, stamp)
}

/// Applies the rules of a change.
pub(super) fn prepare_update(
    glide: &Glide,
    old: &Row,
    row: &mut Row,
    journal: &[(String, String)],
    who: &Who,
    stamp: &str,
) -> Result<(), Failure> {
    let Some(table) = glide.table("incident") else { return Ok(()) };
    let before = table.value(old, "state");
    if matches!(before, "7" | "8") && !who.roles.is_admin() {
        return Err(Box::new(envelope::acl("Update")));
    }
    let mirrored = table.value(row, "incident_state");
    if mirrored != table.value(old, "incident_state") && table.value(row, "state") == before {
        let mirrored = mirrored.to_owned();
        table.put(row, "state", mirrored);
    }
    if table.value(row, "assignment_group") != table.value(old, "assignment_group")
        && table.value(row, "assigned_to") == table.value(old, "assigned_to")
    {
        table.put(row, "assigned_to", "");
    }
    // The caller's answer takes the incident off hold.
    let has_comment = journal.iter().any(|(element, _)| element == "comments");
    if has_comment
        && before == "3"
        && table.value(row, "state") == "3"
        && table.value(old, "caller_id") == who.user_id.as_str()
    {
        table.put(row, "state", "2");
    }
    if table.value(row, "state") != "3" {
        table.put(row, "hold_reason", "");
    }
    settle(glide, table, Some(old), row, who, stamp)
}

/// What holds for every incident that is written: mirrored state, priority, resolution, activity.
fn settle(
    glide: &Glide,
    table: &Table,
    old: Option<&Row>,
    row: &mut Row,
    who: &Who,
    stamp: &str,
) -> Result<(), Failure> {
    let state = table.value(row, "state").to_owned();
    let before = old.map_or("", |old| table.value(old, "state"));
    if state == "7" && before != "7" && glide.switches.close_needs_admin && !who.roles.has("itil_admin") {
        return Err(Box::new(envelope::acl(if old.is_some() { "Update" } else { "Insert" })));
    }
    if matches!(state.as_str(), "6" | "7") {
        let missing: Vec<&str> = ["close_code", "close_notes"]
            .into_iter()
            .filter(|column| table.value(row, column).trim().is_empty())
            .filter_map(|column| table.schema.find(column).and_then(|at| table.schema.column(at)))
            .map(|column| column.label.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(Box::new(envelope::data_policy(&missing)));
        }
    }
    table.put(row, "incident_state", state.clone());
    let priority = priority(table.value(row, "impact"), table.value(row, "urgency"));
    table.put(row, "priority", priority);
    if state != before {
        let reached = |row: &mut Row, at: &str, by: &str| {
            if table.value(row, at).is_empty() {
                table.put(row, at, stamp.to_owned());
                table.put(row, by, who.user_id.as_str().to_owned());
            }
        };
        match state.as_str() {
            "6" => reached(row, "resolved_at", "resolved_by"),
            "7" => reached(row, "closed_at", "closed_by"),
            "8" => {}
            _ if matches!(before, "6" | "7" | "8") => {
                for column in ["resolved_at", "resolved_by", "closed_at", "closed_by"] {
                    table.put(row, column, "");
                }
            }
            _ => {}
        }
        table.put(row, "active", if matches!(state.as_str(), "7" | "8") { "false" } else { "true" });
    }
    Ok(())
}

/// The platform's look-up; a priority in the body does not count.
fn priority(impact: &str, urgency: &str) -> &'static str {
    match (impact, urgency) {
        ("1", "1") => "1",
        ("1", "2") | ("2", "1") => "2",
        ("1", "3") | ("2", "2") | ("3", "1") => "3",
        ("2", "3") | ("3", "2") => "4",
        _ => "5",
    }
}

/// Copies In Progress and Resolved, and On Hold unless it waits for the caller, to the children of an incident.
pub(super) fn follow_parent(glide: &mut Glide, old: &Row, who: &Who, stamp: &str) {
    let Some(table) = glide.table("incident") else { return };
    let Some(row) = table.rows.get(&old.id) else { return };
    let value = |column: &str| table.value(row, column).to_owned();
    let state = value("state");
    let follows = match state.as_str() {
        "2" | "6" => true,
        "3" => value("hold_reason") != "1",
        _ => false,
    };
    if !follows || state == table.value(old, "state") {
        return;
    }
    let mut changes =
        vec![("state", state.clone()), ("incident_state", state.clone()), ("hold_reason", value("hold_reason"))];
    if state == "6" {
        changes.extend([
            ("close_code", value("close_code")),
            ("close_notes", value("close_notes")),
            ("resolved_at", stamp.to_owned()),
            ("resolved_by", who.user_id.as_str().to_owned()),
        ]);
    }
    changes.push(("sys_updated_on", stamp.to_owned()));
    let at = table.schema.find("parent_incident");
    let children: Vec<SysId> =
        at.and_then(|at| table.indexed(at, old.id.as_str())).map(<[SysId]>::to_vec).unwrap_or_default();
    let open: Vec<SysId> = children
        .into_iter()
        .filter(|id| table.rows.get(id).is_some_and(|row| !matches!(table.value(row, "state"), "6" | "7" | "8")))
        .collect();
    for id in open {
        glide.change("incident", id, &changes);
    }
}

#[cfg(test)]
mod tests {
    use super::priority;

    #[test]
    fn priority_follows_the_published_table() {
        let table = [["1", "2", "3"], ["2", "3", "4"], ["3", "4", "5"]];
        for (impact, line) in table.iter().enumerate() {
            for (urgency, expected) in line.iter().enumerate() {
                assert_eq!(priority(&(impact + 1).to_string(), &(urgency + 1).to_string()), *expected);
            }
        }
    }
}
