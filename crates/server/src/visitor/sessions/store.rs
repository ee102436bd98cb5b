//! SQL of conversations and their messages.

use secondme_kit::Millis;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::{Channel, Session, Standing};
use crate::visitor::who::Visitor;

/// Makes the row, or notes that the visitor is back: the app, key and name are those of the last time.
pub(super) async fn open(
    tx: &mut Tx,
    session_id: &str,
    visitor: &Visitor,
    (user_id, avatar_id): (i64, i64),
    (key_id, channel, name): (Option<i64>, &str, &str),
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO visitor_sessions (session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id,
                visitor_name, app_name, created_at, active_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
             ON CONFLICT (avatar_id, channel, visitor) DO UPDATE SET app_id = excluded.app_id, key_id = excluded.key_id,
                app_name = excluded.app_name, active_at = excluded.active_at,
                visitor_name = CASE WHEN excluded.visitor_name = '' THEN visitor_sessions.visitor_name
                                    ELSE excluded.visitor_name END"
        ),
        params![
            session_id,
            user_id,
            avatar_id,
            channel,
            &visitor.key,
            visitor.user_id,
            &visitor.app_id,
            key_id,
            name,
            &visitor.app_name,
            now
        ],
    )
    .await
}

pub(super) async fn of_visitor(
    tx: &mut Tx,
    avatar_id: i64,
    channel: &str,
    visitor: &str,
) -> Result<Option<Session>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id, visitor_name,
                    app_name, epoch, taken_over, blocked, active_at
                 FROM visitor_sessions WHERE avatar_id = $1 AND channel = $2 AND visitor = $3"
            ),
            params![avatar_id, channel, visitor],
        )
        .await?;
    row.map(|row| session(&row)).transpose()
}

pub(super) async fn get(tx: &mut Tx, session_id: &str) -> Result<Option<Session>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id, visitor_name,
                    app_name, epoch, taken_over, blocked, active_at
                 FROM visitor_sessions WHERE session_id = $1"
            ),
            params![session_id],
        )
        .await?;
    row.map(|row| session(&row)).transpose()
}

/// Where a user visits.
pub(super) async fn of_user(tx: &mut Tx, visitor_user_id: i64) -> Result<Vec<Session>, StoreError> {
    let text = sql!(
        "SELECT session_id, user_id, avatar_id, channel, visitor, visitor_user_id, app_id, key_id, visitor_name,
            app_name, epoch, taken_over, blocked, active_at
         FROM visitor_sessions WHERE visitor_user_id = $1 ORDER BY session_id"
    );
    tx.all(text, params![visitor_user_id]).await?.iter().map(session).collect()
}

/// A conversation from its row.
pub(in crate::visitor) fn session(row: &Row) -> Result<Session, StoreError> {
    let channel: String = row.get("channel")?;
    Ok(Session {
        session_id: row.get("session_id")?,
        user_id: row.get("user_id")?,
        avatar_id: row.get("avatar_id")?,
        channel: if channel == Channel::Sync.word() { Channel::Sync } else { Channel::Socket },
        visitor: row.get("visitor")?,
        visitor_user_id: row.get("visitor_user_id")?,
        app_id: row.get("app_id")?,
        key_id: row.get("key_id")?,
        visitor_name: row.get("visitor_name")?,
        app_name: row.get("app_name")?,
        epoch: row.get("epoch")?,
        taken_over: row.get("taken_over")?,
        blocked: row.get("blocked")?,
        active_at: row.get("active_at")?,
    })
}

pub(super) async fn standing(tx: &mut Tx, session_id: &str) -> Result<Option<Standing>, StoreError> {
    let row = tx
        .opt(
            sql!("SELECT epoch, head, acked, blocked, visitor_user_id FROM visitor_sessions WHERE session_id = $1"),
            params![session_id],
        )
        .await?;
    row.map(|row| {
        Ok(Standing {
            epoch: row.get("epoch")?,
            head: row.get("head")?,
            acked: row.get("acked")?,
            blocked: row.get("blocked")?,
            revoked: false,
            visitor_user_id: row.get("visitor_user_id")?,
        })
    })
    .transpose()
}

pub(super) async fn write_ack(tx: &mut Tx, session_id: &str, cursor: i64) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE visitor_sessions SET acked = $2 WHERE session_id = $1 AND acked < $2"),
        params![session_id, cursor],
    )
    .await
}

pub(super) async fn add_message(
    tx: &mut Tx,
    session: &Session,
    (message_id, author, state): (&str, &str, &str),
    text: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO visitor_messages (message_id, session_id, user_id, author, content, state, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        params![message_id, &session.session_id, session.user_id, author, text, state, now],
    )
    .await
}

pub(super) async fn touch(
    tx: &mut Tx,
    session_id: &str,
    author: &str,
    preview: &str,
    unread: i64,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE visitor_sessions SET message_count = message_count + 1, last_message = $3, last_author = $2,
                unread = unread + $4, active_at = $5 WHERE session_id = $1"
        ),
        params![session_id, author, preview, unread, now],
    )
    .await
}
