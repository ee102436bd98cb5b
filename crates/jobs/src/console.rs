//! What an operator sees and does.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, Tx, params, sql};
use serde_json::Value;

/// How many jobs of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCounts {
    /// The kind.
    pub kind: String,
    /// Waiting, whether due or not.
    pub pending: i64,
    /// Being worked on.
    pub running: i64,
    /// Given up.
    pub dead: i64,
    /// When the longest waiting job became (or becomes) due.
    pub oldest: Option<Millis>,
}

/// Counts per kind, by name.
pub async fn counts(store: &Store) -> Result<Vec<KindCounts>, StoreError> {
    let counts = sql!(
        "SELECT kind, COUNT(CASE WHEN state = 'pending' THEN 1 END) AS pending,
                COUNT(CASE WHEN state = 'running' THEN 1 END) AS running,
                COUNT(CASE WHEN state = 'dead' THEN 1 END) AS dead,
                MIN(CASE WHEN state = 'pending' THEN run_at END) AS oldest
         FROM job GROUP BY kind ORDER BY kind"
    );
    let rows = store.all(counts, params![]).await?;
    let counts = rows.iter().map(|row| {
        Ok(KindCounts {
            kind: row.get("kind")?,
            pending: row.get("pending")?,
            running: row.get("running")?,
            dead: row.get("dead")?,
            oldest: row.get("oldest")?,
        })
    });
    counts.collect()
}

/// A dead letter.
#[derive(Clone, Debug)]
pub struct DeadJob {
    /// Row id.
    pub id: i64,
    /// The kind.
    pub kind: String,
    /// What was enqueued.
    pub payload: Value,
    /// Attempts made.
    pub attempts: u32,
    /// The last attempt's error.
    pub error: String,
    /// When it was enqueued.
    pub created_at: Millis,
    /// When it was given up.
    pub died_at: Millis,
}

/// Dead letters, newest first: those with an id below `before`.
pub async fn dead(store: &Store, before: Option<i64>, limit: i64) -> Result<Vec<DeadJob>, StoreError> {
    let dead = sql!(
        "SELECT id, kind, payload, attempts, last_error, created_at, died_at FROM job
         WHERE state = 'dead' AND id < $1 ORDER BY id DESC LIMIT $2"
    );
    let rows = store.all(dead, params![before.unwrap_or(i64::MAX), limit]).await?;
    let jobs = rows.iter().map(|row| {
        Ok(DeadJob {
            id: row.get("id")?,
            kind: row.get("kind")?,
            payload: serde_json::from_str(&row.get::<String>("payload")?).unwrap_or_default(),
            attempts: row.get("attempts")?,
            error: row.get::<Option<String>>("last_error")?.unwrap_or_default(),
            created_at: row.get("created_at")?,
            died_at: row.get("died_at")?,
        })
    });
    jobs.collect()
}

/// Gives a dead letter all its attempts anew, from `now`; `false` when there is no such dead letter. When a job with the same
/// key waits already, that one stands for both.
pub async fn requeue(tx: &mut Tx, id: i64, now: Millis) -> Result<bool, StoreError> {
    let back = sql!(
        "UPDATE job SET state = 'pending', run_at = $2, attempts = 0, died_at = NULL, set_at = $2
         WHERE id = $1 AND state = 'dead' AND NOT EXISTS (
            SELECT 1 FROM job other WHERE other.kind = job.kind AND other.dedupe = job.dedupe AND other.state = 'pending')"
    );
    if tx.run(back, params![id, now]).await? == 1 { Ok(true) } else { discard(tx, id).await }
}

/// Deletes a dead letter; `false` when there is no such dead letter.
pub async fn discard(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    Ok(tx.run(sql!("DELETE FROM job WHERE id = $1 AND state = 'dead'"), params![id]).await? == 1)
}
