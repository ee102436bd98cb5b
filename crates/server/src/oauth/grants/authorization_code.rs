//! The authorization code grant (contract 2.4).

use super::Tokens;
use crate::access::{Kind, NewToken, Requested, tokens};
use crate::app::App;
use crate::error::{ApiError, Code, Result};
use crate::oauth::apps::Application;
use crate::oauth::codes;

/// Exchanges a code for an access and a refresh token, once.
///
/// # Errors
/// `oauth2.code.*`, `oauth2.redirect_uri.mismatch`.
pub async fn exchange(app: &App, client: &Application, code: &str, redirect_uri: &str) -> Result<Tokens> {
    let mut tx = app.store().write().await?;
    let granted = codes::redeem(app, &mut tx, code, |granted| {
        if granted.app_id.as_deref() != Some(&client.app_id) {
            return Err(ApiError::new(Code::CodeInvalid));
        }
        if granted.redirect_uri != redirect_uri {
            return Err(ApiError::new(Code::RedirectMismatch));
        }
        Ok(())
    })
    .await?;
    let scopes = Requested::parse(&granted.scopes)?;
    let now = app.now();
    let oauth = &app.config().oauth;
    let access_token = app.entropy().token(Kind::Access.prefix());
    let refresh_token = app.entropy().token(Kind::Refresh.prefix());
    for (token, kind, seconds) in [
        (&access_token, Kind::Access, oauth.access_token_seconds),
        (&refresh_token, Kind::Refresh, oauth.refresh_token_seconds),
    ] {
        let new = NewToken {
            kind,
            user_id: Some(granted.user_id),
            app_id: Some(&client.app_id),
            authorization_id: granted.authorization_id,
            scopes: &scopes,
            name: "",
            expires_at: Some(now + seconds * 1_000),
        };
        tokens::insert(&mut tx, app.key(), token, &new, now).await?;
    }
    tx.commit().await?;
    Ok(Tokens {
        access_token,
        refresh_token: Some(refresh_token),
        token_type: "Bearer",
        expires_in: oauth.access_token_seconds,
        scope: scopes.names,
    })
}
