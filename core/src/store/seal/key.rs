//! One key: 32 bytes, where they come from in text, and the name that may be shown.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    clock::{Random, SystemRandom},
    error::{Error, Result},
    secret::Secret,
};

const KEY_BYTES: usize = 32;
/// Keeps the name of a key apart from every other digest that might be taken of it.
const NAME_LABEL: &[u8] = b"itsm-adapter/key-id/1";

/// Reads base64 with and without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A key. Zeroed on drop, never printed.
#[derive(Clone)]
pub(super) struct Key {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Key {
    /// A new random key.
    pub(super) fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom.fill(&mut *bytes);
        Self::new(bytes)
    }

    /// Reads 64 hexadecimal digits, or base64 of 32 bytes: standard or URL-safe, padded or not.
    pub(super) fn parse(text: &Secret) -> Result<Self> {
        let text = text.expose().trim();
        let decoded = if text.len() == 2 * KEY_BYTES { hex(text) } else { base64(text) };
        decoded.map(Self::new).ok_or_else(|| {
            Error::invalid("A key must be 32 random bytes, as base64 or as 64 hexadecimal digits.")
                .remedy("Make one with: openssl rand -base64 32")
        })
    }

    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let digest = Sha256::new().chain_update(NAME_LABEL).chain_update(bytes.as_slice()).finalize();
        let id = digest.iter().take(8).fold(String::with_capacity(16), |mut id, byte| {
            for digit in [byte >> 4, byte & 15] {
                id.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
            id
        });
        Self { bytes, id }
    }

    /// First 16 hexadecimal digits of a digest of the key: names it and tells nothing about it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    /// The key as text, for the key file.
    pub(super) fn text(&self) -> Secret {
        Secret::from(general_purpose::STANDARD.encode(self.bytes.as_slice()))
    }
}

fn hex(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    for (byte, digits) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let high = char::from(digits[0]).to_digit(16)?;
        let low = char::from(digits[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(out)
}

fn base64(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    // One byte longer than a key, so that longer keys are seen as such instead of being cut.
    let mut buffer = Zeroizing::new([0; KEY_BYTES + 1]);
    let url_safe = text.contains(['-', '_']);
    let engine = GeneralPurpose::new(if url_safe { &alphabet::URL_SAFE } else { &alphabet::STANDARD }, LENIENT);
    let length = engine.decode_slice(text, &mut *buffer).ok()?;
    if length != KEY_BYTES {
        return None;
    }
    out.copy_from_slice(&buffer[..KEY_BYTES]);
    Some(out)
}
