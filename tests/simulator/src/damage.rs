//! Applies a fault to one request.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use crate::body::SimBody;
use crate::citrix::envelope as citrix_envelope;
use crate::fault::{Fault, FaultKind};
use crate::http_message::{Answer, Ask, Note};
use crate::page;
use crate::servicenow::envelope as glide_envelope;
use crate::system::{Spoil, System};
use crate::world::World;

/// What happens on the wire.
pub(crate) enum Outcome {
    Answer(Answer),
    Body(Answer, SimBody),
    Reset,
    Never,
}

impl Outcome {
    /// Status as the client will see it; none when it sees nothing.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) | Self::Body(answer, _) => Some(answer.status.as_u16()),
            Self::Reset | Self::Never => None,
        }
    }
}

/// Serves the request, under `fault` if there is one, and says what to log.
pub(crate) async fn run(
    world: &Arc<World>,
    system: &System,
    ask: &Ask,
    route: &str,
    fault: Option<&Fault>,
) -> (Outcome, Note) {
    let Some(fault) = fault else {
        return honest(system.answer(world, ask));
    };
    let pause = Duration::from_millis(fault.number("delay_ms", 1000));
    match fault.fault {
        FaultKind::Slow => {
            sleep(pause).await;
            honest(system.answer(world, ask))
        }
        FaultKind::Hang => (Outcome::Never, Note::default()),
        FaultKind::Cut => (Outcome::Reset, Note::default()),
        FaultKind::CutAfter => (Outcome::Reset, system.answer(world, ask).note),
        FaultKind::Expire => {
            system.spoil(world, ask, Spoil::Expire);
            honest(system.answer(world, ask))
        }
        FaultKind::Revoke => {
            system.spoil(world, ask, Spoil::Revoke);
            honest(system.answer(world, ask))
        }
        FaultKind::CreatedThenSlow => {
            let answer = system.answer(world, ask);
            sleep(pause).await;
            honest(answer)
        }
        FaultKind::CreatedThenHtml => {
            let note = system.answer(world, ask).note;
            (Outcome::Answer(Answer::html(fault.status(502), page::BAD_GATEWAY)), note)
        }
        FaultKind::Truncate => truncated(fault, system.answer(world, ask)),
        FaultKind::Drip => {
            let answer = system.answer(world, ask);
            let chunk = usize::try_from(fault.number("chunk", 1)).unwrap_or(1);
            let body = SimBody::drip(answer.body.clone(), chunk, Duration::from_millis(fault.number("delay_ms", 100)));
            let note = answer.note.clone();
            (Outcome::Body(answer, body), note)
        }
        FaultKind::WrongContentType => {
            let media_type = fault.text("content_type").unwrap_or("text/plain");
            honest(system.answer(world, ask).with("content-type", media_type))
        }
        FaultKind::SetCookie => {
            let mut answer = system.answer(world, ask);
            answer.add("set-cookie", "JSESSIONID=0123456789ABCDEF0123456789ABCDEF; Path=/; HttpOnly");
            answer.add("set-cookie", "glide_user=U0N2Mjpmb3JlaWdu; Path=/; HttpOnly");
            honest(answer)
        }
        FaultKind::Throttle
        | FaultKind::Semaphore
        | FaultKind::FailTimes
        | FaultKind::Quota
        | FaultKind::Html
        | FaultKind::HtmlError
        | FaultKind::Hibernating
        | FaultKind::Accepted
        | FaultKind::ErrorIn200
        | FaultKind::Redirect
        | FaultKind::Frozen
        | FaultKind::Stray401
        | FaultKind::Stray403
        | FaultKind::BigBody
        | FaultKind::Garbage
        | FaultKind::GzipBomb
        | FaultKind::Envelope => {
            // The work is normally not done; `processed` says that it was and only its answer got lost.
            let note = if fault.flag("processed") { system.answer(world, ask).note } else { Note::default() };
            let (outcome, own) = replaced(world, system, ask, route, fault);
            (outcome, Note { transaction_id: own.transaction_id, ..note })
        }
    }
}

fn honest(answer: Answer) -> (Outcome, Note) {
    let note = answer.note.clone();
    (Outcome::Answer(answer), note)
}

/// Faults that put another answer in place of the real one.
fn replaced(world: &Arc<World>, system: &System, ask: &Ask, route: &str, fault: &Fault) -> (Outcome, Note) {
    let wait = fault.number("retry_after_s", 1);
    let is_citrix = matches!(system, System::Citrix);
    let answer = match fault.fault {
        FaultKind::Throttle if is_citrix => citrix_envelope::throttled(wait, fault.text("kind")),
        FaultKind::Throttle => {
            let limit = u32::try_from(fault.number("limit", 100)).unwrap_or(u32::MAX);
            glide_envelope::rate_limited(wait, world.now().timestamp(), limit)
        }
        FaultKind::Semaphore if is_citrix => system.failure(world, route, 429),
        FaultKind::Semaphore => glide_envelope::semaphore_full(),
        FaultKind::FailTimes => system.failure(world, route, fault.status(500)),
        FaultKind::Quota if is_citrix => system.failure(world, route, 500),
        FaultKind::Quota => glide_envelope::quota(500),
        FaultKind::Accepted => Answer::empty(202),
        FaultKind::ErrorIn200 if route.starts_with("token") => {
            Answer::bytes(200, "application/json", page::OAUTH_ERROR)
        }
        FaultKind::ErrorIn200 if is_citrix => {
            let mut answer = system.failure(world, route, 500);
            answer.status = http::StatusCode::OK;
            answer
        }
        FaultKind::ErrorIn200 => glide_envelope::quota(200),
        FaultKind::Redirect => redirect(system, ask, fault),
        FaultKind::Frozen => citrix_envelope::frozen(),
        FaultKind::Stray401 => system.failure(world, route, 401),
        FaultKind::Stray403 => system.failure(world, route, 403),
        FaultKind::Garbage => Answer::bytes(200, "application/json", world.chance.noise(512)),
        FaultKind::Envelope => citrix_envelope::sample(
            world,
            fault.text("kind").unwrap_or("E1"),
            fault.parameters.get("status").map(|_| fault.status(500)),
        ),
        FaultKind::GzipBomb => return (gzip_bomb(fault), Note::default()),
        FaultKind::BigBody => return (big_body(fault), Note::default()),
        // The edge answers these; none of the system's own headers come along.
        FaultKind::Html => {
            return (Outcome::Answer(Answer::html(fault.status(200), page::LOGIN_SHAPED)), Note::default());
        }
        FaultKind::Hibernating => {
            return (Outcome::Answer(Answer::html(fault.status(200), page::HIBERNATING)), Note::default());
        }
        _ => return (Outcome::Answer(Answer::html(fault.status(502), page::BAD_GATEWAY)), Note::default()),
    };
    honest(system.dress(world, ask, answer))
}

fn redirect(system: &System, ask: &Ask, fault: &Fault) -> Answer {
    let given = fault.text("location").map(str::to_owned);
    match system {
        System::Citrix => {
            let region = fault.text("region").unwrap_or("eu");
            let location = given.unwrap_or_else(|| format!("https://api-{region}.cloud.com/internal/r{}", ask.path));
            let customer = fault.customer.as_deref().or(ask.header("citrix-customerid")).unwrap_or("");
            citrix_envelope::regional(customer, region, "us", &location)
        }
        System::ServiceNow(_) | System::Control => {
            let location = given.unwrap_or_else(|| "https://sso.example.org/login".to_owned());
            Answer::empty(fault.status(307)).with("location", location)
        }
    }
}

/// A list that breaks off: as ServiceNow ends a cancelled transaction whose status line had already left.
fn truncated(fault: &Fault, answer: Answer) -> (Outcome, Note) {
    let note = answer.note.clone();
    let tail = r#""error":{"message":"Transaction cancelled: maximum execution time exceeded","detail":"Transaction cancelled: maximum execution time exceeded Check logs for error trace or enable glide.rest.debug property to verify REST request processing"},"status":"failure"}"#;
    let half = half_of_list(&answer.body);
    let mut body = Vec::from(half);
    match fault.text("variant").unwrap_or("invalid") {
        "valid" => body.extend_from_slice(format!("],{tail}").as_bytes()),
        "cut" => {
            let head = Some(Bytes::from(body));
            return (Outcome::Body(answer, SimBody::Broken { head, is_flushed: false }), note);
        }
        _ => body.extend_from_slice(format!(",{{{tail}").as_bytes()),
    }
    (Outcome::Answer(Answer { body: body.into(), ..answer }), note)
}

/// The beginning of a list up to the end of a record near its middle, or the first half of anything else.
fn half_of_list(body: &[u8]) -> &[u8] {
    let middle = body.len() / 2;
    let border = body
        .windows(3)
        .enumerate()
        .filter(|(_, bytes)| *bytes == b"},{")
        .map(|(at, _)| at + 1)
        .min_by_key(|at| at.abs_diff(middle));
    &body[..border.unwrap_or(middle)]
}

fn big_body(fault: &Fault) -> Outcome {
    let body = SimBody::Endless {
        head: Some(Bytes::from_static(b"{\"result\":[{\"short_description\":\"")),
        filler: Bytes::from(vec![b'x'; 64 << 10]),
        left: fault.number("bytes", 256 << 20),
        tail: Some(Bytes::from_static(b"\"}]}")),
    };
    Outcome::Body(Answer::bytes(200, "application/json;charset=UTF-8", ""), body)
}

fn gzip_bomb(fault: &Fault) -> Outcome {
    let size = fault.number("bytes", 256 << 20);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let blank = vec![b' '; 1 << 20];
    let mut left = size;
    // Writing into a vector cannot fail; a failure would only make the bomb smaller.
    let _ = packer.write_all(b"{\"result\":[");
    while left > 0 {
        let part = left.min(blank.len() as u64);
        let _ = packer.write_all(&blank[..usize::try_from(part).unwrap_or(0)]);
        left -= part;
    }
    let _ = packer.write_all(b"]}");
    let body = packer.finish().unwrap_or_default();
    Outcome::Answer(Answer::bytes(200, "application/json;charset=UTF-8", body).with("content-encoding", "gzip"))
}
