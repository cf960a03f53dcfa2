//! Sealing: secrets become authenticated ciphertext before any backend sees them (T7).
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce. What is sealed is bound to its row: moved to another one,
//! it does not open. The key lives apart from the database; every sealed value names the key it needs.

mod file;
mod key;
mod ring;

use std::fmt;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{AeadInOut, KeyInit},
};
use zeroize::Zeroizing;

use self::key::Key;
pub(crate) use self::ring::{KeyRing, listed_keys};
use crate::{
    clock::{Random, SystemRandom},
    error::{Error, ErrorKind, Result},
    id::{CustomerId, InstanceId},
};

/// Version of what the associated data looks like; a change of the encoding changes this text.
const FORMAT: &[u8] = b"itsm-adapter/seal/1";
const NONCE_BYTES: usize = 24;

/// A secret as it is stored: ciphertext, and the name of the key that opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    key_id: String,
    /// Nonce, ciphertext, tag.
    bytes: Vec<u8>,
}

impl Sealed {
    /// Puts together what a backend has stored apart.
    pub fn from_parts(key_id: String, bytes: Vec<u8>) -> Self {
        Self { key_id, bytes }
    }

    /// Names the key; says nothing about it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What to store.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}, {} bytes)", self.key_id, self.bytes.len())
    }
}

/// The row that a sealed value belongs to: what it was sealed for, it opens for, and for nothing else (T8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding<'a> {
    kind: &'static str,
    tenant: &'a str,
    record: &'a str,
}

impl<'a> Binding<'a> {
    /// The secure client of an account.
    pub(crate) fn account(customer: &'a CustomerId) -> Self {
        Self { kind: "account", tenant: customer.as_str(), record: customer.as_str() }
    }

    /// The endpoint secret, password and tokens of a connection.
    pub(crate) fn connection(customer: &'a CustomerId, instance: &'a InstanceId) -> Self {
        Self { kind: "connection", tenant: customer.as_str(), record: instance.as_str() }
    }

    /// Tokens that wait to be revoked; `id` is the id of the row.
    pub(crate) fn revocation(customer: &'a CustomerId, id: &'a str) -> Self {
        Self { kind: "revocation", tenant: customer.as_str(), record: id }
    }

    /// The secrets of a pending authorization; `id` is the id of the row.
    pub(crate) fn flow(customer: &'a CustomerId, id: &'a str) -> Self {
        Self { kind: "flow", tenant: customer.as_str(), record: id }
    }

    /// The associated data. Every part carries its length, so that no two bindings look the same.
    fn encode(&self) -> Vec<u8> {
        let parts = [FORMAT, self.kind.as_bytes(), self.tenant.as_bytes(), self.record.as_bytes()];
        let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// Seals with this key.
fn seal(key: &Key, plain: &[u8], binding: &Binding<'_>) -> Result<Sealed> {
    let mut nonce = [0; NONCE_BYTES];
    // Always the operating system, never the random source that tests may hold still: a nonce used twice
    // under one key gives both texts away.
    SystemRandom.fill(&mut nonce);
    // The plain text is copied into a buffer of the final size, and is ciphertext before anything can fail.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + 16));
    buffer.extend_from_slice(plain);
    XChaCha20Poly1305::new(key.bytes().into())
        .encrypt_in_place(&XNonce::from(nonce), &binding.encode(), &mut *buffer)
        .map_err(|_| Error::new(ErrorKind::Sealed, "The secret is too large to be sealed."))?;
    let mut bytes = Vec::with_capacity(NONCE_BYTES + buffer.len());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&buffer);
    Ok(Sealed { key_id: key.id().to_owned(), bytes })
}

/// Opens with this key, which must be the one that the sealed value names.
fn open(key: &Key, sealed: &Sealed, binding: &Binding<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let altered = || {
        Error::new(ErrorKind::Sealed, "A sealed secret does not open: its row was moved or altered.")
            .remedy("Restore the database from a backup, or enter the credentials again.")
            .with("record_kind", binding.kind)
    };
    let (nonce, ciphertext) = sealed.bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(altered)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt_in_place(&XNonce::from(*nonce), &binding.encode(), &mut *buffer)
        .map_err(|_| altered())?;
    Ok(buffer)
}

#[cfg(test)]
mod tests;
