//! Who is signed in, and which roles the person or service account holds.

use http::Method;
use serde::Deserialize;

use super::{Query, Select, ServiceNow, below, envelope::judge};
use crate::{
    error::{Error, ErrorKind, Result},
    oauth::Access,
    transport::Repeat,
};

/// Who acts with a token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Identity {
    #[serde(alias = "user_sys_id")]
    pub(crate) sys_id: String,
    pub(crate) user_name: String,
}

#[derive(Deserialize)]
struct RoleRow {
    #[serde(default)]
    user: String,
    #[serde(default, rename = "role.name")]
    role: String,
}

impl ServiceNow {
    /// Asks the instance who is signed in: the user interface's own route first, then the record of oneself.
    pub(crate) async fn who_am_i(&self, access: &Access) -> Result<Identity> {
        let url = below(&access.base, &["api", "now", "ui", "user", "current_user"])?;
        let call = self.call(access, Method::GET, url, None, Repeat::Freely)?;
        let first: Result<Identity> = self.ask(call, judge).await.map_err(Into::into);
        match first {
            Ok(identity) if !identity.sys_id.is_empty() => Ok(identity),
            Err(error)
                if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::InvalidInput) =>
            {
                Err(error)
            }
            _ => {
                let rows: Vec<Identity> = self
                    .query(access, &Select::new("sys_user", Query::current_user(), &["sys_id", "user_name"], 2))
                    .await?;
                match <[Identity; 1]>::try_from(rows) {
                    Ok([identity]) => Ok(identity),
                    Err(_) => Err(Error::new(ErrorKind::Forbidden, "The instance does not say who is signed in.")
                        .remedy("Give the user read access to its own record in sys_user.")),
                }
            }
        }
    }

    /// The user's roles, inherited ones included. None: the instance hides them from the user, which is the
    /// usual case. An answer with rows of somebody else is a broken look-up and counts as hidden (T11).
    pub(crate) async fn roles(&self, access: &Access, user_sys_id: &str) -> Result<Option<Vec<String>>> {
        let query = Query::new().equals("user", user_sys_id)?;
        let rows: Result<Vec<RoleRow>> =
            self.query(access, &Select::new("sys_user_has_role", query, &["user", "role.name"], 1000)).await;
        match rows {
            Ok(rows) if rows.is_empty() || rows.iter().any(|row| row.user != user_sys_id || row.role.is_empty()) => {
                Ok(None)
            }
            Ok(rows) => Ok(Some(rows.into_iter().map(|row| row.role).collect())),
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
