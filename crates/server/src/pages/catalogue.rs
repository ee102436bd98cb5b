//! The models that can be chosen, in a list that shows how far each is fetched: on the operator's page, and in the first run.

use askama::Template;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::chat::models::supply::{Line, Supply};
use crate::error::Lang;
use crate::http::page::{Frame, Page};

/// The list as it stands.
#[derive(Debug)]
pub struct Catalogue {
    /// Each model with its size in words; none where the configuration leaves no choice.
    pub lines: Vec<(Line, String)>,
    /// Whether anything is being fetched.
    pub fetching: bool,
}

#[derive(Template)]
#[template(path = "admin/catalogue.html")]
struct CatalogueTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    action: &'a str,
    lines: &'a [(Line, String)],
    fetching: bool,
}

impl Catalogue {
    /// What there is.
    pub fn of(app: &App) -> Self {
        let supply = app.models().supply();
        let with_size = |line: Line| {
            let size = format!("{} MB", line.entry.size / 1_000_000);
            (line, size)
        };
        Self {
            lines: supply.map(|supply| supply.list().into_iter().map(with_size).collect()).unwrap_or_default(),
            fetching: supply.is_some_and(Supply::is_fetching),
        }
    }

    /// The list alone, for a page that asks every other second; when all is here, the page is to be loaded anew.
    pub fn part(&self, frame: &Frame, action: &str) -> Response {
        let Self { lines, fetching } = self;
        let part = Page::new(&CatalogueTemplate { lang: frame.lang, frame, action, lines, fetching: *fetching });
        if *fetching { part.into_response() } else { ([("HX-Refresh", "true")], part).into_response() }
    }
}
