//! Webhook subscriptions. (Citrix Cloud, "Event and webhook subscription"; listing and deleting are not documented,
//! and follow the pattern of the creation.)

use ::http::Method;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{CitrixCloud, Signed, envelope};
use crate::{
    error::{During, Error, ErrorKind, Result},
    id::CustomerId,
    model::Environment,
    secret::Secret,
    transport::{Outcome, Repeat, Response, Verdict, parse_json},
};

/// What a subscription is made of. It holds the secret that callbacks will carry, and is never printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSubscription<'a> {
    pub(crate) customer_id: &'a str,
    pub(crate) description: &'a str,
    pub(crate) url: &'a str,
    /// The value of the `Authorization` header of every callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_headers: Option<&'a str>,
    pub(crate) change_type: &'a str,
    pub(crate) event_type: &'a str,
}

/// A subscription as Citrix Cloud shows it. What it says of the authorization is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) change_type: Option<String>,
    #[serde(default)]
    pub(crate) event_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Listed {
    Items { items: Vec<Subscription> },
    Bare(Vec<Subscription>),
}

impl CitrixCloud {
    /// Makes a subscription. Not repeated when it may have been made.
    ///
    /// # Errors
    /// The kinds of every call with a token; the outcome says whether it may have been made.
    pub(crate) async fn subscribe(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        subscription: &NewSubscription<'_>,
    ) -> Result<Subscription, (Error, Outcome)> {
        let not_made = |error: Error| (error.during("citrix.subscribe"), Outcome::NotDone);
        let signed = Signed { token, customer, environment };
        let url = self.hosts.subscriptions(environment, customer, &[]).map_err(not_made)?;
        let body = serde_json::to_vec(subscription)
            .map_err(|_| not_made(Error::invalid("The subscription cannot be written as JSON.")))?;
        let answer = self.send(&signed, Method::POST, url, body.into(), Repeat::IfNotDone, envelope::judge).await;
        let answer = answer.map_err(|failure| (failure.error.during("citrix.subscribe"), failure.outcome))?;
        parse_json(&answer).map_err(|error| (error.during("citrix.subscribe"), Outcome::Unknown))
    }

    /// All subscriptions of the customer.
    ///
    /// # Errors
    /// The kinds of every call with a token.
    pub(crate) async fn subscriptions(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
    ) -> Result<Vec<Subscription>> {
        let url = self.hosts.subscriptions(environment, customer, &[])?;
        let signed = Signed { token, customer, environment };
        let answer = self.get(&signed, url).await.during("citrix.subscriptions")?;
        let (Listed::Items { items } | Listed::Bare(items)) = parse_json(&answer).during("citrix.subscriptions")?;
        Ok(items)
    }

    /// Removes a subscription. One that is gone already is no failure.
    ///
    /// # Errors
    /// The kinds of every call with a token.
    pub(crate) async fn unsubscribe(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        id: &str,
    ) -> Result<()> {
        let url = self.hosts.subscriptions(environment, customer, &[id])?;
        let signed = Signed { token, customer, environment };
        let removed = self.send(&signed, Method::DELETE, url, Bytes::new(), Repeat::Freely, judge_removal).await;
        match removed.map_err(Error::from) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done.map(drop).during("citrix.unsubscribe"),
        }
    }
}

/// The answer to a removal says nothing but its status.
fn judge_removal(response: &Response) -> Verdict {
    match response.status.as_u16() {
        204 => Verdict::Done,
        _ => envelope::judge_activation(response),
    }
}
