//! How an agent gets its token: the user's browser gets a code (`smc-…`, five minutes, once), the agent exchanges it for `sm-…`.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};
use crate::http::page::{Frame, Page, PageError};
use crate::http::{Body, Data, Form, Query, Reply};
use crate::oauth::codes::{self, Granted};
use crate::users::accounts::{self, MaybeSession, OwnOrigin, Refused, Session};

const CODE_PREFIX: &str = "smc-";
/// What marks a code of this login among all codes.
const CHALLENGE: &str = "third-party-agent";
const PAGE: &str = "/third-party-agent/auth";
const FORM_MAX_BYTES: usize = 8 * 1024;

/// The routes, below the gateway's base.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/auth/token/code", post(exchange)).route("/auth/code", post(code))
}

/// The login page, from the root.
pub(super) fn pages() -> Router<App> {
    Router::new().route(PAGE, get(ask).post(show)).layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Exchange {
    code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    access_token: String,
    token_type: &'static str,
}

/// Exchanges a code for a token with everything the user may do.
async fn exchange(State(app): State<App>, Body(body): Body<Exchange>) -> Reply<Token> {
    let code =
        body.code.filter(|code| !code.is_empty()).ok_or_else(|| ApiError::invalid("code", &Problem::Required))?;
    let code = code.strip_prefix(CODE_PREFIX).ok_or_else(|| ApiError::new(Code::CodeInvalid))?;
    let mut tx = app.store().write().await?;
    let granted = codes::redeem(&app, &mut tx, code, |granted| {
        let ours = granted.challenge == CHALLENGE && granted.app_id.is_none();
        if ours { Ok(()) } else { Err(ApiError::new(Code::CodeInvalid)) }
    })
    .await?;
    let token = app.entropy().token(Kind::Agent.prefix());
    let scopes = Requested::all();
    let new = NewToken {
        kind: Kind::Agent,
        user_id: Some(granted.user_id),
        app_id: None,
        authorization_id: None,
        scopes: &scopes,
        name: CHALLENGE,
        expires_at: Some(app.now() + app.config().oauth.personal_token_seconds * 1_000),
    };
    tokens::insert(&mut tx, app.key(), &token, &new, app.now()).await?;
    tx.commit().await?;
    Ok(Data(Token { access_token: token, token_type: "Bearer" }))
}

async fn issue(app: &App, user_id: i64) -> Result<String> {
    let mut tx = app.store().write().await?;
    let granted = Granted { user_id, challenge: CHALLENGE.to_owned(), ..Granted::default() };
    let code = codes::issue(app, &mut tx, &granted).await?;
    tx.commit().await?;
    Ok(format!("{CODE_PREFIX}{code}"))
}

#[derive(Serialize)]
struct NewCode {
    code: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeRequest {
    csrf: Option<String>,
}

/// Makes a code for the signed-in user of this browser.
async fn code(
    State(app): State<App>,
    lang: Lang,
    _: OwnOrigin,
    MaybeSession(session): MaybeSession,
    Body(body): Body<CodeRequest>,
) -> std::result::Result<Data<NewCode>, Response> {
    let failed = |error: ApiError| error.into_response();
    let session = session.ok_or_else(|| failed(ApiError::new(Code::Unauthorized)))?;
    session.check_form(lang, body.csrf.as_deref()).map_err(IntoResponse::into_response)?;
    let code = issue(&app, session.user_id).await.map_err(failed)?;
    Ok(Data(NewCode { code }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    csrf: Option<String>,
    redirect: String,
}

#[derive(Template)]
#[template(path = "agent.html")]
struct AskTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    session: &'a Session,
    here: &'a str,
    redirect: &'a str,
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
    Query(Request { redirect, .. }): Query<Request>,
) -> std::result::Result<Response, PageError> {
    let lang = frame.lang;
    let target = checked(lang, &redirect)?;
    let here = here(&redirect);
    let Some(session) = session else { return Ok(Redirect::to(&accounts::login_url(&here)).into_response()) };
    let page = Page::new(&AskTemplate { lang, frame: &frame, session: &session, here: &here, redirect: &redirect });
    Ok(match target {
        Some(target) => page.form_may_lead_to(&target).into_response(),
        None => page.into_response(),
    })
}

/// Shows the code, or hands it to the agent that listens on this machine.
async fn show(
    State(app): State<App>,
    frame: Frame,
    _: OwnOrigin,
    MaybeSession(session): MaybeSession,
    Form(Request { csrf, redirect }): Form<Request>,
) -> std::result::Result<Response, Refused> {
    let Some(session) = session else {
        return Ok(Redirect::to(&accounts::login_url(&here(&redirect))).into_response());
    };
    let lang = frame.lang;
    session.check_form(lang, csrf.as_deref())?;
    let target = checked(lang, &redirect)?;
    let code = issue(&app, session.user_id).await.map_err(|error| PageError::new(lang, error, ""))?;
    if let Some(mut target) = target {
        target.query_pairs_mut().append_pair("code", &code);
        return Ok((StatusCode::SEE_OTHER, [("location", target.to_string())]).into_response());
    }
    let minutes = app.config().oauth.code_seconds / 60;
    Ok(Page::new(&CodeTemplate { lang, frame: &frame, session: &session, code: &code, minutes }).into_response())
}

/// Codes are handed to programs on the user's own machine only: everybody else is shown nothing, the user copies the code.
fn checked(lang: Lang, redirect: &str) -> std::result::Result<Option<Url>, PageError> {
    if redirect.is_empty() {
        return Ok(None);
    }
    let loopback = |url: &Url| {
        matches!(url.scheme(), "http") && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
    };
    let url = Url::parse(redirect).ok().filter(loopback);
    url.map(Some).ok_or_else(|| {
        let hint = lang.pick(
            "A redirect may lead to this machine only (http://localhost:…). Leave it out to copy the code yourself.",
            "重定向只能指向本机（http://localhost:…）。去掉该参数即可手动复制代码。",
        );
        PageError::new(lang, ApiError::new(Code::RedirectInvalid).arg(redirect), hint)
    })
}

fn here(redirect: &str) -> String {
    if redirect.is_empty() {
        return PAGE.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("redirect", redirect).finish();
    format!("{PAGE}?{query}")
}
