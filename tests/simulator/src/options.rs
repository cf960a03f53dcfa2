//! How a simulator is started.

use serde::{Deserialize, Serialize};

use crate::servicenow::profile::{Profile, Switches};

/// What to start. The default is one instance named `dev1` and free ports everywhere.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The `ServiceNow` instances to start with.
    pub instances: Vec<InstanceOptions>,
    /// Port of the Citrix listener; 0 takes a free one.
    pub citrix_port: u16,
    /// Port of the control listener; 0 takes a free one.
    pub control_port: u16,
    /// Start of the random source. With a value, ids and tokens are the same in every run.
    pub seed: Option<u64>,
    /// How many requests the log keeps.
    pub log_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instances: vec![InstanceOptions::new("dev1")],
            citrix_port: 0,
            control_port: 0,
            seed: None,
            log_limit: 50_000,
        }
    }
}

/// One `ServiceNow` instance to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceOptions {
    /// Its name, used in the control API and in faults.
    pub name: String,
    /// The generation it belongs to.
    pub profile: Profile,
    /// Port of its listener; 0 takes a free one.
    pub port: u16,
    /// What this instance does where instances differ; starts as the profile has it.
    pub switches: Switches,
}

impl InstanceOptions {
    /// An instance of the newest generation.
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_profile(name, Profile::default())
    }

    /// An instance of a certain generation.
    pub fn with_profile(name: impl Into<String>, profile: Profile) -> Self {
        Self { name: name.into(), profile, port: 0, switches: profile.switches() }
    }
}
