//! Long operations of orchestration: 202, a job, its progress and its result.

use serde_json::{Value, json};

use super::account::{Account, Site};
use super::daas::json_utf8;
use super::envelope;
use super::route;
use super::site;
use super::state::State;
use crate::http_message::{Answer, Ask};
use crate::world::World;

/// A job and how often it was asked about.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    customer_id: String,
    site: Site,
    polls: u32,
    is_canceled: bool,
}

/// Starts a site test and answers where it can be watched.
pub(super) fn start_test(world: &World, state: &mut State, ask: &Ask, customer: &str, site: &Site) -> Answer {
    let id = world.chance.guid();
    state
        .jobs
        .insert(id.clone(), Job { customer_id: customer.to_owned(), site: site.clone(), polls: 0, is_canceled: false });
    Answer::empty(202).with("location", format!("{}/cvad/manage/Jobs/{id}", ask.base))
}

/// `GET /Jobs/{id}`, `GET /Jobs/{id}/Results`, `POST /Jobs/{id}/$cancel`.
pub(super) fn answer(world: &World, state: &mut State, ask: &Ask, operation: &[&str], account: &Account) -> Answer {
    let named = route::instance_id(ask);
    if named.as_deref().is_none_or(|id| account.site(id).is_none()) {
        return envelope::orchestration(
            world,
            400,
            "Citrix.MissingInstanceId",
            "The Citrix-InstanceId header must name a site.",
        );
    }
    let needed = state.switches.job_polls;
    let id = operation.get(1).copied().unwrap_or("");
    let Some(job) = state.jobs.get_mut(id).filter(|job| job.customer_id == account.customer_id) else {
        return envelope::orchestration(world, 404, "Citrix.ObjectNotFound", "The job was not found.");
    };
    let last = operation.get(2).map(|word| word.to_ascii_lowercase());
    match (ask.method.as_str(), last.as_deref()) {
        ("GET", None) => {
            job.polls += 1;
            json_utf8(200, &describe(id, job, needed))
        }
        ("GET", Some("results")) if job.polls >= needed && !job.is_canceled => {
            json_utf8(200, &site::test_summary(&job.site))
        }
        ("GET", Some("results")) => {
            envelope::orchestration(world, 400, "Citrix.JobNotComplete", "The job is not complete.")
        }
        ("POST", Some("$cancel")) => {
            job.is_canceled = true;
            Answer::empty(204)
        }
        _ => envelope::orchestration(world, 404, "Citrix.NotFound", "There is no such operation."),
    }
}

fn describe(id: &str, job: &Job, needed: u32) -> Value {
    let is_done = job.polls >= needed;
    let status = match (job.is_canceled, is_done, job.site.test_result.as_str()) {
        (true, _, _) => "Canceled",
        (_, false, _) if job.polls <= 1 && needed > 1 => "NotStarted",
        (_, false, _) => "InProgress",
        (_, true, "Failed") => "Failed",
        (_, true, "Warnings") => "CompleteWithWarning",
        _ => "Complete",
    };
    json!({
        "Id": id, "Type": "TestSite", "Status": status,
        "OverallProgressPercent": if is_done { 100 } else { job.polls * 100 / needed.max(1) },
        "ErrorString": if status == "Failed" { json!("The site test found failures.") } else { Value::Null },
        "ErrorCode": null,
        "Parameters": [{"Name": "SiteId", "Value": job.site.id}],
    })
}
