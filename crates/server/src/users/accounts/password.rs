//! Argon2id away from the request threads: a bounded number at a time, and a bounded number that wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// What is verified when the address has no account, so that the answer takes as long: the parameters of [`argon2`], and a
/// hash that no password has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// When a client that found the queue full may try again, in seconds.
pub(super) const RETRY_SECONDS: u32 = 1;

/// Logins that wait for a slot. Of the whole process, as the processor is.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// 19 MiB, two passes, one lane: the first of the settings that OWASP recommends.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// The PHC text to store for a password.
///
/// # Errors
/// `connection.error` with `Retry-After` when too many passwords wait already.
pub async fn hash_password(app: &App, password: &str) -> Result<String> {
    let (password, salt) = (password.to_owned(), app.entropy().bytes::<16>());
    let hash = off_thread(app, move || argon2().hash_password_with_salt(password.as_bytes(), &salt)).await?;
    Ok(hash.map_err(ApiError::internal)?.to_string())
}

/// Whether the password is the one of `stored`. Without a stored hash it takes as long and is not.
///
/// # Errors
/// `connection.error` with `Retry-After` when too many passwords wait already.
pub(super) async fn verify(app: &App, stored: Option<&str>, password: &str) -> Result<bool> {
    let (stored, password) = (stored.unwrap_or(NOBODY).to_owned(), password.to_owned());
    off_thread(app, move || matches(&stored, &password)).await
}

fn matches(stored: &str, password: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A slot for hashing. It goes with the work, not with the request: a client that hangs up frees nothing before the hash is
/// done, so it cannot have more memory in use than the slots allow.
struct Slot(App);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.hashing().add_permits(1);
    }
}

/// A place in the queue.
struct Place;

impl Place {
    fn take(limit: usize) -> Option<Self> {
        let place = |n: usize| (n < limit).then_some(n + 1);
        WAITING.fetch_update(Ordering::AcqRel, Ordering::Acquire, place).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn slot(app: &App) -> Result<Slot> {
    let permit = match app.hashing().try_acquire() {
        Ok(permit) => permit,
        Err(_) => {
            let busy = || ApiError::new(Code::Connection).retry_after(RETRY_SECONDS);
            let _place = Place::take(app.config().accounts.hashing_queue).ok_or_else(busy)?;
            app.hashing().acquire().await.map_err(|_| busy())?
        }
    };
    permit.forget();
    Ok(Slot(app.clone()))
}

async fn off_thread<T: Send + 'static>(app: &App, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let slot = slot(app).await?;
    let work = move || {
        let _slot = slot;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let stored = argon2().hash_password_with_salt(b"correct horse", &[7; 16]).unwrap().to_string();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches(&stored, "correct horse"));
        assert!(!matches(&stored, "correct horse "));
        assert!(!matches("not a hash", "correct horse"));
    }

    #[test]
    fn nobody_costs_as_much_as_somebody() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let somebody = argon2().hash_password_with_salt(b"x", &[7; 16]).unwrap();
        assert_eq!(
            (nobody.algorithm, nobody.version, &nobody.params),
            (somebody.algorithm, somebody.version, &somebody.params)
        );
        assert_eq!(nobody.hash.unwrap().len(), somebody.hash.unwrap().len());
        assert!(!matches(NOBODY, ""));
    }
}
