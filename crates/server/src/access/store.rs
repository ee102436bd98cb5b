//! SQL of tokens.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};

use super::Requested;
use super::tokens::{Grant, Kind, NewToken, Revoked};

pub(super) async fn insert(
    tx: &mut Tx,
    hash: &Digest32,
    new: &NewToken<'_>,
    family: Option<&str>,
    now: Millis,
) -> Result<(), StoreError> {
    tx.run(
        sql!(
            "INSERT INTO tokens (token_hash, kind, user_id, app_id, authorization_id, scopes, name, created_at, expires_at,
                                 family)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
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
            new.expires_at,
            family
        ],
    )
    .await
    .map(drop)
}

pub(super) async fn find(store: &Store, hash: &Digest32) -> Result<Option<Grant>, StoreError> {
    store.opt(by_hash(), params![hash]).await?.map(|row| grant(&row)).transpose()
}

pub(super) async fn find_in(tx: &mut Tx, hash: &Digest32) -> Result<Option<Grant>, StoreError> {
    tx.opt(by_hash(), params![hash]).await?.map(|row| grant(&row)).transpose()
}

fn by_hash() -> Sql {
    sql!(
        "SELECT t.kind, t.user_id, t.app_id, t.authorization_id, t.scopes, t.created_at, t.expires_at, t.revoked_at,
                t.family, t.replaced_at, t.audience,
                z.revoked_at AS authorization_revoked_at, a.client_id, a.status AS app_status,
                u.account_status,
                COALESCE(u.demo, FALSE) OR COALESCE(a.demo, FALSE) AS demo
         FROM tokens t
         LEFT JOIN users u ON u.id = t.user_id
         LEFT JOIN apps a ON a.app_id = t.app_id
         LEFT JOIN authorizations z ON z.id = t.authorization_id
         WHERE t.token_hash = $1"
    )
}

/// Whether the user ended the app's access. An app or a user that is gone has none; user 0 is nobody in particular (a visitor who did
/// not sign in), whose access ends with the app.
pub(super) async fn is_revoked(store: &Store, user_id: i64, app_id: &str) -> Result<bool, StoreError> {
    let known = sql!(
        "SELECT z.granted_at, z.revoked_at FROM apps a
         LEFT JOIN authorizations z ON z.app_id = a.app_id AND z.user_id = $1 WHERE a.app_id = $2"
    );
    let Some(row) = store.opt(known, params![user_id, app_id]).await? else { return Ok(true) };
    let (granted, revoked): (Option<i64>, Option<i64>) = (row.get("granted_at")?, row.get("revoked_at")?);
    Ok(user_id != 0 && (granted.is_none() || revoked.is_some()))
}

/// Whether the operator suspended the account. One that is gone counts as suspended.
pub(super) async fn is_suspended(store: &Store, user_id: i64) -> Result<bool, StoreError> {
    let known = store.opt(sql!("SELECT account_status FROM users WHERE id = $1"), params![user_id]).await?;
    known.map_or(Ok(true), |row| Ok(row.get::<String>("account_status")? == "suspended"))
}

pub(super) async fn bind(tx: &mut Tx, hash: &Digest32, audience: &str) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE tokens SET audience = $2 WHERE token_hash = $1"), params![hash, audience]).await
}

pub(super) async fn replace(tx: &mut Tx, hash: &Digest32, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE tokens SET replaced_at = $2 WHERE token_hash = $1 AND replaced_at IS NULL"), params![hash, now])
        .await
}

pub(super) async fn revoke_one(tx: &mut Tx, hash: &Digest32, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE tokens SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL"), params![hash, now])
        .await
}

pub(super) async fn revoke_family(tx: &mut Tx, family: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE tokens SET revoked_at = $2 WHERE family = $1 AND revoked_at IS NULL"), params![family, now])
        .await
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
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        family: row.get("family")?,
        replaced_at: row.get("replaced_at")?,
        revoked: match (token_revoked, authorization_revoked) {
            (_, Some(_)) => Some(Revoked::Authorization),
            (Some(_), None) => Some(Revoked::Token),
            (None, None) => None,
        },
        audience: row.get("audience")?,
        demo: row.get("demo")?,
        app_status: row.get("app_status")?,
        suspended: row.get::<Option<String>>("account_status")?.as_deref() == Some("suspended"),
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
