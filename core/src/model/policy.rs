//! What becomes of the alerts of an account. The policy is a JSON document, made to be kept in a file, reviewed and
//! compared; [`Policy`] is its shape.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::id::CustomerId;

/// What becomes of the alerts of an account: rules in their order, of which the first that fits decides.
///
/// The empty document `{}` is the default: every alert becomes an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The rules, at most 1,000.
    pub rules: Vec<PolicyRule>,
    /// What becomes of an alert that no rule fits.
    pub otherwise: PolicyOutcome,
    /// When incidents are held back, whatever the rules say; the first window that is open decides.
    pub maintenance: Vec<MaintenanceWindow>,
}

/// One rule: when, and what then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// Its name for people, unique within the policy.
    pub name: String,
    /// Which alerts it is for; all when left out.
    #[serde(default)]
    pub when: AlertMatch,
    /// What becomes of them.
    #[serde(default)]
    pub then: PolicyOutcome,
}

/// Which alerts are meant. What is left out does not matter; everything that is given must fit.
///
/// A text fits when it is equal to one of the given ones without regard to case; in them `*` stands for any number of
/// characters, and `?` for one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertMatch {
    /// Where the alert comes from, such as `monitor`.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// One of these severities.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Severity>,
    /// This severity or a worse one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity_at_least: Option<Severity>,
    /// The source's own priority, such as `urgent`.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<String>,
    /// The source's category.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// The component the alert is about.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub component: Vec<String>,
    /// The alert policy of Citrix that raised it.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
    /// What it was raised for: a machine, a delivery group, a user.
    #[serde(deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// Other fields that the source told, by name. A field that the alert lacks does not fit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Texts>,
}

/// One text or several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(#[serde(deserialize_with = "one_or_many")] pub Vec<String>);

/// What becomes of an alert.
///
/// The texts are templates: `{{ title }}` is replaced by the field of that name, `{{ fields.machine }}` by what the
/// source told under that name (nothing when it told none), and `{% if component %}…{% else %}…{% endif %}` chooses.
/// The fields are `customer_id`, `source`, `id`, `title`, `description`, `severity`, `state`, `priority`, `category`,
/// `component`, `policy`, `target`, `raised_at` and `fields`; the filters `upper`, `lower`, `capitalize`, `trim`,
/// `default`, `length` and `cut`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyOutcome {
    /// Whether it becomes an incident.
    pub action: RuleAction,
    /// Impact, 1 (high) to 3 (low); by severity when left out: critical and error 2, all else 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<u8>,
    /// Urgency, 1 (high) to 3 (low); by severity when left out: critical 1, error and warning 2, all else 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<u8>,
    /// Who works on it: name or `sys_id` of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment_group: Option<String>,
    /// The incident's category, a value of the instance's own list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// For whom the incident is: user name or `sys_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Template of the one-line text; the alert's title when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_description: Option<String>,
    /// Template of the long text; the alert's description when left out. Where the alert comes from always follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Template of the work note that is written when the alert changes or is announced again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_note: Option<String>,
    /// Shortest time between two such notes of one incident, in seconds (900).
    pub note_interval_s: u32,
    /// Whether the incident is resolved when the alert ends (yes).
    pub resolve_on_end: bool,
    /// What happens when an alert is raised again whose incident is resolved.
    pub when_raised_again: WhenRaisedAgain,
    /// Puts alerts of one cause under one incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Grouping>,
}

impl Default for PolicyOutcome {
    fn default() -> Self {
        Self {
            action: RuleAction::Incident,
            impact: None,
            urgency: None,
            assignment_group: None,
            category: None,
            caller: None,
            short_description: None,
            description: None,
            work_note: None,
            note_interval_s: 900,
            resolve_on_end: true,
            when_raised_again: WhenRaisedAgain::Reopen,
            group: None,
        }
    }
}

/// Whether an alert becomes an incident.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleAction {
    /// It does.
    #[default]
    Incident,
    /// It does not.
    Ignore,
}

/// What happens when an alert is raised again whose incident is resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhenRaisedAgain {
    /// The incident is opened again, where the instance and its people have not closed it.
    #[default]
    Reopen,
    /// A new incident is made and linked with the old one.
    NewIncident,
}

/// Puts alerts of one cause under one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// Names of the fields whose values make the cause, such as `policy` and `target`, or `fields.machine`.
    pub by: Vec<String>,
    /// How long after its first alert a group takes in others, in seconds, 1 to 604,800 (600).
    #[serde(default = "ten_minutes")]
    pub window_s: u32,
    /// Whether each alert has an incident of its own below the group's, which is its Parent and ends by itself; else the
    /// group's incident counts them.
    #[serde(default)]
    pub children: bool,
}

fn ten_minutes() -> u32 {
    600
}

/// A time of maintenance: weekly, once, or both, on the clocks of a time zone.
///
/// A window that begins in the hour that clocks skip begins when they have skipped it; one that begins in an hour
/// that comes twice begins with the first, and one that ends in it ends with the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceWindow {
    /// Its name for people.
    pub name: String,
    /// Which alerts it is for; all when left out.
    #[serde(default)]
    pub when: AlertMatch,
    /// IANA name of the time zone, such as `Europe/Berlin`.
    pub time_zone: String,
    /// Times that come every week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekly: Vec<WeeklyTime>,
    /// Times that come once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<SingleTime>,
    /// What becomes of the alerts (held until the end).
    #[serde(default)]
    pub then: DuringMaintenance,
}

/// A time that comes every week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeeklyTime {
    /// The days on which it begins, such as `sat`.
    #[serde(deserialize_with = "one_or_many")]
    pub days: Vec<Day>,
    /// When it begins, such as `22:00`.
    pub from: String,
    /// When it ends, such as `04:00`: on the day after when that is not later than `from`.
    pub until: String,
}

/// A time that comes once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleTime {
    /// When it begins, such as `2026-12-24T22:00`.
    pub from: String,
    /// When it ends, such as `2026-12-27T04:00`.
    pub until: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// What becomes of an alert that comes in a maintenance window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DuringMaintenance {
    /// It waits for the end of the window; one that has ended by then makes no incident.
    #[default]
    Hold,
    /// It makes no incident.
    Ignore,
    /// It makes an incident, with a note that names the window.
    Note,
}

/// The policy of an account, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct AccountPolicy {
    /// The account.
    pub customer_id: CustomerId,
    /// The policy as a JSON document, as it was set.
    pub document: String,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
}

/// What a policy does with an alert at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum PolicyAction {
    /// It becomes an incident.
    Incident,
    /// Nothing is made of it.
    Ignore,
    /// It waits for the end of a maintenance window, and is then decided again.
    Hold,
}

/// One line of the reasons for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct PolicyStep {
    /// Name of the rule or of the maintenance window that was looked at.
    pub name: String,
    /// Whether it fits the alert.
    pub matched: bool,
    /// Why, in one sentence.
    pub reason: String,
}

/// What a policy would do with an alert, and why. Nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct PolicyDecision {
    /// What would be done.
    pub action: PolicyAction,
    /// The rule that decides; none when no rule fits.
    pub rule: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
    /// Until when it would wait.
    pub hold_until: Option<DateTime<Utc>>,
    /// Impact, 1 to 3.
    pub impact: i32,
    /// Urgency, 1 to 3.
    pub urgency: i32,
    /// Who would work on it.
    pub assignment_group: Option<String>,
    /// The incident's category.
    pub category: Option<String>,
    /// For whom it would be.
    pub caller: Option<String>,
    /// The one-line text that the policy makes; none: the alert's title.
    pub short_description: Option<String>,
    /// The long text that the policy makes; none: the alert's description.
    pub description: Option<String>,
    /// The text of a work note that the policy makes.
    pub work_note: Option<String>,
    /// Shortest time between two work notes, in seconds.
    pub note_interval_s: i64,
    /// Whether the end of the alert resolves the incident.
    pub resolve_on_end: bool,
    /// Whether a resolved incident is opened again; else a new one is made.
    pub reopen: bool,
    /// Names the group that the alert belongs to: alerts with the same key have the same cause.
    pub group_key: Option<String>,
    /// How long the group takes in others, in seconds.
    pub group_window_s: Option<i64>,
    /// Whether the alert has an incident of its own below the group's.
    pub group_children: Option<bool>,
    /// Everything that was looked at, in its order.
    pub steps: Vec<PolicyStep>,
}

/// Reads one value, or a list of them.
fn one_or_many<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Either<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Either<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut many = Vec::new();
            while let Some(one) = list.next_element()? {
                many.push(one);
            }
            Ok(many)
        }
    }

    from.deserialize_any(Either(std::marker::PhantomData))
}
