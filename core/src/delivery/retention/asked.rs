//! Whose incidents are over: asked at the instance, because nobody tells when a person closes one.

use std::collections::{BTreeMap, HashSet};

use crate::{
    api::servicenow::Query,
    delivery::{deliver::Courier, incident::IncidentRow},
    error::Result,
    id::{CustomerId, DeliveryId, InstanceId},
    model::ConnectionStatus,
    store::{ConnectionFilter, DeliveryRecord},
};

/// Record ids of one question: as many as every gateway takes in an address.
const AT_ONCE: usize = 50;
/// Records that a list did not show, asked for one by one, in one turn: they were deleted or archived, or the user may
/// not see them.
const SINGLE: usize = 100;

/// What was asked in one turn.
#[derive(Default)]
pub(super) struct Asked {
    /// Accounts whose instance does not answer today.
    silent: HashSet<CustomerId>,
    singly: usize,
}

impl Asked {
    /// Those of one account whose incident is resolved, closed or gone. Where nobody can say, none.
    pub(super) async fn over(
        &mut self,
        courier: &Courier,
        customer: &CustomerId,
        records: &[&DeliveryRecord],
    ) -> HashSet<DeliveryId> {
        if records.is_empty() || self.silent.contains(customer) {
            return HashSet::new();
        }
        match self.ask(courier, customer, records).await {
            Ok(over) => over,
            Err(error) => {
                tracing::debug!(%customer, %error, "whether incidents are over could not be asked");
                self.silent.insert(customer.clone());
                HashSet::new()
            }
        }
    }

    async fn ask(
        &mut self,
        courier: &Courier,
        customer: &CustomerId,
        records: &[&DeliveryRecord],
    ) -> Result<HashSet<DeliveryId>> {
        let all = || records.iter().map(|record| record.delivery.id.clone()).collect();
        let filter = ConnectionFilter { customer_id: Some(customer.clone()), ..ConnectionFilter::default() };
        let connections = courier.store.connections(&filter, None, 100).await?;
        let registered = connections.into_iter().find(|row| row.value.status == ConnectionStatus::Registered);
        let Some(instance) = registered.map(|row| row.value.instance_id) else {
            // Nobody will ever ask again for an account that was removed; one that is there may register again.
            let is_gone = courier.store.account(customer).await?.is_none();
            return Ok(if is_gone { all() } else { HashSet::new() });
        };
        let words = courier.words(customer, &instance).await?;
        let mut over = HashSet::new();
        for records in records.chunks(AT_ONCE) {
            let mut found = found(courier, customer, &instance, records).await?;
            for record in records {
                let Some(incident) = &record.delivery.incident else { continue };
                let row = match found.remove(&incident.sys_id) {
                    None if self.singly < SINGLE => {
                        self.singly += 1;
                        courier.incident(customer, &instance, &incident.sys_id).await?
                    }
                    None => continue,
                    present => present,
                };
                // The same id may be another record where the account has gone since: then the incident is not there.
                let is_home = record.delivery.instance_id.as_ref() == Some(&instance);
                let present = row.filter(|row| is_home || row.correlation_id == record.delivery.correlation_id);
                if present.is_none_or(|row| words.is_ended(&row.state)) {
                    over.insert(record.delivery.id.clone());
                }
            }
        }
        Ok(over)
    }
}

/// The incidents of these deliveries that the instance shows, by their record ids.
async fn found(
    courier: &Courier,
    customer: &CustomerId,
    instance: &InstanceId,
    records: &[&DeliveryRecord],
) -> Result<BTreeMap<String, IncidentRow>> {
    let incidents = records.iter().filter_map(|record| record.delivery.incident.as_ref());
    let ids: Vec<&str> = incidents.map(|incident| incident.sys_id.as_str()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = Query::new().one_of("sys_id", &ids)?;
    let rows = courier.incidents(customer, instance, query, u32::try_from(ids.len()).unwrap_or(u32::MAX)).await?;
    Ok(rows.into_iter().map(|row| (row.sys_id.clone(), row)).collect())
}
