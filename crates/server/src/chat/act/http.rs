//! `POST act/stream` (contract 11).

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use secondme_shape::ControlError;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Decision;
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::chat::reply;
use crate::chat::turn::{ChatBody, Task};
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::{Body, sse};

/// The routes of act, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(act_stream))
}

/// The body of an act request.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ActBody {
    /// What is to be judged.
    message: String,
    /// What to answer: the JSON structure, the rules, the fallback; 20 to 8000 characters with a `{…}` structure.
    action_control: Option<String>,
    /// The session to go on with; absent: a new one.
    session_id: Option<String>,
    /// Instructions for the avatar; effective from the first request of a session only.
    system_prompt: Option<String>,
    /// `secondme/nano` (default) or `secondme/pro`.
    #[schema(value_type = Option<String>)]
    model: Option<Value>,
    /// 1 to 16000, default 2000.
    #[schema(value_type = Option<i64>)]
    max_tokens: Option<Value>,
    /// The logical app that the session belongs to; beats the header `X-App-Id`.
    app_id: Option<String>,
    /// Reserved; checked to be a user id, otherwise without effect.
    #[schema(value_type = Option<i64>)]
    receiver_user_id: Option<Value>,
}

/// Asks the caller's avatar for a judgement. The deltas of the stream, put together, are one JSON document of the structure
/// that `actionControl` describes; where that cannot be had, an `error` event comes instead of it.
#[utoipa::path(post, path = "/secondme/act/stream", tag = "Act", request_body = ActBody,
    params(("X-App-Id" = Option<String>, Header, description = "Logical app; the body's `appId` wins.")),
    security(("token" = ["chat.write"])),
    responses((status = 200, body = String, content_type = "text/event-stream",
        description = "Frames; a delta is `data: {\"model\":…,\"choices\":[{\"delta\":{\"content\":…}}]}`")))]
async fn act_stream(
    State(app): State<App>,
    auth: Auth<permissions::ActWrite>,
    lang: Lang,
    headers: HeaderMap,
    Body(body): Body<ActBody>,
) -> Result<Response> {
    let control = body.action_control.unwrap_or_default();
    check(&app, &control, lang)?;
    let chat = ChatBody {
        message: body.message,
        session_id: body.session_id,
        app_id: body.app_id,
        system_prompt: body.system_prompt,
        receiver_user_id: body.receiver_user_id,
        model: body.model,
        max_tokens: body.max_tokens,
        ..ChatBody::default()
    };
    let mut turn = chat.check(&app, &auth.caller, &headers)?;
    turn.task = Task::Act(Box::new(Decision::new(control)));
    let frames = reply::start(&app, turn, lang).await?;
    Ok(sse::response(frames, Duration::from_secs(app.config().chat.keep_alive_seconds)))
}

/// Refuses an `actionControl` with one of the four sub codes, and says what to change (contract 24.65).
///
/// # Errors
/// The sub code.
pub(in crate::chat) fn check(app: &App, control: &str, lang: Lang) -> Result<()> {
    let chat = &app.config().chat;
    let (min, max) = (chat.action_control_min_chars, chat.action_control_max_chars);
    let Err(error) = secondme_shape::check(control, min, max) else { return Ok(()) };
    let (code, issue, en, zh) = match error {
        ControlError::Empty => (Code::ActEmpty, "empty", "actionControl is empty", "actionControl 为空"),
        ControlError::TooShort { .. } => {
            (Code::ActTooShort, "too_short", "actionControl is too short", "actionControl 过短")
        }
        ControlError::TooLong { .. } => {
            (Code::ActTooLong, "too_long", "actionControl is too long", "actionControl 过长")
        }
        ControlError::NoStructure => (
            Code::ActInvalidFormat,
            "missing_json_structure",
            "no JSON structure in braces was found",
            "未找到包含花括号的 JSON 结构",
        ),
    };
    let suggestions = [
        (
            "Show the JSON structure, for example {\"is_liked\": boolean}",
            "给出 JSON 结构示例，例如 {\"is_liked\": boolean}",
        ),
        ("Say what to answer when the information is insufficient", "说明信息不足时的兜底返回值"),
        (
            "Use JSON booleans (true, false), not \"True\" or \"False\" in quotes",
            "使用 JSON 布尔值 true/false，不要使用带引号的 \"True\"/\"False\"",
        ),
    ];
    Err(ApiError::new(code)
        .with("constraints", json!({
            "minLength": min,
            "maxLength": max,
            "requiredElements": ["输出格式约束（仅输出 JSON）", "JSON 字段结构示例（包含花括号）", "判定规则", "兜底规则"],
            "currentLength": control.chars().count(),
        }))
        .with("issues", json!([{"code": issue, "message": lang.pick(en, zh)}]))
        .with("suggestions", suggestions.map(|(en, zh)| lang.pick(en, zh)).as_slice().into()))
}
