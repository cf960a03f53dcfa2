//! The ITSM Adapter for Node: values, errors and promises across the border, nothing else. `itsm-adapter.js` gives
//! it its face.

// So the addon's entry points get what Node gives them.
#![allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref)]
// Checked as a test, the addon registers nothing, and nothing seems to be used.
#![cfg_attr(test, allow(dead_code))]

mod alert;
mod client;
mod observe;
mod operation;
mod promise;
mod record;
mod registration;
mod request;
mod resource;
mod worker;
