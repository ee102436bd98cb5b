//! Errors as RFC 6749 (5.2) has them.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::{ApiError, Code, Lang};

/// An error of a standard endpoint.
#[derive(Debug)]
pub struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    retry_after: Option<u32>,
}

impl OauthError {
    /// `invalid_request`, and what is wrong with it.
    pub fn invalid_request(description: &str) -> Self {
        let (status, error) = (StatusCode::BAD_REQUEST, "invalid_request");
        Self { status, error, description: description.to_owned(), retry_after: None }
    }

    /// The client did not prove itself.
    pub fn invalid_client() -> Self {
        let description = "the client is unknown, or did not prove itself".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", description, retry_after: None }
    }
}

impl OauthError {
    /// What a client says about itself cannot be registered (RFC 7591, 3.2.2).
    pub fn metadata(description: &str) -> Self {
        Self { error: "invalid_client_metadata", ..Self::invalid_request(description) }
    }

    /// One of its redirect URIs cannot.
    pub fn redirect_uri(error: &ApiError) -> Self {
        Self { error: "invalid_redirect_uri", ..Self::invalid_request(&error.message(Lang::En)) }
    }
}

/// The standard's word for an error of the table.
pub fn word(code: Code) -> (StatusCode, &'static str) {
    use Code as C;
    let word = match code {
        C::ClientInvalid | C::ClientSecretMismatch | C::InvalidClient | C::DemoElsewhere => "invalid_client",
        C::CodeInvalid
        | C::CodeExpired
        | C::CodeUsed
        | C::CodeRevoked
        | C::RedirectMismatch
        | C::RefreshInvalid
        | C::RefreshExpired
        | C::RefreshRevoked => "invalid_grant",
        C::ScopeInvalid | C::ScopeDisallowed => "invalid_scope",
        C::ResourceInvalid => "invalid_target",
        C::GrantInvalid | C::GrantUnsupported => "unsupported_grant_type",
        C::AppPending | C::AppRejected | C::AppSuspended | C::AppInvalidStatus | C::AppInvalidType => {
            "unauthorized_client"
        }
        C::RegistrationOff => "access_denied",
        C::RateLimited => return (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
        C::Connection => return (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        C::Internal => return (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        _ => "invalid_request",
    };
    (if word == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }, word)
}

impl From<ApiError> for OauthError {
    fn from(error: ApiError) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(sub_code = error.code().row().sub_code, %cause, "request failed");
        }
        let (status, word) = word(error.code());
        Self { status, error: word, description: error.message(Lang::En), retry_after: error.retry_after_seconds() }
    }
}

/// Only what RFC 6749 allows in `error_description`.
pub fn plain(text: &str) -> String {
    let allowed = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    text.chars().map(|c| if allowed(c) { c } else { '\'' }).collect()
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": plain(&self.description)});
        let mut response = (self.status, Json(body)).into_response();
        no_store(&mut response);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth2\", charset=\"UTF-8\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Answers with tokens are kept by nobody.
pub(super) fn no_store(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
