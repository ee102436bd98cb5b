//! Putting a job in line.

use std::sync::LazyLock;

use secondme_kit::Millis;
use secondme_store::{StoreError, Tx};
use serde_json::Value;
use tokio::sync::watch;

use crate::store;

/// A job to be.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What it is about: ids rather than texts.
    pub payload: Value,
    /// Not before this time.
    pub run_at: Millis,
    /// At most one job of this kind with this key waits at a time; enqueueing it again may only move it forward. A job that
    /// is running already does not count.
    pub dedupe: Option<String>,
}

/// Counts what was enqueued in this process, so that its runners need not wait for their next look at the table.
static ENQUEUED: LazyLock<watch::Sender<u64>> = LazyLock::new(|| watch::Sender::new(0));

/// Writes the job in the caller's transaction: it exists if and only if that commits. Runners of this process are woken.
pub async fn enqueue(tx: &mut Tx, job: NewJob, now: Millis) -> Result<(), StoreError> {
    let due = job.run_at <= now;
    store::insert(tx, &job, now).await?;
    if due {
        tx.after_commit(|| ENQUEUED.send_modify(|count| *count = count.wrapping_add(1)));
    }
    Ok(())
}

pub(crate) fn enqueued() -> watch::Receiver<u64> {
    ENQUEUED.subscribe()
}
