//! What an instance calls the states of an incident, and its close codes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::deliver::Courier;
use crate::{
    api::servicenow::{Query, Select},
    error::{ErrorKind, Result},
    id::{CustomerId, InstanceId},
    oauth::Access,
};

/// How long the choices of an instance are believed.
const FRESH: Duration = Duration::from_secs(3600);
/// How long a list of close codes that shows none is believed: without one, hardly any incident can be resolved.
const DOUBTED: Duration = Duration::from_secs(60);
/// Close codes that tell of a cause that went away by itself, best first, over the generations of the list.
const CODES: [&str; 7] = [
    "Solution provided",
    "Solved (Permanently)",
    "Solved Remotely (Permanently)",
    "Resolved by caller",
    "Closed/Resolved by Caller",
    "Workaround provided",
    "Solved (Work Around)",
];
/// Columns that are read of a choice.
const CHOICE: [&str; 4] = ["value", "label", "language", "inactive"];

/// What an instance calls its states and close codes.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) in_progress: String,
    pub(super) resolved: String,
    /// None: there is no such state, or the list is hidden.
    pub(super) canceled: Option<String>,
    /// States that end an incident for good.
    pub(super) over: Vec<String>,
    /// None: the list is hidden or empty.
    pub(super) close_code: Option<String>,
}

/// Until when the words of an instance are believed, and what they are. What an account sees of them is a matter of
/// its own rights.
type Known = HashMap<(CustomerId, InstanceId), (DateTime<Utc>, Words)>;

/// The words of all instances, as their accounts read them; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices(Arc<Mutex<Known>>);

impl Choices {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the words read anew when they are needed next: the instance refused them.
    pub(super) fn forget(&self, customer: &CustomerId, instance: &InstanceId) {
        self.known().remove(&(customer.clone(), instance.clone()));
    }
}

#[derive(Debug, Deserialize)]
struct Choice {
    value: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    inactive: String,
}

impl Courier {
    pub(super) async fn words(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Words> {
        let (now, whose) = (self.chance.now(), (customer.clone(), instance.clone()));
        let known = self.choices.known().get(&whose).cloned();
        if let Some((_, words)) = known.filter(|(until, _)| now < *until) {
            return Ok(words);
        }
        let states = self.list(customer, instance, "state").await?;
        let codes = self.list(customer, instance, "close_code").await?;
        let words = Words::of(&states, &codes);
        let believed = if words.close_code.is_some() { FRESH } else { DOUBTED };
        self.choices.known().insert(whose, (now + believed, words.clone()));
        Ok(words)
    }

    async fn list(&self, customer: &CustomerId, instance: &InstanceId, element: &str) -> Result<Vec<Choice>> {
        let query = Query::new().equals("name", "incident")?.equals("element", element)?.order_by("sequence")?;
        let select = &Select::new("sys_choice", query, &CHOICE, 200);
        let ask = |access: Arc<Access>| async move { self.servicenow.query(&access, select).await };
        match self.tokens.with_access(customer, instance, ask).await {
            Ok(list) => Ok(list),
            // A list that may not be read: the usual words must do.
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl Words {
    /// Whether an incident in this state is resolved, or ended for good.
    pub(super) fn is_ended(&self, state: &String) -> bool {
        *state == self.resolved || self.over.contains(state)
    }

    fn of(states: &[Choice], codes: &[Choice]) -> Self {
        let usable = |choice: &&Choice| choice.inactive != "true" && matches!(choice.language.as_str(), "" | "en");
        let state = |label: &str| {
            let fits = |choice: &&Choice| choice.label.eq_ignore_ascii_case(label);
            states.iter().filter(usable).find(fits).map(|choice| choice.value.clone())
        };
        let canceled = ["Canceled", "Cancelled"].into_iter().find_map(state);
        let over = state("Closed").into_iter().chain(canceled.clone());
        let known = |code: &str| codes.iter().filter(usable).any(|choice| choice.value == code);
        let own = CODES.into_iter().find(|code| known(code)).map(str::to_owned);
        Self {
            in_progress: state("In Progress").or_else(|| state("Active")).unwrap_or_else(|| "2".to_owned()),
            canceled,
            resolved: state("Resolved").unwrap_or_else(|| "6".to_owned()),
            over: over.chain(["7".to_owned(), "8".to_owned()]).collect(),
            close_code: own.or_else(|| codes.iter().find(usable).map(|choice| choice.value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(labels: &[(&str, &str)]) -> Vec<Choice> {
        let choice = |(value, label): &(&str, &str)| Choice {
            value: (*value).into(),
            label: (*label).into(),
            language: "en".into(),
            inactive: "false".into(),
        };
        labels.iter().map(choice).collect()
    }

    #[test]
    fn the_words_come_from_the_instance_and_fall_back_to_the_usual_ones() {
        let own = Words::of(
            &choices(&[("2", "Active"), ("16", "Resolved"), ("17", "Closed")]),
            &choices(&[("x", "Other"), ("Solved (Permanently)", "Solved (Permanently)")]),
        );
        assert_eq!((own.resolved.as_str(), own.in_progress.as_str()), ("16", "2"));
        assert_eq!(own.close_code.as_deref(), Some("Solved (Permanently)"));
        assert!(own.over.contains(&"17".to_owned()));
        let unlike = Words::of(&[], &choices(&[("house_code", "House code")]));
        assert_eq!((unlike.resolved.as_str(), unlike.close_code.as_deref()), ("6", Some("house_code")));
        assert_eq!(Words::of(&[], &[]).close_code, None);
    }

    #[test]
    fn words_are_forgotten_for_one_account_only() -> Result<()> {
        let (one, other) = (CustomerId::parse("acmecorp0001")?, CustomerId::parse("globexcorp02")?);
        let instance = InstanceId::parse("https://dev1.service-now.com")?;
        let choices = Choices::default();
        for customer in [&one, &other] {
            let words = Words::of(&[], &[]);
            choices.known().insert((customer.clone(), instance.clone()), (DateTime::<Utc>::MAX_UTC, words));
        }
        choices.forget(&one, &instance);
        assert_eq!(choices.known().keys().collect::<Vec<_>>(), [&(other, instance)]);
        Ok(())
    }
}
