//! One row: its id and the values that are not empty.

use std::borrow::Cow;
use std::fmt;

/// A value; the empty string stands for "not set", as on the real platform.
pub(crate) type Text = Cow<'static, str>;

/// 32 characters that name a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SysId([u8; 32]);

impl SysId {
    /// Reads 32 hex digits in either case; the case is kept.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 32] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_hexdigit).then_some(Self(bytes))
    }

    /// The start of a range walk: any text, cut or padded to 32 bytes.
    pub(crate) fn bound(text: &str) -> Self {
        let mut bytes = [0_u8; 32];
        for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Self(bytes)
    }

    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII gets in through `parse`; a bound is never printed.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Debug for SysId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A row; columns are numbers of the table's schema.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: SysId,
    values: Vec<(u16, Text)>,
}

impl Row {
    pub(crate) fn new(id: SysId) -> Self {
        Self { id, values: Vec::with_capacity(24) }
    }

    /// The value of a column; empty when not set.
    pub(crate) fn get(&self, column: u16) -> &str {
        match self.values.binary_search_by_key(&column, |(at, _)| *at) {
            Ok(at) => self.values.get(at).map_or("", |(_, value)| value),
            Err(_) => "",
        }
    }

    /// Sets a column; an empty value clears it.
    pub(crate) fn set(&mut self, column: u16, value: impl Into<Text>) {
        let value = value.into();
        match self.values.binary_search_by_key(&column, |(at, _)| *at) {
            Ok(at) if value.is_empty() => {
                self.values.remove(at);
            }
            Ok(at) => {
                if let Some(place) = self.values.get_mut(at) {
                    place.1 = value;
                }
            }
            Err(_) if value.is_empty() => {}
            Err(at) => self.values.insert(at, (column, value)),
        }
    }
}
