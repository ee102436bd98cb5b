//! The owner's side: all conversations, what is unread, taking over and answering in person, blocking (ours).
//!
//! Invariant: everything here is asked for by the avatar's owner, who stands in every `WHERE`.

pub mod http;
pub mod settings;
mod store;

use secondme_kit::Millis;
use secondme_kit::paging::Page;

use super::answer;
use super::close::Close;
use super::log::{self, Draft, News};
use super::reader::Reader;
use super::sessions::{self, END_SUBJECT, Session};
use crate::app::App;
use crate::avatars::interactions::Sender;
use crate::error::{ApiError, Code, Result};

/// A conversation as the owner's list shows it.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The conversation.
    pub session: Session,
    /// Messages of the visitor that the owner has not seen.
    pub unread: i64,
    /// Messages in all.
    pub message_count: i64,
    /// The beginning of the last one.
    pub last_message: String,
    /// `visitor`, `avatar` or `owner`; empty: nothing was said yet.
    pub last_author: String,
}

/// A message as the owner reads it.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place; smaller is older.
    pub id: i64,
    /// Its id.
    pub message_id: String,
    /// `visitor`, `avatar` or `owner`.
    pub author: String,
    /// What was said.
    pub content: String,
    /// `waiting`, `answered`, `failed` or `owner` of a visitor's, `complete` or `interrupted` of the others.
    pub state: String,
    /// When.
    pub created_at: Millis,
}

/// Which conversations to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// With this avatar only.
    pub avatar_id: Option<i64>,
    /// With something unread only.
    pub unread: bool,
}

/// The owner's conversations, the last active first, and how many there are.
///
/// # Errors
/// Storage failures only.
pub async fn list(app: &App, user_id: i64, filter: Filter, page: Page) -> Result<(i64, Vec<Conversation>)> {
    let mut tx = app.store().read().await?;
    let total = store::count(&mut tx, user_id, filter).await?;
    Ok((total, store::list(&mut tx, user_id, filter, page).await?))
}

/// One of the owner's conversations.
///
/// # Errors
/// `visitor_chat.conversation_not_found`.
pub async fn about(app: &App, user_id: i64, session_id: &str) -> Result<Conversation> {
    let mut tx = app.store().read().await?;
    store::one(&mut tx, user_id, session_id).await?.ok_or_else(unknown)
}

/// Unread messages, and the conversations they are in.
///
/// # Errors
/// Storage failures only.
pub async fn unread(app: &App, user_id: i64) -> Result<(i64, i64)> {
    let mut tx = app.store().read().await?;
    Ok(store::unread(&mut tx, user_id).await?)
}

/// Messages of a conversation that are older than `before`, oldest first, and the log's last number.
///
/// # Errors
/// `visitor_chat.conversation_not_found`.
pub async fn messages(
    app: &App,
    user_id: i64,
    session_id: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<(i64, Vec<Message>)> {
    let mut tx = app.store().read().await?;
    let head = store::head(&mut tx, user_id, session_id).await?.ok_or_else(unknown)?;
    Ok((head, store::messages(&mut tx, user_id, session_id, before.unwrap_or(i64::MAX), limit).await?))
}

/// Reads a conversation live from `cursor` on.
///
/// # Errors
/// `visitor_chat.conversation_not_found`, or that there are too many readers.
pub async fn read_along(
    app: &App,
    user_id: i64,
    session_id: &str,
    cursor: Option<i64>,
) -> Result<std::result::Result<Reader, Close>> {
    let mut tx = app.store().read().await?;
    let head = store::head(&mut tx, user_id, session_id).await?.ok_or_else(unknown)?;
    drop(tx);
    Ok(Reader::inside(app, session_id, cursor.unwrap_or(head).clamp(0, head)).await)
}

/// Everything in a conversation is seen.
///
/// # Errors
/// `visitor_chat.conversation_not_found`.
pub async fn mark_read(app: &App, user_id: i64, session_id: &str) -> Result<()> {
    let mut tx = app.store().write().await?;
    if store::mark_read(&mut tx, user_id, session_id).await? == 0 {
        return Err(unknown());
    }
    tx.commit().await?;
    Ok(())
}

/// The owner answers in person from now on, or lets the avatar answer again. A reply that has begun is finished; what waits
/// behind it is left to the owner.
///
/// # Errors
/// `visitor_chat.conversation_not_found`.
pub async fn take_over(app: &App, user_id: i64, session_id: &str, taken: bool) -> Result<()> {
    let mut tx = app.store().write().await?;
    let session = owned(&mut tx, user_id, session_id).await?;
    if session.taken_over == taken {
        return Ok(());
    }
    store::set_taken_over(&mut tx, user_id, session_id, taken).await?;
    if taken {
        answer::leave_to_owner(&mut tx, session_id).await?;
    }
    let news = sessions::tell(app, &mut tx, session_id, if taken { "takeover" } else { "handback" }).await?;
    tx.commit().await?;
    news.publish(app).await;
    Ok(())
}

/// The owner says something in person. Returns the message's id.
///
/// # Errors
/// `invalid.param`, `visitor_chat.conversation_not_found`, `visitor_chat.not_taken_over`.
pub async fn reply(app: &App, user_id: i64, session_id: &str, message: &str) -> Result<String> {
    sessions::check_message(app, message)?;
    let message_id = format!("vmsg_{}", app.entropy().alphanumeric(20));
    let mut tx = app.store().write().await?;
    let draft = Draft::whole(log::HUMAN, &message_id, message);
    owned(&mut tx, user_id, session_id).await?;
    let news = log::append(app, &mut tx, session_id, None, &[draft]).await?.ok_or_else(unknown)?;
    // Read again under the row's lock.
    let session = owned(&mut tx, user_id, session_id).await?;
    if !session.taken_over {
        return Err(ApiError::new(Code::VisitorNotTakenOver));
    }
    sessions::add_message(app, &mut tx, &session, (&message_id, Sender::Owner, "complete"), message).await?;
    store::mark_read(&mut tx, user_id, session_id).await?;
    tx.commit().await?;
    news.publish(app).await;
    Ok(message_id)
}

/// Blocks a visitor or lets them in again. Their sockets are closed, and addresses given out before stay closed.
///
/// # Errors
/// `visitor_chat.conversation_not_found`.
pub async fn block(app: &App, user_id: i64, session_id: &str, blocked: bool) -> Result<()> {
    let mut tx = app.store().write().await?;
    let epoch = store::set_blocked(&mut tx, user_id, session_id, blocked).await?.ok_or_else(unknown)?;
    let head = store::head(&mut tx, user_id, session_id).await?.ok_or_else(unknown)?;
    tx.commit().await?;
    app.bus().publish(&format!("{END_SUBJECT}.{session_id}"), epoch.to_string().into()).await;
    News::of_head(session_id, head).publish(app).await;
    Ok(())
}

async fn owned(tx: &mut secondme_store::Tx, user_id: i64, session_id: &str) -> Result<Session> {
    sessions::get(tx, session_id).await?.filter(|s| s.user_id == user_id).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(Code::VisitorConversationUnknown)
}
