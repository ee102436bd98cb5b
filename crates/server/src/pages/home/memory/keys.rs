//! `/home/memory`: key memories with what they came from and who may hear them.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;

use crate::app::App;
use crate::chat::sessions;
use crate::error::{Lang, Result};
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::http::{Path, Query};
use crate::memory::key_memories::{self, KeyMemory, Source};
use crate::memory::settings::{self, MemorySettings};
use crate::oauth::apps;
use crate::pages::pager::Pager;
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/home/memory", get(show).post(add))
        .route("/home/memory/change", post(change))
        .route("/home/memory/forget", post(forget))
        .route("/home/memory/switch", post(switch))
        .route("/home/memory/message/{message}", get(to_message))
}

const HERE: &str = "/home/memory";

struct Row {
    memory: KeyMemory,
    origins: Vec<Origin>,
}

/// Where a memory came from, in words and with a way back.
struct Origin {
    words: String,
    link: Option<String>,
    at: i64,
}

#[derive(Template)]
#[template(path = "home/memory.html")]
struct MemoryTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    words: &'a str,
    rows: &'a [Row],
    pager: &'a Pager,
    settings: &'a MemorySettings,
    max_chars: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

async fn show(State(app): State<App>, me: Member, Query(search): Query<Search>) -> Result<Page> {
    let slice = Slice::new(search.page, None, 20);
    let (memories, total) = key_memories::search(&app, &me.caller(&app), &search.q, slice).await?;
    let origins = key_memories::origins(&app, me.user_id(), &memories).await?;
    let mut names = HashMap::new();
    let mut rows = Vec::with_capacity(memories.len());
    for (memory, sources) in memories.into_iter().zip(origins) {
        let mut origins = Vec::with_capacity(sources.len());
        for source in sources {
            origins.push(origin(&app, &source, &mut names, me.lang()).await?);
        }
        rows.push(Row { memory, origins });
    }
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&MemoryTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        words: &search.q,
        rows: &rows,
        pager: &Pager::new(&me.frame, slice, total),
        settings: &settings::get(&app, me.user_id()).await?,
        max_chars: app.config().memory.key_memory_max_chars,
    }))
}

async fn origin(app: &App, source: &Source, names: &mut HashMap<String, String>, lang: Lang) -> Result<Origin> {
    let what = match source.kind {
        "message" => lang.pick("you said so in a chat", "你在对话中说过"),
        "note" => lang.pick("from a note", "来自笔记"),
        "event" => lang.pick("from an event", "来自事件"),
        _ if source.app_id.is_empty() => lang.pick("written by you", "由你写下"),
        _ => lang.pick("stated", "写入"),
    };
    let link = (source.kind == "message").then(|| format!("{HERE}/message/{}", source.id));
    if source.app_id.is_empty() {
        return Ok(Origin { words: what.to_owned(), link, at: source.at });
    }
    if !names.contains_key(&source.app_id) {
        let name = apps::by_id(app.store(), &source.app_id).await?.map_or_else(|| source.app_id.clone(), |a| a.name);
        names.insert(source.app_id.clone(), name);
    }
    let name = names.get(&source.app_id).map_or("", String::as_str);
    let words = match lang {
        Lang::En => format!("{what}, through {name}"),
        Lang::Zh => format!("{what}，通过 {name}"),
    };
    Ok(Origin { words, link, at: source.at })
}

/// To the chat in which it was said.
async fn to_message(State(app): State<App>, me: Member, Path(message): Path<String>) -> Result<Response> {
    let session = sessions::of_message(&app, me.user_id(), &message).await?;
    Ok(Member::go(&format!("/home/chat/{session}#{message}")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Memory {
    #[serde(deserialize_with = "lenient")]
    id: Option<i64>,
    content: Option<String>,
    #[serde(deserialize_with = "lenient")]
    visibility: Option<i64>,
}

async fn add(State(app): State<App>, Posted { member, form }: Posted<Memory>) -> Result<Response> {
    let content = form.content.unwrap_or_default();
    let added = key_memories::insert(&app, &member.caller(&app), &content, form.visibility).await;
    member.settle(&app, added, HERE, ("Remembered.", "已记住。"))
}

async fn change(State(app): State<App>, Posted { member, form }: Posted<Memory>) -> Result<Response> {
    let (id, content) = (form.id.unwrap_or_default(), form.content.as_deref());
    let changed = key_memories::update(&app, member.user_id(), id, content, form.visibility).await;
    member.settle(&app, changed, HERE, ("Changed.", "已修改。"))
}

async fn forget(State(app): State<App>, Posted { member, form }: Posted<Memory>) -> Result<Response> {
    let forgotten = key_memories::delete(&app, member.user_id(), form.id.unwrap_or_default()).await;
    member.settle(&app, forgotten, HERE, ("Forgotten.", "已遗忘。"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    writes: Option<String>,
}

async fn switch(State(app): State<App>, Posted { member, form }: Posted<Switch>) -> Result<Response> {
    let change = settings::ChangeSettings::writes(form.writes.as_deref() == Some("on"));
    let changed = settings::put(&app, member.user_id(), &change).await;
    member.settle(&app, changed, HERE, ("Saved.", "已保存。"))
}
