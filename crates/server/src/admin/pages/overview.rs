//! The first page: how the server is, what waits for its operator; the trail; storage.

use askama::Template;
use axum::extract::State;
use secondme_kit::Page as PageOf;
use serde::Deserialize;

use super::door::Operator;
use super::{size, stamp};
use crate::admin::health::{self, Health, Waiting};
use crate::admin::storage::{self, Figures};
use crate::admin::trail::{self, Line};
use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::Query;
use crate::http::extract::lenient;
use crate::http::page::{Frame, Page};

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    health: Health,
    waiting: Waiting,
    uptime: String,
    database: Option<String>,
    memory: Option<String>,
    trail: Vec<(Line, String)>,
}

fn with_time(line: Line) -> (Line, String) {
    let at = stamp(line.at);
    (line, at)
}

pub(super) async fn page(State(app): State<App>, Operator(me): Operator) -> Result<Page> {
    let health = health::look(&app).await;
    let (lines, _) = trail::lines(&app, PageOf::new(None, Some(5), 5)).await?;
    Ok(Page::new(&OverviewTemplate {
        lang: me.lang(),
        frame: &me.frame,
        waiting: health::waiting(&app).await?,
        uptime: uptime(health.uptime, me.lang()),
        database: health.database_micros.map(|micros| format!("{:.1} ms", micros as f64 / 1e3)),
        memory: health.memory.map(size),
        trail: lines.into_iter().map(with_time).collect(),
        health,
    }))
}

fn uptime(ms: i64, lang: Lang) -> String {
    let minutes = ms.max(0) / 60_000;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, lang) {
        (0, 0, Lang::En) => format!("{minutes} min"),
        (0, _, Lang::En) => format!("{hours} h {minutes} min"),
        (_, _, Lang::En) => format!("{days} d {hours} h"),
        (0, 0, Lang::Zh) => format!("{minutes} 分钟"),
        (0, _, Lang::Zh) => format!("{hours} 小时 {minutes} 分钟"),
        (_, _, Lang::Zh) => format!("{days} 天 {hours} 小时"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(deserialize_with = "lenient")]
    page: Option<i64>,
}

#[derive(Template)]
#[template(path = "admin/trail.html")]
struct TrailTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    lines: Vec<(Line, String)>,
    page: PageOf,
    more: bool,
}

pub(super) async fn trail(State(app): State<App>, Operator(me): Operator, Query(asked): Query<Asked>) -> Result<Page> {
    let page = PageOf::new(asked.page, Some(50), 50);
    let (lines, total) = trail::lines(&app, page).await?;
    Ok(Page::new(&TrailTemplate {
        lang: me.lang(),
        frame: &me.frame,
        lines: lines.into_iter().map(with_time).collect(),
        page,
        more: page.has_more(total),
    }))
}

#[derive(Template)]
#[template(path = "admin/storage.html")]
struct StorageTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    figures: Figures,
    database: String,
    uploads: String,
    largest: Vec<(i64, String, String)>,
    models: Vec<(String, String)>,
    store: &'a str,
}

pub(super) async fn storage(State(app): State<App>, Operator(me): Operator) -> Result<Page> {
    let figures = storage::figures(&app).await?;
    let bytes = |bytes: i64| size(u64::try_from(bytes).unwrap_or(0));
    Ok(Page::new(&StorageTemplate {
        lang: me.lang(),
        frame: &me.frame,
        database: bytes(figures.bytes),
        uploads: bytes(figures.uploads.bytes),
        largest: figures.uploads.largest.iter().map(|(id, name, n)| (*id, name.clone(), bytes(*n))).collect(),
        models: figures.models.iter().map(|(name, n)| (name.clone(), size(*n))).collect(),
        store: &app.config().uploads.store,
        figures,
    }))
}
