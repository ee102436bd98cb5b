//! One attempt: run the handler, keep the lease, write down how it went.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use secondme_kit::{Clock, Entropy, Millis};
use secondme_store::{Store, StoreError};
use tracing::Instrument;

use crate::handler::{Done, Handler, Job, JobError, Policy};
use crate::{store, trace};

/// The longest error text that is kept.
const ERROR_CHARS: usize = 500;

/// What an attempt needs to know.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Entropy,
    /// The runner, in the lease.
    pub(crate) owner: Arc<str>,
}

impl Context {
    /// Runs a claimed job to its end.
    pub(crate) async fn attempt(&self, handler: &dyn Handler, job: &Job) {
        let policy = handler.policy();
        if job.attempt > policy.max_attempts {
            // Every attempt so far ended without a word: it takes its runner down with it.
            return self.settle(job, policy, Err(JobError::Fatal("the runner died in every attempt".to_owned()))).await;
        }
        let span = trace::attempt(job);
        let run = AssertUnwindSafe(handler.run(job).instrument(span.clone())).catch_unwind();
        let outcome = tokio::select! {
            outcome = run => outcome.unwrap_or_else(|_| Err(JobError::Retry("the handler panicked".to_owned()))),
            () = tokio::time::sleep(duration(policy.timeout_ms)) => Err(JobError::Retry("the attempt took too long".to_owned())),
            () = self.keep_lease(job, policy) => {
                tracing::warn!(job = job.id, kind = %job.kind, "lost the lease of a job; leaving it to its new runner");
                return;
            }
        };
        if outcome.is_err() {
            span.record("otel.status_code", "ERROR");
        }
        self.settle(job, policy, outcome).await;
    }

    /// Extends the lease until that fails.
    async fn keep_lease(&self, job: &Job, policy: Policy) {
        loop {
            tokio::time::sleep(duration(policy.lease_ms / 3)).await;
            let extend = async {
                let mut tx = self.store.write().await?;
                let ours = store::extend(&mut tx, job, &self.owner, self.clock.now() + policy.lease_ms).await?;
                tx.commit().await.map(|()| ours)
            };
            match extend.await {
                Ok(true) => {}
                Ok(false) => return,
                // The lease lasts for two more tries.
                Err(error) => tracing::warn!(job = job.id, %error, "cannot extend the lease of a job"),
            }
        }
    }

    async fn settle(&self, job: &Job, policy: Policy, outcome: Result<Done, JobError>) {
        let mut result = self.write_down(job, policy, &outcome).await;
        if matches!(result, Err(StoreError::Conflict)) {
            // A job with the same key was enqueued just now: the second time we see it, and give way.
            result = self.write_down(job, policy, &outcome).await;
        }
        if let Err(error) = result {
            // At least once: the lease runs out and the job runs again.
            tracing::error!(job = job.id, kind = %job.kind, %error, "cannot write down how a job ended");
        }
    }

    async fn write_down(&self, job: &Job, policy: Policy, outcome: &Result<Done, JobError>) -> Result<(), StoreError> {
        let (now, owner) = (self.clock.now(), &*self.owner);
        let mut tx = self.store.write().await?;
        match outcome {
            Ok(Done::Finished) => store::delete(&mut tx, job, owner).await?,
            Ok(Done::Again(at)) => store::put_back(&mut tx, job, owner, *at, 0, None, now).await?,
            Err(error) => {
                let text: String = error.to_string().chars().take(ERROR_CHARS).collect();
                match self.next_attempt(job, policy, error, now) {
                    Some(at) => store::put_back(&mut tx, job, owner, at, job.attempt, Some(&text), now).await?,
                    None => store::bury(&mut tx, job, owner, &text, now).await?,
                }
                tracing::warn!(job = job.id, kind = %job.kind, attempt = job.attempt, error = %text, "a job failed");
            }
        }
        tx.commit().await
    }

    fn next_attempt(&self, job: &Job, policy: Policy, error: &JobError, now: Millis) -> Option<Millis> {
        let wait = match error {
            JobError::Fatal(_) => return None,
            _ if job.attempt >= policy.max_attempts => return None,
            JobError::RetryAfter(wait, _) => *wait,
            JobError::Retry(_) => policy.back_off(job.attempt, &self.entropy),
        };
        Some(now.saturating_add(wait.max(0)))
    }

    /// Gives a job back untried, for the other nodes, when the server stops.
    pub(crate) async fn release(&self, job: &Job) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        store::put_back(&mut tx, job, &self.owner, now, job.attempt.saturating_sub(1), None, now).await?;
        tx.commit().await
    }
}

fn duration(ms: Millis) -> Duration {
    Duration::from_millis(ms.max(1).unsigned_abs())
}
