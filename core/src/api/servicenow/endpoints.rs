//! Where an instance's authorization server is, and how long its tokens live when it does not say.

use std::{collections::HashMap, time::Duration};

use url::Url;

use crate::{
    config::{ACCESS_TOKEN_LIFESPAN, Config},
    error::{Error, Result},
    id::InstanceId,
    model::OauthServer,
    transport::is_loopback,
};

/// The settings of all authorization servers, checked once.
#[derive(Debug)]
pub(crate) struct Endpoints {
    own: HashMap<InstanceId, OauthServer>,
    every: OauthServer,
    refresh_token_lifespan: Duration,
    revocation_path: String,
}

impl Endpoints {
    /// # Errors
    /// `invalid_input` when an entry names no instance, or an address that may not be called.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let (mut own, mut every) = (HashMap::new(), OauthServer::default());
        for server in &config.oauth_servers {
            match &server.instance_url {
                None => every = server.clone(),
                Some(url) => {
                    own.insert(InstanceId::parse(url)?, server.clone());
                }
            }
        }
        let endpoints = Self {
            own,
            every,
            refresh_token_lifespan: config.refresh_token_lifespan,
            revocation_path: config.revocation_path.clone(),
        };
        let example = InstanceId("https://instance.example".to_owned());
        for id in endpoints.own.keys().chain([&example]) {
            for url in [endpoints.authorization(id)?, endpoints.token(id)?, endpoints.revocation(id)?] {
                let allowed = match url.scheme() {
                    "https" => true,
                    "http" => is_loopback(&url),
                    _ => false,
                };
                if !allowed || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
                    return Err(Error::invalid(
                        "An address of an authorization server must begin with https (http is for loopback only), \
                         and hold no user info and no fragment.",
                    ));
                }
            }
        }
        Ok(endpoints)
    }

    fn of(&self, instance: &InstanceId) -> &OauthServer {
        self.own.get(instance).unwrap_or(&self.every)
    }

    pub(crate) fn authorization(&self, instance: &InstanceId) -> Result<Url> {
        at(instance, self.of(instance).authorization_url.as_deref().unwrap_or("/oauth_auth.do"))
    }

    pub(crate) fn token(&self, instance: &InstanceId) -> Result<Url> {
        at(instance, self.of(instance).token_url.as_deref().unwrap_or("/oauth_token.do"))
    }

    pub(super) fn revocation(&self, instance: &InstanceId) -> Result<Url> {
        match &self.of(instance).revocation_url {
            Some(url) => at(instance, url),
            None => at(instance, &format!("/{}", self.revocation_path.trim_start_matches('/'))),
        }
    }

    /// Whether the revocation endpoint wants to know which client asks (RFC 7009 section 2.1).
    pub(super) fn revocation_names_client(&self, instance: &InstanceId) -> bool {
        self.of(instance).revocation_url.is_some()
    }

    /// What `iss` has to be when a callback carries one: as set, else the instance's origin.
    pub(crate) fn issuer(&self, instance: &InstanceId) -> String {
        self.of(instance).issuer.clone().unwrap_or_else(|| instance.to_string())
    }

    /// Whether a callback has to carry `iss`.
    pub(crate) fn issuer_required(&self, instance: &InstanceId) -> bool {
        self.of(instance).issuer.is_some()
    }

    pub(crate) fn scope(&self, instance: &InstanceId) -> Option<&str> {
        self.of(instance).scope.as_deref()
    }

    pub(super) fn access_token_lifespan(&self, instance: &InstanceId) -> Duration {
        let set = self.of(instance).access_token_lifespan_s;
        set.map_or(ACCESS_TOKEN_LIFESPAN, |seconds| Duration::from_secs(seconds.into()))
    }

    pub(super) fn refresh_token_lifespan(&self, instance: &InstanceId) -> Duration {
        let set = self.of(instance).refresh_token_lifespan_s;
        set.map_or(self.refresh_token_lifespan, |seconds| Duration::from_secs(seconds.into()))
    }
}

/// A path at the instance, or a whole URL.
fn at(instance: &InstanceId, address: &str) -> Result<Url> {
    let unreadable = || Error::invalid("An address of an authorization server cannot be read as a path or a URL.");
    let base = Url::parse(instance.as_str()).map_err(|_| unreadable())?;
    // `//host` would leave the instance without looking like it.
    if address.starts_with("//") || address.contains('\\') {
        return Err(unreadable());
    }
    base.join(address).map_err(|_| unreadable())
}
