//! The end of an app's access, made known: to the tokens in this node's memory, to its open streams and sockets, and over
//! the bus to every other node.
//!
//! The database says what is revoked; what is told here only makes it count at once. A node that missed something empties its
//! memory and looks up what it has open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::StreamExt;
use moka::sync::Cache;
use secondme_store::Store;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::store;
use super::tokens::GrantCache;
use crate::app::App;
use crate::error::Result;

/// The bus's subject.
const SUBJECT: &str = "access.revoked";
/// How long a revocation is remembered for streams that were about to begin.
const RECENT: Duration = Duration::from_secs(60);
/// How long a listener that lost the bus waits before it listens again, and how often it looks whether it lost something.
const AGAIN: Duration = Duration::from_secs(1);

/// A user and an app; no app for what users have open on their own.
type Pair = (i64, Arc<str>);

/// What is open on this node, by user and app. Cheap to clone.
#[derive(Clone)]
pub struct Revocations(Arc<Inner>);

struct Inner {
    grants: GrantCache,
    recent: Cache<Pair, ()>,
    open: Mutex<HashMap<Pair, Weak<CancellationToken>>>,
}

/// What is told about a revocation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notice {
    /// Absent: every user of the app.
    user_id: Option<i64>,
    /// Empty: whatever the user has open; with neither, only the memory of tokens is emptied.
    app_id: String,
}

/// Something open that belongs to a user in an app. Keep it as long as that is open.
pub struct Watch {
    ended: Option<Arc<CancellationToken>>,
    pair: Option<Pair>,
    all: Revocations,
}

impl Revocations {
    /// Nothing is open yet. Revocations empty `grants`.
    pub fn new(grants: GrantCache) -> Self {
        let recent = Cache::builder().max_capacity(100_000).time_to_live(RECENT).build();
        Self(Arc::new(Inner { grants, recent, open: Mutex::default() }))
    }

    /// Begins to watch for the end of `app_id`'s access to `user_id`. Without an app only the account itself can end.
    ///
    /// # Errors
    /// Storage failures only.
    pub async fn watch(&self, store: &Store, user_id: i64, app_id: Option<&str>) -> Result<Watch> {
        let pair: Pair = (user_id, app_id.unwrap_or_default().into());
        let ended = self.register(&pair);
        // Revoked between the check of the token and now, or long ago and granted again? The database knows.
        let account: Pair = (user_id, Arc::from(""));
        let recent = self.0.recent.contains_key(&pair) || self.0.recent.contains_key(&account);
        if recent && is_over(store, &pair).await? {
            ended.cancel();
        }
        Ok(Watch { ended: Some(ended), pair: Some(pair), all: self.clone() })
    }

    fn register(&self, pair: &Pair) -> Arc<CancellationToken> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.get(pair).and_then(Weak::upgrade) {
            return known;
        }
        let fresh = Arc::new(CancellationToken::new());
        open.insert(pair.clone(), Arc::downgrade(&fresh));
        fresh
    }

    /// Ends what is open on this node for an app and a user, for all users of an app, or, without an app, for a user.
    pub fn end_here(&self, user_id: Option<i64>, app_id: &str) {
        self.0.grants.invalidate_all();
        if let Some(user) = user_id {
            self.0.recent.insert((user, app_id.into()), ());
        }
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = |pair: &Pair| match user_id {
            Some(user) => user == pair.0,
            None => !app_id.is_empty() && &*pair.1 == app_id,
        };
        if let Some(user) = user_id.filter(|_| !app_id.is_empty()) {
            if let Some(token) = open.remove(&(user, Arc::from(app_id))).and_then(|token| token.upgrade()) {
                token.cancel();
            }
            return;
        }
        open.retain(|pair, token| {
            let gone = gone(pair);
            if let Some(token) = token.upgrade().filter(|_| gone) {
                token.cancel();
            }
            !gone
        });
    }

    /// How many pairs have something open here.
    pub fn open(&self) -> usize {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// After messages were lost: nothing in memory counts, and what is open is looked up.
    async fn look_again(&self, store: &Store) -> Result<()> {
        self.0.grants.invalidate_all();
        let pairs: Vec<Pair> = self.0.open.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        for (user_id, app_id) in pairs {
            let pair = (user_id, app_id);
            if is_over(store, &pair).await? {
                self.end_here(Some(user_id), &pair.1);
            }
        }
        Ok(())
    }
}

impl Watch {
    /// Waits until the access ends; for ever when nothing can end it.
    pub async fn ended(&self) {
        match &self.ended {
            Some(token) => token.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.as_ref().is_some_and(|token| token.is_cancelled())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let (Some(ended), Some(pair)) = (self.ended.take(), &self.pair) else { return };
        let mut open = self.all.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one takes the entry with it, unless a newer one stands in its place.
        let ours = open.get(pair).is_some_and(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(&ended)));
        if ours && Arc::strong_count(&ended) == 1 {
            open.remove(pair);
        }
    }
}

/// Whether a user's account, or the app's access to it, has ended.
async fn is_over(store: &Store, (user_id, app_id): &Pair) -> Result<bool> {
    // User 0 is nobody: a visitor who did not sign in, and has no account that could end.
    if *user_id != 0 && store::is_suspended(store, *user_id).await? {
        return Ok(true);
    }
    Ok(!app_id.is_empty() && store::is_revoked(store, *user_id, app_id).await?)
}

/// Makes a committed revocation count: here at once, on the other nodes as fast as the bus is. `user_id` none: for every user.
/// Call it from the transaction's `after_commit`.
pub fn announce(app: &App, user_id: Option<i64>, app_id: &str) {
    app.revocations().end_here(user_id, app_id);
    let notice = Notice { user_id, app_id: app_id.to_owned() };
    // A plain structure; serialising it does not fail.
    let payload = serde_json::to_vec(&notice).unwrap_or_default();
    let sender = app.clone();
    app.spawn(async move { sender.bus().publish(SUBJECT, payload.into()).await });
}

/// Makes the committed end of an account count: everything that is open for the user ends, on every node.
pub fn announce_user(app: &App, user_id: i64) {
    announce(app, Some(user_id), "");
}

/// Makes tokens that were taken back in a committed transaction count on every node. Nothing that is open ends by it.
pub fn announce_tokens(app: &App) {
    // No app has an empty id, so this empties the memory and does no more.
    announce(app, None, "");
}

/// Listens to what other nodes announce, until the server stops.
pub async fn listen(app: App) {
    let stopping = app.stopping().clone();
    while !stopping.is_cancelled() {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = hear(&app) => {}
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// One subscription, to its end.
async fn hear(app: &App) {
    let mut notices = app.bus().subscribe(SUBJECT).await;
    catch_up(app).await;
    let mut tick = tokio::time::interval(AGAIN);
    loop {
        tokio::select! {
            message = notices.next() => {
                let Some(message) = message else { return };
                if let Ok(notice) = serde_json::from_slice::<Notice>(&message.payload) {
                    app.revocations().end_here(notice.user_id, &notice.app_id);
                }
            }
            _ = tick.tick() => {}
        }
        // A bus that is away, or was, says nothing of what it did not carry.
        if notices.take_missed() > 0 || app.bus().is_away() {
            catch_up(app).await;
        }
    }
}

async fn catch_up(app: &App) {
    if let Err(error) = app.revocations().look_again(app.store()).await {
        tracing::warn!(cause = %error, "open streams could not be checked for revocations that were missed");
    }
}
