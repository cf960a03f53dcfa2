//! The ITSM Adapter for Node: values, errors and promises across the border, nothing else. `itsm-adapter.js` gives
//! it its face.

mod client;
mod error;
mod observe;
mod promise;
mod request;
mod resource;
