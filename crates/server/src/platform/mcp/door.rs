//! Who may come in: a bearer token that was asked for here, or the user's own; and where others get one (RFC 9728).

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::tools;
use crate::access::auth::authenticate_at;
use crate::access::{Caller, Kind};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result, body};
use crate::http::peer::Peer;
use crate::oauth::resource;

/// `/.well-known/oauth-protected-resource/mcp`: what a client needs to get a token for this server.
pub(super) async fn metadata(State(app): State<App>) -> Json<Value> {
    Json(json!({
        "resource": resource::mcp(&app),
        "resource_name": "SecondMe",
        "authorization_servers": [app.public_url()],
        "scopes_supported": tools::scopes(),
        "bearer_methods_supported": ["header"],
        "resource_documentation": format!("{}/docs", app.public_url()),
    }))
}

/// Lets in who has a token, with the caller among the request's extensions.
pub(super) async fn open(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let (header, peer) = (request.headers().get(AUTHORIZATION).cloned(), Peer::of_request(&request));
    match caller(&app, header, peer).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => refused(&app, &error),
    }
}

async fn caller(app: &App, header: Option<HeaderValue>, peer: Peer) -> Result<Caller> {
    let header = header.ok_or_else(|| ApiError::new(Code::TokenMissing))?;
    let invalid = || ApiError::new(Code::TokenInvalid);
    let (scheme, token) = header.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(invalid)?;
    let token = Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty());
    let grant = authenticate_at(app, token.ok_or_else(invalid)?, peer, &resource::mcp(app)).await?;
    // The user's own tokens are good everywhere; an app's was asked for somewhere.
    let own = matches!(grant.kind, Kind::Personal | Kind::ApiKey);
    let user_id = grant.user_id.filter(|_| own || grant.audience.is_some()).ok_or_else(invalid)?;
    Ok(Caller { user_id, grant })
}

/// 401 with the place where tokens are to be had, as MCP clients expect it.
fn refused(app: &App, error: &ApiError) -> Response {
    if error.code().row().status != 401 {
        return error.clone().into_response();
    }
    let missing = if error.code() == Code::TokenMissing { "" } else { "error=\"invalid_token\", " };
    let challenge = format!(
        "Bearer {missing}resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", scope=\"{}\"",
        app.public_url(),
        tools::scopes().join(" ")
    );
    let mut response = (axum::http::StatusCode::UNAUTHORIZED, Json(body(error, Lang::En))).into_response();
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
