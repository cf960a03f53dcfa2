//! Which route a request is for.

use http::Method;

use crate::http_message::Ask;

/// A Table API path: version, table, id.
pub(crate) struct TablePath<'a> {
    pub(crate) is_v1: bool,
    pub(crate) table: &'a str,
    pub(crate) id: Option<&'a str>,
}

/// Path segments below `/api/now`, the version taken off; and whether it was `v1`.
pub(crate) fn below_now<'a>(parts: &'a [&'a str]) -> Option<(&'a [&'a str], bool)> {
    match parts {
        ["api", "now", version, ..] if is_version(version) => Some((&parts[3..], *version == "v1")),
        ["api", "now", ..] => Some((&parts[2..], false)),
        _ => None,
    }
}

fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The table a request is for, if it is for one.
pub(crate) fn table<'a>(parts: &'a [&'a str]) -> Option<TablePath<'a>> {
    let (rest, is_v1) = below_now(parts)?;
    match rest {
        ["table", table] => Some(TablePath { is_v1, table, id: None }),
        ["table", table, id] => Some(TablePath { is_v1, table, id: Some(id) }),
        _ => None,
    }
}

/// The method, or the one that `X-HTTP-Method-Override` puts in its place.
pub(crate) fn method(ask: &Ask) -> Method {
    ask.header("x-http-method-override")
        .and_then(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok())
        .unwrap_or_else(|| ask.method.clone())
}

/// The route's name, as faults and the log use it.
pub(crate) fn name(ask: &Ask) -> String {
    let parts = ask.parts();
    if let Some(path) = table(&parts) {
        let verb = match (method(ask), path.id) {
            (Method::GET, None) => "list",
            (Method::GET, Some(_)) => "get",
            (Method::POST, _) => "insert",
            (Method::DELETE, _) => "delete",
            _ => "update",
        };
        return format!("table:{}:{verb}", path.table);
    }
    match parts.as_slice() {
        ["oauth_token.do"] => "token",
        ["oauth_revoke_token.do" | "oauth_revoke.do"] => "revoke",
        ["oauth_auth.do"] => "authorize",
        ["login.do" | "logout.do"] => "login",
        ["api", "global", "user_role_inheritance"] => "role_inheritance",
        ["api", "sn_cicd", "progress", _] => "cicd:progress",
        ["api", "sn_cicd", ..] => "cicd:start",
        _ => match below_now(&parts) {
            Some((["ui", "user", "current_user"], _)) => "current_user",
            Some((["batch"], _)) => "batch",
            Some((["stats", _], _)) => "stats",
            Some((["import", _], _)) => "import",
            Some(_) => "unknown",
            None if parts.first() == Some(&"api") => "unknown",
            None => "page",
        },
    }
    .to_owned()
}
