//! Which alert becomes which incident (see `README.md` beside this file): the policy of an account, compiled once and asked for every alert.
//!
//! Pure: it knows the alert and an instant, and neither the store nor the network. Nothing here fails when an alert
//! comes, because whatever can be wrong with a policy is found when it is saved.

mod book;
mod decision;
mod field;
mod matching;
mod template;
mod window;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

pub(crate) use self::{
    book::PolicyBook,
    decision::{Action, Decision, Group},
};
use self::{
    decision::{Grouper, weight},
    matching::Matcher,
    template::{Template, Templates},
    window::Window,
};
use crate::{
    error::{Error, Result},
    model::{Alert, DuringMaintenance, Policy, PolicyDecision, PolicyOutcome, PolicyStep, RuleAction, WhenRaisedAgain},
    transport::clean,
};

/// Longest document, in bytes.
const DOCUMENT: usize = 1024 * 1024;
/// Rules, and maintenance windows, of one policy.
const MOST: usize = 1000;
/// Longest name, and longest plain value, in characters.
const NAME: usize = 160;
/// Longest time between two work notes: a week.
const LONGEST_INTERVAL: u32 = 7 * 24 * 3600;

impl Policy {
    /// Reads a policy from its JSON document and checks all of it, as saving it does.
    ///
    /// # Errors
    /// `invalid_input`, with the place of the mistake: an unknown field, a template that cannot be used, a time zone
    /// that does not exist, a value out of bounds.
    pub fn from_json(document: &str) -> Result<Self> {
        let wrong = |what: String| {
            Error::invalid(format!("The policy cannot be read: {what}.")).remedy("Correct the document.")
        };
        if document.len() > DOCUMENT || !crate::transport::json_depth_ok(document.as_bytes()) {
            return Err(wrong(format!("it is longer than {DOCUMENT} bytes, or nested too deeply")));
        }
        // A list would be read as well, by the order of its values.
        if !document.trim_ascii_start().starts_with('{') {
            return Err(wrong("it is not an object".to_owned()));
        }
        let policy: Self = serde_json::from_str(document).map_err(|error| wrong(clean(&error.to_string(), 300)))?;
        PolicySet::compile(&policy)?;
        Ok(policy)
    }

    /// Decides as the adapter does, and says whether something comes of it; for measuring.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn decider(&self) -> Result<impl Fn(&Alert, DateTime<Utc>) -> bool + use<>> {
        let set = PolicySet::compile(self)?;
        Ok(move |alert: &Alert, now: DateTime<Utc>| set.decide(alert, now).action != Action::Ignore)
    }
}

/// A policy, ready to be asked.
#[derive(Debug)]
pub(crate) struct PolicySet {
    rules: Vec<Rule>,
    otherwise: Outcome,
    maintenance: Vec<Window>,
    templates: Templates,
}

#[derive(Debug)]
struct Rule {
    name: Arc<str>,
    when: Matcher,
    then: Outcome,
}

#[derive(Debug)]
struct Outcome {
    action: RuleAction,
    impact: Option<u8>,
    urgency: Option<u8>,
    assignment_group: Option<Arc<str>>,
    category: Option<Arc<str>>,
    caller: Option<Arc<str>>,
    short_description: Option<Template>,
    description: Option<Template>,
    work_note: Option<Template>,
    note_interval: Duration,
    resolve_on_end: bool,
    reopen: bool,
    group: Option<Grouper>,
}

impl PolicySet {
    /// # Errors
    /// `invalid_input`, with the name of the rule or window that is wrong, and why.
    pub(crate) fn compile(policy: &Policy) -> Result<Self> {
        if policy.rules.len() > MOST || policy.maintenance.len() > MOST {
            return Err(Error::invalid(format!("A policy has at most {MOST} rules and {MOST} maintenance windows.")));
        }
        let mut templates = Templates::new();
        let mut names = std::collections::HashSet::new();
        let mut rules = Vec::with_capacity(policy.rules.len());
        for (number, rule) in policy.rules.iter().enumerate() {
            let place = format!("rule {:?}", clean(&rule.name, 80));
            if rule.name.trim().is_empty() || rule.name.chars().count() > NAME || !names.insert(&rule.name) {
                let what = format!("its name is empty, longer than {NAME} characters, or given twice");
                return Err(at(&place, &Error::invalid(format!("{what}."))));
            }
            let when = Matcher::compile(&rule.when).map_err(|error| at(&place, &error))?;
            let then = Outcome::compile(&rule.then, &number.to_string(), &mut templates);
            let then = then.map_err(|error| at(&place, &error))?;
            rules.push(Rule { name: rule.name.as_str().into(), when, then });
        }
        let otherwise = Outcome::compile(&policy.otherwise, "otherwise", &mut templates);
        let otherwise = otherwise.map_err(|error| at("otherwise", &error))?;
        let maintenance = policy.maintenance.iter().map(|given| {
            Window::compile(given).map_err(|error| at(&format!("maintenance {:?}", clean(&given.name, 80)), &error))
        });
        Ok(Self { rules, otherwise, maintenance: maintenance.collect::<Result<_>>()?, templates })
    }

    /// What is to be done with an alert at this instant.
    pub(crate) fn decide(&self, alert: &Alert, now: DateTime<Utc>) -> Decision {
        let (rule, outcome) = self.outcome(alert);
        let name = rule.map(|rule| Arc::clone(&rule.name));
        let mut reason = match &name {
            Some(name) => format!("Rule {name:?} fits."),
            None => "No rule fits.".to_owned(),
        };
        let (mut action, mut opening_note) = match outcome.action {
            RuleAction::Incident => (Action::Incident, None),
            RuleAction::Ignore => (Action::Ignore, None),
        };
        if action == Action::Incident
            && let Some((window, until)) = self.window(alert, now)
        {
            action = match window.then {
                DuringMaintenance::Hold => Action::Hold(until),
                DuringMaintenance::Ignore => Action::Ignore,
                DuringMaintenance::Note => Action::Incident,
            };
            let during = format!("Maintenance {:?} is under way until {}.", window.name, shown(until));
            reason.push(' ');
            reason.push_str(&during);
            opening_note = (window.then == DuringMaintenance::Note).then_some(during);
        }
        // Texts are made for what becomes an incident, or may become one.
        let mut text = |template: &Option<Template>| {
            let template = template.as_ref().filter(|_| action != Action::Ignore)?;
            self.templates
                .render(template, alert)
                .map_err(|why| {
                    tracing::warn!(rule = name.as_deref(), "{why}");
                    reason.push(' ');
                    reason.push_str(&why);
                })
                .ok()
        };
        let (short_description, description) = (text(&outcome.short_description), text(&outcome.description));
        let work_note = text(&outcome.work_note);
        let (impact, urgency) = weight(alert.severity);
        Decision {
            action,
            impact: outcome.impact.unwrap_or(impact),
            urgency: outcome.urgency.unwrap_or(urgency),
            assignment_group: outcome.assignment_group.clone(),
            category: outcome.category.clone(),
            caller: outcome.caller.clone(),
            short_description,
            description,
            work_note,
            opening_note,
            group: outcome.group.as_ref().map(|group| group.group(name.as_deref(), alert)),
            note_interval: outcome.note_interval,
            resolve_on_end: outcome.resolve_on_end,
            reopen: outcome.reopen,
            rule: name,
            reason,
        }
    }

    /// The decision, with every rule and window that was looked at, in words.
    pub(crate) fn explain(&self, alert: &Alert, now: DateTime<Utc>) -> PolicyDecision {
        let step = |name: &str, miss: Option<String>, fits: String| {
            let matched = miss.is_none();
            PolicyStep { name: name.to_owned(), matched, reason: miss.unwrap_or(fits) }
        };
        let mut steps = Vec::new();
        for rule in &self.rules {
            let miss = rule.when.miss(alert).map(|miss| miss.to_string());
            let matched = miss.is_none();
            steps.push(step(&rule.name, miss, rule.when.to_string()));
            if matched {
                break;
            }
        }
        let makes_one = self.outcome(alert).1.action == RuleAction::Incident;
        for window in self.maintenance.iter().filter(|_| makes_one) {
            let open = window.open_until(now);
            let miss = match (window.when.miss(alert), open) {
                (Some(miss), _) => Some(miss.to_string()),
                (None, None) => Some("It is not open.".to_owned()),
                (None, Some(_)) => None,
            };
            let fits = open.map(|until| format!("It is open until {}.", shown(until))).unwrap_or_default();
            let matched = miss.is_none();
            steps.push(step(&window.name, miss, fits));
            if matched {
                break;
            }
        }
        self.decide(alert, now).shown(steps)
    }

    /// The rule that decides, if one fits, and what it says.
    fn outcome(&self, alert: &Alert) -> (Option<&Rule>, &Outcome) {
        let rule = self.rules.iter().find(|rule| rule.when.fits(alert));
        (rule, rule.map_or(&self.otherwise, |rule| &rule.then))
    }

    /// The first maintenance window that is open for the alert, and when it ends.
    fn window(&self, alert: &Alert, now: DateTime<Utc>) -> Option<(&Window, DateTime<Utc>)> {
        let mut fits = self.maintenance.iter().filter(|window| window.when.fits(alert));
        fits.find_map(|window| window.open_until(now).map(|until| (window, until)))
    }
}

/// The policy of an account that has none.
impl Default for PolicySet {
    fn default() -> Self {
        let outcome = Outcome {
            action: RuleAction::Incident,
            impact: None,
            urgency: None,
            assignment_group: None,
            category: None,
            caller: None,
            short_description: None,
            description: None,
            work_note: None,
            note_interval: Duration::from_secs(PolicyOutcome::default().note_interval_s.into()),
            resolve_on_end: true,
            reopen: true,
            group: None,
        };
        Self { rules: Vec::new(), otherwise: outcome, maintenance: Vec::new(), templates: Templates::new() }
    }
}

impl Outcome {
    fn compile(given: &PolicyOutcome, place: &str, templates: &mut Templates) -> Result<Self> {
        for (name, value) in [("impact", given.impact), ("urgency", given.urgency)] {
            if value.is_some_and(|value| !(1..=3).contains(&value)) {
                return Err(Error::invalid(format!("{name} must be 1, 2 or 3.")));
            }
        }
        if given.note_interval_s > LONGEST_INTERVAL {
            return Err(Error::invalid(format!("note_interval_s must be at most {LONGEST_INTERVAL}.")));
        }
        let plain = |name: &str, value: &Option<String>| -> Result<Option<Arc<str>>> {
            let Some(value) = value.as_deref() else { return Ok(None) };
            if value.trim().is_empty() || value.chars().count() > NAME || value.chars().any(char::is_control) {
                let what = format!("{name} is empty, longer than {NAME} characters, or holds a control character");
                return Err(Error::invalid(format!("{what}.")));
            }
            Ok(Some(value.into()))
        };
        let mut template = |name: &str, source: &Option<String>| {
            let add = |source: &String| templates.add(format!("{place}.{name}"), source);
            source.as_ref().map(add).transpose().map_err(|error| at(name, &error))
        };
        Ok(Self {
            action: given.action,
            impact: given.impact,
            urgency: given.urgency,
            assignment_group: plain("assignment_group", &given.assignment_group)?,
            category: plain("category", &given.category)?,
            caller: plain("caller", &given.caller)?,
            short_description: template("short_description", &given.short_description)?,
            description: template("description", &given.description)?,
            work_note: template("work_note", &given.work_note)?,
            note_interval: Duration::from_secs(given.note_interval_s.into()),
            resolve_on_end: given.resolve_on_end,
            reopen: given.when_raised_again == WhenRaisedAgain::Reopen,
            group: given.group.as_ref().map(Grouper::compile).transpose()?,
        })
    }
}

/// Says where in the document a mistake is.
fn at(place: &str, error: &Error) -> Error {
    let remedy = error.info().remedy;
    Error::invalid(format!("In {place}: {}", error.message())).remedy(remedy)
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
