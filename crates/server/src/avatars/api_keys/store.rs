//! SQL of avatar keys.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::{Row, StoreError, Tx, params, sql};

use super::ApiKey;

/// The enabled key with this hash, and its avatar.
pub(super) async fn opened_by(tx: &mut Tx, hash: &Digest32) -> Result<Option<(i64, i64)>, StoreError> {
    let text = sql!("SELECT id, avatar_id FROM avatar_api_keys WHERE secret_hash = $1 AND enabled = TRUE");
    tx.opt(text, params![hash]).await?.map(|row| Ok((row.get("id")?, row.get("avatar_id")?))).transpose()
}

pub(super) async fn reopened_by(tx: &mut Tx, id: i64) -> Result<Option<i64>, StoreError> {
    let text = sql!("SELECT avatar_id FROM avatar_api_keys WHERE id = $1 AND enabled = TRUE");
    tx.opt(text, params![id]).await?.map(|row| row.get("avatar_id")).transpose()
}

pub(super) async fn count(tx: &mut Tx, user_id: i64, avatar_id: i64) -> Result<i64, StoreError> {
    let text = sql!("SELECT COUNT(*) AS total FROM avatar_api_keys WHERE user_id = $1 AND avatar_id = $2");
    tx.opt(text, params![user_id, avatar_id]).await?.map_or(Ok(0), |row| row.get("total"))
}

pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    avatar_id: i64,
    name: &str,
    hash: &Digest32,
    now: Millis,
) -> Result<i64, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_api_keys (user_id, avatar_id, name, secret_hash, created_at) VALUES ($1, $2, $3, $4, $5)
         RETURNING id"
    );
    let row = tx.opt(text, params![user_id, avatar_id, name, hash, now]).await?;
    row.map_or(Err(StoreError::Conflict), |row| row.get("id"))
}

pub(super) async fn put(
    tx: &mut Tx,
    (id, user_id, avatar_id): (i64, i64, i64),
    name: &str,
    hash: &Digest32,
    now: Millis,
) -> Result<u64, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_api_keys (id, user_id, avatar_id, name, secret_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
    );
    tx.run(text, params![id, user_id, avatar_id, name, hash, now]).await
}

pub(super) async fn list(tx: &mut Tx, user_id: i64, avatar_id: i64) -> Result<Vec<ApiKey>, StoreError> {
    let text = sql!(
        "SELECT id, avatar_id, name, enabled FROM avatar_api_keys WHERE user_id = $1 AND avatar_id = $2 ORDER BY id"
    );
    let key = |row: &Row| {
        Ok(ApiKey {
            id: row.get("id")?,
            avatar_id: row.get("avatar_id")?,
            name: row.get("name")?,
            enabled: row.get("enabled")?,
        })
    };
    tx.all(text, params![user_id, avatar_id]).await?.iter().map(key).collect()
}

pub(super) async fn update(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    name: Option<&str>,
    enabled: Option<bool>,
) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_api_keys SET name = COALESCE($3, name), enabled = COALESCE($4, enabled)
         WHERE user_id = $1 AND id = $2"
    );
    tx.run(text, params![user_id, id, name, enabled]).await
}

pub(super) async fn delete(tx: &mut Tx, user_id: i64, id: i64) -> Result<u64, StoreError> {
    tx.run(sql!("DELETE FROM avatar_api_keys WHERE user_id = $1 AND id = $2"), params![user_id, id]).await
}
