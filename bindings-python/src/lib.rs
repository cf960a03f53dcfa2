//! The adapter for Python. See the README for users; here: `client` lists the operations, everything else carries
//! values, errors and waiting across the border.

mod client;
mod convert;
mod error;
mod event;
mod exit;
mod feed;
mod fields;
mod log;
mod opened;
mod resource;
mod rows;
mod runtime;
mod worker;

use pyo3::pymodule;

/// The part of `itsm_adapter` that is written in Rust.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use itsm_adapter::{
        Account, AccountPage, AccountPolicy, Alert, AlertSource, AlertState, Authorization, Authorized, Check,
        CheckName, CheckOutcome, CheckSummary, Checked, ChosenSysId, Connection, ConnectionPage, ConnectionStatus,
        Delivery, DeliveryLag, DeliveryPage, DeliveryStatus, Entitlement, EntitlementGroup, Environment, ErrorInfo,
        ErrorKind, Event, EventKind, EventPage, Grant, GrantKind, Incident, Instance, InstanceHealth, InstancePage,
        LaneLag, LookUp, OauthEndpoint, Operator, PolicyAction, PolicyDecision, PolicyStep, ProbeReport, Revocation,
        RotationReport, ServiceEntitlement, ServiceState, Severity, Site, SweepReport, TestReport, Webhook,
    };

    #[pymodule_export]
    use crate::{
        client::{
            Accounts, Alerts, AsyncAccounts, AsyncAlerts, AsyncClient, AsyncConnections, AsyncEvents, AsyncInstances,
            AsyncPolicies, AsyncRecords, AsyncRegistrations, AsyncSources, AsyncWebhooks, Client, Connections, Events,
            Instances, Policies, Records, Registrations, Sources, Webhooks, egress_ranges,
        },
        convert::RecordPage,
        event::{AsyncSubscription, Subscription},
        log::follow,
        worker::{AsyncWorker, Worker},
    };
}
