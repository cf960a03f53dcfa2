//! What a worker does daily: it probes the registrations that it works for, and removes what is over.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use super::{deliver::Courier, lease::HeldLease, retention::Keeper};
use crate::{
    config::Retention,
    error::Result,
    id::{CustomerId, InstanceId},
};

/// How long what a probe learned is believed.
const FRESH: TimeDelta = TimeDelta::hours(24);
/// Pause between two looks at whether a registration is due, and after a probe that failed.
const PAUSE: TimeDelta = TimeDelta::hours(1);
/// Probes at a time.
const AT_ONCE: usize = 4;

/// Does what was not done for a day, by whichever process.
pub(super) struct Daily {
    courier: Courier,
    /// Whether registrations are probed.
    probe: bool,
    keeper: Keeper,
    next: HashMap<(CustomerId, InstanceId), DateTime<Utc>>,
    under_way: JoinSet<()>,
}

impl Daily {
    pub(super) fn new(courier: Courier, probe: bool, retention: Retention) -> Self {
        let keeper = Keeper::new(courier.clone(), retention);
        Self { courier, probe, keeper, next: HashMap::new(), under_way: JoinSet::new() }
    }

    /// Starts on what is due, and waits for nothing.
    pub(super) fn look(&mut self, registered: &BTreeMap<InstanceId, Vec<CustomerId>>) {
        self.keeper.look();
        if self.probe {
            self.probe(registered);
        }
    }

    fn probe(&mut self, registered: &BTreeMap<InstanceId, Vec<CustomerId>>) {
        while self.under_way.try_join_next().is_some() {}
        let now = self.courier.chance.now();
        self.next.retain(|(customer, instance), _| {
            registered.get(instance).is_some_and(|customers| customers.contains(customer))
        });
        for (instance, customers) in registered {
            for customer in customers {
                if self.under_way.len() >= AT_ONCE {
                    return;
                }
                let pair = (customer.clone(), instance.clone());
                if self.next.get(&pair).is_some_and(|at| *at > now) {
                    continue;
                }
                self.next.insert(pair, now + PAUSE);
                let (courier, customer, instance) = (self.courier.clone(), customer.clone(), instance.clone());
                self.under_way.spawn(async move {
                    if let Err(error) = probe_if_due(&courier, &customer, &instance).await {
                        tracing::warn!(%customer, %instance, %error, "the daily probe did not work");
                    }
                });
            }
        }
    }

    /// Waits for what is under way: a probe that is broken off leaves its record open until the next one.
    pub(super) async fn end(mut self) {
        while self.under_way.join_next().await.is_some() {}
        self.keeper.end().await;
    }
}

async fn probe_if_due(courier: &Courier, customer: &CustomerId, instance: &InstanceId) -> Result<()> {
    if !is_due(courier, customer, instance).await? {
        return Ok(());
    }
    let name = format!("probe:{customer}:{instance}");
    let Some((held, _)) = HeldLease::take(&courier.store, &courier.chance, name, PAUSE).await? else { return Ok(()) };
    // Under the lease: whoever held it last may have done it.
    let done = match is_due(courier, customer, instance).await {
        Ok(true) => courier.probe(customer, instance).await.map(drop),
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    held.give_back().await;
    done
}

async fn is_due(courier: &Courier, customer: &CustomerId, instance: &InstanceId) -> Result<bool> {
    let last = courier.store.probe(customer, instance).await?;
    Ok(last.is_none_or(|last| last.value.probed_at + FRESH <= courier.chance.now()))
}
