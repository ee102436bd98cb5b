//! `/auth/skills?challenge=…`: shows the code that a user copies into a command-line agent (contract 3.1).

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::{check_challenge, issue};
use crate::app::App;
use crate::error::{ApiError, Lang};
use crate::http::page::{Frame, Page, PageError};
use crate::http::{Form, Query};
use crate::users::accounts::{self, MaybeSession, OwnOrigin, Refused, Session};

/// No form of this page is larger.
const FORM_MAX_BYTES: usize = 8 * 1024;

/// The page, from the root.
pub fn routes() -> Router<App> {
    Router::new().route("/auth/skills", get(ask).post(show)).layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    csrf: Option<String>,
    challenge: String,
}

#[derive(Template)]
#[template(path = "skills.html")]
struct AskTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    session: &'a Session,
    here: &'a str,
    challenge: &'a str,
}

#[derive(Template)]
#[template(path = "skills_code.html")]
struct CodeTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    session: &'a Session,
    code: &'a str,
    minutes: i64,
}

async fn ask(
    frame: Frame,
    MaybeSession(session): MaybeSession,
    Query(Request { challenge, .. }): Query<Request>,
) -> Result<Response, PageError> {
    let lang = frame.lang;
    check_challenge(&challenge).map_err(|error| problem(lang, error))?;
    let here = here(&challenge);
    let Some(session) = session else { return Ok(Redirect::to(&accounts::login_url(&here)).into_response()) };
    Ok(Page::new(&AskTemplate { lang, frame: &frame, session: &session, here: &here, challenge: &challenge })
        .into_response())
}

async fn show(
    State(app): State<App>,
    frame: Frame,
    _: OwnOrigin,
    MaybeSession(session): MaybeSession,
    Form(Request { csrf, challenge }): Form<Request>,
) -> Result<Response, Refused> {
    let lang = frame.lang;
    let login = || Redirect::to(&accounts::login_url(&here(&challenge)));
    let Some(session) = session else { return Ok(login().into_response()) };
    session.check_form(lang, csrf.as_deref())?;
    let code = issue(&app, session.user_id, &challenge).await.map_err(|error| problem(lang, error))?;
    let minutes = app.config().oauth.code_seconds / 60;
    Ok(Page::new(&CodeTemplate { lang, frame: &frame, session: &session, code: &code, minutes }).into_response())
}

fn here(challenge: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("challenge", challenge).finish();
    format!("/auth/skills?{query}")
}

fn problem(lang: Lang, error: ApiError) -> PageError {
    let hint =
        lang.pick("Start again from your agent: it makes a new link.", "请在你的智能体中重新开始，它会生成新的链接。");
    PageError::new(lang, error, hint)
}
