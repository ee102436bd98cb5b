//! SQL of entries, their words, and what has gone.

use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::waiting::Waiting;
use super::{Entry, GONE_KEPT, Kind};

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

pub(super) async fn insert(tx: &mut Tx, entry: &Entry<'_>, text: &str, version: i64) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO memory_entries (user_id, kind, item_id, version, audience, app_id, content, speaker,
                conversation, position, happened_at, importance)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
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
    Ok(())
}

fn waiting(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        id: row.get("id")?,
        user_id: row.get("user_id")?,
        text: row.get("content")?,
        speaker: row.get("speaker")?,
        before: None,
    })
}

/// Entries of all users whose words are not in the full text yet, the oldest first.
pub(super) async fn without_words(store: &Store, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let sql =
        sql!("SELECT id, user_id, content, speaker FROM memory_entries WHERE NOT worded ORDER BY user_id, id LIMIT $1");
    store.all(sql, params![limit]).await?.iter().map(waiting).collect()
}

/// Entries of all users that have no vector yet, the oldest first, with what stands before them.
pub(super) async fn without_vector(store: &Store, limit: i64) -> Result<Vec<Waiting>, StoreError> {
    let sql = sql!(
        "SELECT id, user_id, content, speaker, conversation, position, audience FROM memory_entries
         WHERE NOT embedded ORDER BY id LIMIT $1"
    );
    let mut tx = store.read().await?;
    let mut found = Vec::new();
    for row in &tx.all(sql, params![limit]).await? {
        found.push(Waiting { before: before(&mut tx, row).await?, ..waiting(row)? });
    }
    Ok(found)
}

async fn before(tx: &mut Tx, row: &Row) -> Result<Option<(String, Option<String>)>, StoreError> {
    let Some(conversation) = row.get::<Option<String>>("conversation")? else { return Ok(None) };
    let (user_id, id, position): (i64, i64, i64) = (row.get("user_id")?, row.get("id")?, row.get("position")?);
    let before = tx
        .opt(
            sql!(
                "SELECT content, speaker FROM memory_entries
                 WHERE user_id = $1 AND conversation = $2 AND (position, id) < ($3, $4) AND audience = $5
                 ORDER BY position DESC, id DESC LIMIT 1"
            ),
            params![user_id, conversation, position, id, row.get::<String>("audience")?],
        )
        .await?;
    before.map(|row| Ok((row.get("content")?, row.get("speaker")?))).transpose()
}

/// Whether the entry is still there without words; from now on it has them.
pub(super) async fn claim_words(tx: &mut Tx, entry: &Waiting) -> Result<bool, StoreError> {
    let sql = sql!("UPDATE memory_entries SET worded = TRUE WHERE user_id = $1 AND id = $2 AND NOT worded");
    Ok(tx.run(sql, params![entry.user_id, entry.id]).await? > 0)
}

/// Whether the entry is still there without a vector; from now on it has one.
pub(super) async fn claim_vector(tx: &mut Tx, entry: &Waiting) -> Result<bool, StoreError> {
    let sql = sql!("UPDATE memory_entries SET embedded = TRUE WHERE user_id = $1 AND id = $2 AND NOT embedded");
    Ok(tx.run(sql, params![entry.user_id, entry.id]).await? > 0)
}

pub(super) async fn insert_vector(
    tx: &mut Tx,
    entry: &Waiting,
    version: i64,
    model: &str,
    code: Vec<u8>,
) -> Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO memory_vectors (entry_id, user_id, version, model, code) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, model = excluded.model, code = excluded.code"
    );
    tx.run(sql, params![entry.id, entry.user_id, version, model, code]).await?;
    Ok(())
}

/// Takes the vectors of other models away, a batch at a time, so that the entries wait for new ones; how many.
pub(super) async fn forget_other_models(store: &Store, model: &str, limit: i64) -> Result<usize, StoreError> {
    let sql = sql!(
        "SELECT entry_id, user_id FROM memory_vectors WHERE model < $1
         UNION ALL SELECT entry_id, user_id FROM memory_vectors WHERE model > $1 LIMIT $2"
    );
    let rows = store.all(sql, params![model, limit]).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut tx = store.write().await?;
    for row in &rows {
        let (id, user_id): (i64, i64) = (row.get("entry_id")?, row.get("user_id")?);
        let wait = sql!("UPDATE memory_entries SET embedded = FALSE WHERE user_id = $1 AND id = $2");
        tx.run(wait, params![user_id, id]).await?;
        tx.run(sql!("DELETE FROM memory_vectors WHERE user_id = $1 AND entry_id = $2"), params![user_id, id]).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}

pub(super) async fn insert_words(tx: &mut Tx, id: i64, words: &str) -> Result<(), StoreError> {
    let sql = sql!(
        sqlite: "INSERT INTO memory_words (rowid, words) VALUES ($1, $2)",
        postgres: "INSERT INTO memory_words (entry_id, words) VALUES ($1, to_tsvector('simple', $2))",
    );
    tx.run(sql, params![id, words]).await?;
    Ok(())
}

/// What a user's entries stand for, in words and ids.
pub(super) async fn items(tx: &mut Tx, user_id: i64) -> Result<Vec<(String, String)>, StoreError> {
    let sql = sql!("SELECT kind, item_id FROM memory_entries WHERE user_id = $1 ORDER BY id");
    tx.all(sql, params![user_id]).await?.iter().map(|row| Ok((row.get("kind")?, row.get("item_id")?))).collect()
}

/// Entries of anybody that are said to be in the full text and are not.
pub(super) async fn wait_again(tx: &mut Tx) -> Result<u64, StoreError> {
    let sql = sql!(
        sqlite: "UPDATE memory_entries SET worded = FALSE
                 WHERE worded AND NOT EXISTS (SELECT 1 FROM memory_words WHERE memory_words.rowid = memory_entries.id)",
        postgres: "UPDATE memory_entries SET worded = FALSE
                   WHERE worded AND NOT EXISTS (SELECT 1 FROM memory_words WHERE entry_id = memory_entries.id)",
    );
    tx.run(sql, params![]).await
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
