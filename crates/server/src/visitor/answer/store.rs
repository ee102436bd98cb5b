//! SQL of the lease and of messages that are being answered.

use secondme_jobs::AHEAD;
use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

/// A visitor's message that waits for its answer.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) id: i64,
    pub(super) content: String,
    /// The message that answers it, when that was begun before.
    pub(super) reply_id: Option<String>,
    /// How often its answer was begun.
    pub(super) attempts: i64,
}

/// How a conversation stands.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) head: i64,
    /// Whether a message waits.
    pub(super) waiting: bool,
    /// When its lease ends; the past: it is free.
    pub(super) free_from: Millis,
}

/// Takes or keeps the lease; 0 rows when somebody else has it.
pub(super) async fn hold(
    tx: &mut Tx,
    session_id: &str,
    holder: &str,
    now: Millis,
    until: Millis,
) -> Result<u64, StoreError> {
    // A lease that ends later than any that can be taken now is of a clock that has gone back since, as is its holder.
    let ahead = until.saturating_add(AHEAD);
    tx.run(
        sql!(
            "UPDATE visitor_sessions SET answering = $2, answering_until = $4
             WHERE session_id = $1 AND (answering IS NULL OR answering = $2 OR answering_until <= $3 OR answering_until > $5)"
        ),
        params![session_id, holder, now, until, ahead],
    )
    .await
}

/// Keeps the lease; 0 rows when it is lost.
pub(super) async fn extend(tx: &mut Tx, session_id: &str, holder: &str, until: Millis) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE visitor_sessions SET answering_until = $3 WHERE session_id = $1 AND answering = $2"),
        params![session_id, holder, until],
    )
    .await
}

pub(super) async fn release(tx: &mut Tx, session_id: &str, holder: &str) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE visitor_sessions SET answering = NULL, answering_until = 0
             WHERE session_id = $1 AND answering = $2"
        ),
        params![session_id, holder],
    )
    .await
}

pub(super) async fn next_question(tx: &mut Tx, session_id: &str) -> Result<Option<Question>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT id, content, reply_id, attempts FROM visitor_messages
                 WHERE session_id = $1 AND state = 'waiting' ORDER BY id LIMIT 1"
            ),
            params![session_id],
        )
        .await?;
    row.map(|row| {
        Ok(Question {
            id: row.get("id")?,
            content: row.get("content")?,
            reply_id: row.get("reply_id")?,
            attempts: row.get("attempts")?,
        })
    })
    .transpose()
}

/// Notes that a message's answer is begun, for the first time or again.
pub(super) async fn begin(tx: &mut Tx, session_id: &str, id: i64, reply_id: &str) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE visitor_messages SET reply_id = $3, attempts = attempts + 1
             WHERE session_id = $1 AND id = $2 AND state = 'waiting'"
        ),
        params![session_id, id, reply_id],
    )
    .await
}

/// A message no longer waits.
pub(super) async fn settle(tx: &mut Tx, session_id: &str, id: i64, state: &str) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE visitor_messages SET state = $3 WHERE session_id = $1 AND id = $2 AND state = 'waiting'"),
        params![session_id, id, state],
    )
    .await
}

/// Messages whose answer was not begun are left to the owner, who has taken over.
pub(in crate::visitor) async fn leave_to_owner(tx: &mut Tx, session_id: &str) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE visitor_messages SET state = 'owner'
             WHERE session_id = $1 AND state = 'waiting' AND reply_id IS NULL"
        ),
        params![session_id],
    )
    .await
}

pub(super) async fn state(store: &Store, session_id: &str) -> Result<Option<State>, StoreError> {
    let row = store
        .opt(
            sql!(
                "SELECT s.head, s.answering_until,
                    EXISTS (SELECT 1 FROM visitor_messages m WHERE m.session_id = s.session_id AND m.state = 'waiting')
                        AS waiting
                 FROM visitor_sessions s WHERE s.session_id = $1"
            ),
            params![session_id],
        )
        .await?;
    row.map(|row| {
        Ok(State { head: row.get("head")?, waiting: row.get("waiting")?, free_from: row.get("answering_until")? })
    })
    .transpose()
}

/// A message of the past.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) id: i64,
    pub(super) message_id: String,
    pub(super) author: String,
    pub(super) content: String,
    pub(super) state: String,
    pub(super) reply_id: Option<String>,
}

pub(super) async fn message_count(tx: &mut Tx, session_id: &str) -> Result<i64, StoreError> {
    let row =
        tx.opt(sql!("SELECT message_count FROM visitor_sessions WHERE session_id = $1"), params![session_id]).await?;
    row.map_or(Ok(0), |row| row.get("message_count"))
}

/// Messages in the order they were stored, without the first `skip`.
pub(super) async fn said(tx: &mut Tx, session_id: &str, skip: i64, limit: i64) -> Result<Vec<Said>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT id, message_id, author, content, state, reply_id FROM visitor_messages
                 WHERE session_id = $1 ORDER BY id LIMIT $2 OFFSET $3"
            ),
            params![session_id, limit, skip],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Said {
                id: row.get("id")?,
                message_id: row.get("message_id")?,
                author: row.get("author")?,
                content: row.get("content")?,
                state: row.get("state")?,
                reply_id: row.get("reply_id")?,
            })
        })
        .collect()
}
