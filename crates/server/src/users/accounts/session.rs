//! Browser sessions: a random id in a cookie, its keyed hash in the database, an end that moves with use.

use axum::extract::FromRequestParts;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use secondme_kit::Millis;
use secondme_kit::secret::Digest32;

use super::browser::{self, FormRefused, GUEST, SESSION};
use super::{login_url, store};
use crate::app::App;
use crate::error::{ApiError, Lang, Result};
use crate::http::page::PageError;
use crate::http::page::frame::initial;
use crate::http::peer::Peer;

/// How much older the noted last use may be than the real one: a session in use is written once an hour.
const NOTE_USE_EVERY_MS: Millis = 60 * 60 * 1_000;

/// Somebody who is signed in with this browser. Pages that ask for it send everybody else to the login page, and back.
#[derive(Clone, Debug)]
pub struct Session {
    /// The user.
    pub user_id: i64,
    /// The name to greet them with.
    pub name: String,
    /// The address they signed in with.
    pub email: String,
    /// Whether they operate this server.
    pub operator: bool,
    /// The token that every form of theirs carries in the field `csrf`.
    pub csrf: String,
    hash: Digest32,
}

/// The session, if there is one.
#[derive(Clone, Debug)]
pub struct MaybeSession(pub Option<Session>);

/// A browser before it has a session: what binds the login form to it.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The token that the form carries in the field `csrf`.
    pub csrf: String,
    new_cookie: Option<HeaderValue>,
}

/// Why a page that needs a session is not shown.
#[derive(Debug)]
pub enum SessionRefused {
    /// Nobody is signed in: to the login page, and back to this path.
    LogIn(String),
    /// The session could not be looked up.
    Failed(PageError),
}

impl Session {
    /// The first letter of the name, in place of a picture.
    pub fn initial(&self) -> String {
        initial(&self.name)
    }

    /// Refuses a form that was not shown in this session.
    ///
    /// # Errors
    /// A page (403).
    pub fn check_form(&self, lang: Lang, csrf: Option<&str>) -> std::result::Result<(), FormRefused> {
        browser::check_csrf(lang, &self.csrf, csrf)
    }
}

impl FromRequestParts<App> for MaybeSession {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, PageError> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let failed = |error: ApiError| PageError::new(Lang::of(&parts.headers), error, "");
        let found = find(app, &parts.headers, Peer::of(parts)).await.map(Self).map_err(failed)?;
        // A page asks more than once: for the session, and for what stands around it.
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = SessionRefused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, SessionRefused> {
        match MaybeSession::from_request_parts(parts, app).await {
            Ok(MaybeSession(Some(session))) => Ok(session),
            Ok(MaybeSession(None)) => {
                let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
                Err(SessionRefused::LogIn(login_url(here)))
            }
            Err(error) => Err(SessionRefused::Failed(error)),
        }
    }
}

impl IntoResponse for SessionRefused {
    fn into_response(self) -> Response {
        match self {
            Self::LogIn(url) => Redirect::to(&url).into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}

impl Guest {
    /// Refuses a form that was not shown to this browser.
    ///
    /// # Errors
    /// A page (403).
    pub fn check_form(&self, lang: Lang, csrf: Option<&str>) -> std::result::Result<(), FormRefused> {
        browser::check_csrf(lang, &self.csrf, csrf)
    }

    /// The page with the form, and the cookie that belongs to it.
    pub fn show(self, page: impl IntoResponse) -> Response {
        (AppendHeaders(self.new_cookie.map(|cookie| (SET_COOKIE, cookie))), page).into_response()
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Self::Rejection> {
        Ok(match GUEST.read(app, &parts.headers) {
            Some(id) => Self { csrf: browser::csrf(app, id), new_cookie: None },
            None => {
                let id = app.entropy().token("");
                Self { csrf: browser::csrf(app, &id), new_cookie: Some(GUEST.set(app, &id)) }
            }
        })
    }
}

fn hash(app: &App, id: &str) -> Digest32 {
    app.key().digest("session", id)
}

async fn find(app: &App, headers: &HeaderMap, peer: Peer) -> Result<Option<Session>> {
    let Some(id) = SESSION.read(app, headers) else { return Ok(None) };
    let (hash, now) = (hash(app, id), app.now());
    let Some(row) = store::session(app.store(), &hash, now).await? else { return Ok(None) };
    if row.demo && !peer.is_loopback() {
        return Ok(None);
    }
    if row.last_seen_at < now - NOTE_USE_EVERY_MS {
        let mut tx = app.store().write().await?;
        store::note_use(&mut tx, &hash, now, expiry(app, now)).await?;
        tx.commit().await?;
    }
    let csrf = browser::csrf(app, id);
    Ok(Some(Session { user_id: row.user_id, name: row.name, email: row.email, operator: row.operator, csrf, hash }))
}

fn expiry(app: &App, now: Millis) -> Millis {
    now + app.config().accounts.session_seconds * 1_000
}

/// Starts a session under a new id and ends the one the browser had; the cookie to set.
///
/// # Errors
/// Storage failures only.
pub async fn start(app: &App, user_id: i64, old: Option<&Session>) -> Result<HeaderValue> {
    let (id, now) = (app.entropy().token(""), app.now());
    let mut tx = app.store().write().await?;
    if let Some(old) = old {
        store::end_session(&mut tx, &old.hash).await?;
    }
    store::insert_session(&mut tx, &hash(app, &id), user_id, now, expiry(app, now)).await?;
    tx.commit().await?;
    Ok(SESSION.set(app, &id))
}

/// Ends a session; the cookie to set.
///
/// # Errors
/// Storage failures only.
pub async fn end(app: &App, session: &Session) -> Result<HeaderValue> {
    let mut tx = app.store().write().await?;
    store::end_session(&mut tx, &session.hash).await?;
    tx.commit().await?;
    Ok(SESSION.clear(app))
}
