use std::collections::HashMap;

use super::{Inner, next_page, page_size};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::{Connect, Connection, ConnectionPage, ConnectionStatus, Instance, InstanceHealth, Revocation, TestReport},
    registration::{Event, InstanceFacts, Payload, not_connected},
    store::ConnectionFilter,
};

/// Operations on connections. See [`Client::connections`](crate::Client::connections).
#[derive(Clone, Copy)]
pub struct Connections<'a>(pub(super) &'a Inner);

impl Connections<'_> {
    /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
    /// Connecting again tests again, and notes the secure client that was tested.
    ///
    /// # Errors
    /// `not_found` when the account was not added, `not_entitled` with what was found, `unauthorized`,
    /// `prerequisite_missing` when the instance's connector is known to be too old for another account,
    /// `invalid_input`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
    pub async fn connect(self, request: Connect) -> Result<Connection> {
        let inner = self.0;
        inner
            .run("connections.connect", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                let instance = inner.instance(&request.instance_url)?;
                inner.refuse_second_on_old_connector(&customer, &instance).await?;
                let payload = inner.tested_account(&customer, request.instance_name.clone()).await?;
                let applied = inner.driver.apply(&customer, &instance, Event::ConnectOk, payload).await?;
                inner.shown(applied.connection.ok_or_else(gone)?).await
            })
            .await
    }

    /// Does all that [`Connections::connect`] does, but saves nothing.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `prerequisite_missing` when the instance's connector is too old for a second account,
    /// `sealed`, `store`. What goes wrong at Citrix Cloud stands in the report.
    pub async fn test(self, request: Connect) -> Result<TestReport> {
        let inner = self.0;
        inner
            .run("connections.test", async {
                let customer = CustomerId::parse(&request.customer_id)?;
                let instance = inner.instance(&request.instance_url)?;
                inner.refuse_second_on_old_connector(&customer, &instance).await?;
                Ok(inner.inspect_account(&customer).await?.report)
            })
            .await
    }

    /// One connection.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `store`.
    pub async fn get(self, customer_id: &str, instance_url: &str) -> Result<Connection> {
        let inner = self.0;
        inner
            .run("connections.get", async {
                let customer = CustomerId::parse(customer_id)?;
                let instance = inner.instance(instance_url)?;
                let row = inner.store.connection(&customer, &instance).await?;
                inner.shown(row.ok_or_else(|| not_connected(&customer, &instance))?.value).await
            })
            .await
    }

    /// The Manage list: connections in the order of account and instance, of one account or of all. `after` is
    /// the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn list(
        self,
        customer_id: Option<&str>,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<ConnectionPage> {
        let inner = self.0;
        inner
            .run("connections.list", async {
                let limit = page_size(limit)?;
                let after = match after {
                    None => None,
                    Some(cursor) => {
                        let bad = || Error::invalid("after is not a cursor of this list.");
                        Some(cursor.split_once(' ').ok_or_else(bad)?)
                    }
                };
                let filter = ConnectionFilter {
                    customer_id: customer_id.map(CustomerId::parse).transpose()?,
                    ..ConnectionFilter::default()
                };
                let rows = inner.store.connections(&filter, after, limit).await?;
                let mut known: HashMap<InstanceId, Option<Instance>> = HashMap::new();
                let mut items = Vec::with_capacity(rows.len());
                for row in rows {
                    let id = row.value.instance_id.clone();
                    let instance = match known.get(&id) {
                        Some(instance) => instance.clone(),
                        None => {
                            let instance = inner.store.instance(&id).await?.map(|row| row.value);
                            known.insert(id, instance.clone());
                            instance
                        }
                    };
                    items.push(inner.shown_with(row.value, instance.as_ref()));
                }
                let next = next_page(&items, limit, |last| format!("{} {}", last.customer_id, last.instance_id));
                Ok(ConnectionPage { items, next })
            })
            .await
    }

    /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays.
    ///
    /// # Errors
    /// `not_found`, `invalid_input`, `store`. A failed revocation is not an error: it stands in the answer.
    pub async fn disconnect(self, customer_id: &str, instance_url: &str) -> Result<Revocation> {
        let inner = self.0;
        inner
            .run("connections.disconnect", async {
                let customer = CustomerId::parse(customer_id)?;
                let instance = inner.instance(instance_url)?;
                if inner.store.connection(&customer, &instance).await?.is_none() {
                    return Err(not_connected(&customer, &instance));
                }
                inner.end(&customer, &instance, Event::Decommission).await
            })
            .await
    }
}

impl Inner {
    /// Tests the account and packs what a connection needs to know.
    pub(super) async fn tested_account(&self, customer: &CustomerId, instance_name: Option<String>) -> Result<Payload> {
        if let Some(error) = self.inspect_account(customer).await?.failure {
            return Err(error);
        }
        let account = self.account(customer).await?.value;
        Ok(Payload {
            secure_client_id: Some(account.client_id),
            instance: InstanceFacts { name: instance_name, ..InstanceFacts::default() },
            ..Payload::default()
        })
    }

    async fn refuse_second_on_old_connector(&self, customer: &CustomerId, instance: &InstanceId) -> Result<()> {
        let Some(known) = self.store.instance(instance).await? else { return Ok(()) };
        if crate::model::serves_many(known.value.connector_version.as_deref()) {
            return Ok(());
        }
        let filter = ConnectionFilter {
            instance_id: Some(instance.clone()),
            statuses: vec![ConnectionStatus::Registered, ConnectionStatus::Unauthorized],
            ..ConnectionFilter::default()
        };
        let rows = self.store.connections(&filter, None, 2).await?;
        match rows.into_iter().find(|row| row.value.customer_id != *customer) {
            None => Ok(()),
            Some(other) => {
                let version = known.value.connector_version.unwrap_or_default();
                let by = other.value.customer_id;
                Err(Error::new(
                    ErrorKind::PrerequisiteMissing,
                    format!("The connector on {instance} is version {version} and serves the account {by} already."),
                )
                .remedy("Update the Citrix IT Service Management Connector on the instance to 22.3.0 or newer.")
                .with("occupied_by", by)
                .with("connector_version", version))
            }
        }
    }

    /// A connection with what is only known when it is read: health, name, days left.
    pub(super) async fn shown(&self, connection: Connection) -> Result<Connection> {
        let instance = self.store.instance(&connection.instance_id).await?.map(|row| row.value);
        Ok(self.shown_with(connection, instance.as_ref()))
    }

    fn shown_with(&self, mut connection: Connection, instance: Option<&Instance>) -> Connection {
        connection.health = instance.map_or(InstanceHealth::Unknown, |instance| instance.health);
        connection.instance_name = instance.and_then(|instance| instance.name.clone());
        if let Some(grant) = &mut connection.grant {
            let now = self.chance.now();
            grant.days_left = grant.expires_at.map(|end| i32::try_from((end - now).num_days()).unwrap_or(i32::MAX));
        }
        connection
    }
}

pub(super) fn gone() -> Error {
    Error::new(ErrorKind::Internal, "A saved connection is not there.")
}
