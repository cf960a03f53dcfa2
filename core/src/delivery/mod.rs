//! Alerts to incidents: accepted durably, delivered exactly once.

mod accept;
mod deliver;
mod drift;
mod group;
mod incident;
mod key;
mod lane;
mod lease;
mod life;
mod mapping;
mod pace;
mod policy;
mod source;
mod sweep;
mod worker;

pub(crate) use self::{
    accept::accept,
    deliver::Courier,
    drift::Drift,
    life::Choices,
    policy::{PolicyBook, PolicySet},
    source::webhook_alert,
    sweep::Sweeper,
    worker::Crew,
};
pub use self::{
    mapping::{WebhookMapping, map_webhook},
    worker::Worker,
};
