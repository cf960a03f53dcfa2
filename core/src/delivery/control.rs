//! Look-ups that prove themselves: every question for a key also asks for a record that is there.
//!
//! ```text
//! key = ours OR key = control ──► the control, and perhaps ours    the instance looked: "not there" means that
//!                             ──► neither ──► read the control by its record id
//!                                               ├─ it is there: the look-up is broken (T11), whatever it says
//!                                               └─ it is gone: nothing is proven; another one in an hour
//! ```
//!
//! An instance that drops a condition which it does not know, or does not let the user ask for, answers with other
//! records, or (`glide.invalid_query.returns_no_rows`) with none, which looks like "not there". The control is an incident
//! that this store knows the instance to have made for the same account, so it costs nothing but a second equality. Before
//! the first one there is none, and only a probe can tell.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{deliver::Courier, incident::IncidentRow, key::first_id_of};
use crate::{
    api::servicenow::Query,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::DeliveryStatus,
    store::DeliveryFilter,
};

/// How long a control is used before a younger one is looked for: instances archive old incidents.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How long it is believed that there is none yet.
const NONE_YET: TimeDelta = TimeDelta::minutes(1);
/// How far back one is looked for, nearest first.
const BACK: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::days(2), TimeDelta::days(60)];
/// Deliveries that are looked at for one.
const LOOKS: u32 = 10;

/// An incident that is known to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Control {
    sys_id: String,
    key: String,
}

/// What was chosen, and until when that is used.
#[derive(Debug, Clone)]
struct Chosen {
    until: DateTime<Utc>,
    /// None: it was gone, or there was none.
    control: Option<Control>,
}

type Known = HashMap<(CustomerId, InstanceId), Chosen>;

/// The controls in use; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Controls(Arc<Mutex<Known>>);

impl Controls {
    fn get(&self, pair: &(CustomerId, InstanceId), now: DateTime<Utc>) -> Option<Chosen> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(pair).filter(|chosen| now < chosen.until).cloned()
    }

    fn set(&self, pair: (CustomerId, InstanceId), until: DateTime<Utc>, control: Option<Control>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pair, Chosen { until, control });
    }
}

impl Courier {
    /// A control for look-ups of this account at this instance, if one is known.
    pub(super) async fn control(&self, customer: &CustomerId, instance: &InstanceId) -> Result<Option<Control>> {
        let (pair, now) = ((customer.clone(), instance.clone()), self.chance.now());
        if let Some(chosen) = self.controls.get(&pair, now) {
            return Ok(chosen.control);
        }
        let filter = DeliveryFilter { customer_id: Some(customer.clone()), statuses: vec![DeliveryStatus::Delivered] };
        for back in BACK {
            let rows = self.store.deliveries(&filter, Some(&first_id_of(now - back)), LOOKS).await?;
            let here =
                rows.into_iter().map(|row| row.value.delivery).find(|one| one.instance_id.as_ref() == Some(instance));
            if let Some((incident, key)) = here.and_then(|one| Some((one.incident?, one.correlation_id))) {
                let control = Control { sys_id: incident.sys_id, key };
                self.controls.set(pair, now + FRESH, Some(control.clone()));
                return Ok(Some(control));
            }
        }
        self.controls.set(pair, now + NONE_YET, None);
        Ok(None)
    }

    /// Takes the control out of the rows that were found for a key.
    ///
    /// # Errors
    /// `protocol` when nothing was found although the control is there; what reading it fails with.
    pub(super) async fn proven(
        &self,
        mut rows: Vec<IncidentRow>,
        control: Option<Control>,
        customer: &CustomerId,
        instance: &InstanceId,
    ) -> Result<Vec<IncidentRow>> {
        let Some(control) = control else { return Ok(rows) };
        if !rows.is_empty() {
            rows.retain(|row| row.correlation_id != control.key);
            return Ok(rows);
        }
        match self.incident(customer, instance, &control.sys_id).await? {
            Some(row) if row.correlation_id == control.key => {
                let text =
                    format!("The instance did not find incident {} by its key, although it is there.", row.number);
                Err(Error::new(ErrorKind::Protocol, text).with("look_up", "broken"))
            }
            _ => {
                self.controls.set((customer.clone(), instance.clone()), self.chance.now() + FRESH, None);
                Ok(rows)
            }
        }
    }
}

/// Asks for a key, and for the control.
pub(super) fn by_key(key: &str, control: Option<&Control>) -> Result<Query> {
    let query = Query::new().equals("correlation_id", key)?;
    match control {
        Some(control) => query.or_equals("correlation_id", &control.key),
        None => Ok(query),
    }
}
