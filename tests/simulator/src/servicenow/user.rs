//! Users as far as logging in is concerned.

use super::Moment;
use super::glide::Glide;
use super::record::SysId;

/// Whether a boolean of the user is set.
pub(crate) fn flag(glide: &Glide, user: SysId, field: &str) -> bool {
    glide
        .table("sys_user")
        .and_then(|table| table.rows.get(&user).map(|row| table.value(row, field) == "true"))
        .unwrap_or(false)
}

/// Whether the user may act at all.
///
/// # Errors
/// The true reason, for the system log only.
pub(crate) fn check_state(glide: &Glide, user: SysId) -> Result<(), &'static str> {
    if !flag(glide, user, "active") {
        return Err("user inactive");
    }
    if flag(glide, user, "locked_out") {
        return Err("user locked out");
    }
    if flag(glide, user, "password_needs_reset") {
        return Err("password needs reset");
    }
    Ok(())
}

/// Checks name and password; counts failures and locks the user when there were too many.
///
/// # Errors
/// The true reason, for the system log only.
pub(crate) fn check_password(
    glide: &mut Glide,
    name: &str,
    password: &str,
    _moment: &Moment<'_>,
) -> Result<SysId, &'static str> {
    let users = glide.table("sys_user").ok_or("no users")?;
    let row = users.find("user_name", name).ok_or("user unknown")?;
    let (id, expected) = (row.id, users.value(row, "user_password").to_owned());
    let failed: u32 = users.value(row, "failed_attempts").parse().unwrap_or(0);
    // A locked account says the same to right and wrong passwords.
    check_state(glide, id)?;
    if expected.is_empty() || expected != password {
        let failed = failed + 1;
        let limit = glide.switches.failed_logins_before_lock;
        let mut changes = vec![("failed_attempts", failed.to_string())];
        if limit > 0 && failed >= limit {
            changes.push(("locked_out", "true".to_owned()));
        }
        glide.change("sys_user", id, &changes);
        return Err("user_password");
    }
    if failed > 0 {
        glide.change("sys_user", id, &[("failed_attempts", "0".to_owned())]);
    }
    Ok(id)
}
