//! The two remote systems: private wire types and endpoints, one folder each.

pub(crate) mod citrix;
pub(crate) mod servicenow;

use url::Url;

use crate::error::{Error, Result};

/// A URL below an address. Every segment is percent-encoded, and none can lead upwards, so that no id ever becomes
/// another path (T12).
///
/// # Errors
/// `invalid_input` for a segment that is empty, `.` or `..`: URLs leave those out.
fn below(base: &Url, segments: &[&str]) -> Result<Url> {
    if let Some(segment) = segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
        return Err(Error::invalid(format!("\"{segment}\" cannot be part of an address.")));
    }
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| Error::invalid("The address cannot hold a path."))?.clear().extend(segments);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_segment() {
        let base = Url::parse("https://dev1.service-now.com/somewhere").unwrap();
        assert_eq!(
            below(&base, &["a", "b/../c?d#e"]).unwrap().as_str(),
            "https://dev1.service-now.com/a/b%2F..%2Fc%3Fd%23e"
        );
        for upwards in ["", ".", ".."] {
            assert!(below(&base, &["a", upwards]).is_err(), "{upwards:?}");
        }
        // What means the same in a URL is encoded once more.
        assert_eq!(below(&base, &["%2e%2e"]).unwrap().path(), "/%252e%252e");
    }
}
