//! Choice lists of the incident table.

use super::glide::Glide;
use super::profile::CloseCodes;
use super::record::SysId;
use crate::chance::stable_hex32;

const LISTS: [(&str, &[(&str, &str)]); 7] = [
    (
        "state",
        &[("1", "New"), ("2", "In Progress"), ("3", "On Hold"), ("6", "Resolved"), ("7", "Closed"), ("8", "Canceled")],
    ),
    ("impact", &[("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low")]),
    ("urgency", &[("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low")]),
    (
        "priority",
        &[("1", "1 - Critical"), ("2", "2 - High"), ("3", "3 - Moderate"), ("4", "4 - Low"), ("5", "5 - Planning")],
    ),
    (
        "hold_reason",
        &[("1", "Awaiting Caller"), ("3", "Awaiting Problem"), ("4", "Awaiting Vendor"), ("5", "Awaiting Change")],
    ),
    (
        "category",
        &[
            ("inquiry", "Inquiry / Help"),
            ("software", "Software"),
            ("hardware", "Hardware"),
            ("network", "Network"),
            ("database", "Database"),
        ],
    ),
    (
        "contact_type",
        &[("phone", "Phone"), ("email", "Email"), ("self-service", "Self-service"), ("monitoring", "Monitoring")],
    ),
];

const BEST_PRACTICE: [&str; 10] = [
    "Duplicate",
    "Known error",
    "No resolution provided",
    "Resolved by caller",
    "Resolved by change",
    "Resolved by problem",
    "Resolved by request",
    "Solution provided",
    "Workaround provided",
    "User error",
];

const CLASSIC: [&str; 7] = [
    "Solved (Work Around)",
    "Solved (Permanently)",
    "Solved Remotely (Work Around)",
    "Solved Remotely (Permanently)",
    "Not Solved (Not Reproducible)",
    "Not Solved (Too Costly)",
    "Closed/Resolved by Caller",
];

/// Every list but the close codes.
pub(super) fn fill(glide: &mut Glide) {
    for (element, list) in LISTS {
        for (n, (value, label)) in list.iter().enumerate() {
            one(glide, element, value, label, n);
        }
    }
    let states: Vec<_> = LISTS[0].1.to_vec();
    for (n, (value, label)) in states.into_iter().enumerate() {
        one(glide, "incident_state", value, label, n);
    }
}

/// The close codes of the generation.
pub(super) fn close_codes(glide: &mut Glide) {
    if let Some(table) = glide.tables.get_mut("sys_choice") {
        let old: Vec<SysId> =
            table.rows.values().filter(|row| table.value(row, "element") == "close_code").map(|row| row.id).collect();
        for id in old {
            table.remove(id);
        }
    }
    let codes: &[&str] = match glide.switches.close_codes {
        CloseCodes::Classic => &CLASSIC,
        CloseCodes::BestPractice => &BEST_PRACTICE,
    };
    for (n, code) in codes.iter().enumerate() {
        one(glide, "close_code", code, code, n);
    }
    glide.forget_choices();
}

fn one(glide: &mut Glide, element: &str, value: &str, label: &str, n: usize) {
    glide.put(
        "sys_choice",
        &stable_hex32(&format!("choice {element} {value}")),
        &[
            ("name", "incident"),
            ("element", element),
            ("value", value),
            ("label", label),
            ("language", "en"),
            ("sequence", &(n + 1).to_string()),
            ("inactive", "false"),
        ],
    );
}
