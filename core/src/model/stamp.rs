//! How instants are written: RFC 3339 in one piece, the same text as chrono's own serializer writes letter by letter.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

pub(crate) fn write<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

// As serde calls it.
#[allow(clippy::ref_option)]
pub(crate) fn write_some<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => write(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_instant_is_written_as_chrono_writes_it() {
        let second = DateTime::from_timestamp(1_767_225_599, 0).unwrap();
        for nanos in [0, 1_000_000, 1_000, 1, 999_999_999] {
            let at = second + TimeDelta::nanoseconds(nanos);
            let mut written = Vec::new();
            write(&at, &mut serde_json::Serializer::new(&mut written)).unwrap();
            assert_eq!(written, serde_json::to_vec(&at).unwrap());
        }
    }
}
