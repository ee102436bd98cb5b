//! The authorize request (contract 2.2, 2.3): checked once, the same for the consent page and for `authorize/external`.

pub mod http;
pub mod pages;
mod query;

use secondme_store::Store;

pub use query::Challenge;
use query::Query;

use super::apps::{self, Application};
use super::authorizations;
use super::codes::{self, Granted};
use super::resource;
use super::standard::{plain, word};
use crate::access::{Requested, ScopeSet};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Problem, Result};

/// A request that may be shown to the user and approved.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The app that asks.
    pub client: Application,
    /// Where the answer goes: one of the app's registered URIs.
    pub redirect_uri: String,
    /// Opaque to us; echoed unchanged.
    pub state: Option<String>,
    /// What the app asks for; everything it may ask for when it names nothing.
    pub scopes: Requested,
    /// The challenge of PKCE; empty: none.
    pub challenge: String,
    /// What the tokens are asked for; empty: SecondMe's own API.
    pub audience: String,
    /// Who answers, where the answer says so (RFC 9207).
    pub iss: Option<String>,
}

/// Why a standard request is not shown.
#[derive(Debug)]
pub enum Refusal {
    /// Client or redirect URI are not to be trusted: a page says so.
    Page(ApiError),
    /// The app is told: the URL to go to.
    Back(String),
}

/// Checks the query of the authorize page.
///
/// # Errors
/// What the page shows: `invalid.param` for a missing parameter, `oauth2.application.*`, `oauth2.redirect_uri.mismatch`,
/// `oauth2.scope.*`. None of these may redirect, since the redirect URI is not trusted yet.
pub async fn check(app: &App, raw_query: &str) -> Result<AuthorizationRequest> {
    let query = Query::parse(raw_query);
    for (field, value) in [("client_id", &query.client_id), ("redirect_uri", &query.redirect_uri)] {
        if value.is_empty() {
            return Err(ApiError::invalid(field, &Problem::Required));
        }
    }
    check_response_type(&query)?;
    let scopes = Requested::parse(&query.scope)?;
    let raw = Some(query.raw_redirect_uri.as_str());
    let asked = Asked { scopes, state: query.state, challenge: query.challenge };
    request(app.store(), &query.client_id, (&query.redirect_uri, raw), asked).await
}

fn check_response_type(query: &Query) -> Result<()> {
    match query.response_type.as_str() {
        "code" => Ok(()),
        _ => Err(ApiError::invalid("response_type", &Problem::Expected("`code`", " `code`"))),
    }
}

/// Checks the query of `/oauth2/authorize` (RFC 6749, 4.1.2.1): what is wrong beside client and redirect URI, the app is told.
/// A client with one redirect URI need not name it.
///
/// # Errors
/// A page, or where the browser goes.
pub async fn check_standard(app: &App, raw_query: &str) -> std::result::Result<AuthorizationRequest, Refusal> {
    let query = Query::parse(raw_query);
    let client = known(app.store(), &query.client_id).await.map_err(Refusal::Page)?;
    let only = match client.redirect_uris.as_slice() {
        [only] if query.redirect_uri.is_empty() => only.clone(),
        _ => query.redirect_uri.clone(),
    };
    let redirect_uri = client.registered(&only, None).map(str::to_owned);
    let redirect_uri = redirect_uri.ok_or_else(|| Refusal::Page(ApiError::new(Code::RedirectMismatch)))?;
    let iss = Some(app.public_url().to_owned());
    let state = query.state.clone();
    let mut request = AuthorizationRequest {
        scopes: client.allowed.clone(),
        challenge: String::new(),
        audience: String::new(),
        client,
        redirect_uri,
        state,
        iss,
    };
    match complete(app, &mut request, &query) {
        Ok(()) => Ok(request),
        Err(error) => Err(Refusal::Back(refused(&request, &query, &error))),
    }
}

fn complete(app: &App, request: &mut AuthorizationRequest, query: &Query) -> Result<()> {
    request.client.check_status()?;
    if let Some(name) = &query.twice {
        return Err(ApiError::invalid(name, &Problem::Expected("given once", "仅出现一次")));
    }
    check_response_type(query)?;
    request.scopes = narrowed(&request.client, Requested::parse(&query.scope)?)?;
    request.challenge = query.challenge.checked(&request.client)?;
    request.audience = resource::audience(app, &query.resource)?;
    Ok(())
}

/// Where the browser takes an error.
fn refused(request: &AuthorizationRequest, query: &Query, error: &ApiError) -> String {
    let (_, word) = word(error.code());
    let unsupported = !matches!(query.response_type.as_str(), "" | "code");
    let word = if unsupported { "unsupported_response_type" } else { word };
    answer(request, &[("error", word), ("error_description", &plain(&error.message(Lang::En)))])
}

/// What a request asks for.
struct Asked {
    scopes: Requested,
    state: Option<String>,
    challenge: Challenge,
}

/// Checks client, redirect URI, scopes and challenge against what is registered.
async fn request(
    store: &Store,
    client_id: &str,
    (redirect_uri, raw): (&str, Option<&str>),
    asked: Asked,
) -> Result<AuthorizationRequest> {
    let client = known(store, client_id).await?;
    client.check_status()?;
    let redirect_uri =
        client.registered(redirect_uri, raw).ok_or_else(|| ApiError::new(Code::RedirectMismatch))?.to_owned();
    let scopes = narrowed(&client, asked.scopes)?;
    let challenge = asked.challenge.checked(&client)?;
    Ok(AuthorizationRequest {
        client,
        redirect_uri,
        state: asked.state,
        scopes,
        challenge,
        audience: String::new(),
        iss: None,
    })
}

async fn known(store: &Store, client_id: &str) -> Result<Application> {
    apps::by_client_id(store, client_id).await?.ok_or_else(|| ApiError::new(Code::AppNotFound))
}

/// What is asked for, or everything that may be when nothing is named.
fn narrowed(client: &Application, asked: Requested) -> Result<Requested> {
    let scopes = if asked.names.is_empty() { client.allowed.clone() } else { asked };
    scopes.within(client.allowed_set())?;
    Ok(scopes)
}

/// The user approves: grants the scopes and makes a code.
///
/// # Errors
/// Storage failures only.
async fn issue_code(app: &App, user_id: i64, request: &AuthorizationRequest) -> Result<String> {
    let mut tx = app.store().write().await?;
    let authorization = authorizations::grant(app, &mut tx, user_id, &request.client.app_id, &request.scopes).await?;
    let granted = Granted {
        user_id,
        app_id: Some(request.client.app_id.clone()),
        authorization_id: Some(authorization.id),
        redirect_uri: request.redirect_uri.clone(),
        scopes: request.scopes.joined(),
        challenge: request.challenge.clone(),
        audience: request.audience.clone(),
    };
    let code = codes::issue(app, &mut tx, &granted).await?;
    tx.commit().await?;
    Ok(code)
}

/// The user approves on the consent page: the URL to go to.
///
/// # Errors
/// Storage failures only.
pub async fn approve(app: &App, user_id: i64, request: &AuthorizationRequest) -> Result<String> {
    let code = issue_code(app, user_id, request).await?;
    Ok(answer(request, &[("code", &code)]))
}

/// The same, without what the user unticked. Who leaves nothing refuses.
///
/// # Errors
/// Storage failures only.
pub async fn approve_part(
    app: &App,
    user_id: i64,
    request: &AuthorizationRequest,
    refused: ScopeSet,
) -> Result<String> {
    let scopes = request.scopes.without(refused);
    if scopes.names.is_empty() {
        return Ok(denied(request));
    }
    approve(app, user_id, &AuthorizationRequest { scopes, ..request.clone() }).await
}

/// The user refuses: the URL to go to.
pub fn denied(request: &AuthorizationRequest) -> String {
    answer(request, &[("error", "access_denied"), ("error_description", "User denied access")])
}

/// The redirect URI with the answer and the state added to its query. The registered text itself is kept to the letter.
fn answer(request: &AuthorizationRequest, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    for (name, value) in [("state", &request.state), ("iss", &request.iss)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    // Form encoding writes a space as `+`; browsers and servers read both, but `%20` is right in any URL.
    let query = query.finish().replace('+', "%20");
    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    format!("{}{separator}{query}", request.redirect_uri)
}
