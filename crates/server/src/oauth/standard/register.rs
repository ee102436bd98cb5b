//! `POST /oauth2/register` (RFC 7591): clients that nobody registered before register themselves, where the operator allows it.
//!
//! Such a client has no developer, cannot be told from another by its name, and is deleted when nobody authorized it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::OauthError;
use super::error::no_store;
use crate::access::Requested;
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::http::Body;
use crate::oauth::apps::{self, ClientType, NewApplication};

/// What a client says about itself. Members that are not known are ignored, as the standard asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    scope: Option<String>,
}

const GRANTS: [&str; 2] = ["authorization_code", "refresh_token"];

/// Registers a client.
pub async fn register(State(app): State<App>, body: Result<Body<Metadata>, ApiError>) -> Result<Response, OauthError> {
    if !app.config().oauth.dynamic_registration {
        return Err(ApiError::new(Code::RegistrationOff).into());
    }
    let Body(metadata) = body.map_err(|_| OauthError::metadata("the body is no client metadata"))?;
    let (method, client_type) = method(metadata.token_endpoint_auth_method.as_deref())?;
    let known = |given: &Option<Vec<String>>, known: &[&str]| {
        given.as_ref().is_none_or(|all| all.iter().all(|one| known.contains(&one.as_str())))
    };
    if !known(&metadata.grant_types, &GRANTS) || !known(&metadata.response_types, &["code"]) {
        return Err(OauthError::metadata(
            "only the grants authorization_code and refresh_token, and the response type code",
        ));
    }
    let allowed = match metadata.scope.as_deref().filter(|scope| !scope.trim().is_empty()) {
        Some(scope) => Requested::parse(scope).map_err(|_| OauthError::metadata("unknown scope"))?,
        None => Requested::from_names(app.config().oauth.registration_scopes.iter().map(String::as_str))?,
    };
    let most = Requested::from_names(app.config().oauth.registration_scopes.iter().map(String::as_str))?;
    if allowed.within(most.set).is_err() {
        return Err(OauthError::metadata("a scope that clients which register themselves may not have"));
    }
    let new = NewApplication {
        owner: None,
        name: metadata.client_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or("Unnamed client"),
        description: "",
        redirect_uris: &metadata.redirect_uris,
        allowed: allowed.clone(),
        client_type,
    };
    let made = apps::register(&app, &new).await.map_err(|error| match error.code() {
        Code::RedirectInvalid => OauthError::redirect_uri(&error),
        Code::InvalidParam => OauthError::metadata(&error.message(crate::error::Lang::En)),
        _ => error.into(),
    })?;
    let mut body = json!({
        "client_id": made.client_id,
        "client_id_issued_at": app.now().div_euclid(1_000),
        "client_name": new.name,
        "redirect_uris": metadata.redirect_uris,
        "grant_types": GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "scope": allowed.names.join(" "),
    });
    if client_type == ClientType::Confidential {
        body["client_secret"] = made.client_secret.into();
        body["client_secret_expires_at"] = 0.into();
    }
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    no_store(&mut response);
    Ok(response)
}

/// How a client proves itself; by HTTP Basic when it does not say.
fn method(given: Option<&str>) -> Result<(&'static str, ClientType), OauthError> {
    match given {
        None | Some("client_secret_basic") => Ok(("client_secret_basic", ClientType::Confidential)),
        Some("client_secret_post") => Ok(("client_secret_post", ClientType::Confidential)),
        Some("none") => Ok(("none", ClientType::Public)),
        Some(_) => Err(OauthError::metadata(
            "token_endpoint_auth_method must be client_secret_basic, client_secret_post or none",
        )),
    }
}
