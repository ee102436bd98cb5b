//! What this server can do, for clients that find out by themselves (RFC 8414).

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::access::Scope;
use crate::app::App;

/// `/.well-known/oauth-authorization-server`.
pub async fn show(State(app): State<App>) -> Json<Value> {
    let issuer = app.public_url();
    let at = |path: &str| format!("{issuer}/oauth2/{path}");
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "service_documentation": format!("{issuer}/docs"),
        "ui_locales_supported": ["en", "zh"],
    });
    if app.config().oauth.dynamic_registration {
        metadata["registration_endpoint"] = at("register").into();
    }
    Json(metadata)
}
