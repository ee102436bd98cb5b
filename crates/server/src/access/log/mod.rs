//! What apps did for users, counted by day and kind: the access log that a user can read.
//!
//! Requests are counted in memory and written together every few seconds, because a write for every read would cost more
//! than the read. What a crash may lose is those seconds.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::Method;
use secondme_kit::Millis;
use secondme_store::{Store, Tx};
use tokio::sync::Notify;

use super::{Grant, Scope};
use crate::app::App;
use crate::error::Result;

/// Entries that are written before their time, so that memory stays small.
const EARLY: usize = 20_000;
const DAY_MS: Millis = 86_400_000;

/// Whether something was looked at or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing of the user's changed.
    Read,
    /// Something was added, changed, deleted or said.
    Write,
}

impl Action {
    /// The word in the database and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// What a request does. Some lists are asked for with `POST`.
    pub fn of(method: &Method, path: &str) -> Self {
        let asks = method.is_safe() || ["/list", "/search"].iter().any(|end| path.trim_end_matches('/').ends_with(end));
        if asks { Self::Read } else { Self::Write }
    }
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    user_id: i64,
    authorization_id: i64,
    /// Days since the epoch, UTC.
    day: i64,
    kind: &'static str,
    action: Action,
}

/// How often, and when first and last.
#[derive(Clone, Copy, Debug)]
struct Count {
    times: i64,
    first_at: Millis,
    last_at: Millis,
}

/// Counts that are not written yet. Cheap to clone.
#[derive(Clone, Default)]
pub struct AccessLog(Arc<Inner>);

#[derive(Default)]
struct Inner {
    counts: Mutex<HashMap<Key, Count>>,
    early: Notify,
}

/// A line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// Midnight UTC of the day.
    pub day: Millis,
    /// The scope under which it happened; `account` where a route needs none, `tools` for calls made to the app.
    pub kind: String,
    /// `read` or `write`.
    pub action: String,
    /// How many requests.
    pub times: i64,
    /// The last of them.
    pub last_at: Millis,
}

impl AccessLog {
    /// Counts a request that an app made for a user. Requests of users themselves are not counted.
    pub fn note(&self, grant: &Grant, scope: Option<Scope>, action: Action, now: Millis) {
        let (Some(user_id), Some(authorization_id)) = (grant.user_id, grant.authorization_id) else { return };
        let kind = scope.map_or("account", Scope::name);
        self.count(Key { user_id, authorization_id, day: now.div_euclid(DAY_MS), kind, action }, now);
    }

    /// Counts a call that was made to an app for a user: what the app could read about them by it, or do for them.
    pub fn note_tool(&self, user_id: i64, authorization_id: i64, action: Action, now: Millis) {
        self.count(Key { user_id, authorization_id, day: now.div_euclid(DAY_MS), kind: "tools", action }, now);
    }

    fn count(&self, key: Key, now: Millis) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_insert(Count { times: 0, first_at: now, last_at: now });
        count.times += 1;
        count.last_at = count.last_at.max(now);
        if counts.len() == EARLY {
            self.0.early.notify_one();
        }
    }

    fn take(&self) -> HashMap<Key, Count> {
        std::mem::take(&mut *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, taken: HashMap<Key, Count>) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, old) in taken {
            let count = counts.entry(key).or_insert(Count { times: 0, ..old });
            count.times += old.times;
            count.first_at = count.first_at.min(old.first_at);
            count.last_at = count.last_at.max(old.last_at);
        }
    }
}

/// Writes down what was counted so far.
///
/// # Errors
/// Storage failures only; nothing is lost by them.
pub async fn flush(app: &App) -> Result<()> {
    let taken = app.access_log().take();
    if taken.is_empty() {
        return Ok(());
    }
    match store::write(app.store(), &taken).await {
        Ok(()) => Ok(()),
        Err(error) => {
            app.access_log().put_back(taken);
            Err(error.into())
        }
    }
}

/// Flushes every `oauth.access_log_flush_ms`, and once more when the server stops.
pub async fn run(app: App) {
    let every = Duration::from_millis(app.config().oauth.access_log_flush_ms.max(1));
    loop {
        tokio::select! {
            () = app.stopping().cancelled() => {}
            () = app.access_log().0.early.notified() => {}
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = flush(&app).await {
            tracing::warn!(cause = %error, "the access log could not be written; it is kept for the next time");
        }
        if app.stopping().is_cancelled() {
            return;
        }
    }
}

/// What an app did for a user since `since`, the newest day first.
///
/// # Errors
/// Storage failures only.
pub async fn lines(store: &Store, user_id: i64, authorization_id: i64, since: Millis) -> Result<Vec<Line>> {
    Ok(store::lines(store, user_id, authorization_id, since.div_euclid(DAY_MS)).await?)
}

/// Deletes at most `limit` lines of days before `before`; returns how many.
///
/// # Errors
/// Storage failures only.
pub async fn reclaim(tx: &mut Tx, before: Millis, limit: i64) -> Result<u64> {
    Ok(store::reclaim(tx, before.div_euclid(DAY_MS), limit).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_however_they_are_asked_for() {
        let of = |method: Method, path: &str| Action::of(&method, path);
        assert_eq!(of(Method::GET, "/gate/lab/api/secondme/user/info"), Action::Read);
        assert_eq!(of(Method::POST, "/gate/lab/api/secondme/note/list"), Action::Read);
        assert_eq!(of(Method::POST, "/gate/lab/api/secondme/note/add"), Action::Write);
        assert_eq!(of(Method::POST, "/gate/lab/api/secondme/chat/stream"), Action::Write);
    }
}
