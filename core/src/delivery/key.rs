//! Keys made of texts.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// 40 hexadecimal digits, the same for the same parts, whoever computes them; parts do not run into each other.
pub(super) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(20).fold(String::with_capacity(40), |mut key, byte| {
        // Writing into a string does not fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}
