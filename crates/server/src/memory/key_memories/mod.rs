//! Key memories: facts about the user, how they speak, whom they know (contract 8). What is learned enters by [`door`].
//!
//! Invariants: of two active memories with the same words there is one; every learned memory names where it came from; a newer
//! fact ends an older one (`validUntil`, `SUPERSEDED`) and never erases it.

pub mod door;
pub mod http;
pub mod soft;
mod store;

use secondme_kit::{Millis, Page};
use secondme_store::{Store, StoreError, Tx};

pub use door::{Candidate, Known, Verdict, known, learn, refresh};
pub(in crate::memory) use store::{disown, disown_thing};

use super::audience::Audience;
use super::index::{self, Entry, Kind as IndexKind};
use super::keyword::patterns as words_of;
use super::words;
use crate::access::{Caller, Kind as TokenKind};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::users::profile;

/// A key memory as stored. The vocabularies are documented in `docs/API.md`.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyMemory {
    /// Its id.
    pub id: i64,
    /// `FACT`, `STYLE` or `RELATION`.
    pub kind: String,
    /// Whom it is about.
    pub actor: String,
    /// What it is about, in a word or two.
    pub object: String,
    /// The memory, in a sentence.
    pub content: String,
    /// 1: the owner's avatars may tell visitors; 0: the owner alone.
    pub visibility: i64,
    /// `MANUAL`, `CHAT`, `NOTE` or `EVENT`: what it came from.
    pub data_type: String,
    /// `UNREAD` until the owner's own tools listed it.
    pub read_status: String,
    /// `ACTIVE`, or `SUPERSEDED` by a newer one.
    pub state: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// Since when it is true.
    pub valid_from: Millis,
    /// Until when it was true.
    pub valid_until: Option<Millis>,
    /// The memory that took its place.
    pub superseded_by: Option<i64>,
    /// When it was stored.
    pub created_at: Millis,
    /// When it last changed, or was heard again.
    pub updated_at: Millis,
}

/// A memory to store.
#[derive(Clone, Debug)]
pub struct NewMemory<'a> {
    /// `FACT`, `STYLE` or `RELATION`.
    pub kind: &'a str,
    /// Whom it is about.
    pub actor: &'a str,
    /// What it is about.
    pub object: &'a str,
    /// The memory.
    pub content: &'a str,
    /// 1 or 0.
    pub visibility: i64,
    /// What it came from.
    pub data_type: &'a str,
    /// From 0 to 1.
    pub confidence: f64,
    /// Since when it is true.
    pub valid_from: Millis,
}

/// Where a memory came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `message`, `note`, `event` or `api`.
    pub kind: &'static str,
    /// The id of that thing.
    pub id: String,
    /// The app through which it came; empty: none.
    pub app_id: String,
    /// When it was said.
    pub at: Millis,
}

/// Inserts what the user (or an app for them) states. The same words again change nothing but the time.
///
/// # Errors
/// `memory.content.required`; `invalid.param` when it is too long.
pub async fn insert(app: &App, caller: &Caller, content: &str, visibility: Option<i64>) -> Result<()> {
    let content = checked(app, content)?;
    let visibility = checked_visibility(visibility)?;
    let owner = profile::get(app.store(), caller.user_id).await?;
    let (user_id, now) = (caller.user_id, app.now());
    let new = NewMemory {
        kind: "FACT",
        actor: owner.name.trim(),
        object: "general",
        content,
        visibility: visibility.unwrap_or(0),
        data_type: "MANUAL",
        confidence: 1.0,
        valid_from: now,
    };
    let source = Source {
        kind: "api",
        id: app.entropy().alphanumeric(12),
        app_id: caller.app_id().unwrap_or_default().to_owned(),
        at: now,
    };
    let mut tx = app.store().write().await?;
    put(&mut tx, user_id, &new, &[source], now).await?;
    tx.commit().await?;
    Ok(())
}

/// Stores a memory with its sources and index entry, or adds the sources to the active one with the same words; its id, and
/// whether it is new.
pub(super) async fn put(
    tx: &mut Tx,
    user_id: i64,
    new: &NewMemory<'_>,
    sources: &[Source],
    now: Millis,
) -> std::result::Result<(i64, bool), StoreError> {
    let (id, is_new) = match store::insert(tx, user_id, new, now).await? {
        Some(id) => (id, true),
        None => (store::touch_same(tx, user_id, &words::fingerprint(new.content), now).await?, false),
    };
    for source in sources {
        store::insert_source(tx, user_id, id, source).await?;
    }
    if is_new {
        remember(tx, user_id, id).await?;
    }
    Ok((id, is_new))
}

/// Writes a memory's index entry anew; one that is no longer true counts for less.
pub(super) async fn remember(tx: &mut Tx, user_id: i64, id: i64) -> std::result::Result<(), StoreError> {
    let Some(memory) = store::find(tx, user_id, id).await? else { return Ok(()) };
    let app_id = store::only_app(tx, user_id, id).await?;
    let base = if memory.state == "ACTIVE" { 0.7 } else { 0.2 };
    let entry = Entry {
        user_id,
        kind: IndexKind::KeyMemory,
        item_id: id.to_string(),
        text: &memory.content,
        speaker: Some(memory.actor.as_str()).filter(|actor| !actor.is_empty()),
        conversation: None,
        position: id,
        happened_at: memory.valid_from,
        importance: base + 0.3 * memory.confidence * base,
        audience: &Audience::of_visibility(memory.visibility),
        app_id: app_id.as_deref(),
    };
    index::put(tx, &entry).await
}

/// A page of the user's memories, the last changed first; `keyword`: all its words must appear.
///
/// # Errors
/// `invalid.param` when the keyword is too long.
pub async fn search(app: &App, caller: &Caller, keyword: &str, page: Page) -> Result<(Vec<KeyMemory>, i64)> {
    let max = app.config().memory.keyword_max_chars;
    if keyword.chars().count() > max {
        return Err(ApiError::invalid("keyword", &Problem::TooLong(max)));
    }
    let patterns = words_of(keyword);
    let mut tx = app.store().read().await?;
    let total = store::count(&mut tx, caller.user_id, &patterns).await?;
    let memories = store::search(&mut tx, caller.user_id, &patterns, page).await?;
    tx.commit().await?;
    // The owner's own tools show it to the owner; what an app fetched is not yet read.
    if caller.grant.kind == TokenKind::Personal && memories.iter().any(|m| m.read_status == "UNREAD") {
        let mut tx = app.store().write().await?;
        for memory in memories.iter().filter(|m| m.read_status == "UNREAD") {
            store::mark_read(&mut tx, caller.user_id, memory.id).await?;
        }
        tx.commit().await?;
    }
    Ok((memories, total))
}

/// Changes words or visibility of a memory.
///
/// # Errors
/// `memory.not_found`; `memory.content.required` for blank words; `invalid.param`.
pub async fn update(app: &App, user_id: i64, id: i64, content: Option<&str>, visibility: Option<i64>) -> Result<()> {
    let content = content.map(|content| checked(app, content)).transpose()?;
    let visibility = checked_visibility(visibility)?;
    let mut tx = app.store().write().await?;
    if store::find(&mut tx, user_id, id).await?.is_none() {
        return Err(ApiError::new(Code::MemoryNotFound));
    }
    if let Some(content) = content {
        store::retire_same(&mut tx, user_id, id, &words::fingerprint(content), app.now()).await?;
    }
    store::update(&mut tx, user_id, id, content, visibility, app.now()).await?;
    remember(&mut tx, user_id, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a memory, its sources and its index entry.
///
/// # Errors
/// `memory.not_found`.
pub async fn delete(app: &App, user_id: i64, id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    if !delete_in(&mut tx, user_id, id).await? {
        return Err(ApiError::new(Code::MemoryNotFound));
    }
    tx.commit().await?;
    Ok(())
}

/// The same in the caller's transaction; whether there was one.
pub(super) async fn delete_in(tx: &mut Tx, user_id: i64, id: i64) -> std::result::Result<bool, StoreError> {
    index::remove(tx, user_id, IndexKind::KeyMemory, &id.to_string()).await?;
    store::delete(tx, user_id, id).await
}

/// What is true now, the surest and newest first: material for the portrait.
///
/// # Errors
/// Storage failures only.
pub async fn current(tx: &mut Tx, user_id: i64, limit: i64) -> std::result::Result<Vec<KeyMemory>, StoreError> {
    store::active(tx, user_id, limit).await
}

/// When each user's memories last changed: who needs a new portrait.
///
/// # Errors
/// Storage failures only.
pub async fn last_changes(store: &Store) -> std::result::Result<Vec<(i64, Millis)>, StoreError> {
    store::last_changes(store).await
}

/// One of the user's memories.
///
/// # Errors
/// Storage failures only.
pub async fn get(app: &App, user_id: i64, id: i64) -> Result<Option<KeyMemory>> {
    let mut tx = app.store().read().await?;
    Ok(store::find(&mut tx, user_id, id).await?)
}

/// Where a memory came from, oldest first.
///
/// # Errors
/// Storage failures only.
pub async fn sources(tx: &mut Tx, user_id: i64, id: i64) -> std::result::Result<Vec<Source>, StoreError> {
    store::sources(tx, user_id, id).await
}

/// Where each of these memories came from, in their order.
///
/// # Errors
/// Storage failures only.
pub async fn origins(app: &App, user_id: i64, memories: &[KeyMemory]) -> Result<Vec<Vec<Source>>> {
    let mut tx = app.store().read().await?;
    let mut origins = Vec::with_capacity(memories.len());
    for memory in memories {
        origins.push(store::sources(&mut tx, user_id, memory.id).await?);
    }
    Ok(origins)
}

/// The memories that this one contradicts or supersedes, with the word for it.
///
/// # Errors
/// Storage failures only.
pub async fn links(tx: &mut Tx, user_id: i64, id: i64) -> std::result::Result<Vec<(i64, String)>, StoreError> {
    store::links(tx, user_id, id).await
}

fn checked<'c>(app: &App, content: &'c str) -> Result<&'c str> {
    let content = content.trim();
    let max = app.config().memory.key_memory_max_chars;
    if content.is_empty() {
        return Err(ApiError::new(Code::MemoryContentRequired));
    }
    if content.chars().count() > max {
        return Err(ApiError::invalid("content", &Problem::TooLong(max)));
    }
    Ok(content)
}

fn checked_visibility(visibility: Option<i64>) -> Result<Option<i64>> {
    match visibility {
        None | Some(0 | 1) => Ok(visibility),
        Some(_) => Err(ApiError::invalid("visibility", &Problem::Expected("0 or 1", " 0 或 1"))),
    }
}
