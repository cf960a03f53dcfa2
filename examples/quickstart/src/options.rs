//! What can be said on the command line or in the environment.

use std::path::{Path, PathBuf};

use clap::Parser;
use itsm_adapter::{Environment, Error, ErrorKind, Result};

/// Connects Citrix Cloud accounts with a ServiceNow instance, registers them, and delivers an alert.
///
/// Without options everything runs against the simulator, and nothing leaves this machine. With
/// --customer-id and its companions it runs against your account and your instance.
#[derive(Parser)]
pub(crate) struct Options {
    /// Body of a Citrix Cloud webhook callback to be delivered
    #[arg(long, value_name = "FILE")]
    alert: Option<PathBuf>,
    /// Print one JSON object on standard output at the end
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the database here; a second run goes on where the first one ended
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Citrix Cloud customer id
    #[arg(long, env = "CITRIX_CUSTOMER_ID")]
    pub(crate) customer_id: Option<String>,
    /// Where the account lives: `us`, `eu`, `asia_pacific_south`, `japan` or `us_government`
    #[arg(long, env = "CITRIX_ENVIRONMENT", default_value_t = Environment::Us)]
    pub(crate) environment: Environment,
    /// Id of the account's secure client
    #[arg(long, env = "CITRIX_CLIENT_ID")]
    pub(crate) client_id: Option<String>,
    /// Secret of the account's secure client; better given by the environment
    #[arg(long, env = "CITRIX_CLIENT_SECRET", hide_env_values = true)]
    pub(crate) client_secret: Option<String>,
    /// Address of the ServiceNow instance
    #[arg(long, env = "SERVICENOW_URL")]
    pub(crate) servicenow_url: Option<String>,
    /// Client id of the OAuth endpoint on the instance
    #[arg(long, env = "SERVICENOW_CLIENT_ID")]
    pub(crate) servicenow_client_id: Option<String>,
    /// Client secret of that endpoint; better given by the environment
    #[arg(long, env = "SERVICENOW_CLIENT_SECRET", hide_env_values = true)]
    pub(crate) servicenow_client_secret: Option<String>,
    /// User id of the service account
    #[arg(long, env = "SERVICENOW_USER")]
    pub(crate) servicenow_user: Option<String>,
    /// Password of the service account; better given by the environment
    #[arg(long, env = "SERVICENOW_PASSWORD", hide_env_values = true)]
    pub(crate) servicenow_password: Option<String>,
}

/// Where the database is: kept, or gone with the program.
pub(crate) enum StateDir {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl StateDir {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }

    pub(crate) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Kept(path) => Some(path),
            Self::Temporary(_) => None,
        }
    }
}

impl Options {
    pub(crate) fn state_dir(&self) -> Result<StateDir> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Store, format!("The state directory cannot be made: {error}."))
        };
        match &self.state_dir {
            None => tempfile::tempdir().map(StateDir::Temporary).map_err(failed),
            Some(path) => {
                std::fs::create_dir_all(path).map_err(failed)?;
                Ok(StateDir::Kept(path.clone()))
            }
        }
    }

    /// The alert's webhook body. The one that comes along is made out to the first account.
    pub(crate) fn alert(&self, customer_id: Option<&str>) -> Result<Vec<u8>> {
        match &self.alert {
            Some(file) => std::fs::read(file).map_err(|error| {
                Error::new(ErrorKind::InvalidInput, format!("{} cannot be read: {error}.", file.display()))
            }),
            None => {
                let body = include_str!("../notification.json");
                Ok(body.replace("acmecorp0001", customer_id.unwrap_or("acmecorp0001")).into_bytes())
            }
        }
    }
}
