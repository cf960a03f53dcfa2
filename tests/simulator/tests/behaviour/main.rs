//! The simulator, proven by an HTTP client that is not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]

mod citrix;
mod consent;
mod control;
mod fault;
mod incident;
mod oauth;
mod platform;
mod program;
mod setup;
mod support;
mod table;
