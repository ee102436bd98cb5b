//! The authorize request (contract 2.2, 2.3): checked once, the same for the consent page and for `authorize/external`.

pub mod http;
pub mod pages;

use secondme_store::Store;

use super::apps::{self, Application};
use super::authorizations;
use super::codes::{self, Granted};
use crate::access::Requested;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};

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
}

/// Checks the query of the authorize page.
///
/// # Errors
/// What the page shows: `invalid.param` for a missing parameter, `oauth2.application.*`, `oauth2.redirect_uri.mismatch`,
/// `oauth2.scope.*`. None of these may redirect, since the redirect URI is not trusted yet.
pub async fn check(app: &App, raw_query: &str) -> Result<AuthorizationRequest> {
    let mut query = Query::default();
    for pair in raw_query.split('&') {
        let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(raw);
        match name {
            "client_id" => query.client_id = decoded,
            "redirect_uri" => (query.redirect_uri, query.raw_redirect_uri) = (decoded, raw.to_owned()),
            "response_type" => query.response_type = decoded,
            "scope" => query.scope = decoded,
            "state" => query.state = Some(decoded),
            _ => {}
        }
    }
    for (field, value) in [("client_id", &query.client_id), ("redirect_uri", &query.redirect_uri)] {
        if value.is_empty() {
            return Err(ApiError::invalid(field, &Problem::Required));
        }
    }
    if query.response_type != "code" {
        return Err(ApiError::invalid("response_type", &Problem::Expected("`code`", " `code`")));
    }
    let scopes = Requested::parse(&query.scope)?;
    let raw = Some(query.raw_redirect_uri.as_str());
    request(app.store(), &query.client_id, (&query.redirect_uri, raw), scopes, query.state).await
}

#[derive(Default)]
struct Query {
    client_id: String,
    redirect_uri: String,
    raw_redirect_uri: String,
    response_type: String,
    scope: String,
    state: Option<String>,
}

/// Percent-decodes one value of a query; `+` is a space.
fn decode(raw: &str) -> String {
    url::form_urlencoded::parse(format!("v={raw}").as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// Checks client, redirect URI and scopes against what is registered.
async fn request(
    store: &Store,
    client_id: &str,
    (redirect_uri, raw): (&str, Option<&str>),
    scopes: Requested,
    state: Option<String>,
) -> Result<AuthorizationRequest> {
    let client = apps::by_client_id(store, client_id).await?.ok_or_else(|| ApiError::new(Code::AppNotFound))?;
    client.check_status()?;
    let redirect_uri =
        client.registered(redirect_uri, raw).ok_or_else(|| ApiError::new(Code::RedirectMismatch))?.to_owned();
    let scopes = if scopes.names.is_empty() { client.allowed.clone() } else { scopes };
    scopes.within(client.allowed_set())?;
    Ok(AuthorizationRequest { client, redirect_uri, state, scopes })
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
        challenge: String::new(),
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

/// The user refuses: the URL to go to.
pub fn denied(request: &AuthorizationRequest) -> String {
    answer(request, &[("error", "access_denied"), ("error_description", "User denied access")])
}

/// The redirect URI with the answer and the state added to its query. The registered text itself is kept to the letter.
fn answer(request: &AuthorizationRequest, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    if let Some(state) = &request.state {
        query.append_pair("state", state);
    }
    // Form encoding writes a space as `+`; browsers and servers read both, but `%20` is right in any URL.
    let query = query.finish().replace('+', "%20");
    let separator = if request.redirect_uri.contains('?') { '&' } else { '?' };
    format!("{}{separator}{query}", request.redirect_uri)
}
