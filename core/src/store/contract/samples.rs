//! Records to write: valid, small, and all at one instant.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::{CustomerId, DeliveryId, InstanceId},
    model::{
        Account, AccountPolicy, Alert, AlertState, ChosenSysId, Connection, ConnectionStatus, Delivery, DeliveryStatus,
        Environment, Event, EventKind, Instance, InstanceHealth, LookUp, ProbeReport, Severity,
    },
    store::{Change, DeliveryRecord, PendingFlow, PendingRevocation, Put, ResumePoint, Sealed, Shown},
};

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub(crate) fn customer(id: &str) -> CustomerId {
    CustomerId(id.to_owned())
}

pub(crate) fn origin(name: &str) -> InstanceId {
    InstanceId(format!("https://{name}.service-now.com"))
}

pub(crate) fn account(id: &str) -> Account {
    Account {
        customer_id: customer(id),
        environment: Environment::Eu,
        name: None,
        client_id: "0".to_owned(),
        entitlement: None,
        is_disabled: false,
        sites: Vec::new(),
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn instance(name: &str) -> Instance {
    Instance {
        id: origin(name),
        name: None,
        health: InstanceHealth::Unknown,
        health_detail: None,
        health_at: None,
        connector_version: None,
        created_at: now(),
        updated_at: now(),
    }
}

/// An instance whose connector serves one account only.
pub(crate) fn old_instance(name: &str) -> Instance {
    Instance { connector_version: Some("21.10.0".to_owned()), ..instance(name) }
}

pub(crate) fn connection(account: &str, instance: &str, status: ConnectionStatus) -> Connection {
    Connection {
        customer_id: customer(account),
        instance_id: origin(instance),
        instance_name: None,
        status,
        health: InstanceHealth::Unknown,
        secure_client_id: "client".to_owned(),
        endpoint: None,
        grant: None,
        last_test: None,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn revocation(id: &str, account: &str, age_seconds: i64) -> PendingRevocation {
    PendingRevocation {
        id: id.to_owned(),
        customer_id: customer(account),
        instance_id: origin("one"),
        created_at: now() - TimeDelta::seconds(age_seconds),
        in_hand_until: None,
        ends_at: None,
    }
}

/// Begun `age_seconds` ago, for ten minutes.
pub(crate) fn flow(id: &str, account: &str, instance: &str, redirect_url: &str, age_seconds: i64) -> PendingFlow {
    let created_at = now() - TimeDelta::seconds(age_seconds);
    PendingFlow {
        id: id.to_owned(),
        customer_id: customer(account),
        instance_id: origin(instance),
        redirect_url: redirect_url.to_owned(),
        created_at,
        expires_at: created_at + TimeDelta::minutes(10),
        used_at: None,
    }
}

pub(crate) fn delivery(id: &str, account: &str, alert: &str, status: DeliveryStatus) -> DeliveryRecord {
    DeliveryRecord {
        delivery: Box::new(Delivery {
            id: DeliveryId(id.to_owned()),
            customer_id: customer(account),
            alert: Alert {
                customer_id: account.to_owned(),
                source: "monitor".to_owned(),
                id: alert.to_owned(),
                title: "A machine is not registered".to_owned(),
                description: String::new(),
                severity: Severity::Warning,
                state: AlertState::Raised,
                priority: None,
                category: None,
                policy: None,
                target: None,
                component: None,
                raised_at: None,
                fields: HashMap::from([("machine".to_owned(), "VDA-01".to_owned())]),
            },
            status,
            correlation_id: format!("key-{id}"),
            attempts: 0,
            instance_id: None,
            incident: None,
            failure: None,
            accepted_at: now(),
            updated_at: now(),
        }),
        attempt_deadline: None,
        unsure_at: Vec::new(),
        not_before: Some(now()),
        claimed_until: None,
        failures: 0,
        spent: 0,
        shown: Shown::default(),
    }
}

pub(crate) fn policy(account: &str, document: &str) -> AccountPolicy {
    AccountPolicy { customer_id: customer(account), document: document.to_owned(), updated_at: now() }
}

pub(crate) fn resume_point(account: &str, source: &str, position: &str) -> ResumePoint {
    ResumePoint {
        customer_id: customer(account),
        source: source.to_owned(),
        position: position.to_owned(),
        updated_at: now(),
    }
}

pub(crate) fn probe(account: &str, instance: &str, number: &str) -> ProbeReport {
    ProbeReport {
        customer_id: customer(account),
        instance_id: origin(instance),
        probed_at: now(),
        look_up: LookUp::Works,
        look_up_seen: "It finds the record.".to_owned(),
        chosen_sys_id: ChosenSysId::Honoured,
        chosen_sys_id_seen: "The record got it.".to_owned(),
        incident_number: number.to_owned(),
        incident_sys_id: "0".repeat(32),
        is_closed: true,
        closed_seen: "It is cancelled.".to_owned(),
    }
}

pub(crate) fn event(account: Option<&str>, message: &str) -> Event {
    Event {
        sequence: 0,
        at: now(),
        kind: EventKind::Progress,
        customer_id: account.map(customer),
        instance_id: None,
        message: message.to_owned(),
        detail: HashMap::new(),
    }
}

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed::from_parts("0123456789abcdef".to_owned(), text.as_bytes().to_vec())
}

/// The row must not exist yet.
pub(crate) fn new<T>(value: T) -> Put<T> {
    Put { value, sealed: None, replaces: None }
}

/// The row must be in this version.
pub(crate) fn over<T>(value: T, version: i64) -> Put<T> {
    Put { value, sealed: None, replaces: Some(version) }
}

pub(crate) fn deliver(put: Put<DeliveryRecord>) -> Change {
    Change::Delivery(Arc::new(put))
}

/// Accounts `a`, `b`, `c` and instances `one`, `two`, all new.
pub(crate) fn world() -> Vec<Change> {
    let accounts = ["a", "b", "c"].map(|id| Change::Account(new(account(id))));
    let instances = ["one", "two"].map(|name| Change::Instance(new(instance(name))));
    accounts.into_iter().chain(instances).collect()
}
