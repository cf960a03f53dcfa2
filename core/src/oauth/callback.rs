//! The way back: what the browser brought, checked before anything is believed or sent (T1, T2, T3).

use url::Url;

use super::authorize::{FlowSecrets, flow_id};
use crate::{
    error::{Error, ErrorKind, Result, Retry},
    secret::Secret,
    transport::clean,
};

/// Longest callback that is read.
const LONGEST: usize = 16 * 1024;

/// A callback, read but not believed.
pub(crate) struct Callback {
    url: Url,
    state: Secret,
    issuer: Option<String>,
    answer: Answered,
}

/// What the authorization server answers through the browser.
pub(crate) enum Answered {
    Code(Secret),
    Refused(Error),
}

impl Callback {
    /// Reads a callback URL: each parameter once, a state, and either a code or an error.
    ///
    /// # Errors
    /// `invalid_input` for anything that is not an answer to an authorization request.
    pub(crate) fn read(callback_url: &str) -> Result<Self> {
        let text = callback_url.trim();
        if text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(foreign("is too long or holds white space, control characters or a backslash"));
        }
        let url = Url::parse(text).map_err(|_| foreign("cannot be read as a URL"))?;
        if url.fragment().is_some_and(|fragment| !fragment.is_empty()) {
            return Err(foreign("holds a fragment"));
        }
        let mut found = Found::default();
        for (name, value) in url.query_pairs() {
            let place = match &*name {
                "state" => &mut found.state,
                "code" => &mut found.code,
                "error" => &mut found.error,
                "error_description" => &mut found.description,
                "iss" => &mut found.issuer,
                _ => continue,
            };
            // A parameter twice means that somebody else has added to the URL (RFC 6749 section 3.1).
            if place.replace(value.into_owned()).is_some() {
                return Err(foreign(&format!("holds the parameter {name} twice")));
            }
        }
        let state = found.state.filter(|state| !state.is_empty()).ok_or_else(|| foreign("holds no state"))?;
        let code = found.code.filter(|code| !code.is_empty());
        let error = found.error.filter(|error| !error.is_empty());
        let answer = match (code, error) {
            (Some(code), None) => Answered::Code(code.into()),
            (None, Some(error)) => Answered::Refused(refused(&error, found.description.as_deref().unwrap_or(""))),
            (Some(_), Some(_)) => return Err(foreign("holds both a code and an error")),
            (None, None) => return Err(foreign("holds neither a code nor an error")),
        };
        Ok(Self { url, state: state.into(), issuer: found.issuer, answer })
    }

    /// The id of the flow that it claims to answer.
    ///
    /// # Errors
    /// `flow_expired` when its state cannot be one of ours.
    pub(crate) fn flow_id(&self) -> Result<&str> {
        flow_id(self.state.expose()).ok_or_else(|| expired("state", "The callback's state is not one of ours."))
    }

    /// Whether it carries this state value.
    pub(crate) fn answers(&self, state: &Secret) -> bool {
        self.state.matches(state.expose())
    }

    /// Checks that it answers this flow, from the session that began it. Nothing has changed when it does not.
    ///
    /// # Errors
    /// `flow_expired` for a state, a session or an issuer that is not the flow's; `invalid_input` when the URL is
    /// not the redirect URL. The context `reason` tells them apart.
    pub(crate) fn check(&self, flow: &FlowSecrets, session: Option<&Secret>) -> Result<()> {
        // Constant time; and first, so that whoever has no state learns nothing of the rest.
        if !self.answers(&flow.state) {
            return Err(expired("state", "The callback's state is not the one that was sent out."));
        }
        if !self.comes_to(&flow.redirect_url) {
            return Err(foreign("is not the redirect URL of the authorization").with("reason", "redirect"));
        }
        let same_session = match (&flow.session, session) {
            (None, None) => true,
            (Some(own), Some(given)) => own.matches(given.expose()),
            _ => false,
        };
        if !same_session {
            return Err(expired("session", "The callback came to another session than the one that began."));
        }
        match &self.issuer {
            Some(issuer) if *issuer != flow.issuer => {
                Err(expired("issuer", "The callback names another issuer than the instance that was asked."))
            }
            None if flow.issuer_required => {
                Err(expired("issuer", "The callback names no issuer, although the instance names itself."))
            }
            _ => Ok(()),
        }
    }

    /// The issuer that it named, once it is checked.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(crate) fn into_answer(self) -> Answered {
        self.answer
    }

    /// Scheme, host, port and path, all exactly (T3).
    fn comes_to(&self, redirect_url: &str) -> bool {
        let mut bare = self.url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        bare.as_str() == redirect_url
    }
}

#[derive(Default)]
struct Found {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    description: Option<String>,
    issuer: Option<String>,
}

/// Not an answer at all, or not to us.
fn foreign(why: &str) -> Error {
    Error::invalid(format!("The callback {why}; nothing was changed."))
        .remedy("Give the whole address that the browser came back to, unchanged.")
        .with("reason", "callback")
}

/// An answer to a flow that is not, or not any more, waiting for it.
pub(crate) fn expired(reason: &str, message: &str) -> Error {
    Error::new(ErrorKind::FlowExpired, message)
        .remedy("Nothing was changed. Begin a new authorization, and finish it in the same browser.")
        .with("reason", reason)
}

/// `error=` of the authorization response (RFC 6749 section 4.1.2.1).
fn refused(error: &str, description: &str) -> Error {
    let words = clean(&format!("{error} {description}"), 120);
    let words = words.trim();
    let answer = match error {
        "access_denied" | "consent_required" | "login_required" | "interaction_required" => {
            Error::new(ErrorKind::ConsentDenied, format!("The person did not allow the access ({words})."))
        }
        "server_error" | "temporarily_unavailable" => {
            Error::new(ErrorKind::Unavailable, format!("The instance cannot authorize at the moment ({words})."))
                .retry(Retry::Now)
                .remedy("Begin a new authorization a little later.")
        }
        "invalid_scope" => Error::new(ErrorKind::Forbidden, format!("The instance refuses the scope ({words})."))
            .remedy("Allow the scope in the instance's OAuth endpoint, or ask for another one."),
        "unauthorized_client" | "unsupported_response_type" | "invalid_request" => Error::new(
            ErrorKind::PrerequisiteMissing,
            format!("The instance's OAuth endpoint does not allow this authorization ({words})."),
        )
        .remedy(
            "Check in the instance that the OAuth client is active, allows the code grant, and has this redirect URL.",
        ),
        _ => Error::new(ErrorKind::Protocol, format!("The instance answered with an unknown error ({words}).")),
    };
    answer.with("error", clean(error, 40))
}
