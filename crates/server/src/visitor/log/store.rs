//! SQL of the log. Who reads or writes here was admitted to this one session before: by a signed credential, as its owner, or
//! as the holder of its lease.

use secondme_store::{StoreError, Tx, params, sql};

use super::frame::{self, Draft};
use super::{END, Frame};

/// The last number of a log, and the session's epoch.
pub(super) async fn head(tx: &mut Tx, session_id: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let row =
        tx.opt(sql!("SELECT head, epoch FROM visitor_sessions WHERE session_id = $1"), params![session_id]).await?;
    row.map(|row| Ok((row.get("head")?, row.get("epoch")?))).transpose()
}

pub(super) async fn after(tx: &mut Tx, session_id: &str, cursor: i64, limit: i64) -> Result<Vec<Frame>, StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT seq, sender, message_id, position, answer, extra FROM visitor_frames
                 WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
            ),
            params![session_id, cursor, limit],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let (sender, message_id, answer): (String, String, String) =
                (row.get("sender")?, row.get("message_id")?, row.get("answer")?);
            let draft = Draft {
                sender: frame::sender(&sender),
                message_id: &message_id,
                position: row.get("position")?,
                answer: &answer,
                extra: row.get("extra")?,
            };
            Ok(draft.frame(session_id, row.get("seq")?))
        })
        .collect()
}

/// The first frame of a reply that has no message yet.
pub(super) async fn unfinished(tx: &mut Tx, session_id: &str) -> Result<Option<i64>, StoreError> {
    let unfinished = sql!(
        "SELECT f.seq FROM visitor_frames f WHERE f.session_id = $1 AND f.sender = 'umm' AND NOT EXISTS (
            SELECT 1 FROM visitor_messages m WHERE m.session_id = f.session_id AND m.message_id = f.message_id)
         ORDER BY f.seq LIMIT 1"
    );
    tx.opt(unfinished, params![session_id]).await?.map(|row| row.get("seq")).transpose()
}

/// The numbers of new frames: the row stays locked until the transaction is over, so numbers become visible in order.
pub(super) async fn advance(tx: &mut Tx, session_id: &str, count: i64) -> Result<Option<i64>, StoreError> {
    let advance = sql!("UPDATE visitor_sessions SET head = head + $2 WHERE session_id = $1 RETURNING head");
    let row = tx.opt(advance, params![session_id, count]).await?;
    row.map(|row| row.get("head")).transpose()
}

pub(super) async fn advance_held(
    tx: &mut Tx,
    session_id: &str,
    count: i64,
    token: &str,
    until: i64,
) -> Result<Option<i64>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "UPDATE visitor_sessions SET head = head + $2, answering_until = $4
                 WHERE session_id = $1 AND answering = $3 RETURNING head"
            ),
            params![session_id, count, token, until],
        )
        .await?;
    row.map(|row| row.get("head")).transpose()
}

pub(super) async fn insert(
    tx: &mut Tx,
    session_id: &str,
    seq: i64,
    draft: &Draft<'_>,
    now: i64,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO visitor_frames (session_id, seq, sender, message_id, position, answer, extra, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        params![session_id, seq, draft.sender, draft.message_id, draft.position, draft.answer, &draft.extra, now],
    )
    .await
}

pub(super) async fn said(tx: &mut Tx, session_id: &str, message_id: &str) -> Result<(String, i64), StoreError> {
    let rows = tx
        .all(
            sql!(
                "SELECT answer FROM visitor_frames
                 WHERE session_id = $1 AND message_id = $2 AND sender = 'umm' AND position <> $3 ORDER BY seq"
            ),
            params![session_id, message_id, END],
        )
        .await?;
    let mut said = String::new();
    for row in &rows {
        said.push_str(&row.get::<String>("answer")?);
    }
    Ok((said, i64::try_from(rows.len()).unwrap_or(i64::MAX)))
}

pub(super) async fn reclaim(tx: &mut Tx, before: i64, limit: i64) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            sqlite: "DELETE FROM visitor_frames WHERE rowid IN
                       (SELECT rowid FROM visitor_frames WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            postgres: "DELETE FROM visitor_frames WHERE ctid IN
                       (SELECT ctid FROM visitor_frames WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        ),
        params![before, limit],
    )
    .await
}
