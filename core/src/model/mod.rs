//! Data only: the nouns of the field, one per file. They look the same in every language.

mod account;
mod alert;
mod authorization;
mod connection;
mod delivering;
mod delivery;
mod entitlement;
mod event;
mod instance;
mod options;
mod policy;
mod probe;
mod query;
mod report;
mod source;
pub(crate) mod stamp;
mod sweep;
mod word;

pub use account::*;
pub use alert::*;
pub use authorization::*;
pub use connection::*;
pub use delivering::*;
pub use delivery::*;
pub use entitlement::*;
pub use event::*;
pub use instance::*;
pub use options::*;
pub use policy::*;
pub use probe::*;
pub use query::*;
pub use report::*;
pub use source::*;
pub use sweep::*;
