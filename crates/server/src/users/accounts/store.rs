//! SQL of accounts, browser sessions and failed logins.

use secondme_kit::Millis;
use secondme_kit::secret::Digest32;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Seed, UserRow};

/// What a login needs to know.
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) password_hash: String,
    pub(super) demo: bool,
    pub(super) suspended: bool,
}

pub(super) async fn by_email(store: &Store, email: &str) -> Result<Option<Account>, StoreError> {
    let text = sql!("SELECT id, password_hash, demo, account_status FROM users WHERE email = $1");
    let row = store.opt(text, params![email]).await?;
    let account = |row: Row| {
        Ok(Account {
            id: row.get("id")?,
            password_hash: row.get("password_hash")?,
            demo: row.get("demo")?,
            suspended: row.get::<String>("account_status")? == "suspended",
        })
    };
    row.map(account).transpose()
}

pub(super) async fn has_email(tx: &mut Tx, email: &str) -> Result<bool, StoreError> {
    Ok(tx.opt(sql!("SELECT id FROM users WHERE email = $1"), params![email]).await?.is_some())
}

pub(super) async fn has_demo(store: &Store) -> Result<bool, StoreError> {
    Ok(store.opt(sql!("SELECT id FROM users WHERE demo = TRUE LIMIT 1"), params![]).await?.is_some())
}

/// The new id; none when the address, the route or the wanted id is taken.
pub(super) async fn insert_user(
    tx: &mut Tx,
    id: Option<i64>,
    seed: &Seed<'_>,
    route: &str,
    now: Millis,
) -> Result<Option<i64>, StoreError> {
    let mut values = params![seed.email, seed.password_hash, seed.name, route, seed.demo, now];
    let text = match id {
        None => sql!(
            "INSERT INTO users (email, password_hash, name, route, demo, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING RETURNING id"
        ),
        Some(id) => {
            values = params![seed.email, seed.password_hash, seed.name, route, seed.demo, now, id];
            sql!(
                "INSERT INTO users (id, email, password_hash, name, route, demo, created_at, updated_at)
                 VALUES ($7, $1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING RETURNING id"
            )
        }
    };
    tx.opt(text, values).await?.map(|row| row.get("id")).transpose()
}

/// Stores the primary avatar; whether it went in: not when the id or the share code is taken.
pub(super) async fn insert_avatar(
    tx: &mut Tx,
    id: Option<i64>,
    user_id: i64,
    title: &str,
    share_code: &str,
    now: Millis,
) -> Result<bool, StoreError> {
    let changed = match id {
        None => {
            let text = sql!(
                "INSERT INTO avatars (user_id, kind, title, share_code, is_default, created_at, updated_at)
                 VALUES ($1, 'primary', $2, $3, TRUE, $4, $4) ON CONFLICT DO NOTHING"
            );
            tx.run(text, params![user_id, title, share_code, now]).await?
        }
        Some(id) => {
            let text = sql!(
                "INSERT INTO avatars (id, user_id, kind, title, share_code, is_default, created_at, updated_at)
                 VALUES ($5, $1, 'primary', $2, $3, TRUE, $4, $4) ON CONFLICT DO NOTHING"
            );
            tx.run(text, params![user_id, title, share_code, now, id]).await?
        }
    };
    Ok(changed > 0)
}

pub(super) async fn set_password(tx: &mut Tx, email: &str, hash: &str, now: Millis) -> Result<Option<i64>, StoreError> {
    let text = sql!("UPDATE users SET password_hash = $2, updated_at = $3 WHERE email = $1 RETURNING id");
    tx.opt(text, params![email, hash, now]).await?.map(|row| row.get("id")).transpose()
}

pub(super) async fn list(store: &Store) -> Result<Vec<UserRow>, StoreError> {
    let text = sql!("SELECT id, email, name, route, demo, created_at FROM users ORDER BY id");
    let user = |row: &Row| {
        Ok(UserRow {
            id: row.get("id")?,
            email: row.get("email")?,
            name: row.get("name")?,
            route: row.get("route")?,
            demo: row.get("demo")?,
            created_at: row.get("created_at")?,
        })
    };
    store.all(text, params![]).await?.iter().map(user).collect()
}

/// A session that has not ended, with what pages show of its user.
pub(super) struct SessionRow {
    pub(super) user_id: i64,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) demo: bool,
    pub(super) operator: bool,
    pub(super) last_seen_at: Millis,
}

pub(super) async fn session(store: &Store, hash: &Digest32, now: Millis) -> Result<Option<SessionRow>, StoreError> {
    let text = sql!(
        "SELECT s.user_id, s.last_seen_at, u.name, u.email, u.demo, u.operator FROM browser_sessions s
         JOIN users u ON u.id = s.user_id
         WHERE s.session_hash = $1 AND s.expires_at > $2 AND u.account_status <> 'suspended'"
    );
    let session = |row: Row| {
        Ok(SessionRow {
            user_id: row.get("user_id")?,
            name: row.get("name")?,
            email: row.get("email")?,
            demo: row.get("demo")?,
            operator: row.get("operator")?,
            last_seen_at: row.get("last_seen_at")?,
        })
    };
    store.opt(text, params![hash, now]).await?.map(session).transpose()
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    hash: &Digest32,
    user_id: i64,
    now: Millis,
    expires_at: Millis,
) -> Result<(), StoreError> {
    let text = sql!(
        "INSERT INTO browser_sessions (session_hash, user_id, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $3, $4)"
    );
    tx.run(text, params![hash, user_id, now, expires_at]).await.map(drop)
}

pub(super) async fn note_use(tx: &mut Tx, hash: &Digest32, now: Millis, expires_at: Millis) -> Result<(), StoreError> {
    let text = sql!("UPDATE browser_sessions SET last_seen_at = $2, expires_at = $3 WHERE session_hash = $1");
    tx.run(text, params![hash, now, expires_at]).await.map(drop)
}

pub(super) async fn end_session(tx: &mut Tx, hash: &Digest32) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM browser_sessions WHERE session_hash = $1"), params![hash]).await.map(drop)
}

pub(super) async fn end_sessions_of(tx: &mut Tx, user_id: i64) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM browser_sessions WHERE user_id = $1"), params![user_id]).await.map(drop)
}

pub(super) async fn reclaim_sessions(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM browser_sessions WHERE session_hash IN
           (SELECT session_hash FROM browser_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
    );
    tx.run(text, params![before, limit]).await
}

pub(super) async fn blocked_until(store: &Store, address: &Digest32) -> Result<Option<Millis>, StoreError> {
    let text = sql!("SELECT blocked_until FROM login_failures WHERE email_hash = $1");
    store.opt(text, params![address]).await?.map(|row| row.get("blocked_until")).transpose()
}

/// Counts a failure, from one again when the last was before `forget`; how many there are now.
pub(super) async fn count_failure(
    tx: &mut Tx,
    address: &Digest32,
    now: Millis,
    forget: Millis,
) -> Result<i64, StoreError> {
    let text = sql!(
        "INSERT INTO login_failures (email_hash, failures, blocked_until, last_failed_at) VALUES ($1, 1, 0, $2)
         ON CONFLICT (email_hash) DO UPDATE SET last_failed_at = $2,
           failures = CASE WHEN login_failures.last_failed_at < $3 THEN 1 ELSE login_failures.failures + 1 END
         RETURNING failures"
    );
    tx.opt(text, params![address, now, forget]).await?.map_or(Ok(1), |row| row.get("failures"))
}

pub(super) async fn block_until(tx: &mut Tx, address: &Digest32, until: Millis) -> Result<(), StoreError> {
    let text = sql!("UPDATE login_failures SET blocked_until = $2 WHERE email_hash = $1");
    tx.run(text, params![address, until]).await.map(drop)
}

pub(super) async fn email_of(tx: &mut Tx, user_id: i64) -> Result<Option<String>, StoreError> {
    let row = tx.opt(sql!("SELECT email FROM users WHERE id = $1"), params![user_id]).await?;
    row.map(|row| row.get("email")).transpose()
}

pub(super) async fn forget_failures(tx: &mut Tx, address: &Digest32) -> Result<(), StoreError> {
    tx.run(sql!("DELETE FROM login_failures WHERE email_hash = $1"), params![address]).await.map(drop)
}

pub(super) async fn reclaim_failures(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM login_failures WHERE email_hash IN
           (SELECT email_hash FROM login_failures WHERE last_failed_at < $1 ORDER BY email_hash LIMIT $2)"
    );
    tx.run(text, params![before, limit]).await
}
