//! SQL of the owner's side.

use secondme_kit::paging::Page;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Conversation, Filter, Message};
use crate::visitor::sessions;

pub(super) async fn count(tx: &mut Tx, user_id: i64, filter: Filter) -> Result<i64, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT COUNT(*) AS total FROM visitor_sessions
                 WHERE user_id = $1 AND (visitor_user_id IS NULL OR visitor_user_id <> $1) AND visitor NOT LIKE 't:%'
                   AND ($2 = 0 OR avatar_id = $2) AND ($3 = FALSE OR unread > 0)"
            ),
            params![user_id, filter.avatar_id.unwrap_or(0), filter.unread],
        )
        .await?;
    row.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn list(
    tx: &mut Tx,
    user_id: i64,
    filter: Filter,
    page: Page,
) -> Result<Vec<Conversation>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id, visitor_name,
                    app_name, epoch, taken_over, blocked, active_at, unread, message_count, last_message, last_author
                 FROM visitor_sessions
                 WHERE user_id = $1 AND (visitor_user_id IS NULL OR visitor_user_id <> $1) AND visitor NOT LIKE 't:%'
                   AND ($2 = 0 OR avatar_id = $2) AND ($3 = FALSE OR unread > 0)
                 ORDER BY active_at DESC, session_id LIMIT $4 OFFSET $5"
            ),
            params![user_id, filter.avatar_id.unwrap_or(0), filter.unread, page.size, page.offset()],
        )
        .await?;
    rows.iter().map(conversation).collect()
}

pub(super) async fn one(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<Option<Conversation>, StoreError> {
    let one = sql!(
        "SELECT session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id, visitor_name,
            app_name, epoch, taken_over, blocked, active_at, unread, message_count, last_message, last_author
         FROM visitor_sessions WHERE user_id = $1 AND session_id = $2"
    );
    tx.opt(one, params![user_id, session_id]).await?.as_ref().map(conversation).transpose()
}

fn conversation(row: &Row) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        session: sessions::session(row)?,
        unread: row.get("unread")?,
        message_count: row.get("message_count")?,
        last_message: row.get("last_message")?,
        last_author: row.get("last_author")?,
    })
}

pub(super) async fn unread(tx: &mut Tx, user_id: i64) -> Result<(i64, i64), StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT CAST(COALESCE(SUM(unread), 0) AS BIGINT) AS messages, COUNT(*) AS conversations
                 FROM visitor_sessions
                 WHERE user_id = $1 AND unread > 0 AND (visitor_user_id IS NULL OR visitor_user_id <> $1) AND visitor NOT LIKE 't:%'"
            ),
            params![user_id],
        )
        .await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("messages")?, row.get("conversations")?)))
}

pub(super) async fn head(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<Option<i64>, StoreError> {
    let row = tx
        .opt(
            sql!("SELECT head FROM visitor_sessions WHERE user_id = $1 AND session_id = $2"),
            params![user_id, session_id],
        )
        .await?;
    row.map(|row| row.get("head")).transpose()
}

pub(super) async fn messages(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<Message>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT id, message_id, author, content, state, created_at FROM visitor_messages
                 WHERE user_id = $1 AND session_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
            ),
            params![user_id, session_id, before, limit],
        )
        .await?;
    rows.iter()
        .rev()
        .map(|row| {
            Ok(Message {
                id: row.get("id")?,
                message_id: row.get("message_id")?,
                author: row.get("author")?,
                content: row.get("content")?,
                state: row.get("state")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}

pub(super) async fn mark_read(tx: &mut Tx, user_id: i64, session_id: &str) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE visitor_sessions SET unread = 0 WHERE user_id = $1 AND session_id = $2"),
        params![user_id, session_id],
    )
    .await
}

pub(super) async fn set_taken_over(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    taken: bool,
) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE visitor_sessions SET taken_over = $3 WHERE user_id = $1 AND session_id = $2"),
        params![user_id, session_id, taken],
    )
    .await
}

/// Blocks, or lets in again; the new epoch.
pub(super) async fn set_blocked(
    tx: &mut Tx,
    user_id: i64,
    session_id: &str,
    blocked: bool,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "UPDATE visitor_sessions SET blocked = $3, epoch = epoch + 1
                 WHERE user_id = $1 AND session_id = $2 RETURNING epoch"
            ),
            params![user_id, session_id, blocked],
        )
        .await?;
    row.map(|row| row.get("epoch")).transpose()
}
