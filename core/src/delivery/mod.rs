//! Alerts to incidents: accepted durably, delivered exactly once.

mod accept;
mod attempt;
mod bell;
mod blame;
mod choice;
mod control;
mod daily;
mod deed;
mod deliver;
mod group;
mod held;
mod incident;
mod insert;
mod key;
mod lane;
mod lanes;
mod learned;
mod lease;
mod left;
mod life;
mod mapping;
mod orphan;
mod pace;
mod policy;
mod probe;
mod retention;
mod settle;
mod sight;
mod slots;
mod source;
mod stock;
mod sweep;
mod together;
mod worker;

pub(crate) use self::{
    accept::Acceptance,
    bell::{Bell, Ring},
    choice::Choices,
    control::Controls,
    deliver::Courier,
    learned::Learned,
    policy::{PolicyBook, PolicySet},
    sight::Sights,
    source::webhook_alert,
    sweep::Sweeper,
    worker::Crew,
};
pub use self::{
    mapping::{WebhookMapping, map_webhook},
    worker::Worker,
};
