//! The notifications of a customer, as its administrators see them. (Citrix Cloud, "Notifications"; the list is known
//! from Citrix's own scripts only.)

use ::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{CitrixCloud, Signed};
use crate::{
    error::{During, Error, ErrorKind, Result},
    id::CustomerId,
    model::Environment,
    secret::Secret,
    transport::{parse_json, transaction_id},
};

/// A notification in the list. Every field may be missing; neither `eventId` nor `createdDate` is checked by Citrix.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListedNotification {
    pub(crate) publish_notification_id: Option<String>,
    /// Perhaps the same; nobody says that only one of them is there.
    pub(crate) id: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) created_date: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) component: Option<String>,
    pub(crate) severity: Option<Value>,
    pub(crate) priority: Option<Value>,
    pub(crate) content: Vec<ListedContent>,
}

/// A notification's text in one language.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListedContent {
    pub(crate) language_tag: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) detail_uri: Option<String>,
}

/// One page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationPage {
    pub(crate) items: Vec<Value>,
    #[serde(default)]
    pub(crate) continuation_token: Option<String>,
}

impl ListedNotification {
    /// When it was made, as its sender says.
    pub(crate) fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_date.as_deref().and_then(|date| date.parse().ok())
    }
}

impl CitrixCloud {
    /// A page of notifications; `after` is the continuation token of the page before.
    ///
    /// # Errors
    /// `unauthorized` (with `token` = `rejected`), `forbidden`, `throttled`, and the kinds of the wire.
    pub(crate) async fn notifications(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        after: Option<&str>,
    ) -> Result<NotificationPage> {
        let mut url = self.hosts.notifications(environment, customer)?;
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("continuationToken", after);
        }
        let response = self.get(&Signed { token, customer, environment }, url).await.during("citrix.notifications")?;
        if response.status != StatusCode::OK {
            return Err(Error::new(ErrorKind::Unavailable, "Citrix Cloud does not answer with notifications.")
                .with("status", response.status.as_u16())
                .transaction(transaction_id(&response.headers))
                .during("citrix.notifications"));
        }
        parse_json(&response).during("citrix.notifications")
    }
}
