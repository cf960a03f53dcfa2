//! Keys made of texts.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::{id::CustomerId, model::Alert, store::DeliveryRecord};

/// 40 hexadecimal digits, the same for the same parts, whoever computes them; parts do not run into each other.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let bytes = digest.finalize();
    let digits = bytes.iter().take(20).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
}

/// How the ids of deliveries begin that are accepted at this instant: they sort in the order of acceptance.
pub(super) fn first_id_of(instant: DateTime<Utc>) -> String {
    format!("{:016x}", instant.timestamp_micros().max(0))
}

/// What tells alerts apart: the same for the same account, source and id, and for no others.
pub(super) fn alert_key(customer: &CustomerId, source: &str, id: &str) -> String {
    digest([customer.as_str(), source, id])
}

/// What tells two states of one alert apart: the same for the same words.
pub(super) fn print_of(alert: &Alert) -> String {
    let severity = alert.severity.to_string();
    let state = alert.state.to_string();
    let at = alert.raised_at.map(|at| at.timestamp_micros().to_string());
    let others = [&alert.priority, &alert.category, &alert.policy, &alert.target, &alert.component, &at];
    let others = others.into_iter().map(|text| text.as_deref().unwrap_or_default());
    let mut fields: Vec<_> = alert.fields.iter().map(|(name, value)| [name.as_str(), value.as_str()]).collect();
    fields.sort_unstable();
    let words = [&*alert.title, &*alert.description, &*severity, &*state];
    let mut print = digest(words.into_iter().chain(others).chain(fields.into_iter().flatten()));
    print.truncate(16);
    print
}

/// The key by which an incident of the alert is found again.
pub(super) fn correlation_id(alert_key: &str, generation: i32) -> String {
    match generation {
        0 => format!("citrix-{alert_key}"),
        later => format!("citrix-{alert_key}~{later}"),
    }
}

/// The record id of the alert's incident of this generation, 32 hexadecimal digits: the same for the same alert, whoever
/// computes it and however often.
pub(super) fn own_sys_id(record: &DeliveryRecord) -> String {
    let (alert, generation) = (&record.delivery.alert, record.shown.generation.to_string());
    let mut id = digest(["sys_id", record.delivery.customer_id.as_str(), &alert.source, &alert.id, &generation]);
    id.truncate(32);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::DeliveryStatus, store::contract::samples::delivery};

    #[test]
    fn a_record_id_is_that_of_its_alert_and_generation_and_of_no_other() {
        let mut record = delivery("1", "acme", "a1", DeliveryStatus::Pending);
        let id = own_sys_id(&record);
        assert_eq!(id, own_sys_id(&delivery("2", "acme", "a1", DeliveryStatus::Unknown)), "whoever computes it");
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{id}");
        record.shown.generation = 1;
        let others = [
            own_sys_id(&record),
            own_sys_id(&delivery("1", "acmea", "1", DeliveryStatus::Pending)),
            own_sys_id(&delivery("1", "acme", "a2", DeliveryStatus::Pending)),
        ];
        assert!(!others.contains(&id), "{others:?}");
    }
}
