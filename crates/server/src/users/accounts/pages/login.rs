//! `/login`.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::{Fields, Next, destination, enter, in_place};
use crate::app::App;
use crate::error::{ApiError, Lang};
use crate::http::page::{Frame, Page, PageError};
use crate::http::peer::Peer;
use crate::http::{Form, Query};
use crate::users::accounts::session::Guest;
use crate::users::accounts::{self, MaybeSession, OwnOrigin, Refusal, Refused, next};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    csrf: &'a str,
    next: &'a str,
    register_url: Option<String>,
    email: &'a str,
    problem: Option<String>,
    demo: bool,
}

pub(super) async fn page(
    State(app): State<App>,
    frame: Frame,
    peer: Peer,
    guest: Guest,
    MaybeSession(session): MaybeSession,
    Query(Next { next }): Query<Next>,
) -> Result<Response, Refused> {
    if session.is_some() {
        return Ok(destination(&next).into_response());
    }
    show(&app, &frame, peer, guest, &Fields { next, ..Fields::default() }, None).await
}

pub(super) async fn submit(
    State(app): State<App>,
    frame: Frame,
    _: OwnOrigin,
    peer: Peer,
    guest: Guest,
    MaybeSession(old): MaybeSession,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    guest.check_form(frame.lang, fields.csrf.as_deref())?;
    match accounts::log_in(&app, &fields.email, &fields.password, peer).await {
        Ok(user_id) => enter(&app, frame.lang, user_id, old.as_ref(), &fields.next).await,
        Err(refusal) => show(&app, &frame, peer, guest, &fields, Some(refusal)).await,
    }
}

async fn show(
    app: &App,
    frame: &Frame,
    peer: Peer,
    guest: Guest,
    fields: &Fields,
    refusal: Option<Refusal>,
) -> Result<Response, Refused> {
    let lang = frame.lang;
    let wait = refusal.as_ref().and_then(Refusal::wait);
    let error = refusal.map(ApiError::from);
    let demo = peer.is_loopback() && accounts::has_demo(app).await.map_err(|e| PageError::new(lang, e, ""))?;
    let template = LoginTemplate {
        lang,
        frame,
        csrf: &guest.csrf,
        next: next::local_path(&fields.next).unwrap_or_default(),
        register_url: app.config().accounts.registration.then(|| next::with_next("/register", &fields.next)),
        email: fields.email.trim(),
        problem: error.as_ref().map(|error| error.message(lang)),
        demo,
    };
    let page = in_place(lang, Page::new(&template), error, wait)?;
    Ok(guest.show(page))
}
