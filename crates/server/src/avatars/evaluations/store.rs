//! SQL of evaluations.

use secondme_kit::Millis;
use secondme_store::{Row, Store, StoreError, Tx, params, sql};
use serde_json::Value;

use super::transcript::Transcript;
use super::{Mode, Run};

fn run(row: &Row) -> Result<Run, StoreError> {
    let transcripts = transcripts_of(row)?;
    Ok(Run {
        run_id: row.get("run_id")?,
        user_id: row.get("user_id")?,
        avatar_id: row.get("avatar_id")?,
        mode: Mode::parse(&row.get::<String>("mode")?).unwrap_or(Mode::Full),
        status: row.get("status")?,
        stage: row.get("stage")?,
        evidence_level: row.get("evidence_level")?,
        total_personas: row.get("total_personas")?,
        completed_personas: row.get("completed_personas")?,
        total_turns: row.get("total_turns")?,
        completed_turns: row.get("completed_turns")?,
        judged: i64::try_from(transcripts.iter().filter(|t| t.judgement.is_some()).count()).unwrap_or(0),
        error_code: row.get("error_code")?,
        error_message: row.get("error_message")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    })
}

fn transcripts_of(row: &Row) -> Result<Vec<Transcript>, StoreError> {
    Ok(serde_json::from_str(&row.get::<String>("transcripts")?).unwrap_or_default())
}

/// Whether it went in: not when another one of the avatar is running.
pub(super) async fn insert(tx: &mut Tx, r: &Run, trigger: &str, key: Option<&str>) -> Result<bool, StoreError> {
    let text = sql!(
        "INSERT INTO avatar_evaluations (run_id, user_id, avatar_id, idempotency_key, trigger_type, mode, status, stage,
                evidence_level, total_personas, total_turns, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    );
    let values = params![
        &r.run_id,
        r.user_id,
        r.avatar_id,
        key,
        trigger,
        r.mode.word(),
        &r.status,
        &r.stage,
        &r.evidence_level,
        r.total_personas,
        r.total_turns,
        r.created_at,
        r.expires_at
    ];
    Ok(tx.run(text, values).await? > 0)
}

pub(super) async fn by_id(store: &Store, run_id: &str) -> Result<Option<Run>, StoreError> {
    let text = sql!("SELECT * FROM avatar_evaluations WHERE run_id = $1");
    store.opt(text, params![run_id]).await?.as_ref().map(run).transpose()
}

pub(super) async fn of_avatar(tx: &mut Tx, user_id: i64, avatar_id: i64, limit: i64) -> Result<Vec<Run>, StoreError> {
    let text = sql!(
        "SELECT * FROM avatar_evaluations WHERE user_id = $1 AND avatar_id = $2 ORDER BY created_at DESC, run_id LIMIT $3"
    );
    tx.all(text, params![user_id, avatar_id, limit]).await?.iter().map(run).collect()
}

pub(super) async fn by_key(tx: &mut Tx, user_id: i64, avatar_id: i64, key: &str) -> Result<Option<Run>, StoreError> {
    let text = sql!("SELECT * FROM avatar_evaluations WHERE user_id = $1 AND avatar_id = $2 AND idempotency_key = $3");
    tx.opt(text, params![user_id, avatar_id, key]).await?.as_ref().map(run).transpose()
}

pub(super) async fn running(tx: &mut Tx, user_id: i64, avatar_id: i64) -> Result<Option<Run>, StoreError> {
    let text = sql!(
        "SELECT * FROM avatar_evaluations WHERE user_id = $1 AND avatar_id = $2 AND status IN ('PENDING', 'RUNNING')"
    );
    tx.opt(text, params![user_id, avatar_id]).await?.as_ref().map(run).transpose()
}

/// How many were begun since, and when the first of them was.
pub(super) async fn since(tx: &mut Tx, user_id: i64, since: Millis) -> Result<(i64, Millis), StoreError> {
    let text = sql!(
        "SELECT COUNT(*) AS runs, COALESCE(MIN(created_at), 0) AS first_at FROM avatar_evaluations
         WHERE user_id = $1 AND created_at > $2"
    );
    let row = tx.opt(text, params![user_id, since]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.get("runs")?, row.get("first_at")?)))
}

pub(super) async fn transcripts(store: &Store, user_id: i64, run_id: &str) -> Result<Vec<Transcript>, StoreError> {
    let text = sql!("SELECT transcripts FROM avatar_evaluations WHERE user_id = $1 AND run_id = $2");
    store.opt(text, params![user_id, run_id]).await?.as_ref().map_or(Ok(Vec::new()), transcripts_of)
}

pub(super) async fn report(store: &Store, run_id: &str) -> Result<Option<Value>, StoreError> {
    let text = sql!("SELECT report FROM avatar_evaluations WHERE run_id = $1 AND status = 'SUCCEEDED'");
    let row = store.opt(text, params![run_id]).await?;
    Ok(row.map(|row| row.get::<String>("report")).transpose()?.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Keeps what was said and judged so far.
pub(super) async fn progress(
    tx: &mut Tx,
    r: &Run,
    stage: &str,
    (personas, turns): (i64, i64),
    transcripts: &[Transcript],
) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_evaluations SET status = 'RUNNING', stage = $3, completed_personas = $4, completed_turns = $5,
                transcripts = $6
         WHERE user_id = $1 AND run_id = $2 AND status IN ('PENDING', 'RUNNING')"
    );
    let kept = serde_json::to_string(transcripts).unwrap_or_default();
    tx.run(text, params![r.user_id, &r.run_id, stage, personas, turns, kept]).await
}

pub(super) async fn succeed(tx: &mut Tx, r: &Run, report: &Value, now: Millis) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_evaluations SET status = 'SUCCEEDED', stage = 'COMPLETED', report = $3, finished_at = $4
         WHERE user_id = $1 AND run_id = $2 AND status IN ('PENDING', 'RUNNING')"
    );
    tx.run(text, params![r.user_id, &r.run_id, report.to_string(), now]).await
}

pub(super) async fn fail(
    tx: &mut Tx,
    user_id: i64,
    run_id: &str,
    (code, message): (&str, &str),
    now: Millis,
) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_evaluations SET status = 'FAILED', stage = 'FAILED', error_code = $3, error_message = $4,
                finished_at = $5
         WHERE user_id = $1 AND run_id = $2 AND status IN ('PENDING', 'RUNNING')"
    );
    tx.run(text, params![user_id, run_id, code, message, now]).await
}

pub(super) async fn empty(tx: &mut Tx, now: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "UPDATE avatar_evaluations SET report = '', transcripts = '[]' WHERE run_id IN
           (SELECT run_id FROM avatar_evaluations WHERE expires_at <= $1 AND (report <> '' OR transcripts <> '[]') LIMIT $2)"
    );
    tx.run(text, params![now, limit]).await
}

pub(super) async fn delete(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64, StoreError> {
    let text = sql!(
        "DELETE FROM avatar_evaluations WHERE run_id IN
           (SELECT run_id FROM avatar_evaluations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)"
    );
    tx.run(text, params![before, limit]).await
}
