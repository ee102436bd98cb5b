//! The chat widget: `/widget.js`, which another site puts on its pages with one line, and `/embed/{shareCode}`, the page in its frame.
//! The frame has no cookies of this server: who visits is known by a token that the page around it keeps.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use axum::routing::get;

use super::talk::Talk;
use crate::app::App;
use crate::avatars::public;
use crate::error::{Lang, Result};
use crate::http::page::{Frame, Page};
use crate::http::{Path, Query};
use crate::visitor::visits::Guest;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/widget.js", get(script)).route("/embed/{share_code}", get(frame))
}

async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=300"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../../static/widget.js"))
}

#[derive(Template)]
#[template(path = "public/embed.html")]
struct EmbedTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    theme: &'static str,
    talk: &'a Talk,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Wishes {
    theme: String,
    lang: String,
}

async fn frame(
    State(app): State<App>,
    frame: Frame,
    Path(share_code): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Result<Page> {
    let lang = Lang::parse(&wishes.lang).unwrap_or(frame.lang);
    // Whoever is signed in here visits other sites as a stranger.
    let frame = Frame { lang, here: frame.here, ..Frame::default() };
    let (avatar, _) = public::look(&app, None, &share_code).await?;
    let talk = Talk::of(&app, &frame, &avatar, Guest::fresh(&app)).await?;
    let theme = match wishes.theme.as_str() {
        "dark" => "dark",
        "light" => "light",
        _ => "auto",
    };
    Ok(Page::new(&EmbedTemplate { lang, frame: &frame, theme, talk: &talk }).may_be_framed())
}
