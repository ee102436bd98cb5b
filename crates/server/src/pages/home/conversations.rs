//! `/home/conversations`: what visitors and avatars say to each other, live, and the owner in person.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;

use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::http::{Path, Query};
use crate::pages::pager::Pager;
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};
use crate::visitor::events;
use crate::visitor::hub::{self, Conversation, Filter, Message};

const HERE: &str = "/home/conversations";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(HERE, get(list))
        .route("/home/conversations/{session}", get(show))
        .route("/home/conversations/{session}/live", get(live))
        .route("/home/conversations/{session}/act", post(act))
        .route("/home/conversations/{session}/reply", post(reply))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wishes {
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
    unread: Option<String>,
}

#[derive(Template)]
#[template(path = "home/conversations.html")]
struct ListTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    rows: &'a [Conversation],
    pager: &'a Pager,
    only_unread: bool,
    unread: i64,
}

async fn list(State(app): State<App>, me: Member, Query(wishes): Query<Wishes>) -> Result<Page> {
    let slice = Slice::new(wishes.page, None, 30);
    let only_unread = wishes.unread.is_some();
    let filter = Filter { avatar_id: None, unread: only_unread };
    let (total, rows) = hub::list(&app, me.user_id(), filter, slice).await?;
    let (unread, _) = hub::unread(&app, me.user_id()).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&ListTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        rows: &rows,
        pager: &Pager::new(&me.frame, slice, total),
        only_unread,
        unread,
    }))
}

#[derive(Template)]
#[template(path = "home/conversation.html")]
struct ConversationTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    about: &'a Conversation,
    cursor: i64,
    messages: &'a [Message],
    /// Where the older messages begin.
    older: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Before {
    #[serde(deserialize_with = "lenient")]
    before: Option<i64>,
}

/// Messages of a page.
const SHOWN: i64 = 60;

async fn show(
    State(app): State<App>,
    me: Member,
    Path(session): Path<String>,
    Query(at): Query<Before>,
) -> Result<Page> {
    let about = hub::about(&app, me.user_id(), &session).await?;
    let (cursor, messages) = hub::messages(&app, me.user_id(), &session, at.before, SHOWN).await?;
    if about.unread > 0 {
        hub::mark_read(&app, me.user_id(), &session).await?;
    }
    let full = i64::try_from(messages.len()).is_ok_and(|count| count == SHOWN);
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&ConversationTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        about: &about,
        cursor,
        older: messages.first().filter(|_| full).map(|message| message.id),
        messages: &messages,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct From {
    #[serde(deserialize_with = "lenient")]
    cursor: Option<i64>,
}

/// The same frames that visitors get, as an event stream.
async fn live(
    State(app): State<App>,
    me: Member,
    Path(session): Path<String>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response> {
    let cursor = events::last_event_id(&headers).or(from.cursor);
    let reader = hub::read_along(&app, me.user_id(), &session, cursor).await?;
    Ok(events::stream_of(&app, reader.map_err(events::refused)?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    act: String,
    message: String,
}

fn place(session: &str) -> String {
    format!("{HERE}/{session}")
}

async fn act(
    State(app): State<App>,
    Path(session): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let user_id = member.user_id();
    let done = match form.act.as_str() {
        "takeover" => hub::take_over(&app, user_id, &session, true).await,
        "handback" => hub::take_over(&app, user_id, &session, false).await,
        "block" => hub::block(&app, user_id, &session, true).await,
        "unblock" => hub::block(&app, user_id, &session, false).await,
        _ => Err(ApiError::new(Code::RouteNotFound)),
    };
    let words = match form.act.as_str() {
        "takeover" => ("You answer in person now.", "现在由你亲自回复。"),
        "handback" => ("Your avatar answers again.", "已交还给分身回复。"),
        "block" => ("The visitor is blocked.", "已屏蔽该访客。"),
        _ => ("The visitor may come in again.", "已解除屏蔽。"),
    };
    member.settle(&app, done, &place(&session), words)
}

async fn reply(
    State(app): State<App>,
    Path(session): Path<String>,
    headers: HeaderMap,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let script = headers.get("accept").is_some_and(|kind| kind.as_bytes() == b"application/json");
    let said = hub::reply(&app, member.user_id(), &session, &form.message).await;
    match said {
        Ok(_) => Ok(Member::go(&format!("{}#talk-end", place(&session)))),
        Err(error) if script => Err(error),
        Err(error) => member.refused(&app, &place(&session), error),
    }
}
