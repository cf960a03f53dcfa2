//! What an account may use: thirteen states in three groups, and the rule that decides about the adapter.
//! (Citrix Cloud, "Determine service entitlement status"; ITSM Adapter, "Onboard".)

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{CitrixCloud, Signed};
use crate::{
    error::{During, Result},
    id::CustomerId,
    model::{Entitlement, EntitlementGroup, Environment, ServiceEntitlement, ServiceState, Site},
    secret::Secret,
    transport::parse_json,
};

/// The services that matter here: the adapter itself, and `DaaS`.
const ITSM: &str = "itsm";
const DAAS: &str = "xendesktop";

/// The words of the remote, the states, and what each means.
const STATES: [(&str, ServiceState, EntitlementGroup); 13] = {
    use EntitlementGroup::{NotEntitled, NotProvisioned, Provisioned};
    [
        ("NotOnboarded", ServiceState::NotOnboarded, NotEntitled),
        ("Expired", ServiceState::Expired, NotEntitled),
        ("Default", ServiceState::Default, NotEntitled),
        ("ProductionTrialDenied", ServiceState::ProductionTrialDenied, NotEntitled),
        ("ProductionTrialPending", ServiceState::ProductionTrialPending, NotEntitled),
        ("ProductionTrialDeleted", ServiceState::ProductionTrialDeleted, NotEntitled),
        ("ProductionTrialApproved", ServiceState::ProductionTrialApproved, NotProvisioned),
        ("ProductionPending", ServiceState::ProductionPending, NotProvisioned),
        ("PartnerProductionPending", ServiceState::PartnerProductionPending, NotProvisioned),
        ("NotOnboardedTrialPending", ServiceState::NotOnboardedTrialPending, NotProvisioned),
        ("ProductionTrial", ServiceState::ProductionTrial, Provisioned),
        ("Production", ServiceState::Production, Provisioned),
        ("PartnerProduction", ServiceState::PartnerProduction, Provisioned),
    ]
};

/// The policy: which editions include the adapter, best first. The console asks for Premium, the newest
/// overview for Universal or Platform; `Platinum` and `PLT` are the older names of Premium.
const EDITIONS: [(&str, bool); 11] = [
    ("Platform", true),
    ("Universal", true),
    ("Premium", true),
    ("Platinum", true),
    ("PLT", true),
    ("Advanced", false),
    ("ADV", false),
    ("Enterprise", false),
    ("ENT", false),
    ("Standard", false),
    ("STD", false),
];

impl CitrixCloud {
    /// The state of every service of the account.
    ///
    /// # Errors
    /// `unauthorized` (with `token` = `rejected` when the token is too old), `forbidden`, `not_found` and the
    /// kinds of the wire.
    pub(crate) async fn service_states(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
    ) -> Result<Vec<ServiceEntitlement>> {
        let signed = Signed { token, customer, environment };
        self.states(&signed).await.during("citrix.service_states")
    }

    async fn states(&self, signed: &Signed<'_>) -> Result<Vec<ServiceEntitlement>> {
        let url = self.hosts.service_states(signed.environment, signed.customer)?;
        let response = self.get(signed, url).await?;
        let states: States = parse_json(&response)?;
        Ok(states.items.into_iter().map(ServiceEntitlement::from).collect())
    }

    /// Asks for the services and, where the account has `DaaS`, for its sites, and decides.
    ///
    /// # Errors
    /// Those of [`Self::service_states`] and [`Self::sites`].
    pub(crate) async fn entitlement(
        &self,
        token: &Secret,
        customer: &CustomerId,
        environment: Environment,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(Entitlement, Vec<Site>)> {
        let services = self.service_states(token, customer, environment).await?;
        // An account without DaaS has no site to ask, and asking would only fail.
        let sites = match group(&services, DAAS) {
            EntitlementGroup::Provisioned => self.sites(token, customer, environment, progress).await?,
            EntitlementGroup::NotProvisioned | EntitlementGroup::NotEntitled => Vec::new(),
        };
        Ok((decide(services, &sites, self.chance.now()), sites))
    }
}

/// The Manage rule. An edition that is not in the table does not count, and the reason says so.
pub(super) fn decide(mut services: Vec<ServiceEntitlement>, sites: &[Site], now: DateTime<Utc>) -> Entitlement {
    services.retain(|service| [ITSM, DAAS].iter().any(|name| service.service_name.eq_ignore_ascii_case(name)));
    let edition = best_edition(sites);
    let known = edition.and_then(rule);
    let (can_manage, reason) = match (group(&services, ITSM), edition, known) {
        (EntitlementGroup::NotEntitled, ..) => {
            (false, format!("The account is not entitled to the ITSM Adapter (service itsm: {}).", state(&services)))
        }
        (EntitlementGroup::NotProvisioned, ..) => {
            let state = state(&services);
            (false, format!("The ITSM Adapter is granted but not set up yet (service itsm: {state})."))
        }
        (EntitlementGroup::Provisioned, Some(edition), Some(true)) => {
            (true, format!("The ITSM Adapter is provisioned and a site has the edition {edition}."))
        }
        (EntitlementGroup::Provisioned, Some(edition), Some(false)) => {
            (false, format!("The edition {edition} does not include the ITSM Adapter; Premium, Universal or Platform does."))
        }
        (EntitlementGroup::Provisioned, Some(edition), None) => {
            (false, format!("The edition {edition} is not known to this version; Premium, Universal and Platform are."))
        }
        (EntitlementGroup::Provisioned, None, _) => {
            (false, "No site of the account says which edition it has, and the ITSM Adapter needs Premium, Universal or Platform.".to_owned())
        }
    };
    Entitlement { can_manage, reason, edition: edition.map(str::to_owned), services, checked_at: now }
}

fn rule(edition: &str) -> Option<bool> {
    EDITIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(edition.trim())).map(|(_, included)| *included)
}

/// The first edition in the order of the table; one that is not in it comes last.
fn best_edition(sites: &[Site]) -> Option<&str> {
    let rank = |edition: &str| {
        EDITIONS.iter().position(|(name, _)| name.eq_ignore_ascii_case(edition.trim())).unwrap_or(EDITIONS.len())
    };
    sites.iter().filter_map(|site| site.edition.as_deref()).min_by_key(|edition| rank(edition))
}

fn group(services: &[ServiceEntitlement], name: &str) -> EntitlementGroup {
    services
        .iter()
        .find(|service| service.service_name.eq_ignore_ascii_case(name))
        .map_or(EntitlementGroup::NotEntitled, |service| service.group)
}

/// The state of the adapter in the remote's own word.
fn state(services: &[ServiceEntitlement]) -> &'static str {
    let Some(itsm) = services.iter().find(|service| service.service_name.eq_ignore_ascii_case(ITSM)) else {
        return "not listed";
    };
    STATES
        .iter()
        .find(|(_, state, _)| *state == itsm.state)
        .map_or("a state unknown to this version", |(word, ..)| word)
}

#[derive(Deserialize)]
struct States {
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    service_name: String,
    state: String,
    #[serde(default)]
    quantity: Option<i64>,
    #[serde(default)]
    days_to_expiration: Option<i64>,
}

impl From<Item> for ServiceEntitlement {
    fn from(item: Item) -> Self {
        let (state, group) = STATES
            .iter()
            .find(|(word, ..)| *word == item.state)
            .map_or((ServiceState::Unrecognized, EntitlementGroup::NotEntitled), |(_, state, group)| (*state, *group));
        Self {
            service_name: item.service_name,
            state,
            group,
            quantity: item.quantity,
            days_to_expiration: item.days_to_expiration,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, word: &str) -> ServiceEntitlement {
        Item { service_name: name.to_owned(), state: word.to_owned(), quantity: None, days_to_expiration: None }.into()
    }

    fn site(edition: Option<&str>) -> Site {
        Site { id: "1".to_owned(), name: "cloudxdsite".to_owned(), edition: edition.map(str::to_owned) }
    }

    #[test]
    fn every_state_belongs_to_its_group() {
        use EntitlementGroup::{NotEntitled, NotProvisioned, Provisioned};
        for (words, group) in [
            (
                "NotOnboarded Expired Default ProductionTrialDenied ProductionTrialPending ProductionTrialDeleted",
                NotEntitled,
            ),
            (
                "ProductionTrialApproved ProductionPending PartnerProductionPending NotOnboardedTrialPending",
                NotProvisioned,
            ),
            ("ProductionTrial Production PartnerProduction", Provisioned),
            ("SomethingNew production", NotEntitled),
        ] {
            for word in words.split(' ') {
                let service = service(ITSM, word);
                assert_eq!(service.group, group, "{word}");
                let unknown = service.state == ServiceState::Unrecognized;
                assert_eq!(unknown, !STATES.iter().any(|(known, ..)| *known == word), "{word}");
                // The word in the store is the word of the remote in another spelling.
                let stored = serde_json::to_string(&service.state).unwrap().replace(['_', '"'], "");
                assert!(unknown || stored.eq_ignore_ascii_case(word), "{word} {stored}");
            }
        }
    }

    #[test]
    fn the_manage_rule_needs_the_service_and_an_edition_that_includes_it() {
        for (state, editions, can_manage, edition, reason) in [
            ("Production", &[Some("Premium")][..], true, Some("Premium"), "edition Premium"),
            ("ProductionTrial", &[Some("universal")], true, Some("universal"), "edition universal"),
            ("PartnerProduction", &[Some("Platform")], true, Some("Platform"), "provisioned"),
            ("Production", &[Some("PLT")], true, Some("PLT"), "PLT"),
            ("Production", &[Some("Standard"), None, Some("Premium")], true, Some("Premium"), "Premium"),
            ("Production", &[Some("Premium"), Some("Platform")], true, Some("Platform"), "Platform"),
            ("Production", &[Some("Advanced")], false, Some("Advanced"), "does not include"),
            ("Production", &[Some("Galactic")], false, Some("Galactic"), "not known to this version"),
            ("Production", &[Some("Galactic"), Some("Standard")], false, Some("Standard"), "does not include"),
            ("Production", &[None], false, None, "No site"),
            ("Production", &[], false, None, "No site"),
            ("ProductionPending", &[Some("Premium")], false, Some("Premium"), "not set up yet"),
            ("Expired", &[Some("Premium")], false, Some("Premium"), "Expired"),
            ("SomethingNew", &[Some("Premium")], false, Some("Premium"), "unknown to this version"),
        ] {
            let sites: Vec<_> = editions.iter().map(|edition| site(*edition)).collect();
            let entitlement =
                decide(vec![service(ITSM, state), service("cas", "Production")], &sites, DateTime::UNIX_EPOCH);
            assert_eq!(entitlement.can_manage, can_manage, "{state} {editions:?}");
            assert_eq!(entitlement.edition.as_deref(), edition, "{state} {editions:?}");
            assert!(entitlement.reason.contains(reason), "{}", entitlement.reason);
            assert_eq!(entitlement.services.len(), 1);
        }
        let none = decide(vec![], &[site(Some("Premium"))], DateTime::UNIX_EPOCH);
        assert!(!none.can_manage && none.reason.contains("not listed"), "{}", none.reason);
    }
}
