//! What is refused because of what is stored, in words.

use super::driver::incomplete;
use crate::{
    error::{Error, ErrorKind},
    id::{CustomerId, InstanceId},
    store::Refusal,
};

pub(super) fn refused(refusal: Refusal, customer: &CustomerId, instance: &InstanceId) -> Error {
    match refusal {
        Refusal::Held { by } => held(customer, &by),
        Refusal::Occupied { by } => Error::new(
            ErrorKind::PrerequisiteMissing,
            format!("The connector on {instance} is older than 22.3.0 and serves the account {by} already."),
        )
        .remedy("Update the Citrix IT Service Management Connector on the instance to 22.3.0 or newer.")
        .with("occupied_by", by),
        Refusal::RedirectTaken { by, at } => redirect_taken(&by, &at),
        Refusal::Missing => no_account(customer),
        Refusal::Failed(error) => error,
        Refusal::Conflict | Refusal::InUse => incomplete(),
    }
}

pub(crate) fn no_account(customer: &CustomerId) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no account {customer}.")).remedy("Add the account first.")
}

pub(crate) fn disabled(customer: &CustomerId) -> Error {
    Error::new(ErrorKind::IllegalState, format!("The account {customer} is disabled: nothing is sent for it."))
        .remedy("Enable the account first.")
        .with("account", "disabled")
}

pub(crate) fn not_connected(customer: &CustomerId, instance: &InstanceId) -> Error {
    Error::new(ErrorKind::NotFound, format!("The account {customer} is not connected with {instance}."))
        .remedy("Connect the account with the instance first.")
        .with("status", "none")
}

/// An account is registered with one instance at a time, and this one holds it.
pub(crate) fn held(customer: &CustomerId, by: &InstanceId) -> Error {
    Error::new(ErrorKind::AlreadyRegistered, format!("The account {customer} is already registered with {by}."))
        .remedy(format!("Unregister it from {by} first; an account registers with one instance at a time."))
        .with("held_by", by)
}

/// Two registrations with one redirect URL could be mixed up by a hostile instance (T1).
pub(crate) fn redirect_taken(by: &CustomerId, at: &InstanceId) -> Error {
    Error::invalid(format!("The redirect URL belongs to the registration of the account {by} with {at}."))
        .remedy("Give every registration a redirect URL of its own, and enter it in the instance's OAuth endpoint.")
        .with("taken_by", by)
        .with("taken_at", at)
}
