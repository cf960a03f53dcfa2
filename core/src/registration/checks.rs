//! The connection test: part of every save, and callable alone.

use chrono::{DateTime, Utc};

use crate::{
    api::servicenow::{Identity, Query, Select, ServiceNow},
    config::{CONNECTOR_ROLE, CONNECTOR_SCOPE, INCIDENT_ROLES},
    error::{Error, ErrorKind, Result},
    model::{Check, CheckName, CheckOutcome, TestReport},
    oauth::Access,
};

/// A finished test, with what the caller needs besides the report.
#[derive(Debug)]
pub(crate) struct Inspection {
    pub(crate) report: TestReport,
    pub(crate) identity: Option<Identity>,
    pub(crate) connector_version: Option<String>,
    /// The error of the first check that failed; none when the test passed.
    pub(crate) failure: Option<Error>,
}

#[derive(serde::Deserialize)]
struct AppRow {
    scope: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    active: String,
}

/// Makes the checks in order; what depends on a failed one is skipped. The token itself has passed already.
pub(crate) async fn inspect(api: &ServiceNow, access: &Access, now: DateTime<Utc>) -> Inspection {
    let mut test = Test::default();
    test.pass(CheckName::Token, "The token endpoint accepted the credentials.");

    let identity = match api.who_am_i(access).await {
        Ok(identity) => {
            test.pass(CheckName::Identity, &format!("The instance knows the caller as {}.", identity.user_name));
            Some(identity)
        }
        // Readable or not is decided by the next check; an instance may hide the user from itself.
        Err(error)
            if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound)
                && error.context("missing") != Some("scope") =>
        {
            test.unknown(
                CheckName::Identity,
                error.message(),
                "Give the user read access to its own record in sys_user.",
            );
            None
        }
        Err(error) => {
            test.fail(CheckName::Identity, error);
            None
        }
    };
    if test.failure.is_none() {
        let readable: Result<Vec<serde::de::IgnoredAny>> =
            api.query(access, &Select::new("incident", Query::new(), &["sys_id"], 1)).await;
        match readable {
            Ok(_) => test.pass(CheckName::TableApi, "The Table API answers."),
            Err(error) => test.fail(CheckName::TableApi, error),
        }
    }
    let mut connector_version = None;
    if test.failure.is_none() {
        let roles = match &identity {
            Some(identity) => match api.roles(access, &identity.sys_id).await {
                Ok(roles) => roles,
                Err(error) => {
                    test.fail(CheckName::ConnectorRole, error);
                    None
                }
            },
            None => None,
        };
        let is_admin = holds(roles.as_deref(), &["admin"]);
        if test.failure.is_none() {
            connector_version = connector(api, access, is_admin, &mut test).await;
        }
        if test.failure.is_none() {
            roles_suffice(roles.as_deref(), is_admin, &mut test);
        }
    }
    Inspection { report: test.report(now), identity, connector_version, failure: test.failure }
}

async fn connector(api: &ServiceNow, access: &Access, is_admin: bool, test: &mut Test) -> Option<String> {
    let remedy = "Install the Citrix IT Service Management Connector from the ServiceNow Store.";
    let mut answered = true;
    for table in ["sys_store_app", "sys_scope"] {
        let rows: Result<Vec<AppRow>> = match Query::new().equals("scope", CONNECTOR_SCOPE) {
            Ok(query) => api.query(access, &Select::new(table, query, &["scope", "version", "active"], 2)).await,
            Err(error) => Err(error),
        };
        match rows {
            // Rows of another application mean that the condition was dropped: no answer at all (T11).
            Ok(rows) => {
                if let Some(row) = rows.iter().find(|row| row.scope == CONNECTOR_SCOPE) {
                    if row.active == "false" {
                        test.fail(
                            CheckName::Connector,
                            Error::new(
                                ErrorKind::PrerequisiteMissing,
                                "The Citrix connector is installed but not active.",
                            )
                            .remedy("Activate the Citrix IT Service Management Connector on the instance."),
                        );
                        return None;
                    }
                    let version = Some(row.version.clone()).filter(|version| !version.is_empty());
                    test.pass(
                        CheckName::Connector,
                        &format!("The connector is installed, version {}.", version.as_deref().unwrap_or("not stated")),
                    );
                    return version;
                }
                answered &= rows.is_empty();
            }
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {}
            Err(error) => {
                test.fail(CheckName::Connector, error);
                return None;
            }
        }
    }
    if is_admin && answered {
        // An administrator sees every application: not there means not there.
        test.fail(
            CheckName::Connector,
            Error::new(ErrorKind::PrerequisiteMissing, "The Citrix connector is not installed on the instance.")
                .remedy(remedy),
        );
    } else if answered {
        test.unknown(CheckName::Connector, "The instance hides from this user which applications are installed.", "");
    } else {
        test.unknown(CheckName::Connector, "The instance answered with other applications than the one asked for.", "");
    }
    None
}

fn roles_suffice(roles: Option<&[String]>, is_admin: bool, test: &mut Test) {
    let Some(roles) = roles else {
        let seen = "The instance hides from this user which roles it holds.";
        test.unknown(CheckName::ConnectorRole, seen, "");
        test.unknown(CheckName::IncidentRight, seen, "");
        return;
    };
    // An administrator passes everything without holding the roles, and holds more than is needed (T19).
    let least = if is_admin {
        "The user is an administrator; a user with the two roles named in the guide is enough."
    } else {
        ""
    };
    for (name, wanted, missing) in [
        (CheckName::ConnectorRole, &[CONNECTOR_ROLE][..], "the connector's administrator role"),
        (CheckName::IncidentRight, &INCIDENT_ROLES[..], "a role that may write incidents"),
    ] {
        if is_admin || holds(Some(roles), wanted) {
            test.add(name, CheckOutcome::Pass, "The user holds the right.", least);
        } else {
            test.fail(
                name,
                Error::new(ErrorKind::Forbidden, format!("The user lacks {missing}: {}.", wanted.join(" or ")))
                    .remedy(format!("Give the user the role {}.", wanted[0]))
                    .with("missing", "role")
                    .with("role", wanted[0]),
            );
            return;
        }
    }
}

fn holds(roles: Option<&[String]>, wanted: &[&str]) -> bool {
    roles.is_some_and(|roles| roles.iter().any(|role| wanted.contains(&role.as_str())))
}

/// A report in the making.
#[derive(Default)]
pub(crate) struct Test {
    checks: Vec<Check>,
    failure: Option<Error>,
}

impl Test {
    fn add(&mut self, name: CheckName, outcome: CheckOutcome, seen: &str, remedy: &str) {
        self.checks.push(Check { name, outcome, seen: seen.to_owned(), remedy: remedy.to_owned() });
    }

    pub(crate) fn pass(&mut self, name: CheckName, seen: &str) {
        self.add(name, CheckOutcome::Pass, seen, "");
    }

    fn unknown(&mut self, name: CheckName, seen: &str, remedy: &str) {
        self.add(name, CheckOutcome::Unknown, seen, remedy);
    }

    pub(crate) fn fail(&mut self, name: CheckName, error: Error) {
        self.add(name, CheckOutcome::Fail, error.message(), &error.info().remedy);
        self.failure.get_or_insert(error);
    }

    /// The checks made, then the ones that were not.
    pub(crate) fn report(&self, now: DateTime<Utc>) -> TestReport {
        let mut checks = self.checks.clone();
        for name in [
            CheckName::Token,
            CheckName::Identity,
            CheckName::TableApi,
            CheckName::Connector,
            CheckName::ConnectorRole,
            CheckName::IncidentRight,
        ] {
            if !checks.iter().any(|check| check.name == name) {
                checks.push(Check {
                    name,
                    outcome: CheckOutcome::Skipped,
                    seen: "Not asked, because an earlier check failed.".to_owned(),
                    remedy: String::new(),
                });
            }
        }
        TestReport { passed: self.failure.is_none(), checks, tested_at: now }
    }
}
