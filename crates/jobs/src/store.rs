//! The SQL of jobs. Whoever holds a job is known by owner and attempt, so a runner that lost its lease changes nothing.

use secondme_kit::Millis;
use secondme_store::{Row, Sql, Store, StoreError, Tx, params, sql};

use crate::handler::Job;
use crate::queue::NewJob;

pub(crate) async fn insert(tx: &mut Tx, job: &NewJob, now: Millis) -> Result<(), StoreError> {
    // DO UPDATE also locks the row it meets, so that no runner takes that job before our transaction is visible.
    let insert = sql!(
        "INSERT INTO job (kind, payload, dedupe, state, run_at, attempts, created_at, trace, set_at)
         VALUES ($1, $2, $3, 'pending', $4, 0, $5, $6, $5)
         ON CONFLICT (kind, dedupe) WHERE state = 'pending' DO UPDATE SET
            run_at = CASE WHEN job.attempts = 0 AND excluded.run_at < job.run_at THEN excluded.run_at ELSE job.run_at END,
            set_at = CASE WHEN job.attempts = 0 AND excluded.run_at < job.run_at THEN excluded.set_at ELSE job.set_at END"
    );
    let trace = crate::trace::current();
    tx.run(insert, params![job.kind, job.payload.to_string(), &job.dedupe, job.run_at, now, trace]).await?;
    Ok(())
}

/// The kinds that have something to do.
pub(crate) async fn due_kinds(store: &Store, now: Millis) -> Result<Vec<String>, StoreError> {
    let due = sql!(
        "SELECT DISTINCT kind FROM job
         WHERE (state = 'pending' AND run_at <= $1) OR (state = 'running' AND lease_until <= $1) ORDER BY kind"
    );
    store.all(due, params![now]).await?.iter().map(|row| row.get("kind")).collect()
}

/// Claims up to `limit` due jobs of a kind.
pub(crate) async fn claim(
    tx: &mut Tx,
    kind: &str,
    owner: &str,
    now: Millis,
    lease_until: Millis,
    limit: usize,
) -> Result<Vec<Job>, StoreError> {
    let claim: Sql = sql!(
        sqlite: "UPDATE job SET state = 'running', attempts = attempts + 1, lease_owner = $2, lease_until = $4
                 WHERE id IN (
                    SELECT id FROM job WHERE kind = $1 AND
                        ((state = 'pending' AND run_at <= $3) OR (state = 'running' AND lease_until <= $3))
                    ORDER BY run_at, id LIMIT $5)
                 RETURNING id, kind, payload, attempts, created_at, trace",
        postgres: "WITH due AS MATERIALIZED (
                    SELECT id FROM job WHERE kind = $1 AND
                        ((state = 'pending' AND run_at <= $3) OR (state = 'running' AND lease_until <= $3))
                    ORDER BY run_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)
                 UPDATE job SET state = 'running', attempts = attempts + 1, lease_owner = $2, lease_until = $4
                 FROM due WHERE job.id = due.id
                 RETURNING job.id, job.kind, job.payload, job.attempts, job.created_at, job.trace"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.all(claim, params![kind, owner, now, lease_until, limit]).await?;
    let mut jobs = rows.iter().map(job).collect::<Result<Vec<_>, _>>()?;
    jobs.sort_by_key(|job| job.id);
    Ok(jobs)
}

fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.get("id")?,
        kind: row.get("kind")?,
        // Written by us as JSON; `null` would only appear after somebody edited the table.
        payload: serde_json::from_str(&row.get::<String>("payload")?).unwrap_or_default(),
        attempt: row.get("attempts")?,
        created_at: row.get("created_at")?,
        trace: row.get("trace")?,
    })
}

/// Extends the lease; `false` when it is ours no more.
pub(crate) async fn extend(tx: &mut Tx, job: &Job, owner: &str, lease_until: Millis) -> Result<bool, StoreError> {
    let extend = sql!(
        "UPDATE job SET lease_until = $4 WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 'running'"
    );
    Ok(tx.run(extend, params![job.id, owner, job.attempt, lease_until]).await? == 1)
}

pub(crate) async fn delete(tx: &mut Tx, job: &Job, owner: &str) -> Result<(), StoreError> {
    let delete = sql!("DELETE FROM job WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 'running'");
    tx.run(delete, params![job.id, owner, job.attempt]).await?;
    Ok(())
}

/// Back in line. When a newer job with the same key waits already, that one does the work and this one goes.
pub(crate) async fn put_back(
    tx: &mut Tx,
    job: &Job,
    owner: &str,
    run_at: Millis,
    attempts: u32,
    error: Option<&str>,
    now: Millis,
) -> Result<(), StoreError> {
    let back = sql!(
        "UPDATE job SET state = 'pending', run_at = $4, attempts = $5, last_error = $6, lease_owner = NULL, lease_until = NULL,
            set_at = $7
         WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 'running' AND NOT EXISTS (
            SELECT 1 FROM job other WHERE other.kind = job.kind AND other.dedupe = job.dedupe AND other.state = 'pending')"
    );
    if tx.run(back, params![job.id, owner, job.attempt, run_at, attempts, error, now]).await? == 0 {
        delete(tx, job, owner).await?;
    }
    Ok(())
}

pub(crate) async fn bury(tx: &mut Tx, job: &Job, owner: &str, error: &str, now: Millis) -> Result<(), StoreError> {
    let bury = sql!(
        "UPDATE job SET state = 'dead', last_error = $4, died_at = $5, lease_owner = NULL, lease_until = NULL
         WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 'running'"
    );
    tx.run(bury, params![job.id, owner, job.attempt, error, now]).await?;
    Ok(())
}
