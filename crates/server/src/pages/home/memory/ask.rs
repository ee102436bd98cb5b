//! `/home/memory/ask`: searches as the avatar would, for a listener of one's choice. What a visitor cannot hear is not found.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::Query;
use crate::http::page::{Frame, Page};
use crate::memory::audience::Listener;
use crate::memory::retrieval::{self, Hit};
use crate::pages::home::chat::kind;
use crate::pages::when::Clock;
use crate::users::accounts::Member;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/home/memory/ask", get(show))
}

const HITS: usize = 12;

#[derive(Template)]
#[template(path = "home/memory_ask.html")]
struct AskTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    words: &'a str,
    who: &'a str,
    hits: Vec<(&'static str, &'a Hit)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    who: String,
}

async fn show(State(app): State<App>, me: Member, Query(search): Query<Search>) -> Result<Page> {
    let listener = match search.who.as_str() {
        "signed_in" => Listener::Visitor { signed_in: true },
        "anyone" => Listener::Visitor { signed_in: false },
        _ => Listener::Owner,
    };
    let query = retrieval::Query {
        user_id: me.user_id(),
        listener: &listener,
        text: &search.q,
        now: app.now(),
        limit: HITS,
        kinds: &[],
        except_conversation: None,
    };
    let hits = retrieval::search(&app, &query).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&AskTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        words: &search.q,
        who: &search.who,
        hits: hits.iter().map(|hit| (kind(hit.kind.as_str(), me.lang()), hit)).collect(),
    }))
}
