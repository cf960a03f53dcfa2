//! `login.do`: the local login form.

use super::Moment;
use super::glide::Glide;
use super::record::SysId;
use super::session::Cookies;
use super::user;
use crate::chance::stable_hex32;
use crate::http_message::{Answer, Ask, encode, value_of};
use crate::page;

/// `GET` shows the form, `POST` with `sys_action=sysverb_login` logs in, `logout.do` ends the session.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Answer {
    if ask.path.ends_with("logout.do") {
        if let Some(id) = ask.cookie("JSESSIONID") {
            glide.sessions.set_user(id, None);
        }
        return Answer::empty(302).with("location", format!("{}/login.do", ask.base));
    }
    if ask.method != http::Method::POST {
        return form("", "");
    }
    let form_values = ask.form();
    let target = value_of(&form_values, "sysparm_goto_url").unwrap_or("");
    let name = value_of(&form_values, "user_name").unwrap_or("").to_owned();
    let password = value_of(&form_values, "user_password").unwrap_or("");
    match user::check_password(glide, &name, password, moment) {
        Ok(id) if user::flag(glide, id, "web_service_access_only") => {
            glide.log(&moment.chance.hex32(), &moment.stamp(), "Login", &format!("{name} has web service access only"));
            form(target, "User name or password invalid")
        }
        Ok(id) => {
            let (session_id, cookies) = open(glide, ask, moment, id, &name);
            let location = if target.starts_with("/oauth_auth.do") {
                format!("{}{target}", ask.base)
            } else {
                format!("{}/now/nav/ui/home", ask.base)
            };
            let mut answer = Answer::empty(302).with("location", location);
            cookies.write(&mut answer, &glide.name);
            answer.note.user = Some(name);
            drop(session_id);
            answer
        }
        Err(cause) => {
            glide.log(&moment.chance.hex32(), &moment.stamp(), "Login", &format!("Login of {name} failed: {cause}"));
            form(target, "User name or password invalid")
        }
    }
}

/// Opens a session of that user. A session is never carried over a login.
fn open(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, user: SysId, name: &str) -> (String, Cookies) {
    if let Some(old) = ask.cookie("JSESSIONID") {
        glide.sessions.set_user(old, None);
    }
    let session_id = moment.chance.hex32().to_ascii_uppercase();
    glide.sessions.open(session_id.clone(), Some(user), moment.chance.hex32());
    (session_id.clone(), Cookies { session_id, user: format!("U0N2M{}", stable_hex32(name)) })
}

/// The login page; element ids are those of the real one.
pub(super) fn form(target: &str, message: &str) -> Answer {
    let note = if message.is_empty() {
        String::new()
    } else {
        format!("<p class=\"outputmsg_error\">{}</p>", page::escape(message))
    };
    let action =
        if target.is_empty() { "login.do".to_owned() } else { format!("login.do?sysparm_goto_url={}", encode(target)) };
    Answer::html(
        200,
        format!(
            "<!DOCTYPE html><html><head><title>Log in | ServiceNow</title></head><body>{note}\
<form id=\"loginPage\" action=\"{action}\" method=\"post\">\
<input type=\"hidden\" name=\"sys_action\" value=\"sysverb_login\">\
<input type=\"hidden\" name=\"sysparm_goto_url\" value=\"{}\">\
<label for=\"user_name\">User name</label><input id=\"user_name\" name=\"user_name\" autocomplete=\"username\">\
<label for=\"user_password\">Password</label><input id=\"user_password\" name=\"user_password\" type=\"password\" autocomplete=\"current-password\">\
<button id=\"sysverb_login\" type=\"submit\">Log in</button></form></body></html>",
            page::escape(target)
        ),
    )
}
