//! The proxy: the configured one, or those of the environment. Loopback never goes through a proxy.

use reqwest::{NoProxy, Proxy};
use url::Url;

use crate::{
    config::Config,
    error::{Error, Result},
};

/// Hosts of this machine, in the form of `NO_PROXY`.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxies to use, and the host names they have.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    pub(super) rules: Vec<Proxy>,
    pub(super) hosts: Vec<String>,
}

impl Proxies {
    /// # Errors
    /// `invalid_input` when an address cannot be used; it is not repeated, because it may hold a password (T6).
    pub(super) fn new(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let either = |upper: &str| {
            variable(upper).or_else(|| variable(&upper.to_ascii_lowercase())).filter(|value| !value.is_empty())
        };
        let mut proxies = Self::default();
        if let Some(url) = &config.proxy {
            proxies.add(url.expose(), "setting proxy", Proxy::all, LOOPBACK)?;
            return Ok(proxies);
        }
        // HTTP_PROXY has nothing to do here: what is spoken without TLS stays on loopback.
        let outside = format!("{},{LOOPBACK}", either("NO_PROXY").unwrap_or_default());
        if let Some(url) = either("HTTPS_PROXY").or_else(|| either("ALL_PROXY")) {
            proxies.add(&url, "variable HTTPS_PROXY (or ALL_PROXY)", Proxy::https, &outside)?;
        }
        Ok(proxies)
    }

    fn add(&mut self, url: &str, which: &str, rule: fn(Url) -> reqwest::Result<Proxy>, outside: &str) -> Result<()> {
        let refuse = || {
            Error::invalid(format!("The {which} is not the address of a proxy."))
                .remedy("Give it as http://host:port or https://host:port.")
        };
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let url = Url::parse(&with_scheme).map_err(|_| refuse())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse());
        }
        self.hosts.push(url.host_str().ok_or_else(refuse)?.to_owned());
        self.rules.push(rule(url).map_err(|_| refuse())?.no_proxy(NoProxy::from_string(outside)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(proxy: Option<&str>, variables: &[(&str, &str)]) -> Result<Proxies> {
        let config = Config { proxy: proxy.map(Into::into), ..Config::default() };
        Proxies::new(&config, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_configured_proxy_wins_over_the_environment() {
        assert_eq!(of(Some("http://a.example:3128"), &[("HTTPS_PROXY", "b.example")]).unwrap().hosts, ["a.example"]);
        assert_eq!(of(None, &[("https_proxy", "b.example:1")]).unwrap().hosts, ["b.example"]);
        assert_eq!(of(None, &[("ALL_PROXY", "http://c.example")]).unwrap().hosts, ["c.example"]);
        assert!(of(None, &[]).unwrap().rules.is_empty());
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for bad in ["socks5://u:hunter2@a.example", "http://u:hunter2@", "http://u:hunter2@a b"] {
            let error = of(Some(bad), &[]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
