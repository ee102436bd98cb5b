//! How long requests take, to tell a refused one when to come back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A moving average of the time that a request holds a slot; 0 = nothing known yet.
#[derive(Default)]
pub(super) struct Pace(AtomicU64);

/// What is told before the first request is over.
const UNKNOWN_SECS: u32 = 5;
/// Nobody is sent away for longer.
const MAX_SECS: u64 = 120;

impl Pace {
    /// A request is over.
    pub(super) fn record(&self, took: Duration) {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).min(3_600_000);
        let before = self.0.load(Ordering::Relaxed);
        let after = if before == 0 { took } else { (before * 3 + took) / 4 };
        self.0.store(after.max(1), Ordering::Relaxed);
    }

    /// Seconds until one of `ahead` requests is likely to have left, on `slots` slots.
    pub(super) fn retry_after_secs(&self, ahead: usize, slots: usize) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            0 => UNKNOWN_SECS,
            millis => {
                let rounds = u64::try_from(ahead.div_ceil(slots.max(1))).unwrap_or(u64::MAX);
                let secs = millis.saturating_mul(rounds).div_ceil(1000).clamp(1, MAX_SECS);
                u32::try_from(secs).unwrap_or(UNKNOWN_SECS)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_what_was_measured() {
        let pace = Pace::default();
        assert_eq!(pace.retry_after_secs(40, 4), UNKNOWN_SECS);
        pace.record(Duration::from_secs(2));
        assert_eq!(pace.retry_after_secs(8, 4), 4);
        pace.record(Duration::from_secs(6));
        assert_eq!(pace.retry_after_secs(4, 4), 3);
        pace.record(Duration::MAX);
        assert_eq!(pace.retry_after_secs(400, 4), 120);
    }
}
