//! `/docs`: guides, and the OpenAPI document as a page that needs no network and no script.

mod guides;
pub(in crate::pages) mod operation;
mod schema;

use std::sync::Arc;

use askama::Template;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;

use crate::access::Scope;
use crate::app::App;
use crate::error::{Code, Lang};
use crate::http::page::{Frame, Page};
use operation::{Access, Group};

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsTemplate<'a> {
    lang: Lang,
    frame: Frame,
    title: &'a str,
    description: &'a str,
    groups: Vec<Group>,
    scopes: Vec<(&'static str, &'static str)>,
    errors: Vec<ErrorRow>,
}

struct ErrorRow {
    sub_code: &'static str,
    status: u16,
    message: &'static str,
    when: &'static str,
}

/// The OpenAPI document of this server, for the pages that are made from it.
#[derive(Clone)]
pub struct Reference(pub Arc<Value>);

/// The documentation, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/docs", get(guides::index))
        .route("/docs/api", get(reference))
        .route("/docs/{guide}", get(guides::page))
}

/// The reference page of the OpenAPI document.
async fn reference(Extension(Reference(openapi)): Extension<Reference>, frame: Frame) -> Page {
    let lang = frame.lang;
    let info = |field: &str| openapi["info"][field].as_str().unwrap_or_default();
    let words = |scope: &Scope| {
        let (en, zh) = scope.words();
        (scope.name(), lang.pick(en, zh))
    };
    let error = |code: &Code| {
        let row = code.row();
        ErrorRow { sub_code: row.sub_code, status: row.status, message: lang.pick(row.en, row.zh), when: row.when }
    };
    Page::new(&DocsTemplate {
        lang,
        frame,
        title: info("title"),
        description: info("description"),
        groups: operation::groups(&openapi),
        scopes: Scope::ALL.iter().map(words).collect(),
        errors: Code::ALL.iter().map(error).collect(),
    })
}
