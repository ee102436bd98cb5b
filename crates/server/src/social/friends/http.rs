//! `friend/list`, `friend/invite/send`, `friend/invite/handle`, `friend/break-ice` (contract 18.1 to 18.4); `friend/invite/list`,
//! `friend/message/send`, `friend/session/read`, `friend/block`, `friend/remove` (ours).

use axum::extract::State;
use secondme_kit::Page;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Friend, Friends, Invitation, NewInvitation};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::config::Social;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Query, Reply};

/// The routes of friends, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(invite))
        .routes(routes!(handle))
        .routes(routes!(invitations))
        .routes(routes!(break_ice))
        .routes(routes!(send))
        .routes(routes!(read))
        .routes(routes!(block))
        .routes(routes!(remove))
}

/// Which friends.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct FriendQuery {
    /// `FRIEND`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// From 1. Also `page`.
    #[serde(alias = "page", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_no: Option<i64>,
    /// At most 100, default 20. Also `page_size`.
    #[serde(alias = "page_size", default, deserialize_with = "lenient")]
    #[param(value_type = Option<i64>)]
    page_size: Option<i64>,
}

/// Friends, the last active first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FriendList {
    friends: Vec<FriendRow>,
    total: i64,
    friend_invitation: Pending,
    total_unread_count: i64,
    stranger_message: StrangerMessage,
}

/// Invitations that wait for the caller's answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pending {
    pending_count: i64,
}

/// Messages of people who are no friends: there are none, only friends can write.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StrangerMessage {
    total_count: i64,
    unread_count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FriendRow {
    friend_id: String,
    name: String,
    avatar: String,
    /// Readable through `chat/session/messages`; empty until somebody spoke.
    session_id: String,
    /// `two-way-friend`.
    relation_type: &'static str,
    latest_message: String,
    /// Milliseconds; 0 until somebody spoke.
    latest_message_time: i64,
    unread_count: i64,
    route: String,
    /// `DISCOVER`, `PLAZA` or empty.
    source: String,
    /// The source in words.
    label: String,
    blocked_by_me: bool,
    is_blocked: bool,
    /// `OUTGOING`: the caller invited; `INCOMING`: the friend did.
    source_direction: String,
}

impl FriendRow {
    fn new(f: Friend, lang: Lang) -> Self {
        let label = match f.source.as_str() {
            "DISCOVER" => lang.pick("Met in discover", "发现页认识"),
            "PLAZA" => lang.pick("Met on the plaza", "小镇广场认识"),
            _ => "",
        };
        Self {
            friend_id: f.id.to_string(),
            name: f.name,
            avatar: f.avatar,
            session_id: f.session_id,
            relation_type: "two-way-friend",
            latest_message: f.latest_message,
            latest_message_time: f.latest_message_time,
            unread_count: f.unread_count,
            route: f.route,
            label: label.to_owned(),
            source: f.source,
            blocked_by_me: f.blocked_by_me,
            is_blocked: f.is_blocked,
            source_direction: f.source_direction,
        }
    }
}

impl FriendList {
    fn new(found: Friends, lang: Lang) -> Self {
        Self {
            friends: found.friends.into_iter().map(|f| FriendRow::new(f, lang)).collect(),
            total: found.total,
            friend_invitation: Pending { pending_count: found.pending },
            total_unread_count: found.unread,
            stranger_message: StrangerMessage::default(),
        }
    }
}

/// The caller's friends.
#[utoipa::path(get, path = "/secondme/friend/list", tag = "Friends", params(FriendQuery),
    security(("token" = ["friend.read"])), responses((status = 200, body = Envelope<FriendList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::FriendRead>,
    lang: Lang,
    Query(query): Query<FriendQuery>,
) -> Reply<FriendList> {
    if query.kind.as_deref().is_some_and(|kind| kind != "FRIEND") {
        return Err(ApiError::invalid("type", &Problem::Expected("FRIEND", " FRIEND")));
    }
    let page = Page::new(query.page_no, query.page_size, 20);
    Ok(Data(FriendList::new(super::list(&app, auth.caller.user_id, page).await?, lang)))
}

/// Whom to invite.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InviteBody {
    /// A user id.
    #[schema(value_type = String, required = true)]
    target_user_id: Option<Value>,
    /// At most 500 characters.
    greeting: Option<String>,
    /// `DISCOVER` or `PLAZA`.
    source: Option<String>,
    /// Where exactly, an object.
    #[schema(value_type = Option<Value>)]
    source_data: Option<Value>,
}

impl InviteBody {
    fn check(self, limits: &Social) -> Result<NewInvitation> {
        let greeting = self.greeting.unwrap_or_default();
        if greeting.chars().count() > limits.greeting_max_chars {
            return Err(ApiError::invalid("greeting", &Problem::TooLong(limits.greeting_max_chars)));
        }
        let source = self.source.unwrap_or_default();
        if !["", "DISCOVER", "PLAZA"].contains(&source.as_str()) {
            return Err(ApiError::invalid("source", &Problem::Expected("DISCOVER or PLAZA", " DISCOVER 或 PLAZA")));
        }
        let source_data = self.source_data.unwrap_or_else(|| json!({}));
        let text = source_data.to_string();
        if !source_data.is_object() || text.len() > limits.source_data_max_bytes {
            return Err(ApiError::invalid("sourceData", &Problem::Expected("a small object", "较小的对象")));
        }
        let target = user_id("targetUserId", self.target_user_id.as_ref())?;
        Ok(NewInvitation { target, greeting: greeting.trim().to_owned(), source, source_data: text })
    }
}

/// A user's id, as text or as number.
fn user_id(field: &str, value: Option<&Value>) -> Result<i64> {
    match value {
        Some(Value::String(text)) if !text.trim().is_empty() => {
            text.trim().parse().map_err(|_| ApiError::new(Code::UserInvalidId))
        }
        Some(Value::Number(number)) => number.as_i64().ok_or_else(|| ApiError::new(Code::UserInvalidId)),
        None | Some(Value::Null | Value::String(_)) => Err(ApiError::invalid(field, &Problem::Required)),
        Some(_) => Err(ApiError::new(Code::UserInvalidId)),
    }
}

/// Invites somebody to be a friend.
#[utoipa::path(post, path = "/secondme/friend/invite/send", tag = "Friends", request_body = InviteBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn invite(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<InviteBody>,
) -> Reply<Value> {
    let new = body.check(&app.config().social)?;
    super::invite(&app, auth.caller.user_id, &new).await?;
    Ok(Data(Value::Null))
}

/// How to answer an invitation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HandleBody {
    /// The one who invited.
    #[schema(value_type = String, required = true)]
    target_user_id: Option<Value>,
    /// `ACCEPTED` or `REJECTED`.
    #[schema(required = true)]
    action: Option<String>,
}

/// Answers an invitation.
#[utoipa::path(post, path = "/secondme/friend/invite/handle", tag = "Friends", request_body = HandleBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn handle(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<HandleBody>,
) -> Reply<Value> {
    let inviter = user_id("targetUserId", body.target_user_id.as_ref())?;
    let problem = Problem::Expected("ACCEPTED or REJECTED", " ACCEPTED 或 REJECTED");
    let accept = match body.action.as_deref() {
        Some("ACCEPTED") => true,
        Some("REJECTED") => false,
        _ => return Err(ApiError::invalid("action", &problem)),
    };
    super::handle(&app, auth.caller.user_id, inviter, accept).await?;
    Ok(Data(Value::Null))
}

/// Invitations that wait.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingInvitations {
    invitations: Vec<FriendInvitationRow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FriendInvitationRow {
    user_id: String,
    name: String,
    avatar: String,
    route: String,
    greeting: String,
    source: String,
    /// Milliseconds.
    created_at: i64,
}

impl From<Invitation> for FriendInvitationRow {
    fn from(i: Invitation) -> Self {
        Self {
            user_id: i.from_id.to_string(),
            name: i.name,
            avatar: i.avatar,
            route: i.route,
            greeting: i.greeting,
            source: i.source,
            created_at: i.created_at,
        }
    }
}

/// Invitations that wait for the caller's answer, newest first.
#[utoipa::path(get, path = "/secondme/friend/invite/list", tag = "Friends",
    security(("token" = ["friend.read"])), responses((status = 200, body = Envelope<WaitingInvitations>)))]
async fn invitations(State(app): State<App>, auth: Auth<permissions::FriendRead>) -> Reply<WaitingInvitations> {
    let invitations = super::invitations(&app, auth.caller.user_id).await?;
    Ok(Data(WaitingInvitations { invitations: invitations.into_iter().map(Into::into).collect() }))
}

/// A friend.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FriendBody {
    #[schema(value_type = String, required = true)]
    friend_id: Option<Value>,
}

impl FriendBody {
    fn id(&self) -> Result<i64> {
        user_id("friendId", self.friend_id.as_ref())
    }
}

/// Has the caller's avatar write an opener to a friend. `data` is the id of their session, for `chat/session/messages`.
#[utoipa::path(post, path = "/secondme/friend/break-ice", tag = "Friends", request_body = FriendBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<String>)))]
async fn break_ice(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<FriendBody>,
) -> Reply<String> {
    Ok(Data(super::break_ice(&app, auth.caller.user_id, body.id()?).await?))
}

/// What to say, and to whom.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageBody {
    /// The friend; or else `sessionId`.
    #[schema(value_type = Option<String>)]
    friend_id: Option<Value>,
    /// Their session with the caller.
    session_id: Option<String>,
    /// At most 5000 characters.
    #[schema(required = true)]
    message: Option<String>,
}

/// Where it was said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    session_id: String,
    message_id: String,
}

/// Says something to a friend.
#[utoipa::path(post, path = "/secondme/friend/message/send", tag = "Friends", request_body = MessageBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Told>)))]
async fn send(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<MessageBody>,
) -> Reply<Told> {
    let user = auth.caller.user_id;
    let friend = match (&body.friend_id, &body.session_id) {
        (None, Some(session_id)) => super::of_session(&app, user, session_id).await?,
        (friend_id, _) => user_id("friendId", friend_id.as_ref())?,
    };
    let (session_id, message_id) = super::send(&app, user, friend, &body.message.unwrap_or_default()).await?;
    Ok(Data(Told { session_id, message_id }))
}

/// Notes that the caller has read what a friend said.
#[utoipa::path(post, path = "/secondme/friend/session/read", tag = "Friends", request_body = FriendBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn read(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<FriendBody>,
) -> Reply<Value> {
    super::mark_read(&app, auth.caller.user_id, body.id()?).await?;
    Ok(Data(Value::Null))
}

/// Whom to block.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FriendBlockBody {
    #[schema(value_type = String, required = true)]
    friend_id: Option<Value>,
    /// Default true.
    blocked: Option<bool>,
}

/// Blocks a friend's messages and posts, or lets them through again.
#[utoipa::path(post, path = "/secondme/friend/block", tag = "Friends", request_body = FriendBlockBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn block(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<FriendBlockBody>,
) -> Reply<Value> {
    let friend_id = user_id("friendId", body.friend_id.as_ref())?;
    super::block(&app, auth.caller.user_id, friend_id, body.blocked.unwrap_or(true)).await?;
    Ok(Data(Value::Null))
}

/// Ends a friendship on both sides.
#[utoipa::path(post, path = "/secondme/friend/remove", tag = "Friends", request_body = FriendBody,
    security(("token" = ["friend.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn remove(
    State(app): State<App>,
    auth: Auth<permissions::FriendWrite>,
    Body(body): Body<FriendBody>,
) -> Reply<Value> {
    super::remove(&app, auth.caller.user_id, body.id()?).await?;
    Ok(Data(Value::Null))
}
