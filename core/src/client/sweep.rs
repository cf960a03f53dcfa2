//! Checking all registrations: many instances at once, few calls to each.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::{Inner, Registrations};
use crate::{
    bounds::within,
    error::Result,
    id::{CustomerId, InstanceId},
    model::{CheckAll, CheckSummary, Checked, ConnectionStatus, Event, EventKind, InstanceHealth},
    store::{ConnectionFilter, PendingRevocation, Row},
};

/// Registrations checked at the same time, unless asked otherwise.
const CONCURRENCY: u32 = 16;
const MOST: u32 = 256;
/// Of one instance at the same time: accounts that share it must not make it throttle.
const PER_INSTANCE: usize = 4;
/// Connections read at a time.
const PAGE: u32 = 500;

impl Registrations<'_> {
    /// Checks every registration, of one account or of all, as [`Registrations::check`] does, and tells the progress
    /// by events of kind `progress`. Tokens that still wait to be revoked are tried again, too, when their instance's
    /// registrations are checked.
    ///
    /// # Errors
    /// `invalid_input`, `store`, `sealed`. What is wrong with one registration stands in the summary and does not
    /// stop the others.
    pub async fn check_all(self, request: CheckAll) -> Result<CheckSummary> {
        let inner = self.0;
        inner.run("registrations.check_all", inner.sweep(request)).await
    }
}

impl Inner {
    async fn sweep(self: &Arc<Self>, request: CheckAll) -> Result<CheckSummary> {
        let customer = request.customer_id.as_deref().map(CustomerId::parse).transpose()?;
        let concurrency = within("concurrency", request.concurrency, CONCURRENCY, MOST)?;
        let mut by_instance: BTreeMap<InstanceId, ToDo> = BTreeMap::new();
        for row in self.store.revocations(customer.as_ref(), u32::MAX).await? {
            by_instance.entry(row.value.instance_id.clone()).or_default().revocations.push(row);
        }
        let registrations = self.all_registrations(customer).await?;
        let total = registrations.len();
        for (customer, instance) in registrations {
            by_instance.entry(instance).or_default().customers.push(customer);
        }
        let places = Arc::new(Semaphore::new(concurrency as usize));
        let instances = stream::iter(by_instance.into_iter().map(|(instance, ToDo { customers, revocations })| {
            let (inner, places) = (Arc::clone(self), Arc::clone(&places));
            let revoked = revoke(Arc::clone(&inner), Arc::clone(&places), revocations);
            stream::iter(customers)
                .map(move |customer| look_once(Arc::clone(&inner), Arc::clone(&places), customer, instance.clone()))
                .buffer_unordered(PER_INSTANCE)
                .map(|checked| Ok(Some(checked)))
                // Last, so that a renewal that a check has asked for is not overtaken.
                .chain(stream::once(revoked).map(|revoked| revoked.map(|()| None)))
                .boxed()
        }));
        let mut checked = instances.flatten_unordered(None).boxed();
        let mut items = Vec::with_capacity(total);
        while let Some(one) = checked.next().await {
            let Some(one) = one? else { continue };
            let event = Event {
                customer_id: Some(one.customer_id.clone()),
                instance_id: Some(one.instance_id.clone()),
                ..Event::new(
                    EventKind::Progress,
                    format!("{} of {total} registrations are checked.", items.len() + 1),
                    self.chance.now(),
                )
            };
            self.observers.publish(&event);
            items.push(one);
        }
        items.sort_by(|a, b| (&a.customer_id, &a.instance_id).cmp(&(&b.customer_id, &b.instance_id)));
        let mut summary = CheckSummary { healthy: 0, unhealthy: 0, unauthorized: 0, failed: 0, items };
        for item in &summary.items {
            *match (&item.failure, item.status, item.health) {
                (Some(_), _, _) | (_, None | Some(ConnectionStatus::Unregistered), _) => &mut summary.failed,
                (None, Some(ConnectionStatus::Unauthorized), _) => &mut summary.unauthorized,
                (None, Some(ConnectionStatus::Registered), InstanceHealth::Available) => &mut summary.healthy,
                (None, Some(ConnectionStatus::Registered), _) => &mut summary.unhealthy,
            } += 1;
        }
        Ok(summary)
    }

    async fn all_registrations(&self, customer_id: Option<CustomerId>) -> Result<Vec<(CustomerId, InstanceId)>> {
        let filter = ConnectionFilter {
            customer_id,
            statuses: vec![ConnectionStatus::Registered, ConnectionStatus::Unauthorized],
            ..ConnectionFilter::default()
        };
        let mut all: Vec<(CustomerId, InstanceId)> = Vec::new();
        loop {
            let after = all.last().map(|(customer, instance)| (customer.as_str(), instance.as_str()));
            let rows = self.store.connections(&filter, after, PAGE).await?;
            let full = rows.len() == PAGE as usize;
            all.extend(rows.into_iter().map(|row| (row.value.customer_id, row.value.instance_id)));
            if !full {
                return Ok(all);
            }
        }
    }
}

/// What a sweep has to do at one instance.
#[derive(Default)]
struct ToDo {
    customers: Vec<CustomerId>,
    revocations: Vec<Row<PendingRevocation>>,
}

async fn revoke(inner: Arc<Inner>, places: Arc<Semaphore>, rows: Vec<Row<PendingRevocation>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    // As below.
    let _place = places.acquire().await.ok();
    inner.finish_rows(rows).await.map(drop)
}

async fn look_once(inner: Arc<Inner>, places: Arc<Semaphore>, customer: CustomerId, instance: InstanceId) -> Checked {
    // Never closed; without a place it would only be one too many.
    let _place = places.acquire().await.ok();
    let looked = async {
        inner.look_at(&customer, &instance).await?;
        match inner.store.connection(&customer, &instance).await? {
            Some(row) => inner.shown(row.value).await.map(Some),
            None => Ok(None),
        }
    };
    let (connection, failure) = match looked.await {
        Ok(connection) => (connection, None),
        Err(error) => (None, Some(error.operation("registrations.check_all").info())),
    };
    Checked {
        status: connection.as_ref().map(|connection| connection.status),
        health: connection.as_ref().map_or(InstanceHealth::Unknown, |connection| connection.health),
        days_left: connection.and_then(|connection| connection.grant).and_then(|grant| grant.days_left),
        customer_id: customer,
        instance_id: instance,
        failure,
    }
}
