//! Sessions between two people: kept like all others, read by both. Avatars do not answer in them.

use secondme_llm::Role;
use secondme_store::Tx;

use super::{NewMessage, store};
use crate::app::App;
use crate::error::Result;

/// A message of one of the two.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Whose session it is.
    pub owner: i64,
    /// Who says it.
    pub sender: i64,
    /// Whether the sender's avatar found the words.
    pub by_avatar: bool,
    /// The words.
    pub content: &'a str,
}

/// Begins a session of `owner` with `peer`; its id.
///
/// # Errors
/// Storage failures only.
pub async fn open(app: &App, tx: &mut Tx, owner: i64, peer: i64) -> Result<String> {
    let session_id = format!("sess_{}", app.entropy().alphanumeric(16));
    store::insert_between(tx, (owner, peer), &session_id, app.now()).await?;
    Ok(session_id)
}

/// Whose session it is, and with whom.
///
/// # Errors
/// Storage failures only.
pub async fn parties(tx: &mut Tx, session_id: &str) -> Result<Option<(i64, Option<i64>)>> {
    Ok(store::parties(tx, session_id).await?)
}

/// Appends a message; its id.
///
/// # Errors
/// Storage failures only.
pub async fn append(app: &App, tx: &mut Tx, session_id: &str, said: &Said<'_>) -> Result<String> {
    let message_id = format!("msg_{}", app.entropy().alphanumeric(16));
    let role = if said.by_avatar { Role::Assistant } else { Role::User };
    let new = NewMessage { content: said.content, ..NewMessage::plain(role) };
    store::append(tx, said.owner, session_id, &message_id, &new, app.now()).await?;
    store::set_sender(tx, said.owner, &message_id, said.sender).await?;
    let preview: String = said.content.chars().take(50).collect();
    store::touch(tx, said.owner, session_id, &preview, app.now()).await?;
    Ok(message_id)
}
