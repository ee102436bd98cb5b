//! The plaza's moderation: what readers reported, what was done.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::door::{Operator, Order};
use super::stamp;
use crate::app::App;
use crate::error::{ApiError, Lang, Problem, Result};
use crate::http::page::{Frame, Page};
use crate::plaza::moderation::{self, Action, Reported, Trace};

/// Lines of the trail.
const SHOWN: i64 = 30;

#[derive(Template)]
#[template(path = "admin/moderation.html")]
struct ModerationTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    waiting: Vec<(Reported, String)>,
    trail: Vec<(Trace, String)>,
}

pub(super) async fn page(State(app): State<App>, Operator(me): Operator) -> Result<Page> {
    let reported = |reported: Reported| {
        let since = stamp(reported.since);
        (reported, since)
    };
    let trace = |trace: Trace| {
        let at = stamp(trace.at);
        (trace, at)
    };
    Ok(Page::new(&ModerationTemplate {
        lang: me.lang(),
        frame: &me.frame,
        waiting: moderation::waiting(&app).await?.into_iter().map(reported).collect(),
        trail: moderation::trail(&app, SHOWN).await?.into_iter().map(trace).collect(),
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    action: String,
    id: String,
    reason: String,
}

pub(super) async fn act(State(app): State<App>, Order { me, form }: Order<Fields>) -> Result<Response> {
    let action = match form.action.as_str() {
        "hide" => Some(Action::Hide),
        "restore" => Some(Action::Restore),
        "remove" => Some(Action::Remove),
        "dismiss" => Some(Action::Dismiss),
        _ => None,
    };
    let done = match action {
        Some(action) => moderation::act(&app, &me.session.email, action, form.id.trim(), &form.reason).await,
        None => Err(ApiError::invalid("action", &Problem::Required)),
    };
    me.settle(&app, done, "/admin/moderation", ("Done, and written in the trail.", "已完成，并记入操作日志。"))
}
