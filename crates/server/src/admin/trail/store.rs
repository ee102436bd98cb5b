//! SQL of the operators' trail.

use secondme_kit::{Millis, Page};
use secondme_store::{Row, Store, StoreError, Tx, params, sql};

use super::{Deed, Line};

pub(super) async fn insert(tx: &mut Tx, deed: Deed<'_>, now: Millis) -> Result<u64, StoreError> {
    let insert = sql!(
        "INSERT INTO operator_trail (operator, action, target_kind, target_id, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    tx.run(insert, params![deed.operator, deed.action, deed.kind, deed.id, deed.reason, now]).await
}

pub(super) async fn lines(store: &Store, page: Page) -> Result<Vec<Line>, StoreError> {
    let lines = sql!(
        "SELECT operator, action, target_kind, target_id, reason, created_at FROM operator_trail
         ORDER BY id DESC LIMIT $1 OFFSET $2"
    );
    store.all(lines, params![page.size, page.offset()]).await?.iter().map(line).collect()
}

pub(super) async fn count(store: &Store) -> Result<i64, StoreError> {
    let count = sql!("SELECT COUNT(*) AS n FROM operator_trail");
    store.opt(count, params![]).await?.map_or(Ok(0), |row| row.get("n"))
}

pub(super) async fn about(store: &Store, kind: &str, id: &str) -> Result<Vec<Line>, StoreError> {
    let lines = sql!(
        "SELECT operator, action, target_kind, target_id, reason, created_at FROM operator_trail
         WHERE target_kind = $1 AND target_id = $2 ORDER BY id DESC LIMIT 20"
    );
    store.all(lines, params![kind, id]).await?.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, StoreError> {
    Ok(Line {
        at: row.get("created_at")?,
        operator: row.get("operator")?,
        action: row.get("action")?,
        kind: row.get("target_kind")?,
        id: row.get("target_id")?,
        reason: row.get("reason")?,
    })
}
