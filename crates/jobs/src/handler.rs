//! What a kind of job is: code that runs it, and how patient we are with it.

use async_trait::async_trait;
use secondme_kit::{Entropy, Millis};
use secondme_store::StoreError;
use serde_json::Value;

/// An attempt at a job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Row id.
    pub id: i64,
    /// Which handler runs it.
    pub kind: String,
    /// What was enqueued.
    pub payload: Value,
    /// This attempt's number, from 1.
    pub attempt: u32,
    /// When it was enqueued.
    pub created_at: Millis,
    /// The trace of whoever enqueued it, as `traceparent` spells it.
    pub trace: Option<String>,
}

/// How an attempt ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The job is over; its row is deleted.
    Finished,
    /// The same job runs again at this time, with its attempts counted anew.
    Again(Millis),
}

/// How an attempt failed. The texts are kept for the console: no secrets, no user's words.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JobError {
    /// Try again after the usual back-off.
    #[error("{0}")]
    Retry(String),
    /// Try again after this many milliseconds (a receiver's `Retry-After`).
    #[error("{1}")]
    RetryAfter(Millis, String),
    /// Trying again is pointless: a dead letter at once.
    #[error("{0}")]
    Fatal(String),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<serde_json::Error> for JobError {
    fn from(error: serde_json::Error) -> Self {
        // A payload that cannot be read will not get better.
        Self::Fatal(format!("unreadable payload at line {} column {}", error.line(), error.column()))
    }
}

/// How patient we are with a kind.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Attempts before a dead letter, crashes included.
    pub max_attempts: u32,
    /// Upper bound of the first back-off, in milliseconds; it doubles with every attempt.
    pub base_ms: Millis,
    /// Upper bound of any back-off.
    pub max_ms: Millis,
    /// How long a dead runner keeps a job from the others. Extended every third of it while the job runs.
    pub lease_ms: Millis,
    /// How long one attempt may take.
    pub timeout_ms: Millis,
    /// Jobs of this kind that one runner works on at a time.
    pub concurrency: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 10,
            base_ms: 2_000,
            max_ms: 3_600_000,
            lease_ms: 30_000,
            timeout_ms: 600_000,
            concurrency: 4,
        }
    }
}

impl Policy {
    /// Full jitter: anything from nothing to `min(max, base · 2^(attempt-1))`, so that failures spread out.
    pub(crate) fn back_off(&self, attempt: u32, entropy: &Entropy) -> Millis {
        let doubled = self.base_ms.saturating_mul(1_i64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(1));
        let bound = doubled.clamp(0, self.max_ms.max(0));
        entropy.below(bound.unsigned_abs() + 1).try_into().unwrap_or(bound)
    }
}

/// Runs jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync {
    /// The kind, unique among the handlers of a runner.
    fn kind(&self) -> &'static str;

    /// How patient we are with it.
    fn policy(&self) -> Policy {
        Policy::default()
    }

    /// One attempt. May run more than once for the same job, so it must be idempotent; dropped at any await when its lease
    /// is lost, its time is over or the server stops. A panic counts as [`JobError::Retry`].
    async fn run(&self, job: &Job) -> Result<Done, JobError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_its_bound_and_uses_all_of_it() {
        let policy = Policy { base_ms: 1_000, max_ms: 10_000, ..Policy::default() };
        let entropy = Entropy::seeded(1);
        for (attempt, bound) in [(1, 1_000), (2, 2_000), (4, 8_000), (5, 10_000), (60, 10_000), (u32::MAX, 10_000)] {
            let waits: Vec<_> = (0..200).map(|_| policy.back_off(attempt, &entropy)).collect();
            assert!(waits.iter().all(|wait| (0..=bound).contains(wait)), "attempt {attempt}");
            assert!(waits.iter().any(|wait| *wait > bound * 9 / 10) && waits.iter().any(|wait| *wait < bound / 10));
        }
    }
}
