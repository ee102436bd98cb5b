//! The extractors that are the permission: `Auth<ChatWrite>` in a handler's arguments requires a user token with that scope.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::log::Action;
use super::permissions::Permission;
use super::tokens::{self, Grant, Kind};
use super::{Scope, ScopeSet};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::limits::{Met, Subject};
use crate::http::peer::Peer;
use crate::http::trace::Trace;

/// A user, acting through an app or on their own.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The user.
    pub user_id: i64,
    /// What stands behind the token: app, authorization, scopes.
    pub grant: Arc<Grant>,
}

impl Caller {
    /// The app's id, when the caller came through one.
    pub fn app_id(&self) -> Option<&str> {
        self.grant.app_id.as_deref()
    }

    /// What the token may do.
    pub fn scopes(&self) -> ScopeSet {
        self.grant.scopes
    }
}

/// A user token with permission `P`.
#[derive(Debug)]
pub struct Auth<P> {
    /// Who is calling.
    pub caller: Caller,
    permission: PhantomData<P>,
}

/// An app on its own, by a client-credentials token.
#[derive(Clone, Debug)]
pub struct AppCaller {
    /// The app.
    pub app_id: String,
    /// What stands behind the token.
    pub grant: Arc<Grant>,
}

/// A user or an app: for routes that take both.
#[derive(Debug)]
pub enum AppAuth {
    /// A user token.
    User(Caller),
    /// An app token.
    App(AppCaller),
}

impl<P: Permission> FromRequestParts<App> for Auth<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let grant = grant_of(parts, app).await?;
        let Some(user_id) = grant.user_id else {
            return Err(ApiError::new(Code::OauthTokenInvalid).arg("it belongs to an app, this route needs a user's"));
        };
        if let (Some(trace), Some(scope)) = (Trace::of(&parts.extensions), P::SCOPE) {
            trace.note(|facts| facts.needs = scope.name());
        }
        if let Some(scope) = P::SCOPE.filter(|scope| !is_excused(app, &grant, *scope)) {
            require(&grant, scope, P::REFUSAL)?;
        }
        note(parts, app, &grant, P::SCOPE);
        Ok(Self { caller: Caller { user_id, grant }, permission: PhantomData })
    }
}

impl FromRequestParts<App> for AppAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let grant = grant_of(parts, app).await?;
        // The routes that take both are visitor chat's.
        note(parts, app, &grant, Some(Scope::ChatWrite));
        match (grant.user_id, grant.app_id.clone()) {
            (Some(user_id), _) => Ok(Self::User(Caller { user_id, grant })),
            (None, Some(app_id)) => Ok(Self::App(AppCaller { app_id, grant })),
            (None, None) => Err(ApiError::new(Code::TokenInvalid)),
        }
    }
}

/// Refuses a grant without `scope`. Keys of the oldest generation have an error of their own.
pub fn require(grant: &Grant, scope: Scope, refusal: Code) -> Result<()> {
    if grant.scopes.has(scope) {
        return Ok(());
    }
    let code = if grant.kind == Kind::ApiKey { Code::ApiKeyPermission } else { refusal };
    Err(ApiError::new(code).arg(scope.name()))
}

/// A line for the user's access log.
fn note(parts: &Parts, app: &App, grant: &Grant, scope: Option<Scope>) {
    app.access_log().note(grant, scope, Action::of(&parts.method, parts.uri.path()), app.now());
}

/// Whether a grant of the first generation may do without a scope that did not exist then (contract 24.22).
fn is_excused(app: &App, grant: &Grant, scope: Scope) -> bool {
    scope == Scope::AgentMemory
        && app.config().compat.agent_memory_without_scope
        && grant.scope_names.iter().any(|name| Scope::is_old_name(name))
}

async fn grant_of(parts: &Parts, app: &App) -> Result<Arc<Grant>> {
    let token = bearer(parts)?;
    let found = find(app, token).await?;
    if let Some(trace) = Trace::of(&parts.extensions) {
        trace.note(|facts| {
            facts.app.clone_from(&found.app_id);
            facts.user_id = found.user_id;
            facts.token_kind = found.kind.word();
            facts.scopes = found.scope_names.join(" ");
        });
    }
    let grant = checked(app, found, Peer::of(parts), "")?;
    // Tokens of the older gateway work there only.
    if grant.kind == Kind::Agent {
        return Err(ApiError::new(Code::TokenInvalid));
    }
    if let Some(met) = parts.extensions.get::<Met>() {
        let app_id = grant.app_id.as_deref().map(Subject::App);
        for subject in grant.user_id.map(Subject::User).into_iter().chain(app_id) {
            app.limits().count(subject, met, app.now())?;
        }
    }
    Ok(grant)
}

/// The grant behind a bearer token that works now, at this address.
///
/// # Errors
/// 401 with the reason (HOUSE-RULES "401"), 403 when the app is suspended.
pub async fn authenticate(app: &App, token: &str, peer: Peer) -> Result<Arc<Grant>> {
    authenticate_at(app, token, peer, "").await
}

/// The same at a resource that tokens can be asked for. A token that was asked for another one does not work.
///
/// # Errors
/// As [`authenticate`].
pub async fn authenticate_at(app: &App, token: &str, peer: Peer, resource: &str) -> Result<Arc<Grant>> {
    checked(app, find(app, token).await?, peer, resource)
}

/// The grant behind a bearer token, whether it works or not.
async fn find(app: &App, token: &str) -> Result<Arc<Grant>> {
    let grant = tokens::find(app.store(), app.key(), app.grants(), token).await?;
    let invalid = if token.starts_with(Kind::ApiKey.prefix()) { Code::ApiKeyInvalid } else { Code::TokenInvalid };
    grant.filter(|g| g.kind != Kind::Refresh).ok_or_else(|| ApiError::new(invalid))
}

fn checked(app: &App, grant: Arc<Grant>, peer: Peer, resource: &str) -> Result<Arc<Grant>> {
    grant.check_alive(app.now())?;
    if grant.audience.as_ref().is_some_and(|audience| audience != resource) {
        return Err(ApiError::new(Code::TokenInvalid));
    }
    if grant.demo && !peer.is_loopback() {
        return Err(ApiError::new(Code::DemoElsewhere));
    }
    Ok(grant)
}

/// The token of the Authorization header.
fn bearer(parts: &Parts) -> Result<&str> {
    let Some(value) = parts.headers.get(AUTHORIZATION) else { return Err(ApiError::new(Code::TokenMissing)) };
    let value = value.to_str().map_err(|_| ApiError::new(Code::TokenInvalid))?.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(ApiError::new(Code::TokenInvalid)),
    }
}
