use super::{Inner, next_page, page_size};
use crate::{
    delivery::{Courier, WebhookMapping, accept, map_webhook, webhook_alert},
    error::{Error, ErrorKind, Result},
    id::{CustomerId, DeliveryId},
    model::{Alert, AlertState, Delivery, DeliveryPage, DeliveryStatus},
    secret::Secret,
    store::DeliveryFilter,
};

/// Alerts and their deliveries. See [`Client::alerts`](crate::Client::alerts).
#[derive(Clone, Copy)]
pub struct Alerts<'a>(pub(super) &'a Inner);

impl Alerts<'_> {
    /// Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
    /// (account, source, id) is the same delivery.
    ///
    /// # Errors
    /// `not_found` when the account was not added, `invalid_input`, `store`.
    pub async fn submit(self, alert: Alert) -> Result<Delivery> {
        let inner = self.0;
        inner.run("alerts.submit", accept(&*inner.store, &inner.chance, &inner.observers, alert)).await
    }

    /// Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
    /// notification. `authorization` is the value of that header of the callback, `expected` the value given as
    /// `authHeaders` when the webhook was made; with `expected` they must be equal (T17).
    ///
    /// # Errors
    /// `forbidden` when the authorization differs; `invalid_input` when the body is not a callback; `not_found`
    /// when its account was not added; `store`.
    pub async fn submit_webhook(
        self,
        body: &[u8],
        authorization: Option<&str>,
        expected: Option<&Secret>,
    ) -> Result<Option<Delivery>> {
        let inner = self.0;
        inner
            .run("alerts.submit_webhook", async {
                authorized(authorization, expected)?;
                match webhook_alert(body)? {
                    None => Ok(None),
                    Some(alert) => inner.take(alert).await,
                }
            })
            .await
    }

    /// Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
    /// account. `mapping` is a JSON document in the shape of [`WebhookMapping`]; without one, the body has the columns
    /// of the connector's table *Citrix Alert*. None when it tells of the end of an alert that nobody knows.
    /// `authorization` and `expected` as with [`Alerts::submit_webhook`].
    ///
    /// # Errors
    /// `forbidden` when the authorization differs; `invalid_input` when mapping or body cannot be used; `not_found`
    /// when the account was not added; `store`.
    pub async fn submit_mapped(
        self,
        customer_id: &str,
        body: &[u8],
        mapping: Option<&str>,
        authorization: Option<&str>,
        expected: Option<&Secret>,
    ) -> Result<Option<Delivery>> {
        let inner = self.0;
        inner
            .run("alerts.submit_mapped", async {
                authorized(authorization, expected)?;
                let mapping = mapping.map(WebhookMapping::from_json).transpose()?.unwrap_or_default();
                inner.take(map_webhook(&mapping, customer_id, body)?).await
            })
            .await
    }

    /// Delivers one alert now and gives it back with its incident. An outcome that is unknown (a lost answer,
    /// a gateway's page) is found out before anything is repeated, which can take as long as the instance may
    /// still be working. Delivering twice, or from two processes, makes one incident.
    ///
    /// # Errors
    /// `not_found`; `illegal_state` when the account is not registered; `outcome_unknown` when the instance
    /// cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
    pub async fn deliver(self, delivery_id: &str) -> Result<Delivery> {
        let inner = self.0;
        inner
            .run("alerts.deliver", async {
                let id = DeliveryId(delivery_id.to_owned());
                let row = inner.delivery(&id).await?;
                if row.status == DeliveryStatus::Delivered {
                    return Ok(row);
                }
                let (_, instance) = inner.registered(row.customer_id.as_str()).await?;
                inner.courier().deliver(&id, &instance).await
            })
            .await
    }

    /// One delivery.
    ///
    /// # Errors
    /// `not_found`, `store`.
    pub async fn get(self, delivery_id: &str) -> Result<Delivery> {
        self.0.run("alerts.get", self.0.delivery(&DeliveryId(delivery_id.to_owned()))).await
    }

    /// Deliveries in the order in which they were accepted, of one account or of all, in one of these statuses
    /// (empty: any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn list(
        self,
        customer_id: Option<&str>,
        statuses: &[DeliveryStatus],
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<DeliveryPage> {
        let inner = self.0;
        inner
            .run("alerts.list", async {
                let limit = page_size(limit)?;
                let filter = DeliveryFilter {
                    customer_id: customer_id.map(CustomerId::parse).transpose()?,
                    statuses: statuses.to_vec(),
                };
                let rows = inner.store.deliveries(&filter, after, limit).await?;
                let items: Vec<Delivery> = rows.into_iter().map(|row| row.value.delivery).collect();
                let next = next_page(&items, limit, |delivery| delivery.id.to_string());
                Ok(DeliveryPage { items, next })
            })
            .await
    }
}

/// The shared secret of a webhook, compared in constant time (T17).
fn authorized(authorization: Option<&str>, expected: Option<&Secret>) -> Result<()> {
    if expected.is_none_or(|expected| expected.matches(authorization.unwrap_or_default())) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "The callback does not carry the webhook's authorization.")
        .remedy("Check that the callback comes from Citrix Cloud, and the authHeaders of the subscription."))
}

impl Inner {
    /// Accepts what a webhook tells, but for the end of an alert that nobody knows.
    async fn take(&self, alert: Alert) -> Result<Option<Delivery>> {
        let customer = CustomerId::parse(&alert.customer_id)?;
        if alert.state == AlertState::Ended
            && self.store.delivery_of(&customer, &alert.source, &alert.id).await?.is_none()
        {
            return Ok(None);
        }
        accept(&*self.store, &self.chance, &self.observers, alert).await.map(Some)
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Delivery> {
        let row = self.store.delivery(id).await?;
        row.map(|row| row.value.delivery).ok_or_else(|| {
            let id = crate::transport::clean(id.as_str(), 80);
            Error::new(ErrorKind::NotFound, format!("There is no delivery {id}.")).remedy("List the deliveries.")
        })
    }

    fn courier(&self) -> Courier {
        Courier {
            store: self.store.clone(),
            chance: self.chance.clone(),
            observers: self.observers.clone(),
            servicenow: self.servicenow.clone(),
            tokens: self.tokens.clone(),
            policies: self.policies.clone(),
            transaction_limit: self.config.transaction_limit,
            total_timeout: self.config.total_timeout,
        }
    }
}
