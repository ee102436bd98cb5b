//! Randomness as a value: the operating system's in production, a seeded stream in tests.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Where every id, token and salt comes from.
#[derive(Clone, Debug)]
pub struct Entropy(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

const ALPHANUMERIC: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

impl Entropy {
    /// The operating system's generator.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A repeatable stream, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// Fills `out` with random bytes.
    pub fn fill(&self, out: &mut [u8]) {
        match &self.0 {
            Source::System => {
                if SysRng.try_fill_bytes(out).is_err() {
                    // Without randomness no token is safe; there is nothing sensible left to do.
                    std::process::abort();
                }
            }
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out),
        }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// A prefix followed by 32 random bytes in URL-safe base64 (43 characters): the form of every token and code.
    pub fn token(&self, prefix: &str) -> String {
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(self.bytes::<32>()))
    }

    /// `len` lowercase letters and digits, uniformly distributed.
    pub fn alphanumeric(&self, len: usize) -> String {
        let mut out = String::with_capacity(len);
        while out.len() < len {
            for byte in self.bytes::<16>() {
                // 252 is the largest multiple of 36 below 256: dropping the rest keeps the choice uniform.
                if byte < 252 && out.len() < len {
                    out.push(char::from(ALPHANUMERIC[usize::from(byte % 36)]));
                }
            }
        }
        out
    }

    /// `len` lowercase hexadecimal digits.
    pub fn hex(&self, len: usize) -> String {
        let mut bytes = vec![0; len.div_ceil(2)];
        self.fill(&mut bytes);
        let mut out = hex::encode(bytes);
        out.truncate(len);
        out
    }

    /// A version 4 UUID in its usual text form.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// A number in `0..bound` (0 when `bound` is 0). The bias is below 2⁻³² for the small bounds it is used for.
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_alphabet_and_length() {
        let entropy = Entropy::system();
        assert!(entropy.alphanumeric(12).bytes().all(|b| ALPHANUMERIC.contains(&b)));
        assert_eq!(entropy.alphanumeric(12).len(), 12);
        assert_eq!(entropy.hex(32).len(), 32);
        assert_eq!(entropy.token("lba_at_").len(), 7 + 43);
        assert_ne!(entropy.token("lba_at_"), entropy.token("lba_at_"));
    }

    #[test]
    fn a_seed_repeats_itself() {
        assert_eq!(Entropy::seeded(7).token("x"), Entropy::seeded(7).token("x"));
        assert_eq!(Entropy::seeded(7).uuid(), Entropy::seeded(7).uuid());
    }
}
