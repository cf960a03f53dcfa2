//! The handle on a running simulator.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::announce;
use crate::citrix::{notification, webhook};
use crate::control;
use crate::fault::Fault;
use crate::http_message::Ask;
use crate::options::{InstanceOptions, Options};
use crate::request_log::LoggedRequest;
use crate::server;
use crate::system::{Spoil, System};
use crate::world::World;

/// A row of a table: raw values by column name. Columns that hold secrets are left out.
pub type Record = BTreeMap<String, String>;

/// Which tokens to expire or revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKind {
    /// Access tokens only.
    Access,
    /// Refresh tokens only.
    Refresh,
    /// Both.
    Both,
}

impl TokenKind {
    fn flags(self) -> (bool, bool) {
        (self != Self::Refresh, self != Self::Access)
    }
}

/// Citrix Cloud and ServiceNow on loopback. Everything ends when this is dropped or shut down.
pub struct Simulator {
    world: Arc<World>,
}

impl Simulator {
    /// Opens the listeners and fills everything with the seed. Needs a tokio runtime.
    ///
    /// # Errors
    /// When a port cannot be opened, or two instances have one name.
    pub async fn start(options: Options) -> io::Result<Self> {
        let world = Arc::new(World::new(&options));
        let (citrix, citrix_url) = server::listen(options.citrix_port).await?;
        let (control, control_url) = server::listen(options.control_port).await?;
        world.set_urls(citrix_url.clone(), control_url.clone());
        server::start(&world, System::Citrix, citrix, citrix_url);
        server::start(&world, System::Control, control, control_url);
        for instance in options.instances {
            control::add_instance(&world, instance).await?;
        }
        Ok(Self { world })
    }

    /// Base URL of all Citrix hosts.
    pub fn citrix_url(&self) -> String {
        self.world.citrix_url()
    }

    /// Base URL of an instance.
    pub fn instance_url(&self, name: &str) -> Option<String> {
        self.world.instance(name).map(|instance| instance.url())
    }

    /// Base URL of the control API.
    pub fn control_url(&self) -> String {
        self.world.control_url()
    }

    /// Addresses and seed as one JSON object: what the program prints.
    pub fn description(&self) -> Value {
        announce::describe(&self.world)
    }

    /// Answers one request without a socket, for a simulated network: `origin` is the URL of the system that is asked,
    /// `target` path and query. None when there is no such system, or a fault keeps the answer back.
    pub async fn answer(
        &self,
        method: http::Method,
        origin: &str,
        target: &str,
        headers: http::HeaderMap,
        body: bytes::Bytes,
    ) -> Option<http::Response<bytes::Bytes>> {
        let system = if origin == self.world.citrix_url() {
            System::Citrix
        } else {
            System::ServiceNow(self.world.instances().into_iter().find(|instance| instance.url() == origin)?)
        };
        let answer = server::direct(&self.world, &system, &Ask::new(method, target, headers, body, origin)).await?;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Some(response)
    }

    /// Adds an instance and returns its URL.
    ///
    /// # Errors
    /// When the port cannot be opened or the name is taken.
    pub async fn add_instance(&self, options: InstanceOptions) -> io::Result<String> {
        control::add_instance(&self.world, options).await
    }

    /// Sets a fault that waits for its request.
    pub fn fault(&self, fault: Fault) {
        self.world.faults.add(fault);
    }

    /// Removes all faults that still wait.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.world.log.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.world.log.clear();
    }

    /// All rows of a table, whatever any rule says; empty when instance or table do not exist.
    pub fn records(&self, instance: &str, table: &str) -> Vec<Record> {
        self.world.instance(instance).and_then(|instance| instance.records(table)).unwrap_or_default()
    }

    /// Puts a row into a table without asking any rule, and returns its `sys_id`. Missing tables and columns are made.
    pub fn put_record(&self, instance: &str, table: &str, record: &Record) -> Option<String> {
        let instance = self.world.instance(instance)?;
        Some(instance.put_record(table, record, &self.world.chance.hex32(), self.world.now()))
    }

    /// Takes a row out of a table without asking any rule, as an archive does; false when it is not there.
    pub fn remove_record(&self, instance: &str, table: &str, sys_id: &str) -> bool {
        self.world.instance(instance).is_some_and(|instance| instance.remove_record(table, sys_id))
    }

    /// The true causes behind opaque answers of an instance: rows of its system log.
    pub fn syslog(&self, instance: &str) -> Vec<Record> {
        self.records(instance, "syslog")
    }

    /// Changes switches of an instance by name, as `PATCH /instances/{name}` does.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn patch_instance(&self, name: &str, change: &Value) -> Result<Value, String> {
        self.world.instance(name).ok_or_else(|| format!("no instance {name}"))?.patch(change)
    }

    /// Changes a user of an instance: `password`, `roles`, or any column.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn patch_user(&self, instance: &str, user: &str, change: &Value) -> Result<Value, String> {
        let found = self.world.instance(instance).ok_or_else(|| format!("no instance {instance}"))?;
        found.patch_user(user, change, self.world.now())
    }

    /// Changes an OAuth client of an instance.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn patch_oauth_client(&self, instance: &str, client_id: &str, change: &Value) -> Result<Value, String> {
        self.world
            .instance(instance)
            .ok_or_else(|| format!("no instance {instance}"))?
            .patch_oauth_client(client_id, change)
    }

    /// Changes a Citrix account: secret, entitlement, sites, frozen state and so on.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn patch_account(&self, customer_id: &str, change: &Value) -> Result<Value, String> {
        self.world.citrix.patch_account(customer_id, change, self.world.now())
    }

    /// Changes switches of Citrix Cloud by name.
    ///
    /// # Errors
    /// A sentence saying what is wrong.
    pub fn patch_citrix(&self, change: &Value) -> Result<Value, String> {
        self.world.citrix.patch_switches(change)
    }

    /// Lets tokens of an instance expire, of one user or of all; returns how many.
    pub fn expire_tokens(&self, instance: &str, kind: TokenKind, user: Option<&str>) -> usize {
        self.spoil(instance, kind, user, Spoil::Expire)
    }

    /// Revokes tokens of an instance, of one user or of all; returns how many.
    pub fn revoke_tokens(&self, instance: &str, kind: TokenKind, user: Option<&str>) -> usize {
        self.spoil(instance, kind, user, Spoil::Revoke)
    }

    fn spoil(&self, instance: &str, kind: TokenKind, user: Option<&str>, how: Spoil) -> usize {
        let (access, refresh) = kind.flags();
        self.world
            .instance(instance)
            .and_then(|instance| instance.spoil_tokens(user, access, refresh, how, self.world.now()).ok())
            .unwrap_or(0)
    }

    /// Lets all tokens of a Citrix account expire; returns how many.
    pub fn expire_account_tokens(&self, customer_id: &str) -> usize {
        self.world.citrix.expire_tokens(customer_id, self.world.now())
    }

    /// Raises a Citrix Cloud notification and calls the webhooks that asked for it.
    pub fn notify(&self, customer_id: &str, body: &Value) -> Option<Value> {
        notification::raise(&self.world, customer_id, body)
    }

    /// Calls the webhooks of an account with any event; `changed` is the decoded `AfterChange`, or the `BeforeChange` of
    /// a `Delete`.
    pub fn publish(&self, customer_id: &str, event_type: &str, change_type: &str, changed: &Value) {
        webhook::publish(&self.world, customer_id, event_type, change_type, changed);
    }

    /// Moves the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// The instant both systems believe it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }

    /// Back to the seed: data, tokens, switches, faults, log and clock. Instances and addresses stay.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Waits until somebody asks the simulator to stop, through the control API or by [`Simulator::shutdown`].
    pub async fn stopped(&self) {
        let mut stopping = self.world.stopping();
        // The sender lives in the world that this handle holds.
        let _ = stopping.wait_for(|stop| *stop).await;
    }

    /// Closes all listeners and connections.
    pub async fn shutdown(self) {
        self.world.stop();
        for listener in self.world.take_listeners() {
            let _ = listener.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stop();
    }
}
