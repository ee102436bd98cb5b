//! Accounts: finding, suspending, letting back in, making operators.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use secondme_kit::Page as PageOf;
use serde::Deserialize;

use super::door::{Operator, Order};
use super::stamp;
use crate::admin::people::{self, Action};
use crate::admin::trail::{self, Line};
use crate::app::App;
use crate::error::{ApiError, Lang, Problem, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};
use crate::users::accounts::people::{self as accounts, Person};

/// Accounts on a page.
const SHOWN: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    people: Vec<(Person, String)>,
    query: &'a str,
    total: i64,
    page: PageOf,
    more: bool,
}

pub(super) async fn list(State(app): State<App>, Operator(me): Operator, Query(asked): Query<Asked>) -> Result<Page> {
    let page = PageOf::new(asked.page, Some(SHOWN), SHOWN);
    let (people, total) = accounts::find(&app, &asked.q, page).await?;
    let with_time = |person: Person| {
        let at = stamp(person.created_at);
        (person, at)
    };
    Ok(Page::new(&UsersTemplate {
        lang: me.lang(),
        frame: &me.frame,
        people: people.into_iter().map(with_time).collect(),
        query: asked.q.trim(),
        total,
        page,
        more: page.has_more(total),
    }))
}

#[derive(Template)]
#[template(path = "admin/user.html")]
struct UserTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    person: &'a Person,
    created: String,
    seen: Option<String>,
    own: bool,
    trail: Vec<(Line, String)>,
}

pub(super) async fn detail(State(app): State<App>, Operator(me): Operator, Path(id): Path<i64>) -> Result<Page> {
    let person = accounts::get(&app, id).await?;
    let lines = trail::about(&app, "user", &id.to_string()).await?;
    Ok(Page::new(&UserTemplate {
        lang: me.lang(),
        frame: &me.frame,
        created: stamp(person.created_at),
        seen: person.last_seen_at.map(stamp),
        own: person.id == me.user_id(),
        trail: lines
            .into_iter()
            .map(|line| {
                let at = stamp(line.at);
                (line, at)
            })
            .collect(),
        person: &person,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    action: String,
    reason: String,
}

pub(super) async fn act(
    State(app): State<App>,
    Path(id): Path<i64>,
    Order { me, form }: Order<Fields>,
) -> Result<Response> {
    let to = format!("/admin/users/{id}");
    let done = match Action::from_word(&form.action) {
        Some(action) => people::act_as(&app, (me.user_id(), &me.session.email), id, action, &form.reason).await,
        None => Err(ApiError::invalid("action", &Problem::Required)),
    };
    member_said(&me, &app, done, &to)
}

fn member_said(me: &crate::users::accounts::Member, app: &App, done: Result<()>, to: &str) -> Result<Response> {
    me.settle(app, done, to, ("Done, and written in the trail.", "已完成，并记入操作日志。"))
}
