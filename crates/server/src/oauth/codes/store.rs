//! SQL of authorization codes.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::{StoreError, Tx, params, sql};

use super::{Found, Granted};

pub(super) async fn insert(
    tx: &mut Tx,
    hash: &Digest32,
    granted: &Granted,
    now: Millis,
    expires_at: Millis,
) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "INSERT INTO authorization_codes (code_hash, user_id, app_id, authorization_id, redirect_uri, scopes, challenge,
                                              created_at, expires_at, audience)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ),
        params![
            hash,
            granted.user_id,
            granted.app_id.as_deref(),
            granted.authorization_id,
            &granted.redirect_uri,
            &granted.scopes,
            &granted.challenge,
            now,
            expires_at,
            &granted.audience
        ],
    )
    .await
}

pub(super) async fn find(tx: &mut Tx, hash: &Digest32) -> Result<Option<Found>, StoreError> {
    let row = tx
        .opt(
            sql!(
                "SELECT c.user_id, c.app_id, c.authorization_id, c.redirect_uri, c.scopes, c.challenge, c.expires_at, c.used_at, c.audience,
                        z.revoked_at IS NOT NULL AND z.revoked_at >= c.created_at AS revoked
                 FROM authorization_codes c
                 LEFT JOIN authorizations z ON z.id = c.authorization_id
                 WHERE c.code_hash = $1"
            ),
            params![hash],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        granted: Granted {
            user_id: row.get("user_id")?,
            app_id: row.get("app_id")?,
            authorization_id: row.get("authorization_id")?,
            redirect_uri: row.get("redirect_uri")?,
            scopes: row.get("scopes")?,
            challenge: row.get("challenge")?,
            audience: row.get("audience")?,
        },
        expires_at: row.get("expires_at")?,
        used_at: row.get("used_at")?,
        revoked: row.get::<Option<bool>>("revoked")?.unwrap_or(false),
    }))
}

pub(super) async fn mark_used(tx: &mut Tx, hash: &Digest32, now: Millis) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE authorization_codes SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL"),
        params![hash, now],
    )
    .await
}

pub(super) async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "DELETE FROM authorization_codes WHERE code_hash IN
               (SELECT code_hash FROM authorization_codes WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
        ),
        params![before, limit],
    )
    .await
}
