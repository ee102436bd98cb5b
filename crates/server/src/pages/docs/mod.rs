//! `/docs`: the OpenAPI document as a page that needs no network and no script.

mod operation;
mod schema;

use askama::Template;
use serde_json::Value;

use crate::access::Scope;
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

/// The reference page of an OpenAPI document.
pub fn render(openapi: &Value, frame: Frame) -> Page {
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
        groups: operation::groups(openapi),
        scopes: Scope::ALL.iter().map(words).collect(),
        errors: Code::ALL.iter().map(error).collect(),
    })
}
