//! `/register`.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Fields, Next, destination, enter, in_place};
use crate::app::App;
use crate::error::{ApiError, Code, Lang};
use crate::http::page::{Frame, Page, PageError};
use crate::http::{Form, Query};
use crate::users::accounts::session::Guest;
use crate::users::accounts::{self, Flaw, MaybeSession, NewUser, OwnOrigin, Refused, next, people};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    csrf: &'a str,
    next: &'a str,
    login_url: String,
    email: &'a str,
    name: &'a str,
    min_chars: usize,
    flaw: Option<(&'static str, String)>,
    problem: Option<String>,
}

impl RegisterTemplate<'_> {
    /// What is wrong with a field, in words.
    fn wrong(&self, field: &str) -> Option<&str> {
        self.flaw.as_ref().filter(|(name, _)| *name == field).map(|(_, words)| words.as_str())
    }
}

impl Fields {
    fn user(&self) -> NewUser<'_> {
        NewUser { email: &self.email, password: &self.password, name: &self.name }
    }
}

pub(super) async fn page(
    State(app): State<App>,
    frame: Frame,
    guest: Guest,
    MaybeSession(session): MaybeSession,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Refused> {
    if session.is_some() {
        return Ok(destination(&next).into_response());
    }
    // The first account is made elsewhere: it operates the server.
    if people::is_empty(&app).await.map_err(|error| PageError::new(frame.lang, error, ""))? {
        return Ok(Redirect::to("/welcome").into_response());
    }
    check_open(&app, frame.lang)?;
    show(&app, &frame, guest, &Fields { next, ..Fields::default() }, None)
}

pub(super) async fn submit(
    State(app): State<App>,
    frame: Frame,
    _: OwnOrigin,
    guest: Guest,
    MaybeSession(old): MaybeSession,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    guest.check_form(frame.lang, fields.csrf.as_deref())?;
    check_open(&app, frame.lang)?;
    match accounts::create(&app, &fields.user()).await {
        Ok(user_id) => enter(&app, frame.lang, user_id, old.as_ref(), &fields.next).await,
        Err(error) => show(&app, &frame, guest, &fields, Some(error)),
    }
}

fn check_open(app: &App, lang: Lang) -> Result<(), PageError> {
    if app.config().accounts.registration {
        return Ok(());
    }
    let hint = lang.pick("Ask whoever runs this server for an account.", "请联系服务器管理员创建账号。");
    Err(PageError::new(lang, ApiError::new(Code::RegistrationClosed), hint))
}

fn show(app: &App, frame: &Frame, guest: Guest, fields: &Fields, error: Option<ApiError>) -> Result<Response, Refused> {
    let lang = frame.lang;
    let accounts = &app.config().accounts;
    let flaw = error.as_ref().and_then(|error| match error.code() {
        Code::InvalidParam => accounts::check(accounts, &fields.user()).err().map(|f| (f.field(), f.words(lang))),
        Code::EmailTaken => Some((Flaw::Email.field(), error.message(lang))),
        _ => None,
    });
    let template = RegisterTemplate {
        lang,
        frame,
        csrf: &guest.csrf,
        next: next::local_path(&fields.next).unwrap_or_default(),
        login_url: accounts::login_url(&fields.next),
        email: fields.email.trim(),
        name: fields.name.trim(),
        min_chars: accounts.password_min_chars,
        problem: error.as_ref().filter(|_| flaw.is_none()).map(|error| error.message(lang)),
        flaw,
    };
    let page = in_place(lang, Page::new(&template), error, None)?;
    Ok(guest.show(page))
}
