#![doc = include_str!("README.md")]

mod checks;
mod driver;
mod entry;
mod event;
mod instance;
mod refusal;
mod state;
mod transition;
mod wall;

pub(crate) use self::{
    checks::{Inspection, inspect},
    driver::{Applied, Driver, NewGrant, Payload},
    event::Event,
    instance::InstanceFacts,
    refusal::{disabled, held, no_account, not_connected, redirect_taken},
    wall::wall_moves_to,
};
