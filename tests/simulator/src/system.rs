//! The systems a listener can stand for, and what faults need to know about each.

use std::sync::Arc;

use crate::citrix::{self, envelope as citrix_envelope};
use crate::gate::Pass;
use crate::http_message::{Answer, Ask};
use crate::servicenow::instance::Instance;
use crate::servicenow::{self, envelope as glide_envelope};
use crate::world::World;

/// Who answers on a listener.
#[derive(Clone)]
pub(crate) enum System {
    Citrix,
    ServiceNow(Arc<Instance>),
    Control,
}

/// What a fault does to the token of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoil {
    Expire,
    Revoke,
}

impl System {
    /// The word the log uses.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Citrix => "citrix",
            Self::ServiceNow(_) => "servicenow",
            Self::Control => "control",
        }
    }

    /// The word faults use.
    pub(crate) fn fault_name(&self) -> &str {
        match self {
            Self::ServiceNow(instance) => &instance.name,
            Self::Citrix | Self::Control => self.kind(),
        }
    }

    pub(crate) fn instance_name(&self) -> Option<&str> {
        match self {
            Self::ServiceNow(instance) => Some(&instance.name),
            Self::Citrix | Self::Control => None,
        }
    }

    /// Name of the route, from general to special with colons.
    pub(crate) fn route(&self, ask: &Ask) -> String {
        match self {
            Self::Citrix => citrix::route::name(ask).to_owned(),
            Self::ServiceNow(_) => servicenow::route::name(ask),
            Self::Control => "control".to_owned(),
        }
    }

    /// The Citrix customer a request is for.
    pub(crate) fn customer(&self, world: &World, ask: &Ask) -> Option<String> {
        match self {
            Self::Citrix => citrix::route::customer(world, ask),
            Self::ServiceNow(_) | Self::Control => None,
        }
    }

    /// Waits until the request may run: one at a time per `ServiceNow` session and per Monitor customer.
    pub(crate) async fn enter(
        &self,
        world: &World,
        ask: &Ask,
        route: &str,
        customer: Option<&str>,
    ) -> Result<Option<Pass>, Box<Answer>> {
        match self {
            Self::ServiceNow(instance) => instance.enter(ask).await,
            Self::Citrix if route == "monitor" => citrix::monitor::enter(world, customer.unwrap_or("")).await,
            Self::Citrix | Self::Control => Ok(None),
        }
    }

    /// Does the work and gives the honest answer.
    pub(crate) fn answer(&self, world: &Arc<World>, ask: &Ask) -> Answer {
        match self {
            Self::Citrix => citrix::answer(world, ask),
            Self::ServiceNow(instance) => servicenow::answer(world, instance, ask),
            Self::Control => Answer::empty(404),
        }
    }

    /// Adds the headers every answer of the system carries.
    pub(crate) fn dress(&self, world: &World, ask: &Ask, answer: Answer) -> Answer {
        match self {
            Self::Citrix => citrix::dress(world, ask, answer),
            Self::ServiceNow(instance) => servicenow::dress(world, instance, answer, None),
            Self::Control => answer,
        }
    }

    /// A failure with that status in the system's own envelope.
    pub(crate) fn failure(&self, world: &World, route: &str, status: u16) -> Answer {
        match self {
            Self::Citrix => citrix_envelope::for_status(world, route, status),
            Self::ServiceNow(_) | Self::Control => glide_envelope::for_status(route, status),
        }
    }

    /// Expires or revokes the token that the request presents.
    pub(crate) fn spoil(&self, world: &World, ask: &Ask, how: Spoil) {
        match self {
            Self::Citrix => world.citrix.spoil_presented(ask, how, world.now()),
            Self::ServiceNow(instance) => instance.spoil_presented(ask, how, world.now()),
            Self::Control => {}
        }
    }
}
