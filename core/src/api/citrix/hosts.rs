//! The clouds of Citrix, as data: where each answers, how it gives out tokens, and from where its adapter
//! calls. (Citrix Cloud API overview; ITSM Adapter, "Onboard".)

use url::Url;

use crate::{
    api::below,
    config::Config,
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
    model::Environment,
    transport::{Response, transaction_id},
};

/// How the token endpoint wants to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenForm {
    /// OAuth 2.0 client credentials, `/cctrustoauth2/{customer}/tokens/clients`.
    OAuth,
    /// JSON both ways, `/{customer}/tokens/clients`.
    Legacy,
}

/// Where the customer is named in calls to `DaaS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DaasPath {
    /// Through the gateway: `/cvad/manage`, the customer in a header.
    Gateway,
    /// Past the gateway: `{customer}.{host}/citrix/orchestration/api/{customer}`.
    Direct,
}

/// One cloud or region.
#[derive(Debug)]
pub(super) struct Cloud {
    environment: Environment,
    /// The word that the redirects to another region use for it.
    region: &'static str,
    api: &'static str,
    core: &'static str,
    notifications: &'static str,
    webhooks: &'static str,
    trust: &'static str,
    daas: &'static str,
    daas_path: DaasPath,
    pub(super) token_form: TokenForm,
    /// Hosts below these may be named by a redirect to another region.
    domains: &'static [&'static str],
    egress: &'static [&'static str],
}

const COMMERCIAL: Cloud = Cloud {
    environment: Environment::Us,
    region: "us",
    api: "api-us.cloud.com",
    core: "core.citrixworkspacesapi.net",
    notifications: "notifications.citrixworkspacesapi.net",
    webhooks: "webhooks.citrixworkspacesapi.net",
    trust: "trust.citrixworkspacesapi.net",
    daas: "api-us.cloud.com",
    daas_path: DaasPath::Gateway,
    token_form: TokenForm::OAuth,
    domains: &[".cloud.com"],
    egress: &["52.158.218.132/30"],
};

/// The table. Neither Japan nor the government cloud publishes addresses of the adapter; the host names of
/// their platform services follow the pattern of the commercial cloud and are not documented one by one.
static CLOUDS: [Cloud; 5] = [
    COMMERCIAL,
    Cloud {
        environment: Environment::Eu,
        region: "eu",
        api: "api-eu.cloud.com",
        daas: "api-eu.cloud.com",
        egress: &["20.54.214.12/30"],
        ..COMMERCIAL
    },
    Cloud {
        environment: Environment::AsiaPacificSouth,
        region: "asp",
        api: "api-ap-s.cloud.com",
        daas: "api-ap-s.cloud.com",
        egress: &["20.195.2.68/30"],
        ..COMMERCIAL
    },
    Cloud {
        environment: Environment::Japan,
        region: "jp",
        api: "api.citrixcloud.jp",
        core: "core.citrixworkspacesapi.jp",
        notifications: "notifications.citrixworkspacesapi.jp",
        webhooks: "webhooks.citrixworkspacesapi.jp",
        trust: "trust.citrixworkspacesapi.jp",
        daas: "api.citrixcloud.jp",
        domains: &[".citrixcloud.jp"],
        egress: &[],
        ..COMMERCIAL
    },
    Cloud {
        environment: Environment::UsGovernment,
        region: "gov",
        api: "api.cloud.us",
        core: "core.citrixworkspacesapi.us",
        notifications: "notifications.citrixworkspacesapi.us",
        webhooks: "webhooks.citrixworkspacesapi.us",
        trust: "trust.citrixworkspacesapi.us",
        daas: "xendesktop.us",
        daas_path: DaasPath::Direct,
        token_form: TokenForm::Legacy,
        domains: &[".cloud.us", ".xendesktop.us", ".citrixworkspacesapi.us"],
        egress: &[],
    },
];

pub(super) fn cloud(environment: Environment) -> &'static Cloud {
    let row = match environment {
        Environment::Us => 0,
        Environment::Eu => 1,
        Environment::AsiaPacificSouth => 2,
        Environment::Japan => 3,
        Environment::UsGovernment => 4,
    };
    &CLOUDS[row]
}

/// Whom a redirect means when it names a region.
pub(super) fn environment_of(region: &str) -> Option<Environment> {
    CLOUDS.iter().find(|cloud| cloud.region == region).map(|cloud| cloud.environment)
}

/// Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where
/// Citrix publishes none.
pub fn egress_ranges(environment: Environment) -> &'static [&'static str] {
    cloud(environment).egress
}

/// Builds URLs, of Citrix's hosts or of the one origin that stands in for them all.
#[derive(Debug)]
pub(super) struct Hosts {
    stand_in: Option<Url>,
}

impl Hosts {
    /// # Errors
    /// `invalid_input` when `citrix_url` is not an origin.
    pub(super) fn new(config: &Config) -> Result<Self> {
        let refuse = |error: Error| {
            Error::invalid(format!("The setting citrix_url cannot be used. {}", error.message()))
                .remedy("Give an origin such as http://127.0.0.1:9000, or leave it out.")
        };
        let stand_in = match config.citrix_url.as_deref() {
            Some(url) => Some(url_of(InstanceId::parse(url).map_err(refuse)?.as_str())?),
            None => None,
        };
        Ok(Self { stand_in })
    }

    pub(super) fn token(&self, environment: Environment, customer: &CustomerId) -> Result<Url> {
        let cloud = cloud(environment);
        match cloud.token_form {
            TokenForm::OAuth => self.url(cloud.api, &["cctrustoauth2", customer.as_str(), "tokens", "clients"]),
            TokenForm::Legacy => self.url(cloud.trust, &[customer.as_str(), "tokens", "clients"]),
        }
    }

    pub(super) fn service_states(&self, environment: Environment, customer: &CustomerId) -> Result<Url> {
        self.url(cloud(environment).core, &[customer.as_str(), "serviceStates"])
    }

    /// Where the customer's notifications are listed.
    pub(super) fn notifications(&self, environment: Environment, customer: &CustomerId) -> Result<Url> {
        self.url(cloud(environment).notifications, &[customer.as_str(), "notifications"])
    }

    /// `below` is what follows `/subscriptions`.
    pub(super) fn subscriptions(&self, environment: Environment, customer: &CustomerId, below: &[&str]) -> Result<Url> {
        self.url(cloud(environment).webhooks, &[&[customer.as_str(), "subscriptions"], below].concat())
    }

    /// An entity set of Monitor.
    pub(super) fn monitor(&self, environment: Environment, set: &str) -> Result<Url> {
        self.url(cloud(environment).api, &["monitorodata", set])
    }

    /// The next page that an answer links to. Only the query of the link counts: a page is where its list is, whatever
    /// host a link names, and nothing is sent elsewhere (T5).
    ///
    /// # Errors
    /// `protocol` when the link leads out of the list.
    pub(super) fn linked(asked: &Url, link: &str) -> Result<Url> {
        let there = asked
            .join(link)
            .ok()
            .filter(|there| there.path() == asked.path() && there.query().is_some() && there.query() != asked.query());
        let there = there.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, "Citrix Cloud links from one page of a list to something else.")
        })?;
        let mut next = asked.clone();
        next.set_query(there.query());
        Ok(next)
    }

    pub(super) fn me(&self, environment: Environment, customer: &CustomerId) -> Result<Url> {
        let cloud = cloud(environment);
        match cloud.daas_path {
            DaasPath::Gateway => self.url(cloud.daas, &["cvad", "manage", "me"]),
            DaasPath::Direct => self.url(&direct(cloud, customer), &["citrix", "orchestration", "api", "me"]),
        }
    }

    /// `below` is what follows `/Sites`.
    pub(super) fn sites(&self, environment: Environment, customer: &CustomerId, below: &[&str]) -> Result<Url> {
        let cloud = cloud(environment);
        let (host, base) = match cloud.daas_path {
            DaasPath::Gateway => (cloud.daas.to_owned(), vec!["cvad", "manage", "Sites"]),
            DaasPath::Direct => {
                (direct(cloud, customer), vec!["citrix", "orchestration", "api", customer.as_str(), "Sites"])
            }
        };
        self.url(&host, &[&base, below].concat())
    }

    /// The call that wakes a frozen site. It goes to the host of `DaaS`.
    pub(super) fn activation(&self, environment: Environment, customer: &CustomerId) -> Result<Url> {
        let cloud = cloud(environment);
        let host = match cloud.daas_path {
            DaasPath::Gateway => cloud.daas.to_owned(),
            DaasPath::Direct => direct(cloud, customer),
        };
        let mut url = self.url(&host, &["resourceprovider", customer.as_str(), "site", "activation"])?;
        url.query_pairs_mut().append_pair("customerId", customer.as_str());
        Ok(url)
    }

    /// The same request on the host that a redirect to another region names. Only the host changes; what else
    /// the redirect says is an internal path. (Seen in Citrix's own provider; the real trap of regions.)
    ///
    /// # Errors
    /// `protocol` when the host is not one of this cloud's, and nothing may be sent there (T5).
    pub(super) fn moved(&self, environment: Environment, asked: &Url, answer: &Response) -> Result<Url> {
        let location = answer.headers.get(::http::header::LOCATION).and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| Url::parse(location).ok());
        let host = target.as_ref().and_then(Url::host_str).unwrap_or_default();
        let allowed = match (&self.stand_in, &target) {
            (Some(stand_in), Some(target)) => stand_in.origin() == target.origin(),
            (None, Some(target)) => {
                target.scheme() == "https"
                    && target.port().is_none()
                    && target.username().is_empty()
                    && target.password().is_none()
                    && cloud(environment).domains.iter().any(|domain| {
                        host.strip_suffix(domain).is_some_and(|name| !name.is_empty() && !name.ends_with('.'))
                    })
            }
            (_, None) => false,
        };
        let refuse = || {
            Error::new(
                ErrorKind::Protocol,
                "Citrix Cloud sent the call to a host that is not its own; nothing was sent there.",
            )
            .with("location_host", host)
            .with("status", answer.status.as_u16())
            .transaction(transaction_id(&answer.headers))
        };
        if !allowed {
            return Err(refuse());
        }
        let mut moved = asked.clone();
        moved.set_host(Some(host)).map_err(|_| refuse())?;
        Ok(moved)
    }

    fn url(&self, host: &str, segments: &[&str]) -> Result<Url> {
        match &self.stand_in {
            Some(url) => below(url, segments),
            None => below(&url_of(&format!("https://{host}"))?, segments),
        }
    }
}

fn direct(cloud: &Cloud, customer: &CustomerId) -> String {
    format!("{customer}.{}", cloud.daas)
}

fn url_of(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|_| Error::invalid("The customer id cannot be part of a host name."))
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, StatusCode};

    use super::*;

    const ALL: [Environment; 5] = [
        Environment::Us,
        Environment::Eu,
        Environment::AsiaPacificSouth,
        Environment::Japan,
        Environment::UsGovernment,
    ];

    fn hosts(stand_in: Option<&str>) -> Hosts {
        Hosts::new(&Config { citrix_url: stand_in.map(str::to_owned), ..Config::default() }).unwrap()
    }

    fn customer() -> CustomerId {
        CustomerId::parse("a1b2c3d4e5f6").unwrap()
    }

    #[test]
    fn every_environment_has_its_own_row() {
        for environment in ALL {
            assert_eq!(cloud(environment).environment, environment);
            assert_eq!(environment_of(cloud(environment).region), Some(environment));
        }
        assert_eq!(environment_of("mars"), None);
    }

    #[test]
    fn egress_ranges_are_those_that_citrix_publishes() {
        assert_eq!(
            ALL.map(|environment| egress_ranges(environment).join(",")),
            ["52.158.218.132/30", "20.54.214.12/30", "20.195.2.68/30", "", ""]
        );
    }

    #[test]
    fn each_call_goes_to_the_right_host_and_path() {
        let (hosts, customer) = (hosts(None), customer());
        for (environment, token, states, me, site, activation) in [
            (
                Environment::Eu,
                "https://api-eu.cloud.com/cctrustoauth2/a1b2c3d4e5f6/tokens/clients",
                "https://core.citrixworkspacesapi.net/a1b2c3d4e5f6/serviceStates",
                "https://api-eu.cloud.com/cvad/manage/me",
                "https://api-eu.cloud.com/cvad/manage/Sites/a%2Fb",
                "https://api-eu.cloud.com/resourceprovider/a1b2c3d4e5f6/site/activation?customerId=a1b2c3d4e5f6",
            ),
            (
                Environment::Japan,
                "https://api.citrixcloud.jp/cctrustoauth2/a1b2c3d4e5f6/tokens/clients",
                "https://core.citrixworkspacesapi.jp/a1b2c3d4e5f6/serviceStates",
                "https://api.citrixcloud.jp/cvad/manage/me",
                "https://api.citrixcloud.jp/cvad/manage/Sites/a%2Fb",
                "https://api.citrixcloud.jp/resourceprovider/a1b2c3d4e5f6/site/activation?customerId=a1b2c3d4e5f6",
            ),
            (
                Environment::UsGovernment,
                "https://trust.citrixworkspacesapi.us/a1b2c3d4e5f6/tokens/clients",
                "https://core.citrixworkspacesapi.us/a1b2c3d4e5f6/serviceStates",
                "https://a1b2c3d4e5f6.xendesktop.us/citrix/orchestration/api/me",
                "https://a1b2c3d4e5f6.xendesktop.us/citrix/orchestration/api/a1b2c3d4e5f6/Sites/a%2Fb",
                "https://a1b2c3d4e5f6.xendesktop.us/resourceprovider/a1b2c3d4e5f6/site/activation?customerId=a1b2c3d4e5f6",
            ),
        ] {
            let urls = [
                hosts.token(environment, &customer),
                hosts.service_states(environment, &customer),
                hosts.me(environment, &customer),
                hosts.sites(environment, &customer, &["a/b"]),
                hosts.activation(environment, &customer),
            ];
            assert_eq!(urls.map(|url| url.unwrap().to_string()), [token, states, me, site, activation]);
        }
    }

    #[test]
    fn one_origin_stands_in_for_all_hosts_and_must_be_an_origin() {
        let url = hosts(Some("http://127.0.0.1:9000/")).token(Environment::Us, &customer()).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:9000/cctrustoauth2/a1b2c3d4e5f6/tokens/clients");
        for bad in ["http://citrix.example", "http://127.0.0.1/path", "https://u:p@a.example", "nonsense://"] {
            let config = Config { citrix_url: Some(bad.to_owned()), ..Config::default() };
            assert_eq!(Hosts::new(&config).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn a_link_to_the_next_page_stays_with_its_list() {
        let asked = Url::parse("https://api-us.cloud.com/monitorodata/Notifications?$filter=x").unwrap();
        for (link, next) in [
            ("https://api-us.cloud.com/monitorodata/Notifications?$skip=100", Some("$skip=100")),
            ("https://api.cloud.com/monitorodata/Notifications?$skip=100", Some("$skip=100")),
            ("Notifications?$skip=100", Some("$skip=100")),
            ("https://evil.example/monitorodata/Notifications?$skip=1", Some("$skip=1")),
            ("https://api-us.cloud.com/monitorodata/Users?$skip=100", None),
            ("https://api-us.cloud.com/monitorodata/Notifications", None),
            ("https://", None),
            ("", None),
            ("https://api-us.cloud.com/monitorodata/Notifications?$filter=x", None),
        ] {
            let linked = Hosts::linked(&asked, link);
            let expected = next.map(|next| format!("https://api-us.cloud.com/monitorodata/Notifications?{next}"));
            assert_eq!(linked.ok().map(|url| url.to_string()), expected, "{link}");
        }
    }

    #[test]
    fn a_redirect_changes_the_host_only_and_only_inside_the_same_cloud() {
        for (environment, stand_in, location, moved) in [
            (
                Environment::Us,
                None,
                "https://api-eu.cloud.com/internal/x?y=1",
                Some("https://api-eu.cloud.com/a/b?c=d"),
            ),
            (Environment::Us, None, "https://api-eu.cloud.com:443/x", Some("https://api-eu.cloud.com/a/b?c=d")),
            (Environment::Us, None, "https://cloud.com/x", None),
            (Environment::Us, None, "https://evilcloud.com/x", None),
            (Environment::Us, None, "https://api-eu.cloud.com.evil.example/x", None),
            (Environment::Us, None, "https://api-eu.cloud.com@evil.example/x", None),
            (Environment::Us, None, "https://evil.example/.cloud.com", None),
            (Environment::Us, None, "https://u:p@api-eu.cloud.com/x", None),
            (Environment::Us, None, "https://api-eu.cloud.com:8443/x", None),
            (Environment::Us, None, "http://api-eu.cloud.com/x", None),
            (Environment::Us, None, "https://..cloud.com/x", None),
            (Environment::Us, None, "https://api.citrixcloud.jp/x", None),
            (Environment::Us, None, "/internal/x", None),
            (Environment::Us, None, "", None),
            (Environment::Japan, None, "https://api2.citrixcloud.jp/x", Some("https://api2.citrixcloud.jp/a/b?c=d")),
            (Environment::Japan, None, "https://api-eu.cloud.com/x", None),
            (Environment::UsGovernment, None, "https://c.xendesktop.us/x", Some("https://c.xendesktop.us/a/b?c=d")),
            (Environment::Us, Some("http://127.0.0.1:9"), "http://127.0.0.1:9/x", Some("http://127.0.0.1:9/a/b?c=d")),
            (Environment::Us, Some("http://127.0.0.1:9"), "http://127.0.0.1:10/x", None),
            (Environment::Us, Some("http://127.0.0.1:9"), "https://api-eu.cloud.com/x", None),
        ] {
            let asked = Url::parse(stand_in.unwrap_or("https://api-us.cloud.com")).unwrap().join("/a/b?c=d").unwrap();
            let headers = HeaderMap::from_iter([(::http::header::LOCATION, location.parse().unwrap())]);
            let answer = Response { status: StatusCode::TEMPORARY_REDIRECT, headers, body: bytes::Bytes::new() };
            let result = hosts(stand_in).moved(environment, &asked, &answer);
            assert_eq!(result.as_ref().ok().map(Url::as_str), moved, "{location}");
            assert!(moved.is_some() || result.is_err_and(|error| error.kind() == ErrorKind::Protocol));
        }
    }
}
