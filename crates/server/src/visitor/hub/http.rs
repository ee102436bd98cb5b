//! `visitor-chat/hub/…` (ours): what the owner's list of conversations is made of.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use secondme_kit::clock::iso;
use secondme_kit::paging::Page;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Conversation, Filter, settings};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Query, Reply};
use crate::visitor::events;

/// The routes of the owner's side, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(conversations))
        .routes(routes!(unread))
        .routes(routes!(messages))
        .routes(routes!(live))
        .routes(routes!(read))
        .routes(routes!(takeover))
        .routes(routes!(handback))
        .routes(routes!(reply))
        .routes(routes!(block))
        .routes(routes!(show_settings, change_settings))
}

/// Which conversations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// With this avatar only.
    #[serde(deserialize_with = "lenient")]
    avatar_id: Option<i64>,
    /// With something unread only.
    #[serde(deserialize_with = "lenient")]
    unread: Option<bool>,
    /// From 1.
    #[serde(alias = "page")]
    #[serde(deserialize_with = "lenient")]
    page_no: Option<i64>,
    /// Default 20, at most 100.
    #[serde(alias = "page_size")]
    #[serde(deserialize_with = "lenient")]
    page_size: Option<i64>,
}

/// Conversations, the last active first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationList {
    total: i64,
    list: Vec<ConversationRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConversationRow {
    session_id: String,
    avatar_id: i64,
    /// `name(appName)`.
    visitor_name: String,
    app_name: String,
    /// Whether the visitor signed in.
    signed_in: bool,
    unread: i64,
    message_count: i64,
    /// Its first 100 characters.
    last_message: String,
    /// `visitor`, `avatar`, `owner`; empty: nothing was said yet.
    last_author: String,
    /// ISO 8601, UTC.
    last_active_time: String,
    taken_over: bool,
    blocked: bool,
}

impl From<Conversation> for ConversationRow {
    fn from(c: Conversation) -> Self {
        Self {
            visitor_name: c.session.display_name(),
            signed_in: c.session.visitor_user_id.is_some(),
            last_active_time: iso(c.session.active_at),
            session_id: c.session.session_id,
            avatar_id: c.session.avatar_id,
            app_name: c.session.app_name,
            unread: c.unread,
            message_count: c.message_count,
            last_message: c.last_message,
            last_author: c.last_author,
            taken_over: c.session.taken_over,
            blocked: c.session.blocked,
        }
    }
}

/// All conversations of visitors with the caller's avatars, the last active first.
#[utoipa::path(get, path = "/secondme/visitor-chat/hub/conversations", tag = "Visitor hub", params(ListQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<ConversationList>)))]
async fn conversations(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<ListQuery>,
) -> Reply<ConversationList> {
    let filter = Filter { avatar_id: query.avatar_id, unread: query.unread.unwrap_or(false) };
    let page = Page::new(query.page_no, query.page_size, 20);
    let (total, list) = super::list(&app, auth.caller.user_id, filter, page).await?;
    Ok(Data(ConversationList { total, list: list.into_iter().map(Into::into).collect() }))
}

/// What the caller has not seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadData {
    /// Unread messages.
    messages: i64,
    /// Conversations they are in.
    conversations: i64,
}

/// How many messages of visitors the caller has not seen.
#[utoipa::path(get, path = "/secondme/visitor-chat/hub/unread", tag = "Visitor hub",
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<UnreadData>)))]
async fn unread(State(app): State<App>, auth: Auth<permissions::AvatarRead>) -> Reply<UnreadData> {
    let (messages, conversations) = super::unread(&app, auth.caller.user_id).await?;
    Ok(Data(UnreadData { messages, conversations }))
}

/// Which messages to read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// The conversation.
    #[param(required = true)]
    session_id: Option<String>,
    /// Only messages with a smaller `id`.
    #[serde(deserialize_with = "lenient")]
    before: Option<i64>,
    /// Default 50, at most 100.
    #[serde(alias = "page_size")]
    #[serde(deserialize_with = "lenient")]
    page_size: Option<i64>,
}

/// Messages, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HubMessageList {
    /// Where reading live goes on.
    cursor: i64,
    messages: Vec<HubMessageRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HubMessageRow {
    id: i64,
    message_id: String,
    /// Who wrote it: `visitor`, `avatar` or `owner`.
    author: String,
    content: String,
    /// `waiting`, `answered`, `failed`, `owner` (left to the owner), `complete` or `interrupted`.
    status: String,
    /// ISO 8601, UTC.
    create_time: String,
}

/// The messages of a conversation, the last ones first page, each page oldest first.
#[utoipa::path(get, path = "/secondme/visitor-chat/hub/messages", tag = "Visitor hub", params(MessagesQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<HubMessageList>)))]
async fn messages(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<MessagesQuery>,
) -> Reply<HubMessageList> {
    let session_id = required("sessionId", query.session_id)?;
    let limit = Page::new(None, query.page_size, 50).size;
    let (cursor, messages) = super::messages(&app, auth.caller.user_id, &session_id, query.before, limit).await?;
    let row = |m: super::Message| HubMessageRow {
        id: m.id,
        message_id: m.message_id,
        author: m.author,
        content: m.content,
        status: m.state,
        create_time: iso(m.created_at),
    };
    Ok(Data(HubMessageList { cursor, messages: messages.into_iter().map(row).collect() }))
}

/// Which conversation to read live.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// The conversation.
    #[param(required = true)]
    session_id: Option<String>,
    /// From here on; absent: from now on. The header `Last-Event-ID` beats it.
    #[serde(deserialize_with = "lenient")]
    cursor: Option<i64>,
}

/// Reads a conversation live: the frames that its visitor sees, as Server-Sent Events.
#[utoipa::path(get, path = "/secondme/visitor-chat/hub/live", tag = "Visitor hub", params(LiveQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = String, content_type = "text/event-stream", description = "Frames with their cursors as ids")))]
async fn live(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<LiveQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let session_id = required("sessionId", query.session_id)?;
    let cursor = events::last_event_id(&headers).or(query.cursor);
    let reader = super::read_along(&app, auth.caller.user_id, &session_id, cursor).await?;
    Ok(events::stream_of(&app, reader.map_err(events::refused)?))
}

/// Which conversation is meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionBody {
    #[schema(required = true)]
    session_id: Option<String>,
}

/// Everything in the conversation is seen.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/read", tag = "Visitor hub", request_body = SessionBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<HubSettings>>)))]
async fn read(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<SessionBody>,
) -> Reply<()> {
    super::mark_read(&app, auth.caller.user_id, &required("sessionId", body.session_id)?).await?;
    Ok(Data(()))
}

/// The owner answers in person from now on; the avatar is silent. Sockets get a frame with `event` `takeover`.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/takeover", tag = "Visitor hub", request_body = SessionBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<HubSettings>>)))]
async fn takeover(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<SessionBody>,
) -> Reply<()> {
    super::take_over(&app, auth.caller.user_id, &required("sessionId", body.session_id)?, true).await?;
    Ok(Data(()))
}

/// The avatar answers again from now on. Sockets get a frame with `event` `handback`.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/handback", tag = "Visitor hub", request_body = SessionBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<HubSettings>>)))]
async fn handback(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<SessionBody>,
) -> Reply<()> {
    super::take_over(&app, auth.caller.user_id, &required("sessionId", body.session_id)?, false).await?;
    Ok(Data(()))
}

/// What the owner says in person.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplyBody {
    #[schema(required = true)]
    session_id: Option<String>,
    /// 1 to 10000 characters.
    message: String,
}

/// The message that was stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplyData {
    message_id: String,
}

/// Says something in person, in a conversation that was taken over. Sockets get a frame with the sender `human`.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/reply", tag = "Visitor hub", request_body = ReplyBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<ReplyData>)))]
async fn reply(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<ReplyBody>,
) -> Reply<ReplyData> {
    let session_id = required("sessionId", body.session_id)?;
    let message_id = super::reply(&app, auth.caller.user_id, &session_id, &body.message).await?;
    Ok(Data(ReplyData { message_id }))
}

/// Whom to block.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VisitorBlockBody {
    #[schema(required = true)]
    session_id: Option<String>,
    /// Default true; false lets the visitor in again.
    blocked: Option<bool>,
}

/// Blocks a visitor: their sockets are closed, `init` and `send` are refused.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/block", tag = "Visitor hub", request_body = VisitorBlockBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<Option<HubSettings>>)))]
async fn block(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<VisitorBlockBody>,
) -> Reply<()> {
    let session_id = required("sessionId", body.session_id)?;
    super::block(&app, auth.caller.user_id, &session_id, body.blocked.unwrap_or(true)).await?;
    Ok(Data(()))
}

/// Which avatar.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub struct AvatarQuery {
    #[param(required = true)]
    #[serde(deserialize_with = "lenient")]
    avatar_id: Option<i64>,
}

/// What the owner decided for an avatar.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubSettings {
    avatar_id: i64,
    /// Whether visitors may talk to it. Default true.
    open: bool,
}

/// What the owner decides for an avatar.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SettingsBody {
    #[schema(required = true)]
    avatar_id: Option<i64>,
    /// Whether visitors may talk to it.
    #[schema(required = true)]
    open: Option<bool>,
}

/// Whether visitors may talk to an avatar.
#[utoipa::path(get, path = "/secondme/visitor-chat/hub/settings", tag = "Visitor hub", params(AvatarQuery),
    security(("token" = ["avatar.read"])), responses((status = 200, body = Envelope<HubSettings>)))]
async fn show_settings(
    State(app): State<App>,
    auth: Auth<permissions::AvatarRead>,
    Query(query): Query<AvatarQuery>,
) -> Reply<HubSettings> {
    let avatar_id = required("avatarId", query.avatar_id)?;
    let open = settings::get(&app, auth.caller.user_id, avatar_id).await?;
    Ok(Data(HubSettings { avatar_id, open }))
}

/// Opens an avatar to visitors, or closes it.
#[utoipa::path(post, path = "/secondme/visitor-chat/hub/settings", tag = "Visitor hub", request_body = SettingsBody,
    security(("token" = ["avatar.write"])), responses((status = 200, body = Envelope<HubSettings>)))]
async fn change_settings(
    State(app): State<App>,
    auth: Auth<permissions::AvatarWrite>,
    Body(body): Body<SettingsBody>,
) -> Reply<HubSettings> {
    let (avatar_id, open) = (required("avatarId", body.avatar_id)?, required("open", body.open)?);
    settings::set(&app, auth.caller.user_id, avatar_id, open).await?;
    Ok(Data(HubSettings { avatar_id, open }))
}

fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| ApiError::invalid(field, &Problem::Required))
}
