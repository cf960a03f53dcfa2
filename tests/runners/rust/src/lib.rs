//! Runs the scenarios of `tests/scenarios` through the Rust face of the adapter. Knows no scenario; the format is
//! described in `tests/scenarios/README.md`.

mod operation;
mod pattern;
mod simulator;
mod step;
mod story;
mod value;

pub use crate::{
    simulator::Simulator,
    story::{Common, Report, Scenario, Story, run, stories},
};

/// Why a scenario does not hold, or cannot be run.
pub type Failure = String;
