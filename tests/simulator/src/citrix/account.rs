//! A Citrix Cloud account as the simulator keeps it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::chance::{stable_guid, stable_hex32};
use crate::clock::rfc3339;
use crate::seed::{self, SeedAccount};

/// The credentials an API client exchanges for a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecureClient {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) active: bool,
}

/// One item of `serviceStates`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    #[serde(rename = "serviceName")]
    pub(crate) name: String,
    pub(crate) state: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) quantity: Option<u32>,
    pub(crate) days_to_expiration: Option<u32>,
    pub(crate) future_entitlement_start_date: Option<String>,
}

impl Service {
    /// An item whose other values suit the state.
    pub(crate) fn new(name: &str, state: &str) -> Self {
        let kind = match state {
            "Default" | "NotOnboarded" => "Default",
            state if state.starts_with("ProductionTrial") || state == "NotOnboardedTrialPending" => "ProductionTrial",
            state if state.starts_with("PartnerProduction") => "PartnerProduction",
            _ => "Production",
        };
        let is_entitled = matches!(state, "Production" | "ProductionTrial" | "PartnerProduction");
        Self {
            name: name.to_owned(),
            state: state.to_owned(),
            kind: kind.to_owned(),
            quantity: is_entitled.then_some(250),
            days_to_expiration: if state == "Expired" { Some(0) } else { is_entitled.then_some(411) },
            future_entitlement_start_date: None,
        }
    }
}

/// A `DaaS` site.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) edition: String,
    pub(crate) product_code: String,
    pub(crate) version: String,
    /// `Successful`, `Warnings` or `Failed`: what a site test finds.
    pub(crate) test_result: String,
}

impl Site {
    pub(crate) fn new(id: String, name: &str, edition: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            edition: edition.to_owned(),
            product_code: "XDT".to_owned(),
            version: "7.41".to_owned(),
            test_result: "Successful".to_owned(),
        }
    }
}

/// Somebody who asked to be called back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) auth_headers: Option<String>,
    pub(crate) change_type: String,
    pub(crate) event_type: String,
    pub(crate) body: Value,
}

/// Everything about one customer.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) customer_id: String,
    pub(crate) name: String,
    pub(crate) environment: String,
    pub(crate) clients: Vec<SecureClient>,
    pub(crate) services: Vec<Service>,
    pub(crate) sites: Vec<Site>,
    pub(crate) is_frozen: bool,
    pub(crate) is_activated: bool,
    /// How many more polls of `me` answer 530 after activation.
    pub(crate) thaw_polls: u32,
    pub(crate) polls_left: u32,
    /// How long a Monitor query takes.
    pub(crate) monitor_query_ms: u64,
    pub(crate) alerts: Vec<Value>,
    pub(crate) notifications: Vec<Value>,
    /// Titles of notifications that whoever lists them has dismissed.
    pub(crate) dismissed: Vec<String>,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) administrators: Vec<Value>,
    pub(crate) resource_locations: Vec<Value>,
}

impl Account {
    /// The account as the seed has it.
    pub(crate) fn from_seed(seed: &SeedAccount, now: DateTime<Utc>) -> Self {
        let client_id = seed.client_id();
        Self {
            customer_id: seed.customer_id.to_owned(),
            name: seed.name.to_owned(),
            environment: seed.environment.to_owned(),
            administrators: administrators(seed, &client_id, now),
            clients: vec![SecureClient { client_id, client_secret: seed.client_secret.to_owned(), active: true }],
            services: seed.services.iter().map(|(name, state)| Service::new(name, state)).collect(),
            sites: seed.sites.iter().map(|(name, edition)| Site::new(seed.site_id(name), name, edition)).collect(),
            is_frozen: seed.frozen,
            is_activated: false,
            thaw_polls: 2,
            polls_left: 2,
            monitor_query_ms: 5,
            alerts: (0..3).map(|n| alert(seed.customer_id, n, now)).collect(),
            notifications: Vec::new(),
            dismissed: Vec::new(),
            subscriptions: Vec::new(),
            resource_locations: vec![json!({
                "id": stable_guid(&format!("resource location of {}", seed.customer_id)), "name": "Main datacentre",
                "internalOnly": false, "timeZone": "GMT Standard Time", "readOnly": false,
            })],
        }
    }

    /// The stand-in customer of an on-premises controller.
    pub(crate) fn on_premises(now: DateTime<Utc>) -> Self {
        let seed = SeedAccount {
            customer_id: seed::ON_PREMISES_CUSTOMER,
            environment: "on-premises",
            name: "On-premises",
            client_secret: "",
            services: &[],
            sites: &[(seed::ON_PREMISES_SITE, "Premium")],
            frozen: false,
        };
        Self { clients: Vec::new(), administrators: Vec::new(), ..Self::from_seed(&seed, now) }
    }

    /// Region code as the platform spells it in redirects.
    pub(crate) fn region(&self) -> &str {
        match self.environment.as_str() {
            "ap-s" => "asp",
            other => other,
        }
    }

    pub(crate) fn site(&self, name_or_id: &str) -> Option<&Site> {
        self.sites
            .iter()
            .find(|site| site.id.eq_ignore_ascii_case(name_or_id) || site.name.eq_ignore_ascii_case(name_or_id))
    }
}

fn administrators(seed: &SeedAccount, client_id: &str, now: DateTime<Utc>) -> Vec<Value> {
    let one = |key: &str, kind: &str, access: &str, name: &str| {
        json!({
            "customerId": seed.customer_id, "ucOid": stable_hex32(&format!("{key} {}", seed.customer_id)),
            "userId": if kind == "ServicePrincipal" { client_id.to_owned() } else { stable_hex32(&format!("user {key} {}", seed.customer_id)) },
            "type": kind, "accessType": access, "displayName": name,
            "email": if kind == "AdministratorUser" { json!(format!("{key}@example.org")) } else { Value::Null },
            "providerType": "CitrixSts", "providerId": null, "pending": false, "invitationExpired": false,
            "createdDate": rfc3339(now - TimeDelta::days(90)), "updatedDate": rfc3339(now - TimeDelta::days(9)), "eTag": "W/\"1\"",
        })
    };
    vec![
        one("ops", "AdministratorUser", "Full", "Operations"),
        one("itsm-connector", "ServicePrincipal", "Full", "itsm-connector"),
        one("helpdesk", "AdministratorUser", "Custom", "Help desk"),
    ]
}

/// A Monitor notification of the seed.
pub(crate) fn alert(customer: &str, n: i64, now: DateTime<Utc>) -> Value {
    let at = now - TimeDelta::minutes(30 - n);
    json!({
        "Id": stable_guid(&format!("alert {n} of {customer}")),
        "FirstTimeConditionTrue": rfc3339(at), "FirstTimeNotificationTriggered": rfc3339(at),
        "LastReannouncementTime": null, "LastTimeConditionTrue": rfc3339(at), "LifecycleState": 1,
        "NotificationRuleId": 40 + n, "NotificationTargetId": 70 + n, "NotificationPriority": n % 2, "ScopeEntities": null,
        "CreatedDate": rfc3339(at), "ModifiedDate": rfc3339(at),
    })
}
