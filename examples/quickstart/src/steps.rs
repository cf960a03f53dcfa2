//! Showing what happens while it happens, and remembering it for the JSON object.

use std::{future::Future, time::Instant};

use itsm_adapter::{Connection, ConnectionStatus, Incident, Result};
use serde_json::json;

use crate::Outcome;

#[derive(Default)]
pub(crate) struct Steps(Vec<serde_json::Value>);

impl Steps {
    /// Runs a step, shows it with its time, and remembers how it went.
    pub(crate) async fn time<T>(&mut self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let started = Instant::now();
        let result = work.await;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let mark = if result.is_ok() { "ok  " } else { "FAIL" };
        eprintln!("{mark} {name:<36} {ms:>8.1} ms");
        self.0.push(json!({ "name": name, "ok": result.is_ok(), "ms": (ms * 10.0).round() / 10.0 }));
        result
    }

    /// Notes a step that was not needed.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        eprintln!("ok   {name:<36} {why}");
        self.0.push(json!({ "name": name, "ok": true, "ms": 0.0 }));
    }

    pub(crate) fn json(&self, outcome: Option<&Outcome>) -> serde_json::Value {
        let (connections, incidents) =
            outcome.map_or((&[][..], &[][..]), |outcome| (&outcome.connections[..], &outcome.incidents[..]));
        json!({
            "connections": connections
                .iter()
                .map(|c| json!({
                    "account": c.customer_id,
                    "instance": c.instance_id,
                    "status": c.status,
                    "health": c.health,
                    "grant_days_left": c.grant.as_ref().and_then(|grant| grant.days_left),
                }))
                .collect::<Vec<_>>(),
            "incidents": incidents,
            "steps": self.0,
        })
    }
}

/// The Manage list, and the incidents as the instance shows them.
pub(crate) fn show(connections: &[Connection], incidents: &[Incident]) {
    eprintln!("\n{:<28} {:<14} {:<34} {:<12} days left", "instance", "account", "status", "health");
    for c in connections {
        let status = match c.status {
            ConnectionStatus::Unauthorized => "ServiceNow Instance Unauthorized".to_owned(),
            status => status.to_string(),
        };
        let days = c.grant.as_ref().and_then(|grant| grant.days_left).map_or("–".to_owned(), |days| days.to_string());
        eprintln!("{:<28} {:<14} {status:<34} {:<12} {days:>9}", c.instance_id, c.customer_id, c.health);
    }
    eprintln!();
    for incident in incidents {
        eprintln!("{}  {}", incident.number, incident.short_description);
        eprintln!(
            "            priority {}, created by {}, key {}",
            incident.priority, incident.sys_created_by, incident.correlation_id
        );
    }
}
