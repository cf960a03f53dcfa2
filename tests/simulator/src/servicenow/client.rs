//! OAuth clients: rows of `oauth_entity`.

use super::glide::Glide;
use super::record::SysId;

/// A bound on life spans: a hundred years, so that no clock overflows.
const LONGEST_LIFESPAN_S: i64 = 3_155_760_000;

/// A client as the token endpoint needs it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) secret: String,
    pub(crate) is_active: bool,
    pub(crate) is_public: bool,
    pub(crate) redirect_urls: Vec<String>,
    pub(crate) access_lifespan_s: i64,
    pub(crate) refresh_lifespan_s: i64,
    pub(crate) application_user: Option<SysId>,
    pub(crate) scope_restriction: String,
}

/// The client with that id.
pub(crate) fn find(glide: &Glide, client_id: &str) -> Option<Client> {
    let table = glide.table("oauth_entity")?;
    let row = table.find("client_id", client_id).filter(|_| !client_id.is_empty())?;
    let text = |column: &str| table.value(row, column).to_owned();
    let number = |column: &str, default: i64| text(column).parse().unwrap_or(default).clamp(0, LONGEST_LIFESPAN_S);
    Some(Client {
        id: client_id.to_owned(),
        name: text("name"),
        secret: text("client_secret"),
        is_active: text("active") == "true",
        is_public: text("public_client") == "true",
        redirect_urls: text("redirect_url")
            .split([',', ' ', '\n'])
            .map(|url| url.trim().to_owned())
            .filter(|url| !url.is_empty())
            .collect(),
        access_lifespan_s: number("access_token_lifespan", 1800),
        refresh_lifespan_s: number("refresh_token_lifespan", 8_640_000),
        application_user: SysId::parse(&text("user")),
        scope_restriction: text("scope_restriction_status"),
    })
}

/// Whether the client exists and is active.
pub(crate) fn is_active(glide: &Glide, client_id: &str) -> bool {
    find(glide, client_id).is_some_and(|client| client.is_active)
}

/// Whether tokens of the client are kept out of APIs without a scope.
pub(crate) fn is_restricted(glide: &Glide, client_id: &str) -> bool {
    glide.switches.scope_restricted
        || find(glide, client_id)
            .is_some_and(|client| !matches!(client.scope_restriction.as_str(), "" | "unrestricted" | "useraccount"))
}
