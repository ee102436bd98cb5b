//! Jobs and dead letters.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use secondme_jobs::{DeadJob, KindCounts};
use serde::Deserialize;

use super::door::{Operator, Order};
use super::stamp;
use crate::admin::jobs;
use crate::app::App;
use crate::error::{ApiError, Lang, Problem, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};

/// Dead letters on a page.
const SHOWN: i64 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(deserialize_with = "lenient")]
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/jobs.html")]
struct JobsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    kinds: Vec<(KindCounts, String)>,
    dead: Vec<Dead>,
    next: Option<i64>,
}

/// A dead letter with its texts for reading.
struct Dead {
    job: DeadJob,
    payload: String,
    died: String,
}

pub(super) async fn page(State(app): State<App>, Operator(me): Operator, Query(asked): Query<Asked>) -> Result<Page> {
    let overview = jobs::overview(&app, asked.before, SHOWN).await?;
    let full = i64::try_from(overview.dead.len()).unwrap_or(0) == SHOWN;
    let next = overview.dead.last().map(|job| job.id).filter(|_| full);
    let kind = |kind: KindCounts| {
        let oldest = kind.oldest.map(stamp).unwrap_or_default();
        (kind, oldest)
    };
    let dead = |job: DeadJob| Dead { payload: job.payload.to_string(), died: stamp(job.died_at), job };
    Ok(Page::new(&JobsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        kinds: overview.kinds.into_iter().map(kind).collect(),
        dead: overview.dead.into_iter().map(dead).collect(),
        next,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    action: String,
}

pub(super) async fn act(
    State(app): State<App>,
    Path(id): Path<i64>,
    Order { me, form }: Order<Fields>,
) -> Result<Response> {
    let done = match form.action.as_str() {
        "retry" => jobs::retry(&app, &me.session.email, id).await,
        "discard" => jobs::discard(&app, &me.session.email, id).await,
        _ => Err(ApiError::invalid("action", &Problem::Required)),
    };
    me.settle(&app, done, "/admin/jobs", ("Done.", "已完成。"))
}
