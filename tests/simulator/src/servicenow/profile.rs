//! Generations of ServiceNow instances, and the switches in which they differ.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A generation. "zboot" is a newly provisioned instance, as opposed to one that was upgraded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// An old instance, upgraded to Vancouver: no `state` demanded, parameters allowed in the URL, classic close codes.
    UpgradedVancouver,
    /// New on Washington DC: client credentials exist, hardening of Madrid applies.
    ZbootWashington,
    /// New on Yokohama: the MFA policy refuses token calls that carry API cookies.
    ZbootYokohama,
    /// New on Zurich: new OAuth clients are securely scoped.
    ZbootZurich,
    /// New in 2026: Basic authentication restricted as well. The hardening advice to switch ROPC off is not applied.
    #[default]
    #[serde(rename = "zboot-2026")]
    Zboot2026,
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(serde_json::Value::from(text)).map_err(|_| {
            format!("unknown profile {text}; there are upgraded-vancouver, zboot-washington, zboot-yokohama, zboot-zurich, zboot-2026")
        })
    }
}

impl Profile {
    /// The switches as this generation has them.
    pub fn switches(self) -> Switches {
        let base = Switches::default();
        match self {
            Self::UpgradedVancouver => Switches {
                state_required: false,
                body_only_parameters: false,
                new_clients_scope_restricted: false,
                basic_auth_restricted: false,
                close_codes: CloseCodes::Classic,
                build: "glide-vancouver-07-06-2023__patch9-hotfix1".to_owned(),
                ..base
            },
            Self::ZbootWashington => Switches {
                new_clients_scope_restricted: false,
                basic_auth_restricted: false,
                build: "glide-washingtondc-12-20-2023__patch6".to_owned(),
                ..base
            },
            Self::ZbootYokohama => Switches {
                new_clients_scope_restricted: false,
                basic_auth_restricted: false,
                token_refuses_session_cookies: true,
                build: "glide-yokohama-12-18-2024__patch8".to_owned(),
                ..base
            },
            Self::ZbootZurich => Switches {
                basic_auth_restricted: false,
                token_refuses_session_cookies: true,
                build: "glide-zurich-07-01-2025__patch4".to_owned(),
                ..base
            },
            Self::Zboot2026 => base,
        }
    }
}

/// What happens to a `sys_id` the client chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientSysId {
    /// The record gets it.
    Honoured,
    /// The record gets another one.
    Ignored,
    /// The insert is refused with 403.
    Refused,
}

/// What happens when no registered redirect URL matches the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RedirectMismatch {
    /// The first registered URL is used instead.
    UseFirst,
    /// A page says "Invalid `redirect_uri`".
    Refuse,
}

/// What pressing Deny does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DenyShape {
    /// Back to the redirect URL with `error=access_denied` and the state.
    Redirect,
    /// A page that says so; the browser never returns.
    Page,
}

/// Which list of close codes the incident table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseCodes {
    /// "Solved (Permanently)" and its relatives.
    Classic,
    /// "Solution provided" and its relatives.
    BestPractice,
}

/// How a CI/CD operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CicdEnd {
    /// Status 2.
    Success,
    /// Status 3.
    Failed,
    /// Status 4.
    Canceled,
    /// Never leaves Pending: another operation holds the lock.
    Stuck,
}

/// Everything in which instances differ, or in which the public sources leave a choice.
///
/// The control API changes these by the same names: `PATCH /instances/{name}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each one is a switch of its own, named in the control API")]
pub struct Switches {
    /// Password grant is off (`glide.oauth.inbound.ropc.grant_type.disabled`).
    pub ropc_disabled: bool,
    /// Client-credentials grant is on (`glide.oauth.inbound.client.credential.grant_type.enabled`).
    pub client_credentials_enabled: bool,
    /// `state` is demanded in an authorization request (`glide.oauth.state.parameter.required`).
    pub state_required: bool,
    /// Token parameters in the URL are refused (`glide.oauth.allow.parameters.in.post.body.only`).
    pub body_only_parameters: bool,
    /// A token call with cookies of an API session is refused (before Zurich P6).
    pub token_refuses_session_cookies: bool,
    /// Client id and secret may come as HTTP Basic on the token call (unverified).
    pub client_basic_auth: bool,
    /// What happens when no redirect URL matches.
    pub redirect_mismatch: RedirectMismatch,
    /// What Deny does (unverified).
    pub deny_shape: DenyShape,
    /// Seconds an authorization code lives (unverified).
    pub code_lifetime_s: i64,
    /// A repeated grant sets the expiry of the token it returns back to the full life; else the rest is answered.
    pub regrant_resets_expiry: bool,
    /// A refresh answer contains the refresh token.
    pub refresh_returns_refresh_token: bool,
    /// Every refresh gives a new refresh token; using an old one again revokes the grant.
    pub rotate_refresh_tokens: bool,
    /// Public clients get a refresh token.
    pub public_clients_get_refresh_token: bool,
    /// `oauth_revoke.do` revokes as well as `oauth_revoke_token.do`.
    pub revoke_path_alias: bool,
    /// Failed passwords until a user is locked out; 0 never locks.
    pub failed_logins_before_lock: u32,
    /// Users with web service access only may use the password grant (unverified).
    pub web_service_only_may_use_ropc: bool,
    /// OAuth clients made from now on are securely scoped.
    pub new_clients_scope_restricted: bool,
    /// Every OAuth token meets 403 "Access to unscoped api is not allowed".
    pub scope_restricted: bool,
    /// Basic authentication is restricted to web-service-only users and the role `snc_basic_auth_api_access`.
    pub basic_auth_restricted: bool,
    /// Role tables answer 200 without rows to everybody but administrators.
    pub hide_role_tables: bool,
    /// Records, by `sys_id`, that only administrators see.
    pub hidden_rows: BTreeSet<String>,
    /// Installed version of the connector; `null` when it is not installed.
    pub connector_version: Option<String>,
    /// Version the Store offers.
    pub connector_latest_version: String,
    /// The instance is entitled to install the connector.
    pub connector_entitled: bool,
    /// The connector's row is active.
    pub connector_active: bool,
    /// The Orchestration plug-in is active.
    pub orchestration_active: bool,
    /// The Orchestration Runtime plug-in is active.
    pub orchestration_runtime_active: bool,
    /// System fields can only be written by administrators (`glide.rest.table_api.admin_only_sys_fields`).
    pub admin_only_sys_fields: bool,
    /// What happens to a `sys_id` the client chose.
    pub client_sys_id: ClientSysId,
    /// Status of an insert whose `sys_id` exists already (unverified).
    pub duplicate_sys_id_status: u16,
    /// A condition on an unknown field gives no rows instead of being dropped (`glide.invalid_query.returns_no_rows`).
    pub invalid_query_returns_no_rows: bool,
    /// Lists without ORDERBY come in another order every time.
    pub unstable_order: bool,
    /// `table.field` names on which range operators and sorting are refused for non-administrators.
    pub range_denied: Vec<String>,
    /// `table.field` names whose conditions are dropped, as if the table did not know the field.
    pub conditions_dropped: Vec<String>,
    /// `GET /api/now/ui/user/current_user` answers to OAuth tokens.
    pub current_user_api: bool,
    /// Which close codes exist.
    pub close_codes: CloseCodes,
    /// Only `itil_admin` and `admin` may set state 7.
    pub close_needs_admin: bool,
    /// Incident columns that a data policy demands of a new incident.
    pub mandatory: Vec<String>,
    /// Largest REST body in bytes.
    pub max_body_bytes: usize,
    /// Longest path with query before the edge answers 414.
    pub max_url_length: usize,
    /// Requests per hour and user for the Table API; `null` for no rule.
    pub rate_limit_per_hour: Option<u32>,
    /// Requests that may wait behind the running one of a session; more get 202.
    pub session_queue: usize,
    /// Answers set session cookies.
    pub session_cookies: bool,
    /// Minutes the users' time zone is ahead of UTC; used for display values.
    pub time_zone_minutes: i32,
    /// How many items at the end of a batch are left unserviced.
    pub batch_unserviced: usize,
    /// Whether unserviced items were nevertheless executed.
    pub batch_unserviced_run: bool,
    /// The CI/CD plug-in is active; else its routes answer 405.
    pub cicd_active: bool,
    /// How many polls a CI/CD operation needs until it ends.
    pub cicd_polls: u32,
    /// How a CI/CD operation ends.
    pub cicd_end: CicdEnd,
    /// A CI/CD call while another runs answers 409 instead of queueing.
    pub cicd_conflict: bool,
    /// The build tag in `sys_properties`.
    pub build: String,
}

impl Default for Switches {
    /// The newest generation.
    fn default() -> Self {
        Self {
            ropc_disabled: false,
            client_credentials_enabled: false,
            state_required: true,
            body_only_parameters: true,
            token_refuses_session_cookies: false,
            client_basic_auth: false,
            redirect_mismatch: RedirectMismatch::UseFirst,
            deny_shape: DenyShape::Redirect,
            code_lifetime_s: 60,
            regrant_resets_expiry: true,
            refresh_returns_refresh_token: true,
            rotate_refresh_tokens: false,
            public_clients_get_refresh_token: true,
            revoke_path_alias: false,
            failed_logins_before_lock: 5,
            web_service_only_may_use_ropc: false,
            new_clients_scope_restricted: true,
            scope_restricted: false,
            basic_auth_restricted: true,
            hide_role_tables: true,
            hidden_rows: BTreeSet::new(),
            connector_version: Some("22.6.0".to_owned()),
            connector_latest_version: "22.6.0".to_owned(),
            connector_entitled: true,
            connector_active: true,
            orchestration_active: true,
            orchestration_runtime_active: true,
            admin_only_sys_fields: false,
            client_sys_id: ClientSysId::Honoured,
            duplicate_sys_id_status: 403,
            invalid_query_returns_no_rows: false,
            unstable_order: true,
            range_denied: Vec::new(),
            conditions_dropped: Vec::new(),
            current_user_api: true,
            close_codes: CloseCodes::BestPractice,
            close_needs_admin: true,
            mandatory: Vec::new(),
            max_body_bytes: 10_485_760,
            max_url_length: 8192,
            rate_limit_per_hour: None,
            session_queue: 10,
            session_cookies: true,
            time_zone_minutes: 0,
            batch_unserviced: 0,
            batch_unserviced_run: false,
            cicd_active: true,
            cicd_polls: 2,
            cicd_end: CicdEnd::Success,
            cicd_conflict: false,
            build: "glide-australia-02-11-2026__patch1".to_owned(),
        }
    }
}
