//! `/home/memory/notes`: texts and links that the user keeps.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::memory::notes::{self, Filter, Link, Material, Note};
use crate::pages::pager::Pager;
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};

/// A note of the greatest length fits, whatever its letters.
const FORM_MAX_BYTES: usize = 512 * 1024;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(HERE, get(show).post(add))
        .route("/home/memory/notes/change", post(change))
        .route("/home/memory/notes/delete", post(delete))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

const HERE: &str = "/home/memory/notes";

#[derive(Template)]
#[template(path = "home/notes.html")]
struct NotesTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    words: &'a str,
    notes: &'a [(Note, Vec<Link>)],
    pager: &'a Pager,
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
    let range = (slice.offset(), slice.size);
    let (notes, total) = notes::list(&app, &me.caller(&app), &search.q, Filter::default(), range).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&NotesTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        words: &search.q,
        notes: &notes,
        pager: &Pager::new(&me.frame, slice, total),
        max_chars: app.config().memory.note_max_chars,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    #[serde(deserialize_with = "lenient")]
    id: Option<i64>,
    title: String,
    content: String,
    /// One address a line.
    urls: String,
}

async fn add(State(app): State<App>, Posted { member, form }: Posted<Words>) -> Result<Response> {
    let added = async {
        let urls: Vec<&str> = form.urls.split_whitespace().collect();
        let material = if urls.is_empty() {
            Material::Text(form.content.clone())
        } else {
            let checked = urls.iter().enumerate().map(|(at, url)| notes::checked_url(&app, at, url));
            Material::Links(checked.collect::<Result<_>>()?)
        };
        let title = Some(form.title.as_str()).filter(|title| !title.is_empty());
        notes::add(&app, &member.caller(&app), title, material).await
    };
    member.settle(&app, added.await, HERE, ("Noted.", "已添加笔记。"))
}

async fn change(State(app): State<App>, Posted { member, form }: Posted<Words>) -> Result<Response> {
    let id = form.id.unwrap_or_default();
    let content = Some(form.content.as_str()).filter(|content| !content.is_empty());
    let changed = notes::update(&app, member.user_id(), id, Some(&form.title), content).await;
    member.settle(&app, changed, HERE, ("Changed.", "已修改。"))
}

async fn delete(State(app): State<App>, Posted { member, form }: Posted<Words>) -> Result<Response> {
    let deleted = notes::delete(&app, member.user_id(), form.id.unwrap_or_default()).await;
    member.settle(&app, deleted, HERE, ("The note is gone.", "笔记已删除。"))
}
