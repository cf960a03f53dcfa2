//! Alerts to incidents: accepted durably, delivered exactly once.

mod deliver;
mod incident;
mod key;
mod policy;
mod source;

pub(crate) use self::{
    deliver::{Courier, accept},
    policy::{PolicyBook, PolicySet},
    source::webhook_alert,
};
