//! Models: what answers, what it has to do, and choosing another one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::door::{Operator, Order};
use super::size;
use crate::admin::models::{self, Model};
use crate::app::App;
use crate::chat::models::supply;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};

#[derive(Template)]
#[template(path = "admin/models.html")]
struct ModelsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    models: Vec<Model>,
    lines: Vec<(supply::Line, String)>,
    fetching: bool,
    embedder: &'a str,
    embedder_here: bool,
}

pub(super) async fn page(State(app): State<App>, Operator(me): Operator) -> Page {
    let supply = app.models().supply();
    let with_size = |line: supply::Line| {
        let size = size(line.entry.size);
        (line, size)
    };
    Page::new(&ModelsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        models: models::all(&app),
        lines: supply.map(|supply| supply.list().into_iter().map(with_size).collect()).unwrap_or_default(),
        fetching: supply.is_some_and(supply::Supply::is_fetching),
        embedder: &app.config().recall.embedder,
        embedder_here: app.embedder().is_some(),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    model: String,
}

pub(super) async fn choose(State(app): State<App>, Order { me, form }: Order<Fields>) -> Result<Response> {
    let chosen = models::choose(&app, &me.session.email, &form.model).await;
    let said = ("Chosen. It answers as soon as it is here and loaded.", "已选择，下载并加载完成后即可使用。");
    me.settle(&app, chosen, "/admin/models", said)
}
