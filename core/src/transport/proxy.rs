//! The proxy: the configured one, or those of the environment. Loopback never goes through a proxy.

use ::http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::{
    config::Config,
    error::{Error, Result},
};

/// Hosts of this machine, in the form of `NO_PROXY`.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxy to use.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Its name.
    pub(super) host: String,
    /// Where it is, without credentials.
    pub(super) address: Uri,
    /// The credentials, for it alone.
    pub(super) authorization: Option<HeaderValue>,
    rule: Matcher,
}

impl Proxy {
    /// # Errors
    /// `invalid_input` when an address cannot be used; it is not repeated, because it may hold a password (T6).
    pub(super) fn new(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let either = |upper: &str| {
            variable(upper).or_else(|| variable(&upper.to_ascii_lowercase())).filter(|value| !value.is_empty())
        };
        if let Some(url) = config.proxy.as_deref() {
            return Self::of(url, "setting proxy", LOOPBACK).map(Some);
        }
        // HTTP_PROXY has nothing to do here: what is spoken without TLS stays on loopback.
        let outside = format!("{},{LOOPBACK}", either("NO_PROXY").unwrap_or_default());
        let url = either("HTTPS_PROXY").or_else(|| either("ALL_PROXY"));
        url.map(|url| Self::of(&url, "variable HTTPS_PROXY (or ALL_PROXY)", &outside)).transpose()
    }

    fn of(url: &str, which: &str, outside: &str) -> Result<Self> {
        let refuse = || {
            Error::invalid(format!("The {which} is not the address of a proxy."))
                .remedy("Give it as http://host:port or https://host:port.")
        };
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let url = Url::parse(&with_scheme).map_err(|_| refuse())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse());
        }
        let host = url.host_str().ok_or_else(refuse)?.to_owned();
        let rule = || Matcher::builder().https(url.as_str());
        // An address that the matcher does not understand would be no rule, and calls would go around the proxy.
        let any = Uri::from_static("https://any.invalid");
        let found = rule().build().intercept(&any).ok_or_else(refuse)?;
        let (address, authorization) = (found.uri().clone(), found.basic_auth().cloned());
        Ok(Self { host, address, authorization, rule: rule().no(outside).build() })
    }

    /// Whether calls to this address go through the proxy.
    pub(super) fn serves(&self, address: &Uri) -> bool {
        self.rule.intercept(address).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(proxy: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<Proxy>> {
        let config = Config { proxy: proxy.map(str::to_owned), ..Config::default() };
        Proxy::new(&config, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_configured_proxy_wins_over_the_environment() {
        let host = |proxy, variables: &[_]| of(proxy, variables).unwrap().map(|proxy| proxy.host);
        let variables = [("HTTPS_PROXY", "b.example")];
        assert_eq!(host(Some("http://a.example:3128"), &variables).as_deref(), Some("a.example"));
        assert_eq!(host(None, &[("https_proxy", "b.example:1")]).as_deref(), Some("b.example"));
        assert_eq!(host(None, &[("ALL_PROXY", "http://c.example")]).as_deref(), Some("c.example"));
        assert!(host(None, &[]).is_none());
    }

    #[test]
    fn loopback_and_what_is_excepted_go_around_the_proxy() {
        let configured = of(Some("a.example:3128"), &[("NO_PROXY", "service-now.com")]).unwrap().unwrap();
        let variables = [("HTTPS_PROXY", "a.example:3128"), ("NO_PROXY", "service-now.com")];
        let found = of(None, &variables).unwrap().unwrap();
        for (address, by_setting, by_variable) in [
            ("https://dev1.service-now.com/x", true, false),
            ("https://api.cloud.com/", true, true),
            ("https://localhost:1/", false, false),
            ("https://127.0.0.1:1/", false, false),
            ("https://[::1]:1/", false, false),
            ("http://localhost:1/", false, false),
        ] {
            let address = Uri::from_static(address);
            assert_eq!(configured.serves(&address), by_setting, "{address}");
            assert_eq!(found.serves(&address), by_variable, "{address}");
        }
    }

    #[test]
    fn credentials_are_taken_out_of_the_address_and_never_shown() {
        let proxy = of(Some("http://user:hunter%402@a.example:3128"), &[]).unwrap().unwrap();
        assert_eq!(proxy.address, "http://a.example:3128/");
        // `user:hunter@2`
        assert_eq!(proxy.authorization.as_ref().unwrap(), "Basic dXNlcjpodW50ZXJAMg==");
        assert!(!format!("{proxy:?}").contains("hunter") && !format!("{proxy:?}").contains("dXNlc"), "{proxy:?}");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for bad in ["socks5://u:hunter2@a.example", "http://u:hunter2@", "http://u:hunter2@a b"] {
            let error = of(Some(bad), &[]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
