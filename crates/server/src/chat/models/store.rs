//! SQL of the model that the operator chose.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

const NAME: &str = "model";

pub(super) async fn chosen(store: &Store) -> Result<Option<String>, StoreError> {
    let row = store.opt(sql!("SELECT value FROM server_facts WHERE name = $1"), params![NAME]).await?;
    row.map(|row| row.get("value")).transpose()
}

pub(super) async fn choose(tx: &mut Tx, value: &str, now: Millis) -> Result<u64, StoreError> {
    let put = sql!(
        "INSERT INTO server_facts (name, value, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"
    );
    tx.run(put, params![NAME, value, now]).await
}
