//! `POST visitor-chat/init`, `POST visitor-chat/send` (contract 15.1, 15.2).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::AppAuth;
use crate::app::App;
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Reply};

/// The routes of visitors, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(init)).routes(routes!(send))
}

/// Whom to visit, and who visits.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InitBody {
    /// The avatar's key, `sk-…`.
    #[schema(required = true)]
    api_key: Option<String>,
    /// Required with an app's token: letters, digits, `_` and `-`, at most 128. Ignored with a user's.
    visitor_id: Option<String>,
    /// What the owner sees, at most 200 characters.
    visitor_name: Option<String>,
}

/// A conversation, and where its frames come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitData {
    /// The same for the same visitor and avatar, every time.
    session_id: String,
    /// The complete address of the socket, new every time, usable for hours.
    ws_url: String,
    /// The same frames as Server-Sent Events (ours).
    events_url: String,
    avatar_name: String,
    /// The avatar's greeting.
    opening: Option<String>,
}

/// Opens a conversation with an avatar, or opens it again: the same `sessionId`, a fresh `wsUrl`.
#[utoipa::path(post, path = "/secondme/visitor-chat/init", tag = "Visitor chat", request_body = InitBody,
    security(("token" = ["chat.write"])), responses((status = 200, body = Envelope<InitData>)))]
async fn init(State(app): State<App>, caller: AppAuth, Body(body): Body<InitBody>) -> Reply<InitData> {
    let (key, id, name) = (body.api_key.as_deref(), body.visitor_id.as_deref(), body.visitor_name.as_deref());
    let opened = super::init(&app, &caller, key, id, name).await?;
    Ok(Data(InitData {
        session_id: opened.session.session_id,
        ws_url: opened.addresses.ws,
        events_url: opened.addresses.events,
        opening: opened.avatar.opening().map(str::to_owned),
        avatar_name: opened.avatar.title,
    }))
}

/// What is said, and where.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SendBody {
    /// From `init`.
    #[schema(required = true)]
    session_id: Option<String>,
    /// As for `init`; absent: the one the conversation was opened with.
    api_key: Option<String>,
    /// 1 to 10000 characters.
    message: String,
}

/// The message is stored and will be answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendData {
    /// Always true.
    sent: bool,
}

/// Says something. The reply comes through the socket, also to one that opens later.
#[utoipa::path(post, path = "/secondme/visitor-chat/send", tag = "Visitor chat", request_body = SendBody,
    security(("token" = ["chat.write"])), responses((status = 200, body = Envelope<SendData>)))]
async fn send(State(app): State<App>, caller: AppAuth, Body(body): Body<SendBody>) -> Reply<SendData> {
    super::send(&app, &caller, body.session_id.as_deref(), body.api_key.as_deref(), &body.message).await?;
    Ok(Data(SendData { sent: true }))
}
