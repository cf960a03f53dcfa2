//! Alerts to incidents: accepted durably, delivered exactly once.

mod accept;
mod deliver;
mod incident;
mod lane;
mod life;
mod pace;
mod source;
mod worker;

pub use self::worker::Worker;
pub(crate) use self::{accept::accept, deliver::Courier, life::Choices, source::webhook_alert, worker::Crew};
