//! Models: what answers, what it has to do, and choosing another one.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::door::{Operator, Order};
use crate::admin::models::{self, Model};
use crate::app::App;
use crate::chat::models::supply::Line;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::pages::catalogue::Catalogue;

#[derive(Template)]
#[template(path = "admin/models.html")]
struct ModelsTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    models: Vec<Model>,
    lines: Vec<(Line, String)>,
    fetching: bool,
    embedder: &'a str,
    embedder_here: bool,
}

pub(super) async fn page(State(app): State<App>, Operator(me): Operator) -> Response {
    let catalogue = Catalogue::of(&app);
    if me.frame.partial {
        return catalogue.part(&me.frame, "/admin/models");
    }
    let page = Page::new(&ModelsTemplate {
        lang: me.lang(),
        frame: &me.frame,
        models: models::all(&app),
        lines: catalogue.lines,
        fetching: catalogue.fetching,
        embedder: &app.config().recall.embedder,
        embedder_here: app.embedder().is_some(),
    });
    page.into_response()
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
