//! Forgetting what an app contributed: events, notes, what was learned from them, and their index entries.
//!
//! `oauth` enqueues the job in the transaction that revokes the app, together with a receipt ([`request`]); the job fills the
//! receipt with what was deleted. A memory that others said too stays, without the app among its sources.

mod store;

use async_trait::async_trait;
use secondme_jobs::{Done, Handler, Job, JobError, NewJob, enqueue};
use secondme_kit::Millis;
use secondme_store::Tx;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::index::{self, Kind};
use super::{events, key_memories, notes};
use crate::app::App;
use crate::error::Result;

/// The kind of the job; its payload is `{userId, appId, receiptId}`.
pub const KIND: &str = "memory.forget_app";
/// The kind of the job that takes forgotten memories out of the portrait; its payload is `{userId, memoryIds}`.
pub const FORGOTTEN: &str = "learning.forgotten";
/// Things deleted in one transaction, so that nobody waits for long.
const BATCH: i64 = 500;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Agent-memory events.
    pub events: i64,
    /// Notes.
    pub notes: i64,
    /// Key memories that nobody else said.
    pub key_memories: i64,
    /// Key memories that others said too: they stay, the app is no longer among their sources.
    pub kept_key_memories: i64,
}

/// Proof of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub id: String,
    /// The app.
    pub app_id: String,
    /// When it was asked for.
    pub requested_at: Millis,
    /// When it was done; none: it is being done.
    pub finished_at: Option<Millis>,
    /// What was deleted so far.
    pub counts: Counts,
}

/// The job's handler.
pub struct ForgetApp(pub App);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_id: i64,
    app_id: String,
    receipt_id: String,
}

#[async_trait]
impl Handler for ForgetApp {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> std::result::Result<Done, JobError> {
        let payload: Payload = serde_json::from_value(job.payload.clone())?;
        let done = forget(&self.0, payload.user_id, &payload.app_id, &payload.receipt_id).await;
        let counts = done.map_err(|e| JobError::Retry(e.to_string()))?;
        tracing::info!(user_id = payload.user_id, app_id = payload.app_id, ?counts, "forgot what an app contributed");
        Ok(Done::Finished)
    }
}

/// Asks for forgetting, in the caller's transaction.
///
/// # Errors
/// Storage failures only.
pub async fn request(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    receipt_id: &str,
    now: Millis,
) -> std::result::Result<(), secondme_store::StoreError> {
    store::insert(tx, user_id, app_id, receipt_id, now).await?;
    let payload = json!({"userId": user_id, "appId": app_id, "receiptId": receipt_id});
    enqueue(tx, NewJob { kind: KIND, payload, run_at: now, dedupe: Some(receipt_id.to_owned()) }, now).await
}

/// A user's receipts, newest first.
///
/// # Errors
/// Storage failures only.
pub async fn receipts(app: &App, user_id: i64) -> Result<Vec<Receipt>> {
    Ok(store::list(app.store(), user_id).await?)
}

/// Deletes what an app contributed, in batches. What each batch deleted is on the receipt with the batch, so that a run that
/// is cut off loses no count.
///
/// # Errors
/// Storage failures only.
pub async fn forget(app: &App, user_id: i64, app_id: &str, receipt_id: &str) -> Result<Counts> {
    loop {
        let mut tx = app.store().write().await?;
        let mut counts = store::lock(&mut tx, user_id, app_id, receipt_id, app.now()).await?;
        let before = counts;
        forget_events(&mut tx, user_id, app_id, &mut counts).await?;
        forget_notes(&mut tx, user_id, app_id, &mut counts).await?;
        forget_memories(&mut tx, user_id, app_id, &mut counts, app.now()).await?;
        let finished = (counts == before).then(|| app.now());
        store::set(&mut tx, user_id, receipt_id, &counts, finished).await?;
        tx.commit().await?;
        if finished.is_some() {
            return Ok(counts);
        }
    }
}

type Stored = std::result::Result<(), secondme_store::StoreError>;

async fn forget_events(tx: &mut Tx, user_id: i64, app_id: &str, counts: &mut Counts) -> Stored {
    for id in events::delete_of_app(tx, user_id, app_id, BATCH).await? {
        index::remove(tx, user_id, Kind::Event, &id.to_string()).await?;
        counts.events += 1;
    }
    Ok(())
}

async fn forget_notes(tx: &mut Tx, user_id: i64, app_id: &str, counts: &mut Counts) -> Stored {
    for (id, parts) in notes::delete_of_app(tx, user_id, app_id, BATCH).await? {
        notes::forget(tx, user_id, id, parts).await?;
        counts.notes += 1;
    }
    Ok(())
}

async fn forget_memories(tx: &mut Tx, user_id: i64, app_id: &str, counts: &mut Counts, now: Millis) -> Stored {
    let disowned = key_memories::disown(tx, user_id, app_id, BATCH).await?;
    let deleted = unlearn(tx, user_id, &disowned, now).await?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    counts.key_memories += count(deleted);
    counts.kept_key_memories += count(disowned.len() - deleted);
    Ok(())
}

/// Of memories that have lost a source, deletes those that have none left, and has them taken out of the portrait; how many.
pub(in crate::memory) async fn unlearn(
    tx: &mut Tx,
    user_id: i64,
    disowned: &[i64],
    now: Millis,
) -> std::result::Result<usize, secondme_store::StoreError> {
    let mut deleted = Vec::new();
    for &id in disowned {
        if key_memories::sources(tx, user_id, id).await?.is_empty() {
            key_memories::delete_in(tx, user_id, id).await?;
            deleted.push(id);
        } else {
            key_memories::remember(tx, user_id, id).await?;
        }
    }
    if !deleted.is_empty() {
        let payload = json!({"userId": user_id, "memoryIds": deleted});
        enqueue(tx, NewJob { kind: FORGOTTEN, payload, run_at: now, dedupe: None }, now).await?;
    }
    Ok(deleted.len())
}
