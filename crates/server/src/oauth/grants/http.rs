//! `POST oauth/token/{code,refresh,client}` and the bare `oauth/token` (contract 2.4–2.7).

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{OF_CLIENT, OF_CODE, Tokens, authenticate, authorization_code, client_credentials, refresh_token};
use crate::access::Requested;
use crate::app::App;
use crate::error::{ApiError, Code, Problem, Result};
use crate::http::envelope::Envelope;
use crate::http::peer::Peer;
use crate::http::{Data, Form, Reply};

/// The token endpoints, below `/gate/lab/api`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(code)).routes(routes!(refresh)).routes(routes!(client)).routes(routes!(any))
}

/// The form of the token endpoints; JSON with the same names, or their camelCase forms, is accepted too.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    /// `authorization_code`, `refresh_token` or `client_credentials`.
    #[serde(alias = "grantType")]
    grant_type: Option<String>,
    #[serde(alias = "clientId")]
    client_id: Option<String>,
    #[serde(alias = "clientSecret")]
    client_secret: Option<String>,
    /// Of `authorization_code`: `lba_ac_…`.
    code: Option<String>,
    /// Of `authorization_code`: as in the authorize request.
    #[serde(alias = "redirectUri")]
    redirect_uri: Option<String>,
    /// Of `authorization_code`, where the authorize request had a `code_challenge`.
    #[serde(alias = "codeVerifier")]
    code_verifier: Option<String>,
    /// Of `refresh_token`: `lba_rt_…`.
    #[serde(alias = "refreshToken")]
    refresh_token: Option<String>,
    /// Of `client_credentials`; absent means `chat.write`.
    scope: Option<String>,
}

/// Exchanges an authorization code for tokens.
#[utoipa::path(post, path = "/oauth/token/code", tag = "OAuth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(()), responses((status = 200, body = Envelope<Tokens>)))]
async fn code(State(app): State<App>, peer: Peer, Form(form): Form<TokenForm>) -> Reply<Tokens> {
    form.expect_grant("authorization_code")?;
    by_code(&app, peer, &form).await.map(Data)
}

/// Makes a new access token; the refresh token stays the same.
#[utoipa::path(post, path = "/oauth/token/refresh", tag = "OAuth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(()), responses((status = 200, body = Envelope<Tokens>)))]
async fn refresh(State(app): State<App>, peer: Peer, Form(form): Form<TokenForm>) -> Reply<Tokens> {
    form.expect_grant("refresh_token")?;
    by_refresh(&app, peer, &form).await.map(Data)
}

/// Makes a token for the app itself.
#[utoipa::path(post, path = "/oauth/token/client", tag = "OAuth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(()), responses((status = 200, body = Envelope<Tokens>)))]
async fn client(State(app): State<App>, peer: Peer, Form(form): Form<TokenForm>) -> Reply<Tokens> {
    form.expect_grant("client_credentials")?;
    by_client(&app, peer, &form).await.map(Data)
}

/// The bare token endpoint: any grant, by `grant_type`.
#[utoipa::path(post, path = "/oauth/token", tag = "OAuth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(()), responses((status = 200, body = Envelope<Tokens>)))]
async fn any(State(app): State<App>, peer: Peer, Form(form): Form<TokenForm>) -> Reply<Tokens> {
    match form.grant_type.as_deref() {
        Some("authorization_code") => by_code(&app, peer, &form).await.map(Data),
        Some("refresh_token") => by_refresh(&app, peer, &form).await.map(Data),
        Some("client_credentials") => by_client(&app, peer, &form).await.map(Data),
        None => Err(ApiError::invalid("grant_type", &Problem::Required)),
        Some(other) => Err(ApiError::new(Code::GrantUnsupported).arg(other)),
    }
}

async fn by_code(app: &App, peer: Peer, form: &TokenForm) -> Result<Tokens> {
    let (id, secret) = form.client()?;
    let code = required("code", form.code.as_deref())?;
    let redirect_uri = required("redirect_uri", form.redirect_uri.as_deref())?;
    let client = authenticate(app, id, secret, OF_CODE, peer).await?;
    let proof = authorization_code::Proof {
        redirect_uri: Some(redirect_uri),
        verifier: form.code_verifier.as_deref(),
        audience: None,
    };
    authorization_code::exchange(app, &client, code, proof).await
}

async fn by_refresh(app: &App, peer: Peer, form: &TokenForm) -> Result<Tokens> {
    let (id, secret) = form.client()?;
    let token = required("refresh_token", form.refresh_token.as_deref())?;
    let client = authenticate(app, id, secret, OF_CODE, peer).await?;
    refresh_token::refresh(app, &client, token, None).await
}

async fn by_client(app: &App, peer: Peer, form: &TokenForm) -> Result<Tokens> {
    let (id, secret) = form.client()?;
    let secret = required("client_secret", secret)?;
    let client = authenticate(app, id, Some(secret), OF_CLIENT, peer).await?;
    client_credentials::issue(app, &client, Requested::parse(form.scope.as_deref().unwrap_or_default())?).await
}

impl TokenForm {
    fn expect_grant(&self, grant: &str) -> Result<()> {
        if self.grant_type.as_deref() == Some(grant) {
            Ok(())
        } else {
            Err(ApiError::new(Code::GrantInvalid).arg(grant))
        }
    }

    /// Client ID and secret; public clients have none.
    fn client(&self) -> Result<(&str, Option<&str>)> {
        let secret = self.client_secret.as_deref().filter(|secret| !secret.is_empty());
        Ok((required("client_id", self.client_id.as_deref())?, secret))
    }
}

fn required<'v>(field: &str, value: Option<&'v str>) -> Result<&'v str> {
    value.filter(|v| !v.is_empty()).ok_or_else(|| ApiError::invalid(field, &Problem::Required))
}
