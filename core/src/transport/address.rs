//! Which addresses may be called (T4): checked in the URL before sending, and again where the name is
//! resolved, so that a name cannot change its mind in between.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{
    config::{Config, is_public},
    id::InstanceId,
};

/// The rules, fixed when the client is made.
#[derive(Debug)]
pub(super) struct Addresses {
    allow_private: bool,
    /// The one origin that stands in for Citrix Cloud, when it is on loopback.
    stand_in: Option<Url>,
    /// Names that are resolved without a check: the proxies, which the operator chose, and the stand-in.
    /// No other call may use them.
    exempt: Vec<String>,
}

impl Addresses {
    pub(super) fn new(config: &Config, proxies: &[String]) -> Self {
        let stand_in = config.citrix_url.as_deref().and_then(|url| InstanceId::parse(url).ok());
        let stand_in = stand_in.and_then(|origin| Url::parse(origin.as_str()).ok()).filter(is_loopback);
        let exempt = proxies.iter().map(String::as_str).chain(stand_in.as_ref().and_then(Url::host_str));
        Self {
            allow_private: config.instance_hosts.allow_private_networks,
            exempt: exempt.map(plain).collect(),
            stand_in,
        }
    }

    /// Whether this URL may be called at all: why not, in a few words.
    pub(super) fn check(&self, url: &Url) -> Result<(), &'static str> {
        if self.stand_in.as_ref().is_some_and(|stand_in| same_origin(stand_in, url)) {
            return Ok(());
        }
        match url.scheme() {
            "https" => {}
            // T9: nothing leaves the machine in the clear.
            "http" if is_loopback(url) => {}
            _ => return Err("only https is spoken beyond loopback"),
        }
        let public = match url.host() {
            _ if self.allow_private => true,
            Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
            Some(Host::Domain(name)) => !self.exempt.contains(&plain(name)),
            None => false,
        };
        if public { Ok(()) } else { Err(PRIVATE) }
    }

    async fn resolve(&self, name: &str) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let found: Vec<_> = tokio::net::lookup_host((name, 0)).await?.collect();
        if self.allow_private || self.exempt.contains(&plain(name)) {
            return Ok(found);
        }
        self.only_public(found).map_err(Into::into)
    }

    /// One private address among public ones is reason enough: nobody's public name needs it.
    fn only_public(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
        if self.allow_private || found.iter().all(|address| is_public(address.ip())) {
            Ok(found)
        } else {
            Err(NotPublic)
        }
    }
}

const PRIVATE: &str = "the address is loopback or private";

/// Lower case, without the dot that means the root.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether both URLs lead to the same scheme, host and port.
pub(crate) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// True for a URL whose host can only be this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => plain(name) == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The name resolved to an address that may not be called.
#[derive(Debug)]
pub(super) struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PRIVATE)
    }
}

impl std::error::Error for NotPublic {}

/// Gives the connector only what the rules allow.
pub(super) struct Resolver(pub(super) Arc<Addresses>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.0.clone();
        Box::pin(async move { Ok(Box::new(rules.resolve(name.as_str()).await?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(citrix_url: Option<&str>, allow_private: bool, proxies: &[&str]) -> Addresses {
        let mut config = Config { citrix_url: citrix_url.map(str::to_owned), ..Config::default() };
        config.instance_hosts.allow_private_networks = allow_private;
        Addresses::new(&config, &proxies.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn urls_that_point_inside_are_refused_before_anything_is_sent() {
        for (url, citrix, private, allowed) in [
            ("https://dev1.service-now.com/x", None, false, true),
            ("https://8.8.8.8/", None, false, true),
            ("https://10.0.0.1/", None, false, false),
            ("https://10.0.0.1/", None, true, true),
            ("https://169.254.169.254/latest", None, false, false),
            ("https://[::1]/", None, false, false),
            ("https://[::ffff:127.0.0.1]/", None, false, false),
            ("http://127.0.0.1:9000/", None, false, false),
            ("http://127.0.0.1:9000/", None, true, true),
            ("http://127.0.0.1:9000/a", Some("http://127.0.0.1:9000"), false, true),
            ("http://127.0.0.1:9001/a", Some("http://127.0.0.1:9000"), false, false),
            ("http://localhost:9000/a", Some("http://localhost:9000"), false, true),
            ("http://localhost:9001/a", Some("http://localhost:9000"), false, false),
            ("http://LOCALHOST.:9001/a", Some("http://localhost:9000"), false, false),
            ("https://10.0.0.1/", Some("https://10.0.0.1"), false, false),
            ("http://dev1.service-now.com/", None, true, false),
            ("ftp://dev1.service-now.com/", None, true, false),
            ("https://proxy.example/", None, false, false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(rules(citrix, private, &["proxy.example"]).check(&url).is_ok(), allowed, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_where_it_is_resolved() {
        assert!(rules(None, false, &[]).resolve("localhost").await.unwrap_err().is::<NotPublic>());
        assert!(rules(None, true, &[]).resolve("localhost").await.is_ok());
        assert!(rules(None, false, &["localhost"]).resolve("localhost").await.is_ok());
        assert!(rules(Some("http://localhost:1"), false, &[]).resolve("localhost").await.is_ok());
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_name() {
        let mixed = ["8.8.8.8:0", "10.0.0.1:0"].map(|address| address.parse().unwrap()).to_vec();
        assert!(rules(None, false, &[]).only_public(mixed.clone()).is_err());
        assert!(rules(None, false, &[]).only_public(mixed[..1].to_vec()).is_ok());
        assert!(rules(None, true, &[]).only_public(mixed).is_ok());
    }
}
