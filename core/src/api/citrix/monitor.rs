//! Monitor's `OData` service: alerts in the order in which they changed. (Citrix `DaaS`, "Monitor Service `OData` API".)
//!
//! One query at a time per customer; the caller sees to that. A page holds 100 records, and following its link with
//! `$skip` would lose what moves to the end meanwhile: the next page is asked for from the last change on instead, and
//! the link is followed only through records that changed at the same instant.

use ::http::StatusCode;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{CitrixCloud, Signed};
use crate::{
    error::{During, Error, ErrorKind, Result},
    id::CustomerId,
    model::Environment,
    secret::Secret,
    transport::{parse_json, transaction_id},
};

/// What is asked for with each alert.
const EXPAND: &str = "NotificationRule,NotificationTarget";

/// An alert as Monitor tells it. Enumerations are numbers on the wire, whose meaning is the order in the published
/// list; words are read as well.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MonitorAlert {
    pub(crate) id: String,
    pub(crate) lifecycle_state: Option<Value>,
    pub(crate) notification_priority: Option<Value>,
    pub(crate) notification_rule_id: Option<Value>,
    pub(crate) notification_target_id: Option<Value>,
    pub(crate) first_time_condition_true: Option<DateTime<Utc>>,
    pub(crate) first_time_notification_triggered: Option<DateTime<Utc>>,
    pub(crate) last_reannouncement_time: Option<DateTime<Utc>>,
    pub(crate) scope_entities: Option<Value>,
    pub(crate) modified_date: DateTime<Utc>,
    #[serde(default)]
    pub(crate) notification_rule: Option<MonitorRule>,
    #[serde(default)]
    pub(crate) notification_target: Option<MonitorTarget>,
}

/// The condition of an alert.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MonitorRule {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) notification_rule_group_id: Option<i64>,
}

/// What an alert is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MonitorTarget {
    pub(crate) notification_target_value: Option<String>,
    pub(crate) name: Option<String>,
}

/// An alert policy.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MonitorPolicy {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
}

/// One page, with the link to the next.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct MonitorPage<T> {
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    /// The link, once it is known to stay where it was asked.
    #[serde(skip)]
    pub(crate) next: Option<Url>,
}

impl CitrixCloud {
    /// The first page of the alerts that changed at this instant or later, oldest change first.
    ///
    /// # Errors
    /// `unauthorized` (with `token` = `rejected`), `forbidden`, `throttled`, and the kinds of the wire.
    pub(crate) async fn monitor_alerts(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        since: DateTime<Utc>,
    ) -> Result<MonitorPage<Value>> {
        let mut url = self.hosts.monitor(environment, "Notifications")?;
        let since = since.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        url.query_pairs_mut()
            .append_pair("$filter", &format!("ModifiedDate ge {since}"))
            .append_pair("$orderby", "ModifiedDate")
            .append_pair("$expand", EXPAND);
        self.monitor_page(&Signed { token, customer, environment }, url).await.during("citrix.monitor_alerts")
    }

    /// The page that a link of the page before names.
    ///
    /// # Errors
    /// As [`CitrixCloud::monitor_alerts`].
    pub(crate) async fn monitor_next(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        next: Url,
    ) -> Result<MonitorPage<Value>> {
        self.monitor_page(&Signed { token, customer, environment }, next).await.during("citrix.monitor_alerts")
    }

    /// The names of all alert policies.
    ///
    /// # Errors
    /// As [`CitrixCloud::monitor_alerts`].
    pub(crate) async fn monitor_policies(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
    ) -> Result<Vec<MonitorPolicy>> {
        let signed = Signed { token, customer, environment };
        let mut url = self.hosts.monitor(environment, "NotificationRuleGroups")?;
        url.query_pairs_mut().append_pair("$select", "Id,Name");
        let mut policies = Vec::new();
        for _ in 0..super::MAX_PAGES {
            let page: MonitorPage<MonitorPolicy> =
                self.monitor_page(&signed, url).await.during("citrix.monitor_policies")?;
            policies.extend(page.value);
            match page.next {
                Some(next) => url = next,
                None => return Ok(policies),
            }
        }
        Err(Error::new(ErrorKind::Protocol, "The list of alert policies does not end."))
    }

    async fn monitor_page<T: for<'de> Deserialize<'de>>(
        &self,
        signed: &Signed<'_>,
        url: Url,
    ) -> Result<MonitorPage<T>> {
        let response = self.get(signed, url.clone()).await?;
        if response.status != StatusCode::OK {
            return Err(Error::new(ErrorKind::Unavailable, "Monitor does not answer with data.")
                .with("status", response.status.as_u16())
                .transaction(transaction_id(&response.headers)));
        }
        let mut page: MonitorPage<T> = parse_json(&response)?;
        if let Some(link) = page.next_link.take() {
            let next = super::hosts::Hosts::linked(&url, &link).map_err(|error| {
                error.with("status", response.status.as_u16()).transaction(transaction_id(&response.headers))
            })?;
            page.next = Some(next);
        }
        Ok(page)
    }
}
