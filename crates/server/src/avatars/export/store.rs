//! SQL of exports.

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::Export;

pub(super) async fn insert(tx: &mut Tx, e: &Export) -> Result<u64, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_exports (job_id, user_id, avatar_id, status, language, time_zone, created_at, keep_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    );
    let values =
        params![&e.job_id, e.user_id, e.avatar_id, &e.status, &e.language, &e.time_zone, e.created_at, e.keep_until];
    tx.run(text, values).await
}

fn export(row: &Row) -> Result<Export, StoreError> {
    Ok(Export {
        job_id: row.get("job_id")?,
        user_id: row.get("user_id")?,
        avatar_id: row.get("avatar_id")?,
        status: row.get("status")?,
        language: row.get("language")?,
        time_zone: row.get("time_zone")?,
        file_name: row.get("file_name")?,
        message_count: row.get("message_count")?,
        truncated: row.get("truncated")?,
        created_at: row.get("created_at")?,
        keep_until: row.get("keep_until")?,
    })
}

pub(super) async fn get(store: &Store, user_id: i64, job_id: &str) -> Result<Option<Export>, StoreError> {
    let text = sql!(
        "SELECT job_id, user_id, avatar_id, status, language, time_zone, file_name, message_count, truncated, created_at,
                keep_until
         FROM avatar_exports WHERE user_id = $1 AND job_id = $2"
    );
    store.opt(text, params![user_id, job_id]).await?.as_ref().map(export).transpose()
}

/// Name and bytes of a finished file.
pub(super) async fn file(store: &Store, job_id: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    let text = sql!("SELECT file_name, content FROM avatar_exports WHERE job_id = $1 AND status = 'SUCCEEDED'");
    let file = |row: Row| Ok((row.get("file_name")?, row.get("content")?));
    store.opt(text, params![job_id]).await?.map(file).transpose()
}

pub(super) async fn set_status(tx: &mut Tx, user_id: i64, job_id: &str, status: &str) -> Result<u64, StoreError> {
    let text =
        sql!("UPDATE avatar_exports SET status = $3 WHERE user_id = $1 AND job_id = $2 AND status <> 'SUCCEEDED'");
    tx.run(text, params![user_id, job_id, status]).await
}

pub(super) async fn finish(
    tx: &mut Tx,
    e: &Export,
    file_name: &str,
    (count, truncated): (i64, bool),
    content: Vec<u8>,
) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_exports SET status = 'SUCCEEDED', file_name = $3, message_count = $4, truncated = $5, content = $6
         WHERE user_id = $1 AND job_id = $2"
    );
    tx.run(text, params![e.user_id, &e.job_id, file_name, count, truncated, content]).await
}

pub(super) async fn reclaim(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM avatar_exports WHERE job_id IN
           (SELECT job_id FROM avatar_exports WHERE keep_until <= $1 ORDER BY keep_until LIMIT $2)"
    );
    tx.run(text, params![now, limit]).await
}
