#![doc = include_str!("README.md")]

mod checks;
mod driver;
mod event;
mod state;
mod transition;

pub(crate) use self::{
    checks::{Inspection, inspect},
    driver::{Applied, Driver, InstanceFacts, NewGrant, Payload, redirect_taken},
    event::Event,
};
