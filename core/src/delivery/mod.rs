//! Alerts to incidents: accepted durably, delivered exactly once.

mod deliver;
mod incident;
mod key;
mod lease;
mod mapping;
mod policy;
mod source;
mod sweep;

pub use self::mapping::{WebhookMapping, map_webhook};
pub(crate) use self::{
    deliver::{Courier, accept},
    policy::{PolicyBook, PolicySet},
    source::webhook_alert,
    sweep::Sweeper,
};
