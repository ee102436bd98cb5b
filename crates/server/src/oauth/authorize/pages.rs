//! `/oauth`: the page on which a user lets an app in, or not (contract 2.2).
//!
//! Invariant: the browser is sent to the app only after the request has passed [`check`]; every other problem stays on a page.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use serde::Deserialize;
use url::Url;

use super::{AuthorizationRequest, approve, check, denied};
use crate::access::Scope;
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem};
use crate::http::Form;
use crate::http::page::{Page, PageError};
use crate::http::peer::Peer;
use crate::users::accounts::{self, MaybeSession, OwnOrigin, Refused, Session};

/// No decision is larger.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The pages, from the root. `/oauth/` arrives here as `/oauth`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/oauth", get(ask).post(decide))
        .route("/oauth/{*rest}", any(misplaced))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    csrf: Option<String>,
    query: String,
    decision: String,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    lang: Lang,
    session: &'a Session,
    here: &'a str,
    query: &'a str,
    app_name: &'a str,
    description: &'a str,
    scopes: Vec<(&'static str, &'static str)>,
    destination: String,
}

/// A request that cannot be shown, with what its developer needs to see.
#[derive(Template)]
#[template(path = "authorize_problem.html")]
struct ProblemTemplate {
    lang: Lang,
    message: String,
    help: String,
    arrived: Vec<(String, String)>,
    corrected: String,
}

async fn ask(
    State(app): State<App>,
    lang: Lang,
    peer: Peer,
    MaybeSession(session): MaybeSession,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let query = query.unwrap_or_default();
    let request = checked(&app, lang, peer, &query).await?;
    let here = here(&query);
    match session {
        Some(session) => Ok(consent(lang, &session, &request, &here, &query).into_response()),
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
    let Some(session) = session else { return Ok(Redirect::to(&accounts::login_url(&here(&form.query)))) };
    session.check_form(lang, form.csrf.as_deref()).map_err(IntoResponse::into_response)?;
    let request = checked(&app, lang, peer, &form.query).await?;
    let location = carry_out(&app, session.user_id, &request, &form.decision).await;
    location.map(|to| Redirect::to(&to)).map_err(|error| Refused::from(PageError::new(lang, error, "")).into_response())
}

async fn carry_out(app: &App, user: i64, request: &AuthorizationRequest, decision: &str) -> Result<String, ApiError> {
    match decision {
        "approve" => approve(app, user, request).await,
        "deny" => Ok(denied(request)),
        _ => Err(ApiError::invalid("decision", &Problem::Expected("`approve` or `deny`", " `approve` 或 `deny`"))),
    }
}

fn here(query: &str) -> String {
    format!("/oauth?{query}")
}

/// The request, or the page that says what is wrong with it.
async fn checked(app: &App, lang: Lang, peer: Peer, query: &str) -> Result<AuthorizationRequest, Response> {
    let request = check(app, query).await.map_err(|error| problem(lang, error, query))?;
    if request.client.demo && !peer.is_loopback() {
        return Err(PageError::new(lang, ApiError::new(Code::DemoElsewhere), "").into_response());
    }
    Ok(request)
}

fn consent(lang: Lang, session: &Session, request: &AuthorizationRequest, here: &str, query: &str) -> Page {
    let words = |scope: Scope| {
        let (en, zh) = scope.words();
        (scope.name(), lang.pick(en, zh))
    };
    let url = Url::parse(&request.redirect_uri);
    let page = Page::new(&ConsentTemplate {
        lang,
        session,
        here,
        query,
        app_name: &request.client.name,
        description: &request.client.description,
        scopes: request.scopes.set.iter().map(words).collect(),
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

fn problem(lang: Lang, error: ApiError, query: &str) -> Response {
    let Some(help) = help(lang, error.code()) else { return PageError::new(lang, error, "").into_response() };
    let known = ["client_id", "redirect_uri", "response_type", "scope", "state"];
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let arrived = pairs.filter(|(name, _)| known.contains(&name.as_ref()));
    let template = ProblemTemplate {
        lang,
        message: error.message(lang),
        help,
        arrived: arrived.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        corrected: String::new(),
    };
    let status = StatusCode::from_u16(error.code().row().status).unwrap_or(StatusCode::BAD_REQUEST);
    Page::new(&template).status(status).into_response()
}

/// What the app's developer can do about it; nothing where the fault is ours.
fn help(lang: Lang, code: Code) -> Option<String> {
    let scopes = || Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ");
    let (en, zh) = match code {
        Code::AppNotFound => (
            "`client_id` must be the Client ID of an app that is registered on this server.",
            "`client_id` 必须是在本服务器上注册的应用的 Client ID。",
        ),
        Code::RedirectMismatch => (
            "`redirect_uri` must equal a registered redirect URI of the app to the letter: scheme, host, port, path and \
             trailing slash. `localhost` and `127.0.0.1` are different.",
            "`redirect_uri` 必须与应用注册的回调地址逐字一致：协议、域名、端口、路径以及末尾斜杠。`localhost` 与 `127.0.0.1` 不同。",
        ),
        Code::InvalidParam => (
            "The address needs `client_id`, `redirect_uri` and `response_type=code`; `state` and `scope` are optional.",
            "地址中需要 `client_id`、`redirect_uri` 和 `response_type=code`；`state` 与 `scope` 可选。",
        ),
        Code::ScopeInvalid => {
            let scopes = scopes();
            return Some(match lang {
                Lang::En => format!("Scopes are separated by spaces. This server knows: {scopes}"),
                Lang::Zh => format!("权限范围以空格分隔。本服务器支持：{scopes}"),
            });
        }
        Code::ScopeDisallowed => (
            "Ask for less, or have the scope added to the app's allowed scopes.",
            "请减少申请的权限，或将该权限加入应用的允许范围。",
        ),
        Code::AppPending | Code::AppRejected | Code::AppSuspended | Code::AppInvalidStatus => (
            "Only approved apps can be let in. Ask whoever runs this server.",
            "只有通过审核的应用可以使用，请联系服务器管理员。",
        ),
        _ => return None,
    };
    Some(lang.pick(en, zh).to_owned())
}

/// `/oauth/authorize?…` and the like: a known mistake of clients. Says where the query belongs.
async fn misplaced(State(app): State<App>, lang: Lang, uri: Uri) -> Page {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let template = ProblemTemplate {
        lang,
        message: lang
            .pick("There is nothing at this address of the authorize page.", "授权页面没有此路径。")
            .to_owned(),
        help: lang
            .pick(
                "The query belongs directly behind `/oauth/`, without another path segment. The address should be:",
                "查询参数应直接跟在 `/oauth/` 之后，不要再加路径。正确的地址是：",
            )
            .to_owned(),
        arrived: Vec::new(),
        corrected: format!("{}/oauth/{query}", app.public_url()),
    };
    Page::new(&template).status(StatusCode::BAD_REQUEST)
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

    #[test]
    fn a_fault_of_ours_is_not_explained_to_developers() {
        assert!(help(Lang::En, Code::Internal).is_none());
        assert!(help(Lang::Zh, Code::ScopeInvalid).unwrap().contains("chat.write"));
    }
}
