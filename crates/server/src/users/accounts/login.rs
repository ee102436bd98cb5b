//! Logging in: the same work for known and unknown addresses, and a growing wait after failures.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::StoreError;

use super::{password, registration, store};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::peer::Peer;

/// The longest wait after failures.
const LONGEST_DELAY_MS: Millis = 15 * 60 * 1_000;

/// Failures older than this no longer count.
pub(super) const FORGET_AFTER_MS: Millis = 24 * 60 * 60 * 1_000;

/// Why somebody was not let in.
#[derive(Debug)]
pub enum Refusal {
    /// Wrong address or password.
    Failed,
    /// The address has to wait this many seconds.
    Delayed(u32),
    /// A demo user from another machine.
    DemoElsewhere,
    /// The right password of an account that the operator suspended.
    Suspended,
    /// The server is busy, or something went wrong.
    Other(ApiError),
}

impl Refusal {
    /// After how many seconds to try again, where that is known.
    pub(super) fn wait(&self) -> Option<u32> {
        if let Self::Delayed(seconds) = self { Some(*seconds) } else { None }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed => Self::new(Code::LoginFailed),
            Refusal::Delayed(seconds) => Self::new(Code::LoginDelayed).arg(seconds).retry_after(seconds),
            Refusal::Suspended => Self::new(Code::AccountSuspended),
            Refusal::DemoElsewhere => Self::new(Code::DemoElsewhere),
            Refusal::Other(error) => error,
        }
    }
}

/// The user with this address and password.
///
/// # Errors
/// `account.login.failed`, `account.login.delayed`, `connection.error` when too many logins wait, and `auth.token.invalid`
/// for demo users from another machine.
pub async fn authenticate(app: &App, email: &str, password: &str, peer: Peer) -> Result<i64> {
    Ok(log_in(app, email, password, peer).await?)
}

/// [`authenticate`] with the refusal as a value.
///
/// # Errors
/// The refusal.
pub async fn log_in(app: &App, email: &str, password: &str, peer: Peer) -> std::result::Result<i64, Refusal> {
    let email = registration::email(email).unwrap_or_default();
    let address = address_hash(app, &email);
    check_delay(app, &address).await?;
    let user = store::by_email(app.store(), &email).await?;
    let right = password::verify(app, user.as_ref().map(|u| u.password_hash.as_str()), password).await?;
    let Some(user) = user.filter(|_| right) else {
        record_failure(app, &address).await?;
        return Err(Refusal::Failed);
    };
    if user.suspended {
        return Err(Refusal::Suspended);
    }
    if user.demo && !peer.is_loopback() {
        return Err(Refusal::DemoElsewhere);
    }
    // Once more: guesses made at the same time may have failed meanwhile, and the right one among them must wait, too.
    if check_delay(app, &address).await? {
        let mut tx = app.store().write().await?;
        store::forget_failures(&mut tx, &address).await?;
        tx.commit().await?;
    }
    Ok(user.id)
}

/// What stands for an address in the table of failures.
pub(super) fn address_hash(app: &App, email: &str) -> Digest32 {
    app.key().digest("login", email)
}

/// Refuses while the address has to wait; whether it has failures at all.
async fn check_delay(app: &App, address: &Digest32) -> std::result::Result<bool, Refusal> {
    let blocked_until = store::blocked_until(app.store(), address).await?;
    let wait = blocked_until.unwrap_or_default() - app.now();
    // Longer than anybody ever has to wait: the clock went back.
    if wait > 0 && wait <= LONGEST_DELAY_MS {
        return Err(Refusal::Delayed(u32::try_from(wait.saturating_add(999) / 1_000).unwrap_or(u32::MAX)));
    }
    Ok(blocked_until.is_some())
}

async fn record_failure(app: &App, address: &Digest32) -> Result<()> {
    let now = app.now();
    let accounts = &app.config().accounts;
    let mut tx = app.store().write().await?;
    let failures = store::count_failure(&mut tx, address, now, now - FORGET_AFTER_MS).await?;
    let delay = delay_ms(failures, accounts.failures_before_delay, accounts.failure_delay_seconds);
    if delay > 0 {
        store::block_until(&mut tx, address, now + delay).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// How long to wait after this many failures: nothing at first, then twice as long each time.
fn delay_ms(failures: i64, free: i64, first_seconds: i64) -> Millis {
    if failures < free.max(1) {
        return 0;
    }
    let doublings = u32::try_from((failures - free.max(1)).min(32)).unwrap_or(32);
    first_seconds.max(0).saturating_mul(1_000).saturating_mul(1 << doublings).min(LONGEST_DELAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_15_minutes() {
        let delays: Vec<i64> = (1..=9).map(|failures| delay_ms(failures, 5, 2)).collect();
        assert_eq!(delays, [0, 0, 0, 0, 2_000, 4_000, 8_000, 16_000, 32_000]);
        assert_eq!(delay_ms(14, 5, 2), 15 * 60 * 1_000);
        assert_eq!(delay_ms(i64::MAX, 5, i64::MAX), 15 * 60 * 1_000);
        assert_eq!(delay_ms(9, 5, 0), 0);
    }
}
