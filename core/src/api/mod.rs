//! The two remote systems: private wire types and endpoints, one folder each.

pub(crate) mod citrix;
pub(crate) mod servicenow;
