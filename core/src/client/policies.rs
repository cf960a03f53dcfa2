use chrono::{DateTime, Utc};

use super::{Inner, accounts::about};
use crate::{
    delivery::PolicySet,
    error::{Error, ErrorKind, Result},
    id::CustomerId,
    model::{AccountPolicy, Alert, EventKind, Policy, PolicyDecision},
    registration::no_account,
    store::{Change, Put, Refusal},
};

/// What becomes of the alerts of an account. See [`Client::policies`](crate::Client::policies).
#[derive(Clone, Copy)]
pub struct Policies<'a>(pub(super) &'a Inner);

impl Policies<'_> {
    /// Sets the policy of an account, in place of the one it had. The document is JSON in the shape of [`Policy`];
    /// all of it is checked before it is stored, its templates and time zones included.
    ///
    /// # Errors
    /// `invalid_input`, with the place of the mistake; `not_found` when the account was not added; `store`.
    pub async fn set(self, customer_id: &str, document: &str) -> Result<AccountPolicy> {
        let inner = self.0;
        inner
            .run("policies.set", async {
                let customer = CustomerId::parse(customer_id)?;
                Policy::from_json(document)?;
                loop {
                    let replaces = inner.store.policy(&customer).await?.map(|row| row.version);
                    let updated_at = inner.chance.now();
                    let value =
                        AccountPolicy { customer_id: customer.clone(), document: document.to_owned(), updated_at };
                    let put = Change::Policy(Put { value: value.clone(), sealed: None, replaces });
                    if inner.changed(&customer, put, "The account's policy is set.").await? {
                        return Ok(value);
                    }
                }
            })
            .await
    }

    /// The policy of an account.
    ///
    /// # Errors
    /// `not_found` when it has none: its alerts all become incidents then; `invalid_input`, `store`.
    pub async fn get(self, customer_id: &str) -> Result<AccountPolicy> {
        let work = async {
            let customer = CustomerId::parse(customer_id)?;
            let row = self.0.store.policy(&customer).await?;
            row.map(|row| row.value).ok_or_else(|| none(&customer))
        };
        self.0.run("policies.get", work).await
    }

    /// Removes the policy of an account: from then on all its alerts become incidents.
    ///
    /// # Errors
    /// `not_found` when it has none; `invalid_input`, `store`.
    pub async fn remove(self, customer_id: &str) -> Result<()> {
        let inner = self.0;
        inner
            .run("policies.remove", async {
                let customer = CustomerId::parse(customer_id)?;
                loop {
                    let version = inner.store.policy(&customer).await?.ok_or_else(|| none(&customer))?.version;
                    let remove = Change::RemovePolicy { customer_id: customer.clone(), version };
                    if inner.changed(&customer, remove, "The account's policy is removed.").await? {
                        return Ok(());
                    }
                }
            })
            .await
    }

    /// Says what would be done with an alert at an instant (now), and why, rule by rule; does nothing. With a
    /// `document`, that policy is asked instead of the account's: to try it before it is set.
    ///
    /// # Errors
    /// `invalid_input` for a document that cannot be used, `store`.
    pub async fn explain(
        self,
        alert: Alert,
        at: Option<DateTime<Utc>>,
        document: Option<&str>,
    ) -> Result<PolicyDecision> {
        let inner = self.0;
        inner
            .run("policies.explain", async {
                let customer = CustomerId::parse(&alert.customer_id)?;
                let at = at.unwrap_or_else(|| inner.chance.now());
                match document {
                    Some(document) => Ok(PolicySet::compile(&Policy::from_json(document)?)?.explain(&alert, at)),
                    None => Ok(inner.policies.stored(&customer).await?.explain(&alert, at)),
                }
            })
            .await
    }
}

impl Inner {
    /// Commits a change of an account's policy; false when somebody else was faster.
    async fn changed(&self, customer: &CustomerId, change: Change, message: &str) -> Result<bool> {
        let event = about(customer, EventKind::AccountUpdated, message, self.chance.now());
        match self.store.commit(vec![change, Change::Event(event.clone())]).await {
            Ok(committed) => {
                self.policies.forget(customer);
                self.observers.publish_from(committed.first_event, vec![event]);
                Ok(true)
            }
            Err(Refusal::Conflict) => Ok(false),
            Err(Refusal::Failed(error)) => Err(error),
            Err(_) => Err(no_account(customer)),
        }
    }
}

fn none(customer: &CustomerId) -> Error {
    Error::new(ErrorKind::NotFound, format!("The account {customer} has no policy."))
        .remedy("Set one, or leave it: all its alerts become incidents.")
}
