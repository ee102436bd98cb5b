//! The last requests of each app, for its developer: what was asked, with which scopes, what came of it and how fast.
//!
//! Invariants: no token, no secret and nothing that somebody wrote is kept (`http::trace` replaces every value that is not a
//! word of the protocol); answering a request never waits for this. Requests are collected in memory, a bounded number for
//! each app, and written together every few seconds; what a crash may lose is those seconds.

pub mod advice;
pub mod snippets;
mod store;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secondme_kit::{Millis, Page};
use secondme_store::Tx;

use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::trace::Seen;

/// Requests that are not written yet. Cheap to clone.
#[derive(Clone, Default)]
pub struct Inspector(Arc<Mutex<Waiting>>);

/// In the order in which they were answered.
#[derive(Default)]
struct Waiting {
    requests: Vec<Seen>,
    /// How many there are by app id or Client ID.
    counts: HashMap<String, usize>,
}

/// A request as its app's developer sees it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of http::trace::Seen")]
pub struct Request {
    pub id: i64,
    pub request_id: String,
    pub at: Millis,
    pub method: String,
    pub route: String,
    pub path: String,
    pub query: String,
    pub media: String,
    pub body: String,
    pub agent: String,
    pub token_kind: String,
    pub scopes: String,
    pub needs: String,
    pub status: i64,
    pub sub_code: String,
    pub message: String,
    pub micros: i64,
    /// The user, as this app knows them.
    pub app_scoped_user_id: Option<String>,
}

impl Request {
    /// Whether it was answered as asked.
    pub fn is_good(&self) -> bool {
        self.status < 400
    }

    /// Milliseconds until the answer began, for reading.
    pub fn took(&self) -> String {
        match self.micros {
            micros if micros < 10_000 => format!("{:.1} ms", micros as f64 / 1e3),
            micros if micros < 10_000_000 => format!("{} ms", micros / 1_000),
            micros => format!("{} s", micros / 1_000_000),
        }
    }
}

/// Which requests a developer wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that failed.
    pub failed: bool,
}

impl Inspector {
    /// Keeps a request until it is written. Of an app that makes more than `inspector.per_flush` between two writes, the first
    /// ones are kept.
    pub fn note(&self, app: &App, seen: Seen) {
        let config = &app.config().inspector;
        let Some(key) = seen.facts.app.clone().filter(|_| config.enabled) else { return };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.counts.len() >= config.apps_max && !waiting.counts.contains_key(&key) {
            return;
        }
        let of_app = waiting.counts.entry(key).or_default();
        if *of_app < config.per_flush {
            *of_app += 1;
            waiting.requests.push(seen);
        }
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes what was collected, and lets go of what is too much for its app.
///
/// # Errors
/// Storage failures only; what was collected is lost by them.
pub async fn flush(app: &App) -> Result<()> {
    let taken = app.inspector().take();
    if taken.requests.is_empty() {
        return Ok(());
    }
    let keep = app.config().inspector.requests_per_app;
    let mut tx = app.store().write().await?;
    let mut apps = BTreeMap::new();
    for key in taken.counts.into_keys() {
        // A Client ID that somebody made up is nobody's.
        if let Some(app_id) = store::app_of(&mut tx, &key).await? {
            apps.insert(key, app_id);
        }
    }
    for seen in &taken.requests {
        if let Some(app_id) = seen.facts.app.as_ref().and_then(|key| apps.get(key)) {
            store::insert(&mut tx, app_id, seen).await?;
        }
    }
    for app_id in apps.values() {
        store::trim(&mut tx, app_id, keep).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Flushes every `inspector.flush_ms` until the server stops.
pub async fn run(app: App) {
    let every = Duration::from_millis(app.config().inspector.flush_ms.max(100));
    while tokio::time::timeout(every, app.stopping().cancelled()).await.is_err() {
        if let Err(error) = flush(&app).await {
            tracing::warn!(cause = %error, "requests of apps could not be written for the inspector");
        }
    }
}

/// A page of an app's last requests, the newest first, and how many there are. The app must be the caller's: whoever calls this
/// has checked that.
///
/// # Errors
/// Storage failures only.
pub async fn requests(app: &App, app_id: &str, filter: Filter, page: Page) -> Result<(Vec<Request>, i64)> {
    // What this node has collected belongs in the answer.
    flush(app).await?;
    let least = if filter.failed { 400 } else { 0 };
    Ok((store::requests(app.store(), app_id, least, page).await?, store::count(app.store(), app_id, least).await?))
}

/// One request of an app.
///
/// # Errors
/// `resource.fetch.not_found`.
pub async fn request(app: &App, app_id: &str, id: i64) -> Result<Request> {
    store::request(app.store(), app_id, id).await?.ok_or_else(|| ApiError::new(Code::NotFound).arg("request"))
}

/// Deletes at most `limit` requests from before `before`; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before, limit).await?)
}
