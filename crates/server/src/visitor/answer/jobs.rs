//! The jobs: one watches over each conversation until everything is answered, one reclaims what is old.

use async_trait::async_trait;
use secondme_jobs::{AHEAD, Cron, Done, Handler, Job, JobError};

use super::store;
use crate::app::App;
use crate::error::{ApiError, Result};
use crate::visitor::log::{self, News};
use crate::visitor::meter;

/// The watching job.
pub const KIND: &str = "visitor.reply";
/// The reclaiming job.
const HOUSEKEEPING: &str = "visitor.housekeeping";
const BATCH: i64 = 1_000;

/// Takes up replies whose process died, and tells once more how far the log goes: what the bus lost is then read.
pub struct Watch(pub App);

#[async_trait]
impl Handler for Watch {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let app = &self.0;
        let Some(session_id) = job.payload["sessionId"].as_str() else {
            return Err(JobError::Fatal("no session in the payload".to_owned()));
        };
        let state = store::state(app.store(), session_id).await?;
        let Some(state) = state else { return Ok(Done::Finished) };
        News::of_head(session_id, state.head).publish(app).await;
        if !state.waiting {
            return Ok(Done::Finished);
        }
        let (now, lease_ms) = (app.now(), app.config().visitor.lease_ms.max(100));
        if state.free_from <= now || state.free_from > now + lease_ms + AHEAD {
            super::wake(app, session_id);
        }
        Ok(Done::Again(now + lease_ms))
    }
}

/// When old frames and counters are reclaimed: every ten minutes.
pub fn cron() -> Cron {
    Cron { name: HOUSEKEEPING, every_ms: 600_000, kind: HOUSEKEEPING }
}

/// Reclaims old frames and counters.
pub struct Housekeeping(pub App);

#[async_trait]
impl Handler for Housekeeping {
    fn kind(&self) -> &'static str {
        HOUSEKEEPING
    }

    async fn run(&self, _: &Job) -> std::result::Result<Done, JobError> {
        let retry = |error: ApiError| JobError::Retry(error.to_string());
        let deleted = reclaim(&self.0).await.map_err(retry)?;
        tracing::info!(deleted, "reclaimed old frames and counters of visitors");
        Ok(Done::Finished)
    }
}

/// Deletes frames that no client is waited for any more, and counters whose window is over, in batches.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(app: &App) -> Result<u64> {
    let before = app.now() - app.config().visitor.log_hours * 3_600_000;
    let mut deleted = 0;
    loop {
        let mut tx = app.store().write().await?;
        let batch = log::reclaim(&mut tx, before, BATCH).await? + meter::reclaim(&mut tx, app.now(), BATCH).await?;
        tx.commit().await?;
        deleted += batch;
        if batch == 0 {
            return Ok(deleted);
        }
    }
}
