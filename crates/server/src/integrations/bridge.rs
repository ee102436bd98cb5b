//! Calls to apps on a user's behalf: the authorization behind them, the token that goes with them, the line in the access log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::client::{CallError, Client, Endpoint};
use super::headers;
use super::manifest::Manifest;
use super::registry::Released;
use crate::access::log::Action;
use crate::access::{Kind, NewToken, Requested, Scope, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::apps;
use crate::oauth::authorizations::{self, Active};

/// Why an app was not called, or did not answer.
#[derive(Debug)]
pub enum Refusal {
    /// The user has not authorized the app, or not for all that it needs.
    Unauthorized {
        /// Where to do it.
        place: Place,
    },
    /// The app, or the way to it.
    Call(CallError),
    /// Something else.
    Other(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Where a user authorizes an app.
#[derive(Clone, Debug)]
pub struct Place {
    /// The app's page.
    pub app_store_url: String,
    /// The consent page.
    pub authorize_url: String,
}

/// Calls under way, by user.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<HashMap<i64, Arc<Semaphore>>>>);

impl Calls {
    /// A place for a call of a user; none when they have too many.
    fn enter(&self, user_id: i64, max: usize) -> Option<OwnedSemaphorePermit> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, places| places.available_permits() < max);
        let places = users.entry(user_id).or_insert_with(|| Arc::new(Semaphore::new(max)));
        Arc::clone(places).try_acquire_owned().ok()
    }
}

/// Where users authorize an app, for what the manifest needs.
pub fn place(app: &App, application: &apps::Application, scopes: &[String]) -> Place {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &application.client_id).append_pair("response_type", "code");
    query.append_pair("redirect_uri", application.redirect_uris.first().map_or("", String::as_str));
    query.append_pair("scope", &scopes.join(" "));
    let authorize_url = format!("{}/oauth/?{}", app.public_url(), query.finish());
    let site = application.listing.website_url.clone().filter(|url| !url.is_empty());
    Place { app_store_url: site.unwrap_or_else(|| authorize_url.clone()), authorize_url }
}

/// The user's authorization of the app behind a skill.
///
/// # Errors
/// [`Refusal::Unauthorized`].
async fn authorized(app: &App, user_id: i64, manifest: &Manifest) -> std::result::Result<Active, Refusal> {
    let needed = Requested::from_names(manifest.oauth.required_scopes.iter().map(String::as_str))?;
    let active = authorizations::active(app.store(), user_id, &manifest.oauth.app_id).await?;
    match active.filter(|active| active.scopes.set.covers(needed.set)) {
        Some(active) => Ok(active),
        None => {
            let application = apps::by_id(app.store(), &manifest.oauth.app_id).await?;
            let application = application.ok_or_else(|| ApiError::new(Code::AppNotFound))?;
            Err(Refusal::Unauthorized { place: place(app, &application, &manifest.oauth.required_scopes) })
        }
    }
}

/// Makes the token that goes with a call: for this user in this app, for minutes, good for what the manifest needs and for
/// `user/info`, and over when the authorization is (RFC 8693 in spirit).
///
/// # Errors
/// Storage failures only.
pub async fn exchange(app: &App, user_id: i64, manifest: &Manifest, authorization_id: Option<i64>) -> Result<String> {
    let mut names: Vec<&str> = manifest.oauth.required_scopes.iter().map(String::as_str).collect();
    names.push(Scope::UserInfo.name());
    let scopes = Requested::from_names(names)?;
    let token = app.entropy().token(Kind::Access.prefix());
    let new = NewToken {
        kind: Kind::Access,
        user_id: Some(user_id),
        app_id: Some(&manifest.oauth.app_id),
        authorization_id,
        scopes: &scopes,
        name: "exchanged",
        expires_at: Some(app.now() + app.config().integrations.token_seconds * 1_000),
    };
    let mut tx = app.store().write().await?;
    tokens::insert(&mut tx, app.key(), &token, &new, app.now()).await?;
    tx.commit().await?;
    Ok(token)
}

/// Where a released or drafted skill is called, with the headers of one call.
///
/// # Errors
/// `integration.invalid` when address or headers cannot be used any more.
pub fn endpoint(app: &App, manifest: &Manifest, token: &str, secrets: &BTreeMap<String, String>) -> Result<Endpoint> {
    let invalid = |why: String| ApiError::new(Code::IntegrationInvalid).arg(why);
    let url = Url::parse(manifest.endpoint()).map_err(|error| invalid(error.to_string()))?;
    let headers: HeaderMap = headers::render(&manifest.mcp, token, secrets).map_err(invalid)?;
    Ok(Endpoint { url, headers, timeout: manifest.mcp.timeout(&app.config().integrations) })
}

/// What to ask an app.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Its tools, as far as they are allowed.
    Tools,
    /// One of them, with its arguments.
    Call(&'a str, &'a Value),
}

/// Asks an app on a user's behalf. `own`: the token that the caller came with, which older apps are given (`compat`).
///
/// # Errors
/// [`Refusal`].
pub async fn ask(
    app: &App,
    user_id: i64,
    skill: &Released,
    own: Option<&str>,
    question: Question<'_>,
) -> std::result::Result<Value, Refusal> {
    let manifest = &skill.manifest;
    let active = authorized(app, user_id, manifest).await?;
    let limits = &app.config().integrations;
    let _place = app.calls().enter(user_id, limits.calls_per_user.max(1));
    if _place.is_none() {
        return Err(ApiError::new(Code::RateLimited).arg(1).retry_after(1).into());
    }
    app.access_log().note_tool(user_id, active.id, action(&question), app.now());
    let own = own.filter(|_| app.config().compat.forward_user_token).map(str::to_owned);
    let token = match (manifest.mcp.auth_mode.as_str(), own) {
        ("none", _) => String::new(),
        (_, Some(own)) => own,
        _ => exchange(app, user_id, manifest, Some(active.id)).await?,
    };
    let endpoint = endpoint(app, manifest, &token, &skill.secrets(app))?;
    let mut client = Client::connect(app, endpoint).await?;
    let answer = match question {
        Question::Tools => client.tools().await.map(|tools| {
            let allowed = tools.into_iter().filter(|tool| manifest.mcp.tool_allow.contains(&tool.name));
            let shown = allowed.map(|tool| {
                serde_json::json!({"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema})
            });
            serde_json::json!({"tools": shown.collect::<Vec<_>>()})
        }),
        Question::Call(name, arguments) => client.call(name, arguments).await,
    };
    client.close().await;
    Ok(answer?)
}

fn action(question: &Question<'_>) -> Action {
    match question {
        Question::Tools => Action::Read,
        Question::Call(..) => Action::Write,
    }
}
