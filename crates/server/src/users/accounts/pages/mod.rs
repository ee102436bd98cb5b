//! `/login`, `/register`, `/logout`: plain forms that work without scripts.

mod login;
mod register;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::{MaybeSession, OwnOrigin, Refused, Session, next, password, session};
use crate::app::App;
use crate::error::{ApiError, Code, Lang};
use crate::http::Form;
use crate::http::page::{Page, PageError};

/// No form of these pages is larger.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The pages, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(login::page).post(login::submit))
        .route("/register", get(register::page).post(register::submit))
        .route("/logout", post(log_out))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Next {
    next: String,
}

/// The fields of all three forms.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    csrf: Option<String>,
    next: String,
    email: String,
    password: String,
    name: String,
}

/// Where to go when signed in.
fn destination(next: &str) -> Redirect {
    Redirect::to(next::local_path(next).unwrap_or("/"))
}

/// Starts a session and goes on.
async fn enter(app: &App, lang: Lang, user_id: i64, old: Option<&Session>, next: &str) -> Result<Response, Refused> {
    let cookie = session::start(app, user_id, old).await.map_err(|error| PageError::new(lang, error, ""))?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), destination(next)).into_response())
}

/// The form with what went wrong, under the status of the error; `wait` in seconds. Internal errors get a page of their own.
fn in_place(lang: Lang, form: Page, error: Option<ApiError>, wait: Option<u32>) -> Result<Response, Refused> {
    let Some(error) = error else { return Ok(form.into_response()) };
    if error.code() == Code::Internal {
        return Err(PageError::new(lang, error, "").into());
    }
    let wait = wait.or_else(|| (error.code() == Code::Connection).then_some(password::RETRY_SECONDS));
    let status = StatusCode::from_u16(error.code().row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let header = wait.map(|seconds| (RETRY_AFTER, seconds.to_string()));
    Ok((AppendHeaders(header), form.status(status)).into_response())
}

/// Ends the session. With `next`, goes on to the login page, to continue as somebody else.
async fn log_out(
    State(app): State<App>,
    lang: Lang,
    _: OwnOrigin,
    MaybeSession(session): MaybeSession,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    let to = if fields.next.is_empty() { Redirect::to("/") } else { Redirect::to(&super::login_url(&fields.next)) };
    let Some(session) = session else { return Ok(to.into_response()) };
    session.check_form(lang, fields.csrf.as_deref())?;
    let cookie = session::end(&app, &session).await.map_err(|error| PageError::new(lang, error, ""))?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), to).into_response())
}
