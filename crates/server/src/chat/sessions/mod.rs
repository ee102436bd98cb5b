//! Sessions and their messages: what was said, in order, for the owner only (contract 10.3, 10.4).

pub mod between;
pub mod http;
mod store;

use secondme_jobs::{NewJob, enqueue};
use secondme_kit::Millis;
use secondme_llm::{Image, Role};
use secondme_store::{Store, Tx};
use serde_json::Value;

use super::prompt::Past;
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// A session as the list shows it.
#[derive(Clone, Debug)]
pub struct Session {
    /// `labs_sess_…`.
    pub session_id: String,
    /// The logical app.
    pub bucket: String,
    /// The last message, cut to 50 characters.
    pub last_message: Option<String>,
    /// When it was said.
    pub updated_at: Millis,
    /// Messages in the session.
    pub message_count: i64,
}

/// A message as stored.
#[derive(Clone, Debug)]
pub struct Message {
    /// `msg_…`.
    pub message_id: String,
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// `complete` or `interrupted`.
    pub status: String,
    /// Who said it, or whose avatar did: the session's user, or the other one of two.
    pub sender: i64,
    /// The other one, in a session between two people.
    pub receiver: Option<i64>,
    /// When.
    pub created_at: Millis,
}

/// The kind of the job that is due when nothing is said in a session for a while; its payload is `{userId, sessionId}`. It may
/// come early: whoever runs it looks at the time of the last message.
pub const QUIET: &str = "chat.quiet";

/// What a reader of a session needs to know about it.
#[derive(Clone, Debug)]
pub struct About {
    /// The app through which it was begun.
    pub client_app_id: Option<String>,
    /// When something was last said.
    pub updated_at: Millis,
}

/// A message with its place in the session.
#[derive(Clone, Debug)]
pub struct Said {
    /// Grows from message to message.
    pub position: i64,
    /// `msg_…`.
    pub message_id: String,
    /// `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
    /// When.
    pub created_at: Millis,
}

/// The session a turn goes on with.
#[derive(Clone, Debug)]
pub struct Context {
    /// `labs_sess_…`.
    pub session_id: String,
    /// Whether this turn begins it.
    pub is_new: bool,
    /// Instructions of its first request.
    pub system_prompt: Option<String>,
    /// What was said so far, oldest first; the oldest of a long session left out.
    pub past: Vec<Past>,
}

/// A message to store.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: &'a str,
    /// Pictures that come with it.
    pub images: &'a [Image],
    /// `complete` or `interrupted`.
    pub status: &'a str,
    /// Model, finish reason and the like; shown to the owner, never to the model.
    pub metadata: Value,
}

impl NewMessage<'_> {
    /// An empty, complete message of `role`, to be filled in.
    pub fn plain(role: Role) -> Self {
        Self { role, content: "", images: &[], status: "complete", metadata: Value::Object(serde_json::Map::new()) }
    }
}

/// Messages of the past that are loaded at most, and the step in which the first one moves.
const WINDOW: i64 = 300;
const WINDOW_STEP: i64 = 100;

/// Finds the session that a client named, or chooses an id for a new one (HOUSE-RULES "Unknown `sessionId`").
///
/// # Errors
/// `secondme.session.unauthorized` when it is somebody else's.
pub async fn resolve(app: &App, tx: &mut Tx, user_id: i64, named: Option<&str>) -> Result<Context> {
    let named = named.filter(|id| is_session_id(id));
    let Some(id) = named else {
        return Ok(Context::new(format!("labs_sess_{}", app.entropy().alphanumeric(12))));
    };
    let Some((owner, count)) = store::owner(tx, id).await? else { return Ok(Context::new(id.to_owned())) };
    if owner != user_id {
        return Err(ApiError::new(Code::SessionForeign));
    }
    let skip = ((count - WINDOW).max(0) + WINDOW_STEP - 1) / WINDOW_STEP * WINDOW_STEP;
    let past = store::past(tx, user_id, id, skip, WINDOW + WINDOW_STEP).await?;
    Ok(Context {
        session_id: id.to_owned(),
        is_new: false,
        system_prompt: store::system_prompt(tx, user_id, id).await?,
        past,
    })
}

impl Context {
    fn new(session_id: String) -> Self {
        Self { session_id, is_new: true, system_prompt: None, past: Vec::new() }
    }
}

/// `labs_sess_` and 8 to 32 lowercase letters or digits.
fn is_session_id(text: &str) -> bool {
    text.strip_prefix("labs_sess_").is_some_and(|rest| {
        (8..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// Makes the session's row, when a turn begins it.
///
/// # Errors
/// `secondme.session.unauthorized` when somebody else took the id in the meantime.
pub async fn open(
    app: &App,
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    (kind, bucket, client_app_id): (&str, &str, Option<&str>),
) -> Result<()> {
    if store::insert(tx, user_id, session_id, (kind, bucket, client_app_id), app.now()).await? == 0 {
        let owner = store::owner(tx, session_id).await?;
        if owner.is_none_or(|(owner, _)| owner != user_id) {
            return Err(ApiError::new(Code::SessionForeign));
        }
    }
    Ok(())
}

/// Appends a message; returns its id.
///
/// # Errors
/// Storage failures only.
pub async fn append(app: &App, tx: &mut Tx, user_id: i64, session_id: &str, new: &NewMessage<'_>) -> Result<String> {
    let message_id = format!("msg_{}", app.entropy().alphanumeric(16));
    let now = app.now();
    store::append(tx, user_id, session_id, &message_id, new, now).await?;
    for (position, image) in new.images.iter().enumerate() {
        store::append_image(tx, &message_id, i64::try_from(position).unwrap_or(0), image).await?;
    }
    let preview: String = new.content.chars().take(50).collect();
    store::touch(tx, user_id, session_id, &preview, now).await?;
    Ok(message_id)
}

/// A user's sessions, the last active first.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, bucket: Option<&str>) -> Result<Vec<Session>> {
    Ok(store::list(app.store(), user_id, bucket, app.config().chat.sessions_max).await?)
}

/// A session of the user, if there is one.
///
/// # Errors
/// Storage failures only.
pub async fn about(app: &App, user_id: i64, session_id: &str) -> Result<Option<About>> {
    Ok(store::about(app.store(), user_id, session_id).await?)
}

/// The session that a message of the user's stands in.
///
/// # Errors
/// `resource.fetch.not_found` when it is not there or not theirs.
pub async fn of_message(app: &App, user_id: i64, message_id: &str) -> Result<String> {
    let session = store::of_message(app.store(), user_id, message_id).await?;
    session.ok_or_else(|| ApiError::new(Code::NotFound).arg("message"))
}

/// What user and avatar said after a place in a session, oldest first.
///
/// # Errors
/// Storage failures only.
pub async fn said_after(app: &App, user_id: i64, session_id: &str, position: i64, limit: i64) -> Result<Vec<Said>> {
    Ok(store::said_after(app.store(), user_id, session_id, position, limit).await?)
}

/// The avatar's last answers to the user up to a place, in whatever session, newest first.
///
/// # Errors
/// Storage failures only.
pub async fn answers_until(app: &App, user_id: i64, position: i64, limit: i64) -> Result<Vec<String>> {
    Ok(store::answers_until(app.store(), user_id, position, limit).await?)
}

/// Enqueues the job for when the session will have been quiet for `quiet_seconds`, in the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn read_when_quiet(app: &App, tx: &mut Tx, user_id: i64, session_id: &str) -> Result<()> {
    let now = app.now();
    let job = NewJob {
        kind: QUIET,
        payload: serde_json::json!({"userId": user_id, "sessionId": session_id}),
        run_at: now + app.config().learning.quiet_seconds * 1_000,
        dedupe: Some(session_id.to_owned()),
    };
    Ok(enqueue(tx, job, now).await?)
}

/// The messages of a session, oldest first; none when nobody ever had that id.
///
/// # Errors
/// `secondme.session.unauthorized` when it is somebody else's.
pub async fn messages(store: &Store, user_id: i64, session_id: &str) -> Result<Vec<Message>> {
    let mut tx = store.read().await?;
    match store::parties(&mut tx, session_id).await? {
        None => Ok(Vec::new()),
        Some((owner, peer)) if owner == user_id || peer == Some(user_id) => {
            Ok(store::messages(&mut tx, (owner, peer), session_id).await?)
        }
        Some(_) => Err(ApiError::new(Code::SessionForeign)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_have_one_form() {
        assert!(is_session_id("labs_sess_a1b2c3d4e5f6") && is_session_id("labs_sess_a1b2c3d4"));
        for bad in ["", "labs_sess_", "labs_sess_ABCDEFGH", "sess_a1b2c3d4e5f6", "labs_sess_a1b2c3d4e5f6'--"] {
            assert!(!is_session_id(bad), "{bad}");
        }
    }
}
