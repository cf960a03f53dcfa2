use std::collections::HashSet;

use super::{Inner, accounts::given};
use crate::{
    api::citrix::{NewSubscription, Subscription},
    error::{Error, ErrorKind, Result},
    id::CustomerId,
    model::{CreateWebhook, Webhook},
    transport::{Outcome, is_loopback},
};

/// Webhook subscriptions at Citrix Cloud. See [`Client::webhooks`](crate::Client::webhooks).
#[derive(Clone, Copy)]
pub struct Webhooks<'a>(pub(super) &'a Inner);

impl Webhooks<'_> {
    /// Subscribes to events of the account: Citrix Cloud will send them to the URL. Give each callback, with the
    /// authorization that you chose, to [`Alerts::submit_webhook`](crate::Alerts::submit_webhook).
    ///
    /// # Errors
    /// `not_found` when the account was not added; `invalid_input`; `outcome_unknown` when it may have been made and
    /// cannot be found; `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`.
    pub async fn create(self, request: CreateWebhook) -> Result<Webhook> {
        let inner = self.0;
        inner
            .run("webhooks.create", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                let url = callback_url(&request.url)?;
                if let Some(authorization) = &request.authorization {
                    given("authorization", authorization.expose())?;
                }
                let event_type = request.event_type.as_deref().unwrap_or("Notifications");
                let change_type = request.change_type.as_deref().unwrap_or("*");
                let description = request.description.as_deref().unwrap_or("ITSM Adapter");
                for (name, value) in
                    [("event_type", event_type), ("change_type", change_type), ("description", description)]
                {
                    given(name, value)?;
                }
                // Those that are there already: should the answer be lost, the new one is the one that is not here.
                let before: HashSet<String> =
                    inner.subscriptions(&customer).await?.into_iter().map(|one| one.id).collect();
                let subscription = &NewSubscription {
                    customer_id: customer.as_str(),
                    description,
                    url: &url,
                    auth_headers: request.authorization.as_ref().map(crate::Secret::expose),
                    change_type,
                    event_type,
                };
                match inner.subscribe(&customer, subscription).await {
                    Ok(made) => Ok(shown(&customer, made)),
                    Err((error, Outcome::NotDone)) => Err(error),
                    Err((error, Outcome::Unknown)) => {
                        let there = inner.subscriptions(&customer).await.map_err(|_| unknown(&error))?;
                        let ours = |one: &Subscription| !before.contains(&one.id) && one.url == url;
                        let made = there.into_iter().find(ours).ok_or_else(|| unknown(&error))?;
                        Ok(shown(&customer, made))
                    }
                }
            })
            .await
    }

    /// All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not told.
    ///
    /// # Errors
    /// `not_found` when the account was not added; `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`,
    /// `protocol`.
    pub async fn list(self, customer_id: &str) -> Result<Vec<Webhook>> {
        let work = async {
            let customer = CustomerId::parse(customer_id)?;
            let all = self.0.subscriptions(&customer).await?;
            Ok(all.into_iter().map(|one| shown(&customer, one)).collect())
        };
        self.0.run("webhooks.list", work).await
    }

    /// Ends a subscription. One that is gone already is no failure.
    ///
    /// # Errors
    /// As [`Webhooks::list`].
    pub async fn remove(self, customer_id: &str, webhook_id: &str) -> Result<()> {
        let inner = self.0;
        inner
            .run("webhooks.remove", async {
                let customer = &CustomerId::parse(customer_id)?;
                let id = webhook_id_of(webhook_id)?;
                let environment = inner.account(customer).await?.value.environment;
                let remove = |token: std::sync::Arc<crate::Secret>| async move {
                    inner.citrix.unsubscribe(&token, customer, environment, id).await
                };
                inner.tokens.with_token(customer, remove).await
            })
            .await
    }
}

/// The id as Citrix Cloud gives it, and nothing that could lead elsewhere (T12).
fn webhook_id_of(id: &str) -> Result<&str> {
    let is_id =
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    is_id.then_some(id).ok_or_else(|| {
        Error::invalid("The webhook id is not one that Citrix Cloud gives.").remedy("Take it from webhooks.list.")
    })
}

impl Inner {
    async fn subscriptions(&self, customer: &CustomerId) -> Result<Vec<Subscription>> {
        let environment = self.account(customer).await?.value.environment;
        let list = |token: std::sync::Arc<crate::Secret>| async move {
            self.citrix.subscriptions(&token, customer, environment).await
        };
        self.tokens.with_token(customer, list).await
    }

    /// Subscribes, with the renewal that every call has; a token that was just used for the list is good.
    async fn subscribe(
        &self,
        customer: &CustomerId,
        subscription: &NewSubscription<'_>,
    ) -> Result<Subscription, (Error, Outcome)> {
        let not_made = |error: Error| (error, Outcome::NotDone);
        let environment = self.account(customer).await.map_err(not_made)?.value.environment;
        let token = self.tokens.citrix(customer, None).await.map_err(not_made)?;
        self.citrix.subscribe(&token, customer, environment, subscription).await
    }
}

fn shown(customer: &CustomerId, made: Subscription) -> Webhook {
    Webhook {
        id: made.id,
        customer_id: customer.clone(),
        url: made.url,
        description: made.description.unwrap_or_default(),
        event_type: made.event_type.unwrap_or_default(),
        change_type: made.change_type.unwrap_or_default(),
    }
}

/// Where callbacks may be sent: the authorization goes with them, so `http` is for loopback only.
fn callback_url(text: &str) -> Result<String> {
    let refuse = || Error::invalid("The webhook's url must be an https URL without user info and fragment.");
    let url = url::Url::parse(given("url", text)?).map_err(|_| refuse())?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if !is_safe || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(refuse());
    }
    Ok(text.to_owned())
}

fn unknown(cause: &Error) -> Error {
    Error::new(ErrorKind::OutcomeUnknown, format!("Whether the webhook was made is not known: {}", cause.message()))
        .remedy("List the webhooks of the account in a while, and remove what is there twice.")
        .with("cause", cause.kind())
        .transaction(cause.transaction_id())
}
