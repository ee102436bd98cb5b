//! SQL of accounts as operators see them.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Person, Totals};

pub(super) async fn find(store: &Store, pattern: &str, page: Page) -> Result<Vec<Person>, StoreError> {
    let find = sql!(
        "SELECT u.id, u.email, u.name, u.route, u.account_status, u.operator, u.demo, u.created_at,
                (SELECT MAX(s.last_seen_at) FROM browser_sessions s WHERE s.user_id = u.id) AS last_seen_at,
                (SELECT COUNT(*) FROM authorizations z WHERE z.user_id = u.id AND z.revoked_at IS NULL) AS apps,
                (SELECT COUNT(*) FROM avatars a WHERE a.user_id = u.id) AS avatars
         FROM users u
         WHERE LOWER(u.email) LIKE $1 ESCAPE '!' OR LOWER(u.name) LIKE $1 ESCAPE '!' OR u.route LIKE $1 ESCAPE '!'
            OR CAST(u.id AS TEXT) LIKE $1 ESCAPE '!'
         ORDER BY u.id DESC LIMIT $2 OFFSET $3"
    );
    store.all(find, params![pattern, page.size, page.offset()]).await?.iter().map(person).collect()
}

pub(super) async fn count(store: &Store, pattern: &str) -> Result<i64, StoreError> {
    let count = sql!(
        "SELECT COUNT(*) AS n FROM users u
         WHERE LOWER(u.email) LIKE $1 ESCAPE '!' OR LOWER(u.name) LIKE $1 ESCAPE '!' OR u.route LIKE $1 ESCAPE '!'
            OR CAST(u.id AS TEXT) LIKE $1 ESCAPE '!'"
    );
    store.opt(count, params![pattern]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn get(store: &Store, user_id: i64) -> Result<Option<Person>, StoreError> {
    let get = sql!(
        "SELECT u.id, u.email, u.name, u.route, u.account_status, u.operator, u.demo, u.created_at,
                (SELECT MAX(s.last_seen_at) FROM browser_sessions s WHERE s.user_id = u.id) AS last_seen_at,
                (SELECT COUNT(*) FROM authorizations z WHERE z.user_id = u.id AND z.revoked_at IS NULL) AS apps,
                (SELECT COUNT(*) FROM avatars a WHERE a.user_id = u.id) AS avatars
         FROM users u WHERE u.id = $1"
    );
    store.opt(get, params![user_id]).await?.as_ref().map(person).transpose()
}

fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.get("id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        route: row.get("route")?,
        suspended: row.get::<String>("account_status")? == "suspended",
        operator: row.get("operator")?,
        demo: row.get("demo")?,
        created_at: row.get("created_at")?,
        last_seen_at: row.get("last_seen_at")?,
        apps: row.get("apps")?,
        avatars: row.get("avatars")?,
    })
}

pub(super) async fn totals(store: &Store) -> Result<Totals, StoreError> {
    let totals = sql!(
        "SELECT COUNT(*) AS n, COUNT(CASE WHEN account_status = 'suspended' THEN 1 END) AS suspended,
                COUNT(CASE WHEN operator THEN 1 END) AS operators FROM users"
    );
    let Some(row) = store.opt(totals, params![]).await? else { return Ok(Totals::default()) };
    Ok(Totals { all: row.get("n")?, suspended: row.get("suspended")?, operators: row.get("operators")? })
}

pub(super) async fn is_empty(store: &Store) -> Result<bool, StoreError> {
    Ok(store.opt(sql!("SELECT id FROM users LIMIT 1"), params![]).await?.is_none())
}

pub(super) async fn set_status(tx: &mut Tx, user_id: i64, status: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE users SET account_status = $2, updated_at = $3 WHERE id = $1"), params![user_id, status, now])
        .await
}

pub(super) async fn set_operator(tx: &mut Tx, user_id: i64, operator: bool, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE users SET operator = $2, updated_at = $3 WHERE id = $1"), params![user_id, operator, now]).await
}

/// How many facts went in: none when it is settled already.
pub(super) async fn insert_fact(tx: &mut Tx, name: &str, value: &str, now: Millis) -> Result<u64, StoreError> {
    let insert =
        sql!("INSERT INTO server_facts (name, value, updated_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING");
    tx.run(insert, params![name, value, now]).await
}
