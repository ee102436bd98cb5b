//! Secrets that cannot be printed by accident, and the keyed hash under which they are stored.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A text that must not reach a log: `Debug` and `Serialize` show `[redacted]`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether no secret is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "[not set]" } else { "[redacted]" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(if self.0.is_empty() { "" } else { "[redacted]" })
    }
}

/// The server's own key. Tokens, codes and client secrets are stored as `HMAC-SHA256(key, purpose ‖ 0 ‖ value)`, so that a
/// stolen database alone neither reveals nor lets anyone guess them.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A keyed hash: what the database holds in place of a secret.
pub type Digest32 = [u8; 32];

impl SecretKey {
    /// A key from 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The keyed hash of `value` for one `purpose`; equal values hash differently for different purposes.
    pub fn digest(&self, purpose: &str, value: &str) -> Digest32 {
        // HMAC takes keys of any length, so this cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The keyed hash in hexadecimal, for CSRF tokens and signed links.
    pub fn sign(&self, purpose: &str, value: &str) -> String {
        hex::encode(self.digest(purpose, value))
    }
}

/// Plain SHA-256, for values that are public or already random (PKCE, checksums).
pub fn sha256(bytes: &[u8]) -> Digest32 {
    Sha256::digest(bytes).into()
}

/// Whether two byte strings are equal, in time that does not depend on where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn digests_depend_on_key_purpose_and_value() {
        let key = SecretKey::new([1; 32]);
        assert_eq!(key.digest("token", "a"), key.digest("token", "a"));
        assert_ne!(key.digest("token", "a"), key.digest("code", "a"));
        assert_ne!(key.digest("token", "a"), key.digest("token", "b"));
        assert_ne!(key.digest("token", "a"), SecretKey::new([2; 32]).digest("token", "a"));
        assert!(same(b"ab", b"ab") && !same(b"ab", b"ac") && !same(b"ab", b"abc"));
    }
}
