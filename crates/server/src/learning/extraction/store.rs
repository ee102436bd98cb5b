//! SQL of how far conversations have been learned from.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

pub(super) async fn reached(store: &Store, user_id: i64, conversation: &str) -> Result<i64, StoreError> {
    let sql = sql!("SELECT position FROM learning_cursors WHERE user_id = $1 AND conversation = $2");
    store.opt(sql, params![user_id, conversation]).await?.map_or(Ok(0), |row| row.get("position"))
}

pub(super) async fn reach(
    tx: &mut Tx,
    user_id: i64,
    conversation: &str,
    position: i64,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO learning_cursors (user_id, conversation, position, learned_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, conversation) DO UPDATE SET position = $3, learned_at = $4
         WHERE learning_cursors.position < $3"
    );
    tx.run(sql, params![user_id, conversation, position, now]).await
}
