//! The jobs of the portrait: every hour, for whom it is night and something is new; and when memories were forgotten.

use async_trait::async_trait;
use jiff::Timestamp;
use secondme_jobs::{Cron, Done, Handler, Job, JobError, NewJob, Policy, enqueue};
use serde::Deserialize;
use serde_json::json;

use super::store;
use crate::app::App;
use crate::error::Result;
use crate::memory::forgetting::FORGOTTEN;
use crate::memory::key_memories;
use crate::memory::settings;

const NIGHTFALL: &str = "learning.nightfall";
const DREAM: &str = "learning.dream";
const HOUR_MS: i64 = 3_600_000;

/// When nightfall is looked for: every hour, since it is night somewhere else then.
pub fn cron() -> Cron {
    Cron { name: NIGHTFALL, every_ms: HOUR_MS, kind: NIGHTFALL }
}

/// Enqueues the dreams of those for whom it is night.
pub struct Nightfall(pub App);

/// Rewrites one portrait.
pub struct DreamJob(pub App);

/// Takes forgotten memories out of a portrait.
pub struct Forgotten(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    #[serde(default)]
    memory_ids: Vec<i64>,
}

fn retry(error: &crate::error::ApiError) -> JobError {
    JobError::Retry(error.to_string())
}

#[async_trait]
impl Handler for Nightfall {
    fn kind(&self) -> &'static str {
        NIGHTFALL
    }

    async fn run(&self, _: &Job) -> std::result::Result<Done, JobError> {
        let dreams = nightfall(&self.0).await.map_err(|e| retry(&e))?;
        tracing::info!(dreams, "portraits to rewrite");
        Ok(Done::Finished)
    }
}

#[async_trait]
impl Handler for DreamJob {
    fn kind(&self) -> &'static str {
        DREAM
    }

    fn policy(&self) -> Policy {
        Policy { max_attempts: 5, concurrency: 1, timeout_ms: 900_000, ..Policy::default() }
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        let dream = super::dream(&self.0, payload.user_id).await.map_err(|e| retry(&e))?;
        tracing::info!(user_id = payload.user_id, method = ?dream.method, "rewrote a portrait");
        Ok(Done::Finished)
    }
}

#[async_trait]
impl Handler for Forgotten {
    fn kind(&self) -> &'static str {
        FORGOTTEN
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        super::forget(&self.0, payload.user_id, &payload.memory_ids).await.map_err(|e| retry(&e))?;
        Ok(Done::Finished)
    }
}

/// Enqueues a dream for everybody for whom it is the hour and who has something new to remember; how many.
///
/// # Errors
/// Storage failures only.
pub async fn nightfall(app: &App) -> Result<usize> {
    let now = app.now();
    let mut dreams = 0;
    for (user_id, changed) in key_memories::last_changes(app.store()).await? {
        let zone = settings::zone(app, user_id).await?;
        let hour = Timestamp::from_millisecond(now).map_or(0, |at| i64::from(at.to_zoned(zone).hour()));
        let last = store::last(app.store(), user_id).await?;
        if hour != app.config().learning.dream_hour || last.is_some_and(|last| last >= changed) {
            continue;
        }
        let mut tx = app.store().write().await?;
        let payload = json!({"userId": user_id});
        let job = NewJob { kind: DREAM, payload, run_at: now, dedupe: Some(user_id.to_string()) };
        enqueue(&mut tx, job, now).await?;
        tx.commit().await?;
        dreams += 1;
    }
    Ok(dreams)
}
