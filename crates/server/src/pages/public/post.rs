//! `/post/{id}`: a post with its comments.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Flash, Frame, Page};
use crate::http::{Path, Query};
use crate::pages::when::Clock;
use crate::plaza::comments::{self, Comment, NewComment};
use crate::plaza::feed::walk;
use crate::plaza::moderation::{self, Target};
use crate::plaza::posts::{self, Post, Source};
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/post/{post}", get(show))
        .route("/post/{post}/like", post(like))
        .route("/post/{post}/comment", post(comment))
        .route("/post/{post}/delete", post(delete))
        .route("/post/{post}/report", post(report))
}

#[derive(Template)]
#[template(path = "public/post.html")]
struct PostTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    post: &'a Post,
    comments: &'a [Comment],
    next: Option<String>,
    me: i64,
    max_chars: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Where {
    cursor: Option<String>,
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<String>, Query(at): Query<Where>) -> Result<Page> {
    let post = posts::get(&app, me.user_id(), &id).await?;
    let slice = walk::Slice::new(Slice::new(None, None, 50), at.cursor.as_deref())?;
    let comments = comments::list(&app, me.user_id(), &id, &slice).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&PostTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        post: &post,
        comments: &comments.items,
        next: comments.next.map(|cursor| format!("/post/{id}?cursor={cursor}")),
        me: me.user_id(),
        max_chars: app.config().plaza.comment_max_chars,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    /// A comment; without it the post itself is meant.
    comment: String,
    content: String,
    reply_to: Option<String>,
    reason: String,
    back: Option<String>,
}

fn place(id: &str) -> String {
    format!("/post/{id}")
}

async fn like(
    State(app): State<App>,
    Path(id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let liked = match form.comment.as_str() {
        "" => posts::like(&app, member.user_id(), &id, None).await,
        comment => comments::like(&app, member.user_id(), comment, None).await,
    };
    let back = if form.back.as_deref() == Some("plaza") { format!("/plaza#{id}") } else { place(&id) };
    match liked {
        Ok(_) => Ok(Member::go(&back)),
        Err(error) => member.refused(&app, &back, error),
    }
}

async fn comment(
    State(app): State<App>,
    Path(id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let new = NewComment {
        post_id: id.clone(),
        content: form.content,
        reply_to: form.reply_to,
        reply_to_name: None,
        source: Source::User,
        sticker_url: String::new(),
    };
    let written = comments::create(&app, &member.caller(&app), &new).await;
    member.settle(&app, written, &place(&id), ("Your comment is there.", "评论已发布。"))
}

async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    if form.comment.is_empty() {
        return match posts::delete(&app, member.user_id(), &id).await {
            Ok(()) => Ok(Flash::good(member.lang().pick("The post is gone.", "帖子已删除。")).on(&app, "/plaza")),
            Err(error) => member.refused(&app, &place(&id), error),
        };
    }
    let done = comments::delete(&app, member.user_id(), &form.comment).await;
    member.settle(&app, done, &place(&id), ("The comment is gone.", "评论已删除。"))
}

async fn report(
    State(app): State<App>,
    Path(id): Path<String>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let (target, about) =
        if form.comment.is_empty() { (Target::Post, id.as_str()) } else { (Target::Comment, form.comment.as_str()) };
    let done = moderation::report(&app, member.user_id(), target, about, &form.reason).await;
    member.settle(&app, done, &place(&id), ("Reported. Somebody will look at it.", "已举报，将有人处理。"))
}
