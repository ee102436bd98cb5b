//! Agent memory: what apps saw the user do, and what the user did on this server (contract 14.1, 14.2; seed 003).
//!
//! Invariant: of equal events of one user and app one is stored, for ever and under any race. The unique key decides it, in
//! the statement that stores; and a duplicate is answered only when the original is on disk.

pub mod http;
mod key;
mod parse;
mod store;

use secondme_jobs::{NewJob, enqueue};
use secondme_kit::{Millis, Page};
use secondme_store::{StoreError, Tx};
use serde_json::{Map, Value, json};

pub use parse::parse;
pub use store::{Noted, important_after};
pub(crate) use store::{delete_of_app, stored};

use super::audience::Audience;
use super::index::{self, Entry, Kind};
use super::settings;
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Result};

/// `app_id` of what the user did on this server.
pub const OWN: &str = "secondme";
/// From this importance on an event counts as important (seed 003).
pub const IMPORTANT: f64 = 0.7;
/// Importance of an event that names none: an ordinary one, shown in the timeline.
pub const USUAL: f64 = 0.5;

/// The kind of the job that runs when important events have come and a while has passed; its payload is `{userId}`.
pub const QUIET: &str = "memory.events_quiet";

/// An event to store.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What the seed deduplicates by, hashed.
    pub dedup_key: [u8; 32],
    /// The app's Client ID, or what a tool of the user named.
    pub platform: String,
    /// What happened, an open vocabulary.
    pub action: String,
    /// The same in the user's words; may be empty.
    pub action_label: String,
    /// What the timeline shows; never empty.
    pub display_text: String,
    /// From 0 to 1.
    pub importance: f64,
    /// When it happened.
    pub event_time: Millis,
    /// Every field as it came, in camelCase.
    pub body: Map<String, Value>,
    /// What can be found: the text shown, and the evidence.
    pub text: String,
    /// The channel it happened in, for finding neighbours.
    pub channel: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored under this id.
    Stored(i64),
    /// There already.
    Duplicate,
}

/// An event as stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of NewEvent")]
pub struct Event {
    pub id: i64,
    pub platform: String,
    pub action: String,
    pub action_label: String,
    pub display_text: String,
    pub importance: f64,
    pub event_time: Millis,
    pub body: Map<String, Value>,
}

/// Stores events, all in one transaction; the outcomes are in their order.
///
/// # Errors
/// `agent.memory.write.disabled` when the user turned writing off; `agent.memory.ingest.failed` when it cannot be stored.
pub async fn ingest(app: &App, caller: &Caller, events: &[NewEvent]) -> Result<Vec<Outcome>> {
    let failed = |error: StoreError| ApiError::new(Code::IngestFailed).caused_by(error);
    let (user_id, app_id) = (caller.user_id, caller.app_id().unwrap_or_default());
    let now = app.now();
    let mut tx = app.store().write().await.map_err(failed)?;
    let mut outcomes = Vec::with_capacity(events.len());
    for event in events {
        let outcome = put(&mut tx, user_id, app_id, event, now).await.map_err(failed)?;
        if outcome == Outcome::Duplicate && !settings::may_write(&mut tx, user_id).await.map_err(failed)? {
            return Err(ApiError::new(Code::EventWritesDisabled));
        }
        outcomes.push(outcome);
    }
    let is_news = |(event, outcome): (&NewEvent, &Outcome)| {
        event.importance >= IMPORTANT && matches!(outcome, Outcome::Stored(_))
    };
    if events.iter().zip(&outcomes).any(is_news) {
        let run_at = now + app.config().learning.quiet_seconds * 1_000;
        let payload = json!({"userId": user_id});
        let job = NewJob { kind: QUIET, payload, run_at, dedupe: Some(user_id.to_string()) };
        enqueue(&mut tx, job, now).await.map_err(failed)?;
    }
    // Also when all were duplicates: the original may wait in the same group commit, and must be on disk before we say so.
    tx.commit().await.map_err(failed)?;
    Ok(outcomes)
}

/// Stores one event and its index entry in the caller's transaction. Nothing is stored while the user's switch is off.
pub(crate) async fn put(
    tx: &mut Tx,
    user_id: i64,
    app_id: &str,
    event: &NewEvent,
    now: Millis,
) -> std::result::Result<Outcome, StoreError> {
    let Some(id) = store::insert(tx, user_id, app_id, event, now).await? else { return Ok(Outcome::Duplicate) };
    // What is done on this server is remembered by what it is (the message, the post); the event is for the timeline.
    if app_id != OWN {
        let entry = Entry {
            user_id,
            kind: Kind::Event,
            item_id: id.to_string(),
            text: &event.text,
            speaker: None,
            conversation: event.channel.as_deref(),
            position: id,
            happened_at: event.event_time,
            importance: event.importance,
            audience: &Audience::OwnerOnly,
            app_id: Some(app_id).filter(|id| !id.is_empty()),
        };
        index::add(tx, &entry).await?;
    }
    Ok(Outcome::Stored(id))
}

/// A user's reported events, newest first, and how many there are. An app sees its own; the user's tools see all.
///
/// # Errors
/// `agent_memory.list.failed` when they cannot be read.
pub async fn list(app: &App, caller: &Caller, platform: Option<&str>, page: Page) -> Result<(Vec<Event>, i64)> {
    let failed = |error: StoreError| ApiError::new(Code::EventListFailed).caused_by(error);
    let mut tx = app.store().read().await.map_err(failed)?;
    let filter = store::Filter { user_id: caller.user_id, app_id: caller.app_id(), platform };
    let total = store::count(&mut tx, &filter).await.map_err(failed)?;
    Ok((store::list(&mut tx, &filter, page).await.map_err(failed)?, total))
}
