//! The job that deletes files which no user has any more.

use async_trait::async_trait;
use secondme_jobs::{Cron, Done, Handler, Job, JobError};

use crate::app::App;

const KIND: &str = "uploads.sweep";

/// When the job runs: every hour.
pub fn cron() -> Cron {
    Cron { name: KIND, every_ms: 3_600_000, kind: KIND }
}

/// The job's handler.
pub struct Sweep(pub App);

#[async_trait]
impl Handler for Sweep {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Job) -> Result<Done, JobError> {
        let swept = super::sweep(&self.0).await.map_err(|e| JobError::Retry(e.to_string()))?;
        tracing::info!(swept, "deleted files that nobody has");
        Ok(Done::Finished)
    }
}
