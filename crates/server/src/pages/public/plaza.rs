//! `/plaza`: the feed, with an invitation code as the door.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secondme_kit::Page as Slice;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::Query;
use crate::http::page::{Frame, Page};
use crate::pages::when::Clock;
use crate::plaza::feed::{self, Ask, Sort, walk};
use crate::plaza::posts::http::CreatePost;
use crate::plaza::posts::{self, CONTENT_TYPES, Post};
use crate::plaza::{certificates, invitations};
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/plaza", get(show).post(create)).route("/plaza/enter", post(enter))
}

const HERE: &str = "/plaza";

#[derive(Template)]
#[template(path = "public/plaza_door.html")]
struct DoorTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "public/plaza.html")]
struct PlazaTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    sort: &'a str,
    kind: &'a str,
    words: &'a str,
    posts: &'a [Post],
    next: Option<String>,
    max_chars: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wishes {
    sort: String,
    kind: String,
    q: String,
    cursor: Option<String>,
}

async fn show(State(app): State<App>, me: Member, Query(wishes): Query<Wishes>) -> Result<Response> {
    let held = certificates::of(app.store(), me.user_id()).await?;
    if !held.is_some_and(|certificate| certificate.is_active()) {
        return Ok(Page::new(&DoorTemplate { lang: me.lang(), frame: &me.frame }).into_response());
    }
    let ask = Ask {
        sort: match wishes.sort.as_str() {
            "featured" => Sort::Featured,
            "friends" => Sort::Friends,
            _ => Sort::Timeline,
        },
        keyword: Some(wishes.q.clone()).filter(|words| !words.is_empty()),
        content_type: CONTENT_TYPES.into_iter().find(|known| *known == wishes.kind),
        circle_route: None,
    };
    let slice = walk::Slice::new(Slice::new(None, None, 20), wishes.cursor.as_deref())?;
    let feed = feed::page(&app, me.user_id(), &ask, &slice).await?;
    let clock = Clock::of(&app, &me).await?;
    let next = feed.next.map(|cursor| address(&wishes, &cursor.to_string()));
    let page = Page::new(&PlazaTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        sort: &wishes.sort,
        kind: &wishes.kind,
        words: &wishes.q,
        posts: &feed.items,
        next,
        max_chars: app.config().plaza.post_max_chars,
    });
    Ok(page.into_response())
}

fn address(wishes: &Wishes, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("sort", wishes.sort.as_str()), ("kind", &wishes.kind), ("q", &wishes.q), ("cursor", cursor)]
    {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("{HERE}?{}", query.finish())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Words {
    content: String,
    kind: String,
    link: String,
    code: String,
}

async fn create(State(app): State<App>, Posted { member, form }: Posted<Words>) -> Result<Response> {
    let body = json!({"content": form.content, "type": posts::PUBLIC, "contentType": form.kind, "link": form.link});
    let created = async {
        let body: CreatePost = serde_json::from_value(body)
            .map_err(|error| ApiError::invalid("post", &Problem::Parser(error.to_string())))?;
        posts::create(&app, &member.caller(&app), &body.check(&app.config().plaza)?).await
    };
    match created.await {
        Ok(id) => Ok(member.done(&app, &format!("/post/{id}"), "Posted.", "已发布。")),
        Err(error) => member.refused(&app, HERE, error),
    }
}

async fn enter(State(app): State<App>, Posted { member, form }: Posted<Words>) -> Result<Response> {
    match invitations::redeem(&app, member.user_id(), &form.code).await {
        Ok(_) => Ok(member.done(&app, HERE, "Welcome to the plaza.", "欢迎来到广场。")),
        Err(error) if error.code() == Code::Internal => Err(error),
        Err(error) => member.refused(&app, HERE, error),
    }
}
