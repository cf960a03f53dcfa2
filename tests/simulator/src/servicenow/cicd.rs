//! CI/CD API: installing an app or activating a plug-in, and watching it.

use serde_json::{Value, json};

use super::Moment;
use super::data;
use super::envelope;
use super::glide::Glide;
use super::identity::Who;
use super::profile::CicdEnd;
use crate::http_message::{Answer, Ask};
use crate::seed;

/// A queued, running or finished operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// Place in the queue.
    number: usize,
    polls: u32,
    /// Status it ended with.
    ended: Option<u8>,
    effect: Effect,
}

#[derive(Debug, Clone)]
enum Effect {
    Connector(String),
    Plugin(String),
    Nothing,
}

/// Everything below `/api/sn_cicd`.
pub(super) fn answer(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>, who: &Who) -> Answer {
    if !glide.switches.cicd_active {
        return envelope::failure(405, "Method not supported", Some("The CI/CD plugin is not active"));
    }
    if !who.roles.has("sn_cicd.sys_ci_automation") {
        return envelope::failure(403, "User Not Authorized", Some("The role sn_cicd.sys_ci_automation is needed"));
    }
    let parts = ask.parts();
    match (ask.method.as_str(), &parts[2..]) {
        ("GET", ["progress", id]) => progress(glide, moment, id),
        ("POST", ["app_repo", "install"]) => install(glide, ask, moment),
        ("POST", ["plugin", id, "activate"]) => start(glide, moment, Effect::Plugin((*id).to_owned())),
        ("POST", ["app_repo", "rollback"] | ["plugin", _, "rollback"]) => start(glide, moment, Effect::Nothing),
        (_, ["progress", _] | ["app_repo" | "plugin", ..]) => envelope::failure(405, "Method not supported", None),
        _ => envelope::no_resource(&ask.path),
    }
}

fn install(glide: &mut Glide, ask: &Ask, moment: &Moment<'_>) -> Answer {
    let (id, scope) = (ask.param("sys_id"), ask.param("scope"));
    if id.is_none() && scope.is_none() {
        return envelope::failure(400, "Either sys_id or scope is needed", None);
    }
    let is_connector = id.as_deref() == Some(seed::CONNECTOR_APP) || scope.as_deref() == Some(seed::CONNECTOR_SCOPE);
    if !is_connector || !glide.switches.connector_entitled {
        return envelope::failure(404, "The application is not available to this instance", None);
    }
    let version = ask.param("version").unwrap_or_else(|| glide.switches.connector_latest_version.clone());
    start(glide, moment, Effect::Connector(version))
}

fn start(glide: &mut Glide, moment: &Moment<'_>, effect: Effect) -> Answer {
    let is_busy = glide.operations.values().any(|operation| operation.ended.is_none());
    if is_busy && glide.switches.cicd_conflict {
        let detail = "Application installation is unavailable because another operation is running";
        return envelope::failure(409, "Another operation is running", Some(detail));
    }
    let (id, number) = (moment.chance.hex32(), glide.operations.len());
    glide.operations.insert(id.clone(), Operation { number, polls: 0, ended: None, effect });
    envelope::result(200, &describe(moment, &id, 0, 0))
}

/// There is one lock for the whole instance: every poll moves the oldest operation on, and the others wait as Pending.
fn progress(glide: &mut Glide, moment: &Moment<'_>, id: &str) -> Answer {
    let Some(ended) = glide.operations.get(id).map(|operation| operation.ended) else { return envelope::no_record() };
    if ended.is_none() {
        advance(glide);
    }
    let needed = glide.switches.cicd_polls.max(1);
    let Some(operation) = glide.operations.get(id) else { return envelope::no_record() };
    let (status, percent) = match operation.ended {
        Some(status) => (status, 100),
        None if operation.polls == 0 => (0, 0),
        None => (1, operation.polls * 100 / needed),
    };
    envelope::result(200, &describe(moment, id, status, percent))
}

fn advance(glide: &mut Glide) {
    let (needed, end) = (glide.switches.cicd_polls.max(1), glide.switches.cicd_end);
    let waiting = glide.operations.values_mut().filter(|operation| operation.ended.is_none());
    let Some(oldest) = waiting.min_by_key(|operation| operation.number) else { return };
    let status = match end {
        CicdEnd::Success => 2,
        CicdEnd::Failed => 3,
        CicdEnd::Canceled => 4,
        CicdEnd::Stuck => return,
    };
    oldest.polls += 1;
    if oldest.polls < needed {
        return;
    }
    oldest.ended = Some(status);
    let effect = oldest.effect.clone();
    if status == 2 {
        apply(glide, &effect);
    }
}

fn apply(glide: &mut Glide, effect: &Effect) {
    match effect {
        Effect::Connector(version) => glide.switches.connector_version = Some(version.clone()),
        // Orchestration is a subscription of its own: activating it here changes nothing.
        Effect::Plugin(id) if id == "com.snc.runbook_automation.runtime" => {
            glide.switches.orchestration_runtime_active = true;
        }
        Effect::Plugin(_) | Effect::Nothing => {}
    }
    data::refresh(glide);
}

fn describe(moment: &Moment<'_>, id: &str, status: u8, percent: u32) -> Value {
    let (label, message) = match status {
        0 => ("Pending", ""),
        1 => ("Running", ""),
        2 => ("Successful", ""),
        3 => ("Failed", "The installation failed"),
        _ => ("Canceled", "The installation was canceled"),
    };
    json!({
        "links": {"progress": {"id": id, "url": format!("{}/api/sn_cicd/progress/{id}", moment.base)}},
        "status": status.to_string(), "status_label": label, "status_message": message, "status_detail": "",
        "error": if status == 3 { message } else { "" }, "percent_complete": percent, "rollback_version": null,
    })
}
