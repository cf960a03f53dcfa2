//! The adapter for Python. See the README for users; here: `client` lists the operations, everything else carries
//! values, errors and waiting across the border.

mod client;
mod convert;
mod error;
mod event;
mod exit;
mod log;
mod opened;
mod resource;
mod runtime;

use pyo3::pymodule;

/// The part of `itsm_adapter` that is written in Rust.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use itsm_adapter::{
        Account, AccountPage, Alert, AlertState, Check, CheckName, CheckOutcome, Connection, ConnectionPage,
        ConnectionStatus, Delivery, DeliveryPage, DeliveryStatus, Entitlement, EntitlementGroup, Environment, Event,
        EventKind, EventPage, Grant, GrantKind, Incident, Instance, InstanceHealth, InstancePage, OauthEndpoint,
        Operator, Revocation, RotationReport, ServiceEntitlement, ServiceState, Severity, Site, TestReport,
    };

    #[pymodule_export]
    use crate::{
        client::{
            Accounts, Alerts, AsyncAccounts, AsyncAlerts, AsyncClient, AsyncConnections, AsyncEvents, AsyncInstances,
            AsyncRecords, AsyncRegistrations, Client, Connections, Events, Instances, Records, Registrations,
            egress_ranges,
        },
        convert::RecordPage,
        event::{AsyncSubscription, Subscription},
        log::follow,
    };
}
