//! What came of an avatar's conversations: who came, what was said (contract 17.10).
//!
//! Written by whoever carries a conversation, in the transaction that stores the message there; the dashboard and the export
//! are made of it alone.

pub mod http;
mod store;

use secondme_kit::{Millis, paging::Page};
use secondme_store::Tx;

pub use store::Traffic;
pub(super) use store::{Said, export_page, traffic};

use super::center;
use crate::app::App;
use crate::error::{Code, Result};

/// How long one row of traffic lasts: every time zone's days are sums of such rows.
pub const SLOT_MS: Millis = 900_000;
const SUMMARY_CHARS: usize = 120;

/// A conversation of a visitor with an avatar.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'a> {
    /// The avatar's owner.
    pub user_id: i64,
    /// The avatar.
    pub avatar_id: i64,
    /// Unique among all conversations.
    pub session_id: &'a str,
    /// Who the visitor is: the same text for the same visitor.
    pub visitor: &'a str,
    /// What the owner sees of them, `name(appName)`.
    pub visitor_name: &'a str,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The visitor.
    Visitor,
    /// The avatar.
    Avatar,
    /// The owner, in person.
    Owner,
}

impl Sender {
    /// The word in the database and in exports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Avatar => "avatar",
            Self::Owner => "owner",
        }
    }
}

/// A conversation as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contract 17.10")]
pub struct Interaction {
    pub id: i64,
    pub visitor_name: String,
    pub message_count: i64,
    /// From the first message to the last.
    pub duration_ms: Millis,
    /// The visitor's first message, shortened.
    pub summary: String,
    pub created_at: Millis,
}

/// Notes that a visitor came: a conversation was begun or taken up again.
///
/// # Errors
/// Storage failures only.
pub async fn visit(tx: &mut Tx, conversation: &Conversation<'_>, now: Millis) -> Result<()> {
    store::open(tx, conversation, now).await?;
    store::count_traffic(tx, conversation, now.div_euclid(SLOT_MS), 0).await?;
    Ok(())
}

/// Notes what was said. A visitor's message counts in the dashboard, an avatar's in `usageCount`.
///
/// # Errors
/// Storage failures only.
pub async fn record(
    tx: &mut Tx,
    conversation: &Conversation<'_>,
    sender: Sender,
    content: &str,
    now: Millis,
) -> Result<()> {
    store::open(tx, conversation, now).await?;
    store::insert_message(tx, conversation, sender.word(), content, now).await?;
    let summary: String = match sender {
        Sender::Visitor => shortened(content),
        Sender::Avatar | Sender::Owner => String::new(),
    };
    store::touch(tx, conversation, &summary, now).await?;
    match sender {
        Sender::Visitor => store::count_traffic(tx, conversation, now.div_euclid(SLOT_MS), 1).await?,
        Sender::Avatar => center::count_use(tx, conversation.user_id, conversation.avatar_id).await?,
        Sender::Owner => {}
    }
    Ok(())
}

/// The beginning of a message in one line.
fn shortened(content: &str) -> String {
    let line = content.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SUMMARY_CHARS {
        return line;
    }
    line.chars().take(SUMMARY_CHARS - 1).chain(['…']).collect()
}

/// Takes a conversation away with what was said in it, because its visitor's account ends. That somebody came stays counted, under a name that
/// says nothing.
///
/// # Errors
/// Storage failures only.
pub async fn forget(tx: &mut Tx, conversation: &Conversation<'_>, nobody: &str) -> Result<()> {
    store::delete(tx, conversation).await?;
    store::rename_traffic(tx, conversation, nobody).await?;
    Ok(())
}

/// The conversations of an avatar, the newest first.
///
/// # Errors
/// `avatar.fetch.failed` (404) for an avatar that is not theirs.
pub async fn list(app: &App, user_id: i64, avatar_id: i64, page: Page) -> Result<Vec<Interaction>> {
    let mut tx = app.store().read().await?;
    center::get_in(&mut tx, user_id, avatar_id, Code::AvatarUnknown).await?;
    Ok(store::list(&mut tx, user_id, avatar_id, page).await?)
}

/// How many conversations an avatar had.
///
/// # Errors
/// Storage failures only.
pub async fn count(app: &App, user_id: i64, avatar_id: i64) -> Result<i64> {
    Ok(store::count(app.store(), user_id, avatar_id).await?)
}

/// Deletes at most `limit` messages that no export reaches any more, and as many rows of traffic from before `traffic_before`.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, messages_before: Millis, traffic_before: Millis, limit: i64) -> Result<u64> {
    let messages = store::reclaim_messages(tx, messages_before, limit).await?;
    Ok(messages + store::reclaim_traffic(tx, traffic_before.div_euclid(SLOT_MS), limit).await?)
}
