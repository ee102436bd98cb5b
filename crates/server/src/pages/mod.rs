//! What people see in a browser (docs/PAGES.md): `home` for who is signed in, `public` for everybody, `/docs`, and the static files.
//! Pages call the same rules as the API; none has SQL or rules of its own.

pub mod catalogue;
mod chart;
mod developer;
pub mod docs;
mod file_form;
mod files;
mod home;
mod language;
mod markdown;
mod pager;
mod public;
pub mod welcome;
mod when;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page, flash};
use crate::users::accounts::people;

/// The pages that belong to no domain, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .merge(files::routes())
        .merge(language::routes())
        .merge(home::routes())
        .merge(public::routes())
        .merge(developer::routes())
        .merge(docs::routes())
        .merge(welcome::routes())
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomeTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    registration: bool,
    public_url: &'a str,
    base_url: String,
    version: &'a str,
}

/// Who is signed in is at home already; the first person to come sets the server up.
async fn home(State(app): State<App>, frame: Frame) -> Result<Response> {
    if frame.viewer.is_some() {
        return Ok(flash::see_other("/home"));
    }
    if people::is_empty(&app).await? {
        return Ok(flash::see_other("/welcome"));
    }
    let page = Page::new(&HomeTemplate {
        lang: frame.lang,
        frame: &frame,
        registration: app.config().accounts.registration,
        public_url: app.public_url(),
        base_url: app.base_url(),
        version: env!("CARGO_PKG_VERSION"),
    });
    Ok(page.into_response())
}

/// Whether a script wants an answer for itself, and not a page.
fn is_from_script(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|kind| kind.as_bytes() == b"application/json")
}

/// An uploaded file as a page may show it: those that this server keeps. Its own address is left out, so that it is found
/// under whatever name the server was reached.
fn picture(app: &App, url: &str) -> Option<String> {
    let path = url.strip_prefix(app.public_url()).or(Some(url)).filter(|path| path.starts_with("/cdn/"))?;
    Some(path.to_owned())
}
