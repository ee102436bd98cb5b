//! SQL of spoken texts.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

use super::Kept;

/// A text that was spoken before.
pub(super) async fn find(store: &Store, user_id: i64, hash: &[u8; 32]) -> Result<Option<Kept>, StoreError> {
    let sql = sql!("SELECT name, duration_ms, sample_rate FROM spoken_texts WHERE user_id = $1 AND spoken_hash = $2");
    let row = store.opt(sql, params![user_id, hash.as_slice()]).await?;
    row.map(|row| {
        let (duration_ms, sample_rate) = (row.get("duration_ms")?, row.get("sample_rate")?);
        Ok(Kept { name: row.get("name")?, duration_ms, sample_rate })
    })
    .transpose()
}

/// Another node may have spoken the same meanwhile: the first one stays.
pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    hash: &[u8; 32],
    kept: &Kept,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO spoken_texts (user_id, spoken_hash, name, duration_ms, sample_rate, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (spoken_hash) DO NOTHING"
    );
    let Kept { name, duration_ms, sample_rate } = kept;
    tx.run(sql, params![user_id, hash.as_slice(), name.as_str(), *duration_ms, *sample_rate, now]).await
}
