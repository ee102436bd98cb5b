//! The home page, the API reference (`/docs`), and the static files of every page.

pub mod docs;
mod files;
mod language;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::app::App;
use crate::error::Lang;
use crate::http::page::{Frame, Page};
use crate::users::accounts::{MaybeSession, Session};

/// The pages that belong to no domain, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/", get(home)).merge(files::routes()).merge(language::routes())
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomeTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    session: Option<&'a Session>,
    /// Where signing out leads; empty: here.
    here: &'a str,
    registration: bool,
    public_url: &'a str,
    base_url: String,
    version: &'a str,
}

async fn home(State(app): State<App>, frame: Frame, MaybeSession(session): MaybeSession) -> Page {
    Page::new(&HomeTemplate {
        lang: frame.lang,
        frame: &frame,
        session: session.as_ref(),
        here: "",
        registration: app.config().accounts.registration,
        public_url: app.public_url(),
        base_url: app.base_url(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
