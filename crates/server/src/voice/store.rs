//! SQL of spoken texts.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

use super::Measures;

/// A spoken text's measures, if it was spoken before.
pub(super) async fn find(store: &Store, user_id: i64, hash: &[u8; 32]) -> Result<Option<Measures>, StoreError> {
    let sql = sql!("SELECT duration_ms, sample_rate FROM spoken_texts WHERE user_id = $1 AND spoken_hash = $2");
    let row = store.opt(sql, params![user_id, hash.as_slice()]).await?;
    row.map(|row| Ok(Measures { duration_ms: row.get("duration_ms")?, sample_rate: row.get("sample_rate")? }))
        .transpose()
}

/// The file of a public address. The address is the secret, so no owner is asked for.
pub(super) async fn audio(store: &Store, hash: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let row = store.opt(sql!("SELECT audio FROM spoken_texts WHERE spoken_hash = $1"), params![hash]).await?;
    row.map(|row| row.get("audio")).transpose()
}

/// Another node may have spoken the same meanwhile: the first one stays.
pub(super) async fn insert(
    tx: &mut Tx,
    user_id: i64,
    hash: &[u8; 32],
    measures: Measures,
    audio: &[u8],
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO spoken_texts (user_id, spoken_hash, audio, duration_ms, sample_rate, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (spoken_hash) DO NOTHING"
    );
    let Measures { duration_ms, sample_rate } = measures;
    tx.run(sql, params![user_id, hash.as_slice(), audio, duration_ms, sample_rate, now]).await
}
