//! SQL of entries, their words, and what has gone.

use secondme_store::{StoreError, Tx, params, sql};

use super::{Entry, Kind};

/// How many of a user's latest changes remember what has gone; who is further behind starts anew.
pub(crate) const GONE_KEPT: i64 = 20_000;

/// The number of the user's next change. Its row stays locked until the commit, so numbers become visible in order.
pub(super) async fn next_version(tx: &mut Tx, user_id: i64) -> Result<i64, StoreError> {
    let row = tx
        .opt(
            sql!(
                "INSERT INTO memory_heads (user_id, version) VALUES ($1, 1)
                 ON CONFLICT (user_id) DO UPDATE SET version = memory_heads.version + 1 RETURNING version"
            ),
            params![user_id],
        )
        .await?;
    row.map_or(Ok(0), |row| row.get("version"))
}

/// Deletes the entry for a thing; its id.
pub(super) async fn take(tx: &mut Tx, user_id: i64, kind: Kind, item_id: &str) -> Result<Option<i64>, StoreError> {
    let row = tx
        .opt(
            sql!("DELETE FROM memory_entries WHERE user_id = $1 AND kind = $2 AND item_id = $3 RETURNING id"),
            params![user_id, kind.as_str(), item_id],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}

pub(super) async fn note_gone(tx: &mut Tx, user_id: i64, version: i64, entry_id: i64) -> Result<(), StoreError> {
    let insert = sql!("INSERT INTO memory_gone (user_id, version, entry_id) VALUES ($1, $2, $3)");
    tx.run(insert, params![user_id, version, entry_id]).await?;
    let forget = sql!("DELETE FROM memory_gone WHERE user_id = $1 AND version <= $2");
    tx.run(forget, params![user_id, version - GONE_KEPT]).await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, entry: &Entry<'_>, text: &str, version: i64) -> Result<i64, StoreError> {
    let row = tx
        .opt(
            sql!(
                "INSERT INTO memory_entries (user_id, kind, item_id, version, audience, app_id, content, speaker,
                    conversation, position, happened_at, importance)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id"
            ),
            params![
                entry.user_id,
                entry.kind.as_str(),
                &entry.item_id,
                version,
                entry.audience.text(),
                entry.app_id,
                text,
                entry.speaker,
                entry.conversation,
                entry.position,
                entry.happened_at,
                entry.importance.clamp(0.0, 1.0)
            ],
        )
        .await?;
    row.map_or(Ok(0), |row| row.get("id"))
}

pub(super) async fn insert_words(tx: &mut Tx, id: i64, words: &str) -> Result<(), StoreError> {
    let sql = sql!(
        sqlite: "INSERT INTO memory_words (rowid, words) VALUES ($1, $2)",
        postgres: "INSERT INTO memory_words (entry_id, words) VALUES ($1, to_tsvector('simple', $2))",
    );
    tx.run(sql, params![id, words]).await?;
    Ok(())
}

pub(super) async fn set_audience(
    tx: &mut Tx,
    user_id: i64,
    kind: Kind,
    item_id: &str,
    audience: &str,
    version: i64,
) -> Result<(), StoreError> {
    let sql =
        sql!("UPDATE memory_entries SET audience = $4, version = $5 WHERE user_id = $1 AND kind = $2 AND item_id = $3");
    tx.run(sql, params![user_id, kind.as_str(), item_id, audience, version]).await?;
    Ok(())
}
