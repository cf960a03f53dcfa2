//! The names by which things are known: transparent, cheap to clone, checked where they enter.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::{Error, Result};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "python", derive(pyo3::IntoPyObject, pyo3::IntoPyObjectRef, pyo3::FromPyObject))]
        #[cfg_attr(feature = "python", pyo3(transparent))]
        #[cfg_attr(feature = "node", napi_derive::napi(transparent))]
        pub struct $name(pub(crate) String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id! {
    /// A Citrix Cloud customer id, such as `a1b2c3d4e5f6`: 1 to 64 letters, digits, `-` or `_`.
    CustomerId
}
id! {
    /// A ServiceNow instance, known by its normalised origin, such as `https://dev000001.service-now.com`.
    InstanceId
}
id! {
    /// One alert on its way to an incident. Made by the adapter; opaque.
    DeliveryId
}

impl CustomerId {
    /// Checks the alphabet and the length.
    ///
    /// # Errors
    /// `invalid_input` when the text is empty, too long, or holds another character: the id goes into
    /// URLs and headers, so nothing else may pass (T12).
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::invalid("The customer id is empty.")
                .remedy("Copy it from Citrix Cloud: Identity and Access Management, API Access."));
        }
        if text.len() > 64 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(Error::invalid("The customer id may hold letters, digits, '-' and '_' only, at most 64.")
                .remedy("Copy it from Citrix Cloud: Identity and Access Management, API Access."));
        }
        Ok(Self(text.to_owned()))
    }
}

impl InstanceId {
    /// Normalises what a person typed: scheme added, host in lower case and punycode, the default port, a
    /// trailing dot and a trailing slash dropped. Whether the host may be called at all is decided by
    /// [`HostRules`](crate::config::HostRules), not here.
    ///
    /// # Errors
    /// `invalid_input`, with the reason, for anything that is not an origin: user info, a path, a query, a
    /// fragment, a scheme other than `https` (or `http` on loopback), no host, control characters.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::invalid(format!("The instance URL {why}."))
                .remedy("Give the address alone, such as https://dev000001.service-now.com."))
        };
        let text = text.trim();
        if text.is_empty() {
            return refuse("is empty");
        }
        if text.len() > 2048 || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return refuse("is too long or holds white space, control characters or a backslash");
        }
        let with_scheme;
        let url = if text.contains("://") {
            text
        } else {
            with_scheme = format!("https://{text}");
            &with_scheme
        };
        let Ok(url) = Url::parse(url) else { return refuse("cannot be read as a URL") };
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return refuse("holds user info; credentials never belong into it");
        }
        if url.path() != "/" && !url.path().is_empty() {
            return refuse("holds a path");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("holds a query or a fragment");
        }
        let Some(host) = url.host() else { return refuse("holds no host") };
        let host = match host {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                if name.is_empty() || name.split('.').any(str::is_empty) {
                    return refuse("holds an incomplete host name");
                }
                name.to_owned()
            }
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => format!("[{address}]"),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return refuse("must begin with https; http is for loopback only"),
            _ => return refuse("must begin with https"),
        }
        if url.port() == Some(0) {
            return refuse("names port 0");
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("{}://{host}{port}", url.scheme())))
    }

    /// The host alone, without scheme and port.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        match rest.rfind(':') {
            Some(colon) if !rest.ends_with(']') => &rest[..colon],
            _ => rest,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_urls_are_normalised() {
        for (typed, origin) in [
            ("https://dev1.service-now.com", "https://dev1.service-now.com"),
            ("dev1.service-now.com", "https://dev1.service-now.com"),
            (" https://DEV1.Service-Now.com/ ", "https://dev1.service-now.com"),
            ("https://dev1.service-now.com.", "https://dev1.service-now.com"),
            ("https://dev1.service-now.com.:8443/", "https://dev1.service-now.com:8443"),
            ("https://dev1.service-now.com:443", "https://dev1.service-now.com"),
            ("HTTPS://dev1.service-now.com:8443", "https://dev1.service-now.com:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://[::1]:9000/", "http://[::1]:9000"),
            ("http://localhost:9000", "http://localhost:9000"),
        ] {
            assert_eq!(InstanceId::parse(typed).map(|id| id.0).ok().as_deref(), Some(origin), "{typed}");
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused_with_its_reason() {
        for (typed, why) in [
            ("", "empty"),
            ("https://", "read"),
            ("http://dev1.service-now.com", "https"),
            ("ftp://dev1.service-now.com", "https"),
            ("javascript://dev1.service-now.com", "https"),
            ("https://admin:pw@dev1.service-now.com", "user info"),
            ("https://dev1.service-now.com@evil.example", "user info"),
            ("https://@dev1.service-now.com", "user info"),
            ("https://dev1.service-now.com/nav_to.do", "path"),
            ("https://dev1.service-now.com?x=1", "query"),
            ("https://dev1.service-now.com#x", "fragment"),
            ("https://dev1.service-now.com\\@evil.example", "backslash"),
            ("https://dev1.service-now.com\r\nX: y", "control"),
            ("https://dev1..service-now.com", "incomplete"),
            ("https://dev1.service-now.com:0", "port"),
            ("https://dev1.service-now.com:99999", "read"),
            ("https://dev1 .service-now.com", "white space"),
        ] {
            let error = InstanceId::parse(typed).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("invalid_input") && error.contains(why), "{typed}: {error}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for typed in ["DEV1.service-now.com.", "http://[::1]:80", "https://a.b:444/"] {
            let once = InstanceId::parse(typed).map(|id| id.0).unwrap_or_default();
            assert_eq!(InstanceId::parse(&once).map(|id| id.0).unwrap_or_default(), once);
        }
    }

    #[test]
    fn the_host_is_without_port_and_scheme() {
        for (origin, host) in
            [("https://a.b:1", "a.b"), ("https://a.b", "a.b"), ("https://[::1]:1", "[::1]"), ("http://[::1]", "[::1]")]
        {
            assert_eq!(InstanceId(origin.into()).host(), host);
        }
    }

    #[test]
    fn customer_ids_hold_no_character_that_could_change_a_request() {
        assert!(CustomerId::parse(" a1b2c3d4e5f6 ").is_ok());
        for bad in ["", "a/b", "a\r\nb", "a b", "a?b", "ä", "../x", &"x".repeat(65)] {
            assert!(CustomerId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
