//! The job that reclaims expired codes, tokens, browser sessions, delivered events and old access logs, in small batches.

use async_trait::async_trait;
use secondme_jobs::{Cron, Done, Handler, Job, JobError, Policy};

use super::{apps, codes, inspector, webhooks};
use crate::access::{log, tokens};
use crate::app::App;
use crate::error::Result;
use crate::users::accounts;

const KIND: &str = "oauth.housekeeping";
const BATCH: i64 = 1_000;

/// When the job runs: every ten minutes.
pub fn cron() -> Cron {
    Cron { name: KIND, every_ms: 600_000, kind: KIND }
}

/// The job's handler.
pub struct Housekeeping(pub App);

#[async_trait]
impl Handler for Housekeeping {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn policy(&self) -> Policy {
        Policy::default()
    }

    async fn run(&self, _: &Job) -> std::result::Result<Done, JobError> {
        let deleted = reclaim(&self.0).await.map_err(|e| JobError::Retry(e.to_string()))?;
        tracing::info!(deleted, "reclaimed expired codes, tokens and sessions");
        Ok(Done::Finished)
    }
}

/// Deletes what ended long enough ago; each batch is a transaction of its own, so that nobody waits for long.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(app: &App) -> Result<u64> {
    let now = app.now();
    let before = now - app.config().oauth.keep_expired_seconds * 1_000;
    let day_ms = 86_400_000;
    let events_before = now - app.config().webhooks.keep_days * day_ms;
    let logs_before = now - app.config().oauth.access_log_keep_days * day_ms;
    let requests_before = now - app.config().inspector.keep_days * day_ms;
    let clients_before = now - app.config().oauth.registration_keep_days * day_ms;
    let mut deleted = 0;
    loop {
        let mut tx = app.store().write().await?;
        let batch = codes::reclaim(&mut tx, before, BATCH).await?
            + tokens::reclaim(&mut tx, before, BATCH).await?
            + accounts::reclaim(&mut tx, now, BATCH).await?
            + webhooks::reclaim(&mut tx, events_before, BATCH).await?
            + apps::reclaim(&mut tx, clients_before, BATCH).await?
            + log::reclaim(&mut tx, logs_before, BATCH).await?
            + inspector::reclaim(&mut tx, requests_before, BATCH).await?;
        tx.commit().await?;
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}
