//! `POST ws-chat/send` (contract 16): a message to one's own or another's avatar, and its reply in the answer.
//!
//! The same conversation machinery as over the socket; the handler reads the log until the reply is whole.

use std::time::Duration;

use axum::extract::State;
use secondme_store::{params, sql};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reader::Reader;
use super::sessions::{self, Accepted, Channel};
use super::{events, hub, who};
use crate::access::{AppAuth, Auth, Caller, permissions};
use crate::app::App;
use crate::avatars::center::{self, Avatar};
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The route, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send))
}

/// What is said. Any other field is 422.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "the form of the body, for the documents; it is read field by field to find unknown ones")]
pub struct WsChatBody {
    /// 1 to 10000 characters.
    message: String,
    /// The avatar; absent: the caller's own primary one.
    share_code: Option<String>,
    /// Accepted and not needed: there is one conversation per user and avatar.
    session_id: Option<String>,
}

/// A reply.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WsChatData {
    /// The whole reply.
    reply_text: String,
    /// Its parts, in order.
    reply_texts: Vec<String>,
    session_id: String,
    /// The reply's id.
    message_id: String,
}

/// Talks to an avatar and waits for its reply.
#[utoipa::path(post, path = "/secondme/ws-chat/send", tag = "Visitor chat", request_body = WsChatBody,
    security(("token" = ["chat.write"])), responses((status = 200, body = Envelope<WsChatData>)))]
async fn send(
    State(app): State<App>,
    auth: Auth<permissions::ChatWrite>,
    Body(body): Body<Map<String, Value>>,
) -> Reply<WsChatData> {
    let message = text(&body, "message")?.ok_or_else(|| ApiError::invalid("message", &Problem::Required))?;
    let share_code = text(&body, "shareCode")?;
    let (session_id, reply) = talk(&app, &auth.caller, message, share_code).await?;
    let reply_texts = vec![reply.text.clone()];
    Ok(Data(WsChatData { reply_text: reply.text, reply_texts, session_id, message_id: reply.message_id }))
}

/// A text of the body; unknown fields are refused first.
fn text<'b>(body: &'b Map<String, Value>, field: &str) -> Result<Option<&'b str>> {
    if let Some(unknown) = body.keys().find(|key| !["message", "shareCode", "sessionId"].contains(&key.as_str())) {
        let problem = Problem::Parser("is not a field of this route".to_owned());
        return Err(ApiError::unprocessable(unknown, "extra_forbidden", &problem));
    }
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|t| !t.is_empty())),
        Some(_) => Err(ApiError::invalid(field, &Problem::Expected("a text", "文本"))),
    }
}

/// A whole reply.
struct Whole {
    text: String,
    message_id: String,
}

async fn talk(app: &App, caller: &Caller, message: &str, share_code: Option<&str>) -> Result<(String, Whole)> {
    sessions::check_message(app, message)?;
    let avatar = avatar_of(app, caller.user_id, share_code).await?;
    let visitor = who::of(app, &AppAuth::User(caller.clone()), None).await?;
    let name = visitor.name(app, None).await?;
    let session = sessions::open(app, &visitor, &avatar, None, Channel::Sync, &name).await?;
    let accepted = sessions::say(app, &session, &avatar, caller.app_id(), message).await?;
    let reply = wait(app, &session.session_id, &accepted).await?;
    Ok((session.session_id, reply))
}

async fn avatar_of(app: &App, user_id: i64, share_code: Option<&str>) -> Result<Avatar> {
    let Some(code) = share_code else { return center::primary(app, user_id).await };
    let avatar = center::by_share_code(app, code).await?.ok_or_else(|| ApiError::new(Code::ShareCodeUnknown))?;
    if avatar.user_id != user_id {
        hub::settings::require_open(app, avatar.id).await?;
    }
    Ok(avatar)
}

/// Reads the log until the message is answered: by the avatar, or in person when the owner has taken over.
async fn wait(app: &App, session_id: &str, accepted: &Accepted) -> Result<Whole> {
    let deadline = Instant::now() + Duration::from_secs(app.config().visitor.wait_seconds);
    let late = || ApiError::new(Code::ModelTimeout).arg("the reply is not there yet; it goes on and is kept");
    let mut reader = Reader::inside(app, session_id, accepted.head).await.map_err(events::refused)?;
    loop {
        let frames = reader.ready().await.map_err(events::refused)?;
        if frames.is_empty() {
            tokio::select! {
                changed = timeout_at(deadline, reader.changed()) => {
                    changed.map_err(|_| late())?.map_err(events::refused)?;
                }
                () = app.stopping().cancelled() => return Err(ApiError::new(Code::ShuttingDown).retry_after(1)),
            }
        } else if (!accepted.by_avatar || frames.iter().any(|frame| frame.ends))
            && let Some(whole) = answered(app, session_id, accepted).await?
        {
            return Ok(whole);
        }
    }
}

async fn answered(app: &App, session_id: &str, accepted: &Accepted) -> Result<Option<Whole>> {
    // In person: the owner's first message after ours. By the avatar: the message that answers ours.
    let row = app
        .store()
        .opt(
            sql!(
                "SELECT q.state, r.message_id, r.content FROM visitor_messages q
                 LEFT JOIN visitor_messages r ON r.session_id = q.session_id AND r.id > q.id
                    AND (r.message_id = q.reply_id OR (q.state = 'owner' AND r.author = 'owner'))
                 WHERE q.session_id = $1 AND q.message_id = $2 ORDER BY r.id LIMIT 1"
            ),
            params![session_id, &accepted.message_id],
        )
        .await?;
    let Some(row) = row else { return Err(ApiError::new(Code::VisitorSessionUnknown)) };
    let (state, reply): (String, Option<String>) = (row.get("state")?, row.get("message_id")?);
    match (state.as_str(), reply) {
        ("failed", _) => Err(ApiError::new(Code::ModelUnavailable).arg("the reply failed").retry_after(5)),
        ("answered" | "owner", Some(message_id)) => {
            let content: Option<String> = row.get("content")?;
            Ok(Some(Whole { text: content.unwrap_or_default(), message_id }))
        }
        ("answered", None) => Ok(Some(Whole { text: String::new(), message_id: accepted.message_id.clone() })),
        _ => Ok(None),
    }
}
