//! `/docs/api/…`: an overview of all operations, a page for each tag, and the tables of scopes and errors.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};

use super::Reference;
use super::operation::{self, Access, Group};
use crate::access::Scope;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::page::{Frame, Page};

/// A part in the list beside every page.
struct Part {
    slug: String,
    name: String,
}

fn parts(groups: &[Group]) -> Vec<Part> {
    groups.iter().map(|group| Part { slug: group.slug(), name: group.name.clone() }).collect()
}

#[derive(Template)]
#[template(path = "docs/reference.html")]
struct IndexTemplate<'a> {
    lang: Lang,
    frame: Frame,
    here: &'a str,
    parts: Vec<Part>,
    title: &'a str,
    description: &'a str,
    groups: Vec<Group>,
}

/// `/docs/api`: every operation in a line.
pub(super) async fn index(Extension(Reference(openapi)): Extension<Reference>, frame: Frame) -> Page {
    let info = |field: &str| openapi["info"][field].as_str().unwrap_or_default();
    let groups = operation::groups(&openapi);
    Page::new(&IndexTemplate {
        lang: frame.lang,
        frame,
        here: "",
        parts: parts(&groups),
        title: info("title"),
        description: info("description"),
        groups,
    })
}

#[derive(Template)]
#[template(path = "docs/part.html")]
struct PartTemplate<'a> {
    lang: Lang,
    frame: Frame,
    here: &'a str,
    parts: Vec<Part>,
    group: &'a Group,
    origin: &'a str,
}

/// `/docs/api/{part}`: the operations of one tag with everything about them.
pub(super) async fn part(
    State(app): State<App>,
    Extension(Reference(openapi)): Extension<Reference>,
    frame: Frame,
    Path(slug): Path<String>,
) -> Result<Page> {
    let groups = operation::groups(&openapi);
    let group = groups.iter().find(|group| group.slug() == slug).ok_or_else(|| ApiError::new(Code::RouteNotFound))?;
    let (lang, parts, origin) = (frame.lang, parts(&groups), app.public_url());
    Ok(Page::new(&PartTemplate { lang, frame, here: &slug, parts, group, origin }))
}

#[derive(Template)]
#[template(path = "docs/scopes.html")]
struct ScopesTemplate {
    lang: Lang,
    frame: Frame,
    here: &'static str,
    parts: Vec<Part>,
    scopes: Vec<(&'static str, &'static str)>,
}

/// `/docs/api/scopes`: what each lets an app do.
pub(super) async fn scopes(Extension(Reference(openapi)): Extension<Reference>, frame: Frame) -> Page {
    let lang = frame.lang;
    let words = |scope: &Scope| {
        let (en, zh) = scope.words();
        (scope.name(), lang.pick(en, zh))
    };
    Page::new(&ScopesTemplate {
        lang,
        frame,
        here: "scopes",
        parts: parts(&operation::groups(&openapi)),
        scopes: Scope::ALL.iter().map(words).collect(),
    })
}

struct ErrorRow {
    sub_code: &'static str,
    status: u16,
    message: &'static str,
    when: &'static str,
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
struct ErrorsTemplate {
    lang: Lang,
    frame: Frame,
    here: &'static str,
    parts: Vec<Part>,
    errors: Vec<ErrorRow>,
}

/// `/docs/api/errors`: every `subCode`.
pub(super) async fn errors(Extension(Reference(openapi)): Extension<Reference>, frame: Frame) -> Page {
    let lang = frame.lang;
    let row = |code: &Code| {
        let row = code.row();
        ErrorRow { sub_code: row.sub_code, status: row.status, message: lang.pick(row.en, row.zh), when: row.when }
    };
    Page::new(&ErrorsTemplate {
        lang,
        frame,
        here: "errors",
        parts: parts(&operation::groups(&openapi)),
        errors: Code::ALL.iter().map(row).collect(),
    })
}
