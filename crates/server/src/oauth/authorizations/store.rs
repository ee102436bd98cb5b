//! SQL of authorizations.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

use super::Authorization;

pub(super) async fn upsert(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    fresh_id: &str,
    scopes: &str,
    now: Millis,
) -> Result<Authorization, StoreError> {
    let row = tx
        .opt(
            sql!(
                "INSERT INTO authorizations (user_id, app_id, app_scoped_user_id, scopes, granted_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (user_id, app_id) DO UPDATE
                   SET scopes = excluded.scopes, granted_at = excluded.granted_at, revoked_at = NULL
                 RETURNING id, app_scoped_user_id"
            ),
            params![user_id, app_id, fresh_id, scopes, now],
        )
        .await?
        .ok_or(StoreError::Conflict)?;
    Ok(Authorization { id: row.get("id")?, app_scoped_user_id: row.get("app_scoped_user_id")? })
}

pub(super) async fn app_scoped_user_id(
    store: &Store,
    user_id: i64,
    app_id: &str,
) -> Result<Option<String>, StoreError> {
    let row = store
        .opt(
            sql!("SELECT app_scoped_user_id FROM authorizations WHERE user_id = $1 AND app_id = $2"),
            params![user_id, app_id],
        )
        .await?;
    row.map(|row| row.get("app_scoped_user_id")).transpose()
}

pub(super) async fn revoke(tx: &mut Tx, user_id: i64, app_id: &str, now: Millis) -> Result<Option<i64>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "UPDATE authorizations SET revoked_at = $3
                 WHERE user_id = $1 AND app_id = $2 AND revoked_at IS NULL RETURNING id"
            ),
            params![user_id, app_id, now],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}
