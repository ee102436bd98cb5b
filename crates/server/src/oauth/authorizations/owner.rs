//! The user in person: by a personal token, or signed in with a browser. What apps hold is not enough to manage apps.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::{Auth, Kind, permissions};
use crate::app::App;
use crate::error::{ApiError, Code, Lang, Result};
use crate::users::accounts::{MaybeSession, OwnOrigin};

/// The header that carries the session's CSRF token.
const CSRF: &str = "x-csrf-token";

/// The user in person.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// Who.
    pub user_id: i64,
}

impl FromRequestParts<App> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        if parts.headers.contains_key(AUTHORIZATION) {
            let auth = Auth::<permissions::AnyUser>::from_request_parts(parts, app).await?;
            if auth.caller.grant.kind != Kind::Personal {
                return Err(ApiError::new(Code::OauthTokenInvalid).arg("managing apps needs the user's own token"));
            }
            return Ok(Self { user_id: auth.caller.user_id });
        }
        let found = MaybeSession::from_request_parts(parts, app).await;
        let session = found.map_err(|_| ApiError::new(Code::Connection))?.0;
        let session = session.ok_or_else(|| ApiError::new(Code::TokenMissing))?;
        if !parts.method.is_safe() {
            let refused = || ApiError::new(Code::TokenInvalid);
            OwnOrigin::from_request_parts(parts, app).await.map_err(|_| refused())?;
            let given = parts.headers.get(CSRF).and_then(|value| value.to_str().ok());
            session.check_form(Lang::of(&parts.headers), given).map_err(|_| refused())?;
        }
        Ok(Self { user_id: session.user_id })
    }
}
