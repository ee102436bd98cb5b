//! `plaza/posts/create`, `plaza/posts/{postId}` (contract 13.3, 13.4), like (13.8), delete (ours).

use axum::extract::State;
use secondme_kit::clock::iso;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Beside, CONTENT_TYPES, LinkMeta, NewPost, PUBLIC, Post, Source};
use crate::access::{Auth, permissions};
use crate::app::App;
use crate::config::Plaza;
use crate::error::{ApiError, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::extract::lenient;
use crate::http::{Body, Data, Path, Reply};

/// The routes of posts, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(show)).routes(routes!(like)).routes(routes!(delete))
}

/// A post to publish.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CreatePost {
    /// 1 to 5000 characters.
    #[schema(required = true)]
    content: Option<String>,
    /// `public`.
    #[serde(rename = "type")]
    #[schema(required = true)]
    post_type: Option<String>,
    /// `discussion` (default), `ama` or `info`.
    content_type: Option<String>,
    topic_id: Option<String>,
    topic_title: Option<String>,
    topic_description: Option<String>,
    /// Up to 9 URLs.
    images: Option<Vec<String>>,
    video_url: Option<String>,
    video_thumbnail_url: Option<String>,
    #[serde(deserialize_with = "lenient")]
    #[schema(value_type = Option<f64>)]
    video_duration_ms: Option<f64>,
    /// A page; its preview is fetched unless `linkMeta` is given.
    link: Option<String>,
    link_meta: Option<LinkMetaBody>,
    /// Up to 9 URLs.
    stickers: Option<Vec<String>>,
    is_notification: Option<bool>,
    /// `user` (default) or `avatar` (ours).
    source: Option<String>,
}

/// What is known of a linked page.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LinkMetaBody {
    url: Option<String>,
    title: Option<String>,
    description: Option<String>,
    /// URL of a picture.
    thumbnail: Option<String>,
    text_content: Option<String>,
}

impl CreatePost {
    /// Checks everything that can be checked without the database.
    pub(crate) fn check(self, limits: &Plaza) -> Result<NewPost> {
        let content = self.content.unwrap_or_default();
        if content.trim().is_empty() {
            return Err(ApiError::invalid("content", &Problem::Required));
        }
        at_most("content", &content, limits.post_max_chars)?;
        check_type(self.post_type.as_deref())?;
        let link = web_url("link", self.link, limits)?;
        let beside = Beside {
            topic_id: caption("topicId", self.topic_id, limits)?,
            topic_title: caption("topicTitle", self.topic_title, limits)?,
            topic_description: caption("topicDescription", self.topic_description, limits)?,
            images: pictures("images", self.images, limits)?,
            video_url: web_url("videoUrl", self.video_url, limits)?,
            video_thumbnail_url: web_url("videoThumbnailUrl", self.video_thumbnail_url, limits)?,
            video_duration_ms: duration(self.video_duration_ms)?,
            stickers: pictures("stickers", self.stickers, limits)?,
            is_notification: self.is_notification.unwrap_or(false),
        };
        let link_meta = self.link_meta.map(|meta| meta.check(link.as_deref(), limits)).transpose()?;
        Ok(NewPost {
            content,
            content_type: content_type(self.content_type.as_deref())?,
            beside,
            link: link.or_else(|| link_meta.as_ref().map(|m| m.url.clone())).unwrap_or_default(),
            link_meta,
            source: Source::parse(self.source.as_deref())?,
        })
    }
}

impl LinkMetaBody {
    fn check(self, link: Option<&str>, limits: &Plaza) -> Result<LinkMeta> {
        let url = web_url("linkMeta.url", self.url, limits)?.or_else(|| link.map(str::to_owned));
        let text_content = self.text_content.unwrap_or_default();
        at_most("linkMeta.textContent", &text_content, limits.link_text_max_chars)?;
        Ok(LinkMeta {
            url: url.ok_or_else(|| ApiError::invalid("linkMeta.url", &Problem::Required))?,
            title: caption("linkMeta.title", self.title, limits)?.unwrap_or_default(),
            description: caption("linkMeta.description", self.description, limits)?.unwrap_or_default(),
            thumbnail: web_url("linkMeta.thumbnail", self.thumbnail, limits)?.unwrap_or_default(),
            text_content,
        })
    }
}

fn check_type(word: Option<&str>) -> Result<()> {
    match word {
        Some(PUBLIC) => Ok(()),
        None | Some("") => Err(ApiError::invalid("type", &Problem::Required)),
        Some(_) => Err(ApiError::invalid("type", &Problem::Expected("public", " public"))),
    }
}

fn content_type(word: Option<&str>) -> Result<String> {
    let word = word.filter(|word| !word.is_empty()).unwrap_or(CONTENT_TYPES[0]);
    if CONTENT_TYPES.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(ApiError::invalid("contentType", &Problem::Expected("discussion, ama or info", " discussion、ama 或 info")))
}

fn at_most(field: &str, text: &str, max: usize) -> Result<()> {
    if text.chars().count() > max { Err(ApiError::invalid(field, &Problem::TooLong(max))) } else { Ok(()) }
}

fn caption(field: &str, text: Option<String>, limits: &Plaza) -> Result<Option<String>> {
    at_most(field, text.as_deref().unwrap_or_default(), limits.caption_max_chars)?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn duration(ms: Option<f64>) -> Result<Option<f64>> {
    match ms {
        Some(ms) if !(ms.is_finite() && ms >= 0.0) => {
            Err(ApiError::invalid("videoDurationMs", &Problem::Expected("a number from 0", "不小于 0 的数字")))
        }
        _ => Ok(ms),
    }
}

/// An http or https URL; empty counts as absent.
pub(in crate::plaza) fn web_url(field: &str, text: Option<String>, limits: &Plaza) -> Result<Option<String>> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let good = text.chars().count() <= limits.url_max_chars
        && Url::parse(&text).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some());
    if good {
        Ok(Some(text))
    } else {
        Err(ApiError::invalid(field, &Problem::Expected("an http or https URL", " http 或 https 链接")))
    }
}

fn pictures(field: &str, urls: Option<Vec<String>>, limits: &Plaza) -> Result<Vec<String>> {
    let urls = urls.unwrap_or_default();
    if urls.len() > limits.pictures_max {
        return Err(ApiError::invalid(field, &Problem::TooMany(limits.pictures_max)));
    }
    let checked = urls.into_iter().enumerate().map(|(at, url)| {
        let field = format!("{field}[{at}]");
        web_url(&field, Some(url), limits)?.ok_or_else(|| ApiError::invalid(&field, &Problem::Required))
    });
    checked.collect()
}

/// The id of a new post.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// `post_…`.
    pub(crate) post_id: String,
}

/// Publishes a post.
#[utoipa::path(post, path = "/secondme/plaza/posts/create", tag = "Plaza", request_body = CreatePost,
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Created>)))]
async fn create(
    State(app): State<App>,
    auth: Auth<permissions::PlazaWrite>,
    Body(body): Body<CreatePost>,
) -> Reply<Created> {
    let new = body.check(&app.config().plaza)?;
    Ok(Data(Created { post_id: super::create(&app, &auth.caller, &new).await? }))
}

/// Somebody who wrote something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct Author {
    pub name: String,
    pub avatar: String,
    /// Decimal digits; for `friend/invite/send` (ours).
    pub user_id: String,
    /// Route of the home page (ours).
    pub route: String,
}

/// A post as a reader sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostBody {
    id: String,
    content: String,
    /// `public`.
    #[serde(rename = "type")]
    post_type: &'static str,
    /// `discussion`, `ama` or `info`.
    content_type: String,
    author: Author,
    /// ISO 8601, UTC.
    created_at: String,
    comment_count: i64,
    /// Comments whose source is `user`.
    human_comment_count: i64,
    likes: i64,
    /// By the caller.
    liked: bool,
    /// Always null: posts are not spoken.
    audio_url: Option<String>,
    /// `user` or `avatar` (ours).
    source: String,
    images: Vec<String>,
    stickers: Vec<String>,
    topic_id: Option<String>,
    topic_title: Option<String>,
    topic_description: Option<String>,
    video_url: Option<String>,
    video_thumbnail_url: Option<String>,
    video_duration_ms: Option<f64>,
    link: Option<String>,
    /// Null until the linked page was looked at.
    link_meta: Option<LinkMetaBody>,
    is_notification: bool,
}

impl From<Post> for PostBody {
    fn from(p: Post) -> Self {
        let beside = p.beside;
        Self {
            id: p.id,
            content: p.content,
            post_type: PUBLIC,
            content_type: p.content_type,
            author: Author {
                name: p.author_name,
                avatar: p.author_avatar,
                user_id: p.author_id.to_string(),
                route: p.author_route,
            },
            created_at: iso(p.created_at),
            comment_count: p.comment_count,
            human_comment_count: p.human_comment_count,
            likes: p.likes,
            liked: p.liked,
            audio_url: None,
            source: p.source,
            images: beside.images,
            stickers: beside.stickers,
            topic_id: beside.topic_id,
            topic_title: beside.topic_title,
            topic_description: beside.topic_description,
            video_url: beside.video_url,
            video_thumbnail_url: beside.video_thumbnail_url,
            video_duration_ms: beside.video_duration_ms,
            link: Some(p.link).filter(|link| !link.is_empty()),
            link_meta: p.link_meta.map(Into::into),
            is_notification: beside.is_notification,
        }
    }
}

impl From<LinkMeta> for LinkMetaBody {
    fn from(m: LinkMeta) -> Self {
        Self {
            url: Some(m.url),
            title: Some(m.title),
            description: Some(m.description),
            thumbnail: Some(m.thumbnail),
            text_content: Some(m.text_content),
        }
    }
}

/// A post.
#[utoipa::path(get, path = "/secondme/plaza/posts/{postId}", tag = "Plaza", params(("postId" = String, Path)),
    security(("token" = ["plaza.read"])), responses((status = 200, body = Envelope<PostBody>)))]
async fn show(State(app): State<App>, auth: Auth<permissions::PlazaRead>, Path(id): Path<String>) -> Reply<PostBody> {
    Ok(Data(super::get(&app, auth.caller.user_id, &id).await?.into()))
}

/// Which way to like.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct LikeBody {
    /// Absent: the other way than before.
    pub(in crate::plaza) liked: Option<bool>,
}

/// How it is liked now.
#[derive(Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Liked {
    pub liked: bool,
    pub likes: i64,
}

/// Likes a post, or takes the like back.
#[utoipa::path(post, path = "/secondme/plaza/posts/{postId}/like", tag = "Plaza", request_body = LikeBody,
    params(("postId" = String, Path)),
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

/// Deletes one's own post with everything under it.
#[utoipa::path(post, path = "/secondme/plaza/posts/{postId}/delete", tag = "Plaza", params(("postId" = String, Path)),
    security(("token" = ["plaza.write"])), responses((status = 200, body = Envelope<Value>)))]
async fn delete(State(app): State<App>, auth: Auth<permissions::PlazaWrite>, Path(id): Path<String>) -> Reply<Value> {
    super::delete(&app, auth.caller.user_id, &id).await?;
    Ok(Data(Value::Null))
}
