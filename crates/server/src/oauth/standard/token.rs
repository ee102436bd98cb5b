//! `POST /oauth2/token` (RFC 6749): the same grants as in SecondMe's dialect, in the standard's words.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::OauthError;
use super::client::Call;
use super::error::no_store;
use crate::access::Requested;
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::oauth::apps::ClientType;
use crate::oauth::grants::{Tokens, authorization_code, client_credentials, refresh_token};
use crate::oauth::resource;

/// Any grant, by `grant_type`.
pub async fn token(State(app): State<App>, call: Call) -> Result<Response, OauthError> {
    let tokens = match call.required("grant_type")? {
        "authorization_code" => by_code(&app, &call).await?,
        "refresh_token" => by_refresh(&app, &call).await?,
        "client_credentials" => by_client(&app, &call).await?,
        other => return Err(ApiError::new(Code::GrantUnsupported).arg(other).into()),
    };
    Ok(answer(&tokens))
}

async fn by_code(app: &App, call: &Call) -> Result<Tokens, OauthError> {
    let audience = call.optional("resource").map(|named| resource::audience(app, named)).transpose()?;
    let proof = authorization_code::Proof {
        audience: audience.as_deref(),
        redirect_uri: call.optional("redirect_uri"),
        verifier: call.optional("code_verifier"),
    };
    Ok(authorization_code::exchange(app, &call.client, call.required("code")?, proof).await?)
}

async fn by_refresh(app: &App, call: &Call) -> Result<Tokens, OauthError> {
    let narrowed = call.optional("scope").map(Requested::parse).transpose()?;
    Ok(refresh_token::refresh(app, &call.client, call.required("refresh_token")?, narrowed).await?)
}

async fn by_client(app: &App, call: &Call) -> Result<Tokens, OauthError> {
    if call.client.client_type == ClientType::Public {
        return Err(ApiError::new(Code::AppInvalidType).into());
    }
    let scopes = Requested::parse(call.optional("scope").unwrap_or_default())?;
    Ok(client_credentials::issue(app, &call.client, scopes).await?)
}

fn answer(tokens: &Tokens) -> Response {
    let mut body = json!({
        "access_token": tokens.access_token,
        "token_type": tokens.token_type,
        "expires_in": tokens.expires_in,
        "scope": tokens.scope.join(" "),
    });
    if let Some(refresh_token) = &tokens.refresh_token {
        body["refresh_token"] = refresh_token.as_str().into();
    }
    let mut response = Json(body).into_response();
    no_store(&mut response);
    response
}
