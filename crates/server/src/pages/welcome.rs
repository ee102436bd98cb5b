//! The first page of a server without accounts: who operates it, which model answers, done.
//!
//! Invariant: the first account is made once, by somebody at this machine or with the code that the server printed.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use secondme_kit::secret::same;
use serde::Deserialize;

use crate::app::App;
use crate::chat::models::supply::{self, Supply};
use crate::error::{ApiError, Code, Lang, Result};
use crate::http::page::{Frame, Page, PageError, flash};
use crate::http::peer::Peer;
use crate::http::{Form, Query};
use crate::pages::catalogue::Catalogue;
use crate::users::accounts::session::{self, Guest};
use crate::users::accounts::{self, Member, NewUser, OwnOrigin, Posted, Refused, people};

/// The pages of the first run, from the root.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/welcome", get(page).post(create))
        .route("/welcome/model", get(model).post(choose))
        .route("/welcome/done", get(done))
}

/// What lets somebody at another machine make the first account: printed when the server starts.
pub fn code(app: &App) -> String {
    app.key().sign("welcome", "").chars().take(16).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    code: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomeTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    csrf: &'a str,
    code: &'a str,
    needs_code: bool,
    fields: &'a Fields,
    min_chars: usize,
    problem: Option<String>,
}

/// The form of the first account.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    csrf: Option<String>,
    code: String,
    name: String,
    email: String,
    password: String,
}

fn show(app: &App, frame: &Frame, guest: Guest, peer: Peer, fields: &Fields, error: Option<ApiError>) -> Response {
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = Page::new(&WelcomeTemplate {
        lang: frame.lang,
        frame,
        csrf: &guest.csrf,
        code: &fields.code,
        needs_code: !peer.is_loopback(),
        fields,
        min_chars: app.config().accounts.password_min_chars,
        problem: error.map(|error| error.message(frame.lang)),
    });
    let page = page.status(status);
    guest.show(page)
}

async fn page(
    State(app): State<App>,
    frame: Frame,
    guest: Guest,
    peer: Peer,
    Query(Asked { code }): Query<Asked>,
) -> Result<Response> {
    if !people::is_empty(&app).await? {
        return Ok(flash::see_other("/"));
    }
    Ok(show(&app, &frame, guest, peer, &Fields { code, ..Fields::default() }, None))
}

async fn create(
    State(app): State<App>,
    frame: Frame,
    _: OwnOrigin,
    guest: Guest,
    peer: Peer,
    Form(fields): Form<Fields>,
) -> std::result::Result<Response, Refused> {
    guest.check_form(frame.lang, fields.csrf.as_deref())?;
    let failed = |error: ApiError| Refused::Page(PageError::new(frame.lang, error, ""));
    if !peer.is_loopback() && !same(fields.code.trim().as_bytes(), code(&app).as_bytes()) {
        return Ok(show(&app, &frame, guest, peer, &fields, Some(ApiError::new(Code::SetupCode))));
    }
    let new = NewUser { email: &fields.email, password: &fields.password, name: &fields.name };
    match accounts::create_first(&app, &new).await {
        Ok(user_id) => {
            let cookie = session::start(&app, user_id, None).await.map_err(failed)?;
            Ok((AppendHeaders([(SET_COOKIE, cookie)]), flash::see_other("/welcome/model")).into_response())
        }
        Err(error) if error.code() == Code::Internal => Err(failed(error)),
        Err(error) => Ok(show(&app, &frame, guest, peer, &fields, Some(error))),
    }
}

#[derive(Template)]
#[template(path = "welcome_model.html")]
struct ModelTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    lines: Vec<(supply::Line, String)>,
    fetching: bool,
}

fn operator(me: &Member) -> Result<()> {
    if me.session.operator { Ok(()) } else { Err(ApiError::new(Code::OperatorOnly)) }
}

async fn model(State(app): State<App>, me: Member) -> Result<Response> {
    operator(&me)?;
    let catalogue = Catalogue::of(&app);
    if me.frame.partial {
        return Ok(catalogue.part(&me.frame, "/welcome/model"));
    }
    let Catalogue { lines, fetching } = catalogue;
    Ok(Page::new(&ModelTemplate { lang: me.lang(), frame: &me.frame, lines, fetching }).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    model: String,
}

async fn choose(State(app): State<App>, Posted { member, form }: Posted<Choice>) -> Result<Response> {
    operator(&member)?;
    let chosen = async {
        let mut tx = app.store().write().await?;
        supply::choose_in(&app, &mut tx, &form.model).await?;
        tx.commit().await?;
        Ok::<(), ApiError>(())
    };
    let chosen = chosen.await;
    member.settle(&app, chosen, "/welcome/model", ("Chosen.", "已选择。"))
}

#[derive(Template)]
#[template(path = "welcome_done.html")]
struct DoneTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    fetching: bool,
    registration: bool,
    public_url: &'a str,
}

async fn done(State(app): State<App>, me: Member) -> Result<Page> {
    operator(&me)?;
    Ok(Page::new(&DoneTemplate {
        lang: me.lang(),
        frame: &me.frame,
        fetching: app.models().supply().is_some_and(Supply::is_fetching),
        registration: app.config().accounts.registration,
        public_url: app.public_url(),
    }))
}
