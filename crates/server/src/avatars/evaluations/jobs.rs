//! The job that carries a run to its end.

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;

use super::{run, store};
use crate::app::App;
use crate::error::{ApiError, Lang, Result};

/// The kind of job.
pub const KIND: &str = "avatars.evaluate";
const ATTEMPTS: u32 = 6;
const HOUR_MS: i64 = 3_600_000;

/// The job's handler.
pub struct Evaluating(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    run_id: String,
}

#[async_trait]
impl Handler for Evaluating {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// One at a time, so that people who wait for an answer are not kept from the model for long.
    fn policy(&self) -> Policy {
        Policy { max_attempts: ATTEMPTS, base_ms: 15_000, timeout_ms: 2 * HOUR_MS, concurrency: 1, ..Policy::default() }
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload = Payload::deserialize(&job.payload)?;
        let Err(error) = go_on(&self.0, &payload).await else { return Ok(Done::Finished) };
        let pointless = error.code().row().status < 500;
        if pointless || job.attempt >= ATTEMPTS {
            give_up(&self.0, &payload, &error).await.map_err(|e| JobError::Retry(e.to_string()))?;
            return Err(JobError::Fatal(error.code().row().sub_code.to_owned()));
        }
        // What a model says could quote the conversation.
        Err(JobError::Retry(error.code().row().sub_code.to_owned()))
    }
}

async fn go_on(app: &App, payload: &Payload) -> Result<()> {
    let found = store::by_id(app.store(), &payload.run_id).await?;
    match found.filter(|found| found.user_id == payload.user_id) {
        Some(found) if matches!(found.status.as_str(), "PENDING" | "RUNNING") => run::go(app, &found).await,
        _ => Ok(()),
    }
}

async fn give_up(app: &App, payload: &Payload, error: &ApiError) -> Result<()> {
    let mut tx = app.store().write().await?;
    let told = (error.code().row().sub_code, error.message(Lang::En));
    store::fail(&mut tx, payload.user_id, &payload.run_id, (told.0, &told.1), app.now()).await?;
    tx.commit().await?;
    Ok(())
}
