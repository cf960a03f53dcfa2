use super::{Inner, next_page, page_size};
use crate::{
    error::{Error, ErrorKind, Result},
    model::{Instance, InstancePage},
};

/// Operations on ServiceNow instances. See [`Client::instances`](crate::Client::instances).
#[derive(Clone, Copy)]
pub struct Instances<'a>(pub(super) &'a Inner);

impl Instances<'_> {
    /// One instance, by its address.
    ///
    /// # Errors
    /// `not_found` when no connection was ever made with it, `invalid_input`, `store`.
    pub async fn get(self, instance_url: &str) -> Result<Instance> {
        self.0
            .run("instances.get", async {
                let id = self.0.instance(instance_url)?;
                let row = self.0.store.instance(&id).await?;
                row.map(|row| row.value).ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, format!("The adapter does not know the instance {id}."))
                        .remedy("Connect an account with it first.")
                })
            })
            .await
    }

    /// Instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn list(self, after: Option<&str>, limit: Option<u32>) -> Result<InstancePage> {
        self.0
            .run("instances.list", async {
                let limit = page_size(limit)?;
                let rows = self.0.store.instances(after, limit).await?;
                let items: Vec<Instance> = rows.into_iter().map(|row| row.value).collect();
                let next = next_page(&items, limit, |instance| instance.id.to_string());
                Ok(InstancePage { items, next })
            })
            .await
    }
}
