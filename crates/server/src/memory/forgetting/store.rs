//! SQL of receipts.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

use super::{Counts, Receipt};

pub(super) async fn insert(tx: &mut Tx, user_id: i64, app_id: &str, id: &str, now: Millis) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO forget_receipts (id, user_id, app_id, requested_at) VALUES ($2, $1, $3, $4) ON CONFLICT (id) DO NOTHING"
    );
    tx.run(sql, params![user_id, id, app_id, now]).await
}

/// The counts so far; makes the receipt when whoever asked did not.
pub(super) async fn lock(tx: &mut Tx, user_id: i64, app_id: &str, id: &str, now: Millis) -> Result<Counts, StoreError> {
    insert(tx, user_id, app_id, id, now).await?;
    // An update that changes nothing also locks the row on PostgreSQL.
    let sql = sql!("UPDATE forget_receipts SET app_id = app_id WHERE user_id = $1 AND id = $2 RETURNING counts");
    let row = tx.opt(sql, params![user_id, id]).await?;
    let counts: Option<String> = row.map(|row| row.get("counts")).transpose()?;
    Ok(counts.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

pub(super) async fn set(
    tx: &mut Tx,
    user_id: i64,
    id: &str,
    counts: &Counts,
    finished: Option<Millis>,
) -> Result<u64, StoreError> {
    let sql = sql!("UPDATE forget_receipts SET counts = $3, finished_at = $4 WHERE user_id = $1 AND id = $2");
    let counts = serde_json::to_string(counts).unwrap_or_default();
    tx.run(sql, params![user_id, id, counts, finished]).await
}

pub(super) async fn list(store: &Store, user_id: i64) -> Result<Vec<Receipt>, StoreError> {
    let sql = sql!("SELECT * FROM forget_receipts WHERE user_id = $1 ORDER BY requested_at DESC, id");
    let rows = store.all(sql, params![user_id]).await?;
    let receipts = rows.iter().map(|row| {
        Ok(Receipt {
            id: row.get("id")?,
            app_id: row.get("app_id")?,
            requested_at: row.get("requested_at")?,
            finished_at: row.get("finished_at")?,
            counts: serde_json::from_str(&row.get::<String>("counts")?).unwrap_or_default(),
        })
    });
    receipts.collect()
}
