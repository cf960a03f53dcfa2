//! What the program runs against: the simulator, or real systems.

use std::path::Path;

use itsm_adapter::{Config, Environment, Error, ErrorKind, Result, Secret};
use itsm_simulator::{Simulator, seed};
use serde::{Deserialize, Serialize};

use crate::{options::Options, steps::Steps};

/// One account on its way to an instance.
pub(crate) struct Plan {
    pub(crate) customer_id: String,
    pub(crate) environment: Environment,
    pub(crate) name: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) instance_url: String,
    pub(crate) instance_name: String,
    pub(crate) oauth_client_id: String,
    pub(crate) oauth_client_secret: Secret,
    pub(crate) user_name: String,
    pub(crate) password: Secret,
}

pub(crate) struct Target {
    simulator: Option<Simulator>,
    plans: Vec<Plan>,
}

/// Ports of the simulator, kept so that a second run finds the instance where the first one left it.
#[derive(Serialize, Deserialize, Default)]
struct Ports {
    citrix: u16,
    instance: u16,
}

impl Target {
    pub(crate) async fn prepare(options: &Options, state: &Path, steps: &mut Steps) -> Result<Self> {
        match &options.customer_id {
            Some(customer_id) => Ok(Self { simulator: None, plans: vec![real(options, customer_id)?] }),
            None => {
                let simulator = steps.time("start the simulator", start(&state.join("simulator.json"))).await?;
                let plans = simulated(&simulator);
                Ok(Self { simulator: Some(simulator), plans })
            }
        }
    }

    pub(crate) fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The simulator is on loopback, which the adapter refuses to call unless it is told to.
    pub(crate) fn adjust(&self, config: &mut Config) {
        if let Some(simulator) = &self.simulator {
            config.citrix_url = Some(simulator.citrix_url());
            config.instance_hosts.hosts.push("127.0.0.1".to_owned());
            config.instance_hosts.allow_private_networks = true;
        }
    }

    /// The account to play with; none when the systems are real.
    pub(crate) fn simulated_account(&self) -> Option<&str> {
        self.simulator.as_ref().and(self.plans.first()).map(|plan| plan.customer_id.as_str())
    }

    /// From now on the simulated instance demands these columns of a new incident.
    pub(crate) fn demand(&self, columns: &[&str]) {
        if let Some(simulator) = &self.simulator
            && let Err(why) = simulator.patch_instance("dev1", &serde_json::json!({ "mandatory": columns }))
        {
            eprintln!("     the simulator: {why}");
        }
    }

    pub(crate) async fn stop(self) {
        if let Some(simulator) = self.simulator {
            simulator.shutdown().await;
        }
    }
}

async fn start(ports_file: &Path) -> Result<Simulator> {
    let failed = |what: &str, error: std::io::Error| Error::new(ErrorKind::Unavailable, format!("{what}: {error}."));
    let ports: Ports =
        std::fs::read(ports_file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let mut options = itsm_simulator::Options::default();
    options.citrix_port = ports.citrix;
    if let Some(instance) = options.instances.first_mut() {
        instance.port = ports.instance;
    }
    let simulator = Simulator::start(options).await.map_err(|error| failed("The simulator cannot start", error))?;
    let port = |url: Option<String>| {
        url.and_then(|url| url.rsplit(':').next()?.trim_end_matches('/').parse().ok()).unwrap_or(0)
    };
    let ports = Ports { citrix: port(Some(simulator.citrix_url())), instance: port(simulator.instance_url("dev1")) };
    std::fs::write(ports_file, serde_json::to_vec(&ports).unwrap_or_default())
        .map_err(|error| failed("The state directory cannot be written", error))?;
    Ok(simulator)
}

/// Two accounts of the seed, each with an OAuth endpoint of its own on one instance.
fn simulated(simulator: &Simulator) -> Vec<Plan> {
    let instance_url = simulator.instance_url("dev1").unwrap_or_default();
    let user = seed::USERS[0];
    [(seed::ACME, Environment::Us), (seed::GLOBEX, Environment::Eu)]
        .into_iter()
        .zip(seed::oauth_clients("dev1"))
        .map(|((account, environment), endpoint)| Plan {
            customer_id: account.customer_id.to_owned(),
            environment,
            name: Some(account.name.to_owned()),
            client_id: account.client_id(),
            client_secret: account.client_secret.into(),
            instance_url: instance_url.clone(),
            instance_name: "Help desk".to_owned(),
            oauth_client_id: endpoint.client_id,
            oauth_client_secret: endpoint.client_secret.into(),
            user_name: user.user_name.to_owned(),
            password: user.password.into(),
        })
        .collect()
}

fn real(options: &Options, customer_id: &str) -> Result<Plan> {
    let given = |value: &Option<String>, option: &str, variable: &str| {
        value.clone().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("{option} is missing."))
                .remedy(format!("Give {option}, or set the environment variable {variable}."))
        })
    };
    Ok(Plan {
        customer_id: customer_id.to_owned(),
        environment: options.environment,
        name: None,
        client_id: given(&options.client_id, "--client-id", "CITRIX_CLIENT_ID")?,
        client_secret: given(&options.client_secret, "--client-secret", "CITRIX_CLIENT_SECRET")?.into(),
        instance_url: given(&options.servicenow_url, "--servicenow-url", "SERVICENOW_URL")?,
        instance_name: "ServiceNow".to_owned(),
        oauth_client_id: given(&options.servicenow_client_id, "--servicenow-client-id", "SERVICENOW_CLIENT_ID")?,
        oauth_client_secret: given(
            &options.servicenow_client_secret,
            "--servicenow-client-secret",
            "SERVICENOW_CLIENT_SECRET",
        )?
        .into(),
        user_name: given(&options.servicenow_user, "--servicenow-user", "SERVICENOW_USER")?,
        password: given(&options.servicenow_password, "--servicenow-password", "SERVICENOW_PASSWORD")?.into(),
    })
}
