//! `plaza/posts/comment`, `plaza/posts/{postId}/comments` (contract 13.5, 13.7, 13.8); like and delete (ours).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Comment, NewComment};
use crate::access::{Auth, Caller, permissions};
use crate::app::App;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::{Body, Data, Path, Query, Reply};
use crate::plaza::feed::http::SliceQuery;
use crate::plaza::posts::Source;
use crate::plaza::posts::http::{Author, LikeBody, Liked, web_url};

/// The routes of comments, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(list, create_under))
        .routes(routes!(like))
        .routes(routes!(delete))
}

/// As long as a user's name can be.
const NAME_MAX_CHARS: usize = 50;

/// A comment to write.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateComment {
    /// Not needed where the path names the post.
    post_id: Option<String>,
    /// At most 2000 characters; may be empty beside a sticker.
    #[schema(required = true)]
    content: Option<String>,
    /// The comment that is answered.
    reply_to_comment_id: Option<String>,
    /// Whom it is addressed to, at most 50 characters. Of an answered comment it is the author's name, whatever is sent.
    reply_to_user_name: Option<String>,
    /// `user` (default) or `avatar`.
    source: Option<String>,
    /// URL of a sticker.
    sticker_url: Option<String>,
}

/// The id of a new comment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Commented {
    /// `comment_…`.
    comment_id: String,
}

async fn written(app: &App, caller: &Caller, post_id: Option<String>, body: CreateComment) -> Reply<Commented> {
    let post_id = post_id.or(body.post_id).filter(|id| !id.is_empty());
    let sticker = web_url("stickerUrl", body.sticker_url, &app.config().plaza)?;
    let content = body.content.unwrap_or_default();
    if content.trim().is_empty() && sticker.is_none() {
        return Err(ApiError::invalid("content", &Problem::Required));
    }
    let reply_to_name = body.reply_to_user_name.filter(|name| !name.trim().is_empty());
    if reply_to_name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX_CHARS) {
        return Err(ApiError::invalid("replyToUserName", &Problem::TooLong(NAME_MAX_CHARS)));
    }
    let new = NewComment {
        reply_to_name,
        post_id: post_id.ok_or_else(|| ApiError::invalid("postId", &Problem::Required))?,
        content,
        reply_to: body.reply_to_comment_id.filter(|id| !id.is_empty()),
        source: Source::parse(body.source.as_deref())?,
        sticker_url: sticker.unwrap_or_default(),
    };
    Ok(Data(Commented { comment_id: super::create(app, caller, &new).await? }))
}

/// Comments on a post, or answers a comment.
#[utoipa::path(post, path = "/secondme/plaza/posts/comment", tag = "Plaza", request_body = CreateComment,
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Commented>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Body(body): Body<CreateComment>,
) -> Reply<Commented> {
    written(&app, &auth.caller, None, body).await
}

/// The same, with the post in the path.
#[utoipa::path(post, path = "/secondme/plaza/posts/{postId}/comments", tag = "Plaza", request_body = CreateComment,
    params(("postId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Commented>)))]
async fn create_under(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Path(id): Path<String>,
    Body(body): Body<CreateComment>,
) -> Reply<Commented> {
    written(&app, &auth.caller, Some(id), body).await
}

/// A page of comments, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommentList {
    items: Vec<CommentBody>,
    /// The comments that `items` answer and that are on another page.
    context_items: Vec<CommentBody>,
    page: i64,
    page_size: i64,
    has_more: bool,
    /// For `cursor`: where the next page begins (ours).
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CommentBody {
    id: String,
    content: String,
    author: Author,
    /// ISO 8601, UTC.
    created_at: String,
    reply_to_comment_id: Option<String>,
    reply_to_user_name: Option<String>,
    /// The comment that the conversation began with.
    root_comment_id: Option<String>,
    likes: i64,
    liked: bool,
    /// `user` or `avatar`.
    source: String,
    sticker_url: Option<String>,
}

impl From<Comment> for CommentBody {
    fn from(c: Comment) -> Self {
        Self {
            id: c.id,
            content: c.content,
            author: Author {
                name: c.author_name,
                avatar: c.author_avatar,
                user_id: c.author_id.to_string(),
                route: c.author_route,
            },
            created_at: iso(c.created_at),
            reply_to_comment_id: c.reply_to,
            reply_to_user_name: c.reply_to_name,
            root_comment_id: c.root,
            likes: c.likes,
            liked: c.liked,
            source: c.source,
            sticker_url: Some(c.sticker_url).filter(|url| !url.is_empty()),
        }
    }
}

/// The comments under a post.
#[utoipa::path(get, path = "/secondme/plaza/posts/{postId}/comments", tag = "Plaza",
    params(("postId" = String, Path), SliceQuery),
    security(("token" = ["plaza.read"])), responses((status = 200, body = Envelope<CommentList>)))]
async fn list(
    State(app): State<App>,
    auth: Auth<permissions::PlazaRead>,
    Path(id): Path<String>,
    Query(query): Query<SliceQuery>,
) -> Reply<CommentList> {
    page(&app, auth.caller.user_id, &id, query).await.map(Data)
}

/// The same for whoever has a token of another kind.
pub(crate) async fn page(app: &App, reader: i64, post_id: &str, query: SliceQuery) -> Result<CommentList> {
    let slice = query.slice()?;
    let found = super::list(app, reader, post_id, &slice).await?;
    Ok(CommentList {
        items: found.items.into_iter().map(Into::into).collect(),
        context_items: found.context.into_iter().map(Into::into).collect(),
        page: slice.number,
        page_size: slice.size,
        has_more: found.next.is_some(),
        next_cursor: found.next.map(|c| c.to_string()),
    })
}

/// Likes a comment, or takes the like back.
#[utoipa::path(post, path = "/secondme/plaza/comments/{commentId}/like", tag = "Plaza", request_body = LikeBody,
    params(("commentId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Liked>)))]
async fn like(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Path(id): Path<String>,
    Body(body): Body<LikeBody>,
) -> Reply<Liked> {
    let (liked, likes) = super::like(&app, auth.caller.user_id, &id, body.liked).await?;
    Ok(Data(Liked { liked, likes }))
}

/// Deletes one's own comment; answers to it stay.
#[utoipa::path(post, path = "/secondme/plaza/comments/{commentId}/delete", tag = "Plaza",
    params(("commentId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn delete(State(app): State<App>, auth: Auth<permissions::PlazaWrite>, Path(id): Path<String>) -> Reply<Value> {
    super::delete(&app, auth.caller.user_id, &id).await?;
    Ok(Data(Value::Null))
}
