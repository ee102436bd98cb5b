//! `/home` and `/home/chat/{session}`: talking to one's own avatar. Without scripts a form waits for the whole answer; with them
//! the same form streams it.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::app::App;
use crate::chat::reply;
use crate::chat::sessions::{self, Message, Session};
use crate::chat::sources::{self, Source};
use crate::chat::turn::ChatBody;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::http::{Path, sse};
use crate::pages::markdown;
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};
use crate::voice::{self, Readiness};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/home", get(begin))
        .route("/home/chat", get(begin).post(say))
        .route("/home/chat/{session}", get(show))
        .route("/home/chat/why/{message}", get(why))
        .route("/home/chat/{session}/stop", post(stop))
}

#[derive(Template)]
#[template(path = "home/chat.html")]
struct ChatTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    name: &'a str,
    sessions: &'a [Session],
    session: &'a str,
    messages: &'a [Message],
    voice: Readiness,
}

#[derive(Template)]
#[template(path = "home/chat_messages.html")]
struct MessagesTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    name: &'a str,
    messages: &'a [Message],
    voice: Readiness,
}

#[derive(Template)]
#[template(path = "home/chat_why.html")]
struct WhyTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    sources: Vec<(&'static str, &'a Source)>,
}

#[derive(Template)]
#[template(path = "home/chat_why_part.html")]
struct WhyPart<'a> {
    lang: Lang,
    sources: Vec<(&'static str, &'a Source)>,
}

async fn begin(State(app): State<App>, me: Member) -> Result<Page> {
    page(&app, &me, "").await
}

async fn show(State(app): State<App>, me: Member, Path(session): Path<String>) -> Result<Page> {
    page(&app, &me, &session).await
}

async fn page(app: &App, me: &Member, session: &str) -> Result<Page> {
    let messages = match session {
        "" => Vec::new(),
        session => sessions::messages(app.store(), me.user_id(), session).await?,
    };
    let messages: Vec<Message> = messages.into_iter().filter(|m| m.role != "system").collect();
    let (lang, frame, name) = (me.lang(), &me.frame, me.session.name.as_str());
    let clock = Clock::of(app, me).await?;
    let voice = voice::readiness(app, me.user_id()).await?;
    if frame.partial {
        return Ok(Page::new(&MessagesTemplate { lang, frame, clock: &clock, name, messages: &messages, voice }));
    }
    let sessions = sessions::list(app, me.user_id(), None).await?;
    let (sessions, messages) = (&sessions, &messages);
    Ok(Page::new(&ChatTemplate { lang, frame, clock: &clock, name, sessions, session, messages, voice }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    message: String,
    session: Option<String>,
    model: Option<String>,
}

/// Scripts ask for an event stream; a plain form waits, and goes to the page that shows the answer.
async fn say(
    State(app): State<App>,
    lang: Lang,
    headers: HeaderMap,
    Posted { member, form }: Posted<Words>,
) -> Result<Response> {
    let back = form.session.as_ref().map_or_else(|| "/home".to_owned(), |session| format!("/home/chat/{session}"));
    let streamed = headers.get(ACCEPT).is_some_and(|kind| kind.as_bytes() == b"text/event-stream");
    let body = ChatBody::plain(form.message, form.session, form.model);
    let turn = body.check(&app, &member.caller(&app), &HeaderMap::new());
    let frames = match turn {
        Ok(turn) => reply::start(&app, turn, lang).await,
        Err(error) => Err(error),
    };
    match frames {
        Ok(frames) if streamed => Ok(sse::response(frames, Duration::from_secs(app.config().chat.keep_alive_seconds))),
        Ok(frames) => Ok(Member::go(&whole(frames).await.unwrap_or(back))),
        Err(error) if streamed => Err(error),
        Err(error) => member.refused(&app, &back, error),
    }
}

/// Ends the answer that is being given; what was said so far is kept.
async fn stop(
    State(app): State<App>,
    Path(session): Path<String>,
    Posted { member, form: _ }: Posted<Words>,
) -> Response {
    app.stops().stop(member.user_id(), &session);
    Member::go(&format!("/home/chat/{session}"))
}

/// Waits for the end of an answer; the page of its session, when it is a new one.
async fn whole(mut frames: UnboundedReceiver<Bytes>) -> Option<String> {
    let mut page = None;
    while let Some(frame) = frames.recv().await {
        let text = String::from_utf8_lossy(&frame);
        if let Some(data) = text.strip_prefix("event: session\ndata: ") {
            let session: Option<serde_json::Value> = serde_json::from_str(data.trim()).ok();
            page = session.and_then(|s| s["sessionId"].as_str().map(|id| format!("/home/chat/{id}")));
        }
    }
    page
}

/// "Why do you say that?": the memories that an answer had before it.
async fn why(State(app): State<App>, me: Member, Path(message): Path<String>) -> Result<Response> {
    let sources = sources::list(app.store(), me.user_id(), &message).await?;
    let (lang, frame) = (me.lang(), &me.frame);
    let sources = sources.iter().map(|source| (kind(&source.kind, lang), source)).collect();
    Ok(if frame.partial {
        Page::new(&WhyPart { lang, sources }).into_response()
    } else {
        Page::new(&WhyTemplate { lang, frame, sources }).into_response()
    })
}

/// What a memory is, in a word.
pub(in crate::pages) fn kind(kind: &str, lang: Lang) -> &'static str {
    match kind {
        "message" => lang.pick("Said in a chat", "对话中说过"),
        "note" | "note_part" => lang.pick("Note", "笔记"),
        "event" => lang.pick("Event", "事件"),
        "key_memory" => lang.pick("Key memory", "关键记忆"),
        "post" => lang.pick("Post", "帖子"),
        _ => lang.pick("Memory", "记忆"),
    }
}
