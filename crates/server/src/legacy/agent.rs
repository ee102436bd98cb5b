//! Who calls the gateway: an agent with a `sm-…` token of its user.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::auth::authenticate;
use crate::access::{Caller, Kind};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::http::peer::Peer;

/// The user behind a `sm-…` token. Tokens of the newer API do not work here, as theirs do not work there.
#[derive(Debug)]
pub(super) struct Agent(pub(super) Caller);

impl FromRequestParts<App> for Agent {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(|| ApiError::new(Code::TokenMissing))?;
        let invalid = || ApiError::new(Code::TokenInvalid);
        let (scheme, token) = header.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(invalid)?;
        let token =
            Some(token.trim()).filter(|t| scheme.eq_ignore_ascii_case("bearer") && t.starts_with(Kind::Agent.prefix()));
        let grant = authenticate(app, token.ok_or_else(invalid)?, Peer::of(parts)).await?;
        let user_id = grant.user_id.filter(|_| grant.kind == Kind::Agent).ok_or_else(invalid)?;
        Ok(Self(Caller { user_id, grant }))
    }
}
