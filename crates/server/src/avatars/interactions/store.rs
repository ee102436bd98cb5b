//! SQL of conversations with visitors, their messages, and who came when.

use secondme_kit::{Millis, paging::Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Conversation, Interaction};

pub(super) async fn open(tx: &mut Tx, c: &Conversation<'_>, now: Millis) -> Result<u64, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_interactions (user_id, avatar_id, session_id, visitor, visitor_name, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (session_id) DO UPDATE SET visitor_name = $5 WHERE avatar_interactions.user_id = $1"
    );
    tx.run(text, params![c.user_id, c.avatar_id, c.session_id, c.visitor, c.visitor_name, now]).await
}

pub(super) async fn insert_message(
    tx: &mut Tx,
    c: &Conversation<'_>,
    sender: &str,
    content: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_messages (user_id, avatar_id, session_id, sender, content, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    tx.run(text, params![c.user_id, c.avatar_id, c.session_id, sender, content, now]).await
}

/// Counts a message; a summary is set once.
pub(super) async fn touch(tx: &mut Tx, c: &Conversation<'_>, summary: &str, now: Millis) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_interactions SET message_count = message_count + 1, last_message_at = $3,
                first_message_at = COALESCE(first_message_at, $3),
                summary = CASE WHEN summary = '' THEN $4 ELSE summary END
         WHERE user_id = $1 AND session_id = $2"
    );
    tx.run(text, params![c.user_id, c.session_id, now, summary]).await
}

pub(super) async fn count_traffic(
    tx: &mut Tx,
    c: &Conversation<'_>,
    slot: i64,
    messages: i64,
) -> Result<(), StoreError> {
    let text = sql!(
        "INSERT INTO avatar_traffic (avatar_id, user_id, slot, visitor, first_slot, messages)
         VALUES ($1, $2, $3, $4,
           COALESCE((SELECT MIN(t.slot) FROM avatar_traffic t WHERE t.avatar_id = $1 AND t.visitor = $4), $3), $5)
         ON CONFLICT (avatar_id, slot, visitor) DO UPDATE SET messages = avatar_traffic.messages + $5"
    );
    tx.run(text, params![c.avatar_id, c.user_id, slot, c.visitor, messages]).await.map(drop)
}

/// The messages go with it.
pub(super) async fn delete(tx: &mut Tx, c: &Conversation<'_>) -> Result<u64, StoreError> {
    let text = sql!("DELETE FROM avatar_interactions WHERE user_id = $1 AND avatar_id = $2 AND session_id = $3");
    tx.run(text, params![c.user_id, c.avatar_id, c.session_id]).await
}

pub(super) async fn rename_traffic(tx: &mut Tx, c: &Conversation<'_>, nobody: &str) -> Result<u64, StoreError> {
    let text = sql!("UPDATE avatar_traffic SET visitor = $4 WHERE user_id = $1 AND avatar_id = $2 AND visitor = $3");
    tx.run(text, params![c.user_id, c.avatar_id, c.visitor, nobody]).await
}

pub(super) async fn list(
    tx: &mut Tx,
    user_id: i64,
    avatar_id: i64,
    page: Page,
) -> Result<Vec<Interaction>, StoreError> {
    let text = sql!(
        "SELECT id, visitor_name, message_count, COALESCE(last_message_at - first_message_at, 0) AS duration, summary,
                created_at
         FROM avatar_interactions WHERE user_id = $1 AND avatar_id = $2 ORDER BY id DESC LIMIT $3 OFFSET $4"
    );
    let interaction = |row: &Row| {
        Ok(Interaction {
            id: row.get("id")?,
            visitor_name: row.get("visitor_name")?,
            message_count: row.get("message_count")?,
            duration_ms: row.get("duration")?,
            summary: row.get("summary")?,
            created_at: row.get("created_at")?,
        })
    };
    tx.all(text, params![user_id, avatar_id, page.size, page.offset()]).await?.iter().map(interaction).collect()
}

pub(super) async fn count(store: &Store, user_id: i64, avatar_id: i64) -> Result<i64, StoreError> {
    let text = sql!("SELECT COUNT(*) AS total FROM avatar_interactions WHERE user_id = $1 AND avatar_id = $2");
    store.opt(text, params![user_id, avatar_id]).await?.map_or(Ok(0), |row| row.get("total"))
}

/// Who came in a time, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Visitors who came.
    pub visitors: i64,
    /// Those of them who had never come before.
    pub new_visitors: i64,
    /// Those of them who said something.
    pub talkers: i64,
    /// Messages of visitors.
    pub messages: i64,
}

/// The traffic of `from <= slot < to`.
pub(in crate::avatars) async fn traffic(
    tx: &mut Tx,
    user_id: i64,
    avatar_id: i64,
    (from, to): (i64, i64),
) -> Result<Traffic, StoreError> {
    let text = sql!(
        "SELECT COUNT(DISTINCT visitor) AS visitors,
                COUNT(DISTINCT CASE WHEN first_slot >= $3 THEN visitor END) AS new_visitors,
                COUNT(DISTINCT CASE WHEN messages > 0 THEN visitor END) AS talkers,
                CAST(COALESCE(SUM(messages), 0) AS BIGINT) AS messages
         FROM avatar_traffic WHERE user_id = $1 AND avatar_id = $2 AND slot >= $3 AND slot < $4"
    );
    let Some(row) = tx.opt(text, params![user_id, avatar_id, from, to]).await? else { return Ok(Traffic::default()) };
    Ok(Traffic {
        visitors: row.get("visitors")?,
        new_visitors: row.get("new_visitors")?,
        talkers: row.get("talkers")?,
        messages: row.get("messages")?,
    })
}

/// A message for the export.
#[derive(Clone, Debug)]
pub(in crate::avatars) struct Said {
    pub(in crate::avatars) id: i64,
    pub(in crate::avatars) session_id: String,
    pub(in crate::avatars) visitor_name: String,
    pub(in crate::avatars) sender: String,
    pub(in crate::avatars) content: String,
    pub(in crate::avatars) created_at: Millis,
}

/// Messages of an avatar, the newest first: those before `(created_at, id)`, and not older than `since`.
pub(in crate::avatars) async fn export_page(
    store: &Store,
    user_id: i64,
    avatar_id: i64,
    before: (Millis, i64),
    since: Millis,
    limit: i64,
) -> Result<Vec<Said>, StoreError> {
    let text = sql!(
        "SELECT m.id, m.session_id, i.visitor_name, m.sender, m.content, m.created_at
         FROM avatar_messages m JOIN avatar_interactions i ON i.session_id = m.session_id
         WHERE m.user_id = $1 AND m.avatar_id = $2 AND (m.created_at, m.id) < ($3, $4) AND m.created_at >= $6
         ORDER BY m.created_at DESC, m.id DESC LIMIT $5"
    );
    let said = |row: &Row| {
        Ok(Said {
            id: row.get("id")?,
            session_id: row.get("session_id")?,
            visitor_name: row.get("visitor_name")?,
            sender: row.get("sender")?,
            content: row.get("content")?,
            created_at: row.get("created_at")?,
        })
    };
    store.all(text, params![user_id, avatar_id, before.0, before.1, limit, since]).await?.iter().map(said).collect()
}

pub(super) async fn reclaim_messages(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM avatar_messages WHERE id IN
           (SELECT id FROM avatar_messages WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
    );
    tx.run(text, params![before, limit]).await
}

pub(super) async fn reclaim_traffic(tx: &mut Tx, before_slot: i64, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM avatar_traffic WHERE (avatar_id, slot, visitor) IN
           (SELECT avatar_id, slot, visitor FROM avatar_traffic WHERE slot < $1 ORDER BY slot LIMIT $2)"
    );
    tx.run(text, params![before_slot, limit]).await
}
