//! What an embedding program may set. Every default is a named constant here; everything that the public
//! material about the two systems leaves open is a setting, not an assumption.

use std::{path::PathBuf, time::Duration};

use crate::{
    error::{Error, Result},
    id::InstanceId,
    model::{ClientOptions, OauthServer},
    secret::Secret,
    store::listed_keys,
};

/// Time allowed for a TCP and TLS connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time allowed for one attempt of a call: half of ServiceNow's transaction limit for REST.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// Time allowed for a call with all its attempts and waits.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a call is sent at the most.
pub const MAX_ATTEMPTS: u32 = 4;
/// Upper bound of the first wait between attempts; it doubles each time.
pub const BACKOFF_BASE: Duration = Duration::from_millis(200);
/// Upper bound of any wait that the remote did not ask for.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Requests in flight to one remote (an instance, or Citrix Cloud for one customer).
pub const CONCURRENCY_PER_REMOTE: usize = 64;
/// Largest body that is read.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Deepest JSON that is read.
pub const MAX_JSON_DEPTH: usize = 64;
/// A token is renewed this long before it ends (a tenth of its life when that is shorter).
pub const RENEWAL_MARGIN: Duration = Duration::from_secs(60);
/// Life of a refresh token where the instance does not say: ServiceNow's default of 100 days.
pub const REFRESH_TOKEN_LIFESPAN: Duration = Duration::from_secs(8_640_000);
/// Life of an access token where the answer does not say: long enough to use, short enough to be asked again.
pub const ACCESS_TOKEN_LIFESPAN: Duration = Duration::from_secs(60);
/// Days before the wall of a grant at which to warn.
pub const GRANT_WARNING_DAYS: [u32; 5] = [30, 14, 7, 3, 1];
/// How long an instance may go on working on a request that nobody waits for: its REST transaction quota.
pub const TRANSACTION_LIMIT: Duration = Duration::from_secs(60);
/// Whether registrations are probed without being asked: a probe makes a record, so no.
pub const PROBE: bool = false;
/// How long a delivery is kept after its end: as long as Citrix Cloud keeps notifications, so that what is forgotten here
/// is not told again from there.
pub const KEEP_DELIVERIES: Duration = Duration::from_secs(90 * 86_400);
/// How long a dead letter is kept: for ever, because nothing is dropped that nobody has looked at.
pub const KEEP_DEAD_LETTERS: Option<Duration> = None;
/// How long an event is kept: a year and a month, so that each month can be compared with the same one a year ago.
pub const KEEP_EVENTS: Duration = Duration::from_secs(400 * 86_400);
/// Scope of the Citrix IT Service Management Connector on ServiceNow.
pub const CONNECTOR_SCOPE: &str = "x_cion_citrix_it_s";
/// The connector's administrator role.
pub const CONNECTOR_ROLE: &str = "x_cion_citrix_it_s.ctx_itsm_admin";
/// Any one of these roles is enough to create and resolve incidents.
pub const INCIDENT_ROLES: [&str; 4] = ["incident_manager", "sn_incident_write", "itil", "admin"];
/// Host names that may be instances without being named in [`Config::instance_hosts`] (T4).
pub const INSTANCE_HOSTS: [&str; 2] = ["*.service-now.com", "*.servicenowservices.com"];

const DAY: Duration = Duration::from_secs(86_400);

/// No time that is set may be longer, so that sums of them stay within what instants can hold.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// In memory; gone with the client.
    Memory,
    /// In one SQLite file, which several processes may share.
    Sqlite {
        /// The file; made when it is not there.
        path: PathBuf,
    },
}

/// How calls are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryConfig {
    /// How often a call is sent at the most; 1 = never repeated.
    pub max_attempts: u32,
    /// Upper bound of the first wait; the wait itself is random below the bound (full jitter).
    pub backoff_base: Duration,
    /// Upper bound of every wait that the remote did not ask for.
    pub backoff_max: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { max_attempts: MAX_ATTEMPTS, backoff_base: BACKOFF_BASE, backoff_max: BACKOFF_MAX }
    }
}

/// How long what is done with is kept. Workers remove it once a day, in small commits, and an event of kind `forgotten`
/// says so. None: it is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// A delivery with its group, after it last changed. One whose alert goes on, or whose incident is open, stays; so
    /// does a small trace of every alert that had an incident, by which the next one is told apart from it.
    pub deliveries: Option<Duration>,
    /// A dead letter, after it died.
    pub dead_letters: Option<Duration>,
    /// An event of the log.
    pub events: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { deliveries: Some(KEEP_DELIVERIES), dead_letters: KEEP_DEAD_LETTERS, events: Some(KEEP_EVENTS) }
    }
}

/// Which hosts may be called as instances (T4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRules {
    /// Host names: exact, or `*.suffix` for everything below a suffix. An entry may be an address.
    pub hosts: Vec<String>,
    /// Whether loopback, private and link-local addresses may be called.
    pub allow_private_networks: bool,
}

impl HostRules {
    /// Checks an instance's host against the rules; its address is checked again when it is resolved.
    ///
    /// # Errors
    /// `invalid_input` when the host is not among the allowed ones.
    pub fn check(&self, instance: &InstanceId) -> Result<()> {
        let host = instance.host();
        let allowed =
            INSTANCE_HOSTS.iter().copied().chain(self.hosts.iter().map(String::as_str)).any(|rule| {
                match rule.strip_prefix("*.") {
                    Some(suffix) => host.strip_suffix(suffix).is_some_and(|name| name.len() > 1 && name.ends_with('.')),
                    None => rule.eq_ignore_ascii_case(host),
                }
            });
        if !allowed {
            return Err(Error::invalid(format!("The host {host} is not known as a ServiceNow instance."))
                .remedy("Correct the address, or name the host in the setting instance_hosts (SERVICENOW_HOSTS).")
                .with("host", host));
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        match literal {
            Ok(address) if !self.allow_private_networks && !is_public(address) => Err(private(host)),
            _ => Ok(()),
        }
    }
}

pub(crate) fn private(host: &str) -> Error {
    Error::invalid(format!("The host {host} is a loopback or private address."))
        .remedy("Set allow_private_networks if the instance really is inside your network.")
        .with("host", host)
}

/// True for addresses of the public internet; false for loopback, private, link-local, shared, multicast,
/// documentation and reserved ranges, also when they are wrapped in IPv6.
pub(crate) fn is_public(address: std::net::IpAddr) -> bool {
    use std::net::IpAddr;
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            if let Some(v4) = v6.to_ipv4() {
                return !v6.is_loopback() && !v6.is_unspecified() && is_public(IpAddr::V4(v4));
            }
            // NAT64 (64:ff9b::/96) and 6to4 (2002::/16) carry an IPv4 address inside.
            if segments[0] == 0x64 && segments[1] == 0xff9b {
                let [.., a, b] = segments;
                let (a, b) = (a.to_be_bytes(), b.to_be_bytes());
                return is_public(IpAddr::from([a[0], a[1], b[0], b[1]]));
            }
            if segments[0] == 0x2002 {
                let (a, b) = (segments[1].to_be_bytes(), segments[2].to_be_bytes());
                return is_public(IpAddr::from([a[0], a[1], b[0], b[1]]));
            }
            !(v6.is_multicast()
                || (segments[0] & 0xfe00) == 0xfc00
                || (segments[0] & 0xffc0) == 0xfe80
                // Site-local, which nothing new uses any more (RFC 3879).
                || (segments[0] & 0xffc0) == 0xfec0
                // Teredo carries an address of IPv4 that nobody can vouch for (RFC 4380).
                || (segments[0] == 0x2001 && matches!(segments[1], 0 | 0xdb8)))
        }
    }
}

/// Everything that can be set. [`Config::default`] keeps the state in memory; [`Config::from_env`] reads the
/// environment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where the state is kept.
    pub store: StoreConfig,
    /// Key that seals the secrets: 32 bytes as base64 or hexadecimal. None: `ITSM_ADAPTER_KEY`, else a key
    /// file beside the database.
    pub key: Option<Secret>,
    /// Older keys that may still be needed to open what was sealed before a rotation.
    pub old_keys: Vec<Secret>,
    /// One address in place of all hosts of Citrix Cloud, for the simulator and for tests.
    pub citrix_url: Option<String>,
    /// Which hosts may be called as instances.
    pub instance_hosts: HostRules,
    /// Proxy for all calls, such as `http://proxy.example:3128`; a secret, because it may hold a password. None: the
    /// variables `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` count. A proxy resolves the names that it is asked for, so
    /// it decides as well which addresses are reached.
    pub proxy: Option<Secret>,
    /// Further root certificates, PEM; the system's own stay valid.
    pub root_certificates: Vec<Vec<u8>>,
    /// Time allowed for a connection.
    pub connect_timeout: Duration,
    /// Time allowed for one attempt.
    pub attempt_timeout: Duration,
    /// Time allowed for a call with all its attempts.
    pub total_timeout: Duration,
    /// How calls are repeated.
    pub retry: RetryConfig,
    /// Requests in flight to one remote.
    pub concurrency_per_remote: usize,
    /// Life of a refresh token where the instance does not say.
    pub refresh_token_lifespan: Duration,
    /// Authorization servers that differ from what an instance of ServiceNow has by default.
    pub oauth_servers: Vec<OauthServer>,
    /// Days before the wall of a grant at which to warn.
    pub grant_warning_days: Vec<u32>,
    /// How long an instance may go on working on a request that nobody waits for.
    pub transaction_limit: Duration,
    /// Whether registrations are probed whenever they are saved, and daily by a worker.
    pub probe: bool,
    /// How long what is done with is kept.
    pub retention: Retention,
    /// Path of the revocation endpoint; two papers disagree (`oauth_revoke_token.do`, `oauth_revoke.do`).
    pub revocation_path: String,
    /// How long to wait for a frozen DaaS site, and how often to look (Citrix: 20 minutes, every 30 s).
    pub wake_up_timeout: Duration,
    /// Pause between two looks at a frozen site.
    pub wake_up_interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: StoreConfig::Memory,
            key: None,
            old_keys: Vec::new(),
            citrix_url: None,
            instance_hosts: HostRules { hosts: Vec::new(), allow_private_networks: false },
            proxy: None,
            root_certificates: Vec::new(),
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
            total_timeout: TOTAL_TIMEOUT,
            retry: RetryConfig::default(),
            concurrency_per_remote: CONCURRENCY_PER_REMOTE,
            refresh_token_lifespan: REFRESH_TOKEN_LIFESPAN,
            oauth_servers: Vec::new(),
            grant_warning_days: GRANT_WARNING_DAYS.to_vec(),
            transaction_limit: TRANSACTION_LIMIT,
            probe: PROBE,
            retention: Retention::default(),
            revocation_path: "oauth_revoke_token.do".to_owned(),
            wake_up_timeout: Duration::from_secs(20 * 60),
            wake_up_interval: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// Reads the environment: `ITSM_ADAPTER_STORE` (the path of a SQLite file, or `memory`; required),
    /// `ITSM_ADAPTER_KEY` (several keys separated by commas: the first seals), `CITRIX_URL`, `SERVICENOW_HOSTS` (comma-separated),
    /// `ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS` (`true`). What is not set keeps its default.
    ///
    /// # Errors
    /// `invalid_input` when a variable holds something else than it should, or `ITSM_ADAPTER_STORE` is not set.
    pub fn from_env() -> Result<Self> {
        Self::resolve(ClientOptions::default())
    }

    /// Each setting from the options, else from the environment, else its default.
    ///
    /// # Errors
    /// `invalid_input` when neither the options nor the environment say where the state is kept, or when a
    /// value makes no sense; the message names the option and the variable.
    pub fn resolve(options: ClientOptions) -> Result<Self> {
        Self::resolve_with(options, variable)
    }

    fn resolve_with(options: ClientOptions, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let store = match options.store.or_else(|| variable("ITSM_ADAPTER_STORE")).as_deref() {
            Some("memory") => StoreConfig::Memory,
            Some(path) if !path.trim().is_empty() => StoreConfig::Sqlite { path: path.into() },
            _ => {
                return Err(Error::invalid(
                    "Neither the option store nor ITSM_ADAPTER_STORE says where the state is kept.",
                )
                .remedy("Give the path of a database file, or \"memory\" for a state that ends with the client."));
            }
        };
        let mut config = Self { store, ..Self::default() };
        config.key = options.key;
        config.old_keys = options.old_keys.unwrap_or_default();
        if config.key.is_none()
            && let Some(list) = variable("ITSM_ADAPTER_KEY")
        {
            // The first seals, the others open what was sealed before a rotation.
            let mut keys = listed_keys(&Secret::from(list)).into_iter();
            config.key = keys.next();
            config.old_keys.splice(0..0, keys);
        }
        config.citrix_url = options.citrix_url.or_else(|| variable("CITRIX_URL"));
        config.instance_hosts.hosts = options.instance_hosts.unwrap_or_else(|| {
            let listed = variable("SERVICENOW_HOSTS").unwrap_or_default();
            listed.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect()
        });
        config.instance_hosts.allow_private_networks = match options.allow_private_networks {
            Some(allowed) => allowed,
            None => match variable("ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS").as_deref() {
                None | Some("false" | "0") => false,
                Some("true" | "1") => true,
                Some(_) => {
                    return Err(Error::invalid(
                        "ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS (option allow_private_networks) must be true or false.",
                    ));
                }
            },
        };
        config.proxy = options.proxy;
        config.root_certificates =
            options.root_certificates.unwrap_or_default().into_iter().map(String::into_bytes).collect();
        for (setting, given) in [
            (&mut config.connect_timeout, options.connect_timeout_ms),
            (&mut config.attempt_timeout, options.attempt_timeout_ms),
            (&mut config.total_timeout, options.total_timeout_ms),
            (&mut config.transaction_limit, options.transaction_limit_ms),
            (&mut config.wake_up_interval, options.wake_up_interval_ms),
        ] {
            if let Some(ms) = given {
                *setting = Duration::from_millis(ms.into());
            }
        }
        if let Some(attempts) = options.max_attempts {
            config.retry.max_attempts = attempts;
        }
        if let Some(requests) = options.concurrency_per_remote {
            config.concurrency_per_remote = requests as usize;
        }
        config.probe = options.probe.unwrap_or(PROBE);
        for (setting, given) in [
            (&mut config.retention.deliveries, options.keep_deliveries_days),
            (&mut config.retention.dead_letters, options.keep_dead_letters_days),
            (&mut config.retention.events, options.keep_events_days),
        ] {
            if let Some(days) = given {
                *setting = (days > 0).then(|| DAY * days);
            }
        }
        config.oauth_servers = options.oauth_servers.unwrap_or_default();
        if let Some(days) = options.grant_warning_days {
            config.grant_warning_days = days;
        }
        config.check()?;
        Ok(config)
    }

    /// Refuses settings that make no sense, before anything is opened.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value) in [
            ("connect_timeout", self.connect_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("total_timeout", self.total_timeout),
            ("wake_up_interval", self.wake_up_interval),
        ] {
            if value.is_zero() {
                return Err(Error::invalid(format!("The setting {name} must be longer than nothing.")));
            }
        }
        for (name, value) in [
            ("connect_timeout", self.connect_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("total_timeout", self.total_timeout),
            ("transaction_limit", self.transaction_limit),
            ("wake_up_timeout", self.wake_up_timeout),
            ("wake_up_interval", self.wake_up_interval),
        ] {
            if value > LONGEST {
                return Err(Error::invalid(format!("The setting {name} must be at most a year.")));
            }
        }
        let Retention { deliveries, dead_letters, events } = &self.retention;
        if [deliveries, dead_letters, events].into_iter().flatten().any(|keep| *keep < DAY) {
            return Err(Error::invalid("What is done with is kept for a day at least (the setting retention)."));
        }
        if self.retry.max_attempts == 0 || self.concurrency_per_remote == 0 {
            return Err(Error::invalid("The settings max_attempts and concurrency_per_remote must be at least 1."));
        }
        Ok(())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(hosts: &[&str], allow_private_networks: bool) -> HostRules {
        HostRules { hosts: hosts.iter().map(|&host| host.to_owned()).collect(), allow_private_networks }
    }

    #[test]
    fn several_keys_in_the_environment_are_one_that_seals_and_others_that_open() {
        let [one, two] = ["1", "2"].map(|digit| digit.repeat(64));
        let options = || ClientOptions { store: Some("memory".to_owned()), ..ClientOptions::default() };
        let resolved = |options, list: &str| {
            let variable = |name: &str| (name == "ITSM_ADAPTER_KEY").then(|| list.to_owned());
            Config::resolve_with(options, variable).unwrap_or_else(|error| panic!("{error}"))
        };
        let config =
            resolved(ClientOptions { old_keys: Some(vec!["3".into()]), ..options() }, &format!("{one}, {two}"));
        assert!(config.key.is_some_and(|key| key.matches(&one)));
        let old: Vec<&str> = config.old_keys.iter().map(Secret::expose).collect();
        assert_eq!(old, [two.as_str(), "3"]);
        let given = resolved(ClientOptions { key: Some("4".into()), ..options() }, &one);
        assert!(given.key.is_some_and(|key| key.matches("4")) && given.old_keys.is_empty(), "what is given counts");
    }

    #[test]
    fn what_is_kept_is_given_in_days_and_nothing_means_for_ever() {
        let resolved = |keep_deliveries_days, keep_dead_letters_days| {
            let store = Some("memory".to_owned());
            let options =
                ClientOptions { store, keep_deliveries_days, keep_dead_letters_days, ..ClientOptions::default() };
            Config::resolve_with(options, |_| None).unwrap_or_else(|error| panic!("{error}")).retention
        };
        assert_eq!(resolved(None, None), Retention::default());
        let given = Retention { deliveries: None, dead_letters: Some(DAY * 7), ..Retention::default() };
        assert_eq!(resolved(Some(0), Some(7)), given);
    }

    #[test]
    fn times_beyond_reason_are_refused_before_anything_is_opened() {
        let with = |adjust: fn(&mut Config)| {
            let mut config = Config::default();
            adjust(&mut config);
            config.check()
        };
        assert!(with(|_| {}).is_ok());
        assert!(with(|config| config.total_timeout = Duration::MAX).is_err());
        assert!(with(|config| config.transaction_limit = Duration::MAX).is_err());
        assert!(with(|config| config.attempt_timeout = Duration::ZERO).is_err());
        assert!(with(|config| config.retention.events = Some(Duration::from_secs(60))).is_err());
        assert!(with(|config| config.retention.events = Some(Duration::MAX)).is_ok(), "longer than time itself");
    }

    #[test]
    fn only_known_hosts_may_be_instances() {
        for (url, hosts, private, allowed) in [
            ("https://dev1.service-now.com", &[][..], false, true),
            ("https://gov.servicenowservices.com", &[], false, true),
            ("https://service-now.com", &[], false, false),
            ("https://evilservice-now.com", &[], false, false),
            ("https://dev1.service-now.com.evil.example", &[], false, false),
            ("https://help.example.org", &[], false, false),
            ("https://help.example.org", &["help.example.org"], false, true),
            ("https://a.example.org", &["*.example.org"], false, true),
            ("https://127.0.0.1:8443", &["127.0.0.1"], false, false),
            ("https://127.0.0.1:8443", &["127.0.0.1"], true, true),
            ("https://[::1]:8443", &["[::1]"], true, true),
            ("https://[::ffff:10.0.0.1]", &["[::ffff:a00:1]"], false, false),
        ] {
            let id = InstanceId::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(rules(hosts, private).check(&id).is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn addresses_inside_networks_are_told_from_public_ones() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("198.18.0.1", false),
            ("2606:4700::1111", true),
            ("::1", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ] {
            let parsed = address.parse().unwrap_or_else(|error| panic!("{address}: {error}"));
            assert_eq!(is_public(parsed), public, "{address}");
        }
    }
}
