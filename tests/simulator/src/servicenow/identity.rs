//! Who is asking: bearer token, Basic, or a session.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Moment;
use super::glide::Glide;
use super::record::SysId;
use super::role::Roles;
use super::user;
use crate::http_message::Ask;

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Bearer,
    Basic,
    Session,
}

/// Somebody with rights.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) user_id: SysId,
    pub(crate) user_name: String,
    pub(crate) roles: Arc<Roles>,
    pub(crate) proof: Proof,
    /// `client_id` behind a bearer token.
    pub(crate) client_id: Option<String>,
}

/// Finds out who asks; `None` means 401.
pub(crate) fn authenticate(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Option<Who> {
    if let Some(text) = ask.header("authorization") {
        let (scheme, value) = text.trim().split_once(' ')?;
        return if scheme.eq_ignore_ascii_case("bearer") {
            bearer(glide, value.trim(), moment)
        } else if scheme.eq_ignore_ascii_case("basic") {
            basic(glide, value.trim(), moment)
        } else {
            None
        };
    }
    if let Some(token) = ask.param("access_token") {
        return bearer(glide, &token, moment);
    }
    session(glide, ask)
}

fn bearer(glide: &mut Glide, token: &str, moment: &Moment<'_>) -> Option<Who> {
    let access = glide.tokens.valid_access(token, moment.now)?.clone();
    if !super::client::is_active(glide, &access.client_id) {
        return None;
    }
    if let Err(cause) = user::check_state(glide, access.user_id) {
        glide.log(&moment.chance.hex32(), &moment.stamp(), "OAuth", &format!("Token refused: {cause}"));
        return None;
    }
    who(glide, access.user_id, Proof::Bearer, Some(access.client_id))
}

fn basic(glide: &mut Glide, value: &str, moment: &Moment<'_>) -> Option<Who> {
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    let user_id = user::check_password(glide, name, password, moment).ok()?;
    let found = who(glide, user_id, Proof::Basic, None)?;
    let is_service = user::flag(glide, user_id, "web_service_access_only");
    // The restriction looks at the role itself: being an administrator does not lift it.
    let is_let_through = is_service || (!found.roles.is_admin() && found.roles.has("snc_basic_auth_api_access"));
    if glide.switches.basic_auth_restricted && !is_let_through {
        glide.log(
            &moment.chance.hex32(),
            &moment.stamp(),
            "Basic",
            &format!("Basic authentication is restricted for {name}"),
        );
        return None;
    }
    Some(found)
}

/// A session of a browser; writing with it takes the token of the page as well.
fn session(glide: &mut Glide, ask: &Ask) -> Option<Who> {
    let id = ask.cookie("JSESSIONID")?;
    let session = glide.sessions.find(id)?;
    let (user_id, check) = (session.user_id?, session.check.clone());
    let is_write = ask.method != http::Method::GET;
    if is_write && ask.header("x-usertoken") != Some(check.as_str()) {
        return None;
    }
    user::check_state(glide, user_id).ok()?;
    who(glide, user_id, Proof::Session, None)
}

fn who(glide: &mut Glide, user_id: SysId, proof: Proof, client_id: Option<String>) -> Option<Who> {
    let users = glide.table("sys_user")?;
    let user_name = users.value(users.rows.get(&user_id)?, "user_name").to_owned();
    Some(Who { user_id, user_name, roles: glide.roles(user_id), proof, client_id })
}
