#![doc = include_str!("../README.md")]

mod announce;
mod body;
mod chance;
mod citrix;
mod clock;
mod control;
mod damage;
mod fault;
mod gate;
mod http_message;
mod lock;
mod options;
mod page;
mod request_log;
pub mod seed;
mod server;
mod servicenow;
mod simulator;
mod system;
mod world;

pub use citrix::CitrixSwitches;
pub use fault::{Fault, FaultKind};
pub use options::{InstanceOptions, Options};
pub use request_log::LoggedRequest;
pub use servicenow::profile::{CicdEnd, ClientSysId, CloseCodes, DenyShape, Profile, RedirectMismatch, Switches};
pub use simulator::{Record, Simulator, TokenKind};
