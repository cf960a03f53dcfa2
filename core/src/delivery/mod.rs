//! Alerts to incidents: accepted durably, delivered exactly once.

mod deliver;
mod incident;
mod source;

pub(crate) use self::{
    deliver::{Courier, accept},
    source::webhook_alert,
};
