//! SQL of uploaded files: which there are, and who has them.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

/// What a user's files take, leaving out `name`.
pub(super) async fn used_bytes(store: &Store, user_id: i64, name: &str) -> Result<i64, StoreError> {
    let sql = sql!(
        "SELECT CAST(COALESCE(SUM(o.bytes), 0) AS BIGINT) AS used FROM uploads u JOIN upload_objects o ON o.name = u.name
         WHERE u.user_id = $1 AND u.name <> $2"
    );
    store.opt(sql, params![user_id, name]).await?.map_or(Ok(0), |row| row.get("used"))
}

/// How many files there are, and their bytes.
pub(super) async fn totals(store: &Store) -> Result<(i64, i64), StoreError> {
    let sql = sql!("SELECT COUNT(*) AS n, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM upload_objects");
    let Some(row) = store.opt(sql, params![]).await? else { return Ok((0, 0)) };
    Ok((row.get("n")?, row.get("bytes")?))
}

/// Id, name and bytes of the users whose files take most.
pub(super) async fn largest(store: &Store, limit: i64) -> Result<Vec<(i64, String, i64)>, StoreError> {
    let sql = sql!(
        "SELECT p.id, p.name, CAST(SUM(o.bytes) AS BIGINT) AS bytes
         FROM uploads u JOIN upload_objects o ON o.name = u.name JOIN users p ON p.id = u.user_id
         GROUP BY p.id, p.name ORDER BY bytes DESC, p.id LIMIT $1"
    );
    let rows = store.all(sql, params![limit]).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("name")?, row.get("bytes")?))).collect()
}

/// Where the file of this name lies, when it is stored.
pub(super) async fn place(store: &Store, name: &str) -> Result<Option<String>, StoreError> {
    let row = store.opt(sql!("SELECT place FROM upload_objects WHERE name = $1"), params![name]).await?;
    row.map(|row| row.get("place")).transpose()
}

/// Keeps a stored file from being swept; how many there are of that name.
pub(super) async fn touch(tx: &mut Tx, name: &str, now: Millis) -> Result<u64, StoreError> {
    tx.run(sql!("UPDATE upload_objects SET created_at = $2 WHERE name = $1"), params![name, now]).await
}

pub(super) async fn insert_object(
    tx: &mut Tx,
    name: &str,
    place: &str,
    bytes: i64,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO upload_objects (name, place, bytes, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING"
    );
    tx.run(sql, params![name, place, bytes, now]).await
}

pub(super) async fn insert_owner(tx: &mut Tx, user_id: i64, name: &str, now: Millis) -> Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO uploads (user_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (user_id, name) DO NOTHING"
    );
    tx.run(sql, params![user_id, name, now]).await.map(drop)
}

/// Files that no user has, stored (again) before `before`.
pub(super) async fn orphans(store: &Store, before: Millis, limit: i64) -> Result<Vec<String>, StoreError> {
    let sql = sql!(
        "SELECT o.name FROM upload_objects o
         WHERE o.created_at < $1 AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.name = o.name)
         ORDER BY o.created_at LIMIT $2"
    );
    store.all(sql, params![before, limit]).await?.iter().map(|row| row.get("name")).collect()
}

/// Deletes the row of a file that still nobody has; where the file lies.
pub(super) async fn delete_orphan(tx: &mut Tx, name: &str) -> Result<Option<String>, StoreError> {
    let sql = sql!(
        "DELETE FROM upload_objects WHERE name = $1 AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.name = $1)
         RETURNING place"
    );
    tx.opt(sql, params![name]).await?.map(|row| row.get("place")).transpose()
}
