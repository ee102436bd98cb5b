//! What is learned from visitors: who they are to the owner. A conversation is read once it has gone quiet, when it is known who
//! visits; of the owner's own conversations with their avatars nothing is learned here.

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, NewJob, enqueue};
use secondme_store::{Row, StoreError, Tx, params, sql};
use serde::Deserialize;
use serde_json::json;

use super::sessions::{self, Session};
use crate::app::App;
use crate::error::Result;
use crate::learning::extraction::jobs::{Next, reading_policy};
use crate::learning::extraction::{self, Line, Matter, Speaker, Transcript};
use crate::memory::key_memories::Source;

/// The kind of the job; its payload is `{sessionId}`.
pub const KIND: &str = "visitor.quiet";

/// The job's handler.
pub struct ReadVisit(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    session_id: String,
}

#[async_trait]
impl Handler for ReadVisit {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn policy(&self) -> secondme_jobs::Policy {
        reading_policy()
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        let read = read(&self.0, &payload.session_id).await.map_err(|e| JobError::Retry(e.to_string()))?;
        match read.map_err(JobError::Retry)? {
            Next::Done => Ok(Done::Finished),
            Next::At(time) => Ok(Done::Again(time)),
        }
    }
}

/// Has a conversation read when it will have been quiet for `learning.quiet_seconds`, in the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn read_when_quiet(app: &App, tx: &mut Tx, session: &Session) -> Result<()> {
    if session.is_owners() || session.visitor_name.trim().is_empty() {
        return Ok(());
    }
    let (now, payload) = (app.now(), json!({"sessionId": session.session_id}));
    let run_at = now + app.config().learning.quiet_seconds * 1_000;
    Ok(enqueue(tx, NewJob { kind: KIND, payload, run_at, dedupe: Some(session.session_id.clone()) }, now).await?)
}

/// Reads what was said since the last reading, if the conversation is quiet.
///
/// # Errors
/// The inner error says that the model gave no answer.
pub async fn read(app: &App, session_id: &str) -> Result<std::result::Result<Next, String>> {
    let config = &app.config().learning;
    let mut tx = app.store().read().await?;
    let Some(session) = sessions::get(&mut tx, session_id).await? else { return Ok(Ok(Next::Done)) };
    drop(tx);
    let quiet_at = session.active_at + config.quiet_seconds * 1_000;
    if quiet_at > app.now() {
        return Ok(Ok(Next::At(quiet_at)));
    }
    let reached = extraction::reached(app, session.user_id, session_id).await?;
    let mut tx = app.store().read().await?;
    let said = said_after(&mut tx, &session, reached, config.batch_messages).await?;
    let Some((position, _)) = said.last() else { return Ok(Ok(Next::Done)) };
    let (position, first) = (*position, said.first().map_or(0, |(id, _)| *id));
    let heard = answers_before(&mut tx, &session, first, config.echo_answers).await?;
    drop(tx);
    let more = i64::try_from(said.len()).unwrap_or(0) >= config.batch_messages;
    let mut lines: Vec<Line> = said.into_iter().map(|(_, line)| line).collect();
    if !lines.iter().any(|line| matches!(line.speaker, Speaker::Other(_))) {
        // Without a word of the visitor there is nothing to learn; the place is reached all the same.
        lines.clear();
    }
    let (user_id, conversation) = (session.user_id, session.session_id);
    let transcript = Transcript { user_id, matter: Matter::Chat, conversation, position, lines, heard };
    let next = if more { Next::At(app.now()) } else { Next::Done };
    Ok(extraction::learn(app, &transcript).await?.map(|_| next))
}

/// What was said after a message, with the messages' numbers, oldest first.
async fn said_after(
    tx: &mut Tx,
    session: &Session,
    after: i64,
    limit: i64,
) -> std::result::Result<Vec<(i64, Line)>, StoreError> {
    let sql = sql!(
        "SELECT id, message_id, author, content, created_at FROM visitor_messages
         WHERE user_id = $1 AND session_id = $2 AND id > $3 ORDER BY id LIMIT $4"
    );
    let rows = tx.all(sql, params![session.user_id, &session.session_id, after, limit]).await?;
    rows.iter().map(|row| line(session, row)).collect()
}

fn line(session: &Session, row: &Row) -> std::result::Result<(i64, Line), StoreError> {
    let speaker = match row.get::<String>("author")?.as_str() {
        "visitor" => Speaker::Other(session.visitor_name.trim().to_owned()),
        "owner" => Speaker::Owner,
        _ => Speaker::Avatar,
    };
    let app_id = session.app_id.clone().unwrap_or_default();
    let source = Source { kind: "message", id: row.get("message_id")?, app_id, at: row.get("created_at")? };
    Ok((row.get("id")?, Line { source, speaker, text: row.get("content")? }))
}

/// What the avatar said before a message, the last first.
async fn answers_before(
    tx: &mut Tx,
    session: &Session,
    before: i64,
    limit: i64,
) -> std::result::Result<Vec<String>, StoreError> {
    let sql = sql!(
        "SELECT content FROM visitor_messages
         WHERE user_id = $1 AND session_id = $2 AND id < $3 AND author = 'avatar' ORDER BY id DESC LIMIT $4"
    );
    let rows = tx.all(sql, params![session.user_id, &session.session_id, before, limit]).await?;
    rows.iter().map(|row| row.get("content")).collect()
}
