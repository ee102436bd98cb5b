//! `/home/memory/portrait`: how the server sees the user, what it was made from, and how it changed.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::learning::portrait;
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};
use crate::users::profile::{self, Profile};
use crate::users::shades::{self, Shade};

pub(super) fn routes() -> Router<App> {
    Router::new().route(HERE, get(show).post(rewrite))
}

const HERE: &str = "/home/memory/portrait";

/// A rewrite as the history shows it.
struct Past {
    at: i64,
    memories: usize,
    by_model: bool,
    /// Sentences that came (true) and went.
    lines: Vec<(bool, String)>,
}

#[derive(Template)]
#[template(path = "home/portrait.html")]
struct PortraitTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    profile: &'a Profile,
    shades: &'a [Shade],
    past: &'a [Past],
}

async fn show(State(app): State<App>, me: Member) -> Result<Page> {
    let past = portrait::past(&app, me.user_id()).await?;
    let past: Vec<Past> = past
        .into_iter()
        .map(|p| Past {
            at: p.created_at,
            memories: p.memories.len(),
            by_model: p.method == "model",
            lines: p.diff.lines().map(line).collect(),
        })
        .collect();
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&PortraitTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        profile: &profile::get(app.store(), me.user_id()).await?,
        shades: &shades::list(app.store(), me.user_id()).await?,
        past: &past,
    }))
}

/// A line of the difference: whether it came, and what it says.
fn line(text: &str) -> (bool, String) {
    (text.starts_with('+'), text.get(2..).unwrap_or_default().to_owned())
}

#[derive(Deserialize)]
struct Nothing {}

/// What happens at night, now.
async fn rewrite(State(app): State<App>, Posted { member, form: Nothing {} }: Posted<Nothing>) -> Result<Response> {
    let dreamt = portrait::dream(&app, member.user_id()).await;
    member.settle(&app, dreamt, HERE, ("The portrait is up to date.", "画像已更新。"))
}
