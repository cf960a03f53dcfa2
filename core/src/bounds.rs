//! Numbers that may be left out, and have bounds.

use crate::error::{Error, Result};

/// The number given, or what holds when none is.
///
/// # Errors
/// `invalid_input` for none, or more than `most`.
pub(crate) fn within(name: &str, given: Option<u32>, default: u32, most: u32) -> Result<u32> {
    match given.unwrap_or(default) {
        number if (1..=most).contains(&number) => Ok(number),
        _ => Err(Error::invalid(format!("{name} must be between 1 and {most}."))),
    }
}
