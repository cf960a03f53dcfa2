//! What every simulator starts with: accounts, users and OAuth clients with constant, made-up values.
//!
//! Every secret is a long string that occurs nowhere else, so that a test can search a log, a database or an error text for it.

use serde::Serialize;

use crate::chance::{stable_guid, stable_hex32};

/// One Citrix Cloud account of the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedAccount {
    /// Customer id.
    pub customer_id: &'static str,
    /// `us`, `eu`, `ap-s`, `jp` or `gov`.
    pub environment: &'static str,
    /// Name shown in notifications.
    pub name: &'static str,
    /// Secret of its secure client: Base64-like, with characters that must be encoded in a form.
    pub client_secret: &'static str,
    /// Entitlement states by service name.
    pub services: &'static [(&'static str, &'static str)],
    /// Site name and product edition of each `DaaS` site.
    pub sites: &'static [(&'static str, &'static str)],
    /// Whether the site sleeps: 530 until activated and asked twice more.
    pub frozen: bool,
}

impl SeedAccount {
    /// Client id of the secure client, a GUID.
    pub fn client_id(&self) -> String {
        stable_guid(&format!("secure client of {}", self.customer_id))
    }

    /// Id of the site with that name, a GUID.
    pub fn site_id(&self, name: &str) -> String {
        stable_guid(&format!("site {name} of {}", self.customer_id))
    }
}

const ENTITLED: &[(&str, &str)] =
    &[("xendesktop", "Production"), ("itsm", "Production"), ("netscalergateway", "Production")];

/// US, Premium, everything in order.
pub const ACME: SeedAccount = SeedAccount {
    customer_id: "acmecorp0001",
    environment: "us",
    name: "Acme",
    client_secret: "CtxSecretAcme+7Qm/0vW4kZ1tYb9rLs2Hn==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// European Union, Premium.
pub const GLOBEX: SeedAccount = SeedAccount {
    customer_id: "globexcorp02",
    environment: "eu",
    name: "Globex",
    client_secret: "CtxSecretGlobex/Pz8+uJ3cXw5Ve6Nd1Ka==",
    services: &[("xendesktop", "Production"), ("itsm", "ProductionTrial")],
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// US, not entitled: `DaaS` expired, adapter never onboarded.
pub const INITECH: SeedAccount = SeedAccount {
    customer_id: "initechcorp3",
    environment: "us",
    name: "Initech",
    client_secret: "CtxSecretInitech+Gf5/Ry7bTq2Mh9Xo4Sc==",
    services: &[("xendesktop", "Expired"), ("itsm", "NotOnboarded")],
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// Asia Pacific South, entitled, but the site is Advanced and not Premium.
pub const UMBRELLA: SeedAccount = SeedAccount {
    customer_id: "umbrellacorp",
    environment: "ap-s",
    name: "Umbrella",
    client_secret: "CtxSecretUmbrella/Dw3+Ei6aLp8Ub0Jt5Vy==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Advanced")],
    frozen: false,
};

/// US, two sites.
pub const HOOLI: SeedAccount = SeedAccount {
    customer_id: "hoolicorp005",
    environment: "us",
    name: "Hooli",
    client_secret: "CtxSecretHooli+Bn1/Fo4eRk7Wg2Zm9Qx==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium"), ("cloudxdsite-lab", "Advanced")],
    frozen: false,
};

/// US, the site is frozen.
pub const STARK: SeedAccount = SeedAccount {
    customer_id: "starkcorp006",
    environment: "us",
    name: "Stark",
    client_secret: "CtxSecretStark/Kc6+Ms8iYd3Ah5Tu1Pj==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: true,
};

/// Japan.
pub const WAYNE: SeedAccount = SeedAccount {
    customer_id: "waynecorp007",
    environment: "jp",
    name: "Wayne",
    client_secret: "CtxSecretWayne+Vb9/Lx2oCf6Sn4Eg7Hr==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// US Government: only the legacy token form.
pub const GOV: SeedAccount = SeedAccount {
    customer_id: "govcorp00008",
    environment: "gov",
    name: "Gov",
    client_secret: "CtxSecretGov/Ou5+Jd8wQa1Xk3Bz6Nt==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// US, as ordinary as [`ACME`]: one more where many are needed.
pub const TYRELL: SeedAccount = SeedAccount {
    customer_id: "tyrellcorp09",
    environment: "us",
    name: "Tyrell",
    client_secret: "CtxSecretTyrell/Hm7+Pv1oXe9Ld4Wq6Js==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// European Union, as ordinary.
pub const CYBERDYNE: SeedAccount = SeedAccount {
    customer_id: "cyberdyne010",
    environment: "eu",
    name: "Cyberdyne",
    client_secret: "CtxSecretCyberdyne+Rt4/Nb8uZk2Fg5Mc3Yw==",
    services: ENTITLED,
    sites: &[("cloudxdsite", "Premium")],
    frozen: false,
};

/// All accounts of the seed.
pub const ACCOUNTS: [SeedAccount; 10] = [ACME, GLOBEX, INITECH, UMBRELLA, HOOLI, STARK, WAYNE, GOV, TYRELL, CYBERDYNE];

/// Customer id that an on-premises controller uses for everybody.
pub const ON_PREMISES_CUSTOMER: &str = "CitrixOnPremises";
/// Full administrator of the on-premises site: `DOMAIN\user`.
pub const ON_PREMISES_USER: &str = "CORP\\svc.site";
/// Password of [`ON_PREMISES_USER`].
pub const ON_PREMISES_PASSWORD: &str = "DdcPassword:Site+Hx4/Wn8Ub3";
/// Name of the on-premises site.
pub const ON_PREMISES_SITE: &str = "onprem-site-01";

/// One user of every `ServiceNow` instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedUser {
    /// Login name.
    pub user_name: &'static str,
    /// Password; the same on every instance.
    pub password: &'static str,
    /// Roles granted directly.
    pub roles: &'static [&'static str],
    /// What is special about the user: `locked`, `inactive`, `reset`, `web_service` or nothing.
    pub special: &'static str,
}

impl SeedUser {
    /// `sys_id` of the user on that instance.
    pub fn sys_id(&self, instance: &str) -> String {
        user_sys_id(instance, self.user_name)
    }
}

pub(crate) fn user_sys_id(instance: &str, user_name: &str) -> String {
    stable_hex32(&format!("user {user_name} on {instance}"))
}

/// Role of the connector's administrator.
pub const CONNECTOR_ADMIN: &str = "x_cion_citrix_it_s.ctx_itsm_admin";
/// Scope of the connector.
pub const CONNECTOR_SCOPE: &str = "x_cion_citrix_it_s";
/// Store application id of the connector.
pub const CONNECTOR_APP: &str = "bb5ca9a2db9bd700677d3437b996190f";

const SERVICE_ROLES: &[&str] = &[CONNECTOR_ADMIN, "incident_manager"];

const fn user(
    user_name: &'static str,
    password: &'static str,
    roles: &'static [&'static str],
    special: &'static str,
) -> SeedUser {
    SeedUser { user_name, password, roles, special }
}

/// The users of every instance.
pub const USERS: [SeedUser; 9] = [
    user("svc.citrix", "SnPassword.citrix&Rt5+wK2%Zq8", SERVICE_ROLES, ""),
    user("svc.second", "SnPassword.second&Vb7+nM4%Xe1", SERVICE_ROLES, ""),
    user("svc.limited", "SnPassword.limited&Jh3+cL9%Us6", &[], ""),
    user("svc.norole", "SnPassword.norole&Gy8+dP2%Fi5", &["itil"], ""),
    user("svc.locked", "SnPassword.locked&To4+aQ7%Bk9", SERVICE_ROLES, "locked"),
    user("svc.inactive", "SnPassword.inactive&Ew6+sN1%Hm3", SERVICE_ROLES, "inactive"),
    user("svc.reset", "SnPassword.reset&Cz2+xJ5%Lv7", SERVICE_ROLES, "reset"),
    user("svc.wso", "SnPassword.wso&Ya9+fG6%Od4", SERVICE_ROLES, "web_service"),
    user("admin", "SnPassword.admin&Pk1+uE8%Ic2", &["admin"], ""),
];

/// The user of that name.
pub fn find_user(user_name: &str) -> Option<&'static SeedUser> {
    const ALL: &[SeedUser] = &USERS;
    ALL.iter().find(|user| user.user_name == user_name)
}

/// The account with that customer id.
pub fn find_account(customer_id: &str) -> Option<&'static SeedAccount> {
    const ALL: &[SeedAccount] = &ACCOUNTS;
    ALL.iter().find(|account| account.customer_id == customer_id)
}

/// One OAuth client of an instance; different on every instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SeedOauthClient {
    /// Name of the instance.
    pub instance: String,
    /// Name of the registration.
    pub name: String,
    /// 32 hex digits.
    pub client_id: String,
    /// Distinctive, with characters that must be encoded in a form.
    pub client_secret: String,
    /// The one redirect URL registered.
    pub redirect_url: String,
}

/// The two OAuth clients every instance starts with.
pub fn oauth_clients(instance: &str) -> Vec<SeedOauthClient> {
    (1..=2)
        .map(|n| SeedOauthClient {
            instance: instance.to_owned(),
            name: format!("ITSM Adapter {n}"),
            client_id: stable_hex32(&format!("oauth client {n} of {instance}")),
            client_secret: format!(
                "SnSecret.{instance}.{n}&+%{}",
                &stable_hex32(&format!("secret {n} of {instance}"))[..20]
            ),
            redirect_url: format!("http://127.0.0.1:8719/callback/{instance}/{n}"),
        })
        .collect()
}
