//! The job that reads a chat once it has gone quiet.

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;

use super::{Line, Matter, Reading, Speaker, Transcript};
use crate::app::App;
use crate::chat::sessions::{self, QUIET};
use crate::error::Result;
use crate::memory::key_memories::{Source, Verdict};

/// The job's handler. One at a time: what two readings of one user find must be compared with each other.
pub struct ReadChat(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    session_id: String,
}

#[async_trait]
impl Handler for ReadChat {
    fn kind(&self) -> &'static str {
        QUIET
    }

    fn policy(&self) -> Policy {
        reading_policy()
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        let retry = |error: &dyn std::fmt::Display| JobError::Retry(error.to_string());
        let read = read(&self.0, payload.user_id, &payload.session_id).await;
        match read.map_err(|e| retry(&e))?.map_err(|why| retry(&why))? {
            Next::Done => Ok(Done::Finished),
            Next::At(time) => Ok(Done::Again(time)),
        }
    }
}

/// How conversations are read: a model that is away for hours is no reason to give up.
pub fn reading_policy() -> Policy {
    Policy { max_attempts: 20, base_ms: 60_000, concurrency: 1, timeout_ms: 900_000, ..Policy::default() }
}

/// What to do about a chat next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Everything in it has been read.
    Done,
    /// Look again at this time: it is not quiet yet, or there is more.
    At(i64),
}

/// Reads what was said in a chat since the last reading, if it is quiet.
///
/// # Errors
/// The inner error says that the model gave no answer.
pub async fn read(app: &App, user_id: i64, session_id: &str) -> Result<std::result::Result<Next, String>> {
    let config = &app.config().learning;
    let Some(about) = sessions::about(app, user_id, session_id).await? else { return Ok(Ok(Next::Done)) };
    let quiet_at = about.updated_at + config.quiet_seconds * 1_000;
    if quiet_at > app.now() {
        return Ok(Ok(Next::At(quiet_at)));
    }
    let position = super::reached(app, user_id, session_id).await?;
    let said = sessions::said_after(app, user_id, session_id, position, config.batch_messages).await?;
    let Some(last) = said.last() else { return Ok(Ok(Next::Done)) };
    let first = said.first().map_or(0, |message| message.position);
    let heard = sessions::answers_until(app, user_id, first, config.echo_answers).await?;
    let more = i64::try_from(said.len()).unwrap_or(0) >= config.batch_messages;
    let position = last.position;
    let app_id = about.client_app_id.unwrap_or_default();
    let lines = said.into_iter().map(|message| Line {
        source: Source { kind: "message", id: message.message_id, app_id: app_id.clone(), at: message.created_at },
        speaker: if message.role == "assistant" { Speaker::Avatar } else { Speaker::Owner },
        text: message.content,
    });
    let transcript = Transcript {
        user_id,
        matter: Matter::Chat,
        conversation: session_id.to_owned(),
        position,
        lines: lines.collect(),
        heard,
    };
    match super::learn(app, &transcript).await? {
        Err(why) => Ok(Err(why)),
        Ok(reading) => {
            log(user_id, &reading);
            Ok(Ok(if more { Next::At(app.now()) } else { Next::Done }))
        }
    }
}

/// A line in the log, of numbers only.
pub(super) fn log(user_id: i64, reading: &Reading) {
    let count = |what: fn(&Verdict) -> bool| reading.verdicts.iter().filter(|verdict| what(verdict)).count();
    let new = count(|v| matches!(v, Verdict::New(_) | Verdict::Replaced(..) | Verdict::Contradicts(..)));
    let known = count(|v| matches!(v, Verdict::Known(_)));
    let refused = reading.verdicts.len() - new - known;
    tracing::info!(user_id, new, known, refused, "learned from a reading");
}
