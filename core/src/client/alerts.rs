use std::sync::Arc;

use super::{Inner, next_page, page_size};
use crate::{
    config::Config,
    delivery::{Acceptance, Courier, Crew, Ring, WebhookMapping, Worker, map_webhook, webhook_alert},
    error::{Error, ErrorKind, Result},
    id::{CustomerId, DeliveryId},
    model::{Alert, AlertState, Delivery, DeliveryLag, DeliveryPage, DeliveryStatus, LaneLag, RunOptions},
    secret::Secret,
    store::DeliveryFilter,
};

/// Alerts and their deliveries. See [`Client::alerts`](crate::Client::alerts).
#[derive(Clone, Copy)]
pub struct Alerts<'a>(pub(super) &'a Arc<Inner>);

impl Alerts<'_> {
    /// Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
    /// (account, source, id) is the same delivery.
    ///
    /// # Errors
    /// `not_found` when the account was not added, `invalid_input`, `store`.
    pub async fn submit(self, alert: Alert) -> Result<Delivery> {
        let inner = self.0;
        inner.run("alerts.submit", async { inner.acceptance().accept(alert).await }).await
    }

    /// Takes many alerts and answers in their order; all share few disk flushes. Several states of one alert are taken
    /// in the order in which they stand here. When one of them is refused, the
    /// others are taken all the same: submitting all of them again is allowed, and adds nothing.
    ///
    /// # Errors
    /// Of the first alert that was refused, with `index` in its context; as [`Alerts::submit`].
    pub async fn submit_many(self, alerts: Vec<Alert>) -> Result<Vec<Delivery>> {
        let inner = self.0;
        inner
            .run("alerts.submit_many", async {
                let taken = inner.acceptance().accept_many(alerts).await.into_iter().enumerate();
                taken.map(|(index, one)| one.map_err(|error| error.with("index", index))).collect()
            })
            .await
    }

    /// Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or
    /// the client is closed, whoever holds it. Any number of workers may share one store; each instance has a lane of its own, so that
    /// one that is slow or down delays no other. Once a day, one of them removes what is over; see
    /// [`Retention`](crate::Retention).
    ///
    /// # Errors
    /// `invalid_input` for options out of bounds.
    pub async fn run(self, options: RunOptions) -> Result<Worker> {
        let inner = self.0;
        inner
            .run("alerts.run", async {
                let Config { probe, retention, .. } = &inner.config;
                let crew = Crew::new(inner.courier(), inner.bell.listen(), &options, *probe, retention.clone())?;
                Ok(crew.start(inner.ended.subscribe(), Arc::clone(inner)))
            })
            .await
    }

    /// Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells how
    /// many deliveries stand where. `give_up_after_ms` bounds the wait for an instance that is down. What is over is
    /// removed meanwhile, as by [`Alerts::run`].
    ///
    /// # Errors
    /// `invalid_input` for options out of bounds, `store`.
    pub async fn drain(self, options: RunOptions) -> Result<DeliveryLag> {
        let inner = self.0;
        inner
            .run("alerts.drain", async {
                let crew =
                    Crew::new(inner.courier(), inner.bell.listen(), &options, false, inner.config.retention.clone())?;
                crew.drain(inner.ended.subscribe()).await?;
                inner.lag(None).await
            })
            .await
    }

    /// How many deliveries stand where, of one account or of all. As cheap with a million as with one.
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn lag(self, customer_id: Option<&str>) -> Result<DeliveryLag> {
        let inner = self.0;
        inner
            .run("alerts.lag", async {
                let customer = customer_id.map(CustomerId::parse).transpose()?;
                inner.lag(customer.as_ref()).await
            })
            .await
    }

    /// Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. The
    /// dead letters are listed by [`Alerts::list`] with the status `dead`. One whose outcome was never found out is
    /// looked up first where it was sent, unless the account is registered with another instance by now.
    ///
    /// # Errors
    /// `not_found`, `store`.
    pub async fn replay(self, delivery_id: &str) -> Result<Delivery> {
        let inner = self.0;
        inner
            .run("alerts.replay", async {
                let replayed = inner.courier().replay(&DeliveryId(delivery_id.to_owned())).await?;
                inner.bell.ring(Ring::Accepted(replayed.customer_id.clone()));
                Ok(replayed)
            })
            .await
    }

    /// Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
    /// notification. `authorization` is the value of that header of the callback, `expected` the value given as
    /// `authorization` when the webhook was made (Citrix calls it `authHeaders`); with `expected` they must be equal
    /// (T17). `customer_id` is the account that the webhook was made for: with it a body that names another account is
    /// refused (T8). Without it the alert belongs to whichever account the body names.
    ///
    /// # Errors
    /// `forbidden` when the authorization differs, or the body names another account; `invalid_input` when the body is
    /// not a callback; `not_found` when its account was not added; `store`.
    pub async fn submit_webhook(
        self,
        body: &[u8],
        authorization: Option<&str>,
        expected: Option<&Secret>,
        customer_id: Option<&str>,
    ) -> Result<Option<Delivery>> {
        let inner = self.0;
        inner
            .run("alerts.submit_webhook", async {
                authorized(authorization, expected)?;
                let customer = customer_id.map(CustomerId::parse).transpose()?;
                match webhook_alert(body, customer.as_ref())? {
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
                let items: Vec<Delivery> = rows.into_iter().map(|row| *row.value.delivery).collect();
                let next = next_page(&items, limit, |delivery| delivery.id.to_string());
                Ok(DeliveryPage { items, next })
            })
            .await
    }
}

/// The shared secret of a webhook, compared in constant time (T17).
fn authorized(authorization: Option<&str>, expected: Option<&Secret>) -> Result<()> {
    // What was to be read from somewhere and was not there must not open the door.
    if expected.is_some_and(Secret::is_empty) {
        return Err(Error::invalid("The expected authorization is empty.").remedy(
            "Give the webhook's authorization as expected; leave it out only where somebody else has checked the callback.",
        ));
    }
    if expected.is_none_or(|expected| expected.matches(authorization.unwrap_or_default())) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, "The callback does not carry the webhook's authorization.").remedy(
        "Check that the callback comes from Citrix Cloud, and the authorization that its webhook was made with.",
    ))
}

impl Inner {
    pub(super) fn acceptance(&self) -> Acceptance {
        Acceptance {
            store: self.store.clone(),
            chance: self.chance.clone(),
            observers: self.observers.clone(),
            bell: self.bell.clone(),
        }
    }

    async fn lag(&self, customer: Option<&CustomerId>) -> Result<DeliveryLag> {
        let mut lag = DeliveryLag::default();
        for count in self.store.counts(customer).await? {
            let same = |lane: &LaneLag| lane.customer_id == count.customer_id && lane.instance_id == count.instance_id;
            if !lag.lanes.last().is_some_and(same) {
                lag.lanes.push(LaneLag {
                    customer_id: count.customer_id,
                    instance_id: count.instance_id,
                    pending: 0,
                    unknown: 0,
                    delivered: 0,
                    dead: 0,
                    ignored: 0,
                    grouped: 0,
                });
            }
            let Some(lane) = lag.lanes.last_mut() else { continue };
            let (of_all, of_lane) = match count.status {
                DeliveryStatus::Pending => (&mut lag.pending, &mut lane.pending),
                DeliveryStatus::Unknown => (&mut lag.unknown, &mut lane.unknown),
                DeliveryStatus::Delivered => (&mut lag.delivered, &mut lane.delivered),
                DeliveryStatus::Dead => (&mut lag.dead, &mut lane.dead),
                DeliveryStatus::Ignored => (&mut lag.ignored, &mut lane.ignored),
                DeliveryStatus::Grouped => (&mut lag.grouped, &mut lane.grouped),
            };
            *of_all += count.count;
            *of_lane += count.count;
        }
        let filter = DeliveryFilter {
            customer_id: customer.cloned(),
            statuses: vec![DeliveryStatus::Pending, DeliveryStatus::Unknown],
        };
        let oldest = self.store.deliveries(&filter, None, 1).await?.pop();
        lag.oldest_age_ms =
            oldest.map(|row| (self.chance.now() - row.value.delivery.accepted_at).num_milliseconds().max(0));
        Ok(lag)
    }

    /// Accepts what a webhook tells, but for the end of an alert that nobody knows.
    async fn take(&self, alert: Alert) -> Result<Option<Delivery>> {
        let customer = CustomerId::parse(&alert.customer_id)?;
        if alert.state == AlertState::Ended
            && self.store.delivery_of(&customer, &alert.source, &alert.id).await?.is_none()
        {
            return Ok(None);
        }
        self.acceptance().accept(alert).await.map(Some)
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Delivery> {
        let row = self.store.delivery(id).await?;
        row.map(|row| *row.value.delivery).ok_or_else(|| {
            let id = crate::transport::clean(id.as_str(), 80);
            Error::new(ErrorKind::NotFound, format!("There is no delivery {id}.")).remedy("List the deliveries.")
        })
    }

    pub(super) fn courier(&self) -> Courier {
        Courier {
            store: self.store.clone(),
            chance: self.chance.clone(),
            observers: self.observers.clone(),
            servicenow: self.servicenow.clone(),
            tokens: self.tokens.clone(),
            choices: self.choices.clone(),
            sights: self.sights.clone(),
            controls: self.controls.clone(),
            policies: self.policies.clone(),
            learned: self.learned.clone(),
            transaction_limit: self.config.transaction_limit,
            total_timeout: self.config.total_timeout,
        }
    }
}
