#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Action, Decision, PolicySet};
use crate::{
    error::Error,
    model::{Alert, AlertState, Policy, Severity},
};

fn alert() -> Alert {
    Alert {
        customer_id: "acme".into(),
        source: "monitor".into(),
        id: "5f0e".into(),
        title: "ICA round trip time is high".into(),
        description: "300 ms on VDA-07".into(),
        severity: Severity::Error,
        state: AlertState::Raised,
        priority: Some("urgent".into()),
        category: None,
        policy: Some("Site policy".into()),
        target: Some("VDA-07".into()),
        component: Some("Citrix Monitor".into()),
        raised_at: Some(at("2026-02-11T08:20:17Z")),
        fields: HashMap::from([("machine".to_owned(), "VDA-07".to_owned())]),
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn set(document: &Value) -> PolicySet {
    PolicySet::compile(&Policy::from_json(&document.to_string()).unwrap()).unwrap()
}

fn refusal(document: &Value) -> Error {
    Policy::from_json(&document.to_string()).err().unwrap_or_else(|| panic!("{document} must be refused"))
}

fn decide(document: &Value, alert: &Alert) -> Decision {
    set(document).decide(alert, at("2026-02-11T08:30:00Z"))
}

fn ruled(when: &Value) -> bool {
    decide(&json!({"rules": [{"name": "r", "when": when}]}), &alert()).rule.is_some()
}

#[test]
fn without_a_policy_every_alert_is_an_incident_as_bad_as_its_severity() {
    for (severity, impact, urgency) in [
        (Severity::Critical, 2, 1),
        (Severity::Error, 2, 2),
        (Severity::Warning, 3, 2),
        (Severity::Information, 3, 3),
        (Severity::Success, 3, 3),
    ] {
        let alert = Alert { severity, ..alert() };
        let decision = decide(&json!({}), &alert);
        assert_eq!((decision.action, decision.impact, decision.urgency), (Action::Incident, impact, urgency));
        assert_eq!(PolicySet::default().decide(&alert, at("2026-02-11T08:30:00Z")), decision);
        assert_eq!((&decision.short_description, &decision.description, &decision.rule), (&None, &None, &None));
        assert!(decision.resolve_on_end && decision.reopen && decision.group.is_none());
    }
}

#[test]
fn a_rule_fits_when_everything_fits_that_it_names() {
    for (when, fits) in [
        (json!({}), true),
        (json!({"source": "monitor"}), true),
        (json!({"source": ["citrix_cloud", "MONITOR"]}), true),
        (json!({"source": "citrix_cloud"}), false),
        (json!({"severity": "error"}), true),
        (json!({"severity": ["warning", "critical"]}), false),
        (json!({"severity_at_least": "warning"}), true),
        (json!({"severity_at_least": "error"}), true),
        (json!({"severity_at_least": "critical"}), false),
        (json!({"priority": "urg*"}), true),
        (json!({"category": "*"}), false),
        (json!({"policy": "site policy"}), true),
        (json!({"policy": "site"}), false),
        (json!({"target": "VDA-??"}), true),
        (json!({"target": "vda-0[0-9]"}), false),
        (json!({"target": ["DDC-*", "VDA-*"]}), true),
        (json!({"component": "*monitor"}), true),
        (json!({"fields": {"machine": "VDA-*"}}), true),
        (json!({"fields": {"machine": ["x", "VDA-07"]}}), true),
        (json!({"fields": {"machine": "VDA-*", "site": "*"}}), false),
        (json!({"source": "monitor", "target": "DDC-*"}), false),
        (json!({"source": []}), true),
    ] {
        assert_eq!(ruled(&when), fits, "{when}");
    }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let document = json!({
        "rules": [
            {"name": "noise", "when": {"severity": ["information", "success"]}, "then": {"action": "ignore"}},
            {"name": "machines", "when": {"target": "VDA-*"}, "then": {
                "impact": 1, "urgency": 3, "assignment_group": "Citrix", "category": "software", "caller": "svc.citrix",
                "note_interval_s": 60, "resolve_on_end": false, "when_raised_again": "new_incident"}},
            {"name": "late", "then": {"impact": 3}}
        ],
        "otherwise": {"action": "ignore"}
    });
    let decision = decide(&document, &alert());
    assert_eq!(decision.rule.as_deref(), Some("machines"));
    assert_eq!((decision.impact, decision.urgency), (1, 3));
    let plain = [&decision.assignment_group, &decision.category, &decision.caller].map(|text| text.as_deref());
    assert_eq!(plain, [Some("Citrix"), Some("software"), Some("svc.citrix")]);
    assert_eq!((decision.note_interval.as_secs(), decision.resolve_on_end, decision.reopen), (60, false, false));
    let noise = decide(&document, &Alert { severity: Severity::Success, ..alert() });
    assert_eq!((noise.action, noise.rule.as_deref()), (Action::Ignore, Some("noise")));
    let only_noise = json!({"rules": [document["rules"][0]], "otherwise": {"action": "ignore"}});
    let none = decide(&only_noise, &alert());
    assert_eq!((none.action, none.rule), (Action::Ignore, None));
}

#[test]
fn texts_are_made_from_the_alert() {
    let text = |template: &str, alert: &Alert| {
        decide(&json!({"otherwise": {"short_description": template}}), alert).short_description.unwrap()
    };
    let full = alert();
    let bare = Alert { component: None, raised_at: None, fields: HashMap::new(), ..alert() };
    for (template, with, without) in [
        ("plain", "plain", "plain"),
        ("{{ title }}", "ICA round trip time is high", "ICA round trip time is high"),
        ("[{{ severity | upper }}] {{ target }}", "[ERROR] VDA-07", "[ERROR] VDA-07"),
        ("{{ title | cut(3) }}", "ICA", "ICA"),
        ("{{ fields.machine }}!", "VDA-07!", "!"),
        ("{{ fields['machine'] }}!", "VDA-07!", "!"),
        ("{{ component | default('?', true) }}", "Citrix Monitor", "?"),
        ("{% if component %}{{ component }}{% else %}none{% endif %}", "Citrix Monitor", "none"),
        ("{% if severity == 'error' and target %}{{ state }}{% endif %}", "raised", "raised"),
        ("{{ raised_at }}", "2026-02-11T08:20:17Z", ""),
        ("5 * 5 {{ '*' }}", "5 * 5 *", "5 * 5 *"),
        ("{{ policy ~ '/' ~ id }}", "Site policy/5f0e", "Site policy/5f0e"),
    ] {
        assert_eq!(text(template, &full), with, "{template}");
        assert_eq!(text(template, &bare), without, "{template} of little");
    }
}

#[test]
fn what_an_alert_says_is_never_a_template_and_is_not_escaped() {
    let hostile = Alert { title: "{{ id }}{% if true %}<b>&amp;\"</b>".into(), ..alert() };
    let decision = decide(&json!({"otherwise": {"short_description": "{{ title }}"}}), &hostile);
    assert_eq!(decision.short_description, Some(hostile.title));
}

#[test]
fn a_template_that_could_fail_is_refused_when_it_is_saved() {
    for template in [
        "{{ titel }}",
        "{{ title.length }}",
        "{{ alert.title }}",
        "{{ fields.a.b }}",
        "{{ title | shout }}",
        "{{ title",
        "{% if title %}",
        "{% endif %}",
        "{{ title() }}",
        "{{ title.upper() }}",
        "{% for x in title %}{{ x }}{% endfor %}",
        "{%- set x = title ~ title %}",
        "{% include 'other' %}",
        "{% macro x() %}{% endmacro %}",
        "{{ title * 1000 }}",
        "{{ 'a' * 1000000000 }}",
        "{{ '\\'' * 2 }}",
        "{# {{ \" #}{{ 'a' * 1000 }}",
        "{{ {'a': {'b': 'x'}}.a.b * 1000 }}",
        "{{ ({'a': ['x']}).a[0] * 1000 }}",
        "{{ title + 1 }}",
        &"x".repeat(9000),
    ] {
        for name in ["short_description", "description", "work_note"] {
            let error = refusal(&json!({"rules": [{"name": "r", "then": {name: template}}]}));
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{template}");
            assert!(error.message().contains("rule \"r\"") && error.message().contains(name), "{template}: {error}");
        }
    }
}

#[test]
fn a_text_that_grows_beyond_its_bound_is_given_up_and_the_alert_is_not() {
    let huge = Alert { description: "ü".repeat(500_000), ..alert() };
    let few = decide(&json!({"otherwise": {"description": "{{ description }}"}}), &huge);
    assert_eq!(few.description.unwrap().len(), 16_000, "a field is cut");
    let many = "{{ description }}".repeat(5);
    let decision = decide(&json!({"otherwise": {"description": many, "short_description": "{{ title }}"}}), &huge);
    assert_eq!((decision.action, decision.description), (Action::Incident, None));
    assert!(decision.short_description.is_some() && decision.reason.contains("template"), "{}", decision.reason);
}

#[test]
fn what_is_wrong_with_a_document_is_said_with_its_place() {
    for (document, place) in [
        (json!({"rule": []}), "rule"),
        (json!({"rules": [{"name": "r", "then": {"impcat": 1}}]}), "impcat"),
        (json!({"rules": [{"name": "r", "when": {"severity": "bad"}}]}), "bad"),
        (json!({"rules": [{"name": "r", "when": {"source": 5}}]}), "a text or a list"),
        (json!({"rules": [{"name": "r", "then": {"impact": 0}}]}), "impact"),
        (json!({"otherwise": {"urgency": 4}}), "otherwise"),
        (json!({"otherwise": {"note_interval_s": 99_999_999}}), "note_interval_s"),
        (json!({"otherwise": {"assignment_group": " "}}), "assignment_group"),
        (json!({"otherwise": {"caller": "a\nb"}}), "caller"),
        (json!({"rules": [{"name": ""}]}), "name"),
        (json!({"rules": [{"name": "twice"}, {"name": "twice"}]}), "twice"),
        (json!({"otherwise": {"group": {"by": []}}}), "1 to 16"),
        (json!({"otherwise": {"group": {"by": ["colour"]}}}), "colour"),
        (json!({"otherwise": {"group": {"by": ["fields."]}}}), "fields."),
        (json!({"otherwise": {"group": {"by": ["target"], "window_s": 0}}}), "window_s"),
        (json!({"maintenance": [{"name": "m", "time_zone": "Mars/Base", "once": []}]}), "Mars/Base"),
        (json!({"maintenance": [{"name": "m", "time_zone": "UTC"}]}), "maintenance \\\"m\\\""),
        (weekly("UTC", &["sun"], "25:00", "01:00"), "25:00"),
        (weekly("UTC", &["someday"], "01:00", "02:00"), "someday"),
        (weekly("UTC", &[], "01:00", "02:00"), "no day"),
        (once("UTC", "2026-01-02T00:00", "2026-01-01T00:00"), "ends before"),
        (once("UTC", "2026-01-02", "2026-01-03"), "2026-01-02"),
        (json!([]), "policy"),
    ] {
        let error = refusal(&document);
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        let place = place.replace("\\\"", "\"");
        assert!(error.message().contains(&place), "{document}: {error}");
    }
}

fn weekly(zone: &str, days: &[&str], from: &str, until: &str) -> Value {
    let time = json!({"days": days, "from": from, "until": until});
    json!({"maintenance": [{"name": "patches", "time_zone": zone, "weekly": [time]}]})
}

fn once(zone: &str, from: &str, until: &str) -> Value {
    json!({"maintenance": [{"name": "move", "time_zone": zone, "once": [{"from": from, "until": until}]}]})
}

/// Clocks in Berlin go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October; Samoa had no
/// 30 December 2011.
#[test]
fn windows_keep_to_the_clocks_of_their_place() {
    let night = weekly("Europe/Berlin", &["sat"], "22:00", "04:00");
    let skipped = weekly("Europe/Berlin", &["sun"], "02:30", "03:15");
    let gone = weekly("Europe/Berlin", &["sun"], "02:00", "02:45");
    let twice = weekly("Europe/Berlin", &["sun"], "02:15", "02:45");
    let daily = weekly("Europe/Berlin", &["sun", "mon"], "02:30", "02:30");
    let single = once("Europe/Berlin", "2026-03-29T01:30", "2026-03-29T03:30");
    let samoa = once("Pacific/Apia", "2011-12-30T12:00", "2011-12-31T06:00");
    for (document, now, until) in [
        (&night, "2026-02-14T20:59:59Z", None),
        (&night, "2026-02-14T21:00:00Z", Some("2026-02-15T03:00:00Z")),
        (&night, "2026-02-15T02:59:59Z", Some("2026-02-15T03:00:00Z")),
        (&night, "2026-02-15T03:00:00Z", None),
        // An hour shorter in spring, an hour longer in autumn.
        (&night, "2026-03-28T21:00:00Z", Some("2026-03-29T02:00:00Z")),
        (&night, "2026-10-24T20:00:00Z", Some("2026-10-25T03:00:00Z")),
        (&night, "2026-10-25T02:59:59Z", Some("2026-10-25T03:00:00Z")),
        // Its beginning does not exist: it begins after the gap.
        (&skipped, "2026-03-29T00:59:59Z", None),
        (&skipped, "2026-03-29T01:00:00Z", Some("2026-03-29T01:15:00Z")),
        // It does not exist at all.
        (&gone, "2026-03-29T00:59:59Z", None),
        (&gone, "2026-03-29T01:00:00Z", None),
        (&gone, "2026-04-05T00:00:00Z", Some("2026-04-05T00:45:00Z")),
        // It comes twice, and is one.
        (&twice, "2026-10-25T00:14:59Z", None),
        (&twice, "2026-10-25T00:15:00Z", Some("2026-10-25T01:45:00Z")),
        (&twice, "2026-10-25T01:00:00Z", Some("2026-10-25T01:45:00Z")),
        (&twice, "2026-10-25T01:45:00Z", None),
        // Two that follow each other: the one that ends last counts.
        (&daily, "2026-03-29T00:59:59Z", None),
        (&daily, "2026-03-29T01:00:00Z", Some("2026-03-30T00:30:00Z")),
        (&daily, "2026-03-30T00:29:59Z", Some("2026-03-30T00:30:00Z")),
        (&daily, "2026-03-30T00:30:00Z", Some("2026-03-31T00:30:00Z")),
        (&daily, "2026-03-31T00:30:00Z", None),
        (&single, "2026-03-29T00:29:59Z", None),
        (&single, "2026-03-29T00:30:00Z", Some("2026-03-29T01:30:00Z")),
        (&single, "2026-03-29T01:30:00Z", None),
        (&samoa, "2011-12-30T09:59:59Z", None),
        (&samoa, "2011-12-30T10:00:00Z", Some("2011-12-30T16:00:00Z")),
    ] {
        let decision = set(document).decide(&alert(), at(now));
        let expected = until.map_or(Action::Incident, |until| Action::Hold(at(until)));
        assert_eq!(decision.action, expected, "{document} at {now}");
    }
}

#[test]
fn a_window_holds_ignores_or_notes_only_what_it_is_for() {
    let open = at("2026-02-14T21:30:00Z");
    let mut document = weekly("Europe/Berlin", &["sat"], "22:00", "04:00");
    document["rules"] = json!([{"name": "noise", "when": {"severity": "success"}, "then": {"action": "ignore"}}]);
    document["maintenance"][0]["when"] = json!({"target": "VDA-*"});
    for (then, action) in
        [("hold", Action::Hold(at("2026-02-15T03:00:00Z"))), ("ignore", Action::Ignore), ("note", Action::Incident)]
    {
        document["maintenance"][0]["then"] = json!(then);
        let set = set(&document);
        let decision = set.decide(&alert(), open);
        assert_eq!(decision.action, action, "{then}");
        assert_eq!(decision.opening_note.is_some_and(|note| note.contains("patches")), then == "note", "{then}");
        assert!(decision.reason.contains("patches"), "{then}: {}", decision.reason);
        let elsewhere = Alert { target: Some("DDC-1".into()), ..alert() };
        assert_eq!(set.decide(&elsewhere, open).action, Action::Incident, "{then}");
        let noise = Alert { severity: Severity::Success, ..alert() };
        assert_eq!(set.decide(&noise, open).action, Action::Ignore, "{then}");
    }
}

#[test]
fn alerts_of_one_cause_have_one_key() {
    let document = json!({
        "rules": [{"name": "r", "when": {"severity": "critical"}, "then": {"group": {"by": ["policy", "target"]}}}],
        "otherwise": {"group": {"by": ["policy", "target"], "window_s": 30, "children": true}}
    });
    let set = set(&document);
    let key = |alert: Alert| set.decide(&alert, at("2026-02-11T08:30:00Z")).group.unwrap();
    let group = key(alert());
    assert_eq!((group.window.as_secs(), group.children, group.key.len()), (30, true, 40));
    assert_eq!(key(Alert { id: "another".into(), title: "another".into(), ..alert() }), group);
    let other = |policy: Option<&str>, target: Option<&str>| {
        key(Alert { policy: policy.map(Into::into), target: target.map(Into::into), ..alert() }).key
    };
    let keys = [
        group.key,
        other(None, None),
        other(Some("Site policy"), None),
        other(None, Some("Site policy")),
        other(Some("Site policyVDA"), Some("-07")),
        key(Alert { severity: Severity::Critical, ..alert() }).key,
    ];
    let distinct: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
}

#[test]
fn a_rule_and_what_is_done_otherwise_never_make_one_group() {
    let set = set(&json!({
        "rules": [{"name": "CPU", "when": {"severity": "critical"}, "then": {"group": {"by": ["target"]}}}],
        "otherwise": {"group": {"by": ["policy", "target"]}}
    }));
    let key = |severity| {
        let alert = Alert { severity, policy: Some("CPU".into()), ..alert() };
        set.decide(&alert, at("2026-02-11T08:30:00Z")).group.unwrap().key
    };
    assert_ne!(key(Severity::Critical), key(Severity::Warning));
}

#[test]
fn an_explanation_tells_everything_that_was_looked_at() {
    let mut document = weekly("UTC", &["wed"], "08:00", "09:00");
    document["rules"] = json!([
        {"name": "cloud", "when": {"source": "citrix_cloud"}},
        {"name": "placed", "when": {"fields": {"site": "*"}}},
        {"name": "bad", "when": {"severity_at_least": "error", "target": "VDA-*"}, "then": {"short_description": "{{ id }}"}},
        {"name": "never reached"}
    ]);
    let shown = set(&document).explain(&alert(), at("2026-02-11T08:30:00Z"));
    let steps: Vec<(&str, bool)> = shown.steps.iter().map(|step| (step.name.as_str(), step.matched)).collect();
    assert_eq!(steps, [("cloud", false), ("placed", false), ("bad", true), ("patches", true)]);
    assert!(shown.steps[0].reason.contains("source is monitor"), "{}", shown.steps[0].reason);
    assert!(shown.steps[1].reason.contains("no field site"), "{}", shown.steps[1].reason);
    assert_eq!(shown.action, crate::model::PolicyAction::Hold);
    assert_eq!(shown.hold_until, Some(at("2026-02-11T09:00:00Z")));
    assert_eq!((shown.rule.as_deref(), shown.short_description.as_deref()), (Some("bad"), Some("5f0e")));
}

/// Whatever an alert says, and whenever: there is a decision, it is the same twice, and the explanation agrees.
#[test]
fn every_alert_has_one_decision() {
    let mut document = weekly("America/New_York", &["sun", "wed"], "01:30", "01:30");
    document["rules"] = json!([
        {"name": "a", "when": {"severity": ["information", "success"], "target": "*x*"}, "then": {"action": "ignore"}},
        {"name": "b", "when": {"policy": ["?", "*é*"]}, "then": {"group": {"by": ["policy", "fields.k"]},
            "short_description": "{% if fields.k %}{{ fields.k | upper }}{% else %}{{ title | cut(5) }}{% endif %}"}}
    ]);
    let set = set(&document);
    let texts = ["", "x", "é", "a*b?c", "{{ title }}", "\u{202e}\0\n", "日本語", &"x".repeat(5000)];
    let severities = [Severity::Information, Severity::Success, Severity::Warning, Severity::Error, Severity::Critical];
    let mut now = at("2026-10-30T00:00:00Z");
    for (number, text) in (0_usize..).zip(texts.iter().cycle().take(2000)) {
        let pick = |salt: usize| texts[(number / 3 + salt * 7) % texts.len()].to_owned();
        let alert = Alert {
            title: (*text).to_owned(),
            severity: severities[number % 5],
            policy: (number % 3 > 0).then(|| pick(1)),
            target: (number % 4 > 0).then(|| pick(2)),
            fields: HashMap::from([("k".to_owned(), pick(3))]),
            ..alert()
        };
        now += chrono::TimeDelta::minutes(7);
        let decision = set.decide(&alert, now);
        assert_eq!(decision, set.decide(&alert, now));
        if let Action::Hold(until) = decision.action {
            assert!(until > now && until - now <= chrono::TimeDelta::hours(25), "{now}: {until}");
            assert!(!matches!(set.decide(&alert, until).action, Action::Hold(again) if again <= until));
        }
        let shown = set.explain(&alert, now);
        assert_eq!(shown.rule.as_deref(), decision.rule.as_deref());
        let decides = shown.steps.iter().find(|step| step.matched && step.name != "patches");
        assert_eq!(decides.map(|step| step.name.as_str()), decision.rule.as_deref(), "{alert:?}");
    }
}
