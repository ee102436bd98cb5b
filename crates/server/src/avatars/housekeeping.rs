//! The job that reclaims what avatars no longer need: exported files, messages that no export reaches, old traffic and reports.

use async_trait::async_trait;
use secondme_jobs::{Cron, Done, Handler, Job, JobError};

use super::{evaluations, export, interactions};
use crate::app::App;
use crate::error::Result;

const KIND: &str = "avatars.housekeeping";
const BATCH: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// When the job runs: every hour.
pub fn cron() -> Cron {
    Cron { name: KIND, every_ms: 3_600_000, kind: KIND }
}

/// The job's handler.
pub struct Housekeeping(pub App);

#[async_trait]
impl Handler for Housekeeping {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Job) -> std::result::Result<Done, JobError> {
        let deleted = reclaim(&self.0).await.map_err(|e| JobError::Retry(e.to_string()))?;
        tracing::info!(deleted, "reclaimed exports, messages, traffic and reports of avatars");
        Ok(Done::Finished)
    }
}

/// Deletes what ended; each batch is a transaction of its own, so that nobody waits for long.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(app: &App) -> Result<u64> {
    let (now, limits) = (app.now(), &app.config().avatars);
    let mut deleted = 0;
    loop {
        let mut tx = app.store().write().await?;
        // A day more than the window, for an export that is being made.
        let messages_before = now - (limits.export_days + 1) * DAY_MS;
        let batch = export::reclaim(&mut tx, now, BATCH).await?
            + interactions::reclaim(&mut tx, messages_before, now - limits.traffic_days * DAY_MS, BATCH).await?
            + evaluations::reclaim(&mut tx, now, BATCH).await?;
        tx.commit().await?;
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}
