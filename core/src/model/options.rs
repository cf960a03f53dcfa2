use crate::secret::Secret;

/// How a client is opened. What is left out comes from the environment, else from the defaults.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct ClientOptions {
    /// Where the state is kept: the path of a SQLite file, or `memory`. Else `ITSM_ADAPTER_STORE`. Required.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub store: Option<String>,
    /// Key that seals the secrets: 32 bytes as base64 or hexadecimal. Else `ITSM_ADAPTER_KEY`, else a key file
    /// beside the database.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub key: Option<Secret>,
    /// Older keys that may still be needed to open what was sealed before a rotation.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub old_keys: Option<Vec<Secret>>,
    /// One address in place of all hosts of Citrix Cloud, for the simulator. Else `CITRIX_URL`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub citrix_url: Option<String>,
    /// Hosts that may be instances besides ServiceNow's own, such as `help.example.org` or `*.example.org`. Else
    /// `SERVICENOW_HOSTS`, separated by commas.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub instance_hosts: Option<Vec<String>>,
    /// Whether loopback and private addresses may be called. Else `ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS`, else no.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub allow_private_networks: Option<bool>,
    /// Proxy for all calls; a secret, because it may hold a password. Else the variables `HTTPS_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY` count.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub proxy: Option<Secret>,
    /// Further root certificates, as PEM text; the system's own stay valid.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub root_certificates: Option<Vec<String>>,
    /// Time allowed for a connection, in milliseconds (10,000).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub connect_timeout_ms: Option<u32>,
    /// Time allowed for one attempt of a call, in milliseconds (30,000).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub attempt_timeout_ms: Option<u32>,
    /// Time allowed for a call with all its attempts, in milliseconds (120,000).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub total_timeout_ms: Option<u32>,
    /// How often a call is sent at the most (4).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub max_attempts: Option<u32>,
    /// Requests in flight to one remote (64).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub concurrency_per_remote: Option<u32>,
    /// How long an instance may go on working on a request that nobody waits for, in milliseconds (60,000).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub transaction_limit_ms: Option<u32>,
    /// Pause between two looks at a frozen site, in milliseconds (30,000).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub wake_up_interval_ms: Option<u32>,
    /// Authorization servers that differ from what an instance of ServiceNow has by default.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub oauth_servers: Option<Vec<OauthServer>>,
    /// Days before a grant's wall at which to warn, by an event each (30, 14, 7, 3, 1).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub grant_warning_days: Option<Vec<u32>>,
    /// Whether registrations are probed whenever they are saved, and daily by a worker (false). A probe makes an
    /// incident of the adapter's own and closes it again; see `registrations.probe`.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub probe: Option<bool>,
    /// How long a delivery is kept after its end, in days (90); 0: for ever. Workers remove what is over once a day. What
    /// goes on stays: an alert that has not ended, an incident that is open, a dead letter.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub keep_deliveries_days: Option<u32>,
    /// How long a dead letter is kept, in days (0: for ever).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub keep_dead_letters_days: Option<u32>,
    /// How long an event of the log is kept, in days (400); 0: for ever.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub keep_events_days: Option<u32>,
}

/// How an authorization server differs from what an instance of ServiceNow has by default. Addresses are paths at
/// the instance, or whole URLs (`https`; `http` for loopback).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "node", napi_derive::napi(object, object_to_js = false))]
pub struct OauthServer {
    /// The instance that it belongs to; none: every instance that has no entry of its own.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub instance_url: Option<String>,
    /// Where the browser is sent (`/oauth_auth.do`).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub authorization_url: Option<String>,
    /// Where codes, passwords and refresh tokens are exchanged (`/oauth_token.do`).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub token_url: Option<String>,
    /// Where tokens are revoked (`/oauth_revoke_token.do`). When it is given, the
    /// client names itself there, with its secret (RFC 7009); ServiceNow's own asks for neither.
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub revocation_url: Option<String>,
    /// The server's issuer identifier. When it is given, every callback has to name it (RFC 9207).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub issuer: Option<String>,
    /// Scopes to ask for, separated by blanks (none).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub scope: Option<String>,
    /// Life of an access token whose answer does not say, in seconds (60).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub access_token_lifespan_s: Option<u32>,
    /// Life of a refresh token whose answer does not say, in seconds (8,640,000, which is 100 days).
    #[cfg_attr(feature = "uniffi", uniffi(default))]
    pub refresh_token_lifespan_s: Option<u32>,
}
