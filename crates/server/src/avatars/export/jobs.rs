//! The job that makes an export's file.

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;

use crate::app::App;

/// The kind of job.
pub const KIND: &str = "avatars.export";
const ATTEMPTS: u32 = 5;

/// The job's handler.
pub struct Exporting(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    job_id: String,
}

#[async_trait]
impl Handler for Exporting {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn policy(&self) -> Policy {
        Policy { max_attempts: ATTEMPTS, concurrency: 2, ..Policy::default() }
    }

    async fn run(&self, job: &Job) -> Result<Done, JobError> {
        let payload = Payload::deserialize(&job.payload)?;
        let Err(error) = super::make(&self.0, payload.user_id, &payload.job_id).await else {
            return Ok(Done::Finished);
        };
        if job.attempt >= ATTEMPTS
            && let Err(error) = super::give_up(&self.0, payload.user_id, &payload.job_id).await
        {
            tracing::error!(cause = %error, "a failed export could not be marked");
        }
        Err(JobError::Retry(error.to_string()))
    }
}
