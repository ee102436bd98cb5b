//! `/oauth` and, in the standard's dialect, `/oauth2/authorize`: the page on which a user lets an app in, or not (contract 2.2).
//!
//! Invariant: the browser is sent to the app only after the request has passed [`check`]; every other problem stays on a page.

mod examples;
mod problem;

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{AuthorizationRequest, Refusal, approve_part, check, check_standard, denied};
use crate::access::{Scope, ScopeSet};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem};
use crate::http::Form;
use crate::http::page::{Frame, Page, PageError};
use crate::http::peer::Peer;
use crate::users::accounts::{self, MaybeSession, OwnOrigin, Refused, Session};
use crate::users::profile;

/// No decision is larger.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The pages, from the root. `/oauth/` arrives here as `/oauth`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/oauth", get(ask).post(decide))
        .route("/oauth2/authorize", get(ask_standard).post(decide_standard))
        .route("/oauth/{*rest}", any(problem::misplaced))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// SecondMe's own.
    SecondMe,
    /// The standard's.
    Standard,
}

impl Door {
    fn path(self) -> &'static str {
        match self {
            Self::SecondMe => "/oauth",
            Self::Standard => "/oauth2/authorize",
        }
    }

    fn here(self, query: &str) -> String {
        format!("{}?{query}", self.path())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    csrf: Option<String>,
    query: String,
    decision: String,
    /// `scope.<name>`: what stayed ticked.
    #[serde(flatten)]
    ticked: HashMap<String, Value>,
}

impl Decision {
    /// What the request asks for and the user unticked.
    fn refused(&self, request: &AuthorizationRequest) -> ScopeSet {
        let ticked =
            |scope: &Scope| !is_optional(*scope) || self.ticked.contains_key(&format!("scope.{}", scope.name()));
        request.scopes.set.iter().filter(|scope| !ticked(scope)).collect()
    }
}

/// Who somebody is cannot be left out: an app that signs people in has nothing to go on without it.
fn is_optional(scope: Scope) -> bool {
    scope != Scope::UserInfo
}

/// A scope as the page shows it.
struct Asked {
    name: &'static str,
    words: &'static str,
    example: String,
    optional: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    lang: Lang,
    frame: &'a Frame,
    session: &'a Session,
    here: &'a str,
    action: &'a str,
    query: &'a str,
    app_name: &'a str,
    description: &'a str,
    developer: Option<String>,
    /// Nobody registered it but itself.
    unvouched: bool,
    scopes: Vec<Asked>,
    destination: String,
}

async fn ask(
    State(app): State<App>,
    frame: Frame,
    peer: Peer,
    MaybeSession(session): MaybeSession,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    show(&app, (&frame, peer), session, &query.unwrap_or_default(), Door::SecondMe).await
}

async fn ask_standard(
    State(app): State<App>,
    frame: Frame,
    peer: Peer,
    MaybeSession(session): MaybeSession,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    show(&app, (&frame, peer), session, &query.unwrap_or_default(), Door::Standard).await
}

async fn show(
    app: &App,
    (frame, peer): (&Frame, Peer),
    session: Option<Session>,
    query: &str,
    door: Door,
) -> Result<Response, Response> {
    let request = checked(app, frame.lang, peer, query, door).await?;
    let here = door.here(query);
    match session {
        Some(session) => {
            let developer = developer(app, &request).await.map_err(IntoResponse::into_response)?;
            Ok(consent(frame, &session, &request, developer, (&here, door.path()), query).into_response())
        }
        None => Ok(Redirect::to(&accounts::login_url(&here)).into_response()),
    }
}

async fn decide(
    State(app): State<App>,
    lang: Lang,
    _: OwnOrigin,
    peer: Peer,
    MaybeSession(session): MaybeSession,
    Form(form): Form<Decision>,
) -> Result<Redirect, Response> {
    settle(&app, (lang, peer), session, &form, Door::SecondMe).await
}

async fn decide_standard(
    State(app): State<App>,
    lang: Lang,
    _: OwnOrigin,
    peer: Peer,
    MaybeSession(session): MaybeSession,
    Form(form): Form<Decision>,
) -> Result<Redirect, Response> {
    settle(&app, (lang, peer), session, &form, Door::Standard).await
}

async fn settle(
    app: &App,
    (lang, peer): (Lang, Peer),
    session: Option<Session>,
    form: &Decision,
    door: Door,
) -> Result<Redirect, Response> {
    let Some(session) = session else { return Ok(Redirect::to(&accounts::login_url(&door.here(&form.query)))) };
    session.check_form(lang, form.csrf.as_deref()).map_err(IntoResponse::into_response)?;
    let request = checked(app, lang, peer, &form.query, door).await?;
    let location = carry_out(app, session.user_id, &request, form).await;
    location.map(|to| Redirect::to(&to)).map_err(|error| Refused::from(PageError::new(lang, error, "")).into_response())
}

async fn carry_out(app: &App, user: i64, request: &AuthorizationRequest, form: &Decision) -> Result<String, ApiError> {
    match form.decision.as_str() {
        "approve" => approve_part(app, user, request, form.refused(request)).await,
        "deny" => Ok(denied(request)),
        _ => Err(ApiError::invalid("decision", &Problem::Expected("`approve` or `deny`", " `approve` 或 `deny`"))),
    }
}

/// The request, or the page that says what is wrong with it.
async fn checked(app: &App, lang: Lang, peer: Peer, query: &str, door: Door) -> Result<AuthorizationRequest, Response> {
    let checked = match door {
        Door::SecondMe => check(app, query).await.map_err(Refusal::Page),
        Door::Standard => check_standard(app, query).await,
    };
    let request = checked.map_err(|refusal| match refusal {
        Refusal::Page(error) => problem::page(lang, error, query),
        Refusal::Back(url) => Redirect::to(&url).into_response(),
    })?;
    if request.client.demo && !peer.is_loopback() {
        return Err(PageError::new(lang, ApiError::new(Code::DemoElsewhere), "").into_response());
    }
    Ok(request)
}

/// Who made the app; none: the operator.
async fn developer(app: &App, request: &AuthorizationRequest) -> Result<Option<String>, ApiError> {
    match request.client.owner {
        Some(owner) => Ok(Some(profile::get(app.store(), owner).await?.name)),
        None => Ok(None),
    }
}

fn consent(
    frame: &Frame,
    session: &Session,
    request: &AuthorizationRequest,
    developer: Option<String>,
    (here, action): (&str, &str),
    query: &str,
) -> Page {
    let lang = frame.lang;
    let asked = |scope: Scope| {
        let (en, zh) = scope.words();
        let example = examples::of(scope, session, lang);
        Asked { name: scope.name(), words: lang.pick(en, zh), example, optional: is_optional(scope) }
    };
    let url = Url::parse(&request.redirect_uri);
    let page = Page::new(&ConsentTemplate {
        lang,
        frame,
        session,
        here,
        action,
        query,
        app_name: &request.client.name,
        description: &request.client.description,
        scopes: request.scopes.set.iter().map(asked).collect(),
        developer,
        unvouched: request.client.registered_itself,
        destination: url.as_ref().map(destination).unwrap_or_default(),
    });
    match &url {
        Ok(url) => page.form_may_lead_to(url),
        Err(_) => page,
    }
}

/// Where the browser goes next, as far as a person needs to know: host and port, or the scheme of an app on the device.
fn destination(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) if matches!(url.scheme(), "http" | "https") => format!("{host}:{port}"),
        (Some(host), None) if matches!(url.scheme(), "http" | "https") => host.to_owned(),
        _ => format!("{}:", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_where_the_browser_will_go() {
        let to = |url: &str| destination(&Url::parse(url).unwrap());
        assert_eq!(to("http://localhost:3000/api/auth/callback"), "localhost:3000");
        assert_eq!(to("https://app.example/cb"), "app.example");
        assert_eq!(to("com.example.app:/cb"), "com.example.app:");
        assert_eq!(to("myapp://callback"), "myapp:");
    }
}
