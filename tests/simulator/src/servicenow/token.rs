//! `oauth_token.do` and `oauth_revoke_token.do`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Moment;
use super::client::{self, Client};
use super::credential;
use super::envelope;
use super::glide::Glide;
use super::token_store::{Granted, WithRefresh};
use super::user;
use crate::http_message::{Answer, Ask, pairs, value_of};
use crate::system::Spoil;

/// Parameters that make a token call; in the URL they are refused.
const PARAMETERS: [&str; 8] =
    ["grant_type", "client_id", "client_secret", "username", "password", "refresh_token", "code", "code_verifier"];

type Form = [(String, String)];

/// What a grant ended in: tokens and the user's name, or the true reason of the refusal.
type Grant = Result<(Granted, String), String>;

/// `POST /oauth_token.do`.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Answer {
    let (form, form_fault) = read(glide, ask);
    let grant_type = value_of(&form, "grant_type").map(str::to_owned);
    let outcome = match form_fault {
        Some(fault) => Err(fault),
        None => grant(glide, ask, &form, moment),
    };
    let mut answer = match outcome {
        Ok((granted, user_name)) => {
            credential::show(glide, &granted, moment);
            let mut body = json!({
                "access_token": granted.access, "scope": "useraccount", "token_type": "Bearer", "expires_in": granted.expires_in_s,
            });
            if let Some(refresh) = granted.refresh {
                body["refresh_token"] = json!(refresh);
            }
            let mut answer = Answer::bytes(200, envelope::JSON, body.to_string());
            answer.note.user = Some(user_name);
            answer
        }
        Err(cause) => {
            let message = format!("Exception on token flow - {cause}");
            glide.log(&moment.chance.hex32(), &moment.stamp(), "OAuth", &message);
            if cause == "unspecified error" {
                Answer::bytes(
                    401,
                    envelope::JSON,
                    r#"{"error_description":"unspecified error","error":"server_error"}"#,
                )
            } else {
                envelope::token_refused()
            }
        }
    };
    answer.note.grant_type = grant_type;
    answer
}

/// The form, and what is wrong with the way it was sent.
fn read(glide: &Glide, ask: &Ask) -> (Vec<(String, String)>, Option<String>) {
    let mut form = ask.form();
    if ask.method != http::Method::POST {
        return (Vec::new(), Some(format!("method {} not allowed", ask.method)));
    }
    if ask.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return (Vec::new(), Some("unspecified error".to_owned()));
    }
    let in_url = pairs(ask.query.as_bytes());
    if in_url.iter().any(|(name, _)| PARAMETERS.contains(&name.as_str())) {
        if glide.switches.body_only_parameters {
            return (form, Some("parameters in the URL".to_owned()));
        }
        form.extend(in_url);
    }
    if glide.switches.token_refuses_session_cookies
        && ask.cookie("JSESSIONID").is_some_and(|id| glide.sessions.find(id).is_some())
    {
        return (form, Some("token call inside an API session".to_owned()));
    }
    (form, None)
}

fn grant(glide: &mut Glide, ask: &Ask, form: &Form, moment: &Moment<'_>) -> Grant {
    let client = authenticate(glide, ask, form)?;
    match value_of(form, "grant_type").unwrap_or("") {
        "password" => by_password(glide, form, &client, moment),
        "refresh_token" => by_refresh(glide, form, &client, moment),
        "authorization_code" => by_code(glide, form, &client, moment),
        "client_credentials" => by_client(glide, &client, moment),
        other => Err(format!("unsupported grant type {other}")),
    }
}

/// Checks the client: in the body; in Basic only where the switch allows it.
fn authenticate(glide: &Glide, ask: &Ask, form: &Form) -> Result<Client, String> {
    let mut id = value_of(form, "client_id").unwrap_or("").to_owned();
    let mut secret = value_of(form, "client_secret").unwrap_or("").to_owned();
    if glide.switches.client_basic_auth && id.is_empty() {
        let basic = ask
            .header("authorization")
            .and_then(|text| text.strip_prefix("Basic "))
            .and_then(|text| STANDARD.decode(text.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some((name, value)) = basic.as_deref().and_then(|text| text.split_once(':')) {
            (id, secret) = (name.to_owned(), value.to_owned());
        }
    }
    let client = client::find(glide, &id).ok_or("invalid_client: unknown client_id")?;
    if !client.is_active {
        return Err("invalid_client: client inactive".to_owned());
    }
    if !client.is_public && client.secret != secret {
        return Err("client_secret".to_owned());
    }
    Ok(client)
}

fn by_password(glide: &mut Glide, form: &Form, client: &Client, moment: &Moment<'_>) -> Grant {
    if glide.switches.ropc_disabled {
        return Err("resource owner password grant is disabled".to_owned());
    }
    let name = value_of(form, "username").unwrap_or("").to_owned();
    let user = user::check_password(glide, &name, value_of(form, "password").unwrap_or(""), moment)?;
    if user::flag(glide, user, "web_service_access_only") && !glide.switches.web_service_only_may_use_ropc {
        return Err("user has web service access only".to_owned());
    }
    Ok((issue(glide, client, user, WithRefresh::Yes, moment), name))
}

fn issue(
    glide: &mut Glide,
    client: &Client,
    user: super::record::SysId,
    with: WithRefresh,
    moment: &Moment<'_>,
) -> Granted {
    let resets = glide.switches.regrant_resets_expiry;
    glide.tokens.grant(client, user, with, resets, moment.now, moment.chance)
}

fn by_refresh(glide: &mut Glide, form: &Form, client: &Client, moment: &Moment<'_>) -> Grant {
    let value = value_of(form, "refresh_token").unwrap_or("");
    if let Some(fault) = glide.tokens.refresh_fault(value, &client.id, moment.now) {
        if let Some(token) = glide.tokens.refresh(value).filter(|token| token.is_replaced).cloned() {
            glide.tokens.revoke_grant(&token.client_id, token.user_id);
        }
        return Err(format!("invalid_token: {fault}"));
    }
    let user = glide.tokens.refresh(value).map(|token| token.user_id).ok_or("invalid_token")?;
    user::check_state(glide, user)?;
    let (resets, rotates) = (glide.switches.regrant_resets_expiry, glide.switches.rotate_refresh_tokens);
    let mut granted =
        glide.tokens.renew(value, client, resets, rotates, moment.now, moment.chance).ok_or("invalid_token")?;
    if !glide.switches.refresh_returns_refresh_token && !rotates {
        granted.refresh = None;
    }
    let name = name_of(glide, user);
    Ok((granted, name))
}

fn by_code(glide: &mut Glide, form: &Form, client: &Client, moment: &Moment<'_>) -> Grant {
    // A code is used up by the first try, successful or not.
    let code = glide.codes.remove(value_of(form, "code").unwrap_or("")).ok_or("invalid_token: code unknown or used")?;
    if code.client_id != client.id {
        return Err("invalid_token: code of another client".to_owned());
    }
    if code.expires_at <= moment.now {
        return Err("invalid_token: code expired".to_owned());
    }
    if value_of(form, "redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err("redirect_uri differs from the authorization request".to_owned());
    }
    match (&code.challenge, value_of(form, "code_verifier")) {
        (None, _) if !client.is_public => {}
        (None, _) => return Err("public client without code_challenge".to_owned()),
        (Some(_), None) => return Err("code_verifier missing".to_owned()),
        (Some(challenge), Some(verifier)) => {
            if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != *challenge {
                return Err("code_verifier wrong".to_owned());
            }
        }
    }
    user::check_state(glide, code.user_id)?;
    let is_bare = client.is_public && !glide.switches.public_clients_get_refresh_token;
    let granted = issue(glide, client, code.user_id, if is_bare { WithRefresh::No } else { WithRefresh::Yes }, moment);
    let name = name_of(glide, code.user_id);
    Ok((granted, name))
}

fn by_client(glide: &mut Glide, client: &Client, moment: &Moment<'_>) -> Grant {
    if !glide.switches.client_credentials_enabled {
        return Err("client credentials grant is not enabled".to_owned());
    }
    if client.is_public {
        return Err("client credentials of a public client".to_owned());
    }
    let user = client.application_user.ok_or("no OAuth application user")?;
    user::check_state(glide, user)?;
    let granted = issue(glide, client, user, WithRefresh::No, moment);
    let name = name_of(glide, user);
    Ok((granted, name))
}

fn name_of(glide: &Glide, user: super::record::SysId) -> String {
    glide
        .table("sys_user")
        .and_then(|table| table.rows.get(&user).map(|row| table.value(row, "user_name").to_owned()))
        .unwrap_or_default()
}

/// `GET` or `POST /oauth_revoke_token.do`: needs no authentication, and says nothing about what it did.
pub(super) fn revoke(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Answer {
    if ask.path.ends_with("oauth_revoke.do") && !glide.switches.revoke_path_alias {
        return Answer::html(404, "<html><body>The page you are looking for could not be found</body></html>");
    }
    let in_body = ask.form();
    let token = ask.param("token").or_else(|| value_of(&in_body, "token").map(str::to_owned));
    if let Some(token) = token {
        glide.tokens.spoil(&token, Spoil::Revoke, moment.now);
    }
    Answer::bytes(200, envelope::JSON, "")
}
