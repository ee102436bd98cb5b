//! SQL of tokens.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::Requested;
use super::tokens::{Grant, Kind, NewToken, Revoked};

pub(super) async fn insert(tx: &mut Tx, hash: &Digest32, new: &NewToken<'_>, now: Millis) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO tokens (token_hash, kind, user_id, app_id, authorization_id, scopes, name, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        params![
            hash,
            new.kind.word(),
            new.user_id,
            new.app_id,
            new.authorization_id,
            new.scopes.joined(),
            new.name,
            now,
            new.expires_at
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn find(store: &Store, hash: &Digest32) -> Result<Option<Grant>, StoreError> {
    let row = store
        .opt(
            sql!(
                "SELECT t.kind, t.user_id, t.app_id, t.authorization_id, t.scopes, t.expires_at, t.revoked_at,
                        z.revoked_at AS authorization_revoked_at, a.client_id, a.status AS app_status,
                        COALESCE(u.demo, FALSE) OR COALESCE(a.demo, FALSE) AS demo
                 FROM tokens t
                 LEFT JOIN users u ON u.id = t.user_id
                 LEFT JOIN apps a ON a.app_id = t.app_id
                 LEFT JOIN authorizations z ON z.id = t.authorization_id
                 WHERE t.token_hash = $1"
            ),
            params![hash],
        )
        .await?;
    row.map(|row| grant(&row)).transpose()
}

fn grant(row: &Row) -> Result<Grant, StoreError> {
    let word: String = row.get("kind")?;
    let scopes: String = row.get("scopes")?;
    // Names were checked when the token was minted; one that this version no longer knows grants nothing.
    let requested = Requested::parse(&scopes).unwrap_or_default();
    let token_revoked: Option<i64> = row.get("revoked_at")?;
    let authorization_revoked: Option<i64> = row.get("authorization_revoked_at")?;
    Ok(Grant {
        kind: Kind::from_word(&word).unwrap_or(Kind::Refresh),
        user_id: row.get("user_id")?,
        app_id: row.get("app_id")?,
        client_id: row.get("client_id")?,
        authorization_id: row.get("authorization_id")?,
        scope_names: requested.names,
        scopes: requested.set,
        expires_at: row.get("expires_at")?,
        revoked: match (token_revoked, authorization_revoked) {
            (_, Some(_)) => Some(Revoked::Authorization),
            (Some(_), None) => Some(Revoked::Token),
            (None, None) => None,
        },
        demo: row.get("demo")?,
        app_status: row.get("app_status")?,
    })
}

pub(super) async fn revoke_authorization(tx: &mut Tx, authorization_id: i64, now: Millis) -> Result<u64, StoreError> {
    tx.run(
        sql!("UPDATE tokens SET revoked_at = $2 WHERE authorization_id = $1 AND revoked_at IS NULL"),
        params![authorization_id, now],
    )
    .await
}

pub(super) async fn revoke_named(tx: &mut Tx, user_id: i64, name: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "UPDATE tokens SET revoked_at = $3
             WHERE user_id = $1 AND name = $2 AND kind IN ('personal', 'api_key') AND revoked_at IS NULL"
        ),
        params![user_id, name, now],
    )
    .await
}

pub(super) async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    tx.run(
        sql!(
            "DELETE FROM tokens WHERE token_hash IN
               (SELECT token_hash FROM tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
        ),
        params![before, limit],
    )
    .await
}
