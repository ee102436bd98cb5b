//! `/home/avatars/{avatar}/evaluations`: played visitors, and what a judging model says about the answers.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

use super::place;
use crate::app::App;
use crate::avatars::center::{self, Avatar};
use crate::avatars::evaluations::{self, Run, Wanted};
use crate::error::{Lang, Result};
use crate::http::Path;
use crate::http::page::{Frame, Page};
use crate::pages::when::Clock;
use crate::users::accounts::{Member, Posted};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/home/avatars/{avatar}/evaluations", get(show).post(begin))
}

#[derive(Template)]
#[template(path = "home/avatar_evaluations.html")]
struct EvaluationsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    clock: &'a Clock,
    avatar: &'a Avatar,
    here: &'static str,
    runs: &'a [Run],
    running: bool,
}

async fn show(State(app): State<App>, me: Member, Path(id): Path<i64>) -> Result<Page> {
    let avatar = center::get(&app, me.user_id(), id).await?;
    let runs = evaluations::list(&app, me.user_id(), id).await?;
    let clock = Clock::of(&app, &me).await?;
    Ok(Page::new(&EvaluationsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        clock: &clock,
        avatar: &avatar,
        here: "evaluations",
        running: runs.iter().any(|run| matches!(run.status.as_str(), "PENDING" | "RUNNING")),
        runs: &runs,
    }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    mode: Option<String>,
}

async fn begin(
    State(app): State<App>,
    Path(id): Path<i64>,
    Posted { member, form }: Posted<Fields>,
) -> Result<Response> {
    let wanted = Wanted { mode: form.mode, ..Wanted::default() };
    let begun = evaluations::begin(&app, member.user_id(), id, &wanted).await;
    let here = format!("{}/evaluations", place(id));
    member.settle(&app, begun, &here, ("The evaluation has begun.", "评测已开始。"))
}
