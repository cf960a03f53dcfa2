//! The state of Citrix Cloud: accounts, tokens, jobs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::{Account, SecureClient, Service, Site};
use super::job::Job;
use super::monitor;
use crate::chance::{Chance, stable_guid};
use crate::gate::BusyBoard;
use crate::http_message::Ask;
use crate::lock::lock;
use crate::seed;
use crate::system::Spoil;

/// What Citrix Cloud does where public sources leave it open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each one is a switch of its own, named in the control API")]
pub struct CitrixSwitches {
    /// Seconds a token lives.
    pub token_lifetime_s: i64,
    /// Status when the client id belongs to another customer than the path names.
    pub foreign_client_status: u16,
    /// Status when the token call has the wrong media type.
    pub wrong_media_type_status: u16,
    /// Whether the token call needs an `Accept` header that allows JSON.
    pub token_needs_accept: bool,
    /// Whether the legacy answer for Gov has the keys `Token`, `Principal`, `UserId`, `CustomerId`, `ExpiresAt`.
    pub gov_token_pascal_case: bool,
    /// Whether `me` prints bare clock times, as the walkthrough does, instead of RFC 3339.
    pub me_clock_times: bool,
    /// How many polls a job needs until it is done.
    pub job_polls: u32,
    /// Whether a 307 is sent when the `Host` belongs to another region than the customer's.
    pub regional_redirect: bool,
    /// How often a webhook callback is tried.
    pub webhook_attempts: u32,
    /// Whether an unknown resource location answers 204 (as seen) or 404.
    pub resource_location_204: bool,
    /// Shape of the answer to deleting a missing administrator: 404, 500 or 400.
    pub missing_delete_status: u16,
}

impl Default for CitrixSwitches {
    fn default() -> Self {
        Self {
            token_lifetime_s: 3600,
            foreign_client_status: 400,
            wrong_media_type_status: 415,
            token_needs_accept: true,
            gov_token_pascal_case: true,
            me_clock_times: false,
            job_polls: 2,
            regional_redirect: true,
            webhook_attempts: 1,
            resource_location_204: true,
            missing_delete_status: 404,
        }
    }
}

/// A token that was handed out.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) customer_id: String,
    pub(crate) client_id: String,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) is_revoked: bool,
}

/// The changeable part.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) jobs: HashMap<String, Job>,
    pub(crate) switches: CitrixSwitches,
}

/// Citrix Cloud.
pub(crate) struct Citrix {
    state: Mutex<State>,
    pub(crate) monitor_queries: BusyBoard,
}

impl Citrix {
    pub(crate) fn new(chance: &Chance, now: DateTime<Utc>) -> Self {
        let citrix = Self { state: Mutex::default(), monitor_queries: BusyBoard::default() };
        citrix.reset(chance, now);
        citrix
    }

    /// Back to the seed.
    pub(crate) fn reset(&self, _chance: &Chance, now: DateTime<Utc>) {
        let mut accounts: BTreeMap<String, Account> =
            seed::ACCOUNTS.iter().map(|seed| (seed.customer_id.to_owned(), Account::from_seed(seed, now))).collect();
        accounts.insert(seed::ON_PREMISES_CUSTOMER.to_owned(), Account::on_premises(now));
        *lock(&self.state) = State { accounts, ..State::default() };
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn knows(&self, customer: &str) -> bool {
        self.state().accounts.contains_key(customer)
    }

    /// Expires or revokes the token of a request.
    pub(crate) fn spoil_presented(&self, ask: &Ask, how: Spoil, now: DateTime<Utc>) {
        let presented =
            ask.header("authorization").and_then(|text| text.split_once('=')).map(|(_, token)| token.trim());
        let mut state = self.state();
        if let Some(token) = presented.and_then(|token| state.tokens.get_mut(token)) {
            spoil(token, how, now);
        }
    }

    /// Expires every token of a customer; returns how many.
    pub(crate) fn expire_tokens(&self, customer: &str, now: DateTime<Utc>) -> usize {
        let mut state = self.state();
        let mut count = 0;
        for token in state.tokens.values_mut().filter(|token| token.customer_id == customer) {
            spoil(token, Spoil::Expire, now);
            count += 1;
        }
        count
    }

    /// Changes switches by name.
    ///
    /// # Errors
    /// A sentence saying which switch or value is wrong.
    pub(crate) fn patch_switches(&self, change: &Value) -> Result<Value, String> {
        let mut state = self.state();
        let mut merged = serde_json::to_value(&state.switches).map_err(|error| error.to_string())?;
        for (name, value) in change.as_object().ok_or("an object is needed")? {
            merged[name] = value.clone();
        }
        state.switches = serde_json::from_value(merged.clone()).map_err(|error| error.to_string())?;
        Ok(merged)
    }

    /// All accounts, or one, without secrets.
    pub(crate) fn describe(&self, customer: Option<&str>) -> Vec<Value> {
        let state = self.state();
        state
            .accounts
            .values()
            .filter(|account| customer.is_none_or(|wanted| account.customer_id == wanted))
            .map(describe)
            .collect()
    }

    /// Changes an account as the control API describes it.
    ///
    /// # Errors
    /// A sentence saying what was wrong with `change`.
    pub(crate) fn patch_account(&self, customer: &str, change: &Value, now: DateTime<Utc>) -> Result<Value, String> {
        let mut state = self.state();
        let account = state.accounts.get_mut(customer).ok_or_else(|| format!("no account {customer}"))?;
        let fields = change.as_object().ok_or("an object is needed")?;
        let mut edited = account.clone();
        for (name, value) in fields {
            patch_field(&mut edited, name, value, now)?;
        }
        *account = edited;
        Ok(describe(account))
    }
}

fn spoil(token: &mut Token, how: Spoil, now: DateTime<Utc>) {
    match how {
        Spoil::Expire => token.expires_at = now - TimeDelta::seconds(1),
        Spoil::Revoke => token.is_revoked = true,
    }
}

fn patch_field(account: &mut Account, name: &str, value: &Value, now: DateTime<Utc>) -> Result<(), String> {
    let wrong = || format!("bad value for {name}");
    let text = || value.as_str().map(str::to_owned).ok_or_else(wrong);
    let flag = || value.as_bool().ok_or_else(wrong);
    let number = || value.as_u64().ok_or_else(wrong);
    match name {
        "client_id" | "client_secret" | "secret" | "client_active" => {
            let client = account.clients.first_mut().ok_or("the account has no client")?;
            match name {
                "client_id" => client.client_id = text()?,
                "client_secret" | "secret" => client.client_secret = text()?,
                _ => client.active = flag()?,
            }
        }
        "clients" => {
            account.clients =
                serde_json::from_value::<Vec<SecureClient>>(value.clone()).map_err(|error| error.to_string())?;
        }
        "environment" => account.environment = text()?,
        "service_states" => {
            for (service, state) in value.as_object().ok_or_else(wrong)? {
                account.services.retain(|item| item.name != *service);
                if let Some(state) = state.as_str() {
                    account.services.push(Service::new(service, state));
                }
            }
        }
        "services" => account.services = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?,
        "sites" => {
            account.sites =
                value.as_array().ok_or_else(wrong)?.iter().map(|site| read_site(&account.customer_id, site)).collect();
        }
        "frozen" => {
            account.is_frozen = flag()?;
            account.is_activated = false;
            account.polls_left = account.thaw_polls;
        }
        "thaw_polls" | "frozen_polls" => {
            account.thaw_polls = u32::try_from(number()?).map_err(|_| wrong())?;
            account.polls_left = account.thaw_polls;
        }
        "monitor_query_ms" => account.monitor_query_ms = number()?,
        "alerts" => account.alerts = monitor::alerts_from(&account.customer_id, value, now).ok_or_else(wrong)?,
        "dismissed" => account.dismissed = serde_json::from_value(value.clone()).map_err(|_| wrong())?,
        "administrators" => account.administrators.clone_from(value.as_array().ok_or_else(wrong)?),
        other => return Err(format!("unknown field {other}")),
    }
    Ok(())
}

fn read_site(customer: &str, value: &Value) -> Site {
    let text = |key: &str, default: &str| value.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
    let name = text("name", "cloudxdsite");
    let id = text("id", &stable_guid(&format!("site {name} of {customer}")));
    let mut site = Site::new(id, &name, &text("edition", "Premium"));
    site.product_code = text("product_code", "XDT");
    site.version = text("version", "7.41");
    site.test_result = text("test_result", "Successful");
    site
}

/// The account without its secrets.
pub(crate) fn describe(account: &Account) -> Value {
    serde_json::json!({
        "customer_id": account.customer_id, "name": account.name, "environment": account.environment,
        "clients": account.clients.iter().map(|client| serde_json::json!({"client_id": client.client_id, "active": client.active})).collect::<Vec<_>>(),
        "services": account.services, "sites": account.sites, "frozen": account.is_frozen, "thaw_polls": account.thaw_polls,
        "alerts": account.alerts.len(), "notifications": account.notifications.len(), "subscriptions": account.subscriptions.len(),
    })
}
