//! OAuth2 as its standards have it, on the same apps, codes and tokens as SecondMe's dialect: a token of one works, and ends, in
//! the other. Metadata (RFC 8414), authorize with PKCE (RFC 7636) and `iss` (RFC 9207), token (RFC 6749), revoke (RFC 7009),
//! introspect (RFC 7662), and, where the operator allows it, registration (RFC 7591).
//!
//! Errors have the shape of RFC 6749 on these paths, and nowhere else.

pub mod client;
mod error;
mod introspect;
mod metadata;
mod register;
mod revoke;
mod token;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::routing::{get, post};
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;

pub use error::{OauthError, plain, word};

/// No form of these endpoints is larger.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The endpoints, from the root. Public clients in browsers call them from anywhere; they take no cookies.
pub fn routes() -> Router<App> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE]);
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/register", post(register::register))
        .route("/oauth2/revoke", post(revoke::revoke))
        .route("/oauth2/introspect", post(introspect::introspect))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(cors)
}
