//! What is learned from besides conversations: texts that the owner wrote down, and important events that apps reported.

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, Policy};
use serde::Deserialize;

use super::jobs::{Next, log, reading_policy};
use super::{Line, Matter, Speaker, Transcript};
use crate::app::App;
use crate::chat::sessions;
use crate::error::Result;
use crate::memory::key_memories::Source;
use crate::memory::{events, notes};

/// A part of a note that is a line of its own, in characters.
const PART_CHARS: usize = 600;

/// The handler of the job that reads a note.
pub struct ReadNote(pub App);

/// The handler of the job that reads events.
pub struct ReadEvents(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    #[serde(default)]
    note_id: i64,
}

#[async_trait]
impl Handler for ReadNote {
    fn kind(&self) -> &'static str {
        notes::QUIET
    }

    fn policy(&self) -> Policy {
        reading_policy()
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        done(read_note(&self.0, payload.user_id, payload.note_id).await)
    }
}

#[async_trait]
impl Handler for ReadEvents {
    fn kind(&self) -> &'static str {
        events::QUIET
    }

    fn policy(&self) -> Policy {
        reading_policy()
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        done(read_events(&self.0, payload.user_id).await)
    }
}

fn done(read: Result<std::result::Result<Next, String>>) -> std::result::Result<Done, JobError> {
    match read.map_err(|e| JobError::Retry(e.to_string()))?.map_err(JobError::Retry)? {
        Next::Done => Ok(Done::Finished),
        Next::At(time) => Ok(Done::Again(time)),
    }
}

/// Reads a text note that was not read since it last changed, if it is left alone: its first `learning.note_chars` characters.
///
/// # Errors
/// The inner error says that the model gave no answer.
pub async fn read_note(app: &App, user_id: i64, note_id: i64) -> Result<std::result::Result<Next, String>> {
    let config = &app.config().learning;
    let note = notes::get(app, user_id, note_id).await?.filter(|note| note.memory_type == "TEXT");
    let Some(note) = note else { return Ok(Ok(Next::Done)) };
    let quiet_at = note.updated_at + config.quiet_seconds * 1_000;
    if quiet_at > app.now() {
        return Ok(Ok(Next::At(quiet_at)));
    }
    let conversation = format!("note/{note_id}");
    if super::reached(app, user_id, &conversation).await? >= note.updated_at {
        return Ok(Ok(Next::Done));
    }
    let text = if note.title.is_empty() { note.content } else { format!("{}\n{}", note.title, note.content) };
    let text: String = text.chars().take(config.note_chars).collect();
    let source = Source { kind: "note", id: note_id.to_string(), app_id: note.app_id, at: note.updated_at };
    let lines = notes::parts(&text, PART_CHARS).into_iter().filter(|part| !part.trim().is_empty());
    let lines = lines.map(|text| Line { source: source.clone(), speaker: Speaker::Owner, text }).collect();
    let heard = sessions::answers_until(app, user_id, i64::MAX, config.echo_answers).await?;
    let position = note.updated_at;
    let read = Transcript { user_id, matter: Matter::Note, conversation, position, lines, heard };
    learn(app, &read, Next::Done).await
}

/// Reads the important events that came since the last reading.
///
/// # Errors
/// The inner error says that the model gave no answer.
pub async fn read_events(app: &App, user_id: i64) -> Result<std::result::Result<Next, String>> {
    const CONVERSATION: &str = "events";
    let config = &app.config().learning;
    let reached = super::reached(app, user_id, CONVERSATION).await?;
    let mut tx = app.store().read().await?;
    let noted = events::important_after(&mut tx, user_id, reached, config.batch_messages).await?;
    drop(tx);
    let Some(position) = noted.last().map(|event| event.id) else { return Ok(Ok(Next::Done)) };
    let more = i64::try_from(noted.len()).unwrap_or(0) >= config.batch_messages;
    let lines = noted.into_iter().map(|event| Line {
        source: Source { kind: "event", id: event.id.to_string(), app_id: event.app_id, at: event.at },
        speaker: Speaker::Owner,
        text: event.text,
    });
    let (lines, conversation) = (lines.collect(), CONVERSATION.to_owned());
    let heard = sessions::answers_until(app, user_id, i64::MAX, config.echo_answers).await?;
    let read = Transcript { user_id, matter: Matter::Events, conversation, position, lines, heard };
    learn(app, &read, if more { Next::At(app.now()) } else { Next::Done }).await
}

async fn learn(app: &App, read: &Transcript, next: Next) -> Result<std::result::Result<Next, String>> {
    let reading = match super::learn(app, read).await? {
        Ok(reading) => reading,
        Err(why) => return Ok(Err(why)),
    };
    log(read.user_id, &reading);
    Ok(Ok(next))
}
