//! SQL of key memories, their sources and links.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{KeyMemory, NewMemory, Source};
use crate::memory::words;

pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    new: &NewMemory<'_>,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    let insert = sql!(
        "INSERT INTO key_memories (user_id, kind, actor, object, content, search_text, fingerprint, visibility, data_type,
            read_status, state, confidence, valid_from, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'ACTIVE', $11, $12, $13, $13)
         ON CONFLICT (user_id, fingerprint) WHERE state = 'ACTIVE' DO NOTHING RETURNING id"
    );
    let read = if new.data_type == "MANUAL" { "READ" } else { "UNREAD" };
    let row = tx
        .opt(
            insert,
            params![
                user_id,
                new.kind,
                new.actor,
                new.object,
                new.content,
                search_text(new.actor, new.object, new.content),
                words::fingerprint(new.content),
                new.visibility,
                new.data_type,
                read,
                new.confidence,
                new.valid_from,
                now
            ],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}

fn search_text(actor: &str, object: &str, content: &str) -> String {
    format!("{actor}\n{object}\n{content}").to_lowercase()
}

/// Notes that the memory with these words was heard again; its id.
pub(super) async fn touch_same(
    tx: &mut Tx,
    user_id: i64,
    fingerprint: &[u8; 32],
    now: Millis,
) -> Result<i64, StoreError> {
    let touch = sql!(
        "UPDATE key_memories SET updated_at = $3
         WHERE user_id = $1 AND fingerprint = $2 AND state = 'ACTIVE' RETURNING id"
    );
    tx.opt(touch, params![user_id, fingerprint, now]).await?.map_or(Ok(0), |row| row.get("id"))
}

/// Notes that a memory was heard again, a little surer now.
pub(super) async fn touch(tx: &mut Tx, user_id: i64, id: i64, now: Millis) -> Result<u64, StoreError> {
    let touch = sql!(
        "UPDATE key_memories SET updated_at = $3, confidence = confidence + (1.0 - confidence) * 0.2
         WHERE user_id = $1 AND id = $2"
    );
    tx.run(touch, params![user_id, id, now]).await
}

pub(super) async fn insert_source(
    tx: &mut Tx,
    user_id: i64,
    memory_id: i64,
    source: &Source,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO key_memory_sources (memory_id, user_id, source_kind, source_id, app_id, happened_at)
             SELECT id, user_id, $3, $4, $5, $6 FROM key_memories WHERE user_id = $1 AND id = $2
             ON CONFLICT (memory_id, source_kind, source_id) DO NOTHING"
        ),
        params![user_id, memory_id, source.kind, &source.id, &source.app_id, source.at],
    )
    .await
}

/// The app that alone contributed a memory, if it was one.
pub(super) async fn only_app(tx: &mut Tx, user_id: i64, memory_id: i64) -> Result<Option<String>, StoreError> {
    let sql = sql!(
        "SELECT MIN(app_id) AS app_id FROM key_memory_sources WHERE user_id = $1 AND memory_id = $2
         HAVING MIN(app_id) = MAX(app_id) AND MIN(app_id) <> ''"
    );
    tx.opt(sql, params![user_id, memory_id]).await?.map(|row| row.get("app_id")).transpose()
}

pub(super) async fn sources(tx: &mut Tx, user_id: i64, memory_id: i64) -> Result<Vec<Source>, StoreError> {
    let sql = sql!(
        "SELECT source_kind, source_id, app_id, happened_at FROM key_memory_sources
         WHERE user_id = $1 AND memory_id = $2 ORDER BY happened_at, source_id"
    );
    let rows = tx.all(sql, params![user_id, memory_id]).await?;
    let sources = rows.iter().map(|row| {
        let kind: String = row.get("source_kind")?;
        let kind = ["message", "note", "event"].into_iter().find(|known| *known == kind).unwrap_or("api");
        Ok(Source { kind, id: row.get("source_id")?, app_id: row.get("app_id")?, at: row.get("happened_at")? })
    });
    sources.collect()
}

pub(super) async fn find(tx: &mut Tx, user_id: i64, id: i64) -> Result<Option<KeyMemory>, StoreError> {
    let sql = sql!("SELECT * FROM key_memories WHERE user_id = $1 AND id = $2");
    tx.opt(sql, params![user_id, id]).await?.as_ref().map(memory).transpose()
}

pub(super) async fn count(tx: &mut Tx, user_id: i64, patterns: &[String; 4]) -> Result<i64, StoreError> {
    let sql = sql!(
        "SELECT COUNT(*) AS total FROM key_memories WHERE user_id = $1 AND search_text LIKE $2 ESCAPE '\\'
            AND search_text LIKE $3 ESCAPE '\\' AND search_text LIKE $4 ESCAPE '\\' AND search_text LIKE $5 ESCAPE '\\'"
    );
    let [a, b, c, d] = patterns;
    tx.opt(sql, params![user_id, a, b, c, d]).await?.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn search(
    tx: &mut Tx,
    user_id: i64,
    patterns: &[String; 4],
    page: Page,
) -> Result<Vec<KeyMemory>, StoreError> {
    let sql = sql!(
        "SELECT * FROM key_memories WHERE user_id = $1 AND search_text LIKE $2 ESCAPE '\\'
            AND search_text LIKE $3 ESCAPE '\\' AND search_text LIKE $4 ESCAPE '\\' AND search_text LIKE $5 ESCAPE '\\'
         ORDER BY updated_at DESC, id DESC LIMIT $6 OFFSET $7"
    );
    let [a, b, c, d] = patterns;
    tx.all(sql, params![user_id, a, b, c, d, page.size, page.offset()]).await?.iter().map(memory).collect()
}

/// Active memories, the last changed first.
pub(super) async fn active(tx: &mut Tx, user_id: i64, limit: i64) -> Result<Vec<KeyMemory>, StoreError> {
    let sql = sql!(
        "SELECT * FROM key_memories WHERE user_id = $1 AND state = 'ACTIVE' ORDER BY updated_at DESC, id DESC LIMIT $2"
    );
    tx.all(sql, params![user_id, limit]).await?.iter().map(memory).collect()
}

pub(super) async fn last_changes(store: &Store) -> Result<Vec<(i64, Millis)>, StoreError> {
    let sql = sql!("SELECT user_id, MAX(updated_at) AS changed FROM key_memories GROUP BY user_id ORDER BY user_id");
    let rows = store.all(sql, params![]).await?;
    rows.iter().map(|row| Ok((row.get("user_id")?, row.get("changed")?))).collect()
}

pub(super) async fn mark_read(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE key_memories SET read_status = 'READ' WHERE user_id = $1 AND id = $2");
    tx.run(sql, params![user_id, id]).await
}

pub(super) async fn update(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    content: Option<&str>,
    visibility: Option<i64>,
    now: Millis,
) -> Result<u64, StoreError> {
    let Some(old) = find(tx, user_id, id).await? else { return Ok(0) };
    let content = content.unwrap_or(&old.content);
    let sql = sql!(
        "UPDATE key_memories SET content = $3, search_text = $4, fingerprint = $5, visibility = $6, updated_at = $7,
            read_status = 'READ' WHERE user_id = $1 AND id = $2"
    );
    let search = search_text(&old.actor, &old.object, content);
    let visibility = visibility.unwrap_or(old.visibility);
    tx.run(sql, params![user_id, id, content, search, words::fingerprint(content), visibility, now]).await
}

/// Ends another active memory that says these words, so that there is one.
pub(super) async fn retire_same(
    tx: &mut Tx,
    user_id: i64,
    keep: i64,
    fingerprint: &[u8; 32],
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE key_memories SET state = 'SUPERSEDED', superseded_by = $2, valid_until = $4, updated_at = $4
         WHERE user_id = $1 AND id <> $2 AND fingerprint = $3 AND state = 'ACTIVE'"
    );
    tx.run(sql, params![user_id, keep, fingerprint, now]).await
}

/// Ends a memory: something newer is true since `at`.
pub(super) async fn supersede(
    tx: &mut Tx,
    user_id: i64,
    old: i64,
    new: i64,
    at: Millis,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE key_memories SET state = 'SUPERSEDED', superseded_by = $3, valid_until = $4, updated_at = $5
         WHERE user_id = $1 AND id = $2 AND state = 'ACTIVE'"
    );
    tx.run(sql, params![user_id, old, new, at, now]).await
}

pub(super) async fn link(
    tx: &mut Tx,
    user_id: i64,
    from: i64,
    to: i64,
    relation: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO key_memory_links (from_id, to_id, user_id, relation, created_at) VALUES ($2, $3, $1, $4, $5)
         ON CONFLICT (from_id, to_id) DO NOTHING"
    );
    tx.run(sql, params![user_id, from, to, relation, now]).await
}

pub(super) async fn links(tx: &mut Tx, user_id: i64, id: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = sql!("SELECT to_id, relation FROM key_memory_links WHERE user_id = $1 AND from_id = $2 ORDER BY to_id");
    let rows = tx.all(sql, params![user_id, id]).await?;
    rows.iter().map(|row| Ok((row.get("to_id")?, row.get("relation")?))).collect()
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("DELETE FROM key_memories WHERE user_id = $1 AND id = $2"), params![user_id, id]).await? == 1)
}

/// Takes an app out of the sources of at most `limit` memories; the memories that had it.
pub(in crate::memory) async fn disown(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    limit: i64,
) -> Result<Vec<i64>, StoreError> {
    let select = sql!(
        "SELECT DISTINCT memory_id FROM key_memory_sources WHERE user_id = $1 AND app_id = $2 ORDER BY memory_id LIMIT $3"
    );
    let rows = tx.all(select, params![user_id, app_id, limit]).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.get("memory_id")).collect::<Result<_, _>>()?;
    let delete = sql!("DELETE FROM key_memory_sources WHERE user_id = $1 AND app_id = $2 AND memory_id = $3");
    for id in &ids {
        tx.run(delete, params![user_id, app_id, *id]).await?;
    }
    Ok(ids)
}

/// Takes a thing from the sources of the memories that were learned from it; their ids.
pub(in crate::memory) async fn disown_thing(
    tx: &mut Tx,
    user_id: i64,
    kind: &str,
    id: &str,
) -> Result<Vec<i64>, StoreError> {
    let delete = sql!(
        "DELETE FROM key_memory_sources WHERE user_id = $1 AND source_kind = $2 AND source_id = $3 RETURNING memory_id"
    );
    tx.all(delete, params![user_id, kind, id]).await?.iter().map(|row| row.get("memory_id")).collect()
}

fn memory(row: &Row) -> Result<KeyMemory, StoreError> {
    Ok(KeyMemory {
        id: row.get("id")?,
        kind: row.get("kind")?,
        actor: row.get("actor")?,
        object: row.get("object")?,
        content: row.get("content")?,
        visibility: row.get("visibility")?,
        data_type: row.get("data_type")?,
        read_status: row.get("read_status")?,
        state: row.get("state")?,
        confidence: row.get("confidence")?,
        valid_from: row.get("valid_from")?,
        valid_until: row.get("valid_until")?,
        superseded_by: row.get("superseded_by")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
