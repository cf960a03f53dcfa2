//! The way out of a browser flow: state, verifier, the URL to open, and the record that waits for the answer.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, basic::BasicClient,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    clock::Chance,
    error::{Error, Result},
    id::InstanceId,
    secret::{Secret, sealed_form},
    transport::is_loopback,
};

/// How long a person may take to sign in and decide (T2).
pub(crate) const FLOW_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Random bytes of a state value and of a verifier: 256 bits each (T2).
const RANDOM_BYTES: usize = 32;
/// Characters of a flow's id, which is how a state value begins.
const ID_CHARACTERS: usize = 32;

/// What a flow is bound to, sealed as one (T1, T2).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FlowSecrets {
    /// The whole state value.
    #[serde(with = "sealed_form")]
    pub(crate) state: Secret,
    /// The PKCE verifier.
    #[serde(with = "sealed_form")]
    pub(crate) verifier: Secret,
    /// The browser session that began the flow; none when the caller has no such thing.
    #[serde(with = "sealed_form::option")]
    pub(crate) session: Option<Secret>,
    pub(crate) client_id: String,
    /// None for a public client.
    #[serde(with = "sealed_form::option")]
    pub(crate) client_secret: Option<Secret>,
    /// Repeated here, because the seal protects it against whoever can write to the database.
    pub(crate) instance_id: InstanceId,
    /// The same.
    pub(crate) redirect_url: String,
    /// The only place that the code is ever sent to.
    pub(crate) token_url: Url,
    /// What `iss` has to be when it is sent.
    pub(crate) issuer: String,
    /// Whether `iss` has to be sent: it is configured, or was seen before.
    pub(crate) issuer_required: bool,
    pub(crate) instance_name: Option<String>,
    pub(crate) allow_another_user: bool,
    /// A registration was there when the flow began. If it has ended meanwhile, the answer does not bring it back.
    #[serde(default)]
    pub(crate) renews: bool,
    /// The old address of the instance, where the registration ends when this one is saved.
    pub(crate) replaces: Option<InstanceId>,
}

/// A flow as it begins.
pub(crate) struct Opening {
    pub(crate) flow_id: String,
    pub(crate) state: Secret,
    pub(crate) verifier: Secret,
    /// Where the browser goes. Holds the state value.
    pub(crate) url: Url,
}

impl Opening {
    /// Makes state and verifier, and the authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
    pub(crate) fn new(
        chance: &Chance,
        authorization_url: Url,
        client_id: &str,
        redirect_url: &str,
        scopes: Option<&str>,
    ) -> Result<Self> {
        let flow_id = chance.uuid().simple().to_string();
        // Letters, digits, `-` and `_` only: the papers warn of anything else in a state value.
        let state = format!("{flow_id}{}", random(chance));
        let verifier = PkceCodeVerifier::new(random(chance));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let redirect = RedirectUrl::new(redirect_url.to_owned())
            .map_err(|_| Error::invalid("The redirect URL cannot be read as a URL."))?;
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_auth_uri(AuthUrl::from_url(authorization_url))
            .set_redirect_uri(redirect);
        let scopes = scopes.into_iter().flat_map(str::split_whitespace).map(|scope| Scope::new(scope.to_owned()));
        let (url, state) =
            client.authorize_url(|| CsrfToken::new(state)).set_pkce_challenge(challenge).add_scopes(scopes).url();
        Ok(Self {
            flow_id,
            state: Secret::from(state.into_secret()),
            verifier: Secret::from(verifier.into_secret()),
            url,
        })
    }
}

/// The id of the flow that a state value claims to belong to; none when it cannot be one of ours.
pub(super) fn flow_id(state: &str) -> Option<&str> {
    let (id, rest) = state.split_at_checked(ID_CHARACTERS)?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (rest.len() == (RANDOM_BYTES * 4).div_ceil(3) && state.bytes().all(known)).then_some(id)
}

fn random(chance: &Chance) -> String {
    let mut bytes = zeroize::Zeroizing::new([0; RANDOM_BYTES]);
    chance.random.fill(&mut *bytes);
    URL_SAFE_NO_PAD.encode(*bytes)
}

/// Checks a redirect URL, and writes it in its one normal form.
///
/// # Errors
/// `invalid_input`, with the reason: `https` only, `http` for loopback, no user info, no query, no fragment.
pub(crate) fn redirect_url(typed: &str) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::invalid(format!("The redirect URL {why}.")).remedy(
            "Give the URL that is entered in the instance's OAuth endpoint, such as https://example.org/callback.",
        ))
    };
    let typed = typed.trim();
    if typed.len() > 2048 || typed.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return refuse("is too long or holds white space, control characters or a backslash");
    }
    let Ok(url) = Url::parse(typed) else { return refuse("cannot be read as a URL") };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("holds user info");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("holds a query or a fragment");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(_)) if is_loopback(&url) => {}
        ("http", Some(_)) => return refuse("must begin with https; http is for loopback only"),
        _ => return refuse("must begin with https"),
    }
    Ok(url.into())
}
