//! Jobs by the clock. The next tick is a row, so that of several nodes exactly one enqueues it.

use secondme_kit::Millis;
use secondme_store::{Store, StoreError, params, sql};
use serde_json::json;

use crate::ahead::AHEAD;
use crate::queue::{NewJob, enqueue};

/// A job that is enqueued at every multiple of `every_ms` since the epoch (a day: at midnight UTC). Ticks that were missed
/// while no node ran are made up for by one. The payload is `{"tick": <ms>}`.
#[derive(Clone, Debug)]
pub struct Cron {
    /// Unique name; also the job's dedupe key.
    pub name: &'static str,
    /// The period, in milliseconds.
    pub every_ms: Millis,
    /// The kind of job.
    pub kind: &'static str,
}

impl Cron {
    fn next_after(&self, now: Millis) -> Millis {
        let every = self.every_ms.max(1);
        now.div_euclid(every).saturating_add(1).saturating_mul(every)
    }
}

/// Enqueues what is due.
pub(crate) async fn tick(store: &Store, crons: &[Cron], now: Millis) -> Result<(), StoreError> {
    if crons.is_empty() {
        return Ok(());
    }
    let rows = store.all(sql!("SELECT name, next_at FROM job_cron ORDER BY name"), params![]).await?;
    let known = rows.iter().map(|row| Ok((row.get("name")?, row.get("next_at")?)));
    let known: Vec<(String, Millis)> = known.collect::<Result<_, StoreError>>()?;
    for cron in crons {
        match known.iter().find(|(name, _)| name == cron.name) {
            None => plan(store, cron, now).await?,
            Some((_, next_at)) if *next_at <= now => fire(store, cron, now).await?,
            Some((_, next_at)) if *next_at > cron.next_after(now).saturating_add(AHEAD) => {
                plan_anew(store, cron, *next_at, now).await?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn plan(store: &Store, cron: &Cron, now: Millis) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let insert = sql!("INSERT INTO job_cron (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
    tx.run(insert, params![cron.name, cron.next_after(now)]).await?;
    tx.commit().await
}

/// The clock went back: what it had planned would be silent until it is there again.
async fn plan_anew(store: &Store, cron: &Cron, planned: Millis, now: Millis) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let plan = sql!("UPDATE job_cron SET next_at = $2 WHERE name = $1 AND next_at = $3");
    tx.run(plan, params![cron.name, cron.next_after(now), planned]).await?;
    tx.commit().await
}

async fn fire(store: &Store, cron: &Cron, now: Millis) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let advance = sql!("UPDATE job_cron SET next_at = $2 WHERE name = $1 AND next_at <= $3");
    if tx.run(advance, params![cron.name, cron.next_after(now), now]).await? == 0 {
        return Ok(()); // another node was first
    }
    let job =
        NewJob { kind: cron.kind, payload: json!({ "tick": now }), run_at: now, dedupe: Some(cron.name.to_owned()) };
    enqueue(&mut tx, job, now).await?;
    tx.commit().await
}
