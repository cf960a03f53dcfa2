//! How fast a policy decides: fifty rules of which the last one fits, a maintenance window, a group, two templates.

use std::{hint::black_box, time::Instant};

use chrono::Utc;
use itsm_adapter::{Alert, Policy};
use serde_json::json;

use crate::measure::{Row, median};

const DECISIONS: u32 = 100_000;

pub(crate) fn decisions() {
    let rules: Vec<_> = (0..50)
        .map(|number| {
            let last = number == 49;
            json!({
                "name": format!("rule {number}"),
                "when": {"source": "monitor", "severity_at_least": "warning", "target": if last { "VDA-*".to_owned() } else { format!("DDC-{number}-*") }},
                "then": {"group": {"by": ["policy", "target"]}},
            })
        })
        .collect();
    let plain = json!({
        "rules": rules,
        "maintenance": [{"name": "patches", "time_zone": "Europe/Berlin", "weekly": [{"days": "sat", "from": "22:00", "until": "04:00"}]}],
    });
    let mut texts = plain.clone();
    texts["rules"][49]["then"]["short_description"] = json!("[{{ severity | upper }}] {{ title }} on {{ target }}");
    texts["rules"][49]["then"]["work_note"] =
        json!("{% if component %}{{ component }}: {% endif %}still {{ state }} ({{ fields.machine }})");
    for (name, document) in
        [("decisions a second", &json!({})), ("… of 50 rules, grouped", &plain), ("… and two templates", &texts)]
    {
        let policy = Policy::from_json(&document.to_string()).unwrap();
        let decide = policy.decider().unwrap();
        let (alert, now) = (alert(), Utc::now());
        let mut rates = Vec::new();
        for _ in 0..7 {
            let started = Instant::now();
            for _ in 0..DECISIONS {
                assert!(black_box(decide(black_box(&alert), black_box(now))));
            }
            rates.push(f64::from(DECISIONS) / started.elapsed().as_secs_f64());
        }
        Row::new(name, "").aim("≥ 200000").text(&format!("{:.0}", median(&mut rates))).show();
    }
}

fn alert() -> Alert {
    let alert = json!({
        "customer_id": "acme", "source": "monitor", "id": "5f0e3c1a", "title": "ICA round trip time is high",
        "description": "The round trip time of 12 sessions is above 300 ms for 10 minutes.", "severity": "error",
        "state": "raised", "policy": "Site policy", "target": "VDA-07", "component": "Citrix Monitor",
        "fields": {"machine": "VDA-07.example.org", "rule": "IcaRoundtripTime"},
    });
    serde_json::from_value(alert).unwrap()
}
