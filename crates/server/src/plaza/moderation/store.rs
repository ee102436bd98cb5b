//! SQL of reports and of the trail.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};

use super::{Reported, Trace};

pub(super) async fn insert_report(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    reporter: i64,
    reason: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_reports (target_kind, target_id, reporter_id, reason, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (target_kind, target_id, reporter_id) DO NOTHING"
    );
    tx.run(sql, params![kind, id, reporter, reason, now]).await
}

pub(super) async fn resolve(
    tx: &mut Tx,
    (kind, id): (&str, &str),
    resolution: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "UPDATE plaza_reports SET resolved_at = $4, resolution = $3
         WHERE target_kind = $1 AND target_id = $2 AND resolved_at IS NULL"
    );
    tx.run(sql, params![kind, id, resolution, now]).await
}

pub(super) async fn insert_trace(
    tx: &mut Tx,
    operator: &str,
    action: &str,
    (kind, id): (&str, &str),
    reason: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    let sql = sql!(
        "INSERT INTO plaza_moderation (operator, action, target_kind, target_id, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    tx.run(sql, params![operator, action, kind, id, reason, now]).await
}

pub(super) async fn waiting(store: &Store) -> Result<Vec<Reported>, StoreError> {
    let sql = sql!(
        "SELECT r.target_kind, r.target_id, COUNT(*) AS reports, MIN(r.created_at) AS since,
                (SELECT l.reason FROM plaza_reports l WHERE l.target_kind = r.target_kind AND l.target_id = r.target_id
                   AND l.resolved_at IS NULL ORDER BY l.id DESC LIMIT 1) AS reason
         FROM plaza_reports r WHERE r.resolved_at IS NULL
         GROUP BY r.target_kind, r.target_id ORDER BY since, r.target_id"
    );
    let rows = store.all(sql, params![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Reported {
                kind: row.get("target_kind")?,
                id: row.get("target_id")?,
                reports: row.get("reports")?,
                reason: row.get("reason")?,
                since: row.get("since")?,
            })
        })
        .collect()
}

pub(super) async fn trail(store: &Store, limit: i64) -> Result<Vec<Trace>, StoreError> {
    let sql = sql!(
        "SELECT created_at, operator, action, target_kind, target_id, reason FROM plaza_moderation ORDER BY id DESC LIMIT $1"
    );
    let rows = store.all(sql, params![limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Trace {
                at: row.get("created_at")?,
                operator: row.get("operator")?,
                action: row.get("action")?,
                kind: row.get("target_kind")?,
                id: row.get("target_id")?,
                reason: row.get("reason")?,
            })
        })
        .collect()
}
