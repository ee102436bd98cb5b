//! `/account`: take everything along, or end it. Plain forms.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use crate::app::App;
use crate::error::{ApiError, Lang};
use crate::http::Form;
use crate::http::page::{Flash, Frame, Page, PageError};
use crate::http::peer::Peer;
use crate::users::accounts::{self, OwnOrigin, Refusal, Refused, Session};

/// The pages, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(page))
        .route("/account/export", get(download))
        .route("/account/delete", post(delete))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    email: &'a str,
    problem: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    csrf: Option<String>,
    password: String,
}

async fn page(lang: Lang, frame: Frame, session: Session) -> Page {
    Page::new(&AccountTemplate { lang, frame: &frame, email: &session.email, problem: None })
}

async fn download(State(app): State<App>, lang: Lang, session: Session) -> Result<Response, PageError> {
    let bundle = super::export(&app, session.user_id).await.map_err(|error| PageError::new(lang, error, ""))?;
    let headers = [
        (CONTENT_TYPE, "application/jsonl; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"secondme-account.jsonl\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, bundle.text).into_response())
}

/// The password is asked for once more: an open browser alone ends nobody's account.
async fn delete(
    State(app): State<App>,
    lang: Lang,
    _: OwnOrigin,
    (frame, peer): (Frame, Peer),
    session: Session,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.check_form(lang, fields.csrf.as_deref())?;
    let failed = |error: ApiError| Refused::Page(PageError::new(lang, error, ""));
    match accounts::log_in(&app, &session.email, &fields.password, peer).await {
        Ok(user_id) if user_id == session.user_id => super::delete(&app, user_id).await.map_err(failed)?,
        Ok(_) => return Ok(Redirect::to("/account").into_response()),
        Err(Refusal::Other(error)) => return Err(failed(error)),
        Err(refusal) => {
            let problem = Some(ApiError::from(refusal).message(lang));
            let page = Page::new(&AccountTemplate { lang, frame: &frame, email: &session.email, problem });
            return Ok(page.status(StatusCode::UNAUTHORIZED).into_response());
        }
    }
    let gone = lang.pick("Your account is deleted.", "账号已注销。");
    Ok(Flash::good(gone).on(&app, "/"))
}
