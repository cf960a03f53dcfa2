//! The border between the core and Swift. Nothing here is for people: the package's own face, in
//! `Sources/ItsmAdapter`, is what they use. A method converts, calls, converts.

uniffi::setup_scaffolding!();

mod cancel;
mod client;
mod error;
mod listen;
mod pages;
mod worker;

pub use crate::{
    cancel::CancelToken,
    client::{NativeClient, NativeInserted, NativePage, native_egress_ranges},
    error::NativeError,
    listen::{LogSink, NativeSubscription, Observer, ObserverFailure, native_forward_logs},
    pages::NativePages,
    worker::NativeWorker,
};
