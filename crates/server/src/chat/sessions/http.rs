//! `GET chat/session/list`, `GET chat/session/messages` (contract 10.3, 10.4).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Message, Session};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem};
use crate::http::envelope::Envelope;
use crate::http::{Data, Query, Reply};

/// The routes of sessions, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(messages))
}

/// Which sessions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only sessions of this logical app.
    app_id: Option<String>,
}

/// Sessions, the last active first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    sessions: Vec<SessionRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionRow {
    session_id: String,
    app_id: String,
    /// Cut to 50 characters.
    last_message: Option<String>,
    /// ISO 8601, UTC.
    last_update_time: Option<String>,
    message_count: i64,
}

impl From<Session> for SessionRow {
    fn from(s: Session) -> Self {
        Self {
            session_id: s.session_id,
            app_id: s.bucket,
            last_update_time: Some(iso(s.updated_at)),
            last_message: s.last_message,
            message_count: s.message_count,
        }
    }
}

/// The caller's sessions, the last active first.
#[utoipa::path(get, path = "/secondme/chat/session/list", tag = "Chat", params(ListQuery),
    security(("token" = ["chat.read"])), responses((status = 200, body = Envelope<SessionList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::ChatRead>,
    Query(query): Query<ListQuery>,
) -> Reply<SessionList> {
    let sessions = super::list(&app, auth.caller.user_id, query.app_id.as_deref()).await?;
    Ok(Data(SessionList { sessions: sessions.into_iter().map(Into::into).collect() }))
}

/// Which session to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// The session. One that nobody has is answered with an empty list.
    #[param(required = true)]
    session_id: Option<String>,
}

/// A session's messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageList {
    session_id: String,
    messages: Vec<MessageRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MessageRow {
    message_id: String,
    /// `system`, `user` or `assistant`.
    role: String,
    content: String,
    sender_user_id: i64,
    /// The other one, in a session with a friend.
    receiver_user_id: Option<i64>,
    /// ISO 8601, UTC.
    create_time: String,
    /// `complete`, or `interrupted` when the answer was stopped (ours).
    status: String,
}

impl MessageRow {
    fn new(m: Message) -> Self {
        Self {
            message_id: m.message_id,
            role: m.role,
            content: m.content,
            sender_user_id: m.sender,
            receiver_user_id: m.receiver,
            create_time: iso(m.created_at),
            status: m.status,
        }
    }
}

/// The messages of one of the caller's sessions.
#[utoipa::path(get, path = "/secondme/chat/session/messages", tag = "Chat", params(MessagesQuery),
    security(("token" = ["chat.read"])), responses((status = 200, body = Envelope<MessageList>)))]
async fn messages(
    State(app): State<App>,
    auth: Auth<permissions::ChatRead>,
    Query(query): Query<MessagesQuery>,
) -> Reply<MessageList> {
    let session_id = query.session_id.ok_or_else(|| ApiError::invalid("sessionId", &Problem::Required))?;
    let messages = super::messages(app.store(), auth.caller.user_id, &session_id).await?;
    let messages = messages.into_iter().map(MessageRow::new).collect();
    Ok(Data(MessageList { session_id, messages }))
}
