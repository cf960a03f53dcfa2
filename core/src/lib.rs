#![doc = include_str!("../README.md")]

mod api;
mod client;
pub mod clock;
pub mod config;
mod delivery;
mod error;
mod event;
mod id;
mod model;
mod oauth;
mod registration;
mod secret;
pub mod store;
pub mod transport;

pub use crate::{
    api::{citrix::egress_ranges, servicenow::Query},
    client::{
        Accounts, Alerts, Client, ClientBuilder, Connections, Events, Instances, Pages, Record, Records, Registrations,
    },
    config::{Config, StoreConfig},
    error::{Error, ErrorInfo, ErrorKind, Result, Retry},
    event::Observer,
    id::{CustomerId, DeliveryId, InstanceId},
    model::*,
    secret::Secret,
};
