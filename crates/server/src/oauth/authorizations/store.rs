//! SQL of authorizations.

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Active, Authorization, Connected};
use crate::access::Requested;

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

pub(super) async fn connected(store: &Store, user_id: i64) -> Result<Vec<Connected>, StoreError> {
    let connected = sql!(
        "SELECT z.id, z.app_id, a.client_id, a.name, z.scopes, z.granted_at, z.first_used_at, z.last_used_at
         FROM authorizations z JOIN apps a ON a.app_id = z.app_id
         WHERE z.user_id = $1 AND z.revoked_at IS NULL ORDER BY z.granted_at DESC, z.id"
    );
    store.all(connected, params![user_id]).await?.iter().map(row_of).collect()
}

fn row_of(row: &Row) -> Result<Connected, StoreError> {
    Ok(Connected {
        id: row.get("id")?,
        app_id: row.get("app_id")?,
        client_id: row.get("client_id")?,
        app_name: row.get("name")?,
        scopes: Requested::parse(&row.get::<String>("scopes")?).unwrap_or_default(),
        granted_at: row.get("granted_at")?,
        first_used_at: row.get("first_used_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}

pub(super) async fn active(store: &Store, user_id: i64, app_id: &str) -> Result<Option<Active>, StoreError> {
    let active =
        sql!("SELECT id, scopes FROM authorizations WHERE user_id = $1 AND app_id = $2 AND revoked_at IS NULL");
    let row = store.opt(active, params![user_id, app_id]).await?;
    let read = |row: Row| {
        let scopes: String = row.get("scopes")?;
        Ok(Active { id: row.get("id")?, scopes: Requested::parse(&scopes).unwrap_or_default() })
    };
    row.map(read).transpose()
}

pub(super) async fn find(store: &Store, user_id: i64, app_id: &str) -> Result<Option<(i64, String)>, StoreError> {
    let find = sql!("SELECT id, app_scoped_user_id FROM authorizations WHERE user_id = $1 AND app_id = $2");
    let row = store.opt(find, params![user_id, app_id]).await?;
    row.map(|row| Ok((row.get("id")?, row.get("app_scoped_user_id")?))).transpose()
}

/// Whether the user ever let the app in.
pub(super) async fn was_granted(tx: &mut Tx, user_id: i64, app_id: &str) -> Result<bool, StoreError> {
    let find = sql!("SELECT id FROM authorizations WHERE user_id = $1 AND app_id = $2");
    Ok(tx.opt(find, params![user_id, app_id]).await?.is_some())
}

pub(super) async fn revoke(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    now: Millis,
) -> Result<Option<Authorization>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "UPDATE authorizations SET revoked_at = $3
                 WHERE user_id = $1 AND app_id = $2 AND revoked_at IS NULL RETURNING id, app_scoped_user_id"
            ),
            params![user_id, app_id, now],
        )
        .await?;
    row.map(|row| Ok(Authorization { id: row.get("id")?, app_scoped_user_id: row.get("app_scoped_user_id")? }))
        .transpose()
}

/// Ends everything that a user granted; the apps, with what the user is called there.
pub(super) async fn revoke_all(tx: &mut Tx, user_id: i64, now: Millis) -> Result<Vec<(String, String)>, StoreError> {
    let revoke = sql!(
        "UPDATE authorizations SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL
         RETURNING app_id, app_scoped_user_id"
    );
    let rows = tx.all(revoke, params![user_id, now]).await?;
    rows.iter().map(|row| Ok((row.get("app_id")?, row.get("app_scoped_user_id")?))).collect()
}

pub(super) async fn is_over(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    let alive = sql!("SELECT id FROM authorizations WHERE id = $1 AND revoked_at IS NULL");
    Ok(tx.opt(alive, params![id]).await?.is_none())
}
