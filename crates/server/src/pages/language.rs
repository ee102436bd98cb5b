//! `POST /language`: the language switch of every page. The choice is a cookie of the browser, so it holds before signing in, too.

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use crate::app::App;
use crate::error::{LANGUAGE_COOKIE, Lang};
use crate::http::Form;
use crate::http::page::flash::see_other;
use crate::users::accounts::{OwnOrigin, local_path};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/language", post(switch))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    lang: String,
    next: String,
}

/// Longer than browsers keep a cookie (400 days).
const KEPT_SECONDS: u32 = 34_560_000;

async fn switch(State(app): State<App>, current: Lang, _: OwnOrigin, Form(choice): Form<Choice>) -> Response {
    let lang = Lang::parse(&choice.lang).unwrap_or(current).word();
    let secure = if app.public_url().starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{LANGUAGE_COOKIE}={lang}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_SECONDS}{secure}");
    let mut response = see_other(local_path(&choice.next).unwrap_or("/"));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
