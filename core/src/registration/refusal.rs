//! What the store refuses, in words.

use super::driver::incomplete;
use crate::{
    error::{Error, ErrorKind},
    id::{CustomerId, InstanceId},
    store::Refusal,
};

pub(super) fn refused(refusal: Refusal, customer: &CustomerId, instance: &InstanceId) -> Error {
    match refusal {
        Refusal::Held { by } => {
            Error::new(ErrorKind::AlreadyRegistered, format!("The account {customer} is already registered with {by}."))
                .remedy(format!("Unregister it from {by} first; an account registers with one instance at a time."))
                .with("held_by", by)
        }
        Refusal::Occupied { by } => Error::new(
            ErrorKind::PrerequisiteMissing,
            format!("The connector on {instance} is older than 22.3.0 and serves the account {by} already."),
        )
        .remedy("Update the Citrix IT Service Management Connector on the instance to 22.3.0 or newer.")
        .with("occupied_by", by),
        Refusal::RedirectTaken { by, at } => redirect_taken(&by, &at),
        Refusal::Missing => {
            Error::new(ErrorKind::NotFound, format!("There is no account {customer}.")).remedy("Add the account first.")
        }
        Refusal::Failed(error) => error,
        Refusal::Conflict | Refusal::InUse => incomplete(),
    }
}

/// Two registrations with one redirect URL could be mixed up by a hostile instance (T1).
pub(crate) fn redirect_taken(by: &CustomerId, at: &InstanceId) -> Error {
    Error::invalid(format!("The redirect URL belongs to the registration of the account {by} with {at}."))
        .remedy("Give every registration a redirect URL of its own, and enter it in the instance's OAuth endpoint.")
        .with("taken_by", by)
        .with("taken_at", at)
}
