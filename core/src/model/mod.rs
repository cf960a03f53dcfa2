//! Data only: the nouns of the field, one per file. They look the same in every language.

mod account;
mod alert;
mod authorization;
mod connection;
mod delivery;
mod entitlement;
mod event;
mod instance;
mod options;
mod query;
mod report;
mod sweep;

pub use account::*;
pub use alert::*;
pub use authorization::*;
pub use connection::*;
pub use delivery::*;
pub use entitlement::*;
pub use event::*;
pub use instance::*;
pub use options::*;
pub use query::*;
pub use report::*;
pub use sweep::*;
