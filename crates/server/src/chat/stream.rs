//! `POST chat/stream` (contract 10.1): the frames of an answer, in the bytes that clients read (contract 23.1).

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::models::ModelName;
use super::reply;
use super::turn::ChatBody;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{self, ApiError, Lang, Result};
use crate::http::{Body, sse};

/// The routes of chat streams, below `/gate/lab/api`.
pub fn routes(config: &crate::config::Config) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(chat_stream))
        .layer(axum::extract::DefaultBodyLimit::max(config.server.body_max_bytes))
}

/// One delta of an answer.
#[derive(Debug, Serialize)]
pub struct Chunk<'a> {
    /// `secondme/nano` or `secondme/pro`.
    model: &'static str,
    /// Always exactly one.
    choices: [Choice<'a>; 1],
    /// The same text again, for the Python SDK (`compat.sdk_content`).
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Choice<'a> {
    delta: Delta<'a>,
}

#[derive(Debug, Serialize)]
struct Delta<'a> {
    content: &'a str,
}

/// The frame of a delta.
pub fn delta(model: ModelName, text: &str, sdk_content: bool) -> Bytes {
    sse::data(&Chunk {
        model: model.as_str(),
        choices: [Choice { delta: Delta { content: text } }],
        content: sdk_content.then_some(text),
    })
}

/// The first frame of a new session.
pub fn session(session_id: &str) -> Bytes {
    sse::event("session", &serde_json::json!({"sessionId": session_id}))
}

/// A search began.
pub fn tool_call() -> Bytes {
    sse::event("tool_call", &serde_json::json!({"toolName": "web_search", "status": "searching"}))
}

/// A search ended.
pub fn tool_result(query: &str, count: usize) -> Bytes {
    sse::event("tool_result", &serde_json::json!({"toolName": "web_search", "query": query, "resultCount": count}))
}

/// An action of a skill is called.
pub fn skill_call(skill_key: &str, action: &str) -> Bytes {
    let name = format!("{skill_key}.{action}");
    sse::event("tool_call", &serde_json::json!({"toolName": name, "status": "calling"}))
}

/// It gave something, or failed.
pub fn skill_result(skill_key: &str, action: &str, failed: bool) -> Bytes {
    let name = format!("{skill_key}.{action}");
    sse::event(
        "tool_result",
        &serde_json::json!({"toolName": name, "resultCount": u8::from(!failed), "failed": failed}),
    )
}

/// A failure after the stream began: the same body as an HTTP error.
pub fn failure(failure: &ApiError, lang: Lang) -> Bytes {
    sse::event("error", &error::body(failure, lang))
}

/// Talks to the caller's avatar. The answer is a stream of server-sent events: `session` (new sessions only), `tool_call` and
/// `tool_result` (searches and skills), unnamed deltas, `error` (failures after the first byte), and `[DONE]`.
#[utoipa::path(post, path = "/secondme/chat/stream", tag = "Chat", request_body = ChatBody,
    params(("X-App-Id" = Option<String>, Header, description = "Logical app; the body's `appId` wins.")),
    security(("token" = ["chat.write"])),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "Frames; a delta is `data: {\"model\":…,\"choices\":[{\"delta\":{\"content\":…}}]}`")))]
async fn chat_stream(
    State(app): State<App>,
    auth: Auth<permissions::ChatWrite>,
    lang: Lang,
    headers: HeaderMap,
    Body(body): Body<ChatBody>,
) -> Result<Response> {
    let turn = body.check(&app, &auth.caller, &headers)?;
    let frames = reply::start(&app, turn, lang).await?;
    Ok(sse::response(frames, Duration::from_secs(app.config().chat.keep_alive_seconds)))
}
