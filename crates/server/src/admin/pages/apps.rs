//! Applications and their reviews.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use secondme_kit::Page as PageOf;
use serde::Deserialize;

use super::door::{Operator, Order};
use super::stamp;
use crate::access::Scope;
use crate::admin::apps;
use crate::admin::trail::{self, Line};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::oauth::apps::{self as registered, Application, Registered};
use crate::users::accounts::people::{self, Person};

/// Apps on a page.
const SHOWN: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    waiting: String,
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/apps.html")]
struct AppsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    apps: Vec<(Registered, String)>,
    waiting: bool,
    open: i64,
    page: PageOf,
    more: bool,
    review: bool,
}

pub(super) async fn list(State(app): State<App>, Operator(me): Operator, Query(asked): Query<Asked>) -> Result<Page> {
    let page = PageOf::new(asked.page, Some(SHOWN), SHOWN);
    let waiting = asked.waiting == "1";
    let (found, total) = registered::for_operator(app.store(), waiting, page).await?;
    let (_, open) = registered::totals(app.store()).await?;
    let with_time = |found: Registered| {
        let at = stamp(found.app.created_at);
        (found, at)
    };
    Ok(Page::new(&AppsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        apps: found.into_iter().map(with_time).collect(),
        waiting,
        open,
        page,
        more: page.has_more(total),
        review: app.config().policy.app_review,
    }))
}

#[derive(Template)]
#[template(path = "admin/application.html")]
struct AppTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    app: &'a Application,
    created: String,
    developer: Option<Person>,
    scopes: Vec<(&'static str, &'static str)>,
    trail: Vec<(Line, String)>,
}

pub(super) async fn detail(State(app): State<App>, Operator(me): Operator, Path(app_id): Path<String>) -> Result<Page> {
    let known = registered::by_id(app.store(), &app_id).await?.ok_or_else(|| ApiError::new(Code::AppNotFound))?;
    let developer = match known.owner {
        Some(owner) => people::get(&app, owner).await.ok(),
        None => None,
    };
    let words = |scope: Scope| {
        let (en, zh) = scope.words();
        (scope.name(), me.lang().pick(en, zh))
    };
    let lines = trail::about(&app, "app", &app_id).await?;
    Ok(Page::new(&AppTemplate {
        lang: me.lang(),
        frame: &me.frame,
        created: stamp(known.created_at),
        developer,
        scopes: known.allowed.set.iter().map(words).collect(),
        trail: lines
            .into_iter()
            .map(|line| {
                let at = stamp(line.at);
                (line, at)
            })
            .collect(),
        app: &known,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    decision: String,
    reason: String,
}

pub(super) async fn review(
    State(app): State<App>,
    Path(app_id): Path<String>,
    Order { me, form }: Order<Fields>,
) -> Result<Response> {
    let done = apps::review(&app, &me.session.email, &app_id, &form.decision, &form.reason).await;
    let to = format!("/admin/apps/{app_id}");
    me.settle(&app, done, &to, ("Decided, and written in the trail.", "已处理，并记入操作日志。"))
}
