//! Notes and key memories as resources: `secondme://notes/{id}`, `secondme://memories/{id}`.

use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use secondme_kit::Page;

use crate::access::log::Action;
use crate::access::{Caller, Scope};
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::memory::{key_memories, notes};

const NOTES: &str = "secondme://notes/";
const MEMORIES: &str = "secondme://memories/";
const PAGE: i64 = 50;

/// The forms of the addresses.
pub(super) fn templates() -> Vec<ResourceTemplate> {
    let note = ResourceTemplate::new(format!("{NOTES}{{id}}"), "note");
    let memory = ResourceTemplate::new(format!("{MEMORIES}{{id}}"), "key memory");
    vec![
        note.with_description("A note of the user").with_mime_type("text/plain"),
        memory.with_description("A fact about the user").with_mime_type("text/plain"),
    ]
}

/// A page of everything that the token may read: notes, then key memories.
pub(super) async fn list(app: &App, caller: &Caller, cursor: Option<&str>) -> Result<ListResourcesResult> {
    let number = match cursor {
        None => 1,
        Some(text) => text.parse().map_err(|_| {
            ApiError::invalid("cursor", &Problem::Expected("one that this server gave", "本服务器给出的游标"))
        })?,
    };
    let page = Page::new(Some(number), Some(PAGE), PAGE);
    let (mut resources, mut more) = (Vec::new(), false);
    if allowed(app, caller, Scope::NoteWrite) {
        let (found, total) = notes::search(app, caller.user_id, "", page).await?;
        more |= page.has_more(total);
        resources.extend(found.into_iter().map(|note| {
            let name = if note.title.is_empty() { first_words(&note.content) } else { note.title };
            Resource::new(format!("{NOTES}{}", note.id), name).with_mime_type("text/plain")
        }));
    }
    if allowed(app, caller, Scope::MemoryRead) {
        let (found, total) = key_memories::search(app, caller, "", page).await?;
        more |= page.has_more(total);
        resources.extend(found.into_iter().map(|memory| {
            Resource::new(format!("{MEMORIES}{}", memory.id), first_words(&memory.content)).with_mime_type("text/plain")
        }));
    }
    let mut result = ListResourcesResult::with_all_items(resources);
    result.next_cursor = more.then(|| (number + 1).to_string());
    Ok(result)
}

/// Whether the token may; what it may and does is counted.
fn allowed(app: &App, caller: &Caller, scope: Scope) -> bool {
    let allowed = caller.scopes().has(scope);
    if allowed {
        app.access_log().note(&caller.grant, Some(scope), Action::Read, app.now());
    }
    allowed
}

fn first_words(text: &str) -> String {
    text.chars().take(80).collect()
}

/// One of them.
pub(super) async fn read(app: &App, caller: &Caller, uri: &str) -> Result<ReadResourceResult> {
    let unknown = || ApiError::new(Code::NotFound).arg(uri);
    let id = |rest: &str| rest.parse::<i64>().map_err(|_| unknown());
    let text = if let Some(rest) = uri.strip_prefix(NOTES).filter(|_| allowed(app, caller, Scope::NoteWrite)) {
        let note = notes::get(app, caller.user_id, id(rest)?).await?.ok_or_else(unknown)?;
        if note.title.is_empty() { note.content } else { format!("{}\n\n{}", note.title, note.content) }
    } else if let Some(rest) = uri.strip_prefix(MEMORIES).filter(|_| allowed(app, caller, Scope::MemoryRead)) {
        key_memories::get(app, caller.user_id, id(rest)?).await?.ok_or_else(unknown)?.content
    } else {
        return Err(unknown());
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]))
}
