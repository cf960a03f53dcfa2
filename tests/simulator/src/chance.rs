//! One source of random ids and tokens.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A small generator (splitmix64). The ids must be unlike each other, not unpredictable: nothing here guards a real secret.
#[derive(Debug)]
pub(crate) struct Chance {
    state: AtomicU64,
}

impl Chance {
    /// Starts from `seed`, or from a random place when there is none.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let start = seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        Self { state: AtomicU64::new(start) }
    }

    /// The next 64 bits.
    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        mix(self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// 32 hex digits, the form of a `sys_id`.
    pub(crate) fn hex32(&self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A GUID in its usual form.
    pub(crate) fn guid(&self) -> String {
        uuid::Uuid::from_u64_pair(self.next(), self.next()).hyphenated().to_string()
    }

    /// An opaque token as ServiceNow issues it: 86 URL-safe characters.
    pub(crate) fn opaque(&self) -> String {
        let mut bytes = [0_u8; 64];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A token shaped like the signed one Citrix issues: three parts, about 1.4 kB, readable by nobody.
    pub(crate) fn jwt_like(&self) -> String {
        let mut text = String::from("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.");
        for _ in 0..11 {
            text.push_str(&self.opaque());
        }
        text.push('.');
        for _ in 0..4 {
            text.push_str(&self.opaque());
        }
        text
    }

    /// Text that is not JSON, HTML or anything else.
    pub(crate) fn noise(&self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            let _ = write!(text, "{:x}~%", self.next());
        }
        text.truncate(length);
        text
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 32 hex digits that depend only on `text`: the stable ids of the seed.
pub(crate) fn stable_hex32(text: &str) -> String {
    let (mut a, mut b) = (0xcbf2_9ce4_8422_2325_u64, 0x8422_2325_cbf2_9ce4_u64);
    for byte in text.bytes() {
        a = (a ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        b = mix(b ^ a);
    }
    format!("{:016x}{:016x}", mix(a), b)
}

/// A GUID that depends only on `text`.
pub(crate) fn stable_guid(text: &str) -> String {
    let hex = stable_hex32(text);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
