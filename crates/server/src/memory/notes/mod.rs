//! Notes: texts that the user keeps, and links whose pages are fetched and read (contract 9).
//!
//! Invariant: what a note says is in the index in the transaction that changes the note; a LINK note says what its pages said,
//! and a page that could not be read says why.

pub mod http;
pub mod jobs;
mod page;
mod store;

use secondme_jobs::{NewJob, enqueue};
use secondme_kit::{Millis, Page};
use secondme_store::{StoreError, Tx};
use serde_json::json;
use url::Url;

pub(crate) use page::parts;
pub(in crate::memory) use store::delete_of_app;

use super::audience::Audience;
use super::index::{self, Entry, Kind};
use super::{forgetting, key_memories, keyword};
use crate::access::Caller;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

/// A note as stored.
#[derive(Clone, Debug)]
pub struct Note {
    /// Its id.
    pub id: i64,
    /// `TEXT` or `LINK`; never changes.
    pub memory_type: String,
    /// Its title.
    pub title: String,
    /// What it says.
    pub content: String,
    /// `READY`; of links also `PENDING`, `PARTIAL` (some pages failed) and `FAILED`.
    pub state: String,
    /// How many index entries its text has beside the first.
    parts: i64,
    /// The app that added it; empty: none.
    pub app_id: String,
    /// When it was added.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// A page of a LINK note.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where it is.
    pub url: String,
    /// `PENDING`, `READY` or `FAILED`.
    pub state: String,
    /// The page's title.
    pub title: String,
    /// Its readable text.
    pub content: String,
    /// Why it failed.
    pub failure: String,
}

/// What a note is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// Words.
    Text(String),
    /// Pages to fetch.
    Links(Vec<Url>),
}

/// The kind of the job that runs when a text has been left alone for a while; its payload is `{userId, noteId}`.
pub const QUIET: &str = "memory.note_quiet";
/// A part of a long note, so that a passage can be found, in characters.
const PART_CHARS: usize = 1_200;

/// Adds a note; its id. The pages of links are fetched by a job.
///
/// # Errors
/// `note.content.required`, `note.urls.required`, `note.add.not_whitelisted`, `invalid.param`.
pub async fn add(app: &App, caller: &Caller, title: Option<&str>, material: Material) -> Result<i64> {
    allowed(app, caller, Code::NoteAddRefused)?;
    let title = checked_title(app, title.unwrap_or_default())?;
    let new = checked(app, caller, title, &material)?;
    let (user_id, now) = (caller.user_id, app.now());
    let mut tx = app.store().write().await?;
    let id = store::insert(&mut tx, user_id, &new, now).await?;
    if let Material::Links(urls) = &material {
        for (position, url) in (0..).zip(urls) {
            store::insert_link(&mut tx, user_id, id, position, url.as_str()).await?;
        }
        let payload = json!({"userId": user_id, "noteId": id});
        enqueue(&mut tx, NewJob { kind: jobs::KIND, payload, run_at: now, dedupe: None }, now).await?;
    }
    if matches!(material, Material::Text(_)) {
        read_when_quiet(app, &mut tx, user_id, id).await?;
    }
    remember(&mut tx, user_id, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// Has a text read when it will have been left alone for `learning.quiet_seconds`, in the caller's transaction. Pages of links
/// are other people's words: they are found, and not learned from.
async fn read_when_quiet(app: &App, tx: &mut Tx, user_id: i64, id: i64) -> Result<()> {
    let (now, payload) = (app.now(), json!({"userId": user_id, "noteId": id}));
    let run_at = now + app.config().learning.quiet_seconds * 1_000;
    Ok(enqueue(tx, NewJob { kind: QUIET, payload, run_at, dedupe: Some(id.to_string()) }, now).await?)
}

fn checked<'n>(app: &App, caller: &'n Caller, title: &'n str, material: &'n Material) -> Result<store::NewNote<'n>> {
    let limits = &app.config().memory;
    let app_id = caller.app_id().unwrap_or_default();
    match material {
        Material::Text(content) if content.trim().is_empty() => Err(ApiError::new(Code::NoteContentRequired)),
        Material::Text(content) => {
            checked_content(app, content)?;
            Ok(store::NewNote { app_id, memory_type: "TEXT", data_type: "Memo", title, content, state: "READY" })
        }
        Material::Links(urls) if urls.is_empty() => Err(ApiError::new(Code::NoteUrlsRequired)),
        Material::Links(urls) if urls.len() > limits.note_urls_max => {
            Err(ApiError::invalid("urls", &Problem::TooMany(limits.note_urls_max)))
        }
        Material::Links(_) => {
            Ok(store::NewNote { app_id, memory_type: "LINK", data_type: "Link", title, content: "", state: "PENDING" })
        }
    }
}

/// A URL that a note may fetch.
///
/// # Errors
/// `invalid.param` with its place in `urls`.
pub fn checked_url(app: &App, at: usize, text: &str) -> Result<Url> {
    let max = app.config().memory.url_max_chars;
    let url = Url::parse(text.trim()).ok().filter(|url| {
        text.len() <= max
            && matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
    });
    url.ok_or_else(|| {
        ApiError::invalid(&format!("urls[{at}]"), &Problem::Expected("an http or https URL", " http 或 https 链接"))
    })
}

/// A page of the user's notes in which all words of `keyword` appear, newest first.
///
/// # Errors
/// `invalid.param` when the keyword is too long.
pub async fn search(app: &App, user_id: i64, words: &str, page: Page) -> Result<(Vec<Note>, i64)> {
    find(app, user_id, words, Filter::default(), page.offset(), page.size).await
}

/// One of the user's notes.
///
/// # Errors
/// Storage failures only.
pub async fn get(app: &App, user_id: i64, id: i64) -> Result<Option<Note>> {
    let mut tx = app.store().read().await?;
    Ok(store::note(&mut tx, user_id, id).await?)
}

/// Which kinds of notes a list shows.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Texts (`Memo`).
    pub memos: bool,
    /// Links (`Link`).
    pub links: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self { memos: true, links: true }
    }
}

/// The user's notes from an offset on, newest first, each with its pages.
///
/// # Errors
/// `note.list.not_whitelisted`; `invalid.param`.
pub async fn list(
    app: &App,
    caller: &Caller,
    words: &str,
    filter: Filter,
    (from, size): (i64, i64),
) -> Result<(Vec<(Note, Vec<Link>)>, i64)> {
    allowed(app, caller, Code::NoteListRefused)?;
    let (notes, total) = find(app, caller.user_id, words, filter, from, size).await?;
    let mut tx = app.store().read().await?;
    let mut listed = Vec::with_capacity(notes.len());
    for note in notes {
        let links = match note.memory_type.as_str() {
            "LINK" => store::links(&mut tx, caller.user_id, note.id).await?,
            _ => Vec::new(),
        };
        listed.push((note, links));
    }
    Ok((listed, total))
}

async fn find(app: &App, user_id: i64, words: &str, filter: Filter, from: i64, size: i64) -> Result<(Vec<Note>, i64)> {
    let max = app.config().memory.keyword_max_chars;
    if words.chars().count() > max {
        return Err(ApiError::invalid("keyword", &Problem::TooLong(max)));
    }
    let patterns = keyword::patterns(words);
    let mut tx = app.store().read().await?;
    let total = store::count(&mut tx, user_id, &patterns, filter).await?;
    Ok((store::search(&mut tx, user_id, &patterns, filter, (from, size)).await?, total))
}

/// Changes title or words of a note.
///
/// # Errors
/// `note.update.failed` when there is no such note; `note.content.required`; `invalid.param`.
pub async fn update(app: &App, user_id: i64, id: i64, title: Option<&str>, content: Option<&str>) -> Result<()> {
    let title = title.map(|title| checked_title(app, title)).transpose()?;
    if let Some(content) = content {
        if content.trim().is_empty() {
            return Err(ApiError::new(Code::NoteContentRequired));
        }
        checked_content(app, content)?;
    }
    let mut tx = app.store().write().await?;
    let note = store::note(&mut tx, user_id, id).await?.ok_or_else(|| ApiError::new(Code::NoteUpdateFailed))?;
    let (title, content) = (title.unwrap_or(&note.title), content.unwrap_or(&note.content));
    store::update(&mut tx, user_id, id, title, content, app.now()).await?;
    if note.memory_type == "TEXT" {
        read_when_quiet(app, &mut tx, user_id, id).await?;
    }
    remember(&mut tx, user_id, id).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a note, its pages, its index entries, and what was learned from it alone.
///
/// # Errors
/// `note.delete.failed` when there is no such note.
pub async fn delete(app: &App, user_id: i64, id: i64) -> Result<()> {
    let mut tx = app.store().write().await?;
    let note = store::note(&mut tx, user_id, id).await?.ok_or_else(|| ApiError::new(Code::NoteDeleteFailed))?;
    forget(&mut tx, user_id, id, note.parts).await?;
    store::delete(&mut tx, user_id, id).await?;
    let learned = key_memories::disown_thing(&mut tx, user_id, "note", &id.to_string()).await?;
    forgetting::unlearn(&mut tx, user_id, &learned, app.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a note out of the index.
pub(in crate::memory) async fn forget(
    tx: &mut Tx,
    user_id: i64,
    id: i64,
    parts: i64,
) -> std::result::Result<(), StoreError> {
    index::remove(tx, user_id, Kind::Note, &id.to_string()).await?;
    for part in 1..=parts {
        index::remove(tx, user_id, Kind::NotePart, &format!("{id}.{part}")).await?;
    }
    Ok(())
}

/// Writes a note's index entries anew: one for its beginning, one for each further part.
async fn remember(tx: &mut Tx, user_id: i64, id: i64) -> std::result::Result<(), StoreError> {
    let Some(note) = store::note(tx, user_id, id).await? else { return Ok(()) };
    forget(tx, user_id, id, note.parts).await?;
    let text = if note.title.is_empty() { note.content.clone() } else { format!("{}\n{}", note.title, note.content) };
    let parts = page::parts(&text, PART_CHARS);
    let conversation = format!("note/{id}");
    for (position, part) in (0..).zip(&parts) {
        let (kind, item_id) =
            if position == 0 { (Kind::Note, id.to_string()) } else { (Kind::NotePart, format!("{id}.{position}")) };
        let entry = Entry {
            user_id,
            kind,
            item_id,
            text: part,
            speaker: None,
            conversation: Some(&conversation),
            position,
            happened_at: note.created_at,
            importance: 0.6,
            audience: &Audience::OwnerOnly,
            app_id: Some(note.app_id.as_str()).filter(|app| !app.is_empty()),
        };
        index::put(tx, &entry).await?;
    }
    let further = i64::try_from(parts.len().saturating_sub(1)).unwrap_or(0);
    store::set_parts(tx, user_id, id, further).await?;
    Ok(())
}

/// Whether the caller may use notes: everybody, unless the operator listed the apps that may.
fn allowed(app: &App, caller: &Caller, refusal: Code) -> Result<()> {
    let list = &app.config().policy.note_whitelist;
    match &caller.grant.client_id {
        Some(client) if !list.is_empty() && !list.contains(client) => Err(ApiError::new(refusal)),
        _ => Ok(()),
    }
}

fn checked_title<'t>(app: &App, title: &'t str) -> Result<&'t str> {
    let max = app.config().memory.title_max_chars;
    if title.chars().count() > max { Err(ApiError::invalid("title", &Problem::TooLong(max))) } else { Ok(title.trim()) }
}

fn checked_content(app: &App, content: &str) -> Result<()> {
    let max = app.config().memory.note_max_chars;
    if content.chars().count() > max { Err(ApiError::invalid("content", &Problem::TooLong(max))) } else { Ok(()) }
}
