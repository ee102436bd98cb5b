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
