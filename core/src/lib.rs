#![doc = include_str!("../README.md")]

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();

mod api;
mod bounds;
mod client;
pub mod clock;
pub mod config;
mod delivery;
mod desk;
mod detached;
mod error;
mod event;
#[cfg(any(feature = "python", feature = "node", feature = "uniffi"))]
#[doc(hidden)]
pub mod ffi;
mod id;
#[cfg(feature = "log")]
pub mod log;
mod model;
mod oauth;
mod recent;
mod registration;
mod secret;
pub mod store;
pub mod transport;

pub use crate::{
    api::{citrix::egress_ranges, servicenow::Query},
    client::{
        Accounts, Alerts, Client, ClientBuilder, Connections, Events, Instances, JsonPage, JsonPages, Pages, Policies,
        Record, RecordPage, Records, Registrations, Sources, Webhooks,
    },
    config::{Config, Retention, StoreConfig},
    delivery::{WebhookMapping, Worker, map_webhook},
    desk::{OpenBrowser, SystemBrowser},
    error::{Error, ErrorInfo, ErrorKind, Result, Retry},
    event::{Observer, Subscription},
    id::{CustomerId, DeliveryId, InstanceId},
    model::*,
    secret::Secret,
};
