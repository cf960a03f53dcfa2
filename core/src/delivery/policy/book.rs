//! The policies of all accounts, compiled when they are first needed and again when they have changed.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::PolicySet;
use crate::{
    clock::Chance,
    error::{Error, ErrorKind, Result},
    id::CustomerId,
    model::Policy,
    recent::{MOMENT, Recent},
    store::Store,
};

/// Policies that are kept compiled; with more accounts than that, all are forgotten and compiled as needed.
const KEPT: usize = 10_000;

/// Gives out the policy of an account; cheap to clone.
#[derive(Clone)]
pub(crate) struct PolicyBook {
    policies: Arc<Shelf>,
    recent: Arc<Recent<CustomerId, Arc<PolicySet>>>,
}

struct Shelf {
    store: Arc<dyn Store>,
    default: Arc<PolicySet>,
    compiled: Mutex<HashMap<CustomerId, (i64, Arc<PolicySet>)>>,
}

impl fmt::Debug for PolicyBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyBook")
    }
}

impl PolicyBook {
    pub(crate) fn new(store: Arc<dyn Store>, chance: Chance) -> Self {
        let policies = Shelf { store, default: Arc::default(), compiled: Mutex::default() };
        Self { policies: Arc::new(policies), recent: Arc::new(Recent::new(chance, MOMENT)) }
    }

    /// The account's policy, or that of a moment ago where another process has changed it since.
    ///
    /// # Errors
    /// As [`PolicyBook::stored`].
    pub(crate) async fn of(&self, customer: &CustomerId) -> Result<Arc<PolicySet>> {
        let stored = || {
            let (policies, customer) = (Arc::clone(&self.policies), customer.clone());
            async move { policies.policy(&customer).await }
        };
        self.recent.get(customer, stored).await
    }

    /// A policy was changed here: from now on the new one counts.
    pub(crate) fn forget(&self, customer: &CustomerId) {
        self.recent.forget(customer);
    }

    /// The account's policy as it is stored now, whoever stored it; the default one when it has none.
    ///
    /// # Errors
    /// `store`; also for a policy that a newer version of this library has stored and this one cannot read.
    pub(crate) async fn stored(&self, customer: &CustomerId) -> Result<Arc<PolicySet>> {
        self.policies.policy(customer).await
    }
}

impl Shelf {
    async fn policy(&self, customer: &CustomerId) -> Result<Arc<PolicySet>> {
        let Some(row) = self.store.policy(customer).await? else { return Ok(Arc::clone(&self.default)) };
        if let Some((version, policy)) = self.compiled().get(customer)
            && *version == row.version
        {
            return Ok(Arc::clone(policy));
        }
        let compiled = Policy::from_json(&row.value.document).and_then(|policy| PolicySet::compile(&policy));
        let policy = Arc::new(compiled.map_err(|error| {
            Error::new(ErrorKind::Store, format!("The stored policy of {customer} cannot be used."))
                .remedy("Update the library, or set the policy again.")
                .because(error)
        })?);
        let mut all = self.compiled();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(customer.clone(), (row.version, Arc::clone(&policy)));
        Ok(policy)
    }

    fn compiled(&self) -> std::sync::MutexGuard<'_, HashMap<CustomerId, (i64, Arc<PolicySet>)>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
