//! The refresh token grant (contract 2.5): the refresh token is never rotated, parallel refreshes all succeed.

use super::Tokens;
use crate::access::Requested;
use crate::access::tokens::{self, Kind, NewToken};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::apps::Application;

/// Makes a new access token; tokens made earlier live on to their own end.
///
/// # Errors
/// `oauth2.refresh_token.{invalid,expired,revoked}`.
pub async fn refresh(app: &App, client: &Application, refresh_token: &str) -> Result<Tokens> {
    let grant = tokens::find(app.store(), app.key(), app.grants(), refresh_token).await?;
    let grant = grant
        .filter(|g| g.kind == Kind::Refresh && g.app_id.as_deref() == Some(&client.app_id))
        .ok_or_else(|| ApiError::new(Code::RefreshInvalid))?;
    let now = app.now();
    if grant.revoked.is_some() {
        return Err(ApiError::new(Code::RefreshRevoked));
    }
    if grant.expires_at.is_some_and(|at| at <= now) {
        return Err(ApiError::new(Code::RefreshExpired));
    }
    let scopes = Requested { names: grant.scope_names.clone(), set: grant.scopes };
    let seconds = app.config().oauth.access_token_seconds;
    let access_token = app.entropy().token(Kind::Access.prefix());
    let new = NewToken {
        kind: Kind::Access,
        user_id: grant.user_id,
        app_id: Some(&client.app_id),
        authorization_id: grant.authorization_id,
        scopes: &scopes,
        name: "",
        expires_at: Some(now + seconds * 1_000),
    };
    let mut tx = app.store().write().await?;
    tokens::insert(&mut tx, app.key(), &access_token, &new, now).await?;
    tx.commit().await?;
    Ok(Tokens {
        access_token,
        refresh_token: Some(refresh_token.to_owned()),
        token_type: "Bearer",
        expires_in: seconds,
        scope: scopes.names,
    })
}
