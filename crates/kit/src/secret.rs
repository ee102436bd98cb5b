//! Secrets that cannot be printed by accident, and the keyed hash under which they are stored.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Entropy;

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

/// Sealed values are for secrets that are needed again as they were (keys that sign): unreadable, and unchangeable, without the
/// server's key.
impl SecretKey {
    /// Seals `value` for one `purpose`. Empty when that fails, which it does only for values of gigabytes.
    pub fn seal(&self, entropy: &Entropy, purpose: &str, value: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut sealed = value.to_vec();
        let Some(key) = self.sealing_key(purpose) else { return Vec::new() };
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        match key.seal_in_place_append_tag(nonce_used, Aad::empty(), &mut sealed) {
            Ok(()) => [&nonce[..], &sealed].concat(),
            Err(_) => Vec::new(),
        }
    }

    /// What [`SecretKey::seal`] was given; `None` when it was sealed under another key, for another purpose, or changed.
    pub fn unseal(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = rest.to_vec();
        let length = self.sealing_key(purpose)?.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }

    /// A key of its own for every purpose.
    fn sealing_key(&self, purpose: &str) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.digest("seal", purpose)).ok().map(LessSafeKey::new)
    }
}

/// `HMAC-SHA256(key, message)`: signatures that others check with a key we share with them.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Digest32 {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
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
        let entropy = Entropy::seeded(3);
        let sealed = key.seal(&entropy, "hook", b"secret");
        assert_eq!(key.unseal("hook", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_ne!(sealed, key.seal(&entropy, "hook", b"secret"));
        assert_eq!(key.unseal("other", &sealed), None);
        assert_eq!(SecretKey::new([2; 32]).unseal("hook", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.unseal("hook", &changed), None);
            assert_eq!(key.unseal("hook", &sealed[..at]), None);
        }
        assert!(same(b"ab", b"ab") && !same(b"ab", b"ac") && !same(b"ab", b"abc"));
    }
}
